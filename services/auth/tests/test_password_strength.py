"""New passwords: 15 characters alone, 8 with a second factor, and nothing that is guessed early."""

import secrets
from typing import Any

import httpx
import pyotp
import pytest

from services.auth.demo import PASSWORD as DEMO_PASSWORD
from services.auth.passwords.refusals import PasswordRule
from services.auth.passwords.strength import require_strong
from services.auth.tests.conftest import EMAIL, PASSWORD, AsOwner, Login, Mailed, Register, bearer

OWN = ("Kirsten Ærø", "kirsten.aeroe@example.com")
CHANGE = "/api/v1/auth/change-password"
SHORT = "blå-kat7"


@pytest.mark.parametrize(
    "good", [PASSWORD, DEMO_PASSWORD, "korrekt hest batteri", "fem-gule-citroner", "Kirsten elsker gule citroner"]
)
async def test_passphrases_are_accepted(good: str) -> None:
    await require_strong(good, OWN, second_factor=False)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("blå-kat7", "password_too_short"),
        ("fjorten-tegn-7", "password_too_short"),
        ("passwordsunshine", "password_common"),
        ("iloveyou princess", "password_common"),
        ("passwordpassword", "password_repeats"),
        ("aaaaaaaaaaaaaaaaaaaa", "password_repeats"),
        ("                    ", "password_repeats"),
        ("abcdefghijklmnopqrst", "password_sequence"),
        ("123456789012345678", "password_common"),
        ("kirsten kirsten", "password_own"),
        ("KirstenÆrø2026!", "password_own"),
        ("kirsten.aeroe@example.com", "password_own"),
        ("kirsten-aeroe-1985", "password_own"),
    ],
)
async def test_what_is_guessed_early_is_refused_with_a_reason(bad: str, code: str) -> None:
    with pytest.raises(PasswordRule) as refused:
        await require_strong(bad, OWN, second_factor=False)
    assert refused.value.code == code
    assert all(refused.value.detail[language] for language in ("da", "en"))


async def test_long_password_is_judged_in_bounded_time_and_accepted() -> None:
    await require_strong(secrets.token_hex(64), OWN, second_factor=False)


async def test_rules_hold_at_registration_and_at_a_change(
    client: httpx.AsyncClient, register: Register, login: Login
) -> None:
    refused = await register("b@example.com", password="fjorten-tegn-7")
    assert (refused.status_code, refused.json()["code"]) == (422, "password_too_short")
    assert refused.json()["errors"][0]["pointer"] == "/body/password"
    await register()
    body = {"old_password": PASSWORD, "new_password": "kirsten@example"}
    refused = await client.post(CHANGE, json=body, headers=bearer(await login()))
    assert (refused.status_code, refused.json()["code"]) == (422, "password_own")
    assert refused.json()["errors"][0]["pointer"] == "/body/new_password"


async def test_rules_hold_at_a_reset_and_leave_the_link_valid(
    client: httpx.AsyncClient, register: Register, mailed: Mailed, login: Login
) -> None:
    await register()
    await client.post("/api/v1/auth/forgot-password", json={"email": EMAIL})
    token = await mailed("password_reset_requested")
    path = "/api/v1/auth/reset-password"
    refused = await client.post(path, json={"token": token, "new_password": SHORT})
    assert (refused.status_code, refused.json()["code"]) == (422, "password_too_short")
    accepted = await client.post(path, json={"token": token, "new_password": "et helt nyt kodeord"})
    assert accepted.status_code == 204


async def test_short_password_needs_the_second_factor_for_good(
    client: httpx.AsyncClient, register: Register, login: Login, as_owner: AsOwner
) -> None:
    await register()
    headers = bearer(await login())
    secret = (await client.post("/api/v1/auth/mfa/enroll", headers=headers)).json()["secret"]

    async def code() -> dict[str, Any]:
        await as_owner("UPDATE auth.mfa SET last_step = 0")
        return {"code": pyotp.TOTP(secret).now()}

    assert (await client.post("/api/v1/auth/mfa/confirm", json=await code(), headers=headers)).status_code == 200
    change = {"old_password": PASSWORD, "new_password": SHORT}
    assert (await client.post(CHANGE, json=change, headers=headers)).status_code == 204
    await login(password=SHORT, **await code())
    assert (await client.post("/api/v1/auth/mfa/disable", json=await code(), headers=headers)).status_code == 204
    answer = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": SHORT})
    assert (answer.status_code, answer.json()["code"]) == (403, "password_needs_second_factor")
