"""Which language an answer has (RFC 9110, 12.5.4)."""

import pytest

from shared.errors import negotiate


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "da"),
        ("", "da"),
        ("en", "en"),
        ("en-GB", "en"),
        ("EN-us;Q=0.8", "en"),
        ("da, en", "da"),
        ("en, da", "en"),
        ("en;q=0.5, da", "da"),
        ("en;q=0.5,da;q=0.4", "en"),
        ("en;q=0, da", "da"),
        ("en;q=0", "da"),
        ("da;q=0", "en"),
        ("da;q=0, *", "en"),
        ("fr, *;q=0.5", "da"),
        ("fr, en;q=0.1", "en"),
        ("fr", "da"),
        ("en;q=nan", "da"),
        ("en;q=7, da;q=0.1", "da"),
        ("en;q=x", "da"),
        ("en ; q = 0.9 , da ; q=0.8", "en"),
    ],
)
def test_the_best_of_both(accepted: str | None, language: str) -> None:
    assert negotiate(accepted) == language
