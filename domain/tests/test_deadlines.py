"""Deadlines in words, by the clock in Copenhagen."""

from datetime import UTC, datetime

import pytest

from domain.dates import format_deadline

NOW = datetime(2026, 9, 14, 21, 30, tzinfo=UTC)  # 23:30 in Copenhagen


@pytest.mark.parametrize(
    ("deadline", "danish", "english"),
    [
        (datetime(2026, 9, 14, 21, 45, tzinfo=UTC), "kl. 23.45 i dag", "23:45 today"),
        (datetime(2026, 9, 14, 22, 5, tzinfo=UTC), "kl. 0.05 i morgen", "00:05 tomorrow"),
        (
            datetime(2026, 9, 17, 7, tzinfo=UTC),
            "torsdag den 17. september 2026 kl. 9.00",
            "Thursday 17 September 2026 at 09:00",
        ),
    ],
)
def test_a_deadline_is_written_as_people_say_it(deadline: datetime, danish: str, english: str) -> None:
    assert format_deadline(deadline, NOW, "da") == danish
    assert format_deadline(deadline, NOW, "en") == english
