"""Ended sessions are refused at every gateway, also at those that start later."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from websockets.asyncio.client import connect

from gateway.__main__ import OPTIONS
from gateway.identity.revocations import MARGIN_SECONDS, Revocations
from gateway.main import Gateway
from gateway.tests.conftest import NO_BROKER, Upstreams, running, serving, settings_for
from gateway.tests.support import closed_with, declare_topology, publishing, revoke, send, ws
from keys.events import signature
from shared.messaging.events import new_id
from shared.testing.keys import keys_for
from shared.testing.proxy import proxied
from shared.testing.types import TokenFor
from shared.testing.waiting import until

BOOKINGS, REVOKED = "/api/v1/bookings", "session.revoked.v1"


async def status(url: str, token: str) -> int:
    async with httpx.AsyncClient(base_url=url) as client:
        return (await client.get(BOOKINGS, headers={"Authorization": f"Bearer {token}"})).status_code


async def refused_within(seconds: float, url: str, token: str) -> None:
    async with asyncio.timeout(seconds):
        while await status(url, token) != 401:
            await asyncio.sleep(0.01)


class TestRunningGateways:
    async def test_a_logout_is_refused_at_every_replica_within_a_second(
        self, upstreams: Upstreams, broker: str, token_for: TokenFor
    ) -> None:
        user, session = new_id(), new_id()
        token, other = token_for(user=user, sid=str(session)), token_for(user=user)
        async with (
            running(upstreams, amqp_url=broker) as (first, first_url),
            running(upstreams, amqp_url=broker) as (_, second_url),
            publishing(broker) as channel,
            connect(ws(first_url, f"/ws?token={token}")) as open_at_one,
            connect(ws(second_url, f"/ws?token={token}")) as open_at_two,
            connect(ws(first_url, f"/ws?token={other}")),
        ):
            for url in (first_url, second_url):
                assert await status(url, token) == 200  # and so it is among the verified tokens each keeps
            await until(lambda: len(first.hub) == 2)
            await revoke(channel, user, session)
            await asyncio.gather(*(refused_within(1.0, url, token) for url in (first_url, second_url)))
            assert [await closed_with(socket, 1.0) for socket in (open_at_one, open_at_two)] == [4401, 4401]
            async with connect(ws(second_url, f"/ws?token={token}")) as again:
                assert await closed_with(again) == 4401
            assert [await status(url, other) for url in (first_url, second_url)] == [200, 200]
            assert len(first.hub) == 1

    async def test_all_sessions_of_a_user_end_and_a_later_one_is_valid(
        self, upstreams: Upstreams, broker: str, token_for: TokenFor
    ) -> None:
        user = new_id()
        tokens = [token_for(user=user) for _ in range(2)]
        later = token_for(user=user, iat=int(time.time()) + 2)
        async with (
            running(upstreams, amqp_url=broker) as (_, url),
            publishing(broker) as channel,
            connect(ws(url, f"/ws?token={tokens[0]}")) as socket,
        ):
            await revoke(channel, user, None)
            await asyncio.gather(*(refused_within(1.0, url, token) for token in tokens))
            assert await closed_with(socket, 1.0) == 4401
            assert await status(url, later) == 200
            assert await status(url, token_for()) == 200

    async def test_unreadable_messages_are_skipped(
        self, upstreams: Upstreams, broker: str, token_for: TokenFor
    ) -> None:
        user, session = new_id(), new_id()
        token = token_for(user=user, sid=str(session))
        async with running(upstreams, amqp_url=broker) as (gateway, url), publishing(broker) as channel:
            bad: list[dict[str, Any]] = [{}, {"time": "x", "data": []}, {"marker": 1}, {"marker": "somebody else's"}]
            for body in bad:
                await send(channel, "loctician.events", "session.revoked.v1", body)
            await revoke(channel, user, session)
            await refused_within(1.0, url, token)
            assert gateway.health.parts["revocations"] is None


class TestStartingLater:
    async def test_a_gateway_that_starts_later_reads_all_revocations_before_it_is_ready(
        self, upstreams: Upstreams, broker: str, token_for: TokenFor
    ) -> None:
        user, session, long_ago = new_id(), new_id(), new_id()
        async with running(upstreams, amqp_url=broker), publishing(broker) as channel:
            for number in range(2_000):
                await revoke(channel, new_id(), new_id(), timedelta(seconds=number % 60))
            await revoke(channel, user, session)
            await revoke(channel, user, long_ago, timedelta(hours=2))
            gateway = Gateway(settings_for(upstreams, amqp_url=broker))
            async with serving(gateway, **OPTIONS) as url, httpx.AsyncClient(base_url=url) as client:
                token = token_for(user=user, sid=str(session))
                seen = set[int]()
                while (ready := await client.get("/health/ready")).status_code == 503:
                    seen.add(await status(url, token))
                    assert ready.headers["retry-after"]
                assert seen <= {503, 401}
                assert await status(url, token) == 401
                assert await status(url, token_for()) == 200
                assert len(gateway.revocations) == 2_001  # the one of long ago has no token alive

    async def test_a_gateway_that_starts_listens_once_it_has_read_them(
        self, upstreams: Upstreams, broker: str, token_for: TokenFor
    ) -> None:
        gateway = Gateway(settings_for(upstreams, amqp_url=broker))
        async with running(upstreams, amqp_url=broker), serving(gateway, **OPTIONS) as url:
            assert await status(url, token_for()) == 200

    async def test_a_gateway_that_has_not_read_the_stream_answers_503(
        self, upstreams: Upstreams, token_for: TokenFor
    ) -> None:
        async with (
            serving(Gateway(settings_for(upstreams, amqp_url=NO_BROKER)), **OPTIONS) as url,
            httpx.AsyncClient(base_url=url) as client,
        ):
            answer = await client.get(BOOKINGS, headers={"Authorization": f"Bearer {token_for()}"})
            assert (answer.status_code, answer.json()["code"]) == (503, "starting")
            assert answer.headers["retry-after"] == "2"
            assert (await client.get(BOOKINGS, headers={"Authorization": "Bearer x"})).status_code == 401
            assert (await client.get("/api/v1/slots")).status_code == 200
            assert (await client.get("/health/ready")).status_code == 503
            async with connect(ws(url, f"/ws?token={token_for()}")) as socket:
                assert await closed_with(socket) == 1013


class TestOutage:
    async def test_it_works_with_known_revocations_and_reads_the_rest_afterwards(
        self, upstreams: Upstreams, broker: str, token_for: TokenFor
    ) -> None:
        user, before, meanwhile = new_id(), new_id(), new_id()
        tokens = {session: token_for(user=user, sid=str(session)) for session in (before, meanwhile)}
        async with (
            proxied(broker) as link,
            running(upstreams, amqp_url=link.url) as (gateway, url),
            publishing(broker) as channel,
            connect(ws(url, f"/ws?token={tokens[meanwhile]}")) as socket,
        ):
            await revoke(channel, user, before)
            await refused_within(1.0, url, tokens[before])
            await link.cut()
            await until(lambda: gateway.health.parts["revocations"] is not None)
            await revoke(channel, user, meanwhile)
            assert [await status(url, token) for token in tokens.values()] == [401, 200]
            async with httpx.AsyncClient(base_url=url) as client:
                ready = await client.get("/health/ready")
                assert (ready.status_code, ready.json()["parts"]["revocations"]["status"]) == (200, "down")
                assert "gateway_revocations_current 0.0" in (await client.get("/metrics")).text
            await link.restore()
            await refused_within(10.0, url, tokens[meanwhile])
            assert await closed_with(socket) == 4401
            await until(lambda: gateway.health.parts["revocations"] is None)

    async def test_a_deleted_stream_is_read_once_it_is_declared_again(
        self, upstreams: Upstreams, broker: str, token_for: TokenFor
    ) -> None:
        user, session = new_id(), new_id()
        token = token_for(user=user, sid=str(session))
        async with running(upstreams, amqp_url=broker) as (gateway, url), publishing(broker) as channel:
            await channel.queue_delete("gateway.revocations")
            await until(lambda: "loctician migrate" in str(gateway.health.parts["revocations"]))
            await declare_topology(broker)
            await until(lambda: gateway.health.parts["revocations"] is None)
            await revoke(channel, user, session)
            await refused_within(1.0, url, token)

    async def test_nobody_but_auth_ends_sessions(self, upstreams: Upstreams, broker: str, token_for: TokenFor) -> None:
        """Even whoever can write to the exchange."""
        user, session, other = new_id(), new_id(), new_id()
        token, ended = (token_for(user=user, sid=str(sid)) for sid in (session, other))
        data = {"user_id": str(user), "session_id": None, "reason": "logout", "version": 2}
        event = {"id": str(new_id()), "type": REVOKED, "source": "/services/auth", "data": data}
        event["time"] = datetime.now(UTC).isoformat()
        forged = [
            event,
            event | {"signature": ""},
            event | {"signature": signature(keys_for("notifications"), event)},
            event | {"signature": signature(keys_for("auth"), event), "time": "2099-01-01T00:00:00Z"},
            event | {"signature": signature(keys_for("auth"), event), "data": data | {"session_id": str(session)}},
            _by("notifications", event | {"source": "/services/notifications"}),
            _by("auth", event | {"type": "user.updated.v1"}),
        ]
        async with running(upstreams, amqp_url=broker) as (gateway, url), publishing(broker) as channel:
            for body in forged:
                await send(channel, "loctician.events", REVOKED, body)
            await revoke(channel, user, other)
            await refused_within(1.0, url, ended)
            assert await status(url, token) == 200
            assert gateway.health.parts["revocations"] is None


def _by(service: str, event: dict[str, Any]) -> dict[str, Any]:
    return event | {"signature": signature(keys_for(service), event)}


def claims(user: UUID, session: UUID, issued: float) -> dict[str, Any]:
    return {"sub": str(user), "sid": str(session), "iat": issued}


class TestList:
    def test_a_session_is_removed_once_its_tokens_have_expired(self) -> None:
        known = Revocations(lifetime=60)
        now = time.time()
        dead, alive = new_id(), new_id()
        known.end_session(dead, now - 60 - MARGIN_SECONDS)
        known.end_session(alive, now - 60)
        assert len(known) == 1
        assert known.refuses(claims(new_id(), alive, now))

    def test_a_users_tokens_of_the_very_second_are_refused_and_those_of_the_next_are_not(self) -> None:
        known, user = Revocations(lifetime=60), new_id()
        second = int(time.time())
        known.end_all(user, second + 0.4)
        assert known.refuses(claims(user, new_id(), second))
        assert not known.refuses(claims(user, new_id(), second + 1))
        assert not known.refuses(claims(new_id(), new_id(), second))

    def test_an_older_event_that_comes_late_does_not_undo_a_newer_one(self) -> None:
        known, user, now = Revocations(lifetime=60), new_id(), int(time.time())
        known.end_all(user, now)
        known.end_all(user, now - 30)
        assert known.refuses(claims(user, new_id(), now - 10))

    def test_an_event_from_the_future_is_not_kept_for_ever(self) -> None:
        known, session = Revocations(lifetime=60), new_id()
        known.end_session(session, time.time() + 10**9)
        assert max(known._sessions.values()) <= time.time() + MARGIN_SECONDS

    @pytest.mark.parametrize("count", [11, 100])
    def test_tokens_of_removed_sessions_stay_refused(self, count: int) -> None:
        known, now = Revocations(lifetime=1_000, at_most=10), time.time()
        ended = [(new_id(), now - count + number) for number in range(count)]
        for session, at in ended:
            known.end_session(session, at)
        assert len(known) <= 10
        assert all(known.refuses(claims(new_id(), session, at - 5)) for session, at in ended)
        assert not known.refuses(claims(new_id(), new_id(), now))
