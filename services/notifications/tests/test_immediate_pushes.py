"""What is pushed before a booking's event is handled is what its handler would push, and nothing is pushed twice."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from services.notifications.consumers import PUSHED_AT_ONCE, subscriptions
from services.notifications.tests.conftest import AMINA, JONAS, KIRSTEN, START, Rows, booking
from shared.messaging.events import new_id
from shared.testing.types import Deliver, Outbox

Message = tuple[str, str, str, str]  # id, audience, type, data
NOW = datetime.now(UTC)
TYPES = [type_ for type_, _, _ in PUSHED_AT_ONCE]


def pushed_at_once(type_: str, data: dict[str, Any], event_id: UUID, version: int) -> set[Message]:
    envelope = {
        "id": str(event_id),
        "source": "/services/booking",
        "type": type_,
        "subject": data["booking_id"],
        "version": version,
        "time": datetime.now(UTC).isoformat(),
        "data": data,
    }
    bodies = [orjson.loads(message.body) for message in subscriptions.pushes(envelope, NOW)]
    return {as_tuple(body["id"], body["audience"], body["type"], body["data"]) for body in bodies}


def as_tuple(id_: object, audience: object, type_: str, data: object) -> Message:
    return str(id_), str(audience), type_, orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()


async def pushed_by_handler(outbox: Outbox) -> set[Message]:
    rows = [row for row in await outbox() if row["exchange"] == "loctician.realtime"]
    return {as_tuple(row["id"], row["data"]["audience"], row["type"], row["data"]["data"]) for row in rows}


@pytest.mark.usefixtures("salon")
class TestImmediatePushes:
    @pytest.mark.parametrize("type_", TYPES)
    async def test_the_handler_pushes_the_same_and_what_needs_the_database(
        self, deliver: Deliver, outbox: Outbox, type_: str
    ) -> None:
        event_id, data = new_id(), booking(previous_start=(START - timedelta(days=1)).isoformat())
        at_once = pushed_at_once(type_, data, event_id, 2)
        assert at_once
        await deliver(type_, data, version=2, event_id=event_id, taken_at=NOW)
        handled = await pushed_by_handler(outbox)
        assert at_once <= handled
        rest = {message[2] for message in handled - at_once}
        assert rest <= ({"availability_update"} if type_ == "booking.rescheduled.v1" else set())

    @pytest.mark.parametrize("type_", TYPES)
    async def test_the_handler_does_not_push_again(self, deliver: Deliver, outbox: Outbox, type_: str) -> None:
        event_id, data = new_id(), booking(previous_start=(START - timedelta(days=1)).isoformat())
        at_once = pushed_at_once(type_, data, event_id, 2)
        await deliver(type_, data, version=2, event_id=event_id, taken_at=NOW, pushed=True)
        assert not at_once & await pushed_by_handler(outbox)

    async def test_the_notice_has_the_id_of_the_pushed_message(self, deliver: Deliver, rows: Rows) -> None:
        event_id, data = new_id(), booking()
        at_once = pushed_at_once("booking.created.v1", data, event_id, 1)
        await deliver("booking.created.v1", data, version=1, event_id=event_id, taken_at=NOW, pushed=True)
        notices = {str(row["id"]) for row in await rows("notices")}
        assert notices == {message[0] for message in at_once if message[2] == "booking_update"}
        assert len(notices) == 2

    async def test_a_loctician_who_is_replaced_still_gets_a_message(self, deliver: Deliver, outbox: Outbox) -> None:
        booking_id = uuid4()
        await deliver("booking.created.v1", booking(booking_id), version=1, pushed=True)
        moved = booking(booking_id, previous_start=START.isoformat())
        moved["items"][0]["loctician_id"] = str(JONAS)
        await deliver("booking.rescheduled.v1", moved, version=2, pushed=True)
        updates = [message for message in await pushed_by_handler(outbox) if message[2] == "booking_update"]
        assert [message[1] for message in updates] == [f"['user:{AMINA}']"]

    async def test_no_message_about_a_walk_in_goes_to_a_customer(self) -> None:
        at_once = pushed_at_once("booking.created.v1", booking(walk_in=True), new_id(), 1)
        assert {message[1] for message in at_once} == {f"['user:{AMINA}']", f"['loctician:{AMINA}']"}
        assert not any(str(KIRSTEN) in message[3] for message in at_once)
