"""Which account a call names in its body, as a hash that tells nothing of it."""

import json
import unicodedata
from collections.abc import Sequence
from typing import Any

from starlette.types import Message, Receive

from gateway.proxy.call import Call
from gateway.proxy.forwarding import read_body

MAX_BODY_BYTES = 16_384
MOST_CHARACTERS = 1_000


async def account_in(call: Call) -> str | None:
    """The account in one spelling, if the body names one; the body can still be read afterwards.

    Raises what reading the body raises.
    """
    pieces = [piece async for piece in read_body(call.receive, MAX_BODY_BYTES)]
    call.receive = _again(b"".join(pieces), call.receive)
    return named_in(b"".join(pieces))


def named_in(body: bytes) -> str | None:
    # The parser that auth uses: what one of two would take and the other not, would be counted for nobody.
    try:
        given: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    email = given.get("email") if isinstance(given, dict) else None
    return one_spelling(email) if isinstance(email, str) else None


def one_spelling(email: str) -> str:
    """However it is written: case, width, composed or not, a domain in Unicode or in Punycode."""
    folded = _folded(email[:MOST_CHARACTERS])
    local, at, domain = folded.rpartition("@")
    return local + at + ".".join(_decoded(label) for label in domain.rstrip(".").split("."))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return _folded(label[4:].encode().decode("punycode"))
    except UnicodeError:
        return label


def _again(body: bytes, rest: Receive) -> Receive:
    left: Sequence[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    waiting = list(left)

    async def receive() -> Message:
        return waiting.pop() if waiting else await rest()

    return receive
