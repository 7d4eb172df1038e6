"""What the pages point to is there."""

import re
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
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    links = [one for one in LINK.findall(page.read_text()) if "://" not in one and not one.startswith("mailto:")]
    assert [one for one in links if not (page.parent / one).exists()] == []


def test_every_promise_names_its_test() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    promises = re.findall(
        r"^\*\*.*?(?=\n\n)", text.partition("## Promises")[2].partition("## Not promised")[0], re.DOTALL | re.MULTILINE
    )
    assert len(promises) >= 10
    assert [one[:40] for one in promises if not re.search(r"\.\./\S*(test_\w+|matrix)\.py\)", one)] == []
