"""Appointments follow the events of booking."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.calendar.tests.conftest import AMINA, WEEK, booking, open_day
from shared.testing.types import Deliver, Headers

ReadDay = Callable[[], Awaitable[dict[str, Any]]]
URL = f"/api/v1/calendar/{AMINA}"


def at(version: int = 1, status: str = "confirmed", clock: str = "10:00") -> dict[str, Any]:
    day = open_day().isoformat()
    return booking(f"{day}T{clock}:00Z", f"{day}T{clock[:2]}:59:00Z", version, status)


@pytest.fixture
def read_day(client: httpx.AsyncClient, auth_headers: Headers) -> ReadDay:
    async def read() -> dict[str, Any]:
        query = {"from": open_day().isoformat(), "view": "day"}
        answer = await client.get(URL, params=query, headers=auth_headers("loctician", AMINA))
        (day,) = answer.json()["days"]
        assert isinstance(day, dict)
        return day

    return read


class TestAppointments:
    async def test_a_booking_takes_free_time(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver, read_day: ReadDay
    ) -> None:
        await client.put(f"{URL}/working-hours", json=WEEK, headers=auth_headers("staff"))
        await deliver("booking.created.v1", at())
        day = await read_day()
        assert [appointment["status"] for appointment in day["appointments"]] == ["confirmed"]
        assert len(day["windows"]) == 1
        assert len(day["free"]) == 2

    async def test_a_message_delivered_twice_counts_once(self, deliver: Deliver, read_day: ReadDay) -> None:
        event_id = uuid4()
        assert await deliver("booking.created.v1", at(), event_id=event_id)
        assert not await deliver("booking.created.v1", at(), event_id=event_id)
        await deliver("booking.created.v1", at())
        assert len((await read_day())["appointments"]) == 1

    async def test_a_rescheduled_booking_replaces_the_time(self, deliver: Deliver, read_day: ReadDay) -> None:
        await deliver("booking.created.v1", at())
        await deliver("booking.rescheduled.v1", at(2, clock="12:00"))
        (appointment,) = (await read_day())["appointments"]
        assert appointment["start"][11:13] in {"13", "14"}

    async def test_a_cancelled_booking_is_not_shown(self, deliver: Deliver, read_day: ReadDay) -> None:
        await deliver("booking.created.v1", at())
        await deliver("booking.cancelled.v1", at(2, "cancelled"))
        assert (await read_day())["appointments"] == []

    async def test_an_older_event_does_not_bring_an_appointment_back(self, deliver: Deliver, read_day: ReadDay) -> None:
        await deliver("booking.cancelled.v1", at(2, "cancelled"))
        await deliver("booking.created.v1", at(1))
        assert (await read_day())["appointments"] == []
