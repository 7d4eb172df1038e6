"""Holds of people who are not signed in: they belong to the browser, and each network can have only so many."""

import asyncio
from datetime import date, timedelta
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from services.booking.tests.browsers import BrowserOf, NewBrowser, new_browser
from services.booking.tests.conftest import (
    AMINA,
    JONAS,
    RETWIST,
    STYLING,
    Book,
    SetClock,
    SignIn,
    at,
    booking_body,
    code,
)
from services.booking.visitors.service import network_of
from shared.database.session import Database, transaction
from shared.http.browsers import COOKIE
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Headers, Outbox

MOST_OPEN, MOST_A_DAY = 6, 60


@pytest.fixture
def browser(client: httpx.AsyncClient) -> BrowserOf:
    return new_browser(client)


@pytest.fixture
def another(client: httpx.AsyncClient) -> NewBrowser:
    return lambda address="203.0.113.9": new_browser(client, address)


async def rows(database: Database, statement: str) -> list[str]:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return [str(tuple(row)) for row in await session.execute(text(statement))]


class TestHolding:
    async def test_needs_no_login_and_lasts_fifteen_minutes(
        self, browser: BrowserOf, book: Book, salon: date, set_clock: SetClock
    ) -> None:
        await set_clock(at(salon, "07:00"))
        held = await browser.hold(at(salon, "10:00"))
        assert (held.status_code, held.json()["expires_at"]) == (201, at(salon, "07:15").isoformat())
        assert browser.cookie
        assert code(await book(at(salon, "10:00"))) == (409, "slot_taken")
        await set_clock(at(salon, "07:15"))
        assert (await book(at(salon, "10:00"))).status_code == 201

    async def test_a_new_hold_of_the_same_browser_ends_the_old_one(
        self, browser: BrowserOf, book: Book, salon: date
    ) -> None:
        await browser.hold(at(salon, "10:00"))
        cookie = browser.cookie
        again = await browser.hold(at(salon, "10:30"))
        assert (again.status_code, browser.cookie, "set-cookie" in again.headers) == (201, cookie, False)
        assert (await browser.hold(at(salon, "15:00"))).status_code == 201
        assert (await book(at(salon, "10:00"))).status_code == 201

    async def test_the_same_key_gives_the_first_answer_to_the_same_browser_only(
        self, browser: BrowserOf, another: NewBrowser, salon: date
    ) -> None:
        await browser.hold(at(salon, "09:00"))  # sets the cookie
        body = booking_body(at(salon, "10:00"))
        first, second = [await browser.post("/bookings/holds", body, Idempotency_Key="k") for _ in range(2)]
        assert first.json() == second.json()
        other = await browser.post("/bookings/holds", booking_body(at(salon, "12:00")), Idempotency_Key="k")
        assert code(other) == (422, "idempotency_key_reused")
        assert code(await another().post("/bookings/holds", body, Idempotency_Key="k")) == (409, "slot_taken")

    async def test_the_availability_check_leaves_the_browsers_own_hold_out_of_account(
        self, browser: BrowserOf, another: NewBrowser, salon: date
    ) -> None:
        await browser.hold(at(salon, "10:00"))
        body = booking_body(at(salon, "10:15"))
        assert (await browser.post("/bookings/check-availability", body)).json()["available"] is True
        assert (await another().post("/bookings/check-availability", body)).json()["reason"] == "slot_taken"


