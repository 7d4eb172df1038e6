"""A short form of `make chaos`."""

import secrets

import pytest

from provisioning.rabbitmq import server_command
from tests.chaos.run import Plan, run, show


@pytest.mark.slow
@pytest.mark.skipif(server_command() is None, reason="needs the servers' own packages, to kill and start them")
async def test_nothing_is_lost_doubled_or_left_over() -> None:
    outcome = await run(Plan(seconds=75, broker_stop_seconds=15, seed=secrets.randbelow(1_000_000)))
    show(outcome)  # with the seed, for whoever looks into a failure
    assert outcome.verdict.clean, outcome.report()
    assert outcome.verdict.bookings_accepted > 0
    assert sum(outcome.kills.values()) > 0
