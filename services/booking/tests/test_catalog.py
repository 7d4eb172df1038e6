"""Reading treatments and locticians, and the demo data."""

from datetime import date
from uuid import NAMESPACE_DNS, UUID, uuid4, uuid5

import httpx
from sqlalchemy import text

from services.booking import demo
from services.booking.events import LocticianUpdated, TreatmentCreated
from services.booking.tests.conftest import AMINA, DETOX, JONAS, RETIRED, RETWIST, add_treatment
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox


class TestTreatments:
    async def test_are_public_and_in_the_language_requested(self, client: httpx.AsyncClient, salon: date) -> None:
        body = (await client.get("/api/v1/services", headers={"Accept-Language": "en"})).json()
        assert [item["name"] for item in body["items"]] == ["Loc detox", "Retwist", "Styling"]
        retwist = body["items"][1]
        assert set(retwist["loctician_ids"]) == {str(AMINA), str(JONAS)}
        assert retwist["translations"]["da"] == {"name": "Retwist", "description": "Opstramning"}
        assert (retwist["duration_minutes"], retwist["price"]["amount"]) == (90, 64900)

    async def test_are_filtered_by_category(self, client: httpx.AsyncClient, salon: date) -> None:
        body = (await client.get("/api/v1/services", params={"category": "care"})).json()
        assert [(item["name"], item["category_name"]) for item in body["items"]] == [("Loc-detox", "Vask og pleje")]
        assert (await client.get("/api/v1/services", params={"category": "nothing"})).json()["items"] == []

    async def test_contain_the_vat_in_the_price(self, client: httpx.AsyncClient, salon: date) -> None:
        price = (await client.get(f"/api/v1/services/{RETWIST}")).json()["price"]
        assert price == {
            "amount": 64900, "currency": "DKK", "formatted": "649 kr.", "vat": {"rate": 25, "amount": 12980},
        }  # fmt: skip

    async def test_contain_their_processing_time(self, client: httpx.AsyncClient, salon: date) -> None:
        body = (await client.get(f"/api/v1/services/{DETOX}")).json()
        assert body["processing"] == {"start_minutes": 30, "minutes": 60}
        assert (body["buffer_before_minutes"], body["buffer_after_minutes"], body["grid_minutes"]) == (0, 0, 15)

    async def test_are_in_the_alphabetical_order_of_the_language(
        self, client: httpx.AsyncClient, database: Database
    ) -> None:
        for place, name in enumerate(("Øko-vask", "Æstetik", "Zigzag", "Åben hår", "Afslutning")):
            await add_treatment(database, UUID(int=100 + place), {"da": (name, ""), "en": (name, "")})
        names = [item["name"] for item in (await client.get("/api/v1/services")).json()["items"]]
        assert names == ["Afslutning", "Zigzag", "Æstetik", "Øko-vask", "Åben hår"]

    async def test_are_paged(self, client: httpx.AsyncClient, salon: date) -> None:
        first = (await client.get("/api/v1/services", params={"limit": "2"})).json()
        second = (await client.get("/api/v1/services", params={"limit": "2", "cursor": first["next_cursor"]})).json()
        names = [item["name"] for item in first["items"] + second["items"]]
        assert names == ["Loc-detox", "Opsætning", "Retwist"]
        assert second["next_cursor"] is None

    async def test_a_single_one_has_an_etag_and_an_unknown_one_is_404(
        self, client: httpx.AsyncClient, salon: date
    ) -> None:
        assert (await client.get(f"/api/v1/services/{RETWIST}")).headers["ETag"].startswith('"1-')
        assert (await client.get(f"/api/v1/services/{RETIRED}")).json()["active"] is False
        assert (await client.get(f"/api/v1/services/{uuid4()}")).status_code == 404


class TestLocticians:
    async def test_show_their_offers_at_their_own_price(self, client: httpx.AsyncClient, salon: date) -> None:
        body = (await client.get(f"/api/v1/locticians/{JONAS}")).json()
        assert body["display_name"] == "Jonas"
        assert [
            (treatment["service_id"], treatment["price"]["amount"], treatment["duration_minutes"])
            for treatment in body["treatments"]
        ] == [(str(RETWIST), 59900, 60)]

    async def test_are_listed_by_name(self, client: httpx.AsyncClient, salon: date) -> None:
        first = (await client.get("/api/v1/locticians", params={"limit": "1"})).json()
        second = (await client.get("/api/v1/locticians", params={"cursor": first["next_cursor"]})).json()
        assert [item["display_name"] for item in first["items"] + second["items"]] == ["Amina", "Jonas"]

    async def test_an_unknown_one_is_404(self, client: httpx.AsyncClient, salon: date) -> None:
        assert (await client.get(f"/api/v1/locticians/{uuid4()}")).status_code == 404


class TestDemo:
    async def test_loads_once_and_publishes_events(
        self, client: httpx.AsyncClient, database: Database, outbox: Outbox
    ) -> None:
        loaded = []
        for _ in range(2):
            async with transaction(database, SERVICE_CLAIMS) as session:
                loaded.append(await demo.load(session))
        assert loaded == [True, False]
        events = await outbox()
        created = [event for event in events if event["type"] == "treatment.created.v1"]
        updated = [event for event in events if event["type"] == "loctician.updated.v1"]
        treatments = [TreatmentCreated.model_validate(event["data"]) for event in created]
        people = [LocticianUpdated.model_validate(event["data"]) for event in updated]
        assert len(treatments) == 8
        assert people[0].loctician_id == uuid5(NAMESPACE_DNS, "amina@loctician.example")
        assert {treatment.duration_minutes for treatment in treatments} >= {45, 360}
        listed = (await client.get("/api/v1/services")).json()["items"]
        assert len(listed) == 8
        assert all(booking["loctician_ids"] for booking in listed)
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert (await session.execute(text("SELECT count(*) FROM booking.locticians"))).scalar_one() == 3
