"""The operator's commands as docs/operations.md writes them out for each kind of installation."""

import re
from dataclasses import dataclass

from deploy.tests.documents import ROOT

PAGE = ROOT / "docs" / "operations.md"
WAYS = (".venv/bin/loctician", "docker compose run --rm cli", "deploy/kubernetes/cli.sh")
ROW = re.compile(r"\| [^|`]+ \| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \|")
MENTION = re.compile(r"\bloctician ((?:[a-z][a-z-]+)(?: [a-z][a-z-]+)*)")


@dataclass(frozen=True)
class Command:
    words: str  # what is asked, without the program
    make_up: str
    compose: str
    kubernetes: str


def operator_commands() -> list[Command]:
    """The rows of the table, from top to bottom."""
    rows = [match.groups() for line in PAGE.read_text().splitlines() if (match := ROW.fullmatch(line))]
    return [Command(row[0].removeprefix(f"{WAYS[0]} "), *row) for row in rows]


def mentioned() -> set[str]:
    """What follows the word loctician elsewhere on the page, in code."""
    code = re.findall(r"`(loctician [^`]+)`|^    (loctician .*)$", PAGE.read_text(), re.MULTILINE)
    return {match[1] for text in code for match in [MENTION.match(" ".join("".join(text).split()))] if match}
