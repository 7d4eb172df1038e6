"""Subscriptions: what a service does on which event, and doing it once, in one transaction."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from prometheus_client import Counter
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import SERVICE_CLAIMS
from shared.context import bind
from shared.db import Database, transaction
from shared.inbox import first_time

EVERYTHING = "#"

MESSAGES = Counter("consumer_messages_total", "Messages by outcome", ["service", "outcome"])

T = TypeVar("T")


class UndecodableError(ValueError):
    """The message is no event, or not the one its type promises; trying again cannot help."""


@dataclass(frozen=True)
class Received(Generic[T]):
    id: UUID
    source: str
    type: str
    subject: str
    version: int
    time: datetime
    actor_id: str | None
    actor_role: str | None
    request_id: str | None
    traceparent: str | None
    data: T


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: UUID
    source: str
    type: str
    subject: str = ""
    version: int = 0
    time: AwareDatetime
    actorid: str | None = None
    actorrole: str | None = None
    requestid: str | None = None
    traceparent: str | None = None
    data: dict[str, Any]


Handler = Callable[[AsyncSession, Received[T]], Awaitable[None]]


@dataclass(frozen=True)
class _Subscription:
    type: str
    payload: TypeAdapter[Any]
    handler: Handler[Any]


class Subscriptions:
    def __init__(self) -> None:
        self._all: list[_Subscription] = []

    def on(self, type: str, payload: type[T]) -> Callable[[Handler[T]], Handler[T]]:  # noqa: A002
        """Handle events of `type`, or of all types with "#", whose data is read as `payload`."""

        def register(handler: Handler[T]) -> Handler[T]:
            self._all.append(_Subscription(type, TypeAdapter(payload), handler))
            return handler

        return register

    @property
    def types(self) -> list[str]:
        return sorted({subscription.type for subscription in self._all})

    @property
    def payloads(self) -> list[tuple[str, TypeAdapter[Any]]]:
        """Each subscribed type with what its data is read as."""
        return [(subscription.type, subscription.payload) for subscription in self._all]

    def joined(self, *others: "Subscriptions") -> "Subscriptions":
        """Those of all of them, in order."""
        made = Subscriptions()
        made._all = [one for each in (self, *others) for one in each._all]
        return made

    @property
    def everything(self) -> bool:
        return any(subscription.type == EVERYTHING for subscription in self._all)

    def to(self, type_: str) -> list[_Subscription]:
        return [subscription for subscription in self._all if subscription.type in (type_, EVERYTHING)]


async def handle(
    database: Database, subscriptions: Subscriptions, service_name: str, envelope: Mapping[str, Any]
) -> bool:
    """One event in one transaction. False if it was handled before, was said of somebody before they were forgotten
    here, or nobody here subscribes to its type."""
    event = _validated(_Envelope, envelope)
    work = [(each.handler, _received(event, each.payload)) for each in subscriptions.to(event.type)]
    if not work:
        MESSAGES.labels(service_name, "ignored").inc()
        return False
    with bind(
        request_id=event.requestid, actor_id=event.actorid, actor_role=event.actorrole, traceparent=event.traceparent
    ):
        async with transaction(database, SERVICE_CLAIMS) as session:
            # whoever records everything records also what is said of the forgotten
            subject = "" if subscriptions.everything else event.subject
            fresh = await first_time(session, database.schema, event.id, subject, event.time)
            for handler, received in work if fresh else ():
                await handler(session, received)
    MESSAGES.labels(service_name, "handled" if fresh else "duplicate").inc()
    return fresh


def _validated(model: type[_Envelope], envelope: Mapping[str, Any]) -> _Envelope:
    try:
        return model.model_validate(envelope)
    except ValidationError as exc:
        raise UndecodableError(_places(exc)) from exc


def _received(event: _Envelope, payload: TypeAdapter[T]) -> Received[T]:
    try:
        data = payload.validate_python(event.data)
    except ValidationError as exc:
        raise UndecodableError(_places(exc)) from exc
    return Received(
        id=event.id,
        source=event.source,
        type=event.type,
        subject=event.subject,
        version=event.version,
        time=event.time,
        actor_id=event.actorid,
        actor_role=event.actorrole,
        request_id=event.requestid,
        traceparent=event.traceparent,
        data=data,
    )


def _places(error: ValidationError) -> str:
    """What is wrong and where, without the values, which may be personal."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return ", ".join(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found[:5])


def decode(body: bytes) -> dict[str, Any] | UndecodableError:
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError:
        return UndecodableError("the body is not JSON")
    return envelope if isinstance(envelope, dict) else UndecodableError("the body is not a JSON object")
