"""The account that a request names in its body."""

import json
from contextlib import aclosing
from typing import Any

from starlette.types import Message, Receive

from domain.email_addresses import canonical
from gateway.proxy.call import Call
from gateway.proxy.request_body import read_request_body

MAX_BODY_BYTES = 16_384


async def read_account(call: Call) -> str | None:
    """The canonical address of the account, if the body names one. The body can still be read afterwards.

    Raises what reading the body raises.
    """
    async with aclosing(read_request_body(call, MAX_BODY_BYTES)) as pieces:
        body = b"".join([piece async for piece in pieces])
    call.receive = _replay(body, call.receive)
    return account_in(body)


def account_in(body: bytes) -> str | None:
    """The canonical `email` of a JSON object; None if there is none."""
    # Auth parses with the same module: a body that only auth could parse would not be counted.
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    email = document.get("email") if isinstance(document, dict) else None
    return canonical(email) if isinstance(email, str) else None


def _replay(body: bytes, rest: Receive) -> Receive:
    """A `receive` that gives the body again, and then what `rest` gives."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await rest()

    return receive
