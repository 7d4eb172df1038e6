"""What the salon writes to a customer, on its way to the mail: sealed, so that only our services can read it."""

from base64 import b64decode, b64encode
from uuid import UUID

from shared.identity.derived_keys import Keys, SealBroken

PURPOSE = "message to a customer"


def seal_message(keys: Keys, booking_id: UUID, text: str) -> str:
    return b64encode(keys.seal(PURPOSE, text.encode(), str(booking_id))).decode()


def unseal_message(keys: Keys, booking_id: UUID, sealed: str) -> str:
    """Empty if it was sealed with a key that is not known any more, or for another booking."""
    try:
        return keys.unseal(PURPOSE, b64decode(sealed), str(booking_id)).decode()
    except (SealBroken, ValueError):
        return ""
