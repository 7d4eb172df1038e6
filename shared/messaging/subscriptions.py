"""Subscriptions: which handlers a service has for which events, and handling each event once, in one transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from prometheus_client import Counter, Histogram
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging import push, topology
from shared.messaging.broker import Outgoing
from shared.messaging.events import Push
from shared.messaging.inbox import record_new
from shared.observability import tracing
from shared.observability.context import bind

EVERYTHING = "#"

MESSAGES = Counter("consumer_messages_total", "Messages by outcome", ["service", "outcome"])
LAG_SECONDS = Histogram(
    "consumer_lag_seconds",
    "Seconds from an event until its handling starts",
    ["service"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 3600),
)

T = TypeVar("T")


class UndecodableError(ValueError):
    """The message is not an event, or its data does not match its type. Retrying cannot help."""


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
    taken_at: datetime  # when it was taken from the queue
    pushed: bool = False  # the realtime messages of `at_once` were sent
    republished: bool = False  # a current state, not news: projections take it, nobody is notified


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: UUID
    source: str
    type: str
    subject: str = ""
    version: int = 0
    time: AwareDatetime
    actor_id: str | None = Field(None, alias="actorid")
    actor_role: str | None = Field(None, alias="actorrole")
    request_id: str | None = Field(None, alias="requestid")
    traceparent: str | None = None
    republished: bool = False
    data: dict[str, Any]


Handler = Callable[[AsyncSession, Received[T]], Awaitable[None]]
Pushes = Callable[[Received[T]], Sequence[Push]]


@dataclass(frozen=True)
class _Subscription:
    type: str
    payload: TypeAdapter[Any]
    handler: Handler[Any]
    alone: bool


class Subscriptions:
    def __init__(self) -> None:
        self._all: list[_Subscription] = []
        self._at_once: dict[str, tuple[TypeAdapter[Any], Pushes[Any]]] = {}

    def on(
        self,
        type: str,  # noqa: A002
        payload: type[T],
        *,
        alone: bool = False,
    ) -> Callable[[Handler[T]], Handler[T]]:
        """Registers a handler for events of `type` ("#": of all types) with data of the type `payload`.

        `alone`: never in a transaction with other events, because it decides whether others are handled at all.
        """

        def register(handler: Handler[T]) -> Handler[T]:
            self._all.append(_Subscription(type, TypeAdapter(payload), handler, alone))
            return handler

        return register

    def at_once(self, type: str, payload: type[T], pushes: Pushes[T]) -> None:  # noqa: A002
        """Registers realtime messages that follow from the event alone. They are sent before the event is handled if it
        arrived in order. The handler sees in `pushed` whether they were sent, and sends them itself if not."""
        self._at_once[type] = (TypeAdapter(payload), pushes)

    def pushes(self, envelope: Mapping[str, Any], taken_at: datetime) -> list[Outgoing]:
        """The realtime messages to send before the event is handled. Raises UndecodableError."""
        payload, pushes = self._at_once.get(str(envelope.get("type")), (None, None))
        if payload is None or pushes is None or envelope.get("republished"):
            return []
        event = _validate(_Envelope, envelope)
        return [push.outgoing(message, event.time) for message in pushes(_to_received(event, payload, taken_at))]

    @property
    def types(self) -> list[str]:
        return sorted({subscription.type for subscription in self._all})

    @property
    def payloads(self) -> list[tuple[str, TypeAdapter[Any]]]:
        """Each subscribed type with the type of its data."""
        return [(subscription.type, subscription.payload) for subscription in self._all]

    def merged(self, *others: "Subscriptions") -> "Subscriptions":
        """These subscriptions followed by the others, in order."""
        merged = Subscriptions()
        for subscriptions in (self, *others):
            merged._all += subscriptions._all
            merged._at_once |= subscriptions._at_once
        return merged

    @property
    def everything(self) -> bool:
        return any(subscription.type == EVERYTHING for subscription in self._all)

    def to(self, type_: str) -> list[_Subscription]:
        return [subscription for subscription in self._all if subscription.type in (type_, EVERYTHING)]


async def handle(
    database: Database,
    subscriptions: Subscriptions,
    service_name: str,
    envelope: Mapping[str, Any],
    *,
    taken_at: datetime | None = None,
    pushed: bool = False,
) -> bool:
    """Handles one event in one transaction. Returns False if it was handled before, if it is about a person and from
    before their erasure here, or if the service does not subscribe to its type."""
    work = _Work.of(subscriptions, envelope, taken_at or datetime.now(UTC), pushed=pushed)
    return await _handle(database, service_name, [work]) == 1


async def handle_batch(
    database: Database, subscriptions: Subscriptions, service_name: str, envelopes: Sequence[Mapping[str, Any]]
) -> bool:
    """Handles all events, in order, in one transaction. Returns False and does nothing if one of them must be alone."""
    now = datetime.now(UTC)
    work = [_Work.of(subscriptions, envelope, now) for envelope in envelopes]
    if any(each.alone for each in work):
        return False
    await _handle(database, service_name, work)
    return True


@dataclass(frozen=True)
class _Work:
    event: _Envelope
    subject: str
    steps: list[tuple[Handler[Any], Received[Any]]]
    alone: bool

    @classmethod
    def of(
        cls, subscriptions: Subscriptions, envelope: Mapping[str, Any], taken_at: datetime, *, pushed: bool = False
    ) -> "_Work":
        event = _validate(_Envelope, envelope)
        wanted = subscriptions.to(event.type)
        # A service that records every event records those about erased people as well.
        subject = "" if subscriptions.everything else event.subject
        steps = [(each.handler, _to_received(event, each.payload, taken_at, pushed=pushed)) for each in wanted]
        return cls(event, subject, steps, any(each.alone for each in wanted))

    async def run(self, session: AsyncSession, service_name: str) -> None:
        event = self.event
        attributes = _attributes(service_name, event)
        with (
            bind(request_id=event.request_id, actor_id=event.actor_id, actor_role=event.actor_role),
            tracing.span(f"process {event.type}", "consumer", event.traceparent, **attributes),
        ):
            session.info["republished"] = event.republished
            for handler, received in self.steps:
                await handler(session, received)


async def _handle(database: Database, service_name: str, work: Sequence[_Work]) -> int:
    """Handles the events that are new, and records them in the inbox. Returns how many they were."""
    wanted = [each for each in work if each.steps]
    MESSAGES.labels(service_name, "ignored").inc(len(work) - len(wanted))
    if not wanted:
        return 0
    now, lag = datetime.now(UTC), LAG_SECONDS.labels(service_name)
    for each in wanted:
        lag.observe((now - each.event.time).total_seconds())
    async with transaction(database, SERVICE_CLAIMS) as session:
        deliveries = [(each.event.id, each.subject, each.event.time) for each in wanted]
        new = await record_new(session, deliveries)
        handled = len(new)
        for each in wanted:
            if each.event.id in new:
                new.remove(each.event.id)
                await each.run(session, service_name)
                await _forget_rows(session)
    MESSAGES.labels(service_name, "handled").inc(handled)
    MESSAGES.labels(service_name, "duplicate").inc(len(wanted) - handled)
    return handled


async def _forget_rows(session: AsyncSession) -> None:
    """Makes the next event read its rows from the database, not from the session."""
    if session.new or session.identity_map:
        await session.flush()
        session.expunge_all()


def _attributes(service: str, event: _Envelope) -> dict[str, str]:
    if not tracing.active():
        return {}
    return {
        "system": "rabbitmq",
        "operation": "process",
        "destination": topology.events_queue(service),
        "event": event.type,
        "event_id": str(event.id),
    }


def _validate(model: type[_Envelope], envelope: Mapping[str, Any]) -> _Envelope:
    try:
        return model.model_validate(envelope)
    except ValidationError as exc:
        raise UndecodableError(_error_places(exc)) from exc


def _to_received(event: _Envelope, payload: TypeAdapter[T], taken_at: datetime, *, pushed: bool = False) -> Received[T]:
    try:
        data = payload.validate_python(event.data)
    except ValidationError as exc:
        raise UndecodableError(_error_places(exc)) from exc
    return Received(**{**dict(event), "data": data}, taken_at=taken_at, pushed=pushed)


def _error_places(error: ValidationError) -> str:
    """Where the data is invalid and why, without the values, which may be personal data."""
    errors = error.errors(include_input=False, include_url=False, include_context=False)
    return ", ".join(f"{'.'.join(map(str, field['loc']))}: {field['type']}" for field in errors[:5])


def decode(body: bytes) -> dict[str, Any] | UndecodableError:
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError:
        return UndecodableError("the body is not JSON")
    return envelope if isinstance(envelope, dict) else UndecodableError("the body is not a JSON object")
