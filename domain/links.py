"""Tokens in the links of mails and SMS. Whoever has the link can open one thing, without signing in.

A token is a MAC made with a derived key over what it opens and for whom. So it is stored nowhere, no event holds it,
and it ends when the thing belongs to nobody any more, such as after an erasure.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from keys.derived import Keys

BOOKING = "booking"  # purposes; ids: of the booking, of its customer
OFFER = "offer"  # id: of the offer to the waitlist
SIGNATURE = r"^[A-Za-z0-9_-]{43}$"
NAMED = r"^[A-Za-z0-9_-]{64}$"
ID_BYTES = 16


def link_token(keys: Keys, purpose: str, *ids: UUID) -> str:
    """For an address that has the id in its path. `ids`: what the link opens, and for whom."""
    return _encode(_sign(keys, purpose, ids))


def is_link_token(keys: Keys, token: str, purpose: str, *ids: UUID) -> bool:
    """Compares in constant time. Tokens made before a change of the secrets are valid too."""
    return re.fullmatch(SIGNATURE, token) is not None and _verify(keys, purpose, ids, _decode(token))


def named_token(keys: Keys, purpose: str, opened: UUID, *others: UUID) -> str:
    """For an address that is nothing but the token: it begins with the id of what it opens."""
    return _encode(opened.bytes + _sign(keys, purpose, (opened, *others)))


def id_in(token: str) -> UUID | None:
    """What a named token says that it opens, not verified yet. None for any other text."""
    return UUID(bytes=_decode(token)[:ID_BYTES]) if re.fullmatch(NAMED, token) else None


def is_named_token(keys: Keys, token: str, purpose: str, *ids: UUID) -> bool:
    return id_in(token) == ids[0] and _verify(keys, purpose, ids, _decode(token)[ID_BYTES:])


def booking_url(app_url: str, keys: Keys, booking_id: UUID, customer_id: UUID) -> str:
    """Where the customer sees, moves and cancels this one booking."""
    return f"{app_url.rstrip('/')}/bookings/{booking_id}?token={link_token(keys, BOOKING, booking_id, customer_id)}"


def offer_url(app_url: str, keys: Keys, offer_id: UUID) -> str:
    """Where this one offer of the waitlist is accepted or declined."""
    return f"{app_url.rstrip('/')}/offers/{named_token(keys, OFFER, offer_id)}"


def offer_of(keys: Keys, token: str) -> UUID | None:
    """The offer that the token is for; None if nobody of us made it."""
    offer_id = id_in(token)
    return offer_id if offer_id is not None and is_named_token(keys, token, OFFER, offer_id) else None


def _sign(keys: Keys, purpose: str, ids: tuple[UUID, ...]) -> bytes:
    return keys.sign(_key_of(purpose), _content(ids))


def _verify(keys: Keys, purpose: str, ids: tuple[UUID, ...], signature: bytes) -> bool:
    return keys.verify(_key_of(purpose), _content(ids), signature)


def _key_of(purpose: str) -> str:
    return f"link {purpose}"


def _content(ids: tuple[UUID, ...]) -> bytes:
    return b"".join(id_.bytes for id_ in ids)


def _encode(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _decode(token: str) -> bytes:
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))
