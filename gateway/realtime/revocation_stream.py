"""Reads the broker's stream of ended sessions, and ends them at this gateway."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from pamqp.commands import Basic
from pydantic import AwareDatetime, BaseModel, ValidationError

from gateway.identity.revocations import Revocations
from gateway.metrics import REVOCATIONS_CURRENT, REVOKED_SECONDS
from gateway.realtime.feed import BROKER_SECONDS, watch_channel
from gateway.realtime.hub import Hub
from keys.services import ServiceKeys
from shared.messaging import broker, provenance, topology
from shared.messaging.broker import BrokerAwayError, Outgoing
from shared.messaging.subscriptions import UndecodableError
from shared.observability.health import Health
from shared.observability.log import logger

PREFETCH = 500
CATCH_UP_SECONDS = 120.0
PART = "revocations"

log = logger(__name__)


class SessionRevoked(BaseModel):
    user_id: UUID
    session_id: UUID | None


class Revoked(BaseModel):
    time: AwareDatetime
    data: SessionRevoked


class Marker(BaseModel):
    marker: str


class RevocationStream:
    """Reads the stream from the oldest revocation that still matters.

    It also writes a marker to the stream. A stream has one order, so once it reads its own marker it has read
    everything before it.
    """

    def __init__(
        self, amqp_url: str, keys: ServiceKeys | None, revocations: Revocations, hub: Hub, health: Health
    ) -> None:
        self._amqp_url = amqp_url
        self._keys = keys
        self._revocations = revocations
        self._hub = hub
        self._health = health
        self._marker = ""
        self._caught_up = asyncio.Event()
        self.tried = asyncio.Event()  # the stream was read to its end, or the first attempt has failed

    async def run(self) -> None:
        """Runs until the connection is lost; then raises BrokerAwayError or the driver's error.

        Each run reads by time again, not by offset: a stream that was created again has other offsets.
        """
        try:
            async with broker.connection(self._amqp_url, "gateway revocations") as connection:
                channel = await connection.channel()
                closed = await watch_channel(channel)
                await self._read(channel)
                await self._wait_until_caught_up(closed)
                self._mark_up()
                await closed
            raise BrokerAwayError("the broker stopped delivering")
        finally:
            REVOCATIONS_CURRENT.set(0)
            self.tried.set()

    async def _read(self, channel: AbstractChannel) -> None:
        await topology.check(channel, topology.REVOCATIONS)
        await channel.set_qos(prefetch_count=PREFETCH, timeout=BROKER_SECONDS)
        queue = await channel.get_queue(topology.REVOCATIONS, ensure=False)
        self._marker = str(uuid4())
        self._caught_up.clear()
        since = datetime.fromtimestamp(self._revocations.since, UTC)
        await queue.consume(self._receive, arguments={"x-stream-offset": since}, timeout=BROKER_SECONDS)
        body = orjson.dumps({"marker": self._marker})
        properties = Basic.Properties(content_type="application/json", delivery_mode=broker.PERSISTENT)
        marker = Outgoing(topology.MARKERS, topology.REVOCATIONS, body, properties)
        await broker.publish_surely(await broker.wire(channel), marker)

    async def _wait_until_caught_up(self, closed: asyncio.Future[None]) -> None:
        caught_up = asyncio.create_task(self._caught_up.wait())
        waiting: list[asyncio.Future[Any]] = [closed, caught_up]
        await asyncio.wait(waiting, timeout=CATCH_UP_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not caught_up.done():
            caught_up.cancel()
            raise BrokerAwayError("the stream of ended sessions was not read to its end")

    def _mark_up(self) -> None:
        self._revocations.complete = True
        REVOCATIONS_CURRENT.set(1)
        self._health.up(PART)
        self.tried.set()

    async def _receive(self, message: AbstractIncomingMessage) -> None:
        # Applied before the first await: so messages take effect in the order of the stream.
        self._apply(message.body)
        await message.ack()

    def _apply(self, body: bytes) -> None:
        try:
            if body.startswith(b'{"marker"'):
                if Marker.model_validate_json(body).marker == self._marker:
                    self._caught_up.set()
                return
            self._end(Revoked.model_validate(provenance.checked(self._keys, body, topology.REVOKED)))
        except ValidationError as error:
            log.warning("revocation_unreadable", errors=error.error_count())
        except UndecodableError as error:
            log.warning("revocation_refused", error=str(error))

    def _end(self, event: Revoked) -> None:
        user, session, at = event.data.user_id, event.data.session_id, event.time.timestamp()
        if session is None:
            self._revocations.end_all(user, at)
            self._hub.end_all(user, at)
        else:
            self._revocations.end_session(session, at)
            self._hub.end_session(session)
        if self._caught_up.is_set():
            REVOKED_SECONDS.observe(max(0.0, time.time() - at))
