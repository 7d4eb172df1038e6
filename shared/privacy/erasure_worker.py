"""The erasure worker: after a person was erased from the tables, deletes messages about them and reports to gdpr."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from shared.backoff import jitter
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging import dead_letters
from shared.messaging.events import emit
from shared.observability.health import Health
from shared.observability.log import logger
from shared.privacy.events import ErasureDone

PART = "erasure_worker"  # in the health report
POLL = 15.0  # seconds, in case a wakeup was lost with its process
SWEEP_EVERY = 600.0  # seconds
LATE = timedelta(seconds=2 * SWEEP_EVERY)
DEAD_LETTERS_KEPT = timedelta(days=90)

UNREPORTED = text("""
    SELECT subject_id, request_id, request_version, rows FROM erased_subjects
    WHERE reported_at IS NULL ORDER BY erased_at LIMIT 1000
""")
MARK_REPORTED = text("""
    UPDATE erased_subjects SET reported_at = clock_timestamp()
    WHERE subject_id = :subject_id AND request_id = :request_id AND reported_at IS NULL RETURNING 1
""")
ERASED_SINCE = text("SELECT subject_id FROM erased_subjects WHERE erased_at > :since ORDER BY erased_at DESC")

log = logger(__name__)


class ErasureWorker:
    """Before the report it erases the person again, because messages that name them may have been handled while they
    were being erased. Every ten minutes it does the same for people who were erased lately, and deletes dead letters
    that are too old."""

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
        """Runs until a connection is lost."""
        while True:
            self._woken.clear()
            await self.work()
            self._health.up(PART)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), jitter(POLL))

    async def work(self) -> None:
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            erasures = [dict(row) for row in (await session.execute(UNREPORTED)).mappings()]
        if time.monotonic() - self._swept > SWEEP_EVERY:
            await self._erase_again(await self._erased_since(datetime.now(UTC) - LATE))
            self._swept = time.monotonic()
            await self._sweep()
        if erasures:
            deleted = await self._sweep()
            await self._erase_again({erasure["subject_id"] for erasure in erasures})
            for erasure in erasures:
                await self._report(erasure, deleted.get(erasure["subject_id"], 0))

    async def _report(self, erasure: Mapping[str, Any], dead_letters: int) -> None:
        """Publishes, once, that the person was erased here. `dead_letters`: how many messages were deleted."""
        values = {"subject_id": erasure["subject_id"], "request_id": erasure["request_id"]}
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            if (await session.execute(MARK_REPORTED, values)).all():
                result = {"version": erasure["request_version"], "service": self._service, "rows": erasure["rows"]}
                emit(session, ErasureDone(**values, **result, dead_letters=dead_letters))

    async def _erase_again(self, subject_ids: Iterable[str]) -> None:
        if self._privacy is not None:
            for subject_id in subject_ids:
                async with transaction(self._database, SERVICE_CLAIMS) as session:
                    await self._privacy.erase(session, UUID(subject_id))

    async def _erased_since(self, since: datetime) -> set[str]:
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            return set((await session.execute(ERASED_SINCE, {"since": since})).scalars())

    async def _sweep(self) -> Mapping[str, int]:
        """Deletes messages about erased people, and those that are too old. Returns how many of each person."""
        oldest = datetime.now(UTC) - DEAD_LETTERS_KEPT
        erased = await self._erased_since(oldest - timedelta(days=1))
        deleted = await dead_letters.delete_about(self._amqp_url, self._service, erased, oldest)
        if deleted:
            log.info("messages_forgotten", people=len(deleted), messages=sum(deleted.values()))
        return deleted
