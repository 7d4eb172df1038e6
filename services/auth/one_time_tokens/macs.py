"""The MAC of a mailed token's row: without it the row counts as not there.

Its key is derived from SECRET_KEY (HKDF, RFC 5869), which the database does not have. So whoever can only write rows,
with the database login of auth, makes no token that works.
"""

from datetime import UTC, datetime
from uuid import UUID

from keys.derived import Keys

PURPOSE = "one-time token"


def token_mac(keys: Keys, *parts: object) -> bytes:
    """HMAC-SHA256 over all parts: what the token is for, its hash, whose it is, until when it is valid."""
    return keys.sign(PURPOSE, _content(parts))


def has_mac(keys: Keys, mac: bytes | None, *parts: object) -> bool:
    """Compares in constant time. A MAC made with SECRET_KEY_PREVIOUS counts too."""
    return mac is not None and keys.verify(PURPOSE, _content(parts), mac)


def _content(parts: tuple[object, ...]) -> bytes:
    """Each part with its length before it, so that no two lists of parts have the same content."""
    encoded = (_bytes(part) for part in parts)
    return b"".join(len(part).to_bytes(4) + part for part in encoded)


def _bytes(part: object) -> bytes:
    match part:
        case None:
            return b""
        case bytes():
            return part
        case UUID():
            return part.bytes
        case datetime():
            return part.astimezone(UTC).isoformat(timespec="microseconds").encode()
        case _:
            return str(part).encode()
