"""Passwords: rules, hashing, changing and resetting."""

import asyncio
import logging
from typing import Any

import httpx
import pytest
from argon2 import extract_parameters
from fastapi import FastAPI
from sqlalchemy import event

from services.auth.passwords.hashing import PasswordHashing
from services.auth.passwords.rules import check_password, normalize_password
from services.auth.passwords.sealing import unseal_hash
from services.auth.settings import AuthSettings
from services.auth.tests.conftest import (
    EMAIL,
    PASSWORD,
    AsOwner,
    Login,
    Mailed,
    Register,
    SignUp,
    bearer,
    id_of,
    opened,
    types,
)
from shared.database.session import Database
from shared.errors import Unavailable
from shared.testing.types import Outbox

FORGOT, RESET = "/api/v1/auth/forgot-password", "/api/v1/auth/reset-password"


VERIFY, RESEND = "/api/v1/auth/verify-email", "/api/v1/auth/resend-verification"
NEW = "et helt nyt kodeord"


class TestRules:
    @pytest.mark.parametrize(
        "good", ["kløverblad", "        ", "x" * 128, "ﬁﬁﬁﬁ", "🌲🌳🌴🌵🌶🌷🌸🌹", "AAAAAAAB", "korrekt hest batteri"]
    )
    def test_passwords_of_8_to_128_characters_are_accepted(self, good: str) -> None:
        assert check_password(good) == good

    @pytest.mark.parametrize("bad", ["", "1234567", "ａｂｃ", "x" * 129, "ﬃ" * 43, "ﷺ" * 8])
    def test_length_is_counted_after_normalization(self, bad: str) -> None:
        with pytest.raises(ValueError, match="8 to 128"):
            check_password(bad)

    @pytest.mark.parametrize("bad", ["password", "PassWord", "qwertyuiop", "ｐａｓｓｗｏｒｄ", "iloveyou", "12345678"])
    def test_common_passwords_are_refused_in_any_notation(self, bad: str) -> None:
        with pytest.raises(ValueError, match="too many others"):
            check_password(bad)

    async def test_rules_apply_wherever_a_password_is_set(
        self, client: httpx.AsyncClient, register: Register, login: Login, mailed: Mailed
    ) -> None:
        await register()
        headers = bearer(await login())
        await client.post(FORGOT, json={"email": EMAIL})
        token = await mailed("password_reset_requested")
        assert (await register("b@example.com", password="password")).status_code == 422
        change = {"old_password": PASSWORD, "new_password": "password"}
        assert (await client.post("/api/v1/auth/change-password", json=change, headers=headers)).status_code == 422
        refused = await client.post(RESET, json={"token": token, "new_password": "password"})
        assert refused.json()["errors"][0]["code"] == "password_common"
        assert (await client.post(RESET, json={"token": token, "new_password": NEW})).status_code == 204

    async def test_leading_and_trailing_spaces_belong_to_the_password(
        self, register: Register, client: httpx.AsyncClient
    ) -> None:
        await register(password=" et kodeord ")
        answer = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": "et kodeord"})
        assert answer.status_code == 401

    def test_normal_form_does_not_depend_on_the_keyboard(self) -> None:
        assert normalize_password("bl\u00e5b\u00e6r") == normalize_password("bla\u030ab\u00e6r")


class TestHashing:
    async def test_hash_is_renewed_at_login_when_the_parameters_changed(
        self, app: FastAPI, register: Register, login: Login, as_owner: AsOwner, settings: AuthSettings
    ) -> None:
        await register()
        harder = settings.model_copy(update={"argon2_time_cost": 2})
        app.state.auth.passwords = PasswordHashing(harder)
        await asyncio.gather(*(login() for _ in range(3)))
        ((kept,),) = await as_owner("SELECT password_hash FROM auth.credentials")
        ((user_id,),) = await as_owner("SELECT id FROM auth.users")
        parameters = extract_parameters(unseal_hash(app.state.auth.keys, user_id, kept) or "")
        assert (parameters.time_cost, parameters.type.name) == (2, "ID")
        await login()

    async def test_calls_beyond_the_queue_are_refused_immediately(self, settings: AuthSettings) -> None:
        few = PasswordHashing(settings.model_copy(update={"argon2_threads": 1, "argon2_queue": 2}))
        outcomes = await asyncio.gather(*(few.hash(PASSWORD) for _ in range(10)), return_exceptions=True)
        turned_away = [item for item in outcomes if isinstance(item, Unavailable)]
        assert len(turned_away) == 7
        assert turned_away[0].headers["Retry-After"]
        assert await few.hash(PASSWORD)

    async def test_hashing_does_not_block_the_event_loop(self, settings: AuthSettings) -> None:
        passwords = PasswordHashing(settings.model_copy(update={"argon2_threads": 1}))
        hashing = asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(20)))
        turns = 0
        while not hashing.done():
            await asyncio.sleep(0)
            turns += 1
        await hashing
        assert turns > 100


