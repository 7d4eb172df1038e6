"""What a screen of the booking flow shows comes in one call."""

from collections.abc import AsyncIterator
from datetime import date, timedelta

import httpx
import pytest

from services.booking.tests.conftest import AMINA, JONAS, RETWIST, STYLING, Book, at


@pytest.fixture
async def calls(client: httpx.AsyncClient) -> AsyncIterator[list[str]]:
    """The paths that the test has called."""
    made: list[str] = []

    async def note(request: httpx.Request) -> None:
        made.append(request.url.path)

    client.event_hooks["request"].append(note)
    yield made
    client.event_hooks["request"].remove(note)


async def test_the_treatments_with_price_and_length_are_one_call(
    client: httpx.AsyncClient, salon: date, calls: list[str]
) -> None:
    items = {item["id"]: item for item in (await client.get("/api/v1/services")).json()["items"]}
    retwist, styling = items[str(RETWIST)], items[str(STYLING)]
    assert (retwist["name"], retwist["description"], retwist["category_name"]) == (
        "Retwist", "Opstramning", "Vedligehold",
    )  # fmt: skip
    # Jonas takes 599 kr. and an hour, Amina what the catalog says.
    assert (retwist["price_from"]["formatted"], retwist["price_to"]["formatted"]) == ("599 kr.", "649 kr.")
    assert (retwist["duration_from_minutes"], retwist["duration_to_minutes"]) == (60, 90)
    assert retwist["price"]["amount"] == 64900
    assert styling["price_from"] == styling["price_to"] == styling["price"]
    assert len(calls) == 1


async def test_a_month_for_any_loctician_is_one_call(
    client: httpx.AsyncClient, book: Book, salon: date, calls: list[str]
) -> None:
    await book(at(salon, "11:00"))
    calls.clear()
    params = {"service_id": str(RETWIST), "from": salon.isoformat(), "to": (salon + timedelta(days=30)).isoformat()}
    items = (await client.get("/api/v1/slots/days", params=params)).json()["items"]
    assert [item["day"] for item in items] == [(salon + timedelta(days=number)).isoformat() for number in range(31)]
    assert items[0]["start_count"] == 29
    assert len(calls) == 1


async def test_the_times_of_a_day_with_who_and_for_how_much_are_one_call(
    client: httpx.AsyncClient, salon: date, calls: list[str]
) -> None:
    params = {"service_id": str(RETWIST), "from": salon.isoformat(), "to": salon.isoformat()}
    answer = (await client.get("/api/v1/slots", params=params)).json()
    assert {slot["loctician_id"] for slot in answer["items"]} == {str(AMINA), str(JONAS)}
    assert all(slot["price"]["formatted"] and slot["end"] for slot in answer["items"])
    assert answer["next_cursor"] is None
    assert len(calls) == 1


async def test_who_performs_a_treatment_is_one_call(client: httpx.AsyncClient, salon: date, calls: list[str]) -> None:
    async def names(*treatments: object) -> list[str]:
        params = {"service_id": [str(treatment) for treatment in treatments]}
        answer = await client.get("/api/v1/locticians", params=params)
        return [item["display_name"] for item in answer.json()["items"]]

    assert await names(RETWIST) == ["Amina", "Jonas"]
    assert len(calls) == 1
    assert await names(STYLING) == ["Amina"]
    assert await names(RETWIST, STYLING) == ["Amina"]
    assert await names(AMINA) == []  # no treatment
    assert await names() == ["Amina", "Jonas"]
