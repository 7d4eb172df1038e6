"""Logging in with a password."""

import httpx
import pytest
from fastapi import FastAPI

from services.auth.tests.conftest import (
    EMAIL,
    PASSWORD,
    Login,
    Register,
    bearer,
)
from shared.testing.types import Outbox


class TestLogin:
    async def test_returns_tokens_of_the_user(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        tokens = await login()
        assert tokens["token_type"] == "bearer"
        assert tokens["expires_in"] == 1800
        me = await client.get("/api/v1/users/me", headers=bearer(tokens))
        assert me.json()["email"] == EMAIL
        assert me.headers["etag"] == '"2"'

    async def test_same_password_in_another_unicode_form_is_accepted(self, register: Register, login: Login) -> None:
        await register(password="blåbærgrød med fløde")
        await login(password="bla\u030abærgrød med fløde")

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

    async def test_malformed_json_is_422(self, client: httpx.AsyncClient) -> None:
        headers = {"Content-Type": "application/json"}
        for path in ("register", "login", "refresh"):
            answer = await client.post(f"/api/v1/auth/{path}", content=b'{"email": ', headers=headers)
            assert answer.status_code == 422
