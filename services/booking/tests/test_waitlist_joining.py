"""Whoever joins while a time that suits is free is offered it at once, whatever the wish; and nobody else gets it."""

import asyncio
import random
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.clock import to_copenhagen
from domain.links import OFFER, named_token
from services.booking.tests.conftest import (  # fmt: skip
    AMINA,
    DETOX,
    JONAS,
    RETWIST,
    STYLING,
    Book,
    Caller,
    Offering,
    OpenOn,
    SignIn,
    at,
    booking_body,
    code,
)
from services.booking.tests.test_shared_sittings import repair
from services.booking.tests.test_waitlist import AT_TEN, offer_of, wait
from services.booking.tests.test_waitlist_turns import LEFT_OVER, count
from shared.database.session import Database
from shared.testing.keys import keys_for

__all__ = ["repair"]

DAYS = 3
TAKEN: list[tuple[int, str, UUID]] = [
    (0, "09:00", AMINA), (0, "12:30", AMINA), (1, "10:00", JONAS), (2, "10:30", AMINA),
]  # fmt: skip
CLOCKS = ("09:00", "10:15", "12:00", "13:30", "15:00", "16:45")


@pytest.fixture
def first(sign_in: SignIn) -> Caller:
    return sign_in()


@pytest.fixture
async def busy_days(salon: date, open_on: OpenOn, book: Book, offer_freed_times: Offering, repair: UUID) -> list[date]:
    """Three days, with some bookings of others and a break."""
    days = [salon + timedelta(days=number) for number in range(DAYS)]
    for day in days:
        await open_on(day, ("09:00", "12:00"), ("12:30", "17:00"))
        await open_on(day, ("10:00", "16:00"), loctician=JONAS)
    for number, clock, chair in TAKEN:
        assert (await book(at(days[number], clock), loctician=chair)).status_code == 201
    await offer_freed_times()
    return days


def random_wish(chance: random.Random, days: list[date], repair: UUID) -> tuple[list[UUID], dict[str, Any]]:
    kinds = [[RETWIST], [STYLING], [DETOX], [repair], [RETWIST, STYLING], [STYLING, repair], [repair, DETOX],
        [STYLING, repair, RETWIST]]  # fmt: skip
    begins, ends = sorted(chance.choices(days, k=2))
    earliest, latest = sorted(chance.sample(CLOCKS, 2))
    wish: dict[str, Any] = {"from": begins.isoformat(), "to": ends.isoformat()}
    wish |= {"earliest": earliest} if chance.random() < 0.6 else {}
    wish |= {"latest": latest} if chance.random() < 0.6 else {}
    services = chance.choice(kinds)
    chair = chance.choice([None, None, AMINA, JONAS])
    performed = {AMINA: {RETWIST, DETOX, STYLING}, JONAS: {RETWIST, repair}}
    return services, wish | ({"loctician_id": str(chair)} if chair and set(services) <= performed[chair] else {})


async def free_starts(client: httpx.AsyncClient, services: list[UUID], wish: dict[str, Any]) -> list[str]:
    """The starts that the search shows and that are on the days and between the times of the wish."""
    since, until = (date.fromisoformat(wish[name]) for name in ("from", "to"))
    params = [("service_id", str(service)) for service in services] + [
        ("from", at(since, "00:00").isoformat()), ("to", at(until + timedelta(days=1), "00:00").isoformat()),
    ] + ([("loctician_id", wish["loctician_id"])] if "loctician_id" in wish else [])  # fmt: skip
    items = (await client.get("/api/v1/slots", params=params)).json()["items"]
    earliest, latest = time.fromisoformat(wish.get("earliest", "00:00")), wish.get("latest")

    def suits(item: dict[str, Any]) -> bool:
        start, end = (to_copenhagen(datetime.fromisoformat(item[name])) for name in ("start", "end"))
        return start.time() >= earliest and (latest is None or end <= at(start.date(), latest))

    return [item["start"] for item in items if suits(item)]


@pytest.mark.parametrize("seed", range(3))
async def test_is_offered_the_first_free_start_that_the_search_shows(
    client: httpx.AsyncClient, sign_in: SignIn, busy_days: list[date], repair: UUID, seed: int
) -> None:
    chance = random.Random(seed)
    outcomes = set()
    for _ in range(25):
        services, wish = random_wish(chance, busy_days, repair)
        free = await free_starts(client, services, wish)
        joined = await wait(sign_in(), busy_days[0], *services, **wish)
        assert joined.status_code == 201, (wish, joined.text)
        offer = joined.json()["offer"]
        assert (offer and offer["start"]) == (free[0] if free else None), (services, wish)
        outcomes.add(offer is not None)
    assert outcomes == {True, False}


