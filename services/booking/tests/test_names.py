"""Bookings carry the names of the customer, the treatments and the locticians, each for those who may see them."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.booking import privacy
from services.booking.tests.conftest import (
    AMINA,
    FREJA,
    JONAS,
    RETWIST,
    STYLING,
    Caller,
    SetClock,
    SignIn,
    at,
    booking_body,
    user_state,
)
from shared.database.session import Database, transaction
from shared.identity.principals import ANONYMOUS_CLAIMS, SERVICE_CLAIMS, Claims
from shared.testing.types import Deliver

Known = Callable[..., Awaitable[Caller]]
NAME, PHONE, EMAIL = FREJA


@pytest.fixture
def known(sign_in: SignIn, deliver: Deliver) -> Known:
    """A customer of whom auth has told."""

    async def make(**changes: Any) -> Caller:
        customer = sign_in()
        await deliver("user.registered.v1", user_state(customer.id, **changes), version=1)
        return customer

    return make


async def test_the_salon_sees_who_comes_and_the_customer_sees_the_own_name(
    known: Known, sign_in: SignIn, salon: date
) -> None:
    freja = await known()
    created = (await freja.post("/bookings", booking_body(at(salon, "10:00")))).json()
    own = {"id": str(freja.id), "name": NAME, "phone": PHONE}
    assert created["customer"] == own
    seen = {
        role: (await sign_in(role, person).get(f"/bookings/{created['id']}")).json()["customer"]
        for role, person in (("loctician", AMINA), ("staff", None), ("admin", None))
    }
    shown = own | {"no_show_count": 0}
    assert seen == {"loctician": shown, "staff": shown | {"email": EMAIL}, "admin": shown | {"email": EMAIL}}


async def test_every_call_gives_the_same_object(known: Known, staff: Caller, salon: date, set_clock: SetClock) -> None:
    freja = await known()
    body = booking_body(at(salon, "10:00"), RETWIST, STYLING) | {"customer_id": str(freja.id)}
    created = (await staff.post("/bookings", body)).json()
    path = f"/bookings/{created['id']}"
    listed = (await staff.get("/bookings")).json()["items"][0]
    read = (await staff.get(path)).json()
    changed = (await staff.put(path, {"start": at(salon, "11:00").isoformat()}, created["version"])).json()
    cancelled = (await staff.post(f"{path}/cancel")).json()
    for answer in (listed, read):
        assert answer == created
    names = [
        {"id": str(RETWIST), "name": "Retwist", "duration_minutes": 90},
        {"id": str(STYLING), "name": "Opsætning", "duration_minutes": 60},
    ]
    for answer in (created, changed, cancelled):
        assert [item["service"] for item in answer["items"]] == names
        assert [item["loctician"] for item in answer["items"]] == [{"id": str(AMINA), "name": "Amina"}] * 2
        assert answer["customer"] == created["customer"]


async def test_a_later_name_of_the_treatment_changes_nothing_booked(
    known: Known, sign_in: SignIn, salon: date, owner: AsyncEngine
) -> None:
    freja = await known()
    created = (await freja.post("/bookings", booking_body(at(salon, "10:00"), STYLING))).json()
    new_name = """UPDATE booking.treatments SET active = false,
        translations = jsonb_set(translations, '{da,name}', '"Nyt"') WHERE id = :id"""
    async with owner.begin() as connection:
        await connection.execute(text("""SELECT set_config('request.jwt.claims', '{"role"\\: "service"}', true)"""))
        await connection.execute(text(new_name), {"id": STYLING})
    path = f"/bookings/{created['id']}"
    read = (await freja.get(path)).json()
    moved = (await sign_in("staff").put(path, {"start": at(salon, "12:00").isoformat()}, created["version"])).json()
    assert [item["service"]["name"] for item in (read["items"] + moved["items"])] == ["Opsætning", "Opsætning"]
    english = (await freja.send("GET", path, Accept_Language="en")).json()
    assert english["items"][0]["service"]["name"] == "Styling"


async def test_a_walk_in_has_the_same_shape_without_an_id(staff: Caller, sign_in: SignIn, salon: date) -> None:
    body = booking_body(at(salon, "10:00")) | {"walk_in": {"name": "Jonas", "phone": "20123456"}}
    created = (await staff.post("/bookings", body)).json()
    shown = {"id": None, "name": "Jonas", "phone": "+4520123456", "no_show_count": 0}
    assert created["customer"] == shown | {"email": None}
    assert (await sign_in("loctician", AMINA).get(f"/bookings/{created['id']}")).json()["customer"] == shown


async def test_no_shows_with_any_loctician_count(
    known: Known, staff: Caller, sign_in: SignIn, salon: date, set_clock: SetClock
) -> None:
    freja = await known()
    for_freja = {"customer_id": str(freja.id)}
    missed = (await staff.post("/bookings", booking_body(at(salon, "10:00"), loctician=JONAS) | for_freja)).json()
    coming = (await staff.post("/bookings", booking_body(at(salon, "13:00")) | for_freja)).json()
    await set_clock(at(salon, "10:30"))
    marked = (await staff.post(f"/bookings/{missed['id']}/no-show")).json()
    assert marked["customer"]["no_show_count"] == 1
    amina = sign_in("loctician", AMINA)
    assert (await amina.get(f"/bookings/{coming['id']}")).json()["customer"]["no_show_count"] == 1
    assert "no_show_count" not in (await freja.get(f"/bookings/{coming['id']}")).json()["customer"]


async def test_a_new_name_shows_at_once_and_an_unknown_person_has_none(
    known: Known, staff: Caller, sign_in: SignIn, salon: date, deliver: Deliver
) -> None:
    freja = await known()
    created = (await freja.post("/bookings", booking_body(at(salon, "10:00")))).json()
    await deliver("user.updated.v1", user_state(freja.id, full_name="Freja Nørgaard", phone=None), version=2)
    customer = (await staff.get(f"/bookings/{created['id']}")).json()["customer"]
    assert (customer["name"], customer["phone"]) == ("Freja Nørgaard", None)
    stranger = (await sign_in().post("/bookings", booking_body(at(salon, "13:00")))).json()
    assert stranger["customer"] == {"id": stranger["customer_id"], "name": None, "phone": None}


class TestRowLevelSecurity:
    async def test_names_are_shown_with_the_bookings_and_to_nobody_else(
        self, known: Known, salon: date, database: Database
    ) -> None:
        freja, other = await known(), await known()
        await freja.post("/bookings", booking_body(at(salon, "10:00")))
        await other.post("/bookings", booking_body(at(salon, "10:00"), loctician=JONAS))
        seen = {
            "own": await self.names(database, Claims("customer", freja.id)),
            "stranger": await self.names(database, Claims("customer", uuid4())),
            "amina": await self.names(database, Claims("loctician", AMINA)),
            "customer with a loctician's id": await self.names(database, Claims("customer", AMINA)),
            "other loctician": await self.names(database, Claims("loctician", uuid4())),
            "staff": await self.names(database, Claims("staff", uuid4())),
            "admin": await self.names(database, Claims("admin", uuid4())),
            "anonymous": await self.names(database, ANONYMOUS_CLAIMS),
            "unknown role": await self.names(database, Claims("root", uuid4())),
        }
        both = {freja.id, other.id}
        assert seen == {
            "own": {freja.id}, "stranger": set(), "amina": {freja.id}, "customer with a loctician's id": set(),
            "other loctician": set(), "staff": both, "admin": both, "anonymous": set(), "unknown role": set(),
        }  # fmt: skip

    async def names(self, database: Database, claims: Claims) -> set[UUID]:
        async with transaction(database, claims) as session:
            return set((await session.execute(text("SELECT id FROM booking.customers"))).scalars())

    async def test_a_loctician_cannot_change_a_name(self, known: Known, salon: date, database: Database) -> None:
        freja = await known()
        await freja.post("/bookings", booking_body(at(salon, "10:00")))
        async with transaction(database, Claims("loctician", AMINA)) as session:
            changed: Any = await session.execute(text("UPDATE booking.customers SET name = 'X'"))
            assert changed.rowcount == 0


async def test_names_are_exported_and_erased(known: Known, staff: Caller, salon: date, database: Database) -> None:
    freja = await known()
    created = (await freja.post("/bookings", booking_body(at(salon, "10:00")))).json()
    async with transaction(database, SERVICE_CLAIMS) as session:
        exported = await privacy.export(session, freja.id)
        await privacy.erase(session, freja.id)
    [person] = exported["customer"]
    assert (person["name"], person["phone"], person["email"]) == FREJA
    assert exported["booking_items"][0]["service_names"] == {"da": "Retwist", "en": "Retwist"}
    left = (await staff.get(f"/bookings/{created['id']}")).json()["customer"]
    assert (left["name"], left["phone"], left["email"]) == (None, None, None)
    assert (await staff.get("/bookings", q="freja")).json()["items"] == []


async def test_walk_ins_whose_name_is_gone_are_found_no_more(
    staff: Caller, salon: date, database: Database, owner: AsyncEngine
) -> None:
    body = booking_body(at(salon, "10:00")) | {"walk_in": {"name": "Jonas"}}
    await staff.post("/bookings", body)
    assert len((await staff.get("/bookings", q="jonas")).json()["items"]) == 1
    async with transaction(database, SERVICE_CLAIMS) as session:
        await session.execute(text("UPDATE booking.bookings SET walk_in_name = NULL"))
    assert (await staff.get("/bookings", q="jonas")).json()["items"] == []
    async with owner.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM booking.customer_search"))).scalar_one() == 0
