"""Reads of other users by staff and admins are published, with ids only."""

from typing import Any
from uuid import uuid4

import httpx

from services.auth.tests.conftest import EMAIL, Login, SignUp, bearer, types
from shared.testing.types import Outbox


async def published_reads(outbox: Outbox) -> list[dict[str, Any]]:
    return types(await outbox(), "access.read.v1")


class TestReads:
    async def test_reading_a_user_is_published(
        self, client: httpx.AsyncClient, sign_up: SignUp, login: Login, outbox: Outbox
    ) -> None:
        person, staff = await sign_up(EMAIL, "customer"), await sign_up("staff@example.com", "staff")
        headers = bearer(await login("staff@example.com"))
        assert (await client.get(f"/api/v1/users/{person}", headers=headers)).status_code == 200
        (event,) = [event for event in await outbox() if event["type"] == "access.read.v1"]
        assert event["data"] == {"version": 0, "subject_id": str(person), "resource": "user", "subject_ids": []}
        assert (event["actorid"], event["actorrole"]) == (str(staff), "staff")
        assert EMAIL not in str(event)

    async def test_page_publishes_the_users_it_showed_without_the_reader(
        self, client: httpx.AsyncClient, sign_up: SignUp, login: Login, outbox: Outbox
    ) -> None:
        staff = await sign_up("staff@example.com", "staff")
        people = [await sign_up(f"k{number}@example.com", "customer") for number in range(3)]
        headers = bearer(await login("staff@example.com"))
        page = await client.get("/api/v1/users", params={"limit": 3}, headers=headers)
        assert [event["id"] for event in page.json()["items"]] == [str(event) for event in (staff, *people[:2])]
        (read,) = await published_reads(outbox)
        assert (read["subject_id"], read["subject_ids"]) == (None, sorted(str(event) for event in people[:2]))
        await client.get("/api/v1/users", params={"q": "k2@"}, headers=headers)
        assert [event["subject_id"] for event in await published_reads(outbox)] == [None, str(people[2])]

    async def test_reading_oneself_or_nobody_is_not_published(
        self, client: httpx.AsyncClient, sign_up: SignUp, login: Login, outbox: Outbox
    ) -> None:
        staff = await sign_up("staff@example.com", "staff")
        headers = bearer(await login("staff@example.com"))
        for path in ("/api/v1/users/me", f"/api/v1/users/{staff}", "/api/v1/users", "/api/v1/users?q=ingen"):
            assert (await client.get(path, headers=headers)).status_code == 200
        assert (await client.get(f"/api/v1/users/{uuid4()}", headers=headers)).status_code == 404
        assert await published_reads(outbox) == []
