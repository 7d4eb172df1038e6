"""Taking, cancelling and listing bookings: prices, conflicts, idempotency keys, history."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text

from services.booking.events import BookingCancelled, BookingCreated
from services.booking.tests.conftest import AMINA, DETOX, JONAS, RETIRED, RETWIST, STYLING, Book, at, user_state
from shared.database.session import Database, transaction
from shared.http import idempotency
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Deliver, Headers, Outbox


class TestBooking:
    async def test_answers_201_with_location_etag_and_a_danish_price(self, book: Book, salon: date) -> None:
        answer = await book(at(salon, "10:00"), notes="Ømt hår")
        body = answer.json()
        assert answer.status_code == 201
        assert answer.headers["Location"] == f"/api/v1/bookings/{body['id']}"
        assert answer.headers["ETag"] == '"1"'
        vat = {"rate": 25, "amount": 12980}
        assert body["price"] == {"amount": 64900, "currency": "DKK", "formatted": "649 kr.", "vat": vat}
        assert body["start"] == at(salon, "10:00").isoformat()
        assert body["end"] == at(salon, "11:30").isoformat()
        assert (body["status"], body["notes"], body["version"]) == ("confirmed", "Ømt hår", 1)
        assert [item["service_id"] for item in body["items"]] == [str(RETWIST)]

    async def test_answers_in_english_on_request(self, book: Book, salon: date) -> None:
        price = (await book(at(salon, "10:00"), language="en")).json()["price"]
        assert price["formatted"].endswith("649")

    async def test_the_locticians_own_price_and_duration_apply(self, book: Book, salon: date) -> None:
        body = (await book(at(salon, "10:00"), loctician=JONAS)).json()
        assert (body["price"]["amount"], body["end"]) == (59900, at(salon, "11:00").isoformat())

    async def test_several_treatments_make_one_sitting(self, book: Book, salon: date) -> None:
        body = (await book(at(salon, "10:00"), STYLING, RETWIST)).json()
        assert body["price"]["amount"] == 64900 + 49500
        assert [(item["start"], item["end"]) for item in body["items"]] == [
            (at(salon, "10:00").isoformat(), at(salon, "11:00").isoformat()),
            (at(salon, "11:00").isoformat(), at(salon, "12:30").isoformat()),
        ]

    async def test_another_customer_can_book_the_processing_time(self, book: Book, salon: date) -> None:
        assert (await book(at(salon, "10:00"), DETOX)).status_code == 201
        assert (await book(at(salon, "10:30"), STYLING)).status_code == 201
        assert (await book(at(salon, "10:15"), STYLING)).status_code == 409

    async def test_the_buffer_after_a_treatment_cannot_be_booked(self, book: Book, salon: date) -> None:
        await book(at(salon, "10:00"))
        assert (await book(at(salon, "11:30"))).json()["code"] == "slot_taken"
        assert (await book(at(salon, "11:45"))).status_code == 201

    async def test_any_loctician_is_the_one_with_the_fewest_bookings(self, book: Book, salon: date) -> None:
        await book(at(salon, "09:00"))
        body = (await book(at(salon, "12:00"), loctician=None)).json()
        assert body["items"][0]["loctician_id"] == str(JONAS)

    async def test_any_loctician_is_one_who_is_free(self, book: Book, salon: date) -> None:
        taken = [(await book(at(salon, "12:00"), loctician=None)).json() for _ in range(2)]
        assert {item["items"][0]["loctician_id"] for item in taken} == {str(AMINA), str(JONAS)}
        assert (await book(at(salon, "12:00"), loctician=None)).status_code == 409

    async def test_the_event_from_sql_is_a_booking_created(self, book: Book, salon: date, outbox: Outbox) -> None:
        body = (await book(at(salon, "10:00"))).json()
        [event] = await outbox()
        payload = BookingCreated.model_validate(event["data"])
        assert (event["type"], event["subject"], event["version"]) == ("booking.created.v1", body["id"], 1)
        assert event["actorid"] == body["customer_id"]
        assert payload.start == at(salon, "10:00")
        assert payload.items[0].blocked_end == at(salon, "11:45")


class TestAuthorization:
    async def test_staff_book_for_a_known_customer(self, book: Book, salon: date, deliver: Deliver) -> None:
        customer = uuid4()
        await deliver("user.registered.v1", user_state(customer), version=1)
        answer = await book(at(salon, "10:00"), role="staff", customer_id=str(customer))
        assert answer.json()["customer_id"] == str(customer)

    async def test_staff_must_name_the_customer(self, book: Book, salon: date) -> None:
        assert (await book(at(salon, "10:00"), role="staff")).json()["code"] == "customer_required"

    async def test_an_unknown_customer_is_refused(self, book: Book, salon: date) -> None:
        answer = await book(at(salon, "10:00"), role="admin", customer_id=str(uuid4()))
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_customer")

    async def test_customers_cannot_book_for_others(self, book: Book, salon: date) -> None:
        assert (await book(at(salon, "10:00"), customer_id=str(uuid4()))).status_code == 403

    async def test_locticians_can_only_book_with_themselves(self, book: Book, salon: date) -> None:
        own = await book(at(salon, "10:00"), role="loctician", customer=JONAS, loctician=None)
        other = await book(at(salon, "12:00"), role="loctician", customer=JONAS, loctician=AMINA)
        assert own.json()["items"][0]["loctician_id"] == str(JONAS)
        assert other.status_code == 403

    async def test_booking_needs_a_token(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/api/v1/bookings", json={})).status_code == 401


class TestConflicts:
    async def test_a_taken_slot_is_409_with_the_three_nearest_free_starts(self, book: Book, salon: date) -> None:
        await book(at(salon, "12:00"))
        refused = await book(at(salon, "12:00"))
        body = refused.json()
        assert (refused.status_code, body["code"]) == (409, "slot_taken")
        assert refused.headers["content-type"] == "application/problem+json"
        assert [alternative["start"] for alternative in body["alternatives"]] == [
            at(salon, clock).isoformat() for clock in ("10:15", "13:45", "10:00")
        ]

    async def test_every_alternative_can_be_booked(self, book: Book, salon: date) -> None:
        await book(at(salon, "12:00"))
        for item in (await book(at(salon, "12:00"))).json()["alternatives"][:2]:
            assert (await book(item["start"])).status_code == 201

    async def test_a_customer_cannot_have_two_bookings_at_the_same_time(self, book: Book, salon: date) -> None:
        customer = uuid4()
        await book(at(salon, "10:00"), customer=customer)
        refused = await book(at(salon, "10:30"), customer=customer, loctician=JONAS)
        assert (refused.status_code, refused.json()["code"]) == (409, "customer_overlap")
        starts = [item["start"] for item in refused.json()["alternatives"]]
        assert starts == [at(salon, clock).isoformat() for clock in ("11:30", "11:45", "09:00")]

    async def test_outside_hours_is_409(self, book: Book, salon: date) -> None:
        late = await book(at(salon, "16:00"))
        assert (late.status_code, late.json()["code"]) == (409, "outside_hours")
        assert len(late.json()["alternatives"]) == 3

    async def test_times_that_break_a_rule_are_422(self, book: Book, salon: date) -> None:
        now = datetime.now(UTC)
        refusals = {
            "in_past": await book(now - timedelta(minutes=1)),
            "too_far_ahead": await book(now + timedelta(days=181)),
            "off_grid": await book(at(salon, "10:07")),
            "unknown_treatment": await book(at(salon, "10:00"), RETIRED),
            "unknown_loctician": await book(at(salon, "10:00"), loctician=uuid4()),
            "treatment_not_offered": await book(at(salon, "10:00"), DETOX, loctician=JONAS),
        }
        assert {name: (refusal.status_code, refusal.json()["code"]) for name, refusal in refusals.items()} == {
            name: (422, name) for name in refusals
        }


class TestIdempotency:
    async def test_the_same_key_and_body_gives_the_first_answer(self, book: Book, salon: date, outbox: Outbox) -> None:
        customer = uuid4()
        first, second = [await book(at(salon, "10:00"), customer=customer, key="k-1") for _ in range(2)]
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()
        assert len(await outbox()) == 1

    async def test_another_body_is_422(self, book: Book, salon: date) -> None:
        customer = uuid4()
        await book(at(salon, "10:00"), customer=customer, key="k-1")
        refused = await book(at(salon, "13:00"), customer=customer, key="k-1")
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")

    async def test_a_key_is_bound_to_its_caller(self, book: Book, salon: date) -> None:
        first = await book(at(salon, "10:00"), key="k-1")
        other = await book(at(salon, "13:00"), key="k-1")
        assert other.status_code == 201
        assert other.json()["id"] != first.json()["id"]

    async def test_keys_expire_after_a_day(self, book: Book, salon: date, database: Database) -> None:
        await book(at(salon, "10:00"), key="k-1")
        await book(at(salon, "13:00"), key="k-2")
        async with transaction(database, SERVICE_CLAIMS) as session:
            old = "UPDATE booking.idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = 'k-1'"
            await session.execute(text(old))
            values = {"before": datetime.now(UTC) - idempotency.KEPT, "limit": 10}
            await session.execute(text(idempotency.POLICY.statement), values)
            left = await session.execute(text("SELECT key FROM booking.idempotency_keys"))
            assert left.scalars().all() == ["k-2"]


class TestCancelling:
    async def cancel(self, client: httpx.AsyncClient, headers: dict[str, str], booking: str, **more: Any) -> Any:
        return await client.post(f"/api/v1/bookings/{booking}/cancel", headers=headers | more, json={"reason": "Syg"})

    async def test_frees_the_slot_and_says_whether_the_window_was_kept(
        self, book: Book, salon: date, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        customer = uuid4()
        booking = (await book(at(salon, "10:00"), customer=customer)).json()
        answer = await self.cancel(client, auth_headers("customer", customer), booking["id"])
        assert answer.status_code == 200
        assert answer.headers["ETag"] == '"2"'
        assert (answer.json()["status"], answer.json()["cancellation_window_kept"]) == ("cancelled", True)
        assert (await book(at(salon, "10:00"))).status_code == 201
        event = (await outbox())[1]
        assert event["type"] == "booking.cancelled.v1"
        assert BookingCancelled.model_validate(event["data"]).reason == "by_customer"
        assert "Syg" not in str(event)

    async def test_the_reason_is_shown_to_those_who_see_the_booking(
        self, book: Book, salon: date, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        customer = uuid4()
        headers = auth_headers("customer", customer)
        booking = (await book(at(salon, "10:00"), customer=customer)).json()
        assert booking["cancel_reason"] is None
        assert (await self.cancel(client, headers, booking["id"])).json()["cancel_reason"] == "Syg"
        for reader in (headers, auth_headers("loctician", AMINA), auth_headers("staff")):
            seen = await client.get(f"/api/v1/bookings/{booking['id']}", headers=reader)
            assert seen.json()["cancel_reason"] == "Syg"

    async def test_twice_is_409(
        self, book: Book, salon: date, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        customer = uuid4()
        headers = auth_headers("customer", customer)
        booking = (await book(at(salon, "10:00"), customer=customer)).json()
        answers = [await self.cancel(client, headers, booking["id"]) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 409]
        assert answers[1].json()["code"] == "wrong_status"

    async def test_a_stale_version_is_412(
        self, book: Book, salon: date, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        customer = uuid4()
        booking = (await book(at(salon, "10:00"), customer=customer)).json()
        answer = await self.cancel(client, auth_headers("customer", customer), booking["id"], **{"If-Match": '"7"'})
        assert answer.status_code == 412

    async def test_late_cancellations_are_allowed_and_reported(
        self, book: Book, salon: date, client: httpx.AsyncClient, auth_headers: Headers, open_on: Any
    ) -> None:
        now = datetime.now(UTC)
        start = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
        for day in (start.date(), start.date() + timedelta(days=1)):
            await open_on(day, ("00:00", "23:59"))
        customer = uuid4()
        booking = (await book(start, STYLING, customer=customer)).json()
        answer = await self.cancel(client, auth_headers("customer", customer), booking["id"])
        assert answer.json()["cancellation_window_kept"] is False

    async def test_history_shows_who_did_what(
        self, book: Book, salon: date, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        customer = uuid4()
        booking = (await book(at(salon, "10:00"), customer=customer)).json()
        await self.cancel(client, auth_headers("staff"), booking["id"])
        answer = await client.get(
            f"/api/v1/bookings/{booking['id']}/history", headers=auth_headers("customer", customer)
        )
        changes = [(entry["change"], entry["actor_role"], entry["version"]) for entry in answer.json()["items"]]
        assert changes == [("created", "customer", 1), ("cancelled", "staff", 2)]
        assert all(item["actor_id"] is None for item in answer.json()["items"])


class TestListing:
    async def test_pages_follow_each_other_by_start(
        self, book: Book, salon: date, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        clocks = ["09:00", "11:00", "13:00", "15:00"]
        booked = [(await book(at(salon, clock), STYLING)).json()["id"] for clock in reversed(clocks)]
        seen: list[str] = []
        params: dict[str, str] = {"limit": "3"}
        while True:
            page = (await client.get("/api/v1/bookings", params=params, headers=auth_headers("staff"))).json()
            seen += [item["id"] for item in page["items"]]
            if not page["next_cursor"]:
                break
            params["cursor"] = page["next_cursor"]
        assert seen == booked[::-1]

    async def test_filters_select_bookings(
        self, book: Book, salon: date, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        first = (await book(at(salon, "10:00"))).json()
        second = (await book(at(salon, "13:00"), loctician=JONAS)).json()
        await TestCancelling().cancel(client, auth_headers("staff"), second["id"])

        async def ids(**params: str) -> list[str]:
            answer = await client.get("/api/v1/bookings", params=params, headers=auth_headers("admin"))
            return [item["id"] for item in answer.json()["items"]]

        assert await ids(status="cancelled") == [second["id"]]
        assert await ids(loctician_id=str(AMINA)) == [first["id"]]
        assert await ids(customer_id=second["customer_id"]) == [second["id"]]
        assert await ids(to=at(salon, "12:00").isoformat()) == [first["id"]]
        assert await ids(**{"from": at(salon, "12:00").isoformat()}) == [second["id"]]

    async def test_locticians_see_their_own_appointments(
        self, book: Book, salon: date, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        own = (await book(at(salon, "10:00"))).json()
        other = (await book(at(salon, "10:00"), loctician=JONAS)).json()
        headers = auth_headers("loctician", AMINA)
        listed = (await client.get("/api/v1/bookings", headers=headers)).json()["items"]
        assert [booking["id"] for booking in listed] == [own["id"]]
        assert (await client.get(f"/api/v1/bookings/{other['id']}", headers=headers)).status_code == 404
