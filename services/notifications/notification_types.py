"""Everything a person may be told of: to whom, in which places, and what of it can be switched off."""

from dataclasses import dataclass
from typing import Literal

Part = Literal["customer", "loctician", "staff", "person"]


@dataclass(frozen=True)
class Topic:
    """What preferences speak of. A required topic cannot be switched off in the channels it has by default."""

    name: str
    required: bool = True
    extra: bool = True  # may be had in channels that are used only where a person asks for them


@dataclass(frozen=True)
class NotificationType:
    name: str
    topic: str
    parts: tuple[Part, ...]
    inside: bool = True  # in the app: inbox and realtime
    outside: bool = True  # mail, SMS
    type: str = "notification"  # of the realtime message
    invitation: Literal["REQUEST", "CANCEL"] | None = None  # iCalendar method
    consent: str | None = None  # the purpose somebody must have consented to, in any channel


TOPICS = {
    topic.name: topic
    for topic in (
        Topic("account", extra=False),
        Topic("booking"),
        Topic("waitlist"),
        Topic("reminder", required=False),
        Topic("service", required=False, extra=False),
        Topic("marketing", required=False),
    )
}

BOTH: tuple[Part, ...] = ("customer", "loctician")
NOTIFICATION_TYPES = {
    kind.name: kind
    for kind in (
        NotificationType("verification", "account", ("person",), inside=False),
        NotificationType("password_reset", "account", ("person",), inside=False),
        NotificationType("new_device", "account", ("person",)),
        NotificationType("session_reused", "account", ("person",)),
        NotificationType("mfa_disabled", "account", ("person",)),
        NotificationType("export_ready", "account", ("person",)),
        NotificationType("booking_requested", "booking", BOTH, type="booking_update", invitation="REQUEST"),
        NotificationType("booking_created", "booking", BOTH, type="booking_update", invitation="REQUEST"),
        NotificationType("booking_confirmed", "booking", BOTH, type="booking_update", invitation="REQUEST"),
        NotificationType("booking_rescheduled", "booking", BOTH, type="booking_update", invitation="REQUEST"),
        NotificationType("booking_cancelled", "booking", BOTH, type="booking_update", invitation="CANCEL"),
        NotificationType("booking_completed", "booking", BOTH, type="booking_update", outside=False),
        NotificationType("booking_no_show", "booking", BOTH, type="booking_update"),
        NotificationType("booking_conflicted", "booking", ("loctician", "staff"), type="booking_update"),
        NotificationType("reminder", "reminder", ("customer",)),
        NotificationType("waitlist_offered", "waitlist", ("customer",)),
        NotificationType("broadcast", "service", ("person",), type="broadcast"),
        NotificationType("marketing", "marketing", ("person",), type="broadcast", consent="marketing"),
    )
}
CONSENTS = {kind.consent for kind in NOTIFICATION_TYPES.values() if kind.consent}
