"""Inviting a user with an Idempotency-Key."""

import asyncio
from uuid import UUID

import httpx

from services.auth import privacy
from services.auth.tests.conftest import AsOwner, Login, SignUp, bearer, types
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox

URL = "/api/v1/users"
AMINA = {"email": "amina@example.com", "full_name": "Amina Hassan", "role": "loctician"}
KEY = {"Idempotency-Key": "amina"}


class TestInvitation:
    async def test_repeated_call_gets_the_first_answer(
        self, client: httpx.AsyncClient, admin: dict[str, str], outbox: Outbox
    ) -> None:
        first = await client.post(URL, json=AMINA, headers=admin | KEY)
        again = await asyncio.gather(*(client.post(URL, json=AMINA, headers=admin | KEY) for _ in range(3)))
        for answer in again:
            assert (answer.status_code, answer.json()) == (201, first.json())
            assert [answer.headers[name] for name in ("location", "etag")] == [f"{URL}/{first.json()['id']}", '"1"']
        mailed = types(await outbox(), "user.invited.v1")
        assert [answer["email"] for answer in mailed] == ["amina@example.com"]

    async def test_another_body_with_the_same_key_is_422_and_errors_are_not_kept(
        self, client: httpx.AsyncClient, admin: dict[str, str]
    ) -> None:
        await client.post(URL, json=AMINA, headers=admin | KEY)
        other = await client.post(URL, json=AMINA | {"role": "admin"}, headers=admin | KEY)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        bad = AMINA | {"email": "b@example.com", "phone": "1"}
        second = {"Idempotency-Key": "b"}
        assert (await client.post(URL, json=bad, headers=admin | second)).status_code == 422
        assert (await client.post(URL, json=bad | {"phone": None}, headers=admin | second)).status_code == 201

    async def test_keys_of_different_callers_are_independent(
        self, client: httpx.AsyncClient, admin: dict[str, str], sign_up: SignUp, login: Login
    ) -> None:
        await client.post(URL, json=AMINA, headers=admin | KEY)
        await sign_up("boss@example.com", "admin")
        taken = await client.post(URL, json=AMINA, headers=bearer(await login("boss@example.com")) | KEY)
        assert (taken.status_code, taken.json()["code"]) == (409, "address_taken")

    async def test_answer_is_deleted_when_the_user_is_erased(
        self, client: httpx.AsyncClient, admin: dict[str, str], database: Database, as_owner: AsOwner
    ) -> None:
        added = (await client.post(URL, json=AMINA, headers=admin | KEY)).json()
        await client.post(URL, json=AMINA | {"email": "b@example.com"}, headers=admin | {"Idempotency-Key": "b"})
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await privacy.erase(session, UUID(added["id"])) == {"users": 1, "idempotency_keys": 1}
        assert [row.key for row in await as_owner("SELECT key FROM auth.idempotency_keys")] == ["b"]
