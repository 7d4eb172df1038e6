"""Refresh tokens: each works once, a retry gets the same answer, and reuse ends the session."""

import asyncio

import httpx
import jwt
import pytest
from fastapi import FastAPI

from services.auth.events import SessionRefreshed, SessionRevoked, SessionStarted
from services.auth.tests.conftest import (
    PASSWORD,
    AsOwner,
    Login,
    OtherClient,
    Register,
    bearer,
    types,
)
from shared.testing.types import Outbox

REFRESH = "/api/v1/auth/refresh"


LATER = "UPDATE auth.refresh_tokens SET used_at = used_at - interval '11 seconds'"


async def send(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(REFRESH, json={"refresh_token": token})


class TestRotation:
    async def test_token_works_once_and_reuse_ends_the_session(
        self, client: httpx.AsyncClient, register: Register, login: Login, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        second = (await client.post("/api/v1/auth/refresh", json={"refresh_token": first})).json()["refresh_token"]
        await as_owner("UPDATE auth.refresh_tokens SET used_at = used_at - interval '11 seconds'")
        assert (await client.post("/api/v1/auth/refresh", json={"refresh_token": first})).status_code == 401
        assert (await client.post("/api/v1/auth/refresh", json={"refresh_token": second})).status_code == 401
        revoked = [event for event in await outbox() if event["type"] == "session.revoked.v1"]
        assert [event["data"]["reason"] for event in revoked] == ["reused"]

    async def test_access_token_is_not_accepted_as_refresh_token(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        tokens = await login()
        body = {"refresh_token": tokens["access_token"][:512]}
        assert (await client.post("/api/v1/auth/refresh", json=body)).status_code == 401
        headers = {"Authorization": f"Bearer {tokens['refresh_token']}"}
        assert (await client.get("/api/v1/users/me", headers=headers)).status_code == 401


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

    async def test_twenty_simultaneous_calls_of_one_client_get_one_new_token(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        answers = await asyncio.gather(*(send(client, first) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        (second,) = {answer.json()["refresh_token"] for answer in answers}
        assert second != first

    async def test_retry_after_ten_seconds_is_a_reuse(
        self, client: httpx.AsyncClient, register: Register, login: Login, as_owner: AsOwner
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        second = (await send(client, first)).json()["refresh_token"]
        await as_owner(LATER)
        assert (await send(client, first)).status_code == 401
        assert (await send(client, second)).status_code == 401

    async def test_retry_after_the_new_token_was_used_by_another_client_is_a_reuse(
        self, client: httpx.AsyncClient, other_client: OtherClient, register: Register, login: Login
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        second = (await send(client, first)).json()["refresh_token"]
        third = (await send(await other_client(agent="thief"), second)).json()["refresh_token"]
        assert (await send(client, first)).status_code == 401
        assert (await send(client, third)).status_code == 401

    @pytest.mark.parametrize("other", [{"host": "198.51.100.9", "agent": "python-httpx"}, {"agent": "thief"}])
    async def test_use_by_another_client_ends_the_session_immediately(
        self,
        client: httpx.AsyncClient,
        other_client: OtherClient,
        register: Register,
        login: Login,
        outbox: Outbox,
        other: dict[str, str],
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        second = (await send(client, first)).json()["refresh_token"]
        assert (await send(await other_client(**other), first)).status_code == 401
        assert (await send(client, second)).status_code == 401
        assert [event["reason"] for event in types(await outbox(), "session.revoked.v1")] == ["reused"]

    async def test_only_hashes_of_tokens_are_stored(
        self, client: httpx.AsyncClient, app: FastAPI, register: Register, login: Login, as_owner: AsOwner
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        second = (await send(client, first)).json()["refresh_token"]
        kept = str(await as_owner("SELECT t, s, o.data FROM auth.refresh_tokens t, auth.sessions s, auth.outbox o"))
        assert first not in kept
        assert second not in kept
        hashes = {row.token_hash for row in await as_owner("SELECT token_hash FROM auth.refresh_tokens")}
        assert hashes == {app.state.auth.encryption.token_digests("refresh", token)[0] for token in (first, second)}


class TestAttacks:
    async def test_twenty_clients_at_once_end_the_session(
        self, other_client: OtherClient, register: Register, login: Login, outbox: Outbox
    ) -> None:
        await register()
        first = (await login())["refresh_token"]
        thieves = [await other_client(f"203.0.113.{number}") for number in range(20)]
        answers = await asyncio.gather(*(send(thief, first) for thief in thieves))
        won = [answer.json()["refresh_token"] for answer in answers if answer.status_code == 200]
        assert len(won) == 1
        assert (await send(thieves[0], won[0])).status_code == 401
        assert len(types(await outbox(), "session.revoked.v1")) == 1

    async def test_token_decides_whose_session_it_is_whatever_the_access_token(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        await register("oskar@example.com")
        kirsten, oskar = await login(), await login("oskar@example.com")
        body = {"refresh_token": kirsten["refresh_token"]}
        answer = await client.post(REFRESH, json=body, headers=bearer(oskar))
        me = await client.get("/api/v1/users/me", headers=bearer(answer.json()))
        assert me.json()["email"] == "kirsten@example.com"  # the refresh token decides, not the access token

    async def test_forged_tokens_are_refused(self, client: httpx.AsyncClient, register: Register, login: Login) -> None:
        await register()
        tokens = await login()
        real = tokens["refresh_token"]
        flipped = real[:-3] + ("A" if real[-3] != "A" else "B") + real[-2:]
        for made_up in (flipped, real[:-1], real + "A", real.upper(), "x", "' OR 1=1 --", tokens["access_token"][:512]):
            assert (await send(client, made_up)).status_code == 401
        assert (await send(client, real)).status_code == 200

    async def test_token_is_refused_after_logout(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        tokens = await login()
        await client.post("/api/v1/auth/logout", headers=bearer(tokens))
        assert (await send(client, tokens["refresh_token"])).status_code == 401

    async def test_expired_token_is_refused_and_revokes_nothing(
        self, client: httpx.AsyncClient, register: Register, login: Login, as_owner: AsOwner, outbox: Outbox
    ) -> None:
        await register()
        token = (await login())["refresh_token"]
        await as_owner("UPDATE auth.refresh_tokens SET expires_at = now()")
        assert (await send(client, token)).status_code == 401
        assert types(await outbox(), "session.revoked.v1") == []

    async def test_login_ignores_a_refresh_token_in_the_cookie(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        planted = (await login())["refresh_token"]
        body = {"email": "kirsten@example.com", "password": PASSWORD, "session": "cookie"}
        headers = {"Cookie": f"__Host-loctician-refresh={planted}"}
        answer = await client.post("/api/v1/auth/login", json=body, headers=headers)
        assert planted not in answer.headers["set-cookie"]


DECLARED = {event.type_: event for event in (SessionStarted, SessionRefreshed, SessionRevoked)}


async def test_events_that_the_database_emits_match_their_classes_and_name_the_user(
    client: httpx.AsyncClient, other_client: OtherClient, register: Register, login: Login, outbox: Outbox
) -> None:
    await register()
    tokens = await login()
    user_id = jwt.decode(tokens["access_token"], options={"verify_signature": False})["sub"]
    await send(client, tokens["refresh_token"])
    await send(await other_client(agent="Thief/1"), tokens["refresh_token"])
    emitted = [event for event in await outbox() if event["type"] in DECLARED]
    assert [event["type"] for event in emitted] == list(DECLARED)
    for event in emitted:
        parsed = DECLARED[event["type"]].model_validate(event["data"])
        assert (str(parsed.user_id), parsed.subject, parsed.version) == (user_id, event["subject"], event["version"])
        assert (event["actorid"], event["actorrole"]) == (user_id, "customer")
        assert event["requestid"]
