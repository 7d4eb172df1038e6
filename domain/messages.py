"""Text on its way to one other service in an event: sealed, so that no other service and nobody else can read it."""

from base64 import b64decode, b64encode
from uuid import UUID

from keys.derived import SealBroken
from keys.services import ServiceKeys

PURPOSE = "text in an event"
NOTIFICATIONS = "notifications"


def seal_message(keys: ServiceKeys, subject_id: UUID, text: str, recipient: str = NOTIFICATIONS) -> str:
    """`subject_id`: of the booking, import or person that the text is about. `recipient`: the service that reads it."""
    return b64encode(keys.shared_with(recipient).seal(PURPOSE, text.encode(), str(subject_id))).decode()


def unseal_message(keys: ServiceKeys, subject_id: UUID, sealed: str, sender: str) -> str:
    """Empty if another service than `sender` sealed it, or for another recipient or subject, or with a key that is not
    known any more."""
    try:
        return keys.shared_with(sender).unseal(PURPOSE, b64decode(sealed), str(subject_id)).decode()
    except (SealBroken, ValueError):
        return ""
