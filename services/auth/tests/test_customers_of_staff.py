"""Staff add customers and correct their details; everything else about a user needs an admin."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.auth.tests.conftest import EMAIL, PASSWORD, AsOwner, Login, Mailed, SignUp, bearer, types
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox

USERS = "/api/v1/users"
BODY = {"email": EMAIL, "full_name": "Freja Holm", "phone": "20 12 34 56"}
Add = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def staff(sign_up: SignUp, login: Login) -> dict[str, str]:
    """The headers of one of the staff."""
    await sign_up("staff@example.com", "staff")
    return bearer(await login("staff@example.com"))


@pytest.fixture
def add(client: httpx.AsyncClient, staff: dict[str, str]) -> Add:
    async def post(**more: Any) -> httpx.Response:
        return await client.post(USERS, json=BODY | more, headers=staff)

    return post


class TestAdding:
    async def test_the_customer_is_mailed_an_invitation_and_found_by_phone(
        self, client: httpx.AsyncClient, add: Add, staff: dict[str, str], mailed: Mailed, login: Login
    ) -> None:
        added = await add()
        assert (added.status_code, added.json()["role"], added.json()["phone"]) == (201, "customer", "+4520123456")
        found = (await client.get(USERS, params={"q": "+45 20123456"}, headers=staff)).json()["items"]
        assert [user["id"] for user in found] == [added.json()["id"]]
        reset = {"token": await mailed("invited"), "new_password": PASSWORD}
        assert (await client.post("/api/v1/auth/reset-password", json=reset)).status_code == 204
        assert (await login())["access_token"]

    async def test_without_an_invitation_nothing_is_mailed(self, add: Add, outbox: Outbox) -> None:
        assert (await add(invite=False)).status_code == 201
        events = {event["type"] for event in await outbox()}
        assert "user.registered.v1" in events
        assert "user.invited.v1" not in events

    async def test_the_event_names_who_added_the_customer(self, add: Add, outbox: Outbox) -> None:
        user = (await add(invite=False)).json()
        [event] = [event for event in await outbox() if event["subject"] == user["id"]]
        assert (event["type"], event["actorrole"]) == ("user.registered.v1", "staff")

    async def test_a_customer_without_an_invitation_is_not_erased_as_never_verified(
        self, add: Add, as_owner: AsOwner, database: Database
    ) -> None:
        await add(invite=False)
        await as_owner("UPDATE auth.users SET created_at = now() - interval '1 year'")
        async with transaction(database, SERVICE_CLAIMS) as session:
            due = text("SELECT auth.due_never_verified(now() - interval '30 days')")
            assert (await session.execute(due)).scalar_one() == 0

    @pytest.mark.parametrize("role", ["loctician", "staff", "admin"])
    async def test_staff_add_no_employees(self, add: Add, outbox: Outbox, role: str) -> None:
        before = len(await outbox())
        refused = await add(role=role)
        assert (refused.status_code, refused.json()["code"]) == (403, "customers_only")
        assert len(await outbox()) == before

    async def test_locticians_and_customers_add_nobody(
        self, client: httpx.AsyncClient, sign_up: SignUp, login: Login
    ) -> None:
        for role in ("loctician", "customer"):
            await sign_up(f"{role}@example.com", role)
            headers = bearer(await login(f"{role}@example.com"))
            assert (await client.post(USERS, json=BODY, headers=headers)).status_code == 403

    async def test_a_known_address_is_refused(self, add: Add) -> None:
        await add()
        assert (await add()).json()["code"] == "address_taken"


class TestCorrecting:
    async def test_name_phone_and_language(
        self, client: httpx.AsyncClient, add: Add, staff: dict[str, str], outbox: Outbox
    ) -> None:
        user = (await add()).json()
        change = {"full_name": "Freja Nørgaard", "phone": "30 12 34 56", "language": "en"}
        path, current = f"{USERS}/{user['id']}", staff | {"If-Match": '"1"'}
        changed = await client.patch(path, json=change, headers=current)
        assert (changed.status_code, changed.json()["full_name"]) == (200, "Freja Nørgaard")
        assert (await client.patch(path, json=change, headers=current)).status_code == 412
        assert (await client.patch(path, json=change, headers=staff)).status_code == 428
        state = types(await outbox(), "user.updated.v1")[-1]
        assert (state["phone"], state["language"]) == ("+4530123456", "en")

    async def test_not_the_address(self, client: httpx.AsyncClient, add: Add, staff: dict[str, str]) -> None:
        path = f"{USERS}/{(await add()).json()['id']}"
        current = staff | {"If-Match": "*"}
        refused = await client.patch(path, json={"email": "thief@example.com"}, headers=current)
        assert (refused.status_code, refused.json()["code"]) == (403, "customers_only")
        assert (await client.get(path, headers=staff)).json()["email"] == EMAIL

    @pytest.mark.parametrize("role", ["loctician", "staff", "admin"])
    async def test_nobody_who_works_at_the_salon(
        self, client: httpx.AsyncClient, staff: dict[str, str], sign_up: SignUp, role: str
    ) -> None:
        path = f"{USERS}/{await sign_up('other@example.com', role)}"
        refused = await client.patch(path, json={"full_name": "X"}, headers=staff | {"If-Match": "*"})
        assert (refused.status_code, refused.json()["code"]) == (403, "customers_only")

    async def test_no_role_state_or_second_factor(
        self, client: httpx.AsyncClient, add: Add, staff: dict[str, str]
    ) -> None:
        path = f"{USERS}/{(await add()).json()['id']}"
        for refused in (
            await client.put(f"{path}/role", json={"role": "admin"}, headers=staff),
            await client.delete(path, headers=staff),
            await client.post(f"{path}/reactivate", headers=staff),
            await client.delete(f"{path}/mfa", headers=staff),
        ):
            assert refused.status_code == 403
