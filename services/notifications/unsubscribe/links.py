"""Links in a mail that switch off such mails, without a login (RFC 8058)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from domain.links import id_in, is_named_token, named_token
from keys.derived import Keys
from services.notifications.notification_types import NOTIFICATION_TYPES, TOPICS
from services.notifications.settings import NotificationsSettings
from shared.errors import NotFound
from shared.identity.derived_keys import keys_from

PATH = "/api/v1/notifications/unsubscribe"


@dataclass(frozen=True)
class UnsubscribeLinks:
    """Creates and verifies links, each for one person and topic.

    A link holds as long as the secret it was made with, since a mail may be read years later. All it can do is switch
    off the topic.
    """

    url: str
    keys: Keys

    @classmethod
    def of(cls, settings: NotificationsSettings) -> Self:
        return cls(settings.public_url.rstrip("/") + PATH, keys_from(settings, "notifications"))

    def create(self, delivery: Mapping[str, Any]) -> str:
        """Empty if the topic cannot be switched off."""
        topic = TOPICS[NOTIFICATION_TYPES[delivery["kind"]].topic]
        if topic.required:
            return ""
        return f"{self.url}/{topic.name}/{named_token(self.keys, _purpose(topic.name), delivery['recipient_id'])}"

    def verify(self, topic: str, token: str) -> UUID:
        """The id of the person whose link it is. Raises NotFound for a link that was not made here."""
        user_id = id_in(token)
        silenced = topic in TOPICS and not TOPICS[topic].required
        if user_id is None or not silenced or not is_named_token(self.keys, token, _purpose(topic), user_id):
            raise NotFound
        return user_id


def _purpose(topic: str) -> str:
    return f"unsubscribe {topic}"
