"""The relay: publishes the rows of the outbox in order, and deletes those that the broker has confirmed."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
from pamqp.commands import Basic
from prometheus_client import Counter, Gauge, Histogram

from keys.events import signature
from keys.services import ServiceKeys
from shared.backoff import Backoff
from shared.database.notifier import outbox_channel
from shared.database.session import Database
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging import broker, push, topology
from shared.messaging.broker import PERSISTENT, BrokerAwayError, Outgoing, WireChannel
from shared.messaging.events import Push, envelope
from shared.messaging.provenance import SOURCE, needs_signature
from shared.messaging.topology import REALTIME
from shared.observability import tracing
from shared.observability.health import Health

if TYPE_CHECKING:
    from shared.observability.telemetry_export import Span

BATCH, BATCHES_A_PASS = 500, 20
POLL, MEASURE_EVERY = 2.0, 5.0  # seconds; polls in case a poke was lost
MOST_COUNTED = 100_000
CONNECT_TIMEOUT, COMMAND_TIMEOUT = 5.0, 30.0
HOLDING = Backoff(first=1.0, longest=60.0)  # for event types that no queue accepts

WAITING = Gauge("outbox_rows_waiting", "Rows in the outbox, counted up to 100,000", ["service"])
OLDEST = Gauge("outbox_oldest_row_seconds", "Age of the oldest row in the outbox", ["service"])
PUBLISH_SECONDS = Histogram(
    "outbox_publish_seconds", "Seconds to publish a batch until all of it is confirmed", ["service"]
)
PUBLISHED = Counter("outbox_published_total", "Messages that the broker confirmed, by event type", ["service", "type"])
RETURNED = Counter("outbox_returned_total", "Messages that no queue accepted", ["service"])

Row = Mapping[str, Any]


@dataclass(eq=False)
class Relay:
    """Of all relays of a schema one works at any time; the others stand by."""

    database: Database
    service: str
    amqp_url: str
    health: Health
    on_published: Callable[[str, Row], None] = lambda service, row: None  # after the broker has confirmed it

    async def run(self) -> None:
        """Runs until a connection is lost."""
        async with _open_outbox(self.database, self.service) as outbox:
            await self._stand_by(outbox)
            await self._measure(outbox)
            async with broker.connection(self.amqp_url, f"{self.service} relay") as connection:
                channel = await connection.channel()
                await topology.check(channel)
                self.health.up("relay")
                with self.database.notifier.relaying_here(outbox.woken):
                    await self._relay(outbox, await broker.wire(channel))

    async def _stand_by(self, outbox: "_Outbox") -> None:
        # Polls, because waiting inside the lock function would hold back vacuum.
        while not await outbox.try_lock():
            WAITING.labels(self.service).set(0)  # the working relay reports these
            OLDEST.labels(self.service).set(0)
            self.health.up("relay")
            await asyncio.sleep(POLL)

    async def _relay(self, outbox: "_Outbox", channel: WireChannel) -> None:
        held = _Held()
        measured = 0.0
        while True:
            outbox.woken.clear()
            begun = time.monotonic()
            while await self._pass(outbox, channel, held):
                pass
            self.database.notifier.mark_relayed(begun)
            if time.monotonic() - measured > MEASURE_EVERY:
                await self._measure(outbox)
                measured = time.monotonic()
            if channel.is_closed:
                raise BrokerAwayError("the broker closed the channel")
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await outbox.woken.wait()

    async def _pass(self, outbox: "_Outbox", channel: WireChannel, held: "_Held") -> bool:
        """Publishes BATCHES_A_PASS batches. While the broker confirms one, the next is read and the last one deleted.

        A pass is bounded because a row that commits late can have a lower id than rows already read. Returns whether
        more rows may be waiting.
        """
        batch = self._send(channel, await outbox.fetch(held.types()))
        try:
            for left in reversed(range(BATCHES_A_PASS)):
                if not batch.rows:
                    return False
                following = await outbox.fetch(held.types(), after=batch.rows[-1]["id"]) if left else ()
                sent, confirms = batch, await batch.confirms
                batch = self._send(channel, () if None in confirms else following)
                await self._settle(outbox, sent, confirms, held)
        finally:
            batch.confirms.cancel()
            await asyncio.gather(batch.confirms, return_exceptions=True)
        return True

    def _send(self, channel: WireChannel, rows: Sequence[Row]) -> "_Batch":
        spans = [_span(row) for row in rows]
        keys = self.database.keys
        messages = [outgoing(self.service, row, keys, span) for row, span in zip(rows, spans, strict=True)]
        return _Batch(rows, spans, asyncio.create_task(self._publish(channel, messages)))

    async def _publish(self, channel: WireChannel, messages: Sequence[Outgoing]) -> list[bool | None]:
        if not messages:
            return []
        with PUBLISH_SECONDS.labels(self.service).time():
            return await broker.publish_all(channel, messages)

    async def _settle(self, outbox: "_Outbox", batch: "_Batch", confirms: Sequence[bool | None], held: "_Held") -> None:
        results = list(zip(batch.rows, confirms, strict=True))
        for span, confirmed in zip(batch.spans, confirms, strict=True):
            if span:
                span.end(error=None if confirmed else "not_taken")
        published = [row for row, confirmed in results if confirmed]
        await outbox.delete([row["id"] for row in published])
        for row in published:
            PUBLISHED.labels(self.service, row["type"]).inc()
            self.on_published(self.service, row)
        RETURNED.labels(self.service).inc(confirms.count(False))
        if None in confirms:
            raise BrokerAwayError("connection lost while publishing")
        held.update((row["type"], bool(confirmed)) for row, confirmed in results)

    async def _measure(self, outbox: "_Outbox") -> None:
        waiting, age = await outbox.backlog()
        WAITING.labels(self.service).set(waiting)
        OLDEST.labels(self.service).set(age)


def _span(row: Row) -> "Span | None":
    """The span of sending an event: a child of the call that caused it, and the parent of its handling."""
    if not tracing.active() or row["traceparent"] is None or row["exchange"] == REALTIME:
        return None
    return tracing.begin(
        f"send {row['type']}",
        "producer",
        row["traceparent"],
        system="rabbitmq",
        operation="send",
        destination=row["exchange"],
        event=row["type"],
        event_id=str(row["event_id"]),
    )


def outgoing(service: str, row: Row, keys: ServiceKeys | None, span: "Span | None" = None) -> Outgoing:
    """Signed, if it is an event that its publisher signs."""
    if row["exchange"] == REALTIME:
        content = orjson.loads(row["data"])
        message = Push(row["event_id"], content["audience"], row["type"], content["data"])
        return push.outgoing(message, row["occurred_at"])
    traced = {"traceparent": span.traceparent} if span else {}
    body = envelope(f"{SOURCE}{service}", {**row, "data": orjson.Fragment(row["data"]), **traced})
    if keys is not None and needs_signature(row["type"], row["actor_role"]):
        body["signature"] = signature(keys, body | {"data": orjson.loads(row["data"])})
    properties = Basic.Properties(
        message_id=str(row["event_id"]),
        message_type=row["type"],
        content_type="application/cloudevents+json",
        delivery_mode=PERSISTENT,
    )
    return Outgoing(row["exchange"], row["type"], orjson.dumps(body), properties)


@dataclass(frozen=True)
class _Batch:
    """Rows that are being published; `confirms` gives the broker's answer for each."""

    rows: Sequence[Row]
    spans: "list[Span | None]"
    confirms: "asyncio.Task[list[bool | None]]"