class TestProlonging:
    async def test_is_possible_once_before_it_ends(
        self, browser: BrowserOf, book: Book, salon: date, set_clock: SetClock
    ) -> None:
        await set_clock(at(salon, "07:00"))
        held = (await browser.hold(at(salon, "10:00"))).json()
        await set_clock(at(salon, "07:14"))
        longer = await browser.post(f"/bookings/holds/{held['id']}/prolong")
        assert longer.status_code == 200
        assert longer.json() == held | {"expires_at": at(salon, "07:29").isoformat()}
        await set_clock(at(salon, "07:28"))
        assert code(await book(at(salon, "10:00"))) == (409, "slot_taken")
        again = await browser.post(f"/bookings/holds/{held['id']}/prolong")
        assert code(again) == (409, "already_prolonged")
        await set_clock(at(salon, "07:29"))
        assert (await book(at(salon, "10:00"))).status_code == 201

    async def test_a_hold_that_has_ended_is_not_found(
        self, browser: BrowserOf, salon: date, set_clock: SetClock
    ) -> None:
        await set_clock(at(salon, "07:00"))
        held = (await browser.hold(at(salon, "10:00"))).json()
        await set_clock(at(salon, "07:15"))
        assert code(await browser.post(f"/bookings/holds/{held['id']}/prolong")) == (404, "not_found")

    async def test_twice_at_the_same_time_prolongs_once(
        self, browser: BrowserOf, salon: date, set_clock: SetClock
    ) -> None:
        await set_clock(at(salon, "07:00"))
        held = (await browser.hold(at(salon, "10:00"))).json()
        await set_clock(at(salon, "07:05"))
        path = f"/bookings/holds/{held['id']}/prolong"
        answers = await asyncio.gather(*(browser.post(path) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


class TestOthers:
    async def test_another_browser_cannot_prolong_end_or_use_a_hold(
        self, browser: BrowserOf, another: NewBrowser, auth_headers: Headers, salon: date
    ) -> None:
        held = (await browser.hold(at(salon, "10:00"))).json()
        path = f"/bookings/holds/{held['id']}"
        forger, altered = another(), f"{'A' * 42}{'B' if browser.cookie != 'A' * 42 + 'A' else 'A'}"
        forger.client.cookies.set(COOKIE, altered)
        for intruder in (another(), forger, BrowserOf(another().client, auth_headers("customer", uuid4()))):
            assert code(await intruder.post(f"{path}/prolong")) == (404, "not_found")
            assert code(await intruder.delete(path)) == (404, "not_found")
        body = booking_body(at(salon, "10:00"), hold_id=held["id"])
        signed_in = BrowserOf(another().client, auth_headers("customer", uuid4()))
        assert code(await signed_in.post("/bookings", body)) == (409, "hold_lapsed")
        assert (await browser.delete(path)).status_code == 204

    async def test_a_browser_reads_books_and_waits_for_nothing(
        self, browser: BrowserOf, book: Book, salon: date
    ) -> None:
        await browser.hold(at(salon, "10:00"))
        booked = (await book(at(salon, "13:00"))).json()
        for method, path in (
            ("GET", "/bookings"), ("GET", f"/bookings/{booked['id']}"), ("POST", "/bookings"), ("POST", "/waitlist"),
            ("GET", "/waitlist"), ("GET", f"/bookings/{booked['id']}/history"), ("POST", "/bookings/series"),
        ):  # fmt: skip
            assert (await browser.send(method, path)).status_code == 401

    async def test_a_browser_holds_for_nobody_else(self, browser: BrowserOf, salon: date) -> None:
        refused = await browser.hold(at(salon, "10:00"), customer_id=str(uuid4()))
        assert code(refused) == (403, "not_for_others")


class TestSigningIn:
    async def test_whoever_signs_in_books_what_the_browser_held_before(
        self, browser: BrowserOf, auth_headers: Headers, salon: date, outbox: Outbox
    ) -> None:
        held = (await browser.hold(at(salon, "10:00"))).json()
        person = uuid4()
        browser.headers = auth_headers("customer", person)
        body = booking_body(at(salon, "10:00"), hold_id=held["id"])
        answers = await asyncio.gather(*(browser.post("/bookings", body) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 4
        [event] = await outbox()
        assert (event["data"]["customer_id"], event["actorid"]) == (str(person), str(person))

    async def test_what_the_browser_held_does_not_stand_in_the_way(
        self, browser: BrowserOf, auth_headers: Headers, book: Book, salon: date
    ) -> None:
        await browser.hold(at(salon, "10:00"))
        browser.headers = auth_headers("customer", uuid4())
        assert (await browser.hold(at(salon, "10:30"))).status_code == 201
        assert (await browser.post("/bookings", booking_body(at(salon, "11:00")))).status_code == 201
        assert (await book(at(salon, "09:00"))).status_code == 201  # nothing is held any more

    async def test_may_prolong_and_end_it(self, browser: BrowserOf, auth_headers: Headers, salon: date) -> None:
        held = (await browser.hold(at(salon, "10:00"))).json()
        browser.headers = auth_headers("customer", uuid4())
        assert (await browser.post(f"/bookings/holds/{held['id']}/prolong")).status_code == 200
        assert (await browser.delete(f"/bookings/holds/{held['id']}")).status_code == 204

    async def test_no_cookie_is_set_for_who_is_signed_in(
        self, browser: BrowserOf, auth_headers: Headers, salon: date
    ) -> None:
        browser.headers = auth_headers("customer", uuid4())
        assert "set-cookie" not in (await browser.hold(at(salon, "10:00"))).headers


class TestLimits:
    async def test_throw_away_browsers_of_one_network_do_not_empty_a_loctician(
        self, another: NewBrowser, auth_headers: Headers, salon: date, book: Book
    ) -> None:
        """The attack: fourteen starts of one loctician, each held by a browser of its own."""
        starts = [at(salon, "09:00") + timedelta(minutes=30 * number) for number in range(14)]
        answers = [
            await another(f"203.0.113.{number}").hold(start, STYLING) for number, start in enumerate(starts, start=1)
        ]
        held = [answer for answer in answers if answer.status_code == 201]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(held) <= MOST_OPEN
        assert refused
        assert {code(answer) for answer in refused} == {(429, "too_many_requests")}
        assert refused[0].headers["Retry-After"] == "900"
        assert refused[0].json()["seconds"] == 900
        assert (await another("198.51.100.1").hold(at(salon, "09:00"), loctician=JONAS)).status_code == 201
        signed_in = BrowserOf(another("203.0.113.1").client, auth_headers("customer", uuid4()))
        assert (await signed_in.hold(at(salon, "12:00"), loctician=JONAS)).status_code == 201

    async def test_also_at_the_same_time(self, another: NewBrowser, salon: date) -> None:
        starts = [at(salon, "09:00") + timedelta(hours=number) for number in range(8)]
        people = [(start, loctician) for start in starts for loctician in (AMINA, JONAS)]
        answers = await asyncio.gather(
            *(
                another(f"203.0.113.{number}").hold(start, loctician=loctician)
                for number, (start, loctician) in enumerate(people, start=1)
            )
        )
        assert {answer.status_code for answer in answers} <= {201, 409, 429}
        assert sum(answer.status_code == 201 for answer in answers) == MOST_OPEN

    async def test_what_has_ended_leaves_room(self, another: NewBrowser, salon: date, set_clock: SetClock) -> None:
        await set_clock(at(salon, "06:00"))
        starts = [at(salon, "09:00") + timedelta(hours=number) for number in range(MOST_OPEN)]
        holders = [another() for _ in starts]
        held = [(await holder.hold(start, STYLING)).json() for holder, start in zip(holders, starts, strict=True)]
        assert (await another().hold(at(salon, "09:00"), loctician=JONAS)).status_code == 429
        await holders[0].delete(f"/bookings/holds/{held[0]['id']}")
        assert (await another().hold(at(salon, "09:00"), loctician=JONAS)).status_code == 201
        assert (await another().hold(at(salon, "11:00"), loctician=JONAS)).status_code == 429
        await set_clock(at(salon, "06:15"))
        assert (await another().hold(at(salon, "11:00"), loctician=JONAS)).status_code == 201

    async def test_a_network_has_a_limit_for_the_day(
        self, browser: BrowserOf, another: NewBrowser, salon: date, set_clock: SetClock
    ) -> None:
        now = at(salon, "06:00") - timedelta(days=1)
        await set_clock(now)
        for _ in range(MOST_A_DAY):
            held = await browser.hold(at(salon, "10:00"))
            assert held.status_code == 201
            await browser.delete(f"/bookings/holds/{held.json()['id']}")
        refused = await another("192.0.2.77").hold(at(salon, "10:00"))
        assert code(refused) == (429, "too_many_requests")
        assert 86_300 < int(refused.headers["Retry-After"]) <= 86_401
        await set_clock(now + timedelta(hours=24))
        assert (await another("192.0.2.77").hold(at(salon, "10:00"))).status_code == 201

    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("192.0.2.1", "192.0.2.0/24"), ("192.0.2.255", "192.0.2.0/24"), ("::ffff:192.0.2.9", "192.0.2.0/24"),
            ("2001:db8:1:2:3::4", "2001:db8:1::/48"), ("2001:db8:1:ffff::1%eth0", "2001:db8:1::/48"),
            ("unknown", "unknown"),
        ],
    )  # fmt: skip
    def test_a_network_is_what_one_office_may_have(self, address: str, network: str) -> None:
        assert network_of(address) == network

    async def test_no_address_and_no_cookie_is_stored(
        self, browser: BrowserOf, salon: date, database: Database, outbox: Outbox
    ) -> None:
        await browser.post("/bookings/holds", booking_body(at(salon, "10:00")), Idempotency_Key="k")
        stored = " ".join(
            [
                *await rows(database, "SELECT * FROM booking.visitor_calls"),
                *await rows(database, "SELECT * FROM booking.holds"),
                *await rows(database, "SELECT * FROM booking.idempotency_keys"),
            ]
        )
        assert str(RETWIST) in stored
        assert "192.0.2" not in stored
        assert str(browser.cookie) not in stored
        assert await outbox() == []


async def test_staff_see_and_end_what_a_browser_holds(
    browser: BrowserOf, sign_in: SignIn, salon: date, book: Book
) -> None:
    held = (await browser.hold(at(salon, "10:00"))).json()
    assert (await sign_in("staff").delete(f"/bookings/holds/{held['id']}")).status_code == 204
    assert (await book(at(salon, "10:00"))).status_code == 201