class TestTheSameMoment:
    async def test_two_who_join_for_one_free_time(self, sign_in: SignIn, salon: date) -> None:
        people = [sign_in() for _ in range(6)]
        joined = await asyncio.gather(*(wait(caller, salon, **AT_TEN) for caller in people))
        assert sorted(answer.json()["status"] for answer in joined) == ["offered"] + ["waiting"] * 5

    @pytest.mark.parametrize("attempt", range(3))
    async def test_leaving_and_accepting(
        self, client: httpx.AsyncClient, first: Caller, sign_in: SignIn, salon: date, database: Database, attempt: int
    ) -> None:
        second = sign_in()
        wish = (await wait(first, salon, **AT_TEN)).json()
        await wait(second, salon, **AT_TEN)
        await asyncio.gather(first.delete(f"/waitlist/{wish['id']}"), client.post(address_of(wish["offer"])))
        booked = (await first.get("/bookings")).json()["items"]
        assert (await offer_of(second) is None) == (len(booked) == 1)
        assert await count(database, LEFT_OVER) == 0

    @pytest.mark.parametrize("attempt", range(3))
    async def test_the_link_and_the_app(
        self, client: httpx.AsyncClient, first: Caller, salon: date, database: Database, attempt: int
    ) -> None:
        offer = (await wait(first, salon, **AT_TEN)).json()["offer"]
        body = booking_body(offer["start"], hold_id=offer["hold_id"])
        pressed, booked = await asyncio.gather(client.post(address_of(offer)), first.post("/bookings", body))
        assert pressed.status_code == 303
        assert booked.status_code == 201 or code(booked) == (409, "hold_lapsed")
        assert len((await first.get("/bookings")).json()["items"]) == 1
        assert await count(database, LEFT_OVER) == 0


def address_of(offer: dict[str, Any]) -> str:
    return f"/offers/{named_token(keys_for('notifications').shared_with('booking'), OFFER, UUID(offer['hold_id']))}"


class TestSomebodyElse:
    async def test_cannot_take_or_decline_the_offer_in_the_app(
        self, first: Caller, sign_in: SignIn, salon: date
    ) -> None:
        wish = (await wait(first, salon, **AT_TEN)).json()
        other = sign_in()
        body = booking_body(wish["offer"]["start"], hold_id=wish["offer"]["hold_id"])
        assert code(await other.post("/bookings", body)) == (409, "hold_lapsed")
        assert code(await other.delete(f"/bookings/holds/{wish['offer']['hold_id']}")) == (404, "not_found")
        assert code(await other.delete(f"/waitlist/{wish['id']}")) == (404, "not_found")
        assert await offer_of(first) == wish["offer"]

    async def test_who_opens_the_link_while_signed_in_books_for_the_customer_of_the_offer(
        self, client: httpx.AsyncClient, first: Caller, sign_in: SignIn, salon: date, database: Database
    ) -> None:
        offer = (await wait(first, salon, **AT_TEN)).json()["offer"]
        other = sign_in()
        assert (await client.post(address_of(offer), headers=other.headers)).status_code == 303
        assert (await other.get("/bookings")).json()["items"] == []
        assert len((await first.get("/bookings")).json()["items"]) == 1


async def test_leaving_during_an_offer_of_several_locticians_offers_all_of_it_at_once(
    sign_in: SignIn, first: Caller, salon: date, repair: UUID
) -> None:
    """Each of the two others wants what one of the locticians had in it."""
    amina, jonas = sign_in(), sign_in()
    wish = (await wait(first, salon, STYLING, repair, earliest="10:00", latest="12:00")).json()
    assert wish["status"] == "offered"
    times = [(part["start"], part["end"]) for part in wish["offer"]["items"]]
    for caller, treatment, (start, end) in zip((amina, jonas), (STYLING, repair), times, strict=True):
        clocks = {"earliest": start[11:16], "latest": end[11:16]}
        assert (await wait(caller, salon, treatment, **clocks)).json()["status"] == "waiting"
    assert (await first.delete(f"/waitlist/{wish['id']}")).status_code == 204
    assert [(await offer_of(caller) or {}).get("start") for caller in (amina, jonas)] == [start for start, _ in times]
