"""The tap: a statement that a driver sent is found in the stream and answers the same when sent again."""

import struct
from collections.abc import AsyncIterator

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.testing.servers import Servers, as_owner
from tests.bench.tap import Tap, messages, typed


def message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!I", len(content) + 4) + content


class TestProtocol:
    @given(st.lists(st.tuples(st.sampled_from([b"P", b"B", b"E", b"S"]), st.binary(max_size=50)), max_size=10))
    def test_messages_are_found_again(self, sent: list[tuple[bytes, bytes]]) -> None:
        stream = b"".join(message(kind, content) for kind, content in sent)
        assert list(messages(stream)) == [(kind, message(kind, content)) for kind, content in sent]

    def test_incomplete_message_is_left_for_later(self) -> None:
        assert list(messages(message(b"B", b"abc")[:-1])) == []

    def test_beginning_without_types_is_skipped(self) -> None:
        ssl, startup = struct.pack("!II", 8, 80877103), struct.pack("!II", 13, 196608) + b"user\0"
        assert typed(ssl + startup + message(b"S", b"")) == message(b"S", b"")


@pytest.fixture
async def tap(servers: Servers) -> AsyncIterator[Tap]:
    await as_owner(servers.database_url, "DROP TABLE IF EXISTS tapped", "CREATE TABLE tapped (n integer)")
    tap = Tap(servers.database_url)
    async with tap.open():
        yield tap
    await as_owner(servers.database_url, "DROP TABLE tapped")


class TestTap:
    async def test_statement_with_its_parameter_runs_again(self, tap: Tap) -> None:
        driver = await asyncpg.connect(tap.url, timeout=10)
        try:
            statement = await driver.prepare("INSERT INTO tapped VALUES ($1)")
            await statement.fetch(1)
            mark = tap.mark()
            await statement.fetch(42)
            call = tap.since(mark)
            async with tap.session() as session:
                await session.send(call)
                await session.send(call)
            assert [row["n"] for row in await driver.fetch("SELECT n FROM tapped ORDER BY n")] == [1, 42, 42, 42]
        finally:
            await driver.close()

    async def test_call_without_a_statement_is_refused(self, tap: Tap) -> None:
        driver = await asyncpg.connect(tap.url, timeout=10)
        try:
            mark = tap.mark()
            with pytest.raises(RuntimeError, match="no statement"):
                tap.since(mark)
        finally:
            await driver.close()

    async def test_statement_that_fails_when_sent_again_is_an_error(self, tap: Tap, servers: Servers) -> None:
        driver = await asyncpg.connect(tap.url, timeout=10)
        try:
            statement = await driver.prepare("SELECT n FROM tapped WHERE n = $1")
            await statement.fetch(1)
            mark = tap.mark()
            await statement.fetch(2)
            call = tap.since(mark)
            await as_owner(servers.database_url, "ALTER TABLE tapped RENAME COLUMN n TO m")
            async with tap.session() as session:
                with pytest.raises(RuntimeError, match="failed when sent again"):
                    await session.send(call)
        finally:
            await driver.close()
