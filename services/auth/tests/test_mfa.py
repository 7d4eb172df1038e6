"""The second factor: switching it on and off, coming in with it, and trying to get round it."""

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
    Behind,
    Elsewhere,
    Login,
    Mailed,
    Outbox,
    Register,
    SignUp,
    bearer,
    id_of,
    types,
)

LOGIN = "/api/v1/auth/login"
ENROLL, CONFIRM, DISABLE = (f"/api/v1/auth/mfa/{verb}" for verb in ("enroll", "confirm", "disable"))
FORGET_STEPS = "UPDATE auth.mfa SET last_step = 0"


def code_for(secret: str) -> str:
    return pyotp.TOTP(secret).now()


async def come_in(client: httpx.AsyncClient, code: str | None = None, password: str = PASSWORD) -> httpx.Response:
    body = {"email": EMAIL, "password": password} | ({"code": code} if code is not None else {})
    return await client.post(LOGIN, json=body)


@pytest.fixture
async def enrolled(client: httpx.AsyncClient, register: Register, login: Login, behind: Behind) -> dict[str, Any]:
    """A user with a second factor: headers, secret and recovery codes. No time step counts as used yet."""
    await register()
    headers = bearer(await login())
    secret = (await client.post(ENROLL, headers=headers)).json()["secret"]
    answer = await client.post(CONFIRM, json={"code": code_for(secret)}, headers=headers)
    assert answer.status_code == 200
    await behind(FORGET_STEPS)
    return {"headers": headers, "secret": secret, "codes": answer.json()["recovery_codes"]}


class TestComingIn:
    async def test_needs_a_code_once_it_is_on(self, client: httpx.AsyncClient, enrolled: dict[str, Any]) -> None:
        without = await come_in(client)
        assert (without.status_code, without.json()["code"]) == (401, "mfa_required")
        assert (await come_in(client, code_for(enrolled["secret"]))).status_code == 200

    async def test_used_code_opens_nothing_again(self, client: httpx.AsyncClient, enrolled: dict[str, Any]) -> None:
        code = code_for(enrolled["secret"])
        answers = await asyncio.gather(*(come_in(client, code) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]

    async def test_code_before_the_used_one_opens_nothing_either(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any]
    ) -> None:
        totp, now = pyotp.TOTP(enrolled["secret"]), int(time.time())
        assert (await come_in(client, totp.at(now + 30))).status_code == 200
        assert (await come_in(client, totp.at(now))).status_code == 401

    async def test_recovery_code_works_once_however_typed(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any]
    ) -> None:
        assert len(set(enrolled["codes"])) == 10
        first = enrolled["codes"][0]
        assert (await come_in(client, first.upper().replace("-", " "))).status_code == 200
        assert (await come_in(client, first)).status_code == 401
        assert (await come_in(client, enrolled["codes"][1])).status_code == 200

    async def test_code_without_the_password_is_refused_as_if_there_were_none(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any]
    ) -> None:
        answer = await come_in(client, code_for(enrolled["secret"]), "forkert kodeord")
        assert answer.json()["code"] == "invalid_credentials"
        assert (await come_in(client, code_for(enrolled["secret"]))).status_code == 200

    async def test_guessed_codes_lock_out_and_then_even_the_right_one_fails_alike(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any], outbox: Outbox
    ) -> None:
        right = code_for(enrolled["secret"])
        wrong = f"{(int(right) + 500_000) % 1_000_000:06}"
        codes = [(await come_in(client, wrong)).json()["code"] for _ in range(6)]
        assert codes == ["invalid_code"] * 5 + ["invalid_credentials"]
        assert (await come_in(client, right)).json()["code"] == "invalid_credentials"
        assert (await come_in(client)).json()["code"] == "invalid_credentials"
        assert [one["reason"] for one in types(await outbox(), "login.failed.v1")][:6] == ["code"] * 5 + ["locked"]
        for one in types(await outbox(), "login.failed.v1"):
            LoginFailed.model_validate(one)
        (locked,) = types(await outbox(), "login.locked.v1")
        assert LoginLocked.model_validate(locked).until > datetime.now(UTC)

    async def test_new_password_by_mail_does_not_switch_it_off(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any], mailed: Mailed
    ) -> None:
        await client.post("/api/v1/auth/forgot-password", json={"email": EMAIL})
        body = {"token": await mailed("password_reset"), "new_password": "et helt nyt kodeord"}
        await client.post("/api/v1/auth/reset-password", json=body)
        assert (await come_in(client, password="et helt nyt kodeord")).json()["code"] == "mfa_required"

    def test_code_one_step_off_is_taken_and_two_are_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        secret, now = pyotp.random_base32(), int(time.time())
        monkeypatch.setattr("services.auth.mfa.codes.time.time", lambda: now)
        totp = pyotp.TOTP(secret)
        for drift in (-1, 0, 1):
            assert matching_step(secret, totp.at(now + 30 * drift)) == now // 30 + drift
        assert matching_step(secret, totp.at(now + 60)) is None
        assert matching_step(secret, totp.at(now - 60)) is None


