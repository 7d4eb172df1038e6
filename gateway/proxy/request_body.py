"""The body of a client's request: its framing, and reading it with limits on size and time."""

import asyncio
from collections.abc import AsyncIterator

from starlette.types import Receive

from gateway.errors import BadRequest, SlowBody
from gateway.proxy.call import Call
from shared.errors import TooLarge

BODY_SECONDS = 20.0  # plus the time that the body takes at MIN_BYTES_PER_SECOND
MIN_BYTES_PER_SECOND = 16_384


class ClientGoneError(Exception):
    """The client closed its connection before the call was complete."""


def framing(call: Call, at_most: int) -> tuple[int, bool]:
    """The body's declared length in bytes, and whether it is chunked instead. Raises BadRequest, TooLarge."""
    lengths = call.headers.values.get(b"content-length", [])
    encodings = call.headers.values.get(b"transfer-encoding", [])
    if len(lengths) + len(encodings) > 1:
        raise BadRequest
    if encodings:
        if encodings[0].strip().lower() != b"chunked":
            raise BadRequest
        return 0, True
    if not lengths[0].isdigit() or len(lengths[0]) > 15:
        raise BadRequest
    length = int(lengths[0])
    if length > at_most:
        raise TooLarge(limit=at_most)
    return length, False


async def read_request_body(receive: Receive, at_most: int) -> AsyncIterator[bytes]:
    """The pieces of the body as they arrive, `at_most` bytes in all. Raises TooLarge, SlowBody, ClientGoneError."""
    total, more = 0, True
    deadline = asyncio.get_running_loop().time() + BODY_SECONDS
    while more:
        try:
            async with asyncio.timeout_at(deadline + total / MIN_BYTES_PER_SECOND):
                message = await receive()
        except TimeoutError as error:
            raise SlowBody from error
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        piece, more = message.get("body", b""), message.get("more_body", False)
        total += len(piece)
        if total > at_most:
            raise TooLarge(limit=at_most)
        if piece:
            yield piece
