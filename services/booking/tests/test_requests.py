"""Requests of people who are not signed in: a time is kept, and becomes a booking when the address is proven."""

import json
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from domain.messages import unseal_message
from services.booking import privacy
from services.booking.requests import queries as requests
from services.booking.requests.events import BookingRequested, BookingRequestRefused
from services.booking.tests.browsers import BrowserOf, new_browser
from services.booking.tests.conftest import (
    AMINA,
    RETWIST,
    STYLING,
    Book,
    Caller,
    Offering,
    SetClock,
    SignIn,
    at,
    booking_body,
    code,
    set_rules,
    user_state,
)
from services.booking.tests.test_holds import end_expired_holds
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.keys import keys_for
from shared.testing.types import Deliver, Headers, Outbox

PERSON = {"full_name": "Sofie Ærø", "email": "Sofie@Example.dk", "phone": "20 12 34 56"}

Prove = Callable[..., Awaitable[UUID]]


@pytest.fixture
def browser(client: httpx.AsyncClient) -> BrowserOf:
    return new_browser(client)


@pytest.fixture
def prove(deliver: Deliver) -> Prove:
    """Somebody presses the button behind the mailed link, and auth says so."""

    async def press(asked: dict[str, Any], user: UUID | None = None, version: int = 2, **more: Any) -> UUID:
        user = user or uuid4()
        data = user_state(user, **more) | {"request_id": asked["id"]}
        await deliver("user.verified.v1", data, version=version)
        return user

    return press


async def ask(browser: BrowserOf, at: datetime | None, *services: UUID, **more: Any) -> httpx.Response:
    time = booking_body(at, *services) if at else {}
    return await browser.post("/bookings/requests", time | PERSON | more)


async def state(browser: BrowserOf, asked: dict[str, Any]) -> dict[str, Any]:
    answer = await browser.get(f"/bookings/requests/{asked['id']}", X_Request_Secret=asked["secret"])
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


async def events(outbox: Outbox, type_: str) -> list[dict[str, Any]]:
    return [event for event in await outbox() if event["type"] == type_]


async def lapse(database: Database) -> None:
    async with transaction(database, SERVICE_CLAIMS) as session:
        await requests.lapse(session)


