"""Marks that classify table columns (is it personal data, what for, how long is it kept), and retention policies.

A column has a mark, `info=PERSONAL`, or one with a purpose of its own: `info=personal(purpose="security", keep="x")`.
A table gives purpose and time for all of its columns: `Table(..., info=about(purpose="security", keep="logins"))`.
`keep` is the name of one of the service's retention policies, or one of UNTIL.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

Mark = dict[str, str]

PERSONAL: Final[Mark] = {"personal": "personal"}  # says who a person is, or what they wrote
PSEUDONYMOUS: Final[Mark] = {"personal": "pseudonymous"}  # an id that another table links to a person
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


@dataclass(frozen=True)
class Policy:
    """`counting` counts the rows that are older than `:before`; `statement` removes at most `:limit` of them and
    returns how many. An admin may choose a `keep` between `least` and `most`."""

    name: str
    table: str
    purpose: str
    keep: timedelta
    counting: str
    statement: str
    least: timedelta = timedelta(days=1)
    most: timedelta = LONGEST


def deleting(name: str, table: str, *, purpose: str, keep: timedelta, where: str, **bounds: timedelta) -> Policy:
    """A policy that deletes the rows for which `where`, a condition with `:before`, is true."""
    return Policy(
        name, table, purpose, keep, _counting(table, where), _batch("DELETE FROM", table, "", where), **bounds
    )


def clearing(
    name: str, table: str, *, purpose: str, keep: timedelta, sets: str, where: str, **bounds: timedelta
) -> Policy:
    """A policy that anonymizes the rows: `sets` stands after SET; `where` must be false afterwards."""
    return Policy(
        name, table, purpose, keep, _counting(table, where), _batch("UPDATE", table, f"SET {sets}", where), **bounds
    )


def _counting(table: str, where: str) -> str:
    return f"SELECT count(*) FROM (SELECT FROM {table} WHERE {where} LIMIT {MOST_COUNTED}) AS due"


def _batch(verb: str, table: str, change: str, where: str) -> str:
    due = f"SELECT ctid FROM {table} WHERE {where} LIMIT :limit"
    done = f"{verb} {table} {change} WHERE ctid = ANY (ARRAY({due})) AND ({where}) RETURNING 1"
    return f"WITH done AS ({done}) SELECT count(*) FROM done"
