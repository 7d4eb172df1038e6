"""Marks that classify every table column by what it says of a person, and why and how long it is held.

A column has a mark, `info=PERSONAL`, or one with a purpose of its own: `info=personal(purpose="security", keep="x")`.
A table says it once for all of its columns: `Table(..., info=about(purpose="security", keep="logins"))`. `keep` names a
retention policy of the service, or one of UNTIL.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Column, MetaData, Table

Mark = dict[str, str]

PERSONAL: Final[Mark] = {"personal": "personal"}  # says who somebody is or what they wrote
PSEUDONYMOUS: Final[Mark] = {"personal": "pseudonymous"}  # an id that only another table ties to a person
NONE: Final[Mark] = {"personal": "none"}
KINDS: Final = frozenset({"personal", "pseudonymous", "none"})

UNTIL: Final = frozenset({"published", "erased", "account_closed", "always"})


def personal(*, purpose: str, keep: str) -> Mark:
    return PERSONAL | about(purpose=purpose, keep=keep)


def pseudonymous(*, purpose: str, keep: str) -> Mark:
    return PSEUDONYMOUS | about(purpose=purpose, keep=keep)


def about(*, purpose: str, keep: str) -> Mark:
    return {"purpose": purpose, "keep": keep}


def marked(metadata: MetaData) -> dict[str, dict[str, Any]]:
    """Table -> what is said of it: purpose, keep, and its columns' marks."""
    tables = sorted(metadata.tables.values(), key=lambda table: table.name)
    return {str(table.name): {**_said(table.info), "columns": _columns(table)} for table in tables}


def undescribed(metadata: MetaData) -> Iterator[str]:
    """Columns that say something of a person, and not why or how long they are held."""
    for table in metadata.tables.values():
        for column in table.columns:
            told = table.info | column.info
            if column.info.get("personal") != "none" and not {"purpose", "keep"} <= told.keys():
                yield f"{table.name}.{column.name}"


def _columns(table: Table) -> dict[str, Mark]:
    return {str(column.name): _mark(column) for column in table.columns}


def _mark(column: Column[Any]) -> Mark:
    return {"personal": str(column.info.get("personal", "unmarked")), **_said(column.info)}


def _said(info: Mapping[Any, Any]) -> Mark:
    return {name: str(info[name]) for name in ("purpose", "keep") if name in info}
