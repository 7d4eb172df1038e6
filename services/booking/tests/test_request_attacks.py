"""Attacks on requests, and races with them."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from services.booking.requests.events import BookingRequestRefused
from services.booking.tests.browsers import BrowserOf, NewBrowser, new_browser
from services.booking.tests.conftest import (
    AMINA,
    JONAS,
    STYLING,
    Book,
    OpenOn,
    SetClock,
    SignIn,
    at,
    booking_body,
    code,
    user_state,
)
from services.booking.tests.test_holds import end_expired_holds
from services.booking.tests.test_requests import PERSON, Prove, ask, events, lapse, state
from services.booking.tests.test_requests import browser as browser
from services.booking.tests.test_requests import prove as prove
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS, Claims
from shared.testing.types import Deliver, Headers, Outbox

MOST_OPEN, MOST_OF_ADDRESS, MOST_OF_ADDRESS_A_DAY = 6, 3, 10


@pytest.fixture
def another(client: httpx.AsyncClient) -> NewBrowser:
    return lambda address="203.0.113.9": new_browser(client, address)


async def refusal(outbox: Outbox) -> BookingRequestRefused:
    [event] = await events(outbox, "booking.request_refused.v1")
    return BookingRequestRefused.model_validate(event["data"])


class TestSecrets:
    async def test_nobody_reads_a_request_without_its_secret(
        self, browser: BrowserOf, another: NewBrowser, auth_headers: Headers, salon: date
    ) -> None:
        asked = (await ask(browser, at(salon, "10:00"))).json()
        other = (await ask(another(), at(salon, "13:00"))).json()
        path = f"/bookings/requests/{asked['id']}"
        secret = asked["secret"]
        altered = ("A" if secret[0] != "A" else "B") + secret[1:]
        for wrong in (
            other["secret"],
            altered,
            secret[:-1],
            secret + "A",
            "",
            "x" * 99,
        ):
            for caller in (browser, BrowserOf(another().client, auth_headers("admin", uuid4()))):
                assert code(await caller.get(path, X_Request_Secret=wrong)) == (404, "not_found")
        assert (await browser.get(path)).status_code == 422
        assert (await another().get(path, X_Request_Secret=secret)).status_code == 200

    async def test_no_token_reads_the_tables_of_requests(
        self, browser: BrowserOf, salon: date, database: Database
    ) -> None:
        await ask(browser, at(salon, "10:00"))
        for role in ("anonymous", "customer", "loctician", "staff", "admin"):
            async with transaction(database, Claims(role, uuid4())) as session:
                for table in ("requests", "visitor_calls"):
                    assert (await session.execute(text(f"SELECT * FROM booking.{table}"))).all() == []

    async def test_the_hold_of_a_request_is_nobodys(
        self, browser: BrowserOf, auth_headers: Headers, salon: date, database: Database
    ) -> None:
        await ask(browser, at(salon, "10:00"))
        async with transaction(database, SERVICE_CLAIMS) as session:
            hold = (await session.execute(text("SELECT id FROM booking.holds"))).scalar_one()
        signed_in = BrowserOf(browser.client, auth_headers("customer", uuid4()))
        body = booking_body(at(salon, "10:00"), hold_id=str(hold))
        for caller in (browser, signed_in):
            assert code(await caller.delete(f"/bookings/holds/{hold}")) == (404, "not_found")
            assert code(await caller.post(f"/bookings/holds/{hold}/prolong")) == (404, "not_found")
        assert code(await signed_in.post("/bookings", body)) == (409, "hold_lapsed")
        assert code(await ask(browser, None, hold_id=str(hold))) == (409, "hold_lapsed")

    async def test_the_hold_of_another_browser_becomes_no_request(
        self, browser: BrowserOf, another: NewBrowser, salon: date
    ) -> None:
        held = (await browser.hold(at(salon, "10:00"))).json()
        assert code(await ask(another(), None, hold_id=held["id"])) == (409, "hold_lapsed")

    async def test_a_guessed_request_does_nothing(self, salon: date, prove: Prove, outbox: Outbox) -> None:
        await prove({"id": str(uuid4())})
        assert await outbox() == []


class TestLimits:
    async def test_an_address_has_few_open_requests_from_wherever_they_come(
        self, another: NewBrowser, salon: date, outbox: Outbox
    ) -> None:
        people = [f"198.51.{number}.1" for number in range(6)]
        emails = ["sofie@example.dk", "SOFIE@example.dk", "sofie@EXAMPLE.dk", " sofie@example.dk", "sofie@example.dk."]
        answers = [
            await ask(another(address), at(salon, "09:00") + timedelta(hours=hour), STYLING, email=emails[hour % 5])
            for hour, address in enumerate(people)
        ]
        assert [answer.status_code for answer in answers] == [202] * MOST_OF_ADDRESS + [429] * 3
        assert code(answers[-1]) == (429, "too_many_requests")
        assert len(await outbox()) == MOST_OF_ADDRESS
        assert (await ask(another(people[-1]), at(salon, "14:00"), STYLING, email="mia@example.dk")).status_code == 202

    async def test_an_address_gets_few_mails_a_day(
        self, another: NewBrowser, salon: date, set_clock: SetClock, outbox: Outbox
    ) -> None:
        """Wishes keep no time, but each of them sends a mail."""
        now = at(salon, "06:00") - timedelta(days=1)
        wish = {"service_ids": [str(STYLING)], "from": str(salon), "to": str(salon)} | PERSON
        statuses = []
        for number in range(MOST_OF_ADDRESS_A_DAY + 2):
            await set_clock(now + timedelta(minutes=31 * number))
            statuses.append((await another(f"198.51.{number}.1").post("/waitlist/requests", wish)).status_code)
        assert statuses == [202] * MOST_OF_ADDRESS_A_DAY + [429] * 2
        assert len(await outbox()) == MOST_OF_ADDRESS_A_DAY

    async def test_holds_and_requests_of_a_network_count_together(self, another: NewBrowser, salon: date) -> None:
        for hour in range(MOST_OPEN):
            start = at(salon, "09:00") + timedelta(hours=hour)
            person = another(f"203.0.113.{hour}")
            answer = await (
                person.hold(start, STYLING) if hour % 2 else ask(person, start, STYLING, email=f"a{hour}@b.dk")
            )
            assert answer.status_code in {201, 202}
        assert (await another().hold(at(salon, "09:00"), loctician=JONAS)).status_code == 429
        assert (await ask(another(), at(salon, "15:00"), STYLING, email="c@b.dk")).status_code == 429

    async def test_a_request_for_a_hold_counts_once(self, browser: BrowserOf, another: NewBrowser, salon: date) -> None:
        held = (await browser.hold(at(salon, "09:00"), STYLING)).json()
        assert (await ask(browser, None, hold_id=held["id"])).status_code == 202
        for hour in range(1, MOST_OPEN):
            start = at(salon, "09:00") + timedelta(hours=hour)
            assert (await another("192.0.2.2").hold(start, STYLING)).status_code == 201
        assert (await another("192.0.2.2").hold(at(salon, "15:00"), STYLING)).status_code == 429


class TestRefusals:
    """The address is proven, but the time has been taken away meanwhile."""

    async def test_a_proof_after_thirty_minutes_books_nothing(
        self, browser: BrowserOf, salon: date, set_clock: SetClock, prove: Prove, outbox: Outbox, database: Database
    ) -> None:
        await set_clock(at(salon, "07:00"))
        early, late = [(await ask(browser, at(salon, clock), STYLING)).json() for clock in ("09:00", "12:00")]
        await set_clock(at(salon, "07:30"))
        user = await prove(early)  # before any job has run
        await lapse(database)
        await end_expired_holds(database)
        await prove(late, user)
        for asked in (early, late):
            done = await state(browser, asked)
            assert (done["status"], done["reason"]) == ("refused", "hold_lapsed")
        assert await events(outbox, "booking.created.v1") == []
        refused = await events(outbox, "booking.request_refused.v1")
        assert [(event["data"]["customer_id"], event["data"]["reason"]) for event in refused] == [
            (str(user), "hold_lapsed")
        ] * 2

    async def test_a_time_that_staff_release_is_lost(
        self, browser: BrowserOf, salon: date, sign_in: SignIn, prove: Prove, book: Book, database: Database
    ) -> None:
        asked = (await ask(browser, at(salon, "10:00"))).json()
        async with transaction(database, SERVICE_CLAIMS) as session:
            hold = (await session.execute(text("SELECT id FROM booking.holds"))).scalar_one()
        assert (await sign_in("staff").delete(f"/bookings/holds/{hold}")).status_code == 204
        assert (await book(at(salon, "10:00"))).status_code == 201
        await prove(asked)
        assert (await state(browser, asked))["reason"] == "hold_lapsed"

    async def test_a_closed_day_is_refused_and_its_time_is_free(
        self, browser: BrowserOf, salon: date, open_on: OpenOn, prove: Prove, outbox: Outbox, database: Database
    ) -> None:
        asked = (await ask(browser, at(salon, "10:00"))).json()
        await open_on(salon, loctician=AMINA, closed_for="time_off")
        await prove(asked)
        assert (await state(browser, asked))["reason"] == "closed"
        refused = await refusal(outbox)
        assert (refused.reason, refused.start) == ("closed", at(salon, "10:00"))
        async with transaction(database, SERVICE_CLAIMS) as session:
            left = await session.execute(
                text("SELECT (SELECT count(*) FROM booking.holds), (SELECT count(*) FROM booking.occupancy)")
            )
            assert tuple(left.one()) == (0, 0)

    async def test_a_loctician_who_stopped_is_refused(
        self, browser: BrowserOf, salon: date, deliver: Deliver, prove: Prove
    ) -> None:
        asked = (await ask(browser, at(salon, "10:00"))).json()
        await deliver("user.deactivated.v1", user_state(AMINA, "loctician", active=False), version=9)
        await prove(asked)
        assert (await state(browser, asked))["status"] == "refused"

    async def test_that_the_customer_is_elsewhere_is_told_to_the_customer_only(
        self, browser: BrowserOf, salon: date, prove: Prove, outbox: Outbox, sign_in: SignIn
    ) -> None:
        customer = sign_in()
        await customer.post("/bookings", booking_body(at(salon, "10:00"), loctician=JONAS))
        asked = (await ask(browser, at(salon, "10:00"))).json()
        await prove(asked, customer.id)
        done = await state(browser, asked)
        assert (done["status"], done["reason"]) == ("refused", "not_possible")
        assert (await refusal(outbox)).reason == "customer_overlap"

    @pytest.mark.parametrize("first", [True, False])
    async def test_a_closed_account_books_nothing_and_hears_nothing(
        self, browser: BrowserOf, salon: date, deliver: Deliver, prove: Prove, outbox: Outbox, first: bool, book: Book
    ) -> None:
        """`first`: the deactivation arrives before the proof, which has an older version."""
        asked = (await ask(browser, at(salon, "10:00"))).json()
        user = uuid4()
        if first:
            await deliver("user.deactivated.v1", user_state(user, active=False), version=5)
        await prove(asked, user, version=2 if first else 6, active=first)
        done = await state(browser, asked)
        assert (done["status"], done["reason"]) == ("refused", "not_possible")
        assert [event["type"] for event in await outbox()] == ["booking.requested.v1"]
        assert (await book(at(salon, "10:00"))).status_code == 201

    async def test_an_erased_person_books_nothing(
        self, browser: BrowserOf, salon: date, deliver: Deliver, prove: Prove, outbox: Outbox
    ) -> None:
        asked = (await ask(browser, at(salon, "10:00"))).json()
        user = uuid4()
        erasure = {"subject_id": str(user), "request_id": str(uuid4()), "services": ["booking"], "version": 1}
        await deliver("gdpr.erasure_requested.v1", erasure)
        await prove(asked, user)
        assert await events(outbox, "booking.created.v1") == []
        assert (await state(browser, asked))["status"] == "waiting"


class TestRaces:
    async def test_the_same_proof_many_times_books_once(
        self, browser: BrowserOf, salon: date, prove: Prove, outbox: Outbox
    ) -> None:
        asked = (await ask(browser, at(salon, "10:00"))).json()
        user = uuid4()
        await asyncio.gather(*(prove(asked, user) for _ in range(6)))
        assert len(await events(outbox, "booking.created.v1")) == 1

    async def test_a_hold_becomes_one_thing_only(
        self, browser: BrowserOf, auth_headers: Headers, salon: date, outbox: Outbox, database: Database
    ) -> None:
        held = (await browser.hold(at(salon, "10:00"))).json()
        signed_in = BrowserOf(browser.client, auth_headers("customer", uuid4()))
        body = booking_body(at(salon, "10:00"), hold_id=held["id"])
        answers: list[Any] = await asyncio.gather(
            *(ask(browser, None, hold_id=held["id"]) for _ in range(3)),
            *(signed_in.post("/bookings", body) for _ in range(3)),
            browser.delete(f"/bookings/holds/{held['id']}"),
        )
        done = [answer for answer in answers if answer.status_code < 300]
        assert len(done) == 1
        assert {answer.status_code for answer in answers} <= {201, 202, 204, 404, 409}
        async with transaction(database, SERVICE_CLAIMS) as session:
            taken = (await session.execute(text("SELECT count(*) FROM booking.occupancy"))).scalar_one()
        assert taken == (0 if done[0].status_code == 204 else 1)

    async def test_proof_and_lapse_at_the_same_time_agree(
        self, browser: BrowserOf, salon: date, set_clock: SetClock, prove: Prove, outbox: Outbox, database: Database
    ) -> None:
        await set_clock(at(salon, "07:00"))
        asked = (await ask(browser, at(salon, "10:00"))).json()
        await set_clock(at(salon, "07:30"))
        await asyncio.gather(prove(asked), lapse(database), end_expired_holds(database), lapse(database))
        assert (await state(browser, asked))["status"] == "refused"
        assert await events(outbox, "booking.created.v1") == []
