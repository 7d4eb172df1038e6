"""Switching off a kind of mail from the mail itself, without logging in (RFC 8058)."""

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
TOKEN = r"^[A-Za-z0-9_-]{43}$"  # noqa: S105 - its form: 16 bytes of id, 16 of proof


@dataclass(frozen=True)
class UnsubscribeLinks:
    """Links that nobody else can make, each for one person and topic. They hold as long as the secret they are made of,
    since a mail may be read years later, and they can do no more than this."""

    url: str
    secrets: tuple[bytes, ...]  # the newest first

    @classmethod
    def of(cls, settings: NotificationsSettings) -> Self:
        given = (settings.secret_key, settings.secret_key_previous)
        secrets = tuple(one.get_secret_value().encode() for one in given if one)
        return cls(settings.public_url.rstrip("/") + PATH, secrets)

    def link(self, delivery: Mapping[str, Any]) -> str | None:
        """None for what cannot be switched off."""
        topic = TOPICS[NOTIFICATION_TYPES[delivery["kind"]].topic]
        if topic.required:
            return None
        return f"{self.url}/{topic.name}/{_token(self.secrets[0], topic.name, delivery['recipient_id'])}"

    def read(self, topic: str, token: str) -> UUID:
        """Whose link it is. Raises NotFound for one that was not made here."""
        try:
            said = base64.b64decode(token + "=", altchars=b"-_", validate=True)
        except binascii.Error as error:
            raise NotFound from error
        user_id = UUID(bytes=said[:16])
        if topic in TOPICS and not TOPICS[topic].required:
            for secret in self.secrets:
                if hmac.compare_digest(_token(secret, topic, user_id), token):
                    return user_id
        raise NotFound


def _token(secret: bytes, topic: str, user_id: UUID) -> str:
    proof = hmac.new(secret, f"unsubscribe:{topic}:{user_id}".encode(), hashlib.sha256).digest()[:MAC_BYTES]
    return base64.urlsafe_b64encode(user_id.bytes + proof).decode().rstrip("=")
