"""The body of a client's request: its framing, and gathering it with limits on size and time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO

from gateway.errors import BadRequest, ServiceUnavailable, SlowBody
from gateway.proxy.call import Call, ClientGoneError
from gateway.proxy.client_address import client_network
from shared.errors import TooLarge
from shared.observability.log import logger

BODY_SECONDS = 15.0  # plus the time that the body takes at MIN_BYTES_PER_SECOND
MIN_BYTES_PER_SECOND = 16_384
SLOW_SECONDS = 0.2  # a body that takes longer counts as slow
IN_MEMORY_BYTES = 65_536  # of one body; a larger one goes to a temporary file

log = logger(__name__)


def check_framing(call: Call, at_most: int) -> None:
    """Refuses a body whose length is ambiguous, or declared as too large. Raises BadRequest, TooLarge."""
    lengths = call.headers.values.get(b"content-length", [])
    encodings = call.headers.values.get(b"transfer-encoding", [])
    if len(lengths) + len(encodings) > 1:
        raise BadRequest
    if encodings:
        if encodings[0].strip().lower() != b"chunked":
            raise BadRequest
    elif not lengths[0].isdigit() or len(lengths[0]) > 15:
        raise BadRequest
    elif int(lengths[0]) > at_most:
        raise TooLarge(limit=at_most)


async def read_request_body(call: Call, at_most: int) -> AsyncGenerator[bytes, None]:
    """The pieces of the body as they arrive, `at_most` bytes in all.

    Raises TooLarge, SlowBody, ClientGoneError; TooManyAtOnce if it is slow, as are too many of its address.
    """
    clock, network = asyncio.get_running_loop().time, client_network(call.scope)
    total, more, slow = 0, True, False
    began = clock()
    try:
        while more:
            deadline = began + BODY_SECONDS + total / MIN_BYTES_PER_SECOND
            try:
                async with asyncio.timeout_at(deadline if slow else min(deadline, began + SLOW_SECONDS)):
                    message = await call.receive()
            except TimeoutError as error:
                if clock() >= deadline:
                    raise SlowBody from error
                call.slow_bodies.enter(network)
                slow = True
                continue
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            piece, more = message.get("body", b""), message.get("more_body", False)
            call.body_arrives = more
            total += len(piece)
            if total > at_most:
                raise TooLarge(limit=at_most)
            if piece:
                yield piece
    finally:
        if slow:
            call.slow_bodies.leave(network)


class GatheredBody:
    """A body that has arrived whole: up to IN_MEMORY_BYTES in memory, a larger one in a temporary file."""

    def __init__(self) -> None:
        self.length = 0
        self.content = bytearray()  # the part that is in memory
        self._file: IO[bytes] | None = None

    def __enter__(self) -> "GatheredBody":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    async def gather(self, call: Call, at_most: int) -> None:
        """Raises what `read_request_body` raises; ServiceUnavailable if there is no room for the file."""
        async with aclosing(read_request_body(call, at_most)) as pieces:
            async for piece in pieces:
                self.length += len(piece)
                self.content += piece
                if len(self.content) > IN_MEMORY_BYTES:
                    await self._spill()
        if self._file is not None:
            await self._spill()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body of a file. Empty if all of it is in memory."""
        if self._file is not None:
            await asyncio.to_thread(self._file.seek, 0)
            while piece := await asyncio.to_thread(self._file.read, IN_MEMORY_BYTES):
                yield piece

    @property
    def in_file(self) -> bool:
        return self._file is not None

    async def _spill(self) -> None:
        data, self.content = self.content, bytearray()
        try:
            if self._file is None:
                self._file = await asyncio.to_thread(TemporaryFile)
            await asyncio.to_thread(self._file.write, data)
        except OSError as error:
            log.warning("body_not_stored", error=str(error))
            raise ServiceUnavailable from error
