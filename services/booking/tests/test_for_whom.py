"""For whom each role may book, hold and wait: `customer_id` in the calls that take one."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.booking.tests.conftest import AMINA, RETWIST, Caller, SignIn, at, booking_body, code, user_state
from shared.testing.types import Deliver

CUSTOMER = UUID(int=0xC)
PATHS = ("/bookings", "/bookings/series", "/bookings/holds", "/waitlist")
ROLES = ("customer", "loctician", "staff", "admin")
BOOKED = 201, None
NOT_FOR_OTHERS = 403, "not_for_others"
UNKNOWN = 422, "unknown_customer"
REQUIRED = 422, "customer_required"

# The answers without a customer, with a customer, and with somebody whom nobody knows.
Answers = dict[str, tuple[tuple[int, str | None], ...]]
STAFF: Answers = dict.fromkeys(PATHS, (REQUIRED, BOOKED, UNKNOWN)) | {"/bookings/holds": (BOOKED, BOOKED, UNKNOWN)}
ONESELF: Answers = dict.fromkeys(PATHS, (BOOKED, NOT_FOR_OTHERS, NOT_FOR_OTHERS))
OWN_CHAIR: Answers = dict.fromkeys(("/bookings", "/bookings/series"), (BOOKED, BOOKED, UNKNOWN))
EXPECTED = {"customer": ONESELF, "loctician": ONESELF | OWN_CHAIR, "staff": STAFF, "admin": STAFF}


@pytest.fixture
async def customer(deliver: Deliver) -> UUID:
    await deliver("user.registered.v1", user_state(CUSTOMER), version=1)
    return CUSTOMER


@pytest.fixture
def call_as(sign_in: SignIn, salon: date) -> Any:
    def make(role: str) -> Caller:
        return sign_in(role, AMINA if role == "loctician" else None)

    return make


def body_of(path: str, day: date, customer_id: UUID | None, clock: str) -> dict[str, Any]:
    body: dict[str, Any] = {"service_ids": [str(RETWIST)]}
    if path == "/waitlist":
        body |= {"from": day.isoformat(), "to": day.isoformat()}
    else:
        body["start"] = at(day, clock).isoformat()
    if path == "/bookings/series":
        body |= {"every_weeks": 1, "times": 2}
    return body | ({} if customer_id is None else {"customer_id": str(customer_id)})


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", PATHS)
async def test_each_role_names_whom_it_may(call_as: Any, salon: date, customer: UUID, path: str, role: str) -> None:
    caller = call_as(role)
    answers = [
        await caller.post(path, body_of(path, salon, whom, clock))
        for whom, clock in ((None, "09:00"), (customer, "11:00"), (uuid4(), "13:00"))
    ]
    assert tuple((a.status_code, a.json().get("code")) for a in answers) == EXPECTED[role][path]


@pytest.mark.parametrize("role", ROLES)
async def test_a_closed_account_is_no_customer(
    call_as: Any, salon: date, customer: UUID, role: str, deliver: Deliver
) -> None:
    await deliver("user.deactivated.v1", user_state(customer, active=False), version=2)
    for path in PATHS:
        answer = code(await call_as(role).post(path, body_of(path, salon, customer, "09:00")))
        assert answer == (UNKNOWN if EXPECTED[role][path][1] == BOOKED else NOT_FOR_OTHERS), path


@pytest.mark.parametrize("role", ROLES)
async def test_the_check_asks_for_no_customer(call_as: Any, salon: date, customer: UUID, role: str) -> None:
    body = booking_body(at(salon, "10:00"))
    assert (await call_as(role).post("/bookings/check-availability", body)).json()["available"]
    named = await call_as(role).post("/bookings/check-availability", body | {"customer_id": str(customer)})
    assert code(named) == (422, "invalid_input")


async def test_a_loctician_books_for_a_customer_with_the_own_hold(call_as: Any, salon: date, customer: UUID) -> None:
    amina = call_as("loctician")
    held = (await amina.post("/bookings/holds", booking_body(at(salon, "10:00")))).json()
    body = booking_body(at(salon, "10:00"), hold_id=held["id"], customer_id=str(customer))
    booked = await amina.post("/bookings", body)
    assert (booked.status_code, booked.json()["customer_id"]) == (201, str(customer))