class TestAsking:
    async def test_keeps_the_time_for_thirty_minutes(
        self, browser: BrowserOf, book: Book, salon: date, set_clock: SetClock, database: Database
    ) -> None:
        await set_clock(at(salon, "07:00"))
        answer = await ask(browser, at(salon, "10:00"))
        asked = answer.json()
        assert (answer.status_code, asked["status"]) == (202, "waiting")
        assert answer.headers["Location"] == f"/api/v1/bookings/requests/{asked['id']}"
        assert asked["expires_at"] == at(salon, "07:30").isoformat()
        assert browser.cookie
        assert code(await book(at(salon, "10:00"))) == (409, "slot_taken")
        assert (await state(browser, asked))["status"] == "waiting"
        await set_clock(at(salon, "07:30"))
        assert (await state(browser, asked))["status"] == "lapsed"
        await lapse(database)
        await end_expired_holds(database)
        assert (await state(browser, asked))["status"] == "lapsed"
        assert (await book(at(salon, "10:00"))).status_code == 201

    async def test_tells_auth_alone_who_asks(
        self, browser: BrowserOf, salon: date, outbox: Outbox, database: Database
    ) -> None:
        asked = (await ask(browser, at(salon, "10:00"), notes="Kort hår", language="en")).json()
        [event] = await outbox()
        data = BookingRequested.model_validate(event["data"])
        assert (event["type"], event["subject"], event["version"]) == ("booking.requested.v1", asked["id"], 1)
        assert event.get("actorid") is None
        assert (data.kind, data.service_ids, data.loctician_id) == ("booking", [RETWIST], AMINA)
        assert (data.start, data.end) == (at(salon, "10:00"), at(salon, "11:30"))
        assert data.price_amount == 64900
        for word in ("Sofie", "sofie@", "20123456", "Kort"):
            assert word not in json.dumps(event)
        for other in ("gdpr", "notifications", "booking"):
            assert unseal_message(keys_for(other), UUID(asked["id"]), data.sealed, "booking") == ""
        person = json.loads(unseal_message(keys_for("auth"), UUID(asked["id"]), data.sealed, "booking"))
        assert person["browser"]
        assert {name: person[name] for name in ("full_name", "email", "phone", "language")} == {
            "full_name": "Sofie Ærø", "email": "sofie@example.dk", "phone": "+4520123456", "language": "en",
        }  # fmt: skip

    async def test_stores_neither_person_nor_secret(self, browser: BrowserOf, salon: date, database: Database) -> None:
        answer = await browser.post(
            "/bookings/requests", booking_body(at(salon, "10:00")) | PERSON, Idempotency_Key="k"
        )
        secret = answer.json()["secret"]
        tables = ("requests", "visitor_calls", "holds", "idempotency_keys")
        async with transaction(database, SERVICE_CLAIMS) as session:
            stored = str([(await session.execute(text(f"SELECT * FROM booking.{table}"))).all() for table in tables])
        assert "waiting" in stored
        for word in ("Sofie", "sofie", "20123456", secret, "192.0.2"):
            assert word not in stored

    async def test_takes_over_the_hold_of_the_browser_on_its_terms(
        self, browser: BrowserOf, salon: date, sign_in: SignIn, prove: Prove, book: Book
    ) -> None:
        held = (await browser.hold(at(salon, "10:00"))).json()
        staff = sign_in("staff")
        asked = (await ask(browser, None, hold_id=held["id"])).json()
        assert (await staff.delete(f"/services/{RETWIST}")).status_code == 204  # archived
        assert code(await browser.delete(f"/bookings/holds/{held['id']}")) == (404, "not_found")
        assert code(await browser.post(f"/bookings/holds/{held['id']}/prolong")) == (404, "not_found")
        user = await prove(asked)
        done = await state(browser, asked)
        assert done["status"] == "booked"
        booked = (await Caller(browser.client, user, staff.headers).get(f"/bookings/{done['booking_id']}")).json()
        assert (booked["customer_id"], booked["price"]["amount"]) == (str(user), 64900)

    async def test_a_new_hold_of_the_browser_leaves_the_request_its_time(
        self, browser: BrowserOf, salon: date, book: Book
    ) -> None:
        await ask(browser, at(salon, "10:00"))
        assert (await browser.hold(at(salon, "13:00"))).status_code == 201
        assert code(await browser.hold(at(salon, "10:00"))) == (409, "slot_taken")

    async def test_the_same_key_gives_the_same_request(self, browser: BrowserOf, salon: date, outbox: Outbox) -> None:
        await browser.hold(at(salon, "15:00"))  # sets the cookie
        body = booking_body(at(salon, "10:00")) | PERSON
        answers = [await browser.post("/bookings/requests", body, Idempotency_Key="k") for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert len(await outbox()) == 1
        for other in (body | {"email": "mia@example.dk"}, body | {"start": at(salon, "13:00").isoformat()}):
            reused = await browser.post("/bookings/requests", other, Idempotency_Key="k")
            assert code(reused) == (422, "idempotency_key_reused")

    async def test_a_taken_time_is_refused_with_alternatives(self, browser: BrowserOf, salon: date, book: Book) -> None:
        await book(at(salon, "10:00"))
        refused = await ask(browser, at(salon, "10:00"))
        assert code(refused) == (409, "slot_taken")
        assert refused.json()["alternatives"]

    async def test_by_somebody_signed_in_is_refused(
        self, browser: BrowserOf, auth_headers: Headers, salon: date
    ) -> None:
        browser.headers = auth_headers("customer", uuid4())
        assert code(await ask(browser, at(salon, "10:00"))) == (409, "already_signed_in")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"email": "sofie"}, {"full_name": "Se https://x.example"}, {"phone": "12"}, {"start": None},
            {"hold_id": str(uuid4())}, {"customer_id": str(uuid4())}, {"status": "booked"}, {"internal_notes": "x"},
        ],
    )  # fmt: skip
    async def test_malformed_input_is_refused(self, browser: BrowserOf, salon: date, wrong: dict[str, Any]) -> None:
        assert code(await ask(browser, at(salon, "10:00"), **wrong)) == (422, "invalid_input")


