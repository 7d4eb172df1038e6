"""What people write, on its way to a mail in an event: sealed, so that only our services can read it."""

from base64 import b64decode, b64encode
from uuid import UUID

from keys.derived import Keys, SealBroken

PURPOSE = "text in an event"


def seal_message(keys: Keys, subject_id: UUID, text: str) -> str:
    """`subject_id`: of the booking or the import that the text is about."""
    return b64encode(keys.seal(PURPOSE, text.encode(), str(subject_id))).decode()


def unseal_message(keys: Keys, subject_id: UUID, sealed: str) -> str:
    """Empty if it was sealed with a key that is not known any more, or for another subject."""
    try:
        return keys.unseal(PURPOSE, b64decode(sealed), str(subject_id)).decode()
    except (SealBroken, ValueError):
        return ""
