"""Refresh tokens: each works once; a retry gets the same answer; a thief gets nothing and is noticed."""

import asyncio
from typing import Any

import httpx
import jwt
import pytest

from services.auth.encryption import token_digest
from services.auth.events import SessionRefreshed, SessionRevoked, SessionStarted
from services.auth.tests.conftest import (
    PASSWORD,
    Behind,
    Elsewhere,
    Login,
    Outbox,
    Register,
    bearer,
    types,
)

REFRESH = "/api/v1/auth/refresh"
LATER = "UPDATE auth.refresh_tokens SET used_at = used_at - interval '11 seconds'"


async def send(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(REFRESH, json={"refresh_token": token})


class TestRetry:
    async def test_same_client_gets_the_same_token_again_within_ten_seconds(
        self, client: httpx.AsyncClient, register: Register, login: Login, outbox: Outbox
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        answers = [await send(client, first) for _ in range(3)]
        (second,) = {answer.json()["refresh_token"] for answer in answers}
        assert (await send(client, second)).status_code == 200
        assert len(types(await outbox(), "session.refreshed.v1")) == 2
        assert types(await outbox(), "session.revoked.v1") == []

    async def test_twenty_at_once_from_one_client_give_one_new_token(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        answers = await asyncio.gather(*(send(client, first) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        (second,) = {answer.json()["refresh_token"] for answer in answers}
        assert second != first

    async def test_after_ten_seconds_it_is_a_reuse(
        self, client: httpx.AsyncClient, register: Register, login: Login, behind: Behind
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        second = (await send(client, first)).json()["refresh_token"]
        await behind(LATER)
        assert (await send(client, first)).status_code == 401
        assert (await send(client, second)).status_code == 401

    async def test_once_the_successor_was_used_it_is_a_reuse(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        second = (await send(client, first)).json()["refresh_token"]
        third = (await send(client, second)).json()["refresh_token"]
        assert (await send(client, first)).status_code == 401
        assert (await send(client, third)).status_code == 401

    @pytest.mark.parametrize("other", [{"host": "198.51.100.9", "agent": "python-httpx"}, {"agent": "thief"}])
    async def test_another_client_ends_the_session_even_at_once(
        self,
        client: httpx.AsyncClient,
        elsewhere: Elsewhere,
        register: Register,
        login: Login,
        outbox: Outbox,
        other: dict[str, str],
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        second = (await send(client, first)).json()["refresh_token"]
        assert (await send(await elsewhere(**other), first)).status_code == 401
        assert (await send(client, second)).status_code == 401
        assert [event["reason"] for event in types(await outbox(), "session.revoked.v1")] == ["reused"]

    async def test_no_token_is_kept_as_it_is(
        self, client: httpx.AsyncClient, register: Register, login: Login, behind: Behind
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        second = (await send(client, first)).json()["refresh_token"]
        kept = str(await behind("SELECT t, s, o.data FROM auth.refresh_tokens t, auth.sessions s, auth.outbox o"))
        assert first not in kept
        assert second not in kept
        hashes = {row.token_hash for row in await behind("SELECT token_hash FROM auth.refresh_tokens")}
        assert hashes == {token_digest(first), token_digest(second)}


class TestAttacks:
    async def test_twenty_clients_at_once_win_nothing_that_lasts(
        self, elsewhere: Elsewhere, register: Register, login: Login, outbox: Outbox
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        thieves = [await elsewhere(f"203.0.113.{number}") for number in range(20)]
        answers = await asyncio.gather(*(send(thief, first) for thief in thieves))
        won = [answer.json()["refresh_token"] for answer in answers if answer.status_code == 200]
        assert len(won) == 1
        assert (await send(thieves[0], won[0])).status_code == 401
        assert len(types(await outbox(), "session.revoked.v1")) == 1

    async def test_token_of_another_is_of_no_use_with_ones_own_access_token(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        await register("oskar@example.com")
        kirsten, oskar = await login(), await login("oskar@example.com")
        body = {"refresh_token": kirsten["refresh_token"]}
        answer = await client.post(REFRESH, json=body, headers=bearer(oskar))
        me = await client.get("/api/v1/users/me", headers=bearer(answer.json()))
        assert me.json()["email"] == "kirsten@example.com"  # whose token it is decides, never the caller's word

    async def test_nothing_made_up_works(self, client: httpx.AsyncClient, register: Register, login: Login) -> None:
        await register()
        tokens = await login()
        real = tokens["refresh_token"]
        flipped = real[:-3] + ("A" if real[-3] != "A" else "B") + real[-2:]
        for made_up in (flipped, real[:-1], real + "A", real.upper(), "x", "' OR 1=1 --", tokens["access_token"][:512]):
            assert (await send(client, made_up)).status_code == 401
        assert (await send(client, real)).status_code == 200

    async def test_after_logout_it_is_dead(self, client: httpx.AsyncClient, register: Register, login: Login) -> None:
        await register()
        tokens = await login()
        await client.post("/api/v1/auth/logout", headers=bearer(tokens))
        assert (await send(client, tokens["refresh_token"])).status_code == 401

    async def test_expired_one_is_refused_and_revokes_nothing(
        self, client: httpx.AsyncClient, register: Register, login: Login, behind: Behind, outbox: Outbox
    ) -> None:
        await register()
        token = (await login())["refresh_token"]
        await behind("UPDATE auth.refresh_tokens SET expires_at = now()")
        assert (await send(client, token)).status_code == 401
        assert types(await outbox(), "session.revoked.v1") == []

    async def test_a_login_takes_no_session_from_its_caller(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        planted = (await login())["refresh_token"]
        body = {"email": "kirsten@example.com", "password": PASSWORD, "session": "cookie"}
        headers = {"Cookie": f"__Host-loctician-refresh={planted}"}
        answer = await client.post("/api/v1/auth/login", json=body, headers=headers)
        assert planted not in answer.headers["set-cookie"]


class TestSessions:
    async def test_are_listed_with_where_they_are_and_which_is_this(
        self, client: httpx.AsyncClient, elsewhere: Elsewhere, register: Register, login: Login
    ) -> None:
        await register()
        here = await login()
        phone = await elsewhere("2001:db8::7", "Phone")
        body = {"email": "kirsten@example.com", "password": PASSWORD}
        there = (await phone.post("/api/v1/auth/login", json=body)).json()
        items = (await client.get("/api/v1/auth/sessions", headers=bearer(here))).json()["items"]
        assert [(one["user_agent"], one["address"], one["current"]) for one in items] == [
            ("Phone", "2001:db8::7", False),
            (client.headers["user-agent"], "127.0.0.1", True),
        ]
        gone = await client.delete(f"/api/v1/auth/sessions/{items[0]['id']}", headers=bearer(here))
        assert gone.status_code == 204
        assert (await send(phone, there["refresh_token"])).status_code == 401
        assert len((await client.get("/api/v1/auth/sessions", headers=bearer(here))).json()["items"]) == 1

    async def test_of_another_cannot_be_ended_or_told_from_none(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        await register("oskar@example.com")
        kirsten, oskar = await login(), await login("oskar@example.com")
        (item,) = (await client.get("/api/v1/auth/sessions", headers=bearer(kirsten))).json()["items"]
        for session_id in (item["id"], "0197f0a0-0000-7000-8000-000000000009"):
            answer = await client.delete(f"/api/v1/auth/sessions/{session_id}", headers=bearer(oskar))
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await send(client, kirsten["refresh_token"])).status_code == 200

    async def test_new_device_is_told(self, elsewhere: Elsewhere, register: Register, outbox: Outbox) -> None:
        await register()
        body = {"email": "kirsten@example.com", "password": PASSWORD}
        for agent in ("Firefox/128.0", "Firefox/129.1", "Phone/1"):
            await (await elsewhere(agent=agent)).post("/api/v1/auth/login", json=body)
        started: list[Any] = types(await outbox(), "session.started.v1")
        assert [event["new_device"] for event in started] == [False, False, True]


DECLARED = {one.type_: one for one in (SessionStarted, SessionRefreshed, SessionRevoked)}


async def test_what_the_database_emits_is_as_declared_and_names_the_user(
    client: httpx.AsyncClient, elsewhere: Elsewhere, register: Register, login: Login, outbox: Outbox
) -> None:
    await register()
    tokens = await login()
    user_id = jwt.decode(tokens["access_token"], options={"verify_signature": False})["sub"]
    await send(client, tokens["refresh_token"])
    await send(await elsewhere(agent="Thief/1"), tokens["refresh_token"])
    emitted = [one for one in await outbox() if one["type"] in DECLARED]
    assert [one["type"] for one in emitted] == list(DECLARED)
    for one in emitted:
        told = DECLARED[one["type"]].model_validate(one["data"])
        assert (str(told.user_id), told.subject, told.version) == (user_id, one["subject"], one["version"])
        assert (one["actorid"], one["actorrole"]) == (user_id, "customer")
        assert one["requestid"]
