"""A database of its own for each test, and a connection as the owner of its tables."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from shared.settings import Settings
from shared.testing.servers import Servers, as_owner, settings_for, with_database


@pytest.fixture
async def settings(servers: Servers) -> AsyncIterator[Settings]:
    name = f"test_migrations_{uuid4().hex[:8]}"
    await as_owner(servers.database_url, f"CREATE DATABASE {name}")
    yield settings_for(servers, with_database(servers.database_url, name))
    await as_owner(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def owner(settings: Settings) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(settings.database_url, timeout=10, command_timeout=60)
    yield connection
    await connection.close()
