import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from shared.testing.servers import Servers, as_owner, vhost, with_database
from tests.e2e.stack import Stack, running


@pytest.fixture(scope="module")
async def stack(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    name = f"test_stack_{uuid4().hex[:8]}"
    await as_owner(servers.database_url, f"CREATE DATABASE {name}")
    with vhost(servers) as amqp_url:
        platform = running(Path(tmp_path_factory.mktemp("stack")), with_database(servers.database_url, name), amqp_url)
        made = await asyncio.to_thread(platform.__enter__)
        try:
            await made.ready()
            yield made
        finally:
            await asyncio.to_thread(platform.__exit__, None, None, None)
    await as_owner(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")
