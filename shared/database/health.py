"""Whether the database answers, for a process's health report."""

import asyncio

from sqlalchemy import text

from shared.database.errors import DATABASE_ERRORS
from shared.database.session import Database
from shared.observability.health import Health

CHECK_SECONDS = 2.0  # between two checks, and the longest that one takes


async def watch_database(database: Database, health: Health) -> None:
    """Runs until it is cancelled."""
    while True:
        await check_database(database, health)
        await asyncio.sleep(CHECK_SECONDS)


async def check_database(database: Database, health: Health) -> None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await database.call(text("SELECT 1"))
    except DATABASE_ERRORS as error:
        health.down("database", type(error).__name__)
    else:
        health.up("database")
