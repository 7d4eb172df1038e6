"""The HTTP client against servers that break the rules."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.settings import service_urls
from gateway.upstream.client import Upstream
from gateway.upstream.errors import BrokenError, SlowError, UnreachableError
from gateway.upstream.requests import Request
from shared.testing.waiting import until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def scripted(*answers: bytes | None) -> AsyncIterator[tuple[str, list[int]]]:
    """A server that gives each request the next answer and closes after None; and the connections it had."""
    left = list(answers)
    connections: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(0)
        try:
            while left:
                await reader.readuntil(b"\r\n\r\n")
                connections[-1] += 1
                answer = left.pop(0)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", connections


async def get(upstream: Upstream, method: str = "GET", seconds: float = 1.0) -> tuple[int, bytes]:
    connection = await upstream.request(Request(method, b"/", [(b"host", b"x")], seconds))
    try:
        body = b""
        while piece := await connection.receive(1.0):
            body += piece
        return connection.status, body
    finally:
        upstream.release(connection)


Pool = Callable[..., Upstream]


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    opened: list[Upstream] = []

    def make(url: str, **options: float) -> Upstream:
        opened.append(Upstream(service_urls(url), **options))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for upstream in opened:
        upstream.close()
    await asyncio.sleep(0)  # the event loop closes aborted sockets in its next round


class TestAnswers:
    @pytest.mark.parametrize(
        "answer",
        [
            b"garbage\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nzzz",
            b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70_000 + b"\r\n\r\n",
        ],
    )
    async def test_invalid_http_is_a_broken_answer(self, pool: Pool, answer: bytes) -> None:
        async with scripted(answer) as (url, _):
            with pytest.raises(BrokenError):
                await get(pool(url))

    async def test_a_truncated_body_is_a_broken_answer(self, pool: Pool) -> None:
        async with scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", None) as (url, _):
            upstream = pool(url, idle_seconds=0.3)
            with pytest.raises((BrokenError, SlowError)):
                await get(upstream)

    async def test_interim_answers_are_skipped(self, pool: Pool) -> None:
        async with scripted(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK) as (url, _):
            assert await get(pool(url)) == (200, b"ok")

    async def test_a_body_without_length_ends_with_the_connection(self, pool: Pool) -> None:
        async with scripted(b"HTTP/1.1 200 OK\r\n\r\nall of it") as (url, _):
            assert await get(pool(url)) == (200, b"all of it")

    @pytest.mark.parametrize("more", [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"HTTP/1.1 204 No\r\n\r\n"])
    async def test_an_unexpected_answer_closes_the_connection(self, pool: Pool, more: bytes) -> None:
        async with scripted(OK + more, OK) as (url, connections):
            upstream = pool(url)
            assert await get(upstream) == (200, b"ok")
            assert await get(upstream) == (200, b"ok")
            assert connections == [1, 1]

    async def test_a_head_answer_leaves_the_connection_usable(self, pool: Pool) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        async with scripted(head, OK, head, OK) as (url, connections):
            upstream = pool(url)
            for method, body in (("HEAD", b""), ("GET", b"ok"), ("HEAD", b""), ("GET", b"ok")):
                assert await get(upstream, method) == (200, body)
            assert connections == [4]


class TestConnections:
    async def test_a_get_is_repeated_once_when_an_idle_connection_was_closed(self, pool: Pool) -> None:
        async with scripted(OK, None, OK) as (url, connections):
            upstream = pool(url)
            await get(upstream)
            assert await get(upstream) == (200, b"ok")
            assert connections == [2, 1]

    async def test_a_post_is_never_repeated(self, pool: Pool) -> None:
        async with scripted(OK, None, OK) as (url, connections):
            upstream = pool(url)
            await get(upstream)
            with pytest.raises(BrokenError):
                await get(upstream, "POST")
            assert connections == [2]

    async def test_a_new_connection_that_breaks_is_not_tried_again(self, pool: Pool) -> None:
        async with scripted(None, OK) as (url, connections):
            with pytest.raises(BrokenError):
                await get(pool(url))
            assert connections == [1]

    async def test_a_closed_port_is_unreachable(self, pool: Pool) -> None:
        with pytest.raises(UnreachableError):
            await get(pool("http://127.0.0.1:1"))

    async def test_a_silent_service_is_slow_and_its_place_becomes_free(self, pool: Pool) -> None:
        async with scripted(b"", b"", OK) as (url, _):
            upstream = pool(url, limit=1)
            for _ in range(2):
                with pytest.raises(SlowError):
                    await get(upstream, seconds=0.05)
            assert await get(upstream) == (200, b"ok")

    async def test_no_more_connections_than_the_limit(self, pool: Pool) -> None:
        async with scripted(*[OK] * 50) as (url, connections):
            upstream = pool(url, limit=3)
            await asyncio.gather(*(get(upstream) for _ in range(50)))
            assert len(connections) <= 3
            assert sum(connections) == 50

    async def test_a_call_that_gets_no_place_in_time_fails(self, pool: Pool) -> None:
        async with scripted(b"", b"") as (url, connections):
            upstream = pool(url, limit=1, connect_seconds=0.1)
            first = asyncio.create_task(get(upstream))
            await until(lambda: connections == [1])
            with pytest.raises(UnreachableError):
                await get(upstream)
            with pytest.raises(SlowError):
                await first

    async def test_receiving_stops_while_the_body_is_not_read(self, pool: Pool) -> None:
        total = 8_000_000
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n".encode()
        async with scripted(head + b"x" * total) as (url, _):
            upstream = pool(url)
            connection = await upstream.request(Request("GET", b"/", [(b"host", b"x")]))
            await until(lambda: connection._read_paused)
            assert connection._buffered < 1_000_000
            size = 0
            while piece := await connection.receive(1.0):
                size += len(piece)
            assert size == total
            upstream.release(connection)
