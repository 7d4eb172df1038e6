"""Guessing passwords is slowed down per account and per address, and the owner can still log in (ADR 0010)."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.auth.logins.client import Client
from services.auth.tests.conftest import (
    EMAIL,
    PASSWORD,
    AsOwner,
    Login,
    Mailed,
    OtherClient,
    Register,
    bearer,
    types,
)
from shared.testing.types import Outbox

LOGIN = "/api/v1/auth/login"
LOCKS_ARE_OVER = (
    "UPDATE auth.login_attempts SET locked_until = now() - interval '1 second' WHERE locked_until IS NOT NULL"
)


async def guess(client: httpx.AsyncClient, password: str = "forkert kodeord", email: str = EMAIL) -> httpx.Response:
    return await client.post(LOGIN, json={"email": email, "password": password})


def comparable(answer: httpx.Response) -> tuple[Any, ...]:
    body = answer.json()
    body.pop("request_id")
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "date"}}
    return answer.status_code, body, headers


async def waits(as_owner: AsOwner, scope: str) -> list[int]:
    rows = await as_owner(
        "SELECT extract(epoch FROM locked_until - last_failure_at)\\:\\:integer AS seconds FROM auth.login_attempts"
        " WHERE scope = :scope AND locked_until IS NOT NULL",
        scope=scope,
    )
    return [row.seconds for row in rows]


class TestAccountFromOneAddress:
    async def test_right_password_is_refused_while_locked_with_the_answer_of_a_wrong_one(
        self, client: httpx.AsyncClient, register: Register, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        await register()
        wrong = [await guess(client) for _ in range(5)]
        locked = await guess(client, PASSWORD)
        assert comparable(locked) == comparable(wrong[0])
        reasons = [event["reason"] for event in types(await outbox(), "login.failed.v1")]
        assert reasons == ["credentials"] * 5 + ["locked"]
        assert len(types(await outbox(), "login.locked.v1")) == 1
        await as_owner(LOCKS_ARE_OVER)
        assert (await guess(client, PASSWORD)).status_code == 200

    async def test_lock_doubles_up_to_15_minutes(
        self, client: httpx.AsyncClient, register: Register, as_owner: AsOwner
    ) -> None:
        await register()
        seen = []
        for _ in range(12):
            await as_owner(LOCKS_ARE_OVER)
            await guess(client)
            seen += await waits(as_owner, "pair")
        assert seen == [15, 30, 60, 120, 240, 480, 900, 900]

    async def test_attempts_during_a_lock_do_not_extend_it(
        self, client: httpx.AsyncClient, register: Register, as_owner: AsOwner
    ) -> None:
        await register()
        for _ in range(5):
            await guess(client)
        before = await as_owner("SELECT * FROM auth.login_attempts ORDER BY key")
        for _ in range(5):
            await guess(client)
        assert await as_owner("SELECT * FROM auth.login_attempts ORDER BY key") == before

    async def test_fifty_simultaneous_guesses_count_as_five(
        self, client: httpx.AsyncClient, register: Register, as_owner: AsOwner
    ) -> None:
        await register()
        answers = await asyncio.gather(*(guess(client) for _ in range(50)))
        assert {answer.status_code for answer in answers} == {401}
        ((failures,),) = await as_owner("SELECT failures FROM auth.login_attempts WHERE scope = 'pair'")
        assert failures == 5

    async def test_lock_that_begins_during_a_password_check_applies_to_it(
        self, app: FastAPI, client: httpx.AsyncClient, register: Register, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await register()
        context = app.state.auth
        original = context.passwords.matches

        async def late(password: str, known: str | None) -> bool:
            monkeypatch.setattr(context.passwords, "matches", original)
            for _ in range(5):
                await guess(client)
            return bool(await original(password, known))

        monkeypatch.setattr(context.passwords, "matches", late)
        assert (await guess(client, PASSWORD)).status_code == 401

    async def test_unknown_address_is_locked_like_a_known_one(
        self, client: httpx.AsyncClient, register: Register, outbox: Outbox
    ) -> None:
        await register()
        for email in (EMAIL, "ingen@example.com"):
            answers = [comparable(await guess(client, email=email)) for _ in range(7)]
            assert all(answer == answers[0] for answer in answers)
        assert len(types(await outbox(), "login.locked.v1")) == 2

    async def test_successful_login_clears_the_failures(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        for _ in range(3):
            for _ in range(4):
                await guess(client)
            await login()


class TestAccount:
    async def lock_account(self, other_client: OtherClient) -> None:
        for number in range(20):
            await guess(await other_client(f"203.0.113.{number}"))

    async def test_guessing_from_many_addresses_locks_the_account_for_unknown_addresses(
        self, other_client: OtherClient, register: Register, as_owner: AsOwner
    ) -> None:
        await register()
        await self.lock_account(other_client)
        assert (await guess(await other_client("198.51.100.1"), PASSWORD)).status_code == 401
        assert await waits(as_owner, "account") == [15]

    async def test_owner_can_log_in_from_a_known_address(
        self, client: httpx.AsyncClient, other_client: OtherClient, register: Register, login: Login
    ) -> None:
        await register()
        await login()
        await self.lock_account(other_client)
        await login()

    async def test_owner_can_log_in_from_a_new_address_after_a_password_reset(
        self, other_client: OtherClient, register: Register, mailed: Mailed, client: httpx.AsyncClient
    ) -> None:
        await register()
        new_place = await other_client("198.51.100.1")
        await client.post("/api/v1/auth/forgot-password", json={"email": EMAIL})
        body = {"token": await mailed("password_reset_requested"), "new_password": "et helt nyt kodeord"}
        assert (await new_place.post("/api/v1/auth/reset-password", json=body)).status_code == 204
        await self.lock_account(other_client)
        assert (await guess(new_place, "et helt nyt kodeord")).status_code == 200

    async def test_account_is_never_locked_for_longer_than_five_minutes(
        self, other_client: OtherClient, register: Register, as_owner: AsOwner
    ) -> None:
        await register()
        await self.lock_account(other_client)
        await as_owner("UPDATE auth.login_attempts SET failures = 1000000 WHERE scope = 'account'")
        await as_owner(LOCKS_ARE_OVER)
        await guess(await other_client("198.51.100.1"))
        assert await waits(as_owner, "account") == [300]

    async def test_failures_are_forgotten_after_a_day_without_any(
        self, client: httpx.AsyncClient, register: Register, as_owner: AsOwner
    ) -> None:
        await register()
        for _ in range(5):
            await guess(client)
        await as_owner(
            "UPDATE auth.login_attempts SET last_failure_at = now() - interval '25 hours',"
            " locked_until = now() - interval '24 hours'"
        )
        for _ in range(4):
            await guess(client)
        assert (await guess(client, PASSWORD)).status_code == 200


class TestAddress:
    async def test_guessing_many_accounts_from_one_address_locks_the_address(
        self, other_client: OtherClient, register: Register, login: Login, as_owner: AsOwner
    ) -> None:
        await register()
        attacker = await other_client("203.0.113.66")
        for number in range(50):
            await guess(attacker, email=f"k{number}@example.com")
        assert (await guess(attacker, PASSWORD)).status_code == 401
        assert await waits(as_owner, "address") == [15]
        await login()

    def test_addresses_of_an_ipv6_network_count_as_one(self) -> None:
        assert Client("2001:db8::1", "").network == Client("2001:db8::ffff:1", "").network
        assert Client("2001:db8::1", "").network != Client("2001:db8:0:1::1", "").network
        assert Client("::ffff:203.0.113.7", "").network == Client("203.0.113.7", "").network

    async def test_attempts_table_holds_neither_account_nor_address(
        self, client: httpx.AsyncClient, register: Register, as_owner: AsOwner
    ) -> None:
        await register()
        await guess(client)
        kept = str(await as_owner("SELECT * FROM auth.login_attempts"))
        assert "kirsten" not in kept
        assert "127.0.0.1" not in kept


class TestPasswordChange:
    async def test_changing_the_password_counts_wrong_passwords_like_a_login(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        headers = bearer(await login())
        body = {"old_password": "forkert kodeord", "new_password": "et helt nyt kodeord"}
        for _ in range(5):
            await client.post("/api/v1/auth/change-password", json=body, headers=headers)
        right = body | {"old_password": PASSWORD}
        assert (await client.post("/api/v1/auth/change-password", json=right, headers=headers)).status_code == 422
        assert (await guess(client, PASSWORD)).status_code == 401