class TestReset:
    async def test_link_sets_a_new_password_ends_the_sessions_and_verifies_the_address(
        self, client: httpx.AsyncClient, register: Register, login: Login, mailed: Mailed, outbox: Outbox
    ) -> None:
        await register()
        tokens = await login()
        assert (await client.post(FORGOT, json={"email": EMAIL.upper()})).status_code == 202
        body = {"token": await mailed("password_reset_requested"), "new_password": NEW}
        assert (await client.post(RESET, json=body)).status_code == 204
        ended = await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert ended.status_code == 401
        assert [item["reason"] for item in types(await outbox(), "session.revoked.v1")] == ["password_reset"]
        assert len(types(await outbox(), "user.verified.v1")) == 1
        old = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
        assert old.status_code == 401
        await login(password=NEW)

    async def test_link_works_once(self, client: httpx.AsyncClient, register: Register, mailed: Mailed) -> None:
        await register()
        for _ in range(2):
            await client.post(FORGOT, json={"email": EMAIL})
        body = {"token": await mailed("password_reset_requested"), "new_password": NEW}
        answers = await asyncio.gather(*(client.post(RESET, json=body) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [204, 422, 422, 422, 422]

    async def test_other_links_end_when_one_is_used(
        self, client: httpx.AsyncClient, register: Register, mailed: Mailed
    ) -> None:
        await register()
        await client.post(FORGOT, json={"email": EMAIL})
        older = await mailed("password_reset_requested")
        await client.post(FORGOT, json={"email": EMAIL})
        newer = await mailed("password_reset_requested")
        statuses = [
            (await client.post(RESET, json={"token": token, "new_password": NEW})).status_code
            for token in (older, newer)
        ]
        assert statuses == [204, 422]

    async def test_expired_guessed_and_other_tokens_are_refused(
        self, client: httpx.AsyncClient, register: Register, login: Login, mailed: Mailed, as_owner: AsOwner
    ) -> None:
        await register()
        await client.post(FORGOT, json={"email": EMAIL})
        token, verification = await mailed("password_reset_requested"), await mailed("verification_requested")
        await as_owner("UPDATE auth.one_time_tokens SET expires_at = now() WHERE purpose = 'reset'")
        refresh = (await login())["refresh_token"]
        for tried in (token, verification, refresh, "x", token[:-1], "' OR true --"):
            answer = await client.post(RESET, json={"token": tried, "new_password": NEW})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_token")
        await login()

    async def test_token_is_valid_for_its_user_only(
        self, client: httpx.AsyncClient, register: Register, login: Login, mailed: Mailed
    ) -> None:
        await register()
        await register("oskar@example.com")
        await client.post(FORGOT, json={"email": "oskar@example.com"})
        token = await mailed("password_reset_requested", "oskar@example.com")
        for more in ({"email": EMAIL}, {"user_id": "0197f0a0-0000-7000-8000-000000000001"}):
            assert (await client.post(RESET, json={"token": token, "new_password": NEW, **more})).status_code == 422
        await client.post(RESET, json={"token": token, "new_password": NEW})
        await login()
        await login("oskar@example.com", NEW)

    async def test_link_ends_when_the_address_changes_or_the_user_is_deactivated(
        self, client: httpx.AsyncClient, sign_up: SignUp, login: Login, mailed: Mailed, admin: dict[str, str]
    ) -> None:
        await sign_up(EMAIL, "customer")
        await client.post(FORGOT, json={"email": EMAIL})
        first = await mailed("password_reset_requested")
        path = f"/api/v1/users/{await id_of(client, bearer(await login()))}"
        await client.patch(path, json={"email": "new@example.com"}, headers=admin | {"If-Match": '"1"'})
        assert (await client.post(RESET, json={"token": first, "new_password": NEW})).status_code == 422
        await client.post(FORGOT, json={"email": "new@example.com"})
        second = await mailed("password_reset_requested", "new@example.com")
        assert (await client.delete(path, headers=admin)).status_code == 204
        assert (await client.post(RESET, json={"token": second, "new_password": NEW})).status_code == 422

    async def test_known_and_unknown_addresses_cost_the_same_statements_and_get_the_same_answer(
        self, client: httpx.AsyncClient, register: Register, database: Database, sign_up: SignUp
    ) -> None:
        await register()
        await sign_up("verified@example.com", "customer")
        statements: list[str] = []
        engine = database.engine.sync_engine

        def note(_: Any, __: Any, statement: str, *rest: Any) -> None:
            statements.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        seen = []
        for path in (FORGOT, RESEND):
            for email in (EMAIL, "ingen@example.com", "verified@example.com", "nonsens"):
                statements.clear()
                answer = await client.post(path, json={"email": email})
                seen.append((answer.status_code, answer.json(), list(statements)))
        event.remove(engine, "before_cursor_execute", note)
        assert all(item == seen[0] for item in seen)
        assert seen[0][0] == 202
        assert len(seen[0][2]) >= 3

    async def test_every_failing_login_costs_the_same_statements_and_one_hash(
        self,
        app: FastAPI,
        client: httpx.AsyncClient,
        register: Register,
        database: Database,
        sign_up: SignUp,
        as_owner: AsOwner,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for email in (EMAIL, "locked@example.com"):
            await register(email)
        await sign_up("gone@example.com", "customer")
        await as_owner("UPDATE auth.users SET active = false WHERE email = 'gone@example.com'")
        wrong = "forkert kodeord"
        for _ in range(5):
            await client.post("/api/v1/auth/login", json={"email": "locked@example.com", "password": wrong})
        work: list[str] = []
        passwords = app.state.auth.passwords
        original = passwords._verify

        def verifying(password: str, known: str) -> bool:
            work.append("hash")
            return bool(original(password, known))

        def note(_: Any, __: Any, statement: str, *rest: Any) -> None:
            work.append(statement)

        monkeypatch.setattr(passwords, "_verify", verifying)
        event.listen(database.engine.sync_engine, "before_cursor_execute", note)
        seen = []
        for email, password in (
            (EMAIL, wrong),
            ("ingen@example.com", wrong),
            ("gone@example.com", PASSWORD),
            ("locked@example.com", PASSWORD),
            ("nonsens", wrong),
        ):
            work.clear()
            answer = await client.post("/api/v1/auth/login", json={"email": email, "password": password})
            body = {name: value for name, value in answer.json().items() if name != "request_id"}
            seen.append((answer.status_code, body, list(work)))
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)
        assert all(item == seen[0] for item in seen)
        assert seen[0][2].count("hash") == 1

    async def test_mails_are_limited_and_older_links_stay_valid(
        self, client: httpx.AsyncClient, register: Register, outbox: Outbox
    ) -> None:
        await register()
        for _ in range(8):
            assert (await client.post(FORGOT, json={"email": EMAIL})).status_code == 202
        sent = types(await outbox(), "user.password_reset_requested.v1")
        assert len(sent) == 5
        body = {"token": opened(sent[0]), "new_password": NEW}
        assert (await client.post(RESET, json=body)).status_code == 204

    async def test_tokens_are_in_no_log_and_no_table(
        self,
        client: httpx.AsyncClient,
        register: Register,
        mailed: Mailed,
        as_owner: AsOwner,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            await register()
            await client.post(FORGOT, json={"email": EMAIL})
            token = await mailed("password_reset_requested")
            await client.post(RESET, json={"token": token, "new_password": "password"})
            await client.post(RESET, json={"token": token, "new_password": NEW})
        logged = caplog.text + "".join(capfd.readouterr())
        assert token not in logged
        assert NEW not in logged
        assert token not in str(await as_owner("SELECT * FROM auth.one_time_tokens"))
        assert token not in str(await as_owner("SELECT * FROM auth.outbox"))

    async def test_links_take_nothing_from_the_request(
        self, client: httpx.AsyncClient, register: Register, outbox: Outbox
    ) -> None:
        await register()
        poison = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Origin": "https://evil.example"}
        await client.post(FORGOT, json={"email": EMAIL}, headers=poison)
        configuration = await client.get("/.well-known/openid-configuration", headers=poison)
        assert "evil.example" not in str(await outbox())
        assert "evil.example" not in configuration.text

    async def test_wrong_method_does_nothing(self, client: httpx.AsyncClient) -> None:
        for path in (FORGOT, RESET, VERIFY, "/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/logout"):
            assert (await client.get(path)).status_code == 405


class TestChange:
    async def test_new_password_needs_the_old_one_and_ends_the_other_sessions(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        here, there = await login(), await login()
        wrong = {"old_password": "forkert kodeord", "new_password": "et rigtig nyt kodeord"}
        right = {"old_password": PASSWORD, "new_password": "et rigtig nyt kodeord"}
        path = "/api/v1/auth/change-password"
        refused = await client.post(path, json=wrong, headers=bearer(here))
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/body/old_password")
        assert (await client.post(path, json=right, headers=bearer(here))).status_code == 204
        ended = await client.post("/api/v1/auth/refresh", json={"refresh_token": there["refresh_token"]})
        assert ended.status_code == 401
        await login(password="et rigtig nyt kodeord")
