"""Sessions: listing, ending and logging out."""

from typing import Any

import httpx

from services.auth.tests.conftest import (
    PASSWORD,
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
