"""What staff and admins are shown of other people is noted, by ids alone."""

from typing import Any
from uuid import uuid4

import httpx

from services.auth.tests.conftest import EMAIL, Login, Outbox, SignUp, bearer, types


async def seen(outbox: Outbox) -> list[dict[str, Any]]:
    return types(await outbox(), "access.read.v1")


class TestReads:
    async def test_looking_somebody_up_is_noted(
        self, client: httpx.AsyncClient, sign_up: SignUp, login: Login, outbox: Outbox
    ) -> None:
        person, staff = await sign_up(EMAIL, "customer"), await sign_up("staff@example.com", "staff")
        headers = bearer(await login("staff@example.com"))
        assert (await client.get(f"/api/v1/users/{person}", headers=headers)).status_code == 200
        (event,) = [one for one in await outbox() if one["type"] == "access.read.v1"]
        assert event["data"] == {"version": 0, "subject_id": str(person), "what": "user", "subject_ids": []}
        assert (event["actorid"], event["actorrole"]) == (str(staff), "staff")
        assert EMAIL not in str(event)

    async def test_a_page_notes_whom_it_showed_and_not_the_reader(
        self, client: httpx.AsyncClient, sign_up: SignUp, login: Login, outbox: Outbox
    ) -> None:
        staff = await sign_up("staff@example.com", "staff")
        people = [await sign_up(f"k{number}@example.com", "customer") for number in range(3)]
        headers = bearer(await login("staff@example.com"))
        page = await client.get("/api/v1/users", params={"limit": 3}, headers=headers)
        assert [one["id"] for one in page.json()["items"]] == [str(one) for one in (staff, *people[:2])]
        (read,) = await seen(outbox)
        assert (read["subject_id"], read["subject_ids"]) == (None, sorted(str(one) for one in people[:2]))
        await client.get("/api/v1/users", params={"q": "k2@"}, headers=headers)
        assert [one["subject_id"] for one in await seen(outbox)] == [None, str(people[2])]

    async def test_what_one_sees_of_oneself_and_what_is_not_there_is_not_noted(
        self, client: httpx.AsyncClient, sign_up: SignUp, login: Login, outbox: Outbox
    ) -> None:
        staff = await sign_up("staff@example.com", "staff")
        headers = bearer(await login("staff@example.com"))
        for path in ("/api/v1/users/me", f"/api/v1/users/{staff}", "/api/v1/users", "/api/v1/users?q=ingen"):
            assert (await client.get(path, headers=headers)).status_code == 200
        assert (await client.get(f"/api/v1/users/{uuid4()}", headers=headers)).status_code == 404
        assert await seen(outbox) == []