@dataclass
class _Held:
    """Event types that no queue accepts at the moment. They are tried again later and do not delay the others."""

    _until: dict[str, tuple[float, int]] = field(default_factory=dict)  # when to try again, and how often it failed

    def types(self) -> list[str]:
        now = time.monotonic()
        return [type_ for type_, (until, _) in self._until.items() if until > now]

    def update(self, results: Iterable[tuple[str, bool]]) -> None:
        for type_, accepted in dict(results).items():
            if accepted:
                self._until.pop(type_, None)
            else:
                _, failures = self._until.get(type_, (0.0, 0))
                self._until[type_] = (time.monotonic() + HOLDING.pause(failures), failures + 1)


@asynccontextmanager
async def _open_outbox(database: Database, service: str) -> AsyncIterator["_Outbox"]:
    connection = await asyncpg.connect(
        database.url,
        timeout=CONNECT_TIMEOUT,
        command_timeout=COMMAND_TIMEOUT,
        server_settings={"application_name": f"loctician-{database.schema}-relay", "jit": "off"},
    )
    try:
        outbox = _Outbox(connection, database.schema, topology.types_of(service))
        await outbox.prepare()
        yield outbox
    finally:
        connection.terminate()


class _Outbox:
    """The relay's own connection. It holds the lock and reads the rows, so that a relay that loses it stops, and
    another can take the lock."""

    def __init__(self, connection: Any, schema: str, types: Sequence[str]) -> None:
        """`types` of the service; if empty, all. Rows of other types, which no code of ours writes, stay."""
        self._connection = connection
        self._schema = schema
        self._types = types
        self._table = f'"{schema}".outbox'
        self.woken = asyncio.Event()

    async def prepare(self) -> None:
        claims = SERVICE_CLAIMS.as_json()
        await self._connection.execute("SELECT set_config('request.jwt.claims', $1, false)", claims)
        await self._connection.add_listener(outbox_channel(self._schema), lambda *_: self.woken.set())

    async def try_lock(self) -> bool:
        key = f"relay {self._schema}"
        return bool(await self._connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", key))

    async def fetch(self, held: Sequence[str], after: int = 0) -> Sequence[Row]:
        sql = f"""SELECT * FROM {self._table} WHERE type <> ALL ($1::text[]) AND id > $2
                  AND (exchange = '{REALTIME}' OR type = ANY ($3::text[]) OR $3 = '{{}}') ORDER BY id LIMIT {BATCH}"""
        rows: Sequence[Row] = await self._connection.fetch(sql, held, after, self._types)
        return rows

    async def delete(self, ids: Sequence[int]) -> None:
        sql = f"DELETE FROM {self._table} WHERE id = ANY ($1::bigint[])"
        await self._connection.execute(sql, ids)

    async def backlog(self) -> tuple[int, float]:
        """The number of rows and the age of the oldest in seconds."""
        sql = f"""SELECT count(*), coalesce(extract(epoch FROM now() - min(occurred_at)), 0)::float8
                  FROM (SELECT occurred_at FROM {self._table} ORDER BY id LIMIT {MOST_COUNTED}) AS waiting"""
        waiting, age = await self._connection.fetchrow(sql)
        return waiting, max(age, 0.0)
