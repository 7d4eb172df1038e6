"""What notifications publishes."""

from typing import Any, ClassVar
from uuid import UUID

from shared.events import Event

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


class DeliveryEvent(Event):
    """`event_id` is the event that the delivery tells of; `error` a code."""

    delivery_id: UUID
    event_id: UUID
    recipient_id: UUID
    channel: str
    kind: str
    attempts: int
    error: str | None


class NotificationDelivered(DeliveryEvent, type="notification.delivered.v1", subject="delivery_id"):
    """The recipient's mail server, or ours on the way to it, has taken the mail."""

    EXAMPLE: ClassVar[dict[str, Any]] = DELIVERY


class NotificationFailed(DeliveryEvent, type="notification.failed.v1", subject="delivery_id"):
    """Given up; nothing more is tried by itself."""

    EXAMPLE: ClassVar[dict[str, Any]] = DELIVERY | {"error": "smtp_550"}
