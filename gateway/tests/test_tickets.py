"""WebSocket tickets: valid for one socket, for 30 seconds, and for nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from websockets.asyncio.client import ClientConnection, connect

from gateway.jobs import JOBS
from gateway.main import Gateway
from gateway.realtime.hub import Message
from gateway.tests.conftest import Upstreams, running
from gateway.tests.support import closed_with, heard, publishing, revoke, ws
from migrations.migrate import migrate, pending
from shared.jobs import run_once
from shared.messaging.events import new_id
from shared.settings import runtime_role
from shared.testing.proxy import proxied
from shared.testing.servers import DatabaseUrl, Servers, as_owner, settings_for, with_database
from shared.testing.types import TokenFor
from shared.testing.waiting import until

TicketFor = Callable[..., str]


@pytest.fixture
def ticket_for(token_for: TokenFor) -> TicketFor:
    def make(user: UUID | None = None, **overrides: Any) -> str:
        now = int(time.time())
        claims = {"aud": "loctician-ws", "exp": now + 30, "session_exp": now + 900}
        return token_for("customer", user, **(claims | overrides))

    return make


@pytest.fixture(scope="session")
async def database(database_url: DatabaseUrl) -> str:
    return await database_url("gateway")


@pytest.fixture(scope="session")
async def two(upstreams: Upstreams, database: str) -> AsyncIterator[list[tuple[Gateway, str]]]:
    """Two replicas with one database."""
    async with (
        running(upstreams, database_url=database) as first,
        running(upstreams, database_url=database) as second,
    ):
        yield [first, second]


async def opened(socket: ClientConnection, gateway: Gateway, user: UUID) -> bool:
    await until(lambda: gateway.hub.publish([f"user:{user}"], Message('"in"')) == 1)
    return bool(await heard(socket) == "in")


class TestOpening:
    async def test_a_ticket_opens_a_socket_of_its_user(
        self, two: list[tuple[Gateway, str]], ticket_for: TicketFor
    ) -> None:
        gateway, url = two[0]
        user = new_id()
        async with connect(ws(url, f"/ws?ticket={ticket_for(user)}")) as socket:
            assert await opened(socket, gateway, user)

    async def test_a_ticket_is_good_once_at_any_replica(
        self, two: list[tuple[Gateway, str]], ticket_for: TicketFor
    ) -> None:
        user = new_id()
        ticket = ticket_for(user)
        async with connect(ws(two[0][1], f"/ws?ticket={ticket}")) as first:
            assert await opened(first, two[0][0], user)  # the ticket is spent once the hub has the socket
            for _, url in two:
                async with connect(ws(url, f"/ws?ticket={ticket}")) as again:
                    assert (await closed_with(again), again.close_reason) == (4401, "no valid access token or ticket")

    async def test_of_twenty_simultaneous_uses_one_succeeds(
        self, two: list[tuple[Gateway, str]], ticket_for: TicketFor
    ) -> None:
        user = new_id()
        ticket = ticket_for(user)
        sockets = [await connect(ws(two[n % 2][1], f"/ws?ticket={ticket}"), open_timeout=20) for n in range(20)]
        closing = [asyncio.create_task(closed_with(socket, 20)) for socket in sockets]
        await until(lambda: sum(task.done() for task in closing) == 19)
        assert {task.result() for task in closing if task.done()} == {4401}
        for socket in sockets:
            await socket.close()
        await asyncio.gather(*closing)

    async def test_the_socket_ends_with_the_access_token_behind_the_ticket(
        self, two: list[tuple[Gateway, str]], ticket_for: TicketFor
    ) -> None:
        started = int(time.time())
        ticket = ticket_for(session_exp=started + 2)
        async with connect(ws(two[0][1], f"/ws?ticket={ticket}")) as socket:
            assert await closed_with(socket) == 4401
            assert socket.close_reason == "token expired"
            assert time.time() >= started + 2

    async def test_a_ticket_works_for_a_locticians_calendar_too(
        self, two: list[tuple[Gateway, str]], ticket_for: TicketFor
    ) -> None:
        gateway, url = two[0]
        before = len(gateway.hub)
        async with connect(ws(url, f"/ws/loctician/{new_id()}?ticket={ticket_for()}")):
            await until(lambda: len(gateway.hub) == before + 1)

    async def test_a_client_that_resumes_with_a_ticket_resyncs(
        self, two: list[tuple[Gateway, str]], ticket_for: TicketFor
    ) -> None:
        async with connect(ws(two[0][1], f"/ws?ticket={ticket_for()}&last_event_id={new_id()}")) as socket:
            message = await heard(socket)
            assert (message["type"], message["data"]) == ("resync", {"reason": "needs_token"})


BAD: dict[str, dict[str, Any]] = {
    "expired": {"exp": int(time.time()) - 60, "iat": int(time.time()) - 90},
    "of an access token's type": {"typ": "at+jwt"},
    "of no type of ours": {"typ": "JWT"},
    "with an expiry of 400 digits": {"session_exp": 10**400},
    "with an expiry that is no whole number": {"session_exp": time.time() + 900},
    "of an access token's audience": {"aud": "loctician"},
    "of both audiences": {"aud": ["loctician", "loctician-ws"]},
    "of another environment": {"iss": "https://staging.example"},
    "good for too long": {"exp": int(time.time()) + 3_600},
    "without the session's end": {"session_exp": None},
    "with no number for it": {"session_exp": "tomorrow"},
    "with an endless id": {"jti": "x" * 65},
    "with no id": {"jti": ""},
    "with a number for id": {"jti": 7},
}


class TestAttacks:
    @pytest.mark.parametrize("name", BAD)
    async def test_a_bad_ticket_opens_nothing(
        self, two: list[tuple[Gateway, str]], ticket_for: TicketFor, name: str
    ) -> None:
        async with connect(ws(two[0][1], f"/ws?ticket={ticket_for(**BAD[name])}")) as socket:
            assert await closed_with(socket) == 4401

    async def test_an_access_token_is_no_ticket_and_a_ticket_no_access_token(
        self, two: list[tuple[Gateway, str]], token_for: TokenFor, ticket_for: TicketFor
    ) -> None:
        url = two[0][1]
        for query in (f"ticket={token_for()}", f"token={ticket_for()}"):
            async with connect(ws(url, f"/ws?{query}")) as socket:
                assert await closed_with(socket) == 4401
        async with httpx.AsyncClient(base_url=url) as client:
            answer = await client.get("/api/v1/bookings", headers={"Authorization": f"Bearer {ticket_for()}"})
            assert answer.status_code == 401

    async def test_an_access_token_that_names_a_session_end_is_no_ticket_either(
        self, two: list[tuple[Gateway, str]], token_for: TokenFor
    ) -> None:
        token = token_for(session_exp=int(time.time()) + 900)
        async with connect(ws(two[0][1], f"/ws?ticket={token}")) as socket:
            assert await closed_with(socket) == 4401

    async def test_a_ticket_and_a_token_together_open_nothing(
        self, two: list[tuple[Gateway, str]], token_for: TokenFor, ticket_for: TicketFor
    ) -> None:
        for query in (f"ticket={ticket_for()}&token={token_for()}", f"ticket={ticket_for()}&ticket={ticket_for()}"):
            async with connect(ws(two[0][1], f"/ws?{query}")) as socket:
                assert await closed_with(socket) == 4401

    async def test_a_ticket_signed_by_another_key_opens_nothing(
        self, two: list[tuple[Gateway, str]], ticket_for: TicketFor
    ) -> None:
        claims = jwt.decode(ticket_for(), options={"verify_signature": False})
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        forged = jwt.encode(claims, other, "RS256", {"kid": "test-key", "typ": "ticket+jwt"})
        async with connect(ws(two[0][1], f"/ws?ticket={forged}")) as socket:
            assert await closed_with(socket) == 4401

    async def test_a_ticket_of_an_ended_session_opens_nothing(
        self, upstreams: Upstreams, two: list[tuple[Gateway, str]], ticket_for: TicketFor
    ) -> None:
        gateway, url = two[0]
        user, session = new_id(), new_id()
        known = len(gateway.revocations)
        async with publishing(upstreams.amqp_url) as channel:
            await revoke(channel, user, session)
        await until(lambda: len(gateway.revocations) == known + 1)
        async with connect(ws(url, f"/ws?ticket={ticket_for(user, sid=str(session))}")) as socket:
            assert await closed_with(socket) == 4401


class TestDatabase:
    async def test_without_the_database_tickets_are_refused_and_tokens_work(
        self, upstreams: Upstreams, token_for: TokenFor, ticket_for: TicketFor
    ) -> None:
        async with running(upstreams) as (gateway, url), httpx.AsyncClient(base_url=url) as client:
            async with connect(ws(url, f"/ws?ticket={ticket_for()}")) as socket:
                assert await closed_with(socket) == 1013
                assert socket.close_reason == "tickets cannot be checked now"
            async with connect(ws(url, f"/ws?token={token_for()}")):
                await until(lambda: len(gateway.hub) == 1)
            bearer = {"Authorization": f"Bearer {token_for()}"}
            assert (await client.get("/api/v1/bookings", headers=bearer)).status_code == 200
            ready = await client.get("/health/ready")
            assert (ready.status_code, ready.json()["parts"]["database"]["status"]) == (200, "down")

    async def test_closed_pooled_connections_use_up_no_ticket(
        self, upstreams: Upstreams, database: str, ticket_for: TicketFor
    ) -> None:
        user = new_id()
        async with proxied(database) as link, running(upstreams, database_url=link.url) as (gateway, url):
            async with connect(ws(url, f"/ws?ticket={ticket_for(user)}")) as socket:
                assert await opened(socket, gateway, user)
            await link.cut()
            await link.restore()
            async with connect(ws(url, f"/ws?ticket={ticket_for(user)}")) as socket:
                assert await opened(socket, gateway, user)

    async def test_used_tickets_are_deleted_once_they_have_expired(
        self, two: list[tuple[Gateway, str]], database: str
    ) -> None:
        fill = """INSERT INTO gateway.used_tickets SELECT 'old ' || n, now() - interval '1 s'
                  FROM generate_series(1, 2500) n"""
        await _as_owner(database, fill)
        await _as_owner(database, "INSERT INTO gateway.used_tickets VALUES ('new', now() + interval '1 min')")
        while (outcome := await run_once(two[0][0].database, JOBS[0])) == "elsewhere":
            await asyncio.sleep(0.01)
        assert outcome == "done"
        left = await _as_owner(database, "SELECT jti FROM gateway.used_tickets WHERE jti LIKE 'old%' OR jti = 'new'")
        assert left == ["new"]

    async def test_the_gateways_role_reaches_nothing_else(self, two: list[tuple[Gateway, str]]) -> None:
        rows = await two[0][0].database.call(
            text(f"""SELECT table_schema, table_name, privilege_type FROM information_schema.role_table_grants
                    WHERE grantee = '{runtime_role("gateway")}' ORDER BY table_name, privilege_type""")
        )
        assert [tuple(row) for row in rows] == [
            *(("gateway", "job_runs", privilege) for privilege in ("INSERT", "SELECT", "UPDATE")),
            *(
                ("gateway", table, privilege)
                for table in ("known_networks", "rate_limits")
                for privilege in ("DELETE", "INSERT", "SELECT", "UPDATE")
            ),
            *(("gateway", "used_tickets", privilege) for privilege in ("DELETE", "INSERT", "SELECT")),
        ]

    async def test_the_migration_goes_down_and_up_again(self, servers: Servers) -> None:
        name = f"test_gateway_{uuid4().hex[:10]}"
        await as_owner(servers.database_url, f"CREATE DATABASE {name}")
        try:
            settings = settings_for(servers, with_database(servers.database_url, name))
            assert await pending("gateway", settings)
            await migrate("gateway", settings)
            await migrate("gateway", settings, "base", down=True)
            assert await pending("gateway", settings)
            await migrate("gateway", settings)
            assert not await pending("gateway", settings)
        finally:
            await as_owner(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


async def _as_owner(url: str, statement: str) -> list[Any]:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.begin() as connection:
            result = await connection.execute(text(statement))
            return list(result.scalars()) if result.returns_rows else []
    finally:
        await engine.dispose()
