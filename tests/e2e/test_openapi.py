"""The running platform against its own description: schemathesis briefly, and the attack list."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.testing.servers import Servers
from tests.e2e.conftest import own_servers, started
from tests.e2e.stack import Stack
from tests.fuzz.attacks import attack
from tests.fuzz.entrance import attack_entrance
from tests.fuzz.people import ROLES, People, described, gathered
from tests.fuzz.run import fuzz

SEED = 2026


@pytest.fixture(scope="module")
async def stack(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """One of its own: whatever an admin may do is done to it."""
    async with (
        own_servers(servers) as (database_url, amqp_url),
        started(tmp_path_factory.mktemp("attacked"), database_url, amqp_url) as stack,
    ):
        await stack.ready()
        yield stack


@pytest.fixture(scope="module")
async def people(stack: Stack) -> People:
    return await gathered(stack.url)


@pytest.fixture(scope="module")
async def document(stack: Stack) -> dict[str, Any]:
    return await described(stack.url)


@pytest.mark.slow
class TestRunning:
    async def test_every_operation_answers_everybody_as_described(
        self, people: People, document: dict[str, Any]
    ) -> None:
        outcome = await asyncio.to_thread(fuzz, document, people, ROLES, examples=1, seed=SEED)
        assert outcome.findings == {}
        assert outcome.calls.keys() == set(ROLES)

    async def test_no_attack_is_answered_with_a_server_error(self, people: People, document: dict[str, Any]) -> None:
        calls, findings = await attack(document, people, "admin", every=11)
        assert findings == []
        assert calls > 1000

    async def test_no_attack_on_the_entrance_works(self, people: People) -> None:
        calls, findings = await attack_entrance(people.url)
        assert findings == []
        assert calls > 15
