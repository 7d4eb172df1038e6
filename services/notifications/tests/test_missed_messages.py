"""Every realtime message to a person is in the inbox under its id, so a client can fetch what it missed."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from domain.roles import Role
from services.notifications.dispatch.messages import Message
from services.notifications.dispatch.service import dispatch
from services.notifications.tests.conftest import AMINA, KIRSTEN, booking
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import new_id
from shared.testing.types import Deliver, Headers, Outbox

INBOX = "/api/v1/notifications"


async def pushed_to(outbox: Outbox, user_id: UUID) -> list[dict[str, Any]]:
    """What the gateway would send this person: id, type and data."""
    return [
        {"id": row["id"], "type": row["type"], "data": row["data"]["data"]}
        for row in await outbox()
        if row["exchange"] == "loctician.realtime" and f"user:{user_id}" in row["data"]["audience"]
    ]


async def later_than(client: httpx.AsyncClient, headers: dict[str, str], after: str, **query: Any) -> dict[str, Any]:
    answer = await client.get(INBOX, headers=headers, params={"after": after, **query})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.usefixtures("salon")
class TestMissedMessages:
    async def test_every_pushed_message_is_in_the_inbox_under_its_id(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver, outbox: Outbox
    ) -> None:
        await _a_lot_happens(deliver)
        for role, user_id in ((Role.CUSTOMER, KIRSTEN), (Role.LOCTICIAN, AMINA)):
            messages = await pushed_to(outbox, user_id)
            answer = await client.get(INBOX, headers=auth_headers(role, user_id), params={"limit": 100})
            notices = {notice["id"]: notice for notice in answer.json()["items"]}
            assert messages
            assert {message["id"] for message in messages} == notices.keys()
            for message in messages:
                notice = notices[message["id"]]
                assert notice["type"] == message["type"]
                assert notice["data"].keys() == message["data"].keys()

    async def test_after_a_message_come_exactly_the_later_ones_oldest_first(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver, outbox: Outbox
    ) -> None:
        await _a_lot_happens(deliver)
        ids = [message["id"] for message in await pushed_to(outbox, KIRSTEN)]
        headers = auth_headers(Role.CUSTOMER, KIRSTEN)
        for place, seen in enumerate(ids):
            later = await later_than(client, headers, seen, limit=100)
            assert [notice["id"] for notice in later["items"]] == ids[place + 1 :]

    async def test_pages_together_hold_every_later_message(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver, outbox: Outbox
    ) -> None:
        await _a_lot_happens(deliver)
        ids = [message["id"] for message in await pushed_to(outbox, KIRSTEN)]
        headers = auth_headers(Role.CUSTOMER, KIRSTEN)
        seen, cursor = [], None
        while True:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = await later_than(client, headers, ids[0], **query)
            seen += [notice["id"] for notice in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == ids[1:]

    async def test_a_message_that_is_in_no_inbox_counts_by_its_time(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver, outbox: Outbox
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        await asyncio.sleep(0.002)  # the time in an id is in milliseconds
        between = new_id()  # such as an availability_update's
        await asyncio.sleep(0.002)
        await deliver("booking.created.v1", booking(), version=1)
        headers = auth_headers(Role.CUSTOMER, KIRSTEN)
        ids = [message["id"] for message in await pushed_to(outbox, KIRSTEN)]
        assert [notice["id"] for notice in (await later_than(client, headers, str(between)))["items"]] == ids[1:]

    async def test_another_persons_message_id_reveals_nothing(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver, outbox: Outbox
    ) -> None:
        await deliver("booking.created.v1", booking(), version=1)
        [hers] = await pushed_to(outbox, AMINA)
        stranger = auth_headers(Role.CUSTOMER)
        assert (await later_than(client, stranger, hers["id"]))["items"] == []


async def _a_lot_happens(deliver: Deliver) -> None:
    """In the order of the subscriptions a client would see."""
    first, second = uuid4(), uuid4()
    await deliver("booking.created.v1", booking(first, status="pending"), version=1)
    await deliver("booking.created.v1", booking(second), version=1)
    await deliver("booking.confirmed.v1", booking(first), version=2)
    await deliver("booking.completed.v1", booking(second, status="completed"), version=2)
    await deliver("booking.no_show.v1", booking(first, status="no_show"), version=3)
    await deliver("session.started.v1", {"user_id": str(KIRSTEN), "session_id": str(uuid4()), "new_device": True})


class TestOrder:
    async def test_positions_are_in_the_order_of_commits(self, database: Database) -> None:
        """The slow writer made its id first; had it not been waited for, a client that saw the other would miss it."""
        first, second = _message(new_id()), _message(new_id())
        holding, go_on = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            async with transaction(database, SERVICE_CLAIMS) as session:
                await dispatch(session, [second])
                holding.set()
                await go_on.wait()

        async def quick() -> None:
            await holding.wait()
            async with transaction(database, SERVICE_CLAIMS) as session:
                await dispatch(session, [first])

        writers = asyncio.gather(slow(), quick())
        await holding.wait()
        go_on.set()
        await writers
        async with transaction(database, SERVICE_CLAIMS) as session:
            stored = await session.execute(text("SELECT id FROM notifications.notices ORDER BY position"))
            pushed = await session.execute(text("SELECT event_id FROM notifications.outbox ORDER BY id"))
            assert stored.scalars().all() == pushed.scalars().all() == [second.id, first.id]

    async def test_transactions_with_the_same_recipients_do_not_deadlock(self, database: Database) -> None:
        people = [uuid4() for _ in range(8)]

        async def write(order: list[UUID]) -> None:
            event_id = new_id()
            async with transaction(database, SERVICE_CLAIMS) as session:
                await dispatch(session, [_message(new_id(), user_id, event_id) for user_id in order])

        await asyncio.gather(*(write(people if turn % 2 else people[::-1]) for turn in range(20)))
        async with transaction(database, SERVICE_CLAIMS) as session:
            result = await session.execute(text("SELECT DISTINCT last FROM notifications.inboxes"))
            assert result.scalars().all() == [20]


def _message(id_: UUID, user_id: UUID = KIRSTEN, event_id: UUID | None = None) -> Message:
    return Message(
        id=id_,
        event_id=event_id or new_id(),
        recipient_id=user_id,
        kind="new_device",
        part="person",
        mail_data={},
        app_data={},
    )
