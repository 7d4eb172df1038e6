"""Guessing passwords: slowed down per account and address, without a way to shut the owner out."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.auth.logins.client import Client
from services.auth.tests.conftest import (
    EMAIL,
    PASSWORD,
    Behind,
    Elsewhere,
    Login,
    Mailed,
    Outbox,
    Register,
    bearer,
    types,
)

LOGIN = "/api/v1/auth/login"
WAIT_IS_OVER = (
    "UPDATE auth.login_attempts SET locked_until = now() - interval '1 second' WHERE locked_until IS NOT NULL"
)


async def guess(client: httpx.AsyncClient, password: str = "forkert kodeord", email: str = EMAIL) -> httpx.Response:
    return await client.post(LOGIN, json={"email": email, "password": password})


def told(answer: httpx.Response) -> tuple[Any, ...]:
    body = answer.json()
    body.pop("request_id")
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "date"}}
    return answer.status_code, body, headers


async def waits(behind: Behind, scope: str) -> list[int]:
    rows = await behind(
        "SELECT extract(epoch FROM locked_until - last_failure_at)\\:\\:integer AS seconds FROM auth.login_attempts"
        " WHERE scope = :scope AND locked_until IS NOT NULL",
        scope=scope,
    )
    return [row.seconds for row in rows]


class TestPair:
    async def test_right_password_is_refused_while_locked_and_told_like_a_wrong_one(
        self, client: httpx.AsyncClient, register: Register, outbox: Outbox, behind: Behind
    ) -> None:
        await register()
        wrong = [await guess(client) for _ in range(5)]
        locked = await guess(client, PASSWORD)
        assert told(locked) == told(wrong[0])
        reasons = [event["reason"] for event in types(await outbox(), "login.failed.v1")]
        assert reasons == ["credentials"] * 5 + ["locked"]
        assert len(types(await outbox(), "login.locked.v1")) == 1
        await behind(WAIT_IS_OVER)
        assert (await guess(client, PASSWORD)).status_code == 200

    async def test_wait_doubles_up_to_a_quarter_of_an_hour(
        self, client: httpx.AsyncClient, register: Register, behind: Behind
    ) -> None:
        await register()
        seen = []
        for _ in range(12):
            await behind(WAIT_IS_OVER)
            await guess(client)
            seen += await waits(behind, "pair")
        assert seen == [15, 30, 60, 120, 240, 480, 900, 900]

    async def test_knocking_on_a_lock_makes_it_no_longer(
        self, client: httpx.AsyncClient, register: Register, behind: Behind
    ) -> None:
        await register()
        for _ in range(5):
            await guess(client)
        before = await behind("SELECT * FROM auth.login_attempts ORDER BY key")
        for _ in range(5):
            await guess(client)
        assert await behind("SELECT * FROM auth.login_attempts ORDER BY key") == before

    async def test_fifty_guesses_at_once_are_no_more_than_five(
        self, client: httpx.AsyncClient, register: Register, behind: Behind
    ) -> None:
        await register()
        answers = await asyncio.gather(*(guess(client) for _ in range(50)))
        assert {answer.status_code for answer in answers} == {401}
        ((failures,),) = await behind("SELECT failures FROM auth.login_attempts WHERE scope = 'pair'")
        assert failures == 5

    async def test_lock_that_falls_while_a_password_is_being_checked_holds_for_it(
        self, app: FastAPI, client: httpx.AsyncClient, register: Register, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await register()
        context = app.state.auth
        really = context.passwords.matches

        async def late(password: str, known: str | None) -> bool:
            monkeypatch.setattr(context.passwords, "matches", really)
            for _ in range(5):
                await guess(client)
            return bool(await really(password, known))

        monkeypatch.setattr(context.passwords, "matches", late)
        assert (await guess(client, PASSWORD)).status_code == 401

    async def test_unknown_address_is_locked_like_a_known_one(
        self, client: httpx.AsyncClient, register: Register, outbox: Outbox
    ) -> None:
        await register()
        for email in (EMAIL, "ingen@example.com"):
            answers = [told(await guess(client, email=email)) for _ in range(7)]
            assert all(answer == answers[0] for answer in answers)
        assert len(types(await outbox(), "login.locked.v1")) == 2

    async def test_success_clears_it(self, client: httpx.AsyncClient, register: Register, login: Login) -> None:
        await register()
        for _ in range(3):
            for _ in range(4):
                await guess(client)
            await login()


class TestOwner:
    async def lock_account(self, elsewhere: Elsewhere) -> None:
        for number in range(20):
            await guess(await elsewhere(f"203.0.113.{number}"))

    async def test_guessing_one_account_from_many_addresses_locks_it_for_strangers(
        self, elsewhere: Elsewhere, register: Register, behind: Behind
    ) -> None:
        await register()
        await self.lock_account(elsewhere)
        assert (await guess(await elsewhere("198.51.100.1"), PASSWORD)).status_code == 401
        assert await waits(behind, "account") == [15]

    async def test_but_not_for_the_owner_where_they_have_been(
        self, client: httpx.AsyncClient, elsewhere: Elsewhere, register: Register, login: Login
    ) -> None:
        await register()
        await login()
        await self.lock_account(elsewhere)
        await login()

    async def test_nor_for_the_owner_elsewhere_once_they_reset_the_password(
        self, elsewhere: Elsewhere, register: Register, mailed: Mailed, client: httpx.AsyncClient
    ) -> None:
        await register()
        new_place = await elsewhere("198.51.100.1")
        await client.post("/api/v1/auth/forgot-password", json={"email": EMAIL})
        body = {"token": await mailed("password_reset"), "new_password": "et helt nyt kodeord"}
        assert (await new_place.post("/api/v1/auth/reset-password", json=body)).status_code == 204
        await self.lock_account(elsewhere)
        assert (await guess(new_place, "et helt nyt kodeord")).status_code == 200

    async def test_account_is_never_locked_for_longer_than_five_minutes(
        self, elsewhere: Elsewhere, register: Register, behind: Behind
    ) -> None:
        await register()
        await self.lock_account(elsewhere)
        await behind("UPDATE auth.login_attempts SET failures = 1000000 WHERE scope = 'account'")
        await behind(WAIT_IS_OVER)
        await guess(await elsewhere("198.51.100.1"))
        assert await waits(behind, "account") == [300]

    async def test_failures_are_forgotten_after_a_quiet_day(
        self, client: httpx.AsyncClient, register: Register, behind: Behind
    ) -> None:
        await register()
        for _ in range(5):
            await guess(client)
        await behind(
            "UPDATE auth.login_attempts SET last_failure_at = now() - interval '25 hours',"
            " locked_until = now() - interval '24 hours'"
        )
        for _ in range(4):
            await guess(client)
        assert (await guess(client, PASSWORD)).status_code == 200


class TestAddress:
    async def test_guessing_many_accounts_from_one_address_locks_the_address(
        self, elsewhere: Elsewhere, register: Register, login: Login, behind: Behind
    ) -> None:
        await register()
        attacker = await elsewhere("203.0.113.66")
        for number in range(50):
            await guess(attacker, email=f"k{number}@example.com")
        assert (await guess(attacker, PASSWORD)).status_code == 401
        assert await waits(behind, "address") == [15]
        await login()

    def test_an_ipv6_network_counts_as_one(self) -> None:
        assert Client("2001:db8::1", "").network == Client("2001:db8::ffff:1", "").network
        assert Client("2001:db8::1", "").network != Client("2001:db8:0:1::1", "").network
        assert Client("::ffff:203.0.113.7", "").network == Client("203.0.113.7", "").network

    async def test_attempts_keep_neither_account_nor_address(
        self, client: httpx.AsyncClient, register: Register, behind: Behind
    ) -> None:
        await register()
        await guess(client)
        kept = str(await behind("SELECT * FROM auth.login_attempts"))
        assert "kirsten" not in kept
        assert "127.0.0.1" not in kept


class TestChange:
    async def test_stolen_access_token_guesses_no_more_passwords_than_a_login(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        headers = bearer(await login())
        body = {"old_password": "forkert kodeord", "new_password": "et helt nyt kodeord"}
        for _ in range(5):
            await client.post("/api/v1/auth/change-password", json=body, headers=headers)
        right = body | {"old_password": PASSWORD}
        assert (await client.post("/api/v1/auth/change-password", json=right, headers=headers)).status_code == 401
        assert (await guess(client, PASSWORD)).status_code == 401
