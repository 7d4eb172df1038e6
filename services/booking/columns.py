"""Short constructors for the tables and columns of models.py. Each column has a mark of shared.classification."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Identity,
    MetaData,
    Table,
    Uuid,
    text,
)

from shared.classification import NONE, Mark

metadata = MetaData(schema="booking")
INSTANT = DateTime(timezone=True)


def table(name: str, *parts: Any, **options: Any) -> Table:
    return Table(name, metadata, *parts, **options)


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


def check(condition: str, name: str | None = None) -> CheckConstraint:
    return CheckConstraint(condition, name=name)


def bounded(column: str, name: str | None = None) -> CheckConstraint:
    """A range or multirange with both bounds."""
    return check(f"NOT (lower_inf({column}) OR upper_inf({column}))", name)


def bounded_and_not_empty(column: str) -> CheckConstraint:
    return check(f"NOT (isempty({column}) OR lower_inf({column}) OR upper_inf({column}))")


def generated(expression: str) -> Computed:
    """Marks a column as computed by the database from others, and stored."""
    return Computed(expression, persisted=True)
