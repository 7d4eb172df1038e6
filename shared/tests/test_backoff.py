import pytest

from shared.backoff import Backoff, jitter

BACKOFF = Backoff(first=1.0, longest=60.0)


@pytest.mark.parametrize(("failures", "seconds"), [(0, 1.0), (1, 2.0), (5, 32.0), (6, 60.0), (10_000, 60.0)])
def test_a_pause_doubles_with_each_failure_up_to_the_longest(failures: int, seconds: float) -> None:
    pauses = [BACKOFF.pause(failures) for _ in range(200)]
    assert min(pauses) >= seconds * 0.8
    assert max(pauses) <= seconds * 1.2
    assert len(set(pauses)) > 1


def test_a_full_spread_may_give_no_pause_at_all() -> None:
    pauses = [Backoff(first=1.0, longest=1.0, spread=1.0).pause(0) for _ in range(500)]
    assert 0 <= min(pauses) < 0.2
    assert 1.8 < max(pauses) <= 2.0


def test_jitter_changes_a_pause_by_up_to_its_spread() -> None:
    assert all(9 <= jitter(10, 0.1) <= 11 for _ in range(200))
