"""After a person was erased from the tables: also from the messages that failed, and the proof to gdpr."""

import asyncio
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from shared import deadletters, subjects
from shared.auth import SERVICE_CLAIMS
from shared.db import Database, transaction
from shared.health import Health
from shared.log import logger

POLL = 15.0  # seconds, should a wake have been lost with its process
SWEEP_EVERY = 600.0
DEAD_LETTERS_KEPT = timedelta(days=90)

log = logger(__name__)


class Forgetting:
    """Takes what was said of erased people out of the service's retry and dead-letter queues, then sends the proof.

    It comes by again every ten minutes: for what was on its way meanwhile, and for dead letters that are too old.
    """

    def __init__(self, database: Database, service: str, amqp_url: str, health: Health) -> None:
        self._database = database
        self._service = service
        self._amqp_url = amqp_url
        self._health = health
        self._woken = asyncio.Event()
        self._swept = time.monotonic()

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Until a connection is lost."""
        while True:
            self._woken.clear()
            await self.work()
            self._health.up("forgetting")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), POLL * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load

    async def work(self) -> None:
        erased = await self._unproven()
        if erased or time.monotonic() - self._swept > SWEEP_EVERY:
            found = await self._sweep()
            self._swept = time.monotonic()
            for one in erased:
                async with transaction(self._database, SERVICE_CLAIMS) as session:
                    await subjects.prove(session, self._service, one, found.get(one["subject_id"], 0))

    async def _unproven(self) -> list[dict[str, Any]]:
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            return await subjects.unproven(session, self._service)

    async def _sweep(self) -> Mapping[str, int]:
        oldest = datetime.now(UTC) - DEAD_LETTERS_KEPT
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            gone = await subjects.forgotten_since(session, self._service, oldest - timedelta(days=1))
        found = await deadletters.forget(self._amqp_url, self._service, gone, oldest)
        if found:
            log.info("messages_forgotten", people=len(found), messages=sum(found.values()))
        return found
