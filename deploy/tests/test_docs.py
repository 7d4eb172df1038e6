"""What the pages point to is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.tests.documents import ROOT

PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("deploy/**/*.md"),
        *ROOT.glob("services/*/*.md"),
        ROOT / "gateway/README.md",
    ]
)
LINE_LIMIT = 120
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_promise_names_its_test() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    promises = re.findall(
        r"^\*\*.*?(?=\n\n)", text.partition("## Promises")[2].partition("## Not promised")[0], re.DOTALL | re.MULTILINE
    )
    assert len(promises) >= 10
    assert [promise[:40] for promise in promises if not re.search(r"\.\./\S*(test_\w+|matrix)\.py\)", promise)] == []


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines outside of code and tables, which Markdown cannot break."""
    code = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        code ^= line.lstrip().startswith("```")
        if not code and not line.startswith(("    ", "|", "```")):
            yield number, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_are_short(page: Path) -> None:
    assert [number for number, line in prose(page) if len(line) >= LINE_LIMIT] == []