class TestSwitching:
    async def test_enrolment_counts_only_once_confirmed(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        headers = bearer(await login())
        assert (await client.post(CONFIRM, json={"code": "123456"}, headers=headers)).status_code == 409
        made = (await client.post(ENROLL, headers=headers)).json()
        assert made["otpauth_uri"].startswith("otpauth://totp/Loctician:kirsten%40example.com?secret=")
        assert (await come_in(client)).status_code == 200
        refused = await client.post(CONFIRM, json={"code": "abcdef"}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_code")
        assert (await come_in(client)).status_code == 200

    async def test_on_cannot_be_enrolled_over(self, client: httpx.AsyncClient, enrolled: dict[str, Any]) -> None:
        answer = await client.post(ENROLL, headers=enrolled["headers"])
        assert (answer.status_code, answer.json()["code"]) == (409, "mfa_on")

    async def test_off_takes_a_code_and_takes_the_recovery_codes_with_it(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any], outbox: Outbox, behind: Behind
    ) -> None:
        headers = enrolled["headers"]
        assert (await client.post(DISABLE, json={"code": "abcdef"}, headers=headers)).status_code == 401
        code = {"code": enrolled["codes"][3]}
        assert (await client.post(DISABLE, json=code, headers=headers)).status_code == 204
        assert (await come_in(client)).status_code == 200
        assert (await client.post(DISABLE, json=code, headers=headers)).status_code == 409
        assert await behind("SELECT * FROM auth.recovery_codes") == []
        assert len(types(await outbox(), "user.mfa_enabled.v1")) == 1
        assert len(types(await outbox(), "user.mfa_disabled.v1")) == 1

    async def test_stolen_old_session_enrols_nothing_without_the_password(
        self, client: httpx.AsyncClient, register: Register, login: Login, behind: Behind
    ) -> None:
        await register()
        headers = bearer(await login())
        await behind("UPDATE auth.sessions SET created_at = created_at - interval '11 minutes'")
        refused = await client.post(ENROLL, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "reauthentication_required")
        wrong = await client.post(ENROLL, json={"password": "forkert kodeord"}, headers=headers)
        assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")
        assert (await client.post(ENROLL, json={"password": PASSWORD}, headers=headers)).status_code == 200

    async def test_ended_session_switches_nothing(self, client: httpx.AsyncClient, enrolled: dict[str, Any]) -> None:
        await client.post("/api/v1/auth/logout", headers=enrolled["headers"])
        code = {"code": enrolled["codes"][0]}
        assert (await client.post(DISABLE, json=code, headers=enrolled["headers"])).status_code == 401
        assert (await client.post(ENROLL, headers=enrolled["headers"])).status_code == 401

    async def test_guessing_to_switch_it_off_locks_out(self, elsewhere: Elsewhere, enrolled: dict[str, Any]) -> None:
        thief = await elsewhere()
        for _ in range(5):
            await thief.post(DISABLE, json={"code": "abcdef"}, headers=enrolled["headers"])
        right = {"code": code_for(enrolled["secret"])}
        assert (await thief.post(DISABLE, json=right, headers=enrolled["headers"])).status_code == 401

    async def test_secret_that_cannot_be_read_any_more_lets_nobody_in(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any], behind: Behind
    ) -> None:
        await behind("UPDATE auth.mfa SET secret = 'sealed under another key'")
        assert (await come_in(client, code_for(enrolled["secret"]))).json()["code"] == "invalid_code"
        assert (await come_in(client, enrolled["codes"][0])).status_code == 200

    async def test_secret_is_kept_encrypted_and_codes_hashed(
        self, enrolled: dict[str, Any], behind: Behind, outbox: Outbox
    ) -> None:
        kept = str(await behind("SELECT m, r FROM auth.mfa m JOIN auth.recovery_codes r USING (user_id)"))
        secrets = [enrolled["secret"], *enrolled["codes"], *(code.replace("-", "") for code in enrolled["codes"])]
        for secret in secrets:
            assert secret not in kept
            assert secret not in str(await outbox())
            assert secret.encode().hex() not in kept


