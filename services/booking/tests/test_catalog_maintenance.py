"""Staff maintain the catalog: roles, input, versions, idempotency keys, events, archiving."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.booking.events import TreatmentArchived, TreatmentCreated, TreatmentUpdated
from services.booking.tests.conftest import AMINA, RETIRED, RETWIST, Book, at
from services.booking.tests.test_input import is_problem, sent
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS, Claims
from shared.testing.types import Headers, Outbox

NEW: dict[str, Any] = {
    "translations": {
        "da": {"name": "Farve", "description": "Skånsom farve."},
        "en": {"name": "Colour", "description": "Gentle colour."},
    },
    "category": "colour",
    "duration_minutes": 120,
    "processing": {"start_minutes": 30, "minutes": 45},
    "buffer_before_minutes": 5,
    "buffer_after_minutes": 15,
    "grid_minutes": 30,
    "price": {"amount": 89900, "currency": "DKK"},
}
LANGUAGES: dict[str, Any] = NEW["translations"]
BAD: dict[str, Any] = {
    "nothing": {},
    "not an object": "[]",
    "only Danish": NEW | {"translations": {"da": LANGUAGES["da"]}},
    "a third language": NEW | {"translations": LANGUAGES | {"de": LANGUAGES["da"]}},
    "a name of blanks": NEW | {"translations": LANGUAGES | {"da": {"name": "  ", "description": ""}}},
    "a long name": NEW | {"translations": LANGUAGES | {"da": {"name": "x" * 121, "description": ""}}},
    "a long description": NEW | {"translations": LANGUAGES | {"da": {"name": "x", "description": "x" * 2001}}},
    "NUL in a name": NEW | {"translations": LANGUAGES | {"da": {"name": "a\x00", "description": ""}}},
    "an unknown category": NEW | {"category": "tattoo"},
    "no time": NEW | {"duration_minutes": 0, "processing": None},
    "more than 12 hours": NEW | {"duration_minutes": 721},
    "half a minute": NEW | {"duration_minutes": 60.5},
    "minutes as text": NEW | {"duration_minutes": "120"},
    "processing until the end": NEW | {"processing": {"start_minutes": 30, "minutes": 90}},
    "processing from the start": NEW | {"processing": {"start_minutes": 0, "minutes": 30}},
    "half a processing": NEW | {"processing": {"start_minutes": 30}},
    "a negative buffer": NEW | {"buffer_before_minutes": -5},
    "a long buffer": NEW | {"buffer_after_minutes": 121},
    "a grid of 7 minutes": NEW | {"grid_minutes": 7},
    "a negative price": NEW | {"price": {"amount": -1, "currency": "DKK"}},
    "a fraction of an øre": NEW | {"price": {"amount": 649.5, "currency": "DKK"}},
    "a whole float": NEW | {"price": {"amount": 649.0, "currency": "DKK"}},
    "a price above 100,000 kr.": NEW | {"price": {"amount": 10_000_001, "currency": "DKK"}},
    "a price beyond integers": NEW | {"price": {"amount": 10**30, "currency": "DKK"}},
    "euros": NEW | {"price": {"amount": 100, "currency": "EUR"}},
    "a price as text in amount": NEW | {"price": {"amount": "100", "currency": "DKK"}},
    "true as amount": NEW | {"price": {"amount": True, "currency": "DKK"}},
    "a bare number": NEW | {"price": 64900},
    "written euros": NEW | {"price": "649 EUR"},
    "a written fraction of an øre": NEW | {"price": "649,005 kr."},
    "a written debt": NEW | {"price": "-649 kr."},
}


async def post(client: httpx.AsyncClient, headers: dict[str, str], **changes: Any) -> httpx.Response:
    return await client.post("/api/v1/services", json=NEW | changes, headers=headers)


class TestAuthorization:
    @pytest.mark.parametrize(("role", "status"), [(None, 401), ("customer", 403), ("loctician", 403)])
    async def test_others_cannot_change_the_catalog(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date, outbox: Outbox, role: str, status: int
    ) -> None:
        headers = (auth_headers(role, AMINA) if role else {}) | {"If-Match": '"1"'}
        assert is_problem(await post(client, headers), status)
        assert is_problem(await client.put(f"/api/v1/services/{RETWIST}", json=NEW, headers=headers), status)
        assert is_problem(await client.delete(f"/api/v1/services/{RETWIST}", headers=headers), status)
        body = (await client.get(f"/api/v1/services/{RETWIST}")).json()
        assert (body["version"], body["active"]) == (1, True)
        assert await outbox() == []

    @pytest.mark.parametrize("role", ["staff", "admin"])
    async def test_staff_can_change_the_catalog(
        self, client: httpx.AsyncClient, auth_headers: Headers, role: str
    ) -> None:
        assert (await post(client, auth_headers(role))).status_code == 201

    @pytest.mark.parametrize("role", ["customer", "loctician", "anonymous", "root"])
    async def test_the_tables_refuse_other_roles(self, salon: date, database: Database, role: str) -> None:
        new = "INSERT INTO booking.treatments (id, translations, category, duration_minutes, price_amount)"
        for statement in (
            "UPDATE booking.treatments SET price_amount = 1",
            f"{new} VALUES (gen_random_uuid(), '{{}}', 'care', 60, 1)",
            "UPDATE booking.loctician_treatments SET price_amount = 1 WHERE loctician_id <> booking.claim_sub()",
            "UPDATE booking.loctician_treatments SET loctician_id = booking.claim_sub()",
            "DELETE FROM booking.loctician_treatments",
            "INSERT INTO booking.portfolio_media SELECT booking.claim_sub(), 0, '1', 'image', '', '', ''",
        ):
            with pytest.raises(DBAPIError, match=r"only the salon|row-level security"):
                async with transaction(database, Claims(role, AMINA)) as session:
                    await session.execute(text(statement))

    async def test_locticians_can_write_their_own_offers(self, salon: date, database: Database) -> None:
        async with transaction(database, Claims("loctician", AMINA)) as session:
            statement = (
                "UPDATE booking.loctician_treatments SET price_amount = 1 WHERE loctician_id = booking.claim_sub()"
            )
            changed = await session.execute(text(f"{statement} RETURNING treatment_id"))
            assert len(changed.all()) == 3


class TestCreating:
    async def test_answers_the_stored_treatment(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        created = await post(client, auth_headers("staff"))
        assert created.headers["ETag"] == '"1"'
        body = created.json()
        assert (await client.get(created.headers["Location"])).json() == body
        assert {name: body[name] for name in NEW if name not in {"price", "translations"}} == {
            name: value for name, value in NEW.items() if name not in {"price", "translations"}
        }
        assert (body["name"], body["category_name"], body["active"]) == ("Farve", "Farve", True)
        assert body["price"]["amount"] == 89900
        [event] = await outbox()
        assert (event["type"], event["version"], event["subject"]) == ("treatment.created.v1", 1, body["id"])
        assert TreatmentCreated.model_validate(event["data"]).price_amount == 89900

    async def test_accepts_prices_in_danish_notation(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        assert (await post(client, auth_headers("staff"), price="1.299,50 kr.")).json()["price"]["amount"] == 129950

    async def test_accepts_prices_from_nothing_to_the_limit(
        self, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        for amount in (0, 10_000_000):
            created = await post(client, auth_headers("staff"), price={"amount": amount})
            assert created.json()["price"]["amount"] == amount

    async def test_refuses_bad_input(self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox) -> None:
        for name, body in BAD.items():
            request = sent(body)
            request["headers"] = request.get("headers", {}) | auth_headers("staff")
            answer = await client.post("/api/v1/services", **request)
            assert is_problem(answer, 422), (name, answer.text)
        assert await outbox() == []

    async def test_the_same_key_and_body_create_one(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
    ) -> None:
        staff = auth_headers("staff", uuid4()) | {"Idempotency-Key": "k-1"}
        answers = await asyncio.gather(*(post(client, staff) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) <= 2  # the stored answer may have its members in another order
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert {answer.headers["ETag"] for answer in answers} == {'"1"'}
        assert len(await outbox()) == 1

    async def test_a_key_is_bound_to_the_body_and_the_caller(
        self, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        staff = auth_headers("staff", uuid4()) | {"Idempotency-Key": "k-1"}
        first = await post(client, staff)
        other = await post(client, staff, price={"amount": 1})
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        colleague = auth_headers("staff", uuid4()) | {"Idempotency-Key": "k-1"}
        assert (await post(client, colleague)).json()["id"] != first.json()["id"]

    async def test_a_key_expires_after_a_day(
        self, client: httpx.AsyncClient, auth_headers: Headers, database: Database
    ) -> None:
        staff = auth_headers("staff", uuid4()) | {"Idempotency-Key": "k-1"}
        first = await post(client, staff)
        for hours, same in ((23, True), (2, False)):
            async with transaction(database, SERVICE_CLAIMS) as session:
                older = "UPDATE booking.idempotency_keys SET created_at = created_at - make_interval(hours => :hours)"
                await session.execute(text(older), {"hours": hours})
            assert ((await post(client, staff)).json()["id"] == first.json()["id"]) is same


class TestReplacing:
    async def test_needs_the_current_version(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date
    ) -> None:
        path, staff = f"/api/v1/services/{RETWIST}", auth_headers("staff")
        missing = await client.put(path, json=NEW, headers=staff)
        assert is_problem(missing, 428)
        assert missing.json()["code"] == "precondition_required"
        for stale in ('"0"', '"2"', 'W/"1"', "1", "x"):
            assert is_problem(await client.put(path, json=NEW, headers=staff | {"If-Match": stale}), 412)
        changed = await client.put(path, json=NEW, headers=staff | {"If-Match": '"9", "1"'})
        assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
        assert (await client.put(path, json=NEW, headers=staff | {"If-Match": "*"})).json()["version"] == 3

    async def test_only_one_of_concurrent_changes_succeeds(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date
    ) -> None:
        headers = auth_headers("staff") | {"If-Match": '"1"'}
        puts = (client.put(f"/api/v1/services/{RETWIST}", json=NEW, headers=headers) for _ in range(4))
        assert sorted(item.status_code for item in await asyncio.gather(*puts)) == [200, 412, 412, 412]

    async def test_publishes_an_event_and_updates_the_search(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date, outbox: Outbox
    ) -> None:
        headers = auth_headers("staff") | {"If-Match": '"1"'}
        body = (await client.put(f"/api/v1/services/{RETWIST}", json=NEW, headers=headers)).json()
        [event] = await outbox()
        assert (event["type"], event["version"]) == ("treatment.updated.v1", 2)
        assert TreatmentUpdated.model_validate(event["data"]).translations["da"].name == "Farve"
        items = (await client.get("/api/v1/services", params={"q": "farvning"})).json()["items"]
        assert [item["id"] for item in items] == [body["id"]]
        assert (await client.get("/api/v1/services", params={"q": "retwist"})).json()["items"] == []

    async def test_an_unknown_one_is_404(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        headers = auth_headers("staff") | {"If-Match": '"1"'}
        assert is_problem(await client.put(f"/api/v1/services/{uuid4()}", json=NEW, headers=headers), 404)
        assert is_problem(await client.delete(f"/api/v1/services/{uuid4()}", headers=headers), 404)


class TestArchiving:
    async def test_hides_it_from_everybody_but_staff(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date, outbox: Outbox
    ) -> None:
        staff = auth_headers("staff")
        assert is_problem(await client.delete(f"/api/v1/services/{RETWIST}", headers=staff | {"If-Match": '"4"'}), 412)
        for _ in range(2):
            assert (await client.delete(f"/api/v1/services/{RETWIST}", headers=staff)).status_code == 204
        [event] = await outbox()
        assert (event["type"], event["version"]) == ("treatment.archived.v1", 2)
        assert TreatmentArchived.model_validate(event["data"]).active is False
        listed = (await client.get("/api/v1/services")).json()["items"]
        assert str(RETWIST) not in [booking["id"] for booking in listed]
        params = {"include_inactive": "true"}
        all_of_them = (await client.get("/api/v1/services", params=params, headers=staff)).json()["items"]
        assert {str(RETWIST), str(RETIRED)} <= {item["id"] for item in all_of_them}
        assert is_problem(await client.get("/api/v1/services", params=params, headers=auth_headers("customer")), 403)

    async def test_refuses_new_bookings_and_keeps_old_ones(
        self, client: httpx.AsyncClient, auth_headers: Headers, book: Book, salon: date
    ) -> None:
        booked = (await book(at(salon, "10:00"), RETWIST)).json()
        await client.delete(f"/api/v1/services/{RETWIST}", headers=auth_headers("staff"))
        refused = await book(at(salon, "13:00"), RETWIST)
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_treatment")
        own = auth_headers("customer", UUID(booked["customer_id"]))
        kept = (await client.get(f"/api/v1/bookings/{booked['id']}", headers=own)).json()
        assert (kept["items"], kept["price"]) == (booked["items"], booked["price"])

    async def test_can_be_done_and_undone_by_a_put(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date, outbox: Outbox
    ) -> None:
        path, staff = f"/api/v1/services/{RETWIST}", auth_headers("staff")
        await client.put(path, json=NEW | {"active": False}, headers=staff | {"If-Match": '"1"'})
        await client.put(path, json=NEW | {"active": True}, headers=staff | {"If-Match": '"2"'})
        assert [event["type"] for event in await outbox()] == ["treatment.archived.v1", "treatment.updated.v1"]
        assert (await client.get(path)).json()["active"] is True
