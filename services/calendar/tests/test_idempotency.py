"""Idempotency keys of the creating calls."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text

from services.calendar.tests.conftest import AMINA, JONAS, booking, open_day
from shared.database.session import Database, transaction
from shared.http import idempotency
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Deliver, Headers

URL = f"/api/v1/calendar/{AMINA}/time-off"
AGE = "UPDATE calendar.idempotency_keys SET created_at = now() - interval '24 hours 1 minute'"


def lunch(hour: int = 12) -> dict[str, Any]:
    return {"start": f"{open_day()}T{hour}:00:00Z", "end": f"{open_day()}T{hour + 1}:00:00Z"}


class TestIdempotency:
    async def test_the_same_key_and_body_get_the_first_answer(
        self, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        headers = auth_headers("loctician", AMINA) | {"Idempotency-Key": uuid4().hex}
        first = await client.post(URL, json=lunch(), headers=headers)
        again = await client.post(URL, json=lunch(), headers=headers)
        assert (again.status_code, again.json(), again.headers["location"]) == (
            201,
            first.json(),
            first.headers["location"],
        )
        assert len((await client.get(URL, headers=headers)).json()["items"]) == 1

    async def test_simultaneous_requests_with_the_same_key_count_once(
        self, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        headers = auth_headers("loctician", AMINA) | {"Idempotency-Key": uuid4().hex}
        answers = await asyncio.gather(*(client.post(URL, json=lunch(), headers=headers) for _ in range(6)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1

    async def test_the_same_key_with_another_body_is_422(
        self, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        headers = auth_headers("loctician", AMINA) | {"Idempotency-Key": "lunch"}
        await client.post(URL, json=lunch(), headers=headers)
        other = await client.post(URL, json=lunch(13), headers=headers)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        feed = await client.post(f"/api/v1/calendar/{AMINA}/feed", headers=headers)
        assert (feed.status_code, feed.json()["code"]) == (422, "idempotency_key_reused")

    async def test_callers_do_not_share_keys(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        key = {"Idempotency-Key": "lunch"}
        mine = await client.post(URL, json=lunch(), headers=auth_headers("loctician", AMINA) | key)
        staff = await client.post(URL, json=lunch(13), headers=auth_headers("staff") | key)
        theirs = f"/api/v1/calendar/{JONAS}/time-off"
        other = await client.post(theirs, json=lunch(), headers=auth_headers("loctician", JONAS) | key)
        assert [answer.status_code for answer in (mine, staff, other)] == [201, 201, 201]
        assert len({answer.json()["id"] for answer in (mine, staff, other)}) == 3

    async def test_an_error_is_not_stored_under_the_key(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver
    ) -> None:
        headers = auth_headers("loctician", AMINA) | {"Idempotency-Key": "lunch"}
        await deliver("booking.created.v1", booking(lunch()["start"], lunch()["end"]))
        assert (await client.post(URL, json=lunch(), headers=headers)).status_code == 409
        await deliver("booking.cancelled.v1", booking(lunch()["start"], lunch()["end"], 2, "cancelled"))
        assert (await client.post(URL, json=lunch(), headers=headers)).status_code == 201

    async def test_a_key_is_free_again_after_24_hours(
        self, client: httpx.AsyncClient, auth_headers: Headers, database: Database
    ) -> None:
        headers = auth_headers("loctician", AMINA) | {"Idempotency-Key": "lunch"}
        await client.post(URL, json=lunch(), headers=headers)
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text(AGE))
        assert (await client.post(URL, json=lunch(13), headers=headers)).status_code == 201

    async def test_only_expired_keys_are_removed(
        self, client: httpx.AsyncClient, auth_headers: Headers, database: Database
    ) -> None:
        headers = auth_headers("loctician", AMINA)
        for key in ("old", "new"):
            await client.post(f"/api/v1/calendar/{AMINA}/feed", headers=headers | {"Idempotency-Key": key})
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text(f"{AGE} WHERE key = 'old'"))
            values = {"before": datetime.now(UTC) - idempotency.KEPT, "limit": 10}
            assert (await session.execute(text(idempotency.POLICY.statement), values)).scalar() == 1
            assert (await session.execute(text("SELECT key FROM calendar.idempotency_keys"))).scalars().all() == ["new"]
