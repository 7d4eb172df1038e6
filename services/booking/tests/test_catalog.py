from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import NAMESPACE_DNS, uuid4, uuid5

import httpx
from sqlalchemy import text

from services.booking import demo
from services.booking.events import LocticianUpdated, TreatmentCreated
from services.booking.tests.conftest import AMINA, JONAS, RETIRED, RETWIST
from shared.auth import SERVICE_CLAIMS
from shared.db import Database, transaction


class TestTreatments:
    async def test_are_open_to_anyone_in_the_language_asked_for(self, client: httpx.AsyncClient, salon: date) -> None:
        body = (await client.get("/api/v1/services", headers={"Accept-Language": "en"})).json()
        assert [one["name"] for one in body["items"]] == ["Loc detox", "Retwist", "Styling"]
        retwist = body["items"][1]
        assert set(retwist["loctician_ids"]) == {str(AMINA), str(JONAS)}
        assert retwist["translations"]["da"] == {"name": "Retwist", "description": "Opstramning"}
        assert (retwist["duration_minutes"], retwist["price"]["amount"]) == (90, 64900)

    async def test_are_searched_literally(self, client: httpx.AsyncClient, salon: date) -> None:
        async def names(**params: str) -> list[str]:
            answer = await client.get("/api/v1/services", params=params)
            return [one["name"] for one in answer.json()["items"]]

        assert await names(q="opsæt") == ["Opsætning"]
        assert await names(q="100%") == ["Loc-detox"]
        assert await names(q="%") == ["Loc-detox"]
        assert await names(q="description") == []
        assert await names(category="care") == ["Loc-detox"]
        assert await names(q="party", lang="en") == ["Styling"]

    async def test_come_in_pages(self, client: httpx.AsyncClient, salon: date) -> None:
        first = (await client.get("/api/v1/services", params={"limit": "2"})).json()
        second = (await client.get("/api/v1/services", params={"limit": "2", "cursor": first["next_cursor"]})).json()
        names = [one["name"] for one in first["items"] + second["items"]]
        assert names == ["Loc-detox", "Opsætning", "Retwist"]
        assert second["next_cursor"] is None

    async def test_one_has_an_etag_and_an_unknown_one_is_404(self, client: httpx.AsyncClient, salon: date) -> None:
        assert (await client.get(f"/api/v1/services/{RETWIST}")).headers["ETag"] == '"1"'
        assert (await client.get(f"/api/v1/services/{RETIRED}")).status_code == 200
        assert (await client.get(f"/api/v1/services/{uuid4()}")).status_code == 404


class TestLocticians:
    async def test_show_what_they_offer_at_their_own_price(self, client: httpx.AsyncClient, salon: date) -> None:
        body = (await client.get(f"/api/v1/locticians/{JONAS}")).json()
        assert body["display_name"] == "Jonas"
        assert [(one["service_id"], one["price"]["amount"], one["duration_minutes"]) for one in body["treatments"]] == [
            (str(RETWIST), 59900, 60)
        ]

    async def test_are_listed_by_name(self, client: httpx.AsyncClient, salon: date) -> None:
        first = (await client.get("/api/v1/locticians", params={"limit": "1"})).json()
        second = (await client.get("/api/v1/locticians", params={"cursor": first["next_cursor"]})).json()
        assert [one["display_name"] for one in first["items"] + second["items"]] == ["Amina", "Jonas"]

    async def test_an_unknown_one_is_404(self, client: httpx.AsyncClient, salon: date) -> None:
        assert (await client.get(f"/api/v1/locticians/{uuid4()}")).status_code == 404


class TestDemo:
    async def test_loads_once_and_tells_the_others(
        self, client: httpx.AsyncClient, database: Database, outbox: Callable[[], Awaitable[list[dict[str, Any]]]]
    ) -> None:
        loaded = []
        for _ in range(2):
            async with transaction(database, SERVICE_CLAIMS) as session:
                loaded.append(await demo.load(session))
        assert loaded == [True, False]
        events = await outbox()
        treatments = [TreatmentCreated.model_validate(one["data"]) for one in events[:8]]
        people = [LocticianUpdated.model_validate(one["data"]) for one in events[8:]]
        assert len(treatments) == 8
        assert people[0].loctician_id == uuid5(NAMESPACE_DNS, "amina@loctician.example")
        assert {one.duration_minutes for one in treatments} >= {45, 360}
        listed = (await client.get("/api/v1/services")).json()["items"]
        assert len(listed) == 8
        assert all(one["loctician_ids"] for one in listed)
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert (await session.execute(text("SELECT count(*) FROM booking.locticians"))).scalar_one() == 3
