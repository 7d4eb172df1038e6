"""A schema of the tests' own, a broker connection that can be cut, and waiting for what must happen."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import orjson
from alembic.migration import MigrationContext
from alembic.operations import Operations
from pamqp.commands import Basic
from pydantic import BaseModel
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from migrations.revisions import create_service_tables, script
from migrations.sql_files import shared_files
from migrations.topology import declare
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging import broker, topology
from shared.messaging.events import Event, emit, new_id
from shared.observability.health import Health
from shared.observability.log import Lines
from shared.settings import runtime_role
from shared.testing.proxy import ended
from shared.testing.servers import Servers, as_owner, with_database

PASSWORD = "made-up"
BINDINGS = {"shop": ["thing.noted.v1"]}
QUICK = (40, 80)  # milliseconds between retries


class Noted(Event, type="thing.noted.v1", subject="thing_id"):
    thing_id: UUID
    text: str = ""


class NotedHere(BaseModel):
    thing_id: UUID
    text: str


@asynccontextmanager
async def own_schema(servers: Servers) -> AsyncIterator[Database]:
    """A database with one schema that has what every service has, used as its runtime role."""
    schema = f"bus_{uuid4().hex[:8]}"
    url = with_database(servers.database_url, schema)
    role = runtime_role(schema)
    await as_owner(servers.database_url, f"CREATE DATABASE {schema}", f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    try:
        await _build(url, schema)
        parts = urlsplit(url)
        login = f"{role}:{PASSWORD}@{parts.hostname}:{parts.port}"
        database = Database(urlunsplit(parts._replace(netloc=login)), schema)
        yield database
        await database.close()
    finally:
        await as_owner(servers.database_url, f"DROP DATABASE {schema} WITH (FORCE)", f"DROP ROLE {role}")


async def _build(url: str, schema: str) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_migrate, schema)
    finally:
        await engine.dispose()


def _migrate(connection: Connection, schema: str) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        script(f"CREATE SCHEMA {schema}")
        create_service_tables(schema)
        for file in shared_files(schema, {"outbox", "erased_subjects"}):
            script(file.sql)
        script(f"""
            CREATE TABLE {schema}.noted (id bigserial PRIMARY KEY, thing_id uuid, version integer, text text);
            CREATE TABLE {schema}.things (thing_id uuid PRIMARY KEY, version integer, text text);
            GRANT USAGE ON SCHEMA {schema} TO {runtime_role(schema)};
            GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {runtime_role(schema)};
            GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO {runtime_role(schema)};
        """)


async def emptied(database: Database) -> Database:
    async with transaction(database, SERVICE_CLAIMS) as session:
        for table in ("outbox", "inbox", "noted", "things"):
            await session.execute(text(f"DELETE FROM {database.schema}.{table}"))
    return database


async def emit_notes(database: Database, count: int, thing_id: UUID | None = None, start: int = 1) -> list[int]:
    """Each in a transaction of its own; returns their versions."""
    versions = list(range(start, start + count))
    for version in versions:
        async with transaction(database, SERVICE_CLAIMS) as session:
            emit(session, Noted(thing_id=thing_id or new_id(), version=version))
    return versions


async def count(database: Database, table: str) -> int:
    async with transaction(database, SERVICE_CLAIMS) as session:
        found = await session.execute(text(f"SELECT count(*) FROM {database.schema}.{table}"))
        return int(found.scalar_one())


@asynccontextmanager
async def running(*works: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield tasks
    finally:
        await ended(*tasks)


def supervised(name: str, run: Callable[[], Awaitable[None]], health: Health | None = None) -> Any:
    return broker.supervise(name, run, health or Health())


@dataclass(frozen=True)
class Message:
    body: bytes
    properties: Any

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)
        return found


class Queues:
    """A look at the broker from outside."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    async def declare(self, *services: str) -> None:
        await declare(self._channel, dict.fromkeys(services, BINDINGS["shop"]), QUICK)

    async def bind(self, queue: str, routing_key: str) -> None:
        declared = await self._channel.declare_queue(queue, durable=True, passive=True)
        await declared.bind(topology.EVENTS, routing_key)

    async def listen(self) -> str:
        """A queue of one's own on the realtime exchange."""
        queue = await self._channel.declare_queue(exclusive=True)
        await queue.bind(topology.REALTIME)
        return str(queue.name)

    async def delete(self, queue: str) -> None:
        await self._channel.queue_delete(queue)

    async def send(self, queue: str, body: bytes, **properties: Any) -> None:
        message = broker.Outgoing("", queue, body, Basic.Properties(**properties))
        await broker.publish_surely(await broker.wire(self._channel), message)

    async def publish(self, exchange: str, routing_key: str, body: bytes) -> None:
        message = broker.Outgoing(exchange, routing_key, body, Basic.Properties())
        await broker.publish_surely(await broker.wire(self._channel), message)

    async def take(self, queue: str) -> list[Message]:
        declared = await self._channel.get_queue(queue)
        taken = []
        while message := await declared.get(fail=False, no_ack=True):
            taken.append(Message(message.body, message))
        return taken

    async def waiting(self, queue: str) -> int:
        declared = await self._channel.declare_queue(queue, durable=True, passive=True)
        return int(declared.declaration_result.message_count)


@asynccontextmanager
async def looking(amqp_url: str) -> AsyncIterator[Queues]:
    async with broker.connection(amqp_url, "test") as connection:
        yield Queues(await connection.channel())


@contextmanager
def lines_logged() -> Iterator[io.StringIO]:
    """What the process logs meanwhile, as it would stand on its standard output."""
    handler = next(one for one in logging.getLogger().handlers if isinstance(one, Lines))
    written = io.StringIO()
    before = handler.setStream(written)
    try:
        yield written
    finally:
        handler.stream = before
