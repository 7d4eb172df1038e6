"""WebSockets: who may open one, and which messages it gets."""

import asyncio
import json
import logging
import time

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway.main import Gateway, hide_secrets
from gateway.realtime.hub import FullError, Holder, Hub, Message
from gateway.tests.conftest import SERVERS, Upstreams, running, serving, settings_for
from gateway.tests.support import closed_with, heard, publishing, realtime, revoke, send, silent_websocket, ws
from shared.messaging.events import new_id
from shared.testing.types import TokenFor
from shared.testing.waiting import until


class TestOpening:
    async def test_without_a_token_ws_is_closed_with_4401(self, url: str) -> None:
        async with connect(ws(url, "/ws")) as socket:
            assert await closed_with(socket) == 4401

    @pytest.mark.parametrize("path", ["/ws", "/ws/loctician/0190a3c4-0000-7000-8000-000000000001"])
    @pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
    async def test_a_bad_token_is_closed_with_4401(self, url: str, path: str, token: str) -> None:
        async with connect(ws(url, f"{path}?token={token}")) as socket:
            assert await closed_with(socket) == 4401

    async def test_two_tokens_are_closed_with_4401(self, url: str, token_for: TokenFor) -> None:
        async with connect(ws(url, f"/ws?token={token_for()}&token={token_for()}")) as socket:
            assert await closed_with(socket) == 4401

    async def test_me_is_the_caller_and_needs_a_token(self, url: str, gateway: Gateway, token_for: TokenFor) -> None:
        user = new_id()
        async with connect(ws(url, f"/ws/loctician/me?token={token_for(user=user)}")) as socket:
            await until(lambda: gateway.hub.publish([f"loctician:{user}"], Message('{"n": 1}')) == 1)
            assert await heard(socket) == {"n": 1}
        async with connect(ws(url, "/ws/loctician/me")) as socket:
            assert await closed_with(socket) == 4401

    @pytest.mark.parametrize("path", ["/ws/loctician/x", "/ws/", "/ws/other", "/api/v1/slots"])
    async def test_other_paths_are_not_opened(self, url: str, path: str) -> None:
        with pytest.raises(InvalidStatus):
            await connect(ws(url, path)).__aenter__()

    @pytest.mark.parametrize(
        "origin",
        [
            *("https://evil.example", "null", "", "https://salon.example.evil.example", "http://salon.example"),
            *("https://salon.example:444", "https://salon.example/", "http://127.0.0.1:8001", "*"),
        ],
    )
    async def test_an_unlisted_origin_is_not_opened(self, url: str, token_for: TokenFor, origin: str) -> None:
        headers = {"Origin": origin}
        with pytest.raises(InvalidStatus):
            await connect(ws(url, f"/ws?token={token_for()}"), additional_headers=headers).__aenter__()

    async def test_two_origins_are_not_opened(self, url: str, token_for: TokenFor) -> None:
        headers = [("Origin", "https://salon.example"), ("Origin", "https://evil.example")]
        with pytest.raises(InvalidStatus):
            await connect(ws(url, f"/ws?token={token_for()}"), additional_headers=headers).__aenter__()

    @pytest.mark.parametrize("origin", ["https://salon.example", "http://127.0.0.1:8000"])
    async def test_a_listed_origin_and_our_own_are_opened(
        self, url: str, gateway: Gateway, token_for: TokenFor, origin: str
    ) -> None:
        user = new_id()
        headers = {"Origin": origin}
        async with connect(ws(url, f"/ws?token={token_for(user=user)}"), additional_headers=headers) as socket:
            await until(lambda: gateway.hub.publish([f"user:{user}"], Message('{"n": 1}')) == 1)
            assert await heard(socket) == {"n": 1}

    async def test_the_eleventh_connection_of_a_user_is_refused(self, url: str, token_for: TokenFor) -> None:
        address = ws(url, f"/ws?token={token_for()}")
        sockets = [await connect(address) for _ in range(11)]
        assert await closed_with(sockets[-1]) == 4429
        for socket in sockets:
            await socket.close()

    def test_a_token_in_an_address_is_not_logged(self) -> None:
        record = logging.LogRecord("x", 20, "", 0, "%s %s", ("me", "/ws?a=1&token=abc.def&b=2"), None)
        assert hide_secrets(record)
        assert record.getMessage() == "me /ws?a=1&token=***&b=2"


