from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI
from jwt import PyJWK

from domain.roles import Role
from services.auth.tests.conftest import EMAIL, PASSWORD, Behind, Login, Outbox, Register, bearer, types
from shared.settings import Settings


class TestRegister:
    async def test_new_customer_is_announced_with_what_others_need(self, register: Register, outbox: Outbox) -> None:
        assert (await register(phone="20 12 34 56")).status_code == 202
        event = (await outbox())[0]
        assert event["type"] == "user.registered.v1"
        wanted = {"email": EMAIL, "phone": "+4520123456", "role": "customer", "email_verified": False, "language": "da"}
        assert event["data"].items() >= wanted.items()

    async def test_known_address_gets_the_same_answer_and_nothing_happens(
        self, register: Register, outbox: Outbox
    ) -> None:
        first = await register()
        announced = types(await outbox(), "user.registered.v1")
        again = await register("KIRSTEN@example.com", password="noget helt andet")
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert types(await outbox(), "user.registered.v1") == announced

    @pytest.mark.parametrize(
        "body",
        [
            {"email": "ikke en adresse"},
            {"password": "kort"},
            {"password": "x" * 129},
            {"full_name": "a\x00b"},
            {"full_name": ""},
            {"full_name": "x" * 121},
            {"language": "fr"},
            {"phone": "12"},
            {"phone": "hej"},
            {"role": "admin"},
            {"id": "0197f0a0-0000-7000-8000-000000000001"},
            {"email": 7},
        ],
    )
    async def test_bad_input_is_422(self, register: Register, outbox: Outbox, body: dict[str, Any]) -> None:
        answer = await register(**{"email": EMAIL, **body})
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert await outbox() == []

    async def test_ten_megabytes_of_password_are_413(self, register: Register) -> None:
        assert (await register(password="x" * 10_000_000)).status_code == 413

    async def test_malformed_json_is_422(self, client: httpx.AsyncClient) -> None:
        headers = {"Content-Type": "application/json"}
        for path in ("register", "login", "refresh"):
            answer = await client.post(f"/api/v1/auth/{path}", content=b'{"email": ', headers=headers)
            assert answer.status_code == 422


