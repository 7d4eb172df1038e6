"""A client that reconnects gets what it missed, once, and before new messages."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from websockets.asyncio.client import ClientConnection, connect

from gateway.main import Gateway
from gateway.realtime import resume
from gateway.realtime.hub import Message
from gateway.tests.conftest import Upstreams, running
from gateway.tests.support import closed_with, heard, publishing, revoke, ws
from shared.messaging.events import new_id
from shared.testing.types import TokenFor
from shared.testing.waiting import until

TIME = "2026-05-01T10:00:00+02:00"


def notice(number: int) -> dict[str, Any]:
    data = {"booking_id": f"booking {number}", "status": "confirmed", "version": 1}
    notice = {"kind": "booking_created", "type": "booking_update", "title": "x", "data": data}
    return notice | {"id": str(new_id()), "created_at": TIME, "read_at": None}


def fill(upstreams: Upstreams, count: int) -> str:
    """Puts `count` notices into the inbox; returns the id of the last event before them."""
    before = str(new_id())
    upstreams.notices[:] = [notice(number) for number in range(count)]
    return before


@pytest.fixture(autouse=True)
async def _empty(upstreams: Upstreams) -> AsyncIterator[None]:
    upstreams.inbox_asked.clear()
    yield
    upstreams.inbox_status = 200
    upstreams.notices.clear()
    upstreams.inbox_open.set()


def say(gateway: Gateway, user: UUID, message: Message) -> None:
    assert gateway.hub.publish([f"user:{user}"], message) == 1


async def bookings(socket: ClientConnection, count: int) -> list[str]:
    return [(await heard(socket))["data"]["booking_id"] for _ in range(count)]


async def told_to_reload(socket: ClientConnection) -> str:
    message = await heard(socket)
    assert message.keys() == {"id", "type", "time", "data"}
    assert message["type"] == "resync"
    return str(message["data"]["reason"])


class TestResuming:
    @pytest.mark.parametrize("count", [0, 1, 100, 101, 200])
    async def test_missed_messages_come_oldest_first_and_new_ones_follow(
        self, url: str, gateway: Gateway, upstreams: Upstreams, token_for: TokenFor, count: int
    ) -> None:
        user = new_id()
        token, last = token_for(user=user), fill(upstreams, count)
        async with connect(ws(url, f"/ws?token={token}&last_event_id={last}")) as socket:
            await until(lambda: len(upstreams.inbox_asked) >= 1)
            say(
                gateway,
                user,
                resume.message(str(new_id()), "booking_update", TIME, {"booking_id": "new", "version": 1}),
            )
            assert await bookings(socket, count + 1) == [*(f"booking {n}" for n in range(count)), "new"]
        assert set(upstreams.inbox_asked) == {f"Bearer {token}"}

    async def test_a_missed_message_looks_like_a_live_one(
        self, url: str, upstreams: Upstreams, token_for: TokenFor
    ) -> None:
        last = fill(upstreams, 1)
        async with connect(ws(url, f"/ws?token={token_for()}&last_event_id={last}")) as socket:
            missed = upstreams.notices[0]
            wanted = {"id": missed["id"], "type": "booking_update", "time": TIME, "data": missed["data"]}
            assert await heard(socket) == wanted

    async def test_a_message_that_arrives_while_resuming_is_sent_once(
        self, url: str, gateway: Gateway, upstreams: Upstreams, token_for: TokenFor
    ) -> None:
        user = new_id()
        last = fill(upstreams, 3)
        upstreams.inbox_open.clear()
        async with connect(ws(url, f"/ws?token={token_for(user=user)}&last_event_id={last}")) as socket:
            await until(lambda: len(upstreams.inbox_asked) == 1)
            same = upstreams.notices[2]
            say(gateway, user, resume.message(same["id"], "booking_update", TIME, same["data"]))
            say(gateway, user, resume.message(str(new_id()), "booking_update", TIME, same["data"] | {"version": 2}))
            upstreams.inbox_open.set()
            assert await bookings(socket, 4) == ["booking 0", "booking 1", "booking 2", "booking 2"]
            say(gateway, user, resume.message(same["id"], "booking_update", TIME, same["data"]))  # late, but known
            say(gateway, user, Message('"end"'))
            assert await heard(socket) == "end"

    async def test_without_last_event_id_the_inbox_is_not_read(
        self, url: str, gateway: Gateway, upstreams: Upstreams, token_for: TokenFor
    ) -> None:
        user = new_id()
        fill(upstreams, 3)
        async with connect(ws(url, f"/ws?token={token_for(user=user)}")) as socket:
            await until(lambda: gateway.hub.publish([f"user:{user}"], Message('"end"')) == 1)
            assert await heard(socket) == "end"
        assert upstreams.inbox_asked == []

    async def test_a_session_that_ends_while_resuming_is_closed(
        self, upstreams: Upstreams, broker: str, token_for: TokenFor
    ) -> None:
        user, session = new_id(), new_id()
        last = fill(upstreams, 3)
        upstreams.inbox_open.clear()
        token = token_for(user=user, sid=str(session))
        async with running(upstreams, amqp_url=broker) as (_, url), publishing(broker) as channel:
            async with connect(ws(url, f"/ws?token={token}&last_event_id={last}")) as socket:
                await until(lambda: len(upstreams.inbox_asked) == 1)
                await revoke(channel, user, session)
                assert await closed_with(socket) == 4401
            upstreams.inbox_open.set()


class TestResync:
    async def test_a_client_that_missed_too_much_resyncs_and_gets_new_messages(
        self, url: str, gateway: Gateway, upstreams: Upstreams, token_for: TokenFor
    ) -> None:
        user = new_id()
        last = fill(upstreams, 201)
        async with connect(ws(url, f"/ws?token={token_for(user=user)}&last_event_id={last}")) as socket:
            assert await told_to_reload(socket) == "missed_too_much"
            say(gateway, user, Message('"new"'))
            assert await heard(socket) == "new"
        assert len(upstreams.inbox_asked) == 2

    @pytest.mark.parametrize("status", [401, 429, 500, 503])
    async def test_the_client_resyncs_when_the_inbox_does_not_answer(
        self, url: str, upstreams: Upstreams, token_for: TokenFor, status: int
    ) -> None:
        upstreams.inbox_status = status
        async with connect(ws(url, f"/ws?token={token_for()}&last_event_id={fill(upstreams, 1)}")) as socket:
            assert await told_to_reload(socket) == "inbox_away"

    async def test_the_client_resyncs_when_the_inbox_answer_is_invalid(
        self, url: str, upstreams: Upstreams, token_for: TokenFor
    ) -> None:
        last = fill(upstreams, 1)
        upstreams.notices[0]["data"] = "x"
        async with connect(ws(url, f"/ws?token={token_for()}&last_event_id={last}")) as socket:
            assert await told_to_reload(socket) == "inbox_away"

    async def test_the_client_resyncs_when_notifications_is_away(
        self, upstreams: Upstreams, token_for: TokenFor
    ) -> None:
        away = "http://127.0.0.1:1"
        async with (
            running(upstreams, notifications_url=away) as (_, url),
            connect(ws(url, f"/ws?token={token_for()}&last_event_id={new_id()}")) as socket,
        ):
            assert await told_to_reload(socket) == "inbox_away"

    @pytest.mark.parametrize("last_event_id", ["", "7", "x%26limit%3D1", "' OR 1=1", "../../audit"])
    async def test_an_invalid_event_id_is_not_sent_to_the_inbox(
        self, url: str, upstreams: Upstreams, token_for: TokenFor, last_event_id: str
    ) -> None:
        path = f"/ws?token={token_for()}&last_event_id={last_event_id}".replace(" ", "+")
        async with connect(ws(url, path)) as socket:
            assert await told_to_reload(socket) == "unknown_event"
        assert upstreams.inbox_asked == []

    async def test_availability_messages_are_not_kept(
        self, url: str, upstreams: Upstreams, token_for: TokenFor
    ) -> None:
        path = f"/ws/loctician/{new_id()}?last_event_id={new_id()}"
        for address in (path, f"{path}&token={token_for()}"):
            async with connect(ws(url, address)) as socket:
                assert await told_to_reload(socket) == "not_kept"
        assert upstreams.inbox_asked == []

    async def test_another_users_inbox_cannot_be_read(
        self, url: str, upstreams: Upstreams, token_for: TokenFor
    ) -> None:
        mine = token_for()
        last = fill(upstreams, 1)
        address = f"/ws?token={mine}&last_event_id={last}&user_id={new_id()}&token_of=admin"
        async with connect(ws(url, address)) as socket:
            json.loads(await socket.recv())
        assert upstreams.inbox_asked == [f"Bearer {mine}"]
