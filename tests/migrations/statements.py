"""Which statements of a migration hold up, or break, a platform that runs on meanwhile."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

NAME = r'(?:ONLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?P<name>[\w."]+)'
PIECE = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*'|(?P<tag>\$\w*\$).*?(?P=tag))|(?P<other>;|[^;'$/-]+|.)",
    re.DOTALL,
)
SAFE = re.compile(r"\bsafe:\s*\w+(\s+\S+){2,}", re.IGNORECASE)
VOLATILE = r"DEFAULT\s+\(?\s*(?:\w+\.)?(gen_random_uuid|clock_timestamp|random|nextval|timeofday|uuid\w*)\s*\("

CHECKS = "checks every row under a lock: NOT VALID, then VALIDATE CONSTRAINT in the next migration"
BUILDS = "builds an index under a lock: create_index() first, then USING INDEX"
REWRITES = "rewrites the table: add a plain column, backfill(), change over"
ADD_COLUMN = r"ADD (COLUMN )?(?!CONSTRAINT|CHECK|FOREIGN|UNIQUE|PRIMARY|EXCLUDE)"

# of ALTER TABLE, action by action
ACTIONS = {
    r"ADD (CONSTRAINT \S+ )?(CHECK|FOREIGN KEY)\b(?!.*NOT VALID)": CHECKS,
    r"ADD (CONSTRAINT \S+ )?(UNIQUE|PRIMARY KEY|EXCLUDE)\b(?!.*USING INDEX)": BUILDS,
    rf"{ADD_COLUMN}(?=.*NOT NULL)(?!.*(DEFAULT|GENERATED))": "the old code inserts without it: give a default",
    rf"{ADD_COLUMN}.*{VOLATILE}": REWRITES,
    rf"{ADD_COLUMN}.*\bGENERATED\b": REWRITES,
    rf"{ADD_COLUMN}\S+ .*\bCHECK\b": CHECKS,
    rf"{ADD_COLUMN}\S+ .*\b(UNIQUE|PRIMARY KEY)\b": BUILDS,
    r"ALTER (COLUMN )?\S+ (SET DATA )?TYPE\b": REWRITES,
    r"ALTER (COLUMN )?\S+ SET NOT NULL": "checks every row under a lock: a valid CHECK first, then say that it is safe",
    r"DROP (COLUMN )?(?!CONSTRAINT|EXPRESSION)(IF EXISTS )?\w": "the old code reads it: drop it in a later release",
    r"RENAME\b": "the old code knows the old name",
    r"SET (SCHEMA|LOGGED|UNLOGGED|TABLESPACE)\b": REWRITES,
}
STATEMENTS = {
    r"DROP (TABLE|VIEW|MATERIALIZED VIEW|TYPE|SCHEMA)\b": "the old code still uses it: drop it in a later release",
    r"ALTER (FUNCTION|TYPE|VIEW) .*\bRENAME\b": "the old code knows the old name",
    r"(TRUNCATE|CLUSTER|LOCK( TABLE)?|VACUUM FULL)\b": "locks everybody out of the table",
    r"REINDEX (?!.*CONCURRENTLY)": "locks everybody out of the table: CONCURRENTLY",
    r"(UPDATE|DELETE FROM) (?!.*\bWHERE\b)": "touches every row in one transaction: backfill()",
}
Finding = str


@contextmanager
def recorded() -> Iterator[list[str]]:
    """All that is sent to any database meanwhile."""
    sent: list[str] = []

    def executing(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    def connected(adapted: Any, _record: Any) -> None:
        adapted.driver_connection.add_query_logger(lambda query: sent.append(query.query))

    event.listen(Engine, "before_cursor_execute", executing)
    event.listen(Engine, "connect", connected)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", executing)
        event.remove(Engine, "connect", connected)


def dangers(scripts: list[str]) -> list[Finding]:
    """What is dangerous in one migration's statements. Left out are those for tables of its own, and those said to be
    safe by a comment within the statement: `-- safe: why it is`."""
    statements = [one for script in scripts for one in _split(script)]
    made = {_name(one) for one, _ in statements if re.match(r"CREATE (UNLOGGED )?TABLE\b", one, re.IGNORECASE)}
    functions = {
        _function(one) for one, _ in statements if re.match(r"CREATE (OR REPLACE )?FUNCTION\b", one, re.IGNORECASE)
    }
    found = []
    for statement, comments in statements:
        reason = _danger(statement, made, functions)
        if reason and not SAFE.search(comments):
            found.append(f"{statement[:160]}: {reason}")
    return list(dict.fromkeys(found))


def _split(script: str) -> Iterator[tuple[str, str]]:
    """Statement by statement, with whitespace made one; comments apart; what DO blocks do included."""
    statement, comments = "", ""
    for piece in PIECE.finditer(f"{script}\n;"):
        if piece["comment"]:
            comments += piece["comment"]
            statement += " "
        elif piece["other"] == ";":
            if plain := " ".join(statement.split()):
                yield plain, comments
                if re.match(r"DO\b", plain):
                    body = plain.split("$")[2] if plain.count("$") > 3 else ""
                    yield from (
                        (one, comments) for one, _ in _split(re.sub(r"^.*\bBEGIN\b|\bLOOP\b|\bTHEN\b", ";", body))
                    )
            statement, comments = "", ""
        else:
            statement += piece["text"] or piece["other"]


def _danger(statement: str, made: set[str], functions: set[str]) -> str | None:
    index = re.match(rf"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY).*?\bON {NAME}", statement, re.IGNORECASE)
    if index and _plain(index["name"]) not in made:
        return "holds up every writer: create_index(), in a migration of its own"
    dropped = re.match(r"DROP (FUNCTION|ROUTINE|PROCEDURE)\b", statement, re.IGNORECASE)
    if dropped and _function(statement) not in functions:
        return "the old code still calls it: drop it in a later release"
    table = re.match(rf"ALTER TABLE {NAME}\s+(?P<actions>.*)", statement, re.IGNORECASE)
    if table and _plain(table["name"]) not in made:
        reasons = (_first(ACTIONS, action) for action in _actions(table["actions"]))
        return next((reason for reason in reasons if reason), None)
    return (
        None
        if table
        else _first({rule: why for rule, why in STATEMENTS.items() if _name(statement) not in made}, statement)
    )


def _first(rules: dict[str, str], statement: str) -> str | None:
    return next((why for rule, why in rules.items() if re.match(rule, statement, re.IGNORECASE)), None)


def _actions(text: str) -> Iterator[str]:
    """Parted by commas that stand in no parenthesis."""
    depth, action = 0, ""
    for character in text + ",":
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield action.strip()
            action = ""
        else:
            action += character


def _name(statement: str) -> str:
    found = re.search(rf"\b(TABLE|TRUNCATE|UPDATE|FROM)\s+{NAME}", statement, re.IGNORECASE)
    return _plain(found["name"]) if found else ""


def _function(statement: str) -> str:
    found = re.search(rf"\b(FUNCTION|ROUTINE|PROCEDURE)\s+{NAME}", statement, re.IGNORECASE)
    return _plain(found["name"]) if found else ""


def _plain(name: str) -> str:
    return name.replace('"', "").lower().rpartition(".")[2]
