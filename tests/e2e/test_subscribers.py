"""A subscriber's login can read its own queues and do nothing else; its queue holds up nobody."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import AMQPError, ChannelAccessRefused
from pamqp.commands import Basic

from cli.subscribers import SECRET_FIELDS, matching_types
from cli.tests.command import call, start
from shared.messaging import broker
from shared.messaging.broker import Outgoing
from shared.testing.servers import Servers
from tests.e2e.stack import Stack, eventually

NAME = f"attacker-{uuid4().hex[:6]}"  # logins belong to the whole broker
pytestmark = pytest.mark.slow


@pytest.fixture
def environment(stack: Stack, servers: Servers) -> dict[str, str]:
    if servers.management_url is None:
        pytest.skip("needs the broker's management plugin")
    return stack.environment | {"AMQP_MANAGEMENT_URL": servers.management_url}


def address(stack: Stack, password: str) -> str:
    parts = urlsplit(stack.environment["AMQP_URL"])
    return urlunsplit(parts._replace(netloc=f"{NAME}:{password}@{parts.netloc.rpartition('@')[2]}"))


def password_in(done: CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"^password: (\S+)$", done.stdout, re.MULTILINE)
    assert found, done.stdout
    return found[1]


@pytest.fixture
async def login(stack: Stack, environment: dict[str, str]) -> AsyncIterator[str]:
    added = await call(environment, "subscribers", "add", NAME, "--type", "booking.*", "--limit", "10")
    yield address(stack, password_in(added))
    removed = await call(environment, "subscribers", "remove", NAME, "--yes")
    assert removed.returncode == 0, removed.stderr


ATTACKS: dict[str, Callable[[AbstractChannel], Awaitable[Any]]] = {
    "read another queue": lambda channel: _get(channel, "booking.events"),
    "read other dead letters": lambda channel: _get(channel, "notifications.dead"),
    "consume another queue": lambda channel: _consume(channel, "gdpr.events"),
    "read the stream of ended sessions": lambda channel: _consume(channel, "gateway.revocations"),
    "empty another queue": lambda channel: _purge(channel, "calendar.events"),
    "publish an event": lambda channel: _publish(channel, "loctician.events", "booking.created.v1"),
    "publish to a queue": lambda channel: _publish(channel, "", "booking.events"),
    "publish to its own queue": lambda channel: _publish(channel, "", f"{NAME}.events"),
    "push to clients": lambda channel: _publish(channel, "loctician.realtime", "broadcast"),
    "declare a queue": lambda channel: channel.declare_queue("mine"),
    "declare an unnamed queue": lambda channel: channel.declare_queue(exclusive=True),
    "declare an exchange": lambda channel: channel.declare_exchange("mine"),
    "delete its queue": lambda channel: channel.queue_delete(f"{NAME}.events"),
    "delete another queue": lambda channel: channel.queue_delete("auth.events"),
    "delete the exchange": lambda channel: channel.exchange_delete("loctician.events"),
    "bind its queue to more": lambda channel: _bind(channel, f"{NAME}.events", "#"),
    "bind a queue of others": lambda channel: _bind(channel, "gdpr.events", "x"),
}


async def _queue(channel: AbstractChannel, name: str) -> Any:
    return await channel.get_queue(name, ensure=False)


async def _get(channel: AbstractChannel, name: str) -> None:
    await (await _queue(channel, name)).get(timeout=5)


async def _consume(channel: AbstractChannel, name: str) -> None:
    await channel.set_qos(prefetch_count=1)
    await (await _queue(channel, name)).consume(print)


async def _purge(channel: AbstractChannel, name: str) -> None:
    await (await _queue(channel, name)).purge()


async def _bind(channel: AbstractChannel, name: str, key: str) -> None:
    await (await _queue(channel, name)).bind("loctician.events", key)


async def _publish(channel: AbstractChannel, exchange: str, key: str) -> None:
    wire = await broker.wire(channel)
    await wire.basic_publish(b"{}", exchange=exchange, routing_key=key, properties=Basic.Properties())


class TestAttacks:
    @pytest.mark.parametrize("attack", ATTACKS)
    async def test_the_login_reads_its_own_queues_only(self, login: str, attack: str) -> None:
        connection = await aio_pika.connect(login, timeout=10)
        async with connection:
            channel = await connection.channel()
            with pytest.raises(ChannelAccessRefused):
                await ATTACKS[attack](channel)

    async def test_another_vhost_and_the_management_api_are_closed(
        self, login: str, stack: Stack, servers: Servers
    ) -> None:
        import httpx

        with pytest.raises((AMQPError, ConnectionError)):
            await aio_pika.connect(urlunsplit(urlsplit(login)._replace(path="/")), timeout=10)
        parts = urlsplit(login)
        assert servers.management_url is not None
        host = urlsplit(servers.management_url).netloc.rpartition("@")[2]
        async with httpx.AsyncClient(auth=(parts.username or "", parts.password or "")) as http:
            answer = await http.get(f"http://{host}/api/queues")
        assert answer.status_code == 401


class TestSubscribers:
    async def test_a_full_queue_holds_up_nobody(self, login: str, stack: Stack, environment: dict[str, str]) -> None:
        """The oldest go to the dead letters; a publisher is never refused."""
        async with broker.connection(stack.environment["AMQP_URL"], "test") as connection:
            channel = await connection.channel()
            wire = await broker.wire(channel)
            for number in range(30):
                assert await broker.publish(wire, Outgoing("", f"{NAME}.events", b"%d" % number, Basic.Properties()))
            [events, dead] = [await channel.declare_queue(f"{NAME}.{end}", passive=True) for end in ("events", "dead")]
            assert events.declaration_result.message_count == 10
            oldest = await dead.get(timeout=5)
            assert (oldest.body, oldest.headers["x-first-death-reason"]) == (b"0", "maxlen")
        status = await call(environment, "subscribers", "list")
        assert f"{NAME}: " in status.stdout

    async def test_types_can_be_changed_and_secrets_are_never_among_them(
        self, login: str, environment: dict[str, str]
    ) -> None:
        changed = await call(environment, "subscribers", "add", NAME, "--type", "treatment.*", "--type", "user.*")
        assert changed.returncode == 0, changed.stderr
        assert "password: " not in changed.stdout
        types = [line.strip() for line in changed.stdout.splitlines() if line.startswith("  ")]
        assert types == matching_types(["treatment.*", "user.*"])
        assert "user.registered.v1" in types
        assert not {"user.password_reset_requested.v1", "user.verification_requested.v1"} & set(types)
        assert "gdpr.export_part.v1" not in matching_types(["*"])
        assert SECRET_FIELDS
        listed = await start(environment, "subscribers", "list")
        assert [line.strip() for line in listed.stdout.splitlines() if line.startswith("  ")] == types

    @pytest.mark.parametrize("name", ["booking", "loctician", "a", "x y", "../x", "X" * 50])
    async def test_a_name_that_is_taken_or_odd_is_refused(self, environment: dict[str, str], name: str) -> None:
        done = await call(environment, "subscribers", "add", name, "--type", "booking.*")
        assert done.returncode == 2

    async def test_a_snapshot_goes_to_this_queue_alone_and_is_marked(
        self, login: str, stack: Stack, environment: dict[str, str]
    ) -> None:
        before = await call(environment, "status")
        done = await call(environment, "republish", "--to", NAME, "--type", "treatment.*")
        assert done.returncode == 0, done.stderr
        assert "booking.treatments: 8 republished" in done.stdout
        connection = await aio_pika.connect(login, timeout=10)
        async with connection:
            queue = await (await connection.channel()).get_queue(f"{NAME}.events", ensure=False)
            messages = [await queue.get(timeout=5) for _ in range(8)]
            assert await queue.get(fail=False, timeout=5) is None
        assert {message.type for message in messages} == {"treatment.updated.v1"}
        assert all(b'"republished":true' in message.body for message in messages)
        after = await eventually(lambda: call(environment, "status"), lambda done: done.returncode == 0, "status", 30.0)
        assert before.returncode == after.returncode == 0