class TestChangedSecretKey:
    async def test_whoever_comes_in_while_the_old_one_is_known_is_sealed_with_the_new_one(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any], app: FastAPI, settings: AuthSettings, behind: Behind
    ) -> None:
        new = {"secret_key": SecretStr("the new secret of thirty-two characters")}
        app.state.auth.encryption = Encryption(settings.model_copy(update=new))
        assert (await come_in(client, code_for(enrolled["secret"]))).json()["code"] == "invalid_code"
        app.state.auth.encryption = Encryption(
            settings.model_copy(update=new | {"secret_key_previous": settings.secret_key})
        )
        assert (await come_in(client, code_for(enrolled["secret"]))).status_code == 200
        kept = await behind("SELECT secret FROM auth.mfa")
        app.state.auth.encryption = Encryption(settings.model_copy(update=new))
        await behind(FORGET_STEPS)
        assert (await come_in(client, code_for(enrolled["secret"]))).status_code == 200
        assert await behind("SELECT secret FROM auth.mfa") == kept, "sealed anew once"


class TestLost:
    async def test_admin_takes_it_away_and_the_user_comes_in_with_the_password_alone(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any], admin: dict[str, str], behind: Behind, outbox: Outbox
    ) -> None:
        user_id = await id_of(client, enrolled["headers"])
        removed = await client.delete(f"/api/v1/users/{user_id}/mfa", headers=admin)
        assert removed.status_code == 204
        assert (await client.get("/api/v1/auth/sessions", headers=enrolled["headers"])).json() == {"items": []}
        ended = types(await outbox(), "session.revoked.v1")
        assert {(one["user_id"], one["reason"]) for one in ended} == {(user_id, "revoked")}
        (told,) = [one for one in await outbox() if one["type"] == "user.mfa_disabled.v1"]
        assert (told["subject"], told["actorid"]) == (user_id, await id_of(client, admin))
        assert await behind("SELECT * FROM auth.recovery_codes") == []
        assert (await come_in(client)).status_code == 200
        again = await client.delete(f"/api/v1/users/{user_id}/mfa", headers=admin)
        assert (again.status_code, again.json()["code"]) == (409, "mfa_off")

    async def test_own_one_takes_a_code(self, client: httpx.AsyncClient, admin: dict[str, str]) -> None:
        refused = await client.delete(f"/api/v1/users/{await id_of(client, admin)}/mfa", headers=admin)
        assert (refused.status_code, refused.json()["code"]) == (409, "own_mfa")

    @pytest.mark.parametrize("role", ["customer", "loctician", "staff"])
    async def test_nobody_else_takes_it_away(
        self, client: httpx.AsyncClient, enrolled: dict[str, Any], sign_up: SignUp, login: Login, role: str
    ) -> None:
        await sign_up("thief@example.com", role)
        thief = bearer(await login("thief@example.com"))
        for user_id in (await id_of(client, enrolled["headers"]), await id_of(client, thief)):
            assert (await client.delete(f"/api/v1/users/{user_id}/mfa", headers=thief)).status_code == 403
        assert (await come_in(client)).json()["code"] == "mfa_required"
