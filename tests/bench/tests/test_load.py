"""The HTTP client: counts what was answered, and refuses to measure errors."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.bench.load import drive, request

Answer = Callable[[bytes], Awaitable[bytes]]


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                writer.write(await answer(head))
        except asyncio.IncompleteReadError:
            writer.close()

    started = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield started.sockets[0].getsockname()[1]
    finally:
        started.close()


def reply(status: int, body: str) -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


class TestDrive:
    async def test_each_answer_is_counted_once(self) -> None:
        answered = 0

        async def answer(_: bytes) -> bytes:
            nonlocal answered
            answered += 1
            await asyncio.sleep(0.001)
            return reply(200, "ok")

        async with server(answer) as port:
            load = await drive(port, [lambda _: request("GET", "/")] * 4, 0.3)
        assert 0 < answered == load.statuses[200] == len(load.latencies)
        assert load.rate == pytest.approx(answered / load.seconds)
        assert min(load.latencies) >= 0.001

    async def test_next_request_is_made_of_the_answer_before(self) -> None:
        async def answer(head: bytes) -> bytes:
            number = int(head.split()[1][1:])
            return reply(200, str(number + 1))

        requests: list[bytes] = []

        def following(before: bytes) -> bytes:
            requests.append(before)
            return request("GET", f"/{(before or b'0').decode()}")

        async with server(answer) as port:
            await drive(port, [following], 0.1)
        assert requests[:4] == [b"", b"1", b"2", b"3"]

    async def test_one_error_among_the_answers_spoils_the_figure(self) -> None:
        count = 0

        async def answer(_: bytes) -> bytes:
            nonlocal count
            count += 1
            return reply(409 if count == 3 else 200, "taken" if count == 3 else "")

        async with server(answer) as port:
            with pytest.raises(RuntimeError, match=r"409.*taken"):
                await drive(port, [lambda _: request("GET", "/")], 0.1)

    async def test_cut_connection_is_an_error_and_not_a_wait(self) -> None:
        async def answer(_: bytes) -> bytes:
            raise asyncio.IncompleteReadError(b"", None)

        async with server(answer) as port:
            with pytest.raises(ConnectionError, match="cut"):
                await drive(port, [lambda _: request("GET", "/")], 5)
