"""Links in mails and SMS that open one booking or one offer without a login. The service booking answers them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

from domain.links import booking_url, offer_url
from keys.derived import Keys
from services.notifications.deliveries.series import dates
from services.notifications.notification_types import NOTIFICATION_TYPES
from services.notifications.settings import NotificationsSettings
from shared.identity.derived_keys import keys_from


@dataclass(frozen=True)
class BookingLinks:
    """The token is a MAC over booking and customer, so neither an event nor a delivery holds it."""

    app_url: str
    keys: Keys = field(repr=False)

    @classmethod
    def of(cls, settings: NotificationsSettings) -> Self:
        return cls(settings.link_base, keys_from(settings, "notifications").shared_with("booking"))

    def create(self, delivery: Mapping[str, Any]) -> str:
        """Empty unless the customer can do something with the booking."""
        if delivery["part"] != "customer" or not NOTIFICATION_TYPES[delivery["kind"]].links_to_booking:
            return ""
        return self._url(delivery["booking_id"], delivery)

    def create_each(self, delivery: Mapping[str, Any]) -> dict[str, str]:
        """The links of the dates of a series, by the booking's id. Empty unless the customer can do something."""
        type_ = NOTIFICATION_TYPES[delivery["kind"]]
        if delivery["part"] != "customer" or not type_.series or type_.invitation != "REQUEST":
            return {}
        return {str(booking_id): self._url(booking_id, delivery) for booking_id in dates(delivery["data"])}

    def _url(self, booking_id: UUID, delivery: Mapping[str, Any]) -> str:
        return booking_url(self.app_url, self.keys, booking_id, delivery["recipient_id"])

    def create_offer(self, delivery: Mapping[str, Any]) -> str:
        """To the page that accepts or declines the offer of the waitlist; empty for other messages."""
        if delivery["kind"] != "waitlist_offered":
            return ""
        return offer_url(self.app_url, self.keys, UUID(delivery["data"]["offer_id"]))
