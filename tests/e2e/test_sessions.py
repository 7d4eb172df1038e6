"""A session that ends is invalid at once, for calls and for open WebSockets."""

import asyncio
from contextlib import suppress

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.salon import bearer, sign_in
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
