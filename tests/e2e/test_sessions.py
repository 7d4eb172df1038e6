"""A session that ends is invalid at once, for calls and for open WebSockets."""

import asyncio
from contextlib import suppress

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.salon import PASSWORD, bearer, sign_in
from tests.e2e.stack import Stack, eventually


@pytest.mark.slow
async def test_a_logout_takes_effect_at_once(stack: Stack) -> None:
    socket_url = stack.url.replace("http", "ws", 1) + "/ws"
    async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
        token, other = [await sign_in(http, "kunde@loctician.example") for _ in range(2)]

        async def status(access_token: str) -> int:
            return (await http.get("/api/v1/users/me", headers=bearer(access_token))).status_code

        assert [await status(token), await status(other)] == [200, 200]
        async with connect(f"{socket_url}?token={token}") as socket:
            await asyncio.wait_for(await socket.ping(), 5)
            assert (await http.post("/api/v1/auth/logout", headers=bearer(token))).status_code == 204
            await eventually(lambda: status(token), lambda code: code == 401, "the token to be refused", 1.0)
            async with asyncio.timeout(1):
                with suppress(ConnectionClosed):
                    await socket.recv()
            assert socket.close_code == 4401
        assert await status(other) == 200


@pytest.mark.slow
async def test_a_stale_token_shuts_nobody_out_of_what_needs_none(stack: Stack) -> None:
    async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
        credentials = {"email": "kunde@loctician.example", "password": PASSWORD}
        session = (await http.post("/api/v1/auth/login", json=credentials)).json()
        revoked = session["access_token"]
        refresh = {"refresh_token": session["refresh_token"]}
        for stale in ("Bearer x", "Basic YTpi"):
            headers = {"Authorization": stale}
            for path in ("/api/v1/services", "/api/v1/locticians", "/api/v1/bookings/rules"):
                assert (await http.get(path, headers=headers)).status_code == 200, (path, stale)
            again = await http.post("/api/v1/auth/login", json=credentials, headers=headers)
            assert again.status_code == 200
            assert (await http.get("/api/v1/users/me", headers=headers)).status_code == 401
        ended = await http.post("/api/v1/auth/logout", json=refresh, headers={"Authorization": "Bearer x"})
        assert ended.status_code == 204

        async def status() -> int:
            return (await http.get("/api/v1/users/me", headers=bearer(revoked))).status_code

        await eventually(status, lambda code: code == 401, "the token to be refused", 1.0)
        assert (await http.get("/api/v1/services", headers=bearer(revoked))).status_code == 200