class TestMessages:
    async def test_each_socket_gets_only_messages_for_its_audiences(
        self, url: str, gateway: Gateway, token_for: TokenFor
    ) -> None:
        customer, employee, loctician = new_id(), new_id(), new_id()
        async with (
            connect(ws(url, f"/ws?token={token_for(user=customer)}")) as first,
            connect(ws(url, f"/ws?token={token_for('staff', employee)}")) as second,
            connect(ws(url, f"/ws/loctician/{loctician}")) as watching,
        ):
            await until(lambda: gateway.hub.publish([f"user:{customer}"], Message('"to one"')) == 1)
            await until(lambda: gateway.hub.publish([f"loctician:{loctician}"], Message('"to watchers"')) == 1)
            await until(lambda: gateway.hub.publish([f"user:{employee}", "role:staff"], Message('"to two"')) == 1)
            gateway.hub.publish(["all"], Message('"to all"'))
            assert [json.loads(await first.recv()) for _ in range(2)] == ["to one", "to all"]
            assert [json.loads(await second.recv()) for _ in range(2)] == ["to two", "to all"]
            assert json.loads(await watching.recv()) == "to watchers"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(watching.recv(), 0.05)

    async def test_a_slow_client_is_dropped_and_the_others_are_not_kept_waiting(
        self, upstreams: Upstreams, token_for: TokenFor
    ) -> None:
        slow, quick = new_id(), new_id()
        message = json.dumps("x" * 100_000)
        async with (
            running(upstreams) as (gateway, url),
            connect(ws(url, f"/ws?token={token_for(user=quick)}")) as listening,
        ):
            reader, writer = await silent_websocket(url, f"/ws?token={token_for(user=slow)}")
            await until(lambda: gateway.hub.publish([f"user:{quick}"], Message('"start"')) == 1)
            assert await heard(listening) == "start"
            for _ in range(1_000):
                reached = gateway.hub.publish([f"user:{slow}", f"user:{quick}"], Message(message))
                assert len(await listening.recv()) == len(message)
                if reached == 1:
                    break
            assert reached == 1
            await until(lambda: len(SERVERS[url].server_state.connections) == 1)  # cut off, with what it did not take
            writer.close()
            assert reader is not None

    @pytest.mark.parametrize(("message", "code"), [("x" * 5_000, 1009), (b"y" * 5_000, 1009)])
    async def test_a_client_that_sends_too_much_is_closed(self, url: str, message: str | bytes, code: int) -> None:
        async with connect(ws(url, f"/ws/loctician/{new_id()}")) as socket:
            await socket.send(message)
            assert await closed_with(socket) == code

    async def test_a_client_that_sends_too_often_is_closed(self, url: str) -> None:
        async with connect(ws(url, f"/ws/loctician/{new_id()}")) as socket:
            for _ in range(121):
                await socket.send("ping")
            assert await closed_with(socket) == 1008

    async def test_a_connection_ends_with_its_token(self, url: str, token_for: TokenFor) -> None:
        token = token_for(exp=int(time.time()) - 3)  # within the leeway for clocks that differ
        async with connect(ws(url, f"/ws?token={token}")) as socket:
            assert await closed_with(socket) == 4401

    async def test_sockets_are_closed_with_1012_at_a_restart(self, upstreams: Upstreams, token_for: TokenFor) -> None:
        async with running(upstreams) as (_, url):
            socket = await connect(ws(url, f"/ws?token={token_for()}"))
        assert await closed_with(socket) == 1012