class TestProof:
    async def test_books_for_the_user_exactly_once(
        self, browser: BrowserOf, salon: date, prove: Prove, outbox: Outbox, sign_in: SignIn
    ) -> None:
        asked = (await ask(browser, at(salon, "10:00"), notes="Kort hår")).json()
        user = await prove(asked)
        await prove(asked, user)
        await prove(asked, uuid4())
        done = await state(browser, asked)
        assert (done["status"], done["reason"]) == ("booked", None)
        [created] = await events(outbox, "booking.created.v1")
        assert (created["subject"], created["actorid"]) == (done["booking_id"], str(user))
        assert (created["data"]["customer_id"], created["data"]["status"]) == (str(user), "confirmed")
        booked = (await sign_in("customer", user).get(f"/bookings/{done['booking_id']}")).json()
        assert (booked["notes"], booked["start"]) == ("Kort hår", at(salon, "10:00").isoformat())

    async def test_of_a_user_known_already_needs_no_new_version(
        self, browser: BrowserOf, salon: date, prove: Prove, deliver: Deliver
    ) -> None:
        user = uuid4()
        await deliver("user.updated.v1", user_state(user), version=7)
        asked = (await ask(browser, at(salon, "10:00"))).json()
        await prove(asked, user, version=7)
        assert (await state(browser, asked))["status"] == "booked"

    async def test_before_the_registration_arrives_books_too(
        self, browser: BrowserOf, salon: date, prove: Prove, deliver: Deliver
    ) -> None:
        asked = (await ask(browser, at(salon, "10:00"))).json()
        user = await prove(asked, version=2)
        await deliver("user.registered.v1", user_state(user), version=1)
        assert (await state(browser, asked))["status"] == "booked"

    async def test_is_pending_where_the_salon_confirms_by_hand(
        self, browser: BrowserOf, salon: date, prove: Prove, outbox: Outbox, sign_in: SignIn
    ) -> None:
        await set_rules(sign_in, confirm_by_hand=True)
        asked = (await ask(browser, at(salon, "10:00"))).json()
        await prove(asked)
        [created] = await events(outbox, "booking.created.v1")
        assert created["data"]["status"] == "pending"

    async def test_two_requests_of_a_browser_are_two_bookings(
        self, browser: BrowserOf, salon: date, prove: Prove, outbox: Outbox
    ) -> None:
        first = (await ask(browser, at(salon, "09:00"), STYLING)).json()
        second = (await ask(browser, at(salon, "12:00"), STYLING)).json()
        user = await prove(first)
        await prove(second, user)
        assert len(await events(outbox, "booking.created.v1")) == 2


class TestWishes:
    async def test_join_when_proven(
        self, browser: BrowserOf, salon: date, prove: Prove, book: Book, outbox: Outbox, sign_in: SignIn
    ) -> None:
        wish = {"service_ids": [str(RETWIST)], "from": str(salon), "to": str(salon), "earliest": "10:00"}
        answer = await browser.post("/waitlist/requests", wish | PERSON)
        asked = answer.json()
        assert answer.status_code == 202
        [event] = await outbox()
        data = BookingRequested.model_validate(event["data"])
        assert (data.kind, data.start, data.end, data.price_amount) == ("waitlist", None, None, None)
        user = await prove(asked)
        done = await state(browser, asked)
        assert (done["status"], done["booking_id"]) == ("joined", None)
        [joined] = (await sign_in("customer", user).get("/waitlist")).json()["items"]
        assert (joined["id"], joined["earliest"], joined["from"]) == (done["waitlist_id"], "10:00", str(salon))

    async def test_beyond_ten_are_refused_and_said_to_the_customer_only(
        self, browser: BrowserOf, salon: date, prove: Prove, outbox: Outbox, sign_in: SignIn
    ) -> None:
        customer = sign_in()
        wish = {"service_ids": [str(RETWIST)], "from": str(salon), "to": str(salon)}
        for _ in range(10):
            assert (await customer.post("/waitlist", wish)).status_code == 201
        asked = (await browser.post("/waitlist/requests", wish | PERSON)).json()
        await prove(asked, customer.id)
        assert (await state(browser, asked))["reason"] == "not_possible"
        [refused] = await events(outbox, "booking.request_refused.v1")
        assert BookingRequestRefused.model_validate(refused["data"]).reason == "too_many_wishes"


class TestRights:
    async def test_a_request_is_exported_and_erased_with_its_user(
        self, browser: BrowserOf, salon: date, prove: Prove, database: Database
    ) -> None:
        asked = (await ask(browser, at(salon, "10:00"))).json()
        user = await prove(asked)
        async with transaction(database, SERVICE_CLAIMS) as session:
            [exported] = (await privacy.export(session, user))["requests"]
            assert (str(exported["id"]), exported["status"], exported["notes"]) == (asked["id"], "booked", None)
            assert (await privacy.erase(session, user))["requests"] == 1
        answer = await browser.get(f"/bookings/requests/{asked['id']}", X_Request_Secret=asked["secret"])
        assert code(answer) == (404, "not_found")

    async def test_freed_time_is_offered_to_who_waits(
        self, browser: BrowserOf, salon: date, set_clock: SetClock, sign_in: SignIn, database: Database,
        offer_freed_times: Offering, outbox: Outbox,
    ) -> None:  # fmt: skip
        await set_clock(at(salon, "07:00") - timedelta(days=1))
        await ask(browser, at(salon, "09:00"))
        wish = {
            "service_ids": [str(RETWIST)], "loctician_id": str(AMINA), "from": str(salon), "to": str(salon),
            "latest": "10:30",
        }  # fmt: skip
        waiting = (await sign_in().post("/waitlist", wish)).json()
        assert waiting["status"] == "waiting"
        await set_clock(at(salon, "07:30") - timedelta(days=1))
        await end_expired_holds(database)
        await offer_freed_times()
        [offered] = await events(outbox, "waitlist.offered.v1")
        assert offered["subject"] == waiting["id"]
