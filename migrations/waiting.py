"""Waits until database and broker answer: on a first installation both start at the same time as the migration."""

import asyncio
import time
from collections.abc import Callable

import asyncpg

from shared.backoff import Backoff
from shared.database.errors import DATABASE_ERRORS
from shared.messaging import broker
from shared.settings import Settings, plain_url

ASKING_AGAIN = Backoff(first=1.0, longest=10.0)
CONNECT_SECONDS = 10.0
AWAY: tuple[type[Exception], ...] = (broker.BrokerAwayError, *DATABASE_ERRORS)
Tell = Callable[[str], None]


async def wait_for_servers(settings: Settings, seconds: float, tell: Tell) -> None:
    """Returns once both let the operator in. After `seconds`, raises what the last attempt met: DATABASE_ERRORS or
    BrokerAwayError. `tell` gets a line whenever the reason changes."""
    until, last_reason, failures = time.monotonic() + seconds, "", 0
    while True:
        try:
            await _ask_both(settings)
        except AWAY as error:
            left = until - time.monotonic()
            if left <= 0:
                raise
            reason = broker.brief(error)
            if reason != last_reason:
                tell(f"Waiting, at most {left:.0f} s more: {reason}")
            last_reason = reason
            await asyncio.sleep(min(ASKING_AGAIN.pause(failures), left))
            failures += 1
        else:
            return


async def _ask_both(settings: Settings) -> None:
    address = str(plain_url(settings.database_url))
    connection = await asyncpg.connect(address, timeout=CONNECT_SECONDS)
    await connection.close(timeout=CONNECT_SECONDS)
    async with broker.connection(settings.amqp_url, "loctician migrate"):
        pass
