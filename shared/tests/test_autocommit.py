"""Calls of one statement: what they leave behind, and what a connection that is lost costs."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from shared.database.autocommit import AutocommitPool
from shared.http.problems import install
from shared.settings import plain_url
from shared.testing.servers import Servers, as_owner

PID = "SELECT pg_backend_pid()"
SLEEP = "SELECT pg_sleep(30)"


@pytest.fixture
async def straight(servers: Servers) -> AsyncIterator[AutocommitPool]:
    made = AutocommitPool("test", plain_url(servers.database_url), 2, 0.2, timeout=5, command_timeout=20)
    yield made
    await made.close()


class TestConnections:
    async def test_the_one_used_last_is_used_again(self, straight: AutocommitPool) -> None:
        assert await straight.value(PID) == await straight.value(PID)

    async def test_as_many_as_it_may_have_and_no_more(self, straight: AutocommitPool) -> None:
        calls = [asyncio.create_task(straight.value(SLEEP)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await straight.value(PID)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert await straight.value("SELECT 1") == 1

    async def test_a_refusal_leaves_its_connection_whole(self, straight: AutocommitPool) -> None:
        before = await straight.value(PID)
        with pytest.raises(asyncpg.DivisionByZeroError):
            await straight.value("SELECT 1 / 0")
        assert await straight.value(PID) == before

    async def test_a_call_that_is_cancelled_takes_its_connection_along(self, straight: AutocommitPool) -> None:
        before = await straight.value(PID)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await straight.value(SLEEP)
        assert await straight.value(PID) != before

    async def test_a_connection_that_was_cut_is_replaced(self, straight: AutocommitPool, servers: Servers) -> None:
        before = await straight.value(PID)
        await as_owner(servers.database_url, f"SELECT pg_terminate_backend({before})")
        await eventually_closed(straight)
        assert await straight.value(PID) != before

    async def test_claims_end_with_the_statement(self, straight: AutocommitPool) -> None:
        claims = "SELECT set_config('request.jwt.claims', 'mine', true)"
        assert await straight.value(claims) == "mine"
        assert await straight.value("SELECT current_setting('request.jwt.claims', true)") in {None, ""}

    async def test_no_row_is_none(self, straight: AutocommitPool) -> None:
        assert await straight.value("SELECT 1 WHERE false") is None
        assert [row[0] for row in await straight.rows("SELECT generate_series(1, 3)")] == [1, 2, 3]


async def eventually_closed(straight: AutocommitPool) -> None:
    async with asyncio.timeout(10):
        while not all(one.is_closed() for one in straight._idle):
            await asyncio.sleep(0.01)


class TestProblems:
    @pytest.mark.parametrize(
        ("statement", "status"),
        [
            ("SELECT 1 / 0", 500),
            ("SELECT pg_terminate_backend(pg_backend_pid())", 503),
            ("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53300'; END $$", 503),
            ("DO $$ BEGIN RAISE lock_not_available; END $$", 503),
        ],
    )
    async def test_what_passes_is_503_and_what_does_not_is_500(
        self, straight: AutocommitPool, statement: str, status: int
    ) -> None:
        app = FastAPI()
        install(app)

        @app.get("/")
        async def ask() -> object:
            return await straight.value(statement)

        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.get("/")
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
