"""Names say what they mean: the code of clean packages has no pronouns and no figures of speech as names."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Packages without forbidden names. Whoever has cleaned another package adds it here.
CLEAN = [
    "gateway",
    "cli",
    "domain",
    "keys",
    "migrations",
    "services/auth",
    "services/booking",
    "services/calendar",
    "services/gdpr",
    "services/notifications",
    "shared",
]
FORBIDDEN = {
    *("one", "who", "found", "told", "asked", "made", "said", "given"),  # use the noun: row, user, request, answer
    *("room", "door", "crowd", "lender", "desk", "mint", "patience"),  # use the field's own term
}


def files(package: str) -> list[Path]:
    names = subprocess.run(["git", "ls-files", f"{package}/*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in names.stdout.split()]
    return [path for path in paths if path.exists() and not {"tests", "testing"} & set(path.relative_to(ROOT).parts)]


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each name that the code defines, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.ExceptHandler(name=str(name)):
                yield node.lineno, name


def forbidden(path: Path) -> list[str]:
    place = path.relative_to(ROOT)
    used = [(0, part.removesuffix(".py")) for part in place.parts]
    used += names(ast.parse(path.read_text()))
    return [f"{place}:{line} {name}" for line, name in used if name.strip("_").lower() in FORBIDDEN]


@pytest.mark.parametrize("package", CLEAN)
def test_no_name_is_a_pronoun_or_a_figure_of_speech(package: str) -> None:
    paths = files(package)
    assert paths
    found = [line for path in paths for line in forbidden(path)]
    assert found == [], "rename these to the noun that they stand for:\n" + "\n".join(found)


def test_forbidden_names_are_seen_wherever_they_are_defined(tmp_path: Path) -> None:
    code = """
import json as told
class Desk: ...
def _asked(who, *, given=1):
    found = [one for one in given]
    self.made = found
    for said, in found: ...
    with open("x") as room: ...
    try: ...
    except ValueError as mint: ...
    match given:
        case [door, *crowd]: ...
"""
    seen = {name.strip("_").lower() for _, name in names(ast.parse(code))}
    assert seen & FORBIDDEN == FORBIDDEN - {"lender", "patience"}


@pytest.mark.parametrize("package", ["migrations", "shared"])
def test_shared_code_holds_no_word_of_the_domain(package: str) -> None:
    domain = re.compile(r"customer\b|salon|currenc|copenhagen|treatment|booking", re.IGNORECASE)
    texts = {path.relative_to(ROOT): path.read_text() for path in files(package)}
    assert {f"{path}: {match[0]}" for path, text in texts.items() for match in domain.finditer(text)} == set()
