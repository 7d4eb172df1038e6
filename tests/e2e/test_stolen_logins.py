"""What somebody with the login and the secrets of notifications can do: what notifications can, and nothing else."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import aio_pika
import asyncpg
import httpx
import orjson
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import AMQPError, ChannelAccessRefused
from pamqp.commands import Basic

from keys.events import signature
from keys.logins import broker_login, role_password, with_login, without_login
from keys.services import ServiceKeys, service_secret
from migrations.broker import GATEWAY, services
from shared.messaging import broker, topology
from shared.messaging.broker import Outgoing
from shared.messaging.dead_letters import read
from shared.settings import runtime_role
from tests.e2e.stack import Stack, eventually
from tests.e2e.test_subscribers import _bind, _consume, _get, _publish, _purge

pytestmark = pytest.mark.slow
THIEF = "notifications"


@pytest.fixture
def amqp_url(stack: Stack) -> str:
    if "AMQP_MANAGEMENT_URL" not in stack.environment:
        pytest.skip("needs the broker's management plugin")
    return stack.environment["AMQP_URL"]


def login_of(service: str, stack: Stack) -> str:
    url = stack.environment["AMQP_URL"]
    return with_login(without_login(url), *broker_login(stack.environment["SECRET_KEY"], url, service))


@pytest.fixture
def login(amqp_url: str, stack: Stack) -> str:
    return login_of(THIEF, stack)


@pytest.fixture
def keys(stack: Stack) -> ServiceKeys:
    """All that the process has."""
    return ServiceKeys.from_root(THIEF, stack.environment["SECRET_KEY"])


ATTACKS: dict[str, Callable[[AbstractChannel], Awaitable[Any]]] = {
    "read auth's queue": lambda channel: _get(channel, "auth.events"),
    "read gdpr's queue": lambda channel: _consume(channel, "gdpr.events"),
    "read others' dead letters": lambda channel: _get(channel, "booking.dead"),
    "empty others' retries": lambda channel: _purge(channel, "booking.retry.1s"),
    "read the stream of ended sessions": lambda channel: _consume(channel, "gateway.revocations"),
    "erase a person": lambda channel: _publish(channel, "loctician.events", "gdpr.erasure_requested.v1"),
    "sign staff out": lambda channel: _publish(channel, "loctician.events", "session.revoked.v1"),
    "make somebody an admin": lambda channel: _publish(channel, "loctician.events", "user.role_changed.v1"),
    "publish a booking": lambda channel: _publish(channel, "loctician.events", "booking.created.v1"),
    "publish what nobody knows": lambda channel: _publish(channel, "loctician.events", "notification.delivered.v1.x"),
    "write to a queue past the exchange": lambda channel: _publish(channel, "", "auth.events"),
    "write to others' retries": lambda channel: _publish(channel, "auth.retries", "auth.events"),
    "write to the stream": lambda channel: _publish(channel, "gateway.markers", "gateway.revocations"),
    "declare a queue": lambda channel: channel.declare_queue("mine"),
    "declare an unnamed queue": lambda channel: channel.declare_queue(exclusive=True),
    "declare an exchange": lambda channel: channel.declare_exchange("mine"),
    "delete its queue": lambda channel: channel.queue_delete("notifications.events"),
    "delete another queue": lambda channel: channel.queue_delete("auth.events"),
    "delete the exchange": lambda channel: channel.exchange_delete("loctician.events"),
    "bind its queue to everything": lambda channel: _bind(channel, "notifications.events", "#"),
    "bind a queue of others": lambda channel: _bind(channel, "gdpr.events", "x"),
}


class TestBroker:
    @pytest.mark.parametrize("attack", ATTACKS)
    async def test_the_login_does_only_what_the_service_does(self, login: str, attack: str) -> None:
        async with await aio_pika.connect(login, timeout=10) as connection:
            channel = await connection.channel()
            with pytest.raises(ChannelAccessRefused):
                await ATTACKS[attack](channel)

    async def test_the_management_api_and_other_vhosts_are_closed(self, login: str, stack: Stack) -> None:
        with pytest.raises((AMQPError, ConnectionError)):
            await aio_pika.connect(login.rpartition("/")[0] + "/", timeout=10)
        own = urlsplit(login)
        management = without_login(stack.environment["AMQP_MANAGEMENT_URL"])
        async with httpx.AsyncClient(auth=(unquote(str(own.username)), unquote(str(own.password)))) as http:
            for path in ("overview", "users", "definitions"):
                assert (await http.get(f"{management}/api/{path}", timeout=10)).status_code == 401, path

    async def test_each_service_publishes_its_own_types(self, amqp_url: str, stack: Stack) -> None:
        """So nothing that a service needs is refused."""
        for service in services():
            async with broker.connection(login_of(service, stack), "test") as connection:
                wire = await broker.wire(await connection.channel())
                for type_ in topology.types_of(service):
                    # of no queue: dropped or returned, not refused
                    message = Outgoing(topology.EVENTS, type_, b"", Basic.Properties(), mandatory=False)
                    assert await broker.publish(wire, message), type_

    async def test_the_gateway_publishes_no_event(self, amqp_url: str, stack: Stack) -> None:
        async with await aio_pika.connect(login_of(GATEWAY, stack), timeout=10) as connection:
            with pytest.raises(ChannelAccessRefused):
                await _publish(await connection.channel(), "loctician.events", "session.revoked.v1")


def event(type_: str, source: str, data: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    made = {"id": str(uuid4()), "type": type_, "source": f"/services/{source}", "subject": str(uuid4()), "time": now}
    return made | {"specversion": "1.0", "version": 1, "actorrole": "admin", "actorid": str(uuid4()), "data": data}


def answer(type_: str, service: str) -> dict[str, Any]:
    data = {"version": 1, "request_id": str(uuid4()), "subject_id": str(uuid4()), "service": service, "rows": {}}
    return event(type_, THIEF, data | {"dead_letters": 0})


def forgeries(keys: ServiceKeys) -> dict[str, dict[str, Any]]:
    """Of types that notifications may write, for gdpr to believe."""
    read = {"version": 0, "subject_id": str(uuid4()), "resource": "user", "subject_ids": []}
    as_gdpr = event("gdpr.erasure_requested.v1", "gdpr", {"services": ["auth"], "request_id": str(uuid4())})
    of_booking = event("access.read.v1", "booking", read)
    for_auth = answer("gdpr.erasure_done.v1", "auth")
    return {
        "unsigned": event("access.read.v1", THIEF, read),
        "in another's name": of_booking | {"signature": signature(keys, of_booking)},
        "for another service": for_auth | {"signature": signature(keys, for_auth)},
        "as another type": as_gdpr | {"signature": signature(keys, as_gdpr)},
    }


class TestEvents:
    async def test_gdpr_believes_nothing_that_notifications_says_for_others(
        self, login: str, amqp_url: str, keys: ServiceKeys
    ) -> None:
        made = forgeries(keys)
        async with broker.connection(login, "test") as connection:
            wire = await broker.wire(await connection.channel())
            for body in made.values():
                await broker.publish_surely(wire, _message(topology.EVENTS, "access.read.v1", body))
        ids = {body["id"] for body in made.values()}
        await eventually(lambda: dead_ids(amqp_url, "gdpr"), lambda dead: ids <= dead, "all in the dead letters")

    async def test_gdpr_records_no_act_of_an_admin_that_the_service_has_not_signed(
        self, login: str, amqp_url: str
    ) -> None:
        """Of a type that notifications publishes, and with its login."""
        forged = event("notification.resent.v1", THIEF, {"version": 1})
        async with broker.connection(login, "test") as connection:
            wire = await broker.wire(await connection.channel())
            await broker.publish_surely(wire, _message(topology.EVENTS, forged["type"], forged))
        await eventually(lambda: dead_ids(amqp_url, "gdpr"), lambda dead: forged["id"] in dead, "a dead letter")

    @pytest.mark.parametrize("service", ["auth", "booking", "calendar"])
    async def test_no_service_erases_by_an_order_that_gdpr_has_not_signed(
        self, amqp_url: str, keys: ServiceKeys, service: str
    ) -> None:
        """Even if somebody could write to its queue."""
        order = {"version": 1, "request_id": str(uuid4()), "subject_id": str(uuid4()), "services": [service]}
        unsigned = event("gdpr.erasure_requested.v1", "gdpr", order)
        forged = unsigned | {"id": str(uuid4()), "signature": signature(keys, unsigned)}
        async with broker.connection(amqp_url, "test") as connection:
            wire = await broker.wire(await connection.channel())
            for body in (unsigned, forged):
                await broker.publish_surely(wire, _message("", topology.events_queue(service), body))
        ids = {unsigned["id"], forged["id"]}
        await eventually(lambda: dead_ids(amqp_url, service), lambda dead: ids <= dead, "both in the dead letters")


def _message(exchange: str, routing_key: str, body: dict[str, Any]) -> Outgoing:
    return Outgoing(exchange, routing_key, orjson.dumps(body), Basic.Properties(message_id=body["id"]))


async def dead_ids(amqp_url: str, service: str) -> set[str]:
    """They stay in the queue."""
    async with read(amqp_url, topology.dead_queue(service)) as reader:
        return {str(message.message_id) async for message in reader.messages(100)}


class TestDatabase:
    @pytest.mark.parametrize("service", ["auth", "booking", "calendar", "gdpr"])
    async def test_the_secrets_open_no_other_role(self, stack: Stack, service: str) -> None:
        """Neither the own secret, nor what is derived from it as from SECRET_KEY, nor the own role's password."""
        root, url, role = stack.environment["SECRET_KEY"], stack.environment["DATABASE_URL"], runtime_role(service)
        own, password = service_secret(root, THIEF), role_password(root, runtime_role(THIEF))
        connection = await asyncpg.connect(with_login(url, runtime_role(THIEF), password), timeout=10)
        await connection.close()
        for tried in (own, role_password(own, role), role_password(service_secret(own, service), role), password):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(with_login(url, role, tried), timeout=10)


async def _removed(amqp_url: str, service: str) -> None:
    async with broker.connection(amqp_url, "test") as connection:
        queue = await (await connection.channel()).declare_queue(topology.dead_queue(service), passive=True)
        await queue.purge()


@pytest.fixture(autouse=True)
async def no_dead_letters(stack: Stack) -> Any:
    """Other tests expect none."""
    yield
    for service in services():
        await _removed(stack.environment["AMQP_URL"], service)
