from uuid import UUID, uuid4

import httpx
import pytest

from services.auth import privacy
from services.auth.tests.conftest import EMAIL, PASSWORD, Login, Register, bearer, id_of
from shared.auth import SERVICE_CLAIMS
from shared.db import Database, transaction


class TestMe:
    async def test_changes_only_what_is_named(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register(phone="20123456")
        headers = bearer(await login())
        answer = await client.patch("/api/v1/users/me", json={"language": "en"}, headers=headers)
        assert (answer.json()["language"], answer.json()["phone"]) == ("en", "+4520123456")
        assert answer.headers["etag"] == '"2"'

    async def test_old_version_is_412(self, client: httpx.AsyncClient, register: Register, login: Login) -> None:
        await register()
        headers = bearer(await login())
        assert (await client.patch("/api/v1/users/me", json={"language": "en"}, headers=headers)).status_code == 200
        stale = await client.patch("/api/v1/users/me", json={"language": "da"}, headers=headers | {"If-Match": '"1"'})
        assert stale.status_code == 412

    @pytest.mark.parametrize("field", ["role", "id", "email", "version", "email_verified", "active"])
    async def test_nothing_else_can_be_assigned(
        self, client: httpx.AsyncClient, register: Register, login: Login, field: str
    ) -> None:
        await register()
        answer = await client.patch("/api/v1/users/me", json={field: "admin"}, headers=bearer(await login()))
        assert answer.status_code == 422


class TestUsers:
    async def test_customers_see_no_list_and_no_other(
        self, client: httpx.AsyncClient, register: Register, login: Login, admin: dict[str, str]
    ) -> None:
        await register()
        headers = bearer(await login())
        assert (await client.get("/api/v1/users")).status_code == 401
        assert (await client.get("/api/v1/users", headers=headers)).status_code == 403
        other = await id_of(client, admin)
        assert (await client.get(f"/api/v1/users/{other}", headers=headers)).status_code == 403
        raised = await client.put(f"/api/v1/users/{other}/role", json={"role": "admin"}, headers=headers)
        assert raised.status_code == 403

    async def test_pages_hold_everybody_once(
        self, client: httpx.AsyncClient, register: Register, admin: dict[str, str]
    ) -> None:
        for number in range(4):
            await register(f"k{number}@example.com")
        seen, cursor = [], None
        while True:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await client.get("/api/v1/users", params=query, headers=admin)).json()
            seen += [one["email"] for one in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == ["admin@example.com", *(f"k{number}@example.com" for number in range(4))]

    async def test_bad_queries_are_422(self, client: httpx.AsyncClient, admin: dict[str, str]) -> None:
        for query in ({"limit": 10**9}, {"limit": 0}, {"cursor": "nonsens"}, {"cursor": "WyJhIl0"}, {"q": "x" * 101}):
            assert (await client.get("/api/v1/users", params=query, headers=admin)).status_code == 422
        assert (await client.get(f"/api/v1/users/{uuid4()}", headers=admin)).status_code == 404
        assert (await client.get("/api/v1/users/nonsens", headers=admin)).status_code == 422

    async def test_role_change_ends_the_sessions_that_carry_the_old_role(
        self, client: httpx.AsyncClient, register: Register, login: Login, admin: dict[str, str]
    ) -> None:
        await register()
        tokens = await login()
        user_id = await id_of(client, bearer(tokens))
        changed = await client.put(f"/api/v1/users/{user_id}/role", json={"role": "staff"}, headers=admin)
        assert changed.json()["role"] == "staff"
        ended = await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert ended.status_code == 401

    async def test_last_admin_stays(self, client: httpx.AsyncClient, admin: dict[str, str]) -> None:
        own = await id_of(client, admin)
        demoted = await client.put(f"/api/v1/users/{own}/role", json={"role": "staff"}, headers=admin)
        assert (demoted.status_code, demoted.json()["code"]) == (409, "last_admin")
        assert (await client.delete(f"/api/v1/users/{own}", headers=admin)).status_code == 409

    async def test_deactivated_user_cannot_come_in(
        self, client: httpx.AsyncClient, register: Register, login: Login, admin: dict[str, str]
    ) -> None:
        await register()
        user_id = await id_of(client, bearer(await login()))
        assert (await client.delete(f"/api/v1/users/{user_id}", headers=admin)).status_code == 204
        again = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
        assert (again.status_code, again.json()["code"]) == (401, "invalid_credentials")


class TestPrivacy:
    async def test_erased_person_is_gone_and_cannot_come_in(
        self, client: httpx.AsyncClient, register: Register, login: Login, database: Database
    ) -> None:
        await register()
        user_id = UUID(await id_of(client, bearer(await login())))
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert (await privacy.export(session, user_id))["user"]["email"] == EMAIL
            assert await privacy.erase(session, user_id) == {"users": 1}
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert "kirsten" not in str(await privacy.export(session, user_id)).lower()
            assert await privacy.erase(session, user_id) == {"users": 1}
        again = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
        assert again.status_code == 401
