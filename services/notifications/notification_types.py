"""Every kind of notification: who receives it, in which places, and which preference switches it off."""

from dataclasses import dataclass
from typing import Literal

# As what a person receives a notification: it chooses the template. `person` is anybody, whatever their role.
Part = Literal["customer", "loctician", "staff", "person"]


@dataclass(frozen=True)
class Topic:
    """A line of the preferences. A required topic cannot be switched off in channels that are on by default."""

    name: str
    required: bool = True
    opt_in: bool = True  # whether channels that are off by default can be switched on for it


@dataclass(frozen=True)
class NotificationType:
    name: str
    topic: str
    parts: tuple[Part, ...]
    in_app: bool = True  # inbox and realtime message
    external: bool = True  # mail and SMS
    type: str = "notification"  # of the realtime message
    invitation: Literal["REQUEST", "CANCEL"] | None = None  # iCalendar method
    consent: str | None = None  # the purpose that the recipient must have consented to, for every channel

    @property
    def series(self) -> bool:
        """Whether it is about several dates of a series."""
        return self.name.startswith("series_")

    @property
    def links_to_booking(self) -> bool:
        """Whether customers get a link to the page of the booking."""
        return (self.invitation == "REQUEST" and not self.series) or self.name == "reminder"


TOPICS = {
    topic.name: topic
    for topic in (
        Topic("account", opt_in=False),
        Topic("booking"),
        Topic("waitlist"),
        Topic("reminder", required=False),
        Topic("service", required=False, opt_in=False),
        Topic("marketing", required=False),
    )
}

BOTH: tuple[Part, ...] = ("customer", "loctician")
NOTIFICATION_TYPES = {
    notification_type.name: notification_type
    for notification_type in (
        NotificationType("verification", "account", ("person",), in_app=False),
        NotificationType("password_reset", "account", ("person",), in_app=False),
        NotificationType("invitation", "account", ("person",), in_app=False),
        NotificationType("login_link", "account", ("person",), in_app=False),
        NotificationType("booking_link", "account", ("person",), in_app=False),  # confirms what was asked for
        NotificationType("waitlist_link", "account", ("person",), in_app=False),
        NotificationType("password_changed", "account", ("person",)),
        NotificationType("email_change", "account", ("person",), in_app=False),  # to the new address
        NotificationType("email_change_requested", "account", ("person",)),
        NotificationType("email_changed", "account", ("person",)),
        NotificationType("email_replaced", "account", ("person",), in_app=False),  # to the old address
        NotificationType("role_changed", "account", ("person",)),
        NotificationType("new_device", "account", ("person",)),
        NotificationType("session_reused", "account", ("person",)),
        NotificationType("mfa_enabled", "account", ("person",)),
        NotificationType("mfa_disabled", "account", ("person",)),
        NotificationType("passkey_added", "account", ("person",)),
        NotificationType("passkey_removed", "account", ("person",)),
        NotificationType("erasure_scheduled", "account", ("person",)),
        NotificationType("erasure_withdrawn", "account", ("person",)),
        NotificationType("feed_created", "account", ("person",)),
        NotificationType("staff_feed_created", "account", ("person",)),
        NotificationType("export_ready", "account", ("person",)),
        NotificationType("booking_requested", "booking", BOTH, type="booking_update", invitation="REQUEST"),
        NotificationType("booking_created", "booking", BOTH, type="booking_update", invitation="REQUEST"),
        NotificationType("booking_confirmed", "booking", BOTH, type="booking_update", invitation="REQUEST"),
        NotificationType("booking_rescheduled", "booking", BOTH, type="booking_update", invitation="REQUEST"),
        NotificationType("booking_changed", "booking", BOTH, type="booking_update", invitation="REQUEST"),
        NotificationType("booking_change_requested", "booking", BOTH, type="booking_update", invitation="REQUEST"),
        NotificationType("booking_cancelled", "booking", BOTH, type="booking_update", invitation="CANCEL"),
        NotificationType("request_refused", "booking", ("customer",)),
        NotificationType("wish_refused", "waitlist", ("customer",)),
        # What happens to several dates of a series at once is one mail; in the app each date has its notice.
        NotificationType("series_requested", "booking", BOTH, in_app=False, invitation="REQUEST"),
        NotificationType("series_created", "booking", BOTH, in_app=False, invitation="REQUEST"),
        NotificationType("series_cancelled", "booking", BOTH, in_app=False, invitation="CANCEL"),
        NotificationType("booking_completed", "booking", BOTH, type="booking_update", external=False),
        NotificationType("booking_no_show", "booking", BOTH, type="booking_update"),
        NotificationType("booking_no_show_undone", "booking", BOTH, type="booking_update"),
        NotificationType("booking_customer_inactive", "booking", ("loctician", "staff"), type="booking_update"),
        NotificationType("booking_conflicted", "booking", ("loctician", "staff"), type="booking_update"),
        NotificationType("import_incomplete", "account", ("loctician",)),
        NotificationType("import_failing", "account", ("loctician",)),
        NotificationType("import_recovered", "account", ("loctician",), external=False),
        NotificationType("reminder", "reminder", ("customer",)),
        NotificationType("waitlist_offered", "waitlist", ("customer",)),
        NotificationType("broadcast", "service", ("person",), type="broadcast"),
        NotificationType("marketing", "marketing", ("person",), type="broadcast", consent="marketing"),
    )
}
KINDS = sorted(NOTIFICATION_TYPES)
CONSENTS = {type_.consent for type_ in NOTIFICATION_TYPES.values() if type_.consent}
