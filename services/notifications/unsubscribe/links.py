"""Links in a mail that switch off such mails, without a login (RFC 8058)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from services.notifications.notification_types import NOTIFICATION_TYPES, TOPICS
from services.notifications.settings import NotificationsSettings
from shared.errors import NotFound

PATH = "/api/v1/notifications/unsubscribe"
MAC_BYTES = 16
TOKEN = r"^[A-Za-z0-9_-]{43}$"  # noqa: S105 - its form: 16 bytes of user id and 16 of MAC, in base64


@dataclass(frozen=True)
class UnsubscribeLinks:
    """Creates and verifies links, each for one person and topic.

    A link holds as long as the secret it was made with, since a mail may be read years later. All it can do is switch
    off the topic.
    """

    url: str
    secrets: tuple[bytes, ...]  # newest first

    @classmethod
    def of(cls, settings: NotificationsSettings) -> Self:
        keys = (settings.secret_key, settings.secret_key_previous)
        secrets = tuple(key.get_secret_value().encode() for key in keys if key)
        return cls(settings.public_url.rstrip("/") + PATH, secrets)

    def create(self, delivery: Mapping[str, Any]) -> str:
        """Empty if the topic cannot be switched off."""
        topic = TOPICS[NOTIFICATION_TYPES[delivery["kind"]].topic]
        if topic.required:
            return ""
        return f"{self.url}/{topic.name}/{_token(self.secrets[0], topic.name, delivery['recipient_id'])}"

    def verify(self, topic: str, token: str) -> UUID:
        """The id of the person whose link it is. Raises NotFound for a link that was not made here."""
        try:
            content = base64.b64decode(token + "=", altchars=b"-_", validate=True)
        except binascii.Error as error:
            raise NotFound from error
        user_id = UUID(bytes=content[:16])
        if topic in TOPICS and not TOPICS[topic].required:
            for secret in self.secrets:
                if hmac.compare_digest(_token(secret, topic, user_id), token):
                    return user_id
        raise NotFound


def _token(secret: bytes, topic: str, user_id: UUID) -> str:
    mac = hmac.new(secret, f"unsubscribe:{topic}:{user_id}".encode(), hashlib.sha256).digest()[:MAC_BYTES]
    return base64.urlsafe_b64encode(user_id.bytes + mac).decode().rstrip("=")
