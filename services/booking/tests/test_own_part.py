"""A loctician learns what concerns the own part of a booking, the same by every call, and nothing of the customer's
other appointments. So does whoever has the link of a mail."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.links import BOOKING, link_token
from services.booking.tests.conftest import (
    AMINA,
    JONAS,
    RETWIST,
    STYLING,
    Book,
    Caller,
    SignIn,
    at,
    booking_body,
    code,
    user_state,
)
from services.booking.tests.test_shared_sittings import repair as repair
from shared.testing.keys import keys_for
from shared.testing.types import Deliver


@pytest.fixture
async def shared(book: Book, repair: UUID, salon: date) -> dict[str, Any]:
    """A sitting of Amina, and then Jonas."""
    booked: dict[str, Any] = (await book(at(salon, "10:00"), STYLING, repair, loctician=None)).json()
    return booked


@pytest.fixture
def amina(sign_in: SignIn) -> Caller:
    return sign_in("loctician", AMINA)


def performers(booking: dict[str, Any]) -> set[str]:
    return {item["loctician_id"] for item in booking["items"]}


class TestItems:
    async def test_each_call_shows_the_same(self, shared: dict[str, Any], amina: Caller, sign_in: SignIn) -> None:
        path = f"/bookings/{shared['id']}"
        answers = [(await amina.get(path)).json(), (await amina.get("/bookings")).json()["items"][0]]
        answers += [(await amina.put(path, {"notes": "Ring først"}, 1)).json()]
        answers += [(await amina.get(path)).json(), (await amina.put(path, {"notes": "Ring først"}, 2)).json()]
        answers += [(await amina.post(f"{path}/cancel")).json(), (await amina.get(path)).json()]
        for answer in answers:
            assert performers(answer) == {str(AMINA)}
        assert len({frozenset(answer) for answer in answers} - {frozenset(answers[5])}) == 1
        assert performers((await sign_in("staff").get(path)).json()) == {str(AMINA), str(JONAS)}
        customer = sign_in("customer", UUID(shared["customer_id"]))
        assert performers((await customer.get(path)).json()) == {str(AMINA), str(JONAS)}

    async def test_confirming_shows_no_more(
        self, repair: UUID, salon: date, book: Book, amina: Caller, sign_in: SignIn
    ) -> None:
        staff = sign_in("staff")
        rules = (await staff.get("/bookings/rules")).json()
        chosen = {name: value for name, value in rules.items() if name != "version"} | {"confirm_by_hand": True}
        await staff.put("/bookings/rules", chosen, rules["version"])
        pending = (await book(at(salon, "10:00"), STYLING, repair, loctician=None)).json()
        confirmed = await amina.post(f"/bookings/{pending['id']}/confirm")
        assert (confirmed.status_code, performers(confirmed.json())) == (200, {str(AMINA)})


class TestHistory:
    async def test_a_former_loctician_sees_nothing_of_what_came_after(
        self, book: Book, salon: date, amina: Caller, sign_in: SignIn
    ) -> None:
        booked = (await book(at(salon, "10:00"))).json()
        path, staff = f"/bookings/{booked['id']}", sign_in("staff")
        await staff.put(path, {"loctician_id": str(JONAS)}, 1)
        await staff.put(path, {"start": at(salon, "14:00").isoformat()}, 2)
        await staff.post(f"{path}/cancel", {"reason": "Syg"})
        assert [change["version"] for change in (await staff.get(f"{path}/history")).json()["items"]] == [1, 2, 3, 4]
        seen = (await amina.get(f"{path}/history")).json()
        assert [change["version"] for change in seen["items"]] == [1]
        for method, call in (("GET", path), ("PUT", path), ("POST", f"{path}/cancel"), ("POST", f"{path}/confirm")):
            body = {"notes": "x"} if method == "PUT" else None
            refused = await amina.send(method, call, body, If_Match="*")
            assert code(refused) == (404, "not_found")
        assert (await amina.get("/bookings")).json()["items"] == []


class TestElsewhere:
    """Jonas has the customer from eleven to twelve. Amina, and the link of a mail, do not learn that."""

    @pytest.fixture
    async def person(self, sign_in: SignIn, salon: date, deliver: Deliver) -> Caller:
        customer = sign_in()
        await deliver("user.registered.v1", user_state(customer.id), version=1)
        busy = await customer.post("/bookings", booking_body(at(salon, "11:00"), RETWIST, loctician=JONAS))
        assert busy.status_code == 201
        return customer

    def starts(self, answer: httpx.Response) -> list[datetime]:
        return [datetime.fromisoformat(slot["start"]) for slot in answer.json()["alternatives"]]

    async def test_a_loctician_who_books_is_told_that_the_time_is_taken(
        self, person: Caller, amina: Caller, sign_in: SignIn, salon: date
    ) -> None:
        body = booking_body(at(salon, "11:00"), STYLING, customer_id=str(person.id))
        refused = await amina.post("/bookings", body)
        assert code(refused) == (409, "slot_taken")
        assert "customer" not in refused.text
        for start in self.starts(refused):
            assert not start <= at(salon, "11:00") < start + timedelta(hours=1)
        # the times around are those of a customer with no other booking
        other = await amina.post(
            "/bookings", body | {"customer_id": str(amina.id), "start": at(salon, "12:00").isoformat()}
        )
        assert other.status_code == 201
        assert code(await sign_in("staff").post("/bookings", body)) == (409, "customer_overlap")

    async def test_alternatives_do_not_avoid_what_the_customer_has(
        self, person: Caller, amina: Caller, salon: date, book: Book
    ) -> None:
        assert (await book(at(salon, "10:00"), STYLING)).status_code == 201  # of somebody else, with Amina
        refused = await amina.post("/bookings", booking_body(at(salon, "10:00"), STYLING, customer_id=str(person.id)))
        assert code(refused) == (409, "slot_taken")
        assert at(salon, "11:00") in self.starts(refused)

    async def test_a_loctician_who_books_a_series_reads_no_other_reason(
        self, person: Caller, amina: Caller, salon: date
    ) -> None:
        body = booking_body(at(salon, "11:00"), STYLING, customer_id=str(person.id), every_weeks=1, times=2)
        answer = await amina.post("/bookings/series", body)
        assert "customer_overlap" not in answer.text
        assert "slot_taken" in answer.text

    async def test_a_loctician_who_moves_or_checks_learns_nothing(
        self, person: Caller, amina: Caller, salon: date
    ) -> None:
        booked = (await person.post("/bookings", booking_body(at(salon, "14:00"), STYLING))).json()
        check = {"booking_id": booked["id"], "start": at(salon, "11:00").isoformat()}
        assert (await amina.post("/bookings/check-availability", check)).json() == {
            "available": True, "reason": None, "alternatives": [],
        }  # fmt: skip
        moved = await amina.put(f"/bookings/{booked['id']}", {"start": at(salon, "11:00").isoformat()}, 1)
        assert code(moved) == (409, "slot_taken")
        assert (await person.post("/bookings/check-availability", check)).json()["reason"] == "customer_overlap"

    async def test_a_loctician_who_lengthens_learns_nothing(
        self, person: Caller, amina: Caller, salon: date, sign_in: SignIn
    ) -> None:
        booked = (await person.post("/bookings", booking_body(at(salon, "10:00"), STYLING))).json()
        path = f"/bookings/{booked['id']}"
        assert code(await amina.put(path, {"duration_minutes": 90}, 1)) == (409, "slot_taken")
        assert code(await sign_in("staff").put(path, {"duration_minutes": 90}, 1)) == (409, "customer_overlap")

    async def test_the_link_of_a_mail_tells_nothing(
        self, person: Caller, client: httpx.AsyncClient, salon: date
    ) -> None:
        booked = (await person.post("/bookings", booking_body(at(salon, "14:00"), STYLING))).json()
        token = link_token(keys_for("notifications").shared_with("booking"), BOOKING, UUID(booked["id"]), person.id)
        pages = []
        for start in (at(salon, "11:00"), at(salon + timedelta(days=200), "11:00")):
            form = {"token": token, "start": start.isoformat(), "version": "1"}
            pages.append(await client.post(f"/bookings/{booked['id']}/move", data=form))
        assert pages[0].status_code == 409
        assert "anden tid" not in pages[0].text
        assert "another appointment" not in pages[0].text

    async def test_other_locticians_see_no_booking_of_the_customer(self, person: Caller, amina: Caller) -> None:
        assert (await amina.get("/bookings", customer_id=str(person.id))).json()["items"] == []
        assert code(await amina.get(f"/bookings/{uuid4()}")) == (404, "not_found")
