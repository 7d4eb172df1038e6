"""Sessions: listing, ending and logging out."""

from typing import Any

import httpx
import jwt
import pytest

from services.auth.tests.conftest import (
    EMAIL,
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


async def send(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(REFRESH, json={"refresh_token": token})


class TestSessions:
    async def test_are_listed_with_client_address_and_the_current_one_marked(
        self, client: httpx.AsyncClient, other_client: OtherClient, register: Register, login: Login
    ) -> None:
        await register()
        here = await login()
        phone = await other_client("2001:db8::7", "Phone")
        body = {"email": "kirsten@example.com", "password": PASSWORD}
        there = (await phone.post("/api/v1/auth/login", json=body)).json()
        items = (await client.get("/api/v1/auth/sessions", headers=bearer(here))).json()["items"]
        assert [(session["user_agent"], session["address"], session["current"]) for session in items] == [
            ("Phone", "2001:db8::7", False),
            (client.headers["user-agent"], "127.0.0.1", True),
        ]
        gone = await client.delete(f"/api/v1/auth/sessions/{items[0]['id']}", headers=bearer(here))
        assert gone.status_code == 204
        assert (await send(phone, there["refresh_token"])).status_code == 401
        assert len((await client.get("/api/v1/auth/sessions", headers=bearer(here))).json()["items"]) == 1

    async def test_of_another_user_are_answered_like_unknown_ones(
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

    async def test_new_device_is_published(self, other_client: OtherClient, register: Register, outbox: Outbox) -> None:
        await register()
        body = {"email": "kirsten@example.com", "password": PASSWORD}
        for agent in ("Firefox/128.0", "Firefox/129.1", "Phone/1"):
            await (await other_client(agent=agent)).post("/api/v1/auth/login", json=body)
        started: list[Any] = types(await outbox(), "session.started.v1")
        assert [event["new_device"] for event in started] == [False, False, True]


class TestLogout:
    async def test_ends_this_session_and_no_other(
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


class TestStaleTokens:
    """An access token that has expired, or is none, shuts nobody out of what needs none."""

    @pytest.mark.parametrize("value", ["Bearer x", "Bearer", "Basic YTpi", "", "Bearer a.b.c"])
    async def test_calls_for_anyone_ignore_it(
        self, value: str, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        tokens = await login()
        bad = {"Authorization": value}
        credentials = {"email": EMAIL, "password": PASSWORD}
        refresh = {"refresh_token": tokens["refresh_token"]}
        calls: list[tuple[str, dict[str, str], int]] = [
            ("login", credentials, 200),
            ("forgot-password", {"email": EMAIL}, 202),
            ("register", {"email": "b@example.com", "password": PASSWORD, "full_name": "B"}, 202),
            ("refresh", refresh, 200),
        ]
        for path, body, status in calls:
            answer = await client.post(f"/api/v1/auth/{path}", json=body, headers=bad)
            assert answer.status_code == status, path
        assert (await client.get("/api/v1/users/me", headers=bad)).status_code == 401

    async def test_logout_takes_the_refresh_token_or_the_cookie_instead(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        tokens, bad = await login(), {"Authorization": "Bearer expired"}
        refresh = {"refresh_token": tokens["refresh_token"]}
        assert (await client.post("/api/v1/auth/logout", headers=bad)).status_code == 401
        assert (await client.post("/api/v1/auth/logout", json=refresh, headers=bad)).status_code == 204
        assert (await client.post("/api/v1/auth/refresh", json=refresh)).status_code == 401
        ended = await client.post("/api/v1/auth/logout", json=refresh, headers=bad)
        assert (ended.status_code, ended.json()["code"]) == (401, "invalid_refresh_token")
        session = await client.post(
            "/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD, "session": "cookie"}
        )
        cookie = session.cookies["__Host-loctician-refresh"]
        client.cookies.clear()
        headers = bad | {"Cookie": f"__Host-loctician-refresh={cookie}"}
        assert (await client.post("/api/v1/auth/logout", headers=headers)).status_code == 403
        headers |= {"X-CSRF-Token": session.json()["csrf_token"]}
        assert (await client.post("/api/v1/auth/logout", headers=headers)).status_code == 204

    async def test_a_refreshed_token_keeps_the_time_of_the_login(
        self, client: httpx.AsyncClient, register: Register, login: Login, as_owner: AsOwner
    ) -> None:
        await register()
        tokens = await login()
        refresh = {"refresh_token": tokens["refresh_token"]}
        fresh = (await client.post("/api/v1/auth/refresh", json=refresh)).json()
        times = [
            jwt.decode(token, options={"verify_signature": False})["auth_time"]
            for token in (tokens["access_token"], fresh["access_token"])
        ]
        ((began,),) = await as_owner("SELECT extract(epoch FROM created_at) FROM auth.sessions")
        assert times[0] == times[1]
        assert abs(times[0] - float(began)) <= 2
