"""Events: declared by their publisher, written to the outbox in the transaction, sent as CloudEvents 1.0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson
import uuid_utils.compat
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.database.session import before_commit
from shared.messaging.topology import EVENTS, REALTIME
from shared.observability.context import current

QUEUED = "outbox"
INSERT = text("""
    INSERT INTO outbox (exchange, event_id, type, subject, version, occurred_at, data, actor_id, actor_role, request_id,
                        traceparent)
    VALUES (:exchange, :event_id, :type, :subject, :version, :occurred_at, CAST(:data AS jsonb), :actor_id, :actor_role,
            :request_id, :traceparent)
""")


def new_id() -> UUID:
    """A time-ordered id (UUIDv7, RFC 9562)."""
    return uuid_utils.compat.uuid7()


class Event(BaseModel):
    """Base of the payload classes: `class Paid(Event, type="order.paid.v1", subject="order_id")`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type_: ClassVar[str]
    subject_field: ClassVar[str]
    signed: ClassVar[bool] = False  # by its publisher, because consumers end sessions, erase or give rights by it
    EXAMPLE: ClassVar[dict[str, Any]] = {}

    version: int = Field(ge=0, le=2**31 - 1, description="Version of the entity after this event")

    @classmethod
    def __pydantic_init_subclass__(cls, *, type: str = "", subject: str = "", **kwargs: Any) -> None:  # noqa: A002
        super().__pydantic_init_subclass__(**kwargs)
        if type:
            cls.type_, cls.subject_field = type, subject

    def __init_subclass__(cls, *, type: str = "", subject: str = "", **kwargs: Any) -> None:  # noqa: A002
        super().__init_subclass__(**kwargs)

    @property
    def subject(self) -> str:
        return str(getattr(self, self.subject_field))


@dataclass(frozen=True)
class Push:
    """A realtime message for the connected members of an audience, such as `user:<id>` or `all`.

    A message that may have been sent before is sent again with the same random bits in its id.
    """

    id: UUID
    audience: Sequence[str]
    type: str
    data: Mapping[str, Any]


def emit(session: AsyncSession, event: Event) -> None:
    """Queues an event on the session; it is written to the outbox before the same transaction commits."""
    _queue(session, EVENTS, event.type_, event.subject, event.version, event.model_dump_json())


def push(session: AsyncSession, message: Push) -> None:
    """Queues a realtime message in the same way."""
    body = orjson.dumps({"audience": list(message.audience), "data": message.data}, default=str).decode()
    _queue(session, REALTIME, message.type, "", 0, body, message.id)


def _queue(
    session: AsyncSession,
    exchange: str,
    type_: str,
    subject: str,
    version: int,
    data: str,
    event_id: UUID | None = None,
) -> None:
    context = current()
    row = {
        "exchange": exchange,
        "event_id": event_id or new_id(),
        "type": type_,
        "subject": subject,
        "version": version,
        "occurred_at": datetime.now(UTC),
        "data": data,
        "actor_id": context.actor_id,
        "actor_role": context.actor_role or session.info["claims"].role,
        "request_id": context.request_id,
        "traceparent": context.traceparent,
    }
    session.info.setdefault(QUEUED, []).append(row)


async def write_queued(session: AsyncSession) -> bool:
    """Inserts the queued rows in order. Returns whether there were any."""
    rows = session.info.pop(QUEUED, [])
    if rows:
        await session.execute(INSERT, rows)
    return bool(rows)


before_commit(write_queued)


def schema_name(type_: str) -> str:
    return f"https://loctician.example/contracts/{type_}.schema.json"


def envelope(source: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """An outbox row as a CloudEvents 1.0 structured-mode object."""
    attributes = {
        "specversion": "1.0",
        "id": str(row["event_id"]),
        "source": source,
        "type": row["type"],
        "subject": row["subject"],
        "time": row["occurred_at"].astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "dataschema": schema_name(row["type"]),
        "traceparent": row["traceparent"],
        "version": row["version"],
        "actorid": row["actor_id"],
        "actorrole": row["actor_role"],
        "requestid": row["request_id"],
        "republished": row.get("republished"),
        "data": row["data"],
    }
    return {name: value for name, value in attributes.items() if value is not None}
