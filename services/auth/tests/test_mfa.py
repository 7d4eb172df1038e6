"""The second factor: switching it on and off, logging in with it, and attacks on it."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pyotp
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.auth.encryption import Encryption
from services.auth.events import LoginFailed, LoginLocked
from services.auth.mfa.codes import matching_step
from services.auth.settings import AuthSettings
from services.auth.tests.conftest import (
    EMAIL,
    PASSWORD,
    AsOwner,
    Login,
    Mailed,
    OtherClient,
    Register,
    SignUp,
    bearer,
    id_of,
    types,
)
from shared.testing.types import Outbox

LOGIN = "/api/v1/auth/login"
ENROLL, CONFIRM, DISABLE = (f"/api/v1/auth/mfa/{verb}" for verb in ("enroll", "confirm", "disable"))
FORGET_STEPS = "UPDATE auth.mfa SET last_step = 0"


def code_for(secret: str) -> str:
    return pyotp.TOTP(secret).now()


async def log_in(client: httpx.AsyncClient, code: str | None = None, password: str = PASSWORD) -> httpx.Response:
    body = {"email": EMAIL, "password": password} | ({"code": code} if code is not None else {})
    return await client.post(LOGIN, json=body)


@pytest.fixture
async def enrolled(client: httpx.AsyncClient, register: Register, login: Login, as_owner: AsOwner) -> dict[str, Any]:
    """A user with a second factor: headers, secret and recovery codes. No time step counts as used yet."""
    await register()
    headers = bearer(await login())
    secret = (await client.post(ENROLL, headers=headers)).json()["secret"]
    answer = await client.post(CONFIRM, json={"code": code_for(secret)}, headers=headers)
    assert answer.status_code == 200
    await as_owner(FORGET_STEPS)
    return {"headers": headers, "secret": secret, "codes": answer.json()["recovery_codes"]}


class TestLogin:
    async def test_login_needs_a_code_when_it_is_on(self, client: httpx.AsyncClient, enrolled: dict[str, Any]) -> None:
        without = await log_in(client)
        assert (without.status_code, without.json()["code"]) == (401, "mfa_required")
        assert (await log_in(client, code_for(enrolled["secret"]))).status_code == 200

    async def test_code_works_once(self, client: httpx.AsyncClient, enrolled: dict[str, Any]) -> None:
        code = code_for(enrolled["secret"])
        answers = await asyncio.gather(*(log_in(client, code) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]

    async def test_code_of_an_earlier_step_than_the_used_one_is_refused(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any]
    ) -> None:
        totp, now = pyotp.TOTP(enrolled["secret"]), int(time.time())
        assert (await log_in(client, totp.at(now + 30))).status_code == 200
        assert (await log_in(client, totp.at(now))).status_code == 401

    async def test_recovery_code_works_once_in_any_notation(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any]
    ) -> None:
        assert len(set(enrolled["codes"])) == 10
        first = enrolled["codes"][0]
        assert (await log_in(client, first.upper().replace("-", " "))).status_code == 200
        assert (await log_in(client, first)).status_code == 401
        assert (await log_in(client, enrolled["codes"][1])).status_code == 200

    async def test_code_with_a_wrong_password_gets_the_answer_of_a_wrong_password(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any]
    ) -> None:
        answer = await log_in(client, code_for(enrolled["secret"]), "forkert kodeord")
        assert answer.json()["code"] == "invalid_credentials"
        assert (await log_in(client, code_for(enrolled["secret"]))).status_code == 200

    async def test_guessed_codes_lock_the_account_so_that_the_right_code_fails_too(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any], outbox: Outbox
    ) -> None:
        right = code_for(enrolled["secret"])
        wrong = f"{(int(right) + 500_000) % 1_000_000:06}"
        codes = [(await log_in(client, wrong)).json()["code"] for _ in range(6)]
        assert codes == ["invalid_code"] * 5 + ["invalid_credentials"]
        assert (await log_in(client, right)).json()["code"] == "invalid_credentials"
        assert (await log_in(client)).json()["code"] == "invalid_credentials"
        assert [event["reason"] for event in types(await outbox(), "login.failed.v1")][:6] == ["code"] * 5 + ["locked"]
        for event in types(await outbox(), "login.failed.v1"):
            LoginFailed.model_validate(event)
        (locked,) = types(await outbox(), "login.locked.v1")
        assert LoginLocked.model_validate(locked).expires_at > datetime.now(UTC)

    async def test_password_reset_does_not_switch_it_off(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any], mailed: Mailed
    ) -> None:
        await client.post("/api/v1/auth/forgot-password", json={"email": EMAIL})
        body = {"token": await mailed("password_reset_requested"), "new_password": "et helt nyt kodeord"}
        await client.post("/api/v1/auth/reset-password", json=body)
        assert (await log_in(client, password="et helt nyt kodeord")).json()["code"] == "mfa_required"

    def test_code_one_step_off_is_accepted_and_two_steps_off_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        secret, now = pyotp.random_base32(), int(time.time())
        monkeypatch.setattr("services.auth.mfa.codes.time.time", lambda: now)
        totp = pyotp.TOTP(secret)
        for drift in (-1, 0, 1):
            assert matching_step(secret, totp.at(now + 30 * drift)) == now // 30 + drift
        assert matching_step(secret, totp.at(now + 60)) is None
        assert matching_step(secret, totp.at(now - 60)) is None


class TestSwitching:
    async def test_enrolment_counts_once_it_is_confirmed(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        headers = bearer(await login())
        assert (await client.post(CONFIRM, json={"code": "123456"}, headers=headers)).status_code == 409
        enrolment = (await client.post(ENROLL, headers=headers)).json()
        assert enrolment["otpauth_uri"].startswith("otpauth://totp/Loctician:kirsten%40example.com?secret=")
        assert (await log_in(client)).status_code == 200
        refused = await client.post(CONFIRM, json={"code": "abcdef"}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "wrong_code")
        assert refused.json()["errors"][0]["pointer"] == "/body/code"
        assert (await log_in(client)).status_code == 200

    async def test_enrolment_is_refused_while_it_is_on(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any]
    ) -> None:
        answer = await client.post(ENROLL, headers=enrolled["headers"])
        assert (answer.status_code, answer.json()["code"]) == (409, "mfa_on")

    async def test_switching_off_needs_a_code_and_deletes_the_recovery_codes(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any], outbox: Outbox, as_owner: AsOwner
    ) -> None:
        headers = enrolled["headers"]
        wrong = await client.post(DISABLE, json={"code": "abcdef"}, headers=headers)
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/body/code")
        code = {"code": enrolled["codes"][3]}
        assert (await client.post(DISABLE, json=code, headers=headers)).status_code == 204
        assert (await log_in(client)).status_code == 200
        assert (await client.post(DISABLE, json=code, headers=headers)).status_code == 409
        assert await as_owner("SELECT * FROM auth.recovery_codes") == []
        assert len(types(await outbox(), "user.mfa_enabled.v1")) == 1
        assert len(types(await outbox(), "user.mfa_disabled.v1")) == 1

    async def test_enrolment_in_an_old_session_needs_the_password(
        self, client: httpx.AsyncClient, register: Register, login: Login, as_owner: AsOwner
    ) -> None:
        await register()
        headers = bearer(await login())
        await as_owner("UPDATE auth.sessions SET created_at = created_at - interval '11 minutes'")
        refused = await client.post(ENROLL, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")
        wrong = await client.post(ENROLL, json={"password": "forkert kodeord"}, headers=headers)
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/body/password")
        assert (await client.post(ENROLL, json={"password": PASSWORD}, headers=headers)).status_code == 200

    async def test_guessing_codes_to_switch_it_on_locks_the_account_too(
        self, client: httpx.AsyncClient, register: Register, login: Login, other_client: OtherClient, outbox: Outbox
    ) -> None:
        await register()
        headers = bearer(await login())
        secret = (await client.post(ENROLL, headers=headers)).json()["secret"]
        thief = await other_client()
        for _ in range(5):
            assert (await thief.post(CONFIRM, json={"code": "abcdef"}, headers=headers)).status_code == 422
        assert len(types(await outbox(), "login.locked.v1")) == 1
        assert (await thief.post(CONFIRM, json={"code": code_for(secret)}, headers=headers)).status_code == 422

    async def test_switching_on_ends_the_other_sessions(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        here, there = await login(), await login()
        secret = (await client.post(ENROLL, headers=bearer(here))).json()["secret"]
        confirmed = await client.post(CONFIRM, json={"code": code_for(secret)}, headers=bearer(here))
        assert confirmed.status_code == 200
        statuses = [
            (await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})).status_code
            for tokens in (here, there)
        ]
        assert statuses == [200, 401]

    async def test_ended_session_can_switch_nothing(self, client: httpx.AsyncClient, enrolled: dict[str, Any]) -> None:
        await client.post("/api/v1/auth/logout", headers=enrolled["headers"])
        code = {"code": enrolled["codes"][0]}
        assert (await client.post(DISABLE, json=code, headers=enrolled["headers"])).status_code == 401
        assert (await client.post(ENROLL, headers=enrolled["headers"])).status_code == 401

    async def test_guessing_codes_to_switch_it_off_locks_the_account(
        self, other_client: OtherClient, enrolled: dict[str, Any]
    ) -> None:
        thief = await other_client()
        for _ in range(5):
            await thief.post(DISABLE, json={"code": "abcdef"}, headers=enrolled["headers"])
        right = {"code": code_for(enrolled["secret"])}
        assert (await thief.post(DISABLE, json=right, headers=enrolled["headers"])).status_code == 422

    async def test_code_is_refused_when_the_secret_cannot_be_decrypted(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any], as_owner: AsOwner
    ) -> None:
        await as_owner("UPDATE auth.mfa SET secret = 'sealed under another key'")
        assert (await log_in(client, code_for(enrolled["secret"]))).json()["code"] == "invalid_code"
        assert (await log_in(client, enrolled["codes"][0])).status_code == 200

    async def test_secret_is_stored_encrypted_and_codes_hashed(
        self, enrolled: dict[str, Any], as_owner: AsOwner, outbox: Outbox
    ) -> None:
        kept = str(await as_owner("SELECT m, r FROM auth.mfa m JOIN auth.recovery_codes r USING (user_id)"))
        secrets = [enrolled["secret"], *enrolled["codes"], *(code.replace("-", "") for code in enrolled["codes"])]
        for secret in secrets:
            assert secret not in kept
            assert secret not in str(await outbox())
            assert secret.encode().hex() not in kept


class TestChangedSecretKey:
    async def test_login_reencrypts_the_secret_with_the_new_key(
        self,
        client: httpx.AsyncClient,
        enrolled: dict[str, Any],
        app: FastAPI,
        settings: AuthSettings,
        as_owner: AsOwner,
    ) -> None:
        new = {"secret_key": SecretStr("the new secret of thirty-two characters")}
        app.state.auth.encryption = Encryption(settings.model_copy(update=new))
        assert (await log_in(client, code_for(enrolled["secret"]))).json()["code"] == "invalid_code"
        app.state.auth.encryption = Encryption(
            settings.model_copy(update=new | {"secret_key_previous": settings.secret_key})
        )
        assert (await log_in(client, code_for(enrolled["secret"]))).status_code == 200
        kept = await as_owner("SELECT secret FROM auth.mfa")
        app.state.auth.encryption = Encryption(settings.model_copy(update=new))
        await as_owner(FORGET_STEPS)
        assert (await log_in(client, code_for(enrolled["secret"]))).status_code == 200
        assert await as_owner("SELECT secret FROM auth.mfa") == kept, "sealed anew once"


class TestRemoval:
    async def test_admin_removes_it_and_the_user_logs_in_with_the_password_alone(
        self,
        client: httpx.AsyncClient,
        enrolled: dict[str, Any],
        admin: dict[str, str],
        as_owner: AsOwner,
        outbox: Outbox,
    ) -> None:
        user_id = await id_of(client, enrolled["headers"])
        removed = await client.delete(f"/api/v1/users/{user_id}/mfa", headers=admin)
        assert removed.status_code == 204
        assert (await client.get("/api/v1/auth/sessions", headers=enrolled["headers"])).json() == {"items": []}
        ended = types(await outbox(), "session.revoked.v1")
        assert {(event["user_id"], event["reason"]) for event in ended} == {(user_id, "revoked")}
        (event,) = [event for event in await outbox() if event["type"] == "user.mfa_disabled.v1"]
        assert (event["subject"], event["actorid"]) == (user_id, await id_of(client, admin))
        assert await as_owner("SELECT * FROM auth.recovery_codes") == []
        assert (await log_in(client)).status_code == 200
        again = await client.delete(f"/api/v1/users/{user_id}/mfa", headers=admin)
        assert (again.status_code, again.json()["code"]) == (409, "mfa_off")

    async def test_admins_cannot_remove_their_own(self, client: httpx.AsyncClient, admin: dict[str, str]) -> None:
        refused = await client.delete(f"/api/v1/users/{await id_of(client, admin)}/mfa", headers=admin)
        assert (refused.status_code, refused.json()["code"]) == (409, "own_mfa")

    @pytest.mark.parametrize("role", ["customer", "loctician", "staff"])
    async def test_other_roles_cannot_remove_it(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any], sign_up: SignUp, login: Login, role: str
    ) -> None:
        await sign_up("thief@example.com", role)
        thief = bearer(await login("thief@example.com"))
        for user_id in (await id_of(client, enrolled["headers"]), await id_of(client, thief)):
            assert (await client.delete(f"/api/v1/users/{user_id}/mfa", headers=thief)).status_code == 403
        assert (await log_in(client)).json()["code"] == "mfa_required"