class TestHub:
    async def test_a_closed_connection_leaves_nothing_behind(self) -> None:
        hub = Hub(per_user=1, per_address=100, at_most=2, queue=2)
        user = new_id()
        for _ in range(3):
            hub.leave(hub.join(["all"], Holder(user, new_id(), 0)))
        assert (len(hub), hub._by_audience, hub._by_user, hub._by_session) == (0, {}, {}, {})

    async def test_the_total_number_of_sockets_is_limited(self) -> None:
        hub = Hub(per_user=1, per_address=100, at_most=1, queue=2)
        hub.join(["all"])
        with pytest.raises(FullError):
            hub.join(["all"])

    async def test_a_message_to_all_is_spread_over_time(self) -> None:
        hub = Hub(per_user=1, per_address=100, at_most=100, queue=2)
        members = [hub.join(["all"]) for _ in range(100)]
        telling = asyncio.create_task(hub.offer_all(Message("reload"), 0.5))
        await asyncio.sleep(0)
        told = [member for member in members if member._waiting]
        assert 0 < len(told) <= 10
        await telling
        assert all(len(member._waiting) == 1 for member in members)

    async def test_an_ended_session_closes_its_connections_and_an_ended_user_all(self) -> None:
        hub = Hub(per_user=5, per_address=100, at_most=5, queue=2)
        user, session = new_id(), new_id()
        holders = (Holder(user, session, 10), Holder(user, new_id(), 10), Holder(user, new_id(), 11))
        members = [hub.join([], holder) for holder in (*holders, Holder(new_id(), new_id(), 10))]
        hub.end_session(session)
        assert [member.closing.done() for member in members] == [True, False, False, False]
        hub.end_all(user, 10.5)
        assert [member.closing.done() for member in members] == [True, True, False, False]


class TestFeed:
    async def test_messages_and_ended_sessions_come_through_the_broker(
        self, upstreams: Upstreams, broker: str, token_for: TokenFor
    ) -> None:
        gateway = Gateway(settings_for(upstreams, amqp_url=broker))
        user, session = new_id(), new_id()
        async with serving(gateway) as url, publishing(broker) as channel:
            await until(lambda: gateway.health.parts["feed"] is None and gateway.revocations.complete)
            token = token_for(user=user, sid=str(session))
            async with connect(ws(url, f"/ws?token={token}")) as socket:
                await until(lambda: len(gateway.hub) == 1)
                await send(channel, "loctician.realtime", "", {"no": "message"})
                message = realtime([f"user:{user}", "role:customer"], {"booking_id": "1"})
                await send(channel, "loctician.realtime", "booking_update", message)
                assert await heard(socket) == {key: message[key] for key in ("id", "type", "time", "data")}
                await revoke(channel, user, session)
                assert await closed_with(socket) == 4401

    async def test_a_repeated_message_is_sent_once(
        self, upstreams: Upstreams, broker: str, token_for: TokenFor
    ) -> None:
        gateway = Gateway(settings_for(upstreams, amqp_url=broker))
        user = new_id()
        async with serving(gateway) as url, publishing(broker) as channel:
            await until(lambda: gateway.health.parts["feed"] is None and gateway.revocations.complete)
            async with connect(ws(url, f"/ws?token={token_for(user=user)}")) as socket:
                await until(lambda: len(gateway.hub) == 1)
                once, after = realtime([f"user:{user}"], {"n": 1}), realtime([f"user:{user}"], {"n": 2})
                # one message to very many comes in parts, under one id
                others, part = once | {"audience": [f"user:{new_id()}"]}, once | {"audience": ["role:customer"]}
                for message in (once, once, others, part, after):
                    await send(channel, "loctician.realtime", "booking_update", message)
                assert [(await heard(socket))["data"]["n"] for _ in range(3)] == [1, 1, 2]

    async def test_after_an_interruption_of_the_feed_all_clients_resync(
        self, upstreams: Upstreams, broker: str
    ) -> None:
        async with (
            running(upstreams, amqp_url=broker) as (gateway, url),
            connect(ws(url, f"/ws/loctician/{new_id()}")) as socket,
        ):
            await until(lambda: gateway.health.parts["feed"] is None and len(gateway.hub) == 1)
            assert gateway.feed.queue is not None
            await gateway.feed.queue.delete(if_unused=False, if_empty=False)
            message = await heard(socket)
            assert (message["type"], message["data"]) == ("resync", {"reason": "feed_interrupted"})
            await until(lambda: gateway.health.parts["feed"] is None)
