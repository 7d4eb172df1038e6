"""The table of ASVS requirements is whole, and names tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "asvs.md"
STATES = {"met", "partly", "not met", "n/a"}
LINK = re.compile(r"\]\(([^)]+)\)")
# How many requirements each section of ASVS 5.0.0 has, and which of them are of level 3.
SECTIONS = {
    "6.1": (3, ()),
    "6.2": (12, ()),
    "6.3": (8, (5, 6, 7, 8)),
    "6.4": (6, (5, 6)),
    "6.5": (8, (6, 7, 8)),
    "6.6": (4, (4,)),
    "7.1": (3, ()),
    "7.2": (4, ()),
    "7.3": (2, ()),
    "7.4": (5, ()),
    "7.5": (3, (3,)),
    "7.6": (2, ()),
    "8.1": (4, (3, 4)),
    "8.2": (4, (4,)),
    "8.3": (3, (2, 3)),
    "8.4": (2, (2,)),
    "9.1": (3, ()),
    "9.2": (4, ()),
}
WANTED = {
    f"{section}.{number}"
    for section, (last, level_3) in SECTIONS.items()
    for number in range(1, last + 1)
    if number not in level_3
}
GROUPED = {"6.8.1 to 6.8.4", "the others of 10"}


def rows() -> list[list[str]]:
    lines = [line.strip("|").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines if len(line) == 6 and line[1].strip() in {"1", "2"}]


def test_each_requirement_of_levels_1_and_2_has_one_row() -> None:
    numbers = [row[0] for row in rows()]
    assert len(numbers) == len(set(numbers))
    outside = {number for number in numbers if not number.startswith("10.")} - GROUPED
    assert outside == WANTED
    assert set(numbers) >= GROUPED


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_says_its_state_and_names_tests_that_exist(row: list[str]) -> None:
    _, _, _, state, reason, tests = row
    assert state in STATES
    assert reason
    named = [PAGE.parent / link for link in LINK.findall(tests)]
    assert [path.name for path in named if not path.exists() or not path.name.startswith("test_")] == []
    assert named or state in {"not met", "n/a"}, "what is said to be met is shown by a test"


def test_the_counts_are_those_of_the_rows() -> None:
    counted = dict(re.findall(r"^\| (met|partly|not met|n/a) \| (\d+) \|$", PAGE.read_text(), re.MULTILINE))
    assert counted == {state: str(sum(row[3] == state for row in rows())) for state in STATES}
