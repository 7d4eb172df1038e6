"""Answers that SQL writes as JSON have the form that the API declares."""

from datetime import date
from html import escape
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from services.booking import demo
from services.booking.catalog.prices import price
from services.booking.catalog.schemas import Treatment
from services.booking.slots.schemas import Slots
from services.booking.tests.conftest import AMINA, JONAS, RETWIST, STYLING, OpenOn, at, booking_body
from shared.database.session import Database, transaction
from shared.http.pagination import Page, decode_cursor
from shared.identity.principals import SERVICE_CLAIMS

MONEY = "SELECT booking.format_price($1, $2), booking.included_vat($1)"
PATHS = [
    "/api/v1/services",
    "/api/v1/services?lang=en&limit=3",
    "/api/v1/services?q=locs",
    "/api/v1/services?q=farve&lang=en&limit=1",
    "/api/v1/services?q=xylofonkoncert",
]
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fits(model: type[BaseModel], content: Any) -> None:
    """Checks that the content has exactly the declared fields, with the declared types."""
    seen = model.model_validate(content).model_dump(mode="json", exclude_unset=True)
    assert content == seen | {}


class TestSchemas:
    @pytest.mark.parametrize("path", PATHS)
    async def test_pages_of_treatments(self, client: httpx.AsyncClient, database: Database, path: str) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await demo.load(session)
        answer = await client.get(path)
        assert answer.headers["Content-Type"] == "application/json"
        fits(Page[Treatment], answer.json())

    async def test_a_treatment(self, client: httpx.AsyncClient, salon: date) -> None:
        answer = await client.get(f"/api/v1/services/{STYLING}")
        assert answer.headers["ETag"].startswith('"1-')
        fits(Treatment, answer.json())

    async def test_slots(self, client: httpx.AsyncClient, salon: date) -> None:
        answer = await client.get("/api/v1/slots", params={"service_id": str(RETWIST)})
        assert answer.headers["Content-Type"] == "application/json"
        slots = answer.json()
        assert slots["items"]
        assert {slot["start"][-6:] for slot in slots["items"]} <= {"+01:00", "+02:00"}
        as_sent = Slots.model_validate(slots)
        assert [slot.model_dump(mode="json", exclude_unset=True)["price"] for slot in as_sent.items] == [
            slot["price"] for slot in slots["items"]
        ]
        assert {frozenset(slot) for slot in slots["items"]} == {
            frozenset({"start", "end", "loctician_id", "service_ids", "price"})
        }

    async def test_no_slots(self, client: httpx.AsyncClient, salon: date) -> None:
        params = {"service_id": str(RETWIST), "from": "2027-03-01T00:00:00Z", "to": "2027-03-02T00:00:00Z"}
        assert (await client.get("/api/v1/slots", params=params)).json() == {"items": [], "next_cursor": None}

    async def test_a_slot_has_the_same_form_as_an_alternative(self, client: httpx.AsyncClient, salon: date) -> None:
        for language in ("da", "en"):
            spoken = {"Accept-Language": language}
            params = {"service_id": str(STYLING), "limit": "3"}
            searched = (await client.get("/api/v1/slots", params=params, headers=spoken)).json()["items"]
            early = booking_body(at(salon, "08:00"), STYLING)
            checked = await client.post("/api/v1/bookings/check-availability", json=early, headers=spoken)
            assert searched == checked.json()["alternatives"]


class TestLimits:
    async def test_any_loctician_gives_the_earliest_slots_of_all(
        self, client: httpx.AsyncClient, salon: date, open_on: OpenOn
    ) -> None:
        """Also if the open days are far apart, and for every limit."""
        for days, loctician in ((1, JONAS), (6, AMINA), (13, JONAS)):
            await open_on(date.fromordinal(salon.toordinal() + days), ("09:00", "17:00"), loctician=loctician)
        first = at(salon, "00:00")
        whole = {"service_id": str(RETWIST), "from": first.isoformat(), "limit": "1000"}
        everything: list[dict[str, Any]] = []
        for loctician_id in (AMINA, JONAS):
            answer = await client.get("/api/v1/slots", params=whole | {"loctician_id": str(loctician_id)})
            everything += answer.json()["items"]
        everything.sort(key=lambda item: (item["start"], item["loctician_id"]))
        for limit in (1, 29, 60, 90, 1000):
            answer = await client.get("/api/v1/slots", params=whole | {"limit": str(limit)})
            assert answer.json()["items"] == everything[:limit], limit


class TestTexts:
    @few
    @given(amount=st.integers(0, 80_000_000), language=st.sampled_from(["da", "en"]))
    async def test_money_has_the_same_form_as_in_python(self, database: Database, amount: int, language: str) -> None:
        formatted, vat = await database.autocommit.row(MONEY, amount, language)
        elsewhere = price(amount, language)
        assert (formatted, vat) == (elsewhere["formatted"], elsewhere["vat"]["amount"])

    @few
    @given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ue000\ue001"), max_size=40))
    async def test_text_is_escaped_before_it_is_marked(self, database: Database, text: str) -> None:
        marked = await database.autocommit.value("SELECT booking.highlight_html($1)", f"\ue000{text}\ue001{text}")
        assert marked == f"<mark>{escape(text)}</mark>{escape(text)}"

    @few
    @given(name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=120))
    async def test_a_cursor_can_be_decoded_in_python(self, database: Database, name: str) -> None:
        cursor = await database.autocommit.value(
            "SELECT booking.encode_cursor(json_build_array($1::text, $2::uuid))", name, AMINA
        )
        assert decode_cursor(cursor, str, UUID) == [name, AMINA]
