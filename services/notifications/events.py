"""The events that notifications publishes."""

from collections.abc import Collection
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic.config import JsonDict

from services.notifications.notification_types import NOTIFICATION_TYPES, TOPICS
from shared.messaging.events import Event

DELIVERY: dict[str, Any] = {
    "version": 3,
    "delivery_id": "01936d5e-8d3e-7000-8000-0000000000f1",
    "event_id": "01936d5e-8d3e-7000-8000-0000000000f2",
    "recipient_id": "01936d5e-8d3e-7000-8000-0000000000e1",
    "channel": "mail",
    "kind": "booking_created",
    "attempts": 1,
    "error": None,
}
BROADCAST = "01936d5e-8d3e-7000-8000-0000000000f3"


def _is_one_of(values: Collection[str]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in values:
            raise ValueError("unknown")
        return value

    return AfterValidator(check)


def _listed(values: Collection[str]) -> JsonDict:
    return {"enum": [*sorted(values)]}


Kind = Annotated[str, _is_one_of(NOTIFICATION_TYPES), Field(json_schema_extra=_listed(NOTIFICATION_TYPES))]
TopicName = Annotated[str, _is_one_of(TOPICS), Field(json_schema_extra=_listed(TOPICS))]
DeliveryChannel = Annotated[str, Field(json_schema_extra=_listed(["mail", "sms"]))]


class DeliveryEvent(Event):
    """`event_id` is the event that the delivery is about. `error` is a code of ours or of the server: smtp_550."""

    delivery_id: UUID
    event_id: UUID
    recipient_id: UUID
    channel: DeliveryChannel
    kind: Kind
    attempts: int
    error: str | None


class NotificationDelivered(DeliveryEvent, type="notification.delivered.v1", subject="delivery_id"):
    """The mail server or SMS provider has accepted the message."""

    EXAMPLE: ClassVar[dict[str, Any]] = DELIVERY


class NotificationFailed(DeliveryEvent, type="notification.failed.v1", subject="delivery_id"):
    """The delivery was given up. It is not retried automatically."""

    EXAMPLE: ClassVar[dict[str, Any]] = DELIVERY | {"error": "smtp_550"}


class NotificationResent(Event, type="notification.resent.v1", subject="delivery_id"):
    """The salon queued the delivery again."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        name: DELIVERY[name] for name in ("version", "delivery_id", "recipient_id", "channel", "kind")
    }

    delivery_id: UUID
    recipient_id: UUID
    channel: DeliveryChannel
    kind: Kind


class BroadcastRequested(Event, type="broadcast.requested.v1", subject="broadcast_id"):
    """`kind` is service or marketing. Marketing reaches only those who have consented to it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "version": 1,
        "broadcast_id": BROADCAST,
        "kind": "marketing",
        "audience": "customer",
        "mail": True,
    }

    broadcast_id: UUID
    audience: Literal["all", "customer", "loctician", "staff", "admin"]
    mail: bool
    kind: Literal["service", "marketing"] = "service"


class PreferencesUpdated(Event, type="preferences.updated.v1", subject="user_id"):
    """A person changed the preferences. `switched_off` lists the topics that are sent by neither mail nor SMS."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "version": 1,
        "user_id": DELIVERY["recipient_id"],
        "switched_off": ["marketing"],
    }

    user_id: UUID
    switched_off: list[TopicName]
