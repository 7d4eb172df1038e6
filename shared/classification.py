"""Marks that classify every table column by what it says of a person, and why and how long it is held.

A column has a mark, `info=PERSONAL`, or one with a purpose of its own: `info=personal(purpose="security", keep="x")`.
A table says it once for all of its columns: `Table(..., info=about(purpose="security", keep="logins"))`. `keep` names a
retention policy of the service, or one of UNTIL.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, MetaData, Table

Mark = dict[str, str]

PERSONAL: Final[Mark] = {"personal": "personal"}  # says who somebody is or what they wrote
PSEUDONYMOUS: Final[Mark] = {"personal": "pseudonymous"}  # an id that only another table ties to a person
NONE: Final[Mark] = {"personal": "none"}
KINDS: Final = frozenset({"personal", "pseudonymous", "none"})

MOST_COUNTED = 1_000_000  # rows of a dry run
PERSONAL_DATA = Path(__file__).parent / "contracts" / "personal_data.json"  # generated from the marks of all services
LONGEST = timedelta(days=36_500)
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


@dataclass(frozen=True)
class Policy:
    """`counting` gives how many rows are older than `:before`; `statement` removes at most `:limit` of them and gives
    how many it removed. An admin may choose a `keep` between `least` and `most`."""

    name: str
    table: str
    purpose: str
    keep: timedelta
    counting: str
    statement: str
    least: timedelta = timedelta(days=1)
    most: timedelta = LONGEST


def deleting(name: str, table: str, *, purpose: str, keep: timedelta, where: str, **bounds: timedelta) -> Policy:
    """Deletes the rows for which `where` holds, a condition with `:before`."""
    return Policy(
        name, table, purpose, keep, _counting(table, where), _batch("DELETE FROM", table, "", where), **bounds
    )


def clearing(
    name: str, table: str, *, purpose: str, keep: timedelta, sets: str, where: str, **bounds: timedelta
) -> Policy:
    """Leaves the rows, parted from the person: `sets` stands after SET; `where` must not hold afterwards."""
    return Policy(
        name, table, purpose, keep, _counting(table, where), _batch("UPDATE", table, f"SET {sets}", where), **bounds
    )


def _counting(table: str, where: str) -> str:
    return f"SELECT count(*) FROM (SELECT FROM {table} WHERE {where} LIMIT {MOST_COUNTED}) AS due"


def _batch(verb: str, table: str, change: str, where: str) -> str:
    due = f"SELECT ctid FROM {table} WHERE {where} LIMIT :limit"
    done = f"{verb} {table} {change} WHERE ctid = ANY (ARRAY({due})) AND ({where}) RETURNING 1"
    return f"WITH done AS ({done}) SELECT count(*) FROM done"