class TestLogin:
    async def test_answers_tokens_for_the_same_person(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        tokens = await login()
        assert tokens["token_type"] == "bearer"
        assert tokens["expires_in"] == 1800
        me = await client.get("/api/v1/users/me", headers=bearer(tokens))
        assert me.json()["email"] == EMAIL
        assert me.headers["etag"] == '"1"'

    async def test_same_password_typed_otherwise_is_the_same(self, register: Register, login: Login) -> None:
        await register(password="blåbærgrød")
        await login(password="bla\u030abærgrød")

    async def test_unknown_address_and_wrong_password_answer_alike(
        self, client: httpx.AsyncClient, register: Register, outbox: Outbox
    ) -> None:
        await register()
        answers = []
        for email, password in ((EMAIL, "forkert kodeord"), ("ingen@example.com", PASSWORD), ("nonsens", PASSWORD)):
            answer = await client.post("/api/v1/auth/login", json={"email": email, "password": password})
            body = answer.json()
            body.pop("request_id")
            answers.append((answer.status_code, body))
        assert answers[0][0] == 401
        assert answers[0] == answers[1] == answers[2]
        failures = [event for event in await outbox() if event["type"] == "login.failed.v1"]
        assert len(failures) == 3

    async def test_a_hash_is_computed_for_an_unknown_address_too(
        self, app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verified = []
        passwords = app.state.auth.passwords
        real = passwords._verify

        def counting(password: str, known: str) -> bool:
            verified.append(known)
            return bool(real(password, known))

        monkeypatch.setattr(passwords, "_verify", counting)
        await client.post("/api/v1/auth/login", json={"email": "ingen@example.com", "password": PASSWORD})
        assert len(verified) == 1


class TestTokens:
    async def test_token_verifies_by_the_published_keys_alone(
        self, client: httpx.AsyncClient, register: Register, login: Login, settings: Settings
    ) -> None:
        await register()
        token = (await login())["access_token"]
        document = (await client.get("/.well-known/jwks.json")).json()
        assert document == (await client.get("/api/v1/auth/jwks")).json()
        (jwk,) = document["keys"]
        assert set(jwk) == {"kty", "n", "e", "use", "alg", "kid"}
        claims = jwt.decode(
            token, PyJWK(jwk).key, ["RS256"], audience=settings.jwt_audience, issuer=settings.public_url
        )
        assert set(claims) == {"iss", "aud", "sub", "sid", "role", "iat", "nbf", "exp", "jti"}
        assert jwt.get_unverified_header(token)["kid"] == jwk["kid"]

    async def test_private_key_is_kept_encrypted(self, client: httpx.AsyncClient, behind: Behind) -> None:
        await client.get("/.well-known/jwks.json")
        ((kept,),) = await behind("SELECT private_key FROM auth.signing_keys")
        assert b"PRIVATE KEY" not in kept

    async def test_token_of_another_key_is_refused(
        self, client: httpx.AsyncClient, token_for: Callable[..., str]
    ) -> None:
        headers = {"Authorization": f"Bearer {token_for(Role.ADMIN)}"}
        assert (await client.get("/api/v1/users", headers=headers)).status_code == 401


class TestRefresh:
    async def test_each_token_works_once_and_a_reused_one_ends_the_session(
        self, client: httpx.AsyncClient, register: Register, login: Login, outbox: Outbox, behind: Behind
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        second = (await client.post("/api/v1/auth/refresh", json={"refresh_token": first})).json()["refresh_token"]
        await behind("UPDATE auth.refresh_tokens SET used_at = used_at - interval '11 seconds'")
        assert (await client.post("/api/v1/auth/refresh", json={"refresh_token": first})).status_code == 401
        assert (await client.post("/api/v1/auth/refresh", json={"refresh_token": second})).status_code == 401
        revoked = [event for event in await outbox() if event["type"] == "session.revoked.v1"]
        assert [event["data"]["reason"] for event in revoked] == ["reused"]

    async def test_access_token_is_no_refresh_token(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        tokens = await login()
        body = {"refresh_token": tokens["access_token"][:512]}
        assert (await client.post("/api/v1/auth/refresh", json=body)).status_code == 401
        headers = {"Authorization": f"Bearer {tokens['refresh_token']}"}
        assert (await client.get("/api/v1/users/me", headers=headers)).status_code == 401

    async def test_logout_ends_this_session_and_no_other(
        self, client: httpx.AsyncClient, register: Register, login: Login, outbox: Outbox
    ) -> None:
        await register()
        here, there = await login(), await login()
        assert (await client.post("/api/v1/auth/logout", headers=bearer(here))).status_code == 204
        ended = await client.post("/api/v1/auth/refresh", json={"refresh_token": here["refresh_token"]})
        open_ = await client.post("/api/v1/auth/refresh", json={"refresh_token": there["refresh_token"]})
        assert (ended.status_code, open_.status_code) == (401, 200)
        (revoked,) = types(await outbox(), "session.revoked.v1")
        assert revoked["reason"] == "logout"

    async def test_new_password_needs_the_old_one_and_ends_the_other_sessions(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        here, there = await login(), await login()
        wrong = {"old_password": "forkert kodeord", "new_password": "et nyt kodeord"}
        right = {"old_password": PASSWORD, "new_password": "et nyt kodeord"}
        path = "/api/v1/auth/change-password"
        assert (await client.post(path, json=wrong, headers=bearer(here))).status_code == 401
        assert (await client.post(path, json=right, headers=bearer(here))).status_code == 204
        ended = await client.post("/api/v1/auth/refresh", json={"refresh_token": there["refresh_token"]})
        assert ended.status_code == 401
        await login(password="et nyt kodeord")
