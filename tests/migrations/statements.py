"""Which statements of a migration hold up, or break, a platform that runs on meanwhile: squawk's rules and our own."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

ROOT = Path(__file__).parents[2]
SQUAWK = Path(sys.executable).with_name("squawk")
NAME = r'(?:ONLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?P<name>[\w."]+)'
PIECE = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*'|(?P<tag>\$\w*\$).*?(?P=tag))|(?P<other>;|[^;'$/-]+|.)",
    re.DOTALL,
)
SAFE = re.compile(r"\bsafe:\s*\w+(\s+\S+){2,}", re.IGNORECASE)
CHANGES = re.compile(r"(ALTER|CREATE|DROP|REINDEX|TRUNCATE|CLUSTER|LOCK|VACUUM|UPDATE|DELETE)\b", re.IGNORECASE)

# What squawk has no rule for.
RULES = {
    r"ALTER TABLE .*\bADD (COLUMN )?(?!CONSTRAINT|CHECK)\S+ [^,]*\bCHECK\b": "checks every row under a lock: NOT VALID",
    r"ALTER TABLE .*\bALTER (COLUMN )?\S+ SET NOT NULL": "checks every row under a lock: a valid CHECK first",
    r"ALTER TABLE .*\bSET (LOGGED|UNLOGGED|TABLESPACE)\b": "rewrites the table",
    r"(TRUNCATE|CLUSTER|LOCK( TABLE)?|VACUUM FULL)\b": "locks everybody out of the table",
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
    """What is dangerous in one migration's statements. Statements about tables and functions that the migration itself
    creates are left out, and those with a comment that says why they are safe: `-- safe: why it is`."""
    statements = [statement for script in scripts for statement in split(script)]
    created = {_created(statement) for statement, _ in statements} - {None}
    concerned = [
        statement
        for statement, comments in statements
        if CHANGES.match(statement) and not SAFE.search(comments) and _subject(statement) not in created
    ]
    reasons = [_own_rule(statement) or finding for statement, finding in zip(concerned, squawk(concerned), strict=True)]
    findings = (f"{statement[:160]}: {reason}" for statement, reason in zip(concerned, reasons, strict=True) if reason)
    return list(dict.fromkeys(findings))


def squawk(statements: Sequence[str]) -> list[str | None]:
    """For each statement the first of squawk's findings, with its rule's name."""
    command = [str(SQUAWK), "--reporter=json", "--stdin-filepath=migration.sql"]
    # a line for each statement, so that the line of a finding names it
    lines = "".join(f"{' '.join(statement.split())};\n" for statement in statements)
    done = subprocess.run(command, cwd=ROOT, input=lines, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, 1), done.stderr
    first: dict[int, str] = {}
    for finding in json.loads(done.stdout or "[]"):
        first.setdefault(finding["line"], f"{finding['message']} ({finding['rule_name']})")
    return [first.get(number) for number in range(len(statements))]


def split(script: str) -> Iterator[tuple[str, str]]:
    """Each statement, on one line, with its comments apart; statements inside DO blocks too."""
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
                    for inner, _ in split(re.sub(r"^.*\bBEGIN\b|\bLOOP\b|\bTHEN\b", ";", body)):
                        yield inner, comments
            statement, comments = "", ""
        else:
            statement += piece["text"] or piece["other"]


def _own_rule(statement: str) -> str | None:
    return next((why for rule, why in RULES.items() if re.match(rule, statement, re.IGNORECASE)), None)


def _created(statement: str) -> str | None:
    created = r"CREATE (UNLOGGED )?TABLE\b|CREATE (OR REPLACE )?FUNCTION\b"
    return _subject(statement) if re.match(created, statement, re.IGNORECASE) else None


def _subject(statement: str) -> str | None:
    """The table or function that a statement is about."""
    patterns = (
        rf"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).*?\bON {NAME}",
        rf"\b(?:FUNCTION|ROUTINE|PROCEDURE)\s+{NAME}",
        rf"\b(?:TABLE|TRUNCATE|UPDATE|FROM)\s+{NAME}",
    )
    matches = (re.search(pattern, statement, re.IGNORECASE) for pattern in patterns)
    match = next((match for match in matches if match), None)
    return match["name"].replace('"', "").lower().rpartition(".")[2] if match else None
