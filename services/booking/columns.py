"""Short constructors for the columns of a service's models.py. Each column has a mark of shared.classification."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Computed, DateTime, Identity, Uuid, text

from shared.classification import NONE, Mark

INSTANT = DateTime(timezone=True)


def key(name: str, mark: Mark, *parts: Any, type_: Any = Uuid, **options: Any) -> Column[Any]:
    """A column of the primary key. `parts`: foreign key, checks."""
    return Column(name, type_, *parts, primary_key=True, info=mark, **options)


def numbered() -> Column[Any]:
    """The key of a table whose rows the database numbers."""
    return key("id", NONE, Identity(always=True), type_=BigInteger)


def singleton() -> Column[Any]:
    """The key of a table that has at most one row."""
    return key("singleton", NONE, check("singleton"), type_=Boolean, server_default=text("true"))


def required(name: str, type_: Any, mark: Mark = NONE, *parts: Any, default: str | None = None) -> Column[Any]:
    """A column that is never NULL. `default`: an SQL expression."""
    server_default = None if default is None else text(default)
    return Column(name, type_, *parts, nullable=False, server_default=server_default, info=mark)


def optional(name: str, type_: Any, mark: Mark = NONE, *parts: Any, **options: Any) -> Column[Any]:
    return Column(name, type_, *parts, info=mark, **options)


def check(condition: str) -> CheckConstraint:
    return CheckConstraint(condition)


def generated(expression: str) -> Computed:
    """Marks a column as computed by the database from others, and stored."""
    return Computed(expression, persisted=True)
