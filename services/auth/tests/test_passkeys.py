"""Passkeys: adding, using and removing them, and responses that are not what they should be."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.auth.settings import AuthSettings
from services.auth.tests.authenticator import PRESENT, Authenticator, encoded
from services.auth.tests.conftest import EMAIL, PASSWORD, AsOwner, Login, SignUp, bearer, types
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox

PASSKEYS = "/api/v1/auth/passkeys"
OPTIONS, LOGIN_OPTIONS, LOGIN = (f"{PASSKEYS}/{name}" for name in ("options", "login-options", "login"))
Enrol = Callable[..., Awaitable[httpx.Response]]
SignIn = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def authenticator(settings: AuthSettings) -> Authenticator:
    return Authenticator(origin=settings.public_url, rp_id=urlsplit(settings.public_url).hostname or "")


@pytest.fixture
async def headers(sign_up: SignUp, login: Login) -> dict[str, str]:
    await sign_up(EMAIL, "customer")
    return bearer(await login())


@pytest.fixture
def enrol(client: httpx.AsyncClient, headers: dict[str, str]) -> Enrol:
    async def add(device: Authenticator, name: str = "Min telefon") -> httpx.Response:
        options = (await client.post(OPTIONS, headers=headers)).json()["options"]
        return await client.post(PASSKEYS, json={"name": name, "credential": device.create(options)}, headers=headers)

    return add


@pytest.fixture
def sign_in(client: httpx.AsyncClient) -> SignIn:
    async def send(device: Authenticator, **more: Any) -> httpx.Response:
        options = (await client.post(LOGIN_OPTIONS)).json()["options"]
        return await client.post(LOGIN, json={"credential": device.get(options), **more})

    return send


class TestUse:
    async def test_passkey_signs_in_without_address_password_or_code(
        self, client: httpx.AsyncClient, authenticator: Authenticator, enrol: Enrol, sign_in: SignIn, outbox: Outbox
    ) -> None:
        assert (await enrol(authenticator)).status_code == 201
        answer = await sign_in(authenticator)
        assert answer.status_code == 200, answer.text
        me = await client.get("/api/v1/users/me", headers=bearer(answer.json()))
        assert me.json()["email"] == EMAIL
        assert (await sign_in(authenticator)).status_code == 200
        assert len(types(await outbox(), "user.passkey_added.v1")) == 1
        assert len(types(await outbox(), "session.started.v1")) == 3

    async def test_options_ask_for_a_verified_user_and_name_nobody(
        self, client: httpx.AsyncClient, headers: dict[str, str], authenticator: Authenticator, enrol: Enrol
    ) -> None:
        created = (await client.post(OPTIONS, headers=headers)).json()["options"]
        selection = created["authenticatorSelection"]
        assert (selection["userVerification"], selection["residentKey"]) == ("required", "required")
        assert created["rp"]["id"] == authenticator.rp_id
        await enrol(authenticator)
        login = (await client.post(LOGIN_OPTIONS)).json()["options"]
        assert (login["userVerification"], login.get("allowCredentials", [])) == ("required", [])
        again = (await client.post(OPTIONS, headers=headers)).json()["options"]
        assert [known["id"] for known in again["excludeCredentials"]] == [encoded(authenticator.credential_id)]

    async def test_cookie_session_works_too(self, authenticator: Authenticator, enrol: Enrol, sign_in: SignIn) -> None:
        await enrol(authenticator)
        answer = await sign_in(authenticator, session="cookie")
        assert "refresh_token" not in answer.json()
        assert "__Host-loctician-refresh" in answer.headers["set-cookie"]

    async def test_are_listed_named_and_removed(
        self, client: httpx.AsyncClient, headers: dict[str, str], authenticator: Authenticator, enrol: Enrol,
        sign_in: SignIn, outbox: Outbox, sign_up: SignUp, login: Login,
    ) -> None:  # fmt: skip
        passkey = (await enrol(authenticator)).json()
        path = f"{PASSKEYS}/{passkey['id']}"
        await sign_up("oskar@example.com", "customer")
        other = bearer(await login("oskar@example.com"))
        assert (await client.patch(path, json={"name": "x"}, headers=other)).status_code == 404
        assert (await client.delete(path, headers=other)).status_code == 404
        assert (await client.patch(path, json={"name": "Arbejdet"}, headers=headers)).json()["name"] == "Arbejdet"
        (listed,) = (await client.get(PASSKEYS, headers=headers)).json()["items"]
        assert (listed["id"], listed["name"], listed["last_used_at"]) == (passkey["id"], "Arbejdet", None)
        assert (await client.delete(path, headers=headers)).status_code == 204
        assert (await client.get(PASSKEYS, headers=headers)).json() == {"items": []}
        refused = await sign_in(authenticator)
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_passkey")
        assert len(types(await outbox(), "user.passkey_removed.v1")) == 1

    async def test_passkey_that_does_not_count_its_uses_works_more_than_once(
        self, authenticator: Authenticator, enrol: Enrol, sign_in: SignIn
    ) -> None:
        authenticator.counts = False
        await enrol(authenticator)
        assert [(await sign_in(authenticator)).status_code for _ in range(2)] == [200, 200]

    async def test_old_session_needs_the_password_to_add_one(
        self, client: httpx.AsyncClient, headers: dict[str, str], as_owner: AsOwner
    ) -> None:
        await as_owner("UPDATE auth.sessions SET created_at = created_at - interval '11 minutes'")
        assert (await client.post(OPTIONS, headers=headers)).json()["code"] == "reauthentication_required"
        assert (await client.post(OPTIONS, json={"password": PASSWORD}, headers=headers)).status_code == 200

    async def test_a_user_has_at_most_twenty(self, authenticator: Authenticator, enrol: Enrol) -> None:
        statuses = []
        for _ in range(21):
            device = Authenticator(authenticator.origin, authenticator.rp_id)
            statuses.append((await enrol(device)).status_code)
        assert statuses == [201] * 20 + [409]


class TestAttacks:
    @pytest.mark.parametrize(
        "change",
        [
            {"origin": "https://evil.example"},
            {"rp_id": "evil.example"},
            {"flags": PRESENT},  # without user verification
            {"key": Authenticator("", "").key},
            {"user_handle": uuid4().bytes},
            {"count": 0},  # a copy of the authenticator, which is behind
            {"credential_id": b"unknown"},
        ],
    )
    async def test_responses_of_another_site_key_user_or_copy_are_refused(
        self, authenticator: Authenticator, enrol: Enrol, sign_in: SignIn, change: dict[str, Any]
    ) -> None:
        await enrol(authenticator)
        for _ in range(3):
            assert (await sign_in(authenticator)).status_code == 200
        refused = await sign_in(replace(authenticator, **change))
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_passkey")
        assert (await sign_in(authenticator)).status_code == 200

    @pytest.mark.parametrize("change", [{"origin": "https://evil.example"}, {"rp_id": "evil"}, {"flags": PRESENT}])
    async def test_are_not_added_for_another_site_or_without_verification(
        self, authenticator: Authenticator, enrol: Enrol, change: dict[str, Any]
    ) -> None:
        refused = await enrol(replace(authenticator, **change))
        assert (refused.status_code, refused.json()["code"]) == (422, "passkey_refused")

    async def test_response_works_once(
        self, client: httpx.AsyncClient, headers: dict[str, str], authenticator: Authenticator, enrol: Enrol
    ) -> None:
        authenticator.counts = False  # so that only the challenge tells
        await enrol(authenticator)
        login = {"credential": authenticator.get((await client.post(LOGIN_OPTIONS)).json()["options"])}
        assert [(await client.post(LOGIN, json=login)).status_code for _ in range(2)] == [200, 401]
        options = (await client.post(OPTIONS, headers=headers)).json()["options"]
        device = Authenticator(authenticator.origin, authenticator.rp_id)
        body = {"name": "to", "credential": device.create(options)}
        assert [(await client.post(PASSKEYS, json=body, headers=headers)).status_code for _ in range(2)] == [201, 422]

    async def test_challenge_is_for_one_purpose_one_session_and_five_minutes(
        self, client: httpx.AsyncClient, headers: dict[str, str], authenticator: Authenticator, enrol: Enrol,
        login: Login, monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        await enrol(authenticator)
        of_registration = (await client.post(OPTIONS, headers=headers)).json()["options"]
        refused = await client.post(LOGIN, json={"credential": authenticator.get(of_registration)})
        assert refused.status_code == 401
        device = Authenticator(authenticator.origin, authenticator.rp_id)
        body = {"name": "to", "credential": device.create(of_registration)}
        another = bearer(await login())
        assert (await client.post(PASSKEYS, json=body, headers=another)).status_code == 422
        for_login = (await client.post(LOGIN_OPTIONS)).json()["options"]
        made_up = for_login | {"challenge": encoded(b"x" * 56)}
        assert (await client.post(LOGIN, json={"credential": authenticator.get(made_up)})).status_code == 401
        monkeypatch.setattr("services.auth.passkeys.challenges.SECONDS", -1)
        late = (await client.post(LOGIN_OPTIONS)).json()["options"]
        assert (await client.post(LOGIN, json={"credential": authenticator.get(late)})).status_code == 401

    async def test_malformed_responses_are_refused(
        self, client: httpx.AsyncClient, headers: dict[str, str], authenticator: Authenticator, enrol: Enrol
    ) -> None:
        await enrol(authenticator)
        options = (await client.post(LOGIN_OPTIONS)).json()["options"]
        for part in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
            for content in (b"", b"\xff\xfe", b"{}", b"[" * 5000, b"null", b'{"challenge": 7}'):
                credential = authenticator.get(options)
                credential["response"][part] = encoded(content) or "A"
                assert (await client.post(LOGIN, json={"credential": credential})).status_code == 401, (part, content)
        for content in (b"\xa0", b"\x9f" * 5000, b"\xbb" + b"\xff" * 8, b"{}"):
            started = (await client.post(OPTIONS, headers=headers)).json()["options"]
            credential = Authenticator(authenticator.origin, authenticator.rp_id).create(started)
            credential["response"]["attestationObject"] = encoded(content)
            answer = await client.post(PASSKEYS, json={"name": "x", "credential": credential}, headers=headers)
            assert answer.status_code == 422, content

    async def test_deactivated_user_is_refused(
        self, client: httpx.AsyncClient, headers: dict[str, str], authenticator: Authenticator, enrol: Enrol,
        sign_in: SignIn, admin: dict[str, str],
    ) -> None:  # fmt: skip
        await enrol(authenticator)
        user_id = (await client.get("/api/v1/users/me", headers=headers)).json()["id"]
        assert (await client.delete(f"/api/v1/users/{user_id}", headers=admin)).status_code == 204
        assert (await sign_in(authenticator)).status_code == 401

    async def test_passkey_that_the_database_made_signs_nobody_in(
        self, database: Database, authenticator: Authenticator, enrol: Enrol, sign_in: SignIn, sign_up: SignUp,
        as_owner: AsOwner,
    ) -> None:  # fmt: skip
        await enrol(authenticator)
        admin = await sign_up("admin@example.com", "admin")
        ((key, mac),) = await as_owner("SELECT public_key, mac FROM auth.passkeys")
        forged = replace(authenticator, credential_id=b"forged", user_handle=admin.bytes)
        values = {"user": admin, "id": uuid4(), "credential": b"forged", "key": key, "mac": mac, "used": b"any"}
        statement = text(
            "SELECT auth.add_passkey(:user, :id, :credential, :key, 0, 'x', :mac, :used, now() + interval '1 day')"
        )
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert (await session.execute(statement, values)).scalar_one() == "added", "the attack itself works"
        assert (await sign_in(forged)).status_code == 401
        with pytest.raises(DBAPIError, match="permission denied"):
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.execute(text("SELECT * FROM auth.passkeys"))
