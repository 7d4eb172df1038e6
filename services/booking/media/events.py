"""Published events of pictures. services/booking/events.py has the others."""

from typing import Any, ClassVar, Literal
from uuid import UUID

from shared.messaging.events import Event

PICTURE: dict[str, Any] = {
    "version": 1,
    "media_id": "01936d5e-8d3e-7000-8000-0000000000a7",
    "kind": "portfolio",
    "loctician_id": "01936d5e-8d3e-7000-8000-0000000000d1",
    "service_id": None,
}


class MediaEvent(Event):
    media_id: UUID
    kind: Literal["logo", "salon", "profile", "portfolio", "treatment"]
    loctician_id: UUID | None
    service_id: UUID | None


class MediaAdded(MediaEvent, type="media.added.v1", subject="media_id"):
    """A picture was stored. It never changes."""

    EXAMPLE: ClassVar[dict[str, Any]] = PICTURE


class MediaRemoved(MediaEvent, type="media.removed.v1", subject="media_id"):
    """A picture was deleted, or replaced by a new one."""

    EXAMPLE: ClassVar[dict[str, Any]] = PICTURE | {"version": 2}
