"""The migration of a first installation, which starts together with its servers."""

import asyncio
from uuid import uuid4

import pytest

from migrations.waiting import wait_for_servers
from shared.messaging.broker import BrokerAwayError
from shared.settings import Settings
from shared.testing.servers import Servers, as_owner, secret_key, with_database


def settings(database_url: str, amqp_url: str) -> Settings:
    return Settings.model_validate({"database_url": database_url, "amqp_url": amqp_url, "secret_key": secret_key()})


class TestWaiting:
    async def test_it_ends_once_the_database_is_there(self, servers: Servers) -> None:
        name = f"test_waiting_{uuid4().hex[:8]}"
        lines: list[str] = []
        here = settings(with_database(servers.database_url, name), servers.amqp_url)
        waiting = asyncio.create_task(wait_for_servers(here, 120, lines.append))
        async with asyncio.timeout(60):
            while not lines:
                await asyncio.sleep(0.1)
        assert lines[0].startswith("Waiting, at most 1")
        assert name in lines[0]
        assert not waiting.done()
        await as_owner(servers.database_url, f"CREATE DATABASE {name}")
        try:
            await asyncio.wait_for(waiting, 120)
        finally:
            await as_owner(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")

    async def test_it_waits_for_the_broker_too_and_no_longer_than_told(self, servers: Servers) -> None:
        lines: list[str] = []
        away = settings(servers.database_url, "amqp://127.0.0.1:1/")
        with pytest.raises(BrokerAwayError):
            await wait_for_servers(away, 0.5, lines.append)
        assert len(lines) == 1, "the same reason is told once"
