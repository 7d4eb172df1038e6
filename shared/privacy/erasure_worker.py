"""After a person was erased from the tables: also from the messages that failed, and the proof to gdpr."""

import asyncio
import random
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging import dead_letters as deadletters
from shared.observability.health import Health
from shared.observability.log import logger
from shared.privacy import data_subject_requests as subjects

POLL = 15.0  # seconds, should a wake have been lost with its process
SWEEP_EVERY = 600.0
LATE = timedelta(seconds=2 * SWEEP_EVERY)
DEAD_LETTERS_KEPT = timedelta(days=90)

log = logger(__name__)


class Forgetting:
    """Takes what was said of erased people out of the service's retry and dead-letter queues, then sends the proof.

    Before that it erases once more, as other messages that name the person, of a booking say, may have been in hand at
    the moment of erasing. It comes by again every ten minutes: for what was on its way meanwhile, and for dead letters
    that are too old.
    """

    def __init__(self, database: Database, service: str, amqp_url: str, health: Health, privacy: Any = None) -> None:
        self._database = database
        self._privacy = privacy
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
        if time.monotonic() - self._swept > SWEEP_EVERY:
            await self._erase_again(await self._forgotten_since(datetime.now(UTC) - LATE))
            self._swept = time.monotonic()
            await self._sweep()
        if erased:
            found = await self._sweep()
            await self._erase_again({one["subject_id"] for one in erased})
            for one in erased:
                async with transaction(self._database, SERVICE_CLAIMS) as session:
                    await subjects.prove(session, self._service, one, found.get(one["subject_id"], 0))

    async def _unproven(self) -> list[dict[str, Any]]:
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            return await subjects.unproven(session, self._service)

    async def _erase_again(self, people: Iterable[str]) -> None:
        if self._privacy is not None:
            for person in people:
                async with transaction(self._database, SERVICE_CLAIMS) as session:
                    await self._privacy.erase(session, UUID(person))

    async def _forgotten_since(self, since: datetime) -> set[str]:
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            return await subjects.forgotten_since(session, self._service, since)

    async def _sweep(self) -> Mapping[str, int]:
        oldest = datetime.now(UTC) - DEAD_LETTERS_KEPT
        gone = await self._forgotten_since(oldest - timedelta(days=1))
        found = await deadletters.delete_about(self._amqp_url, self._service, gone, oldest)
        if found:
            log.info("messages_forgotten", people=len(found), messages=sum(found.values()))
        return found
