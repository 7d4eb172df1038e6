"""As little as a WebSocket server can be on uvicorn: it accepts, and sends what is posted to it to all."""

import asyncio
from typing import Any

connected: set[Any] = set()


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        connected.add(send)
        try:
            while (await receive())["type"] != "websocket.disconnect":
                pass
        finally:
            connected.discard(send)
    elif scope["type"] == "http":
        text = (await receive()).get("body", b"").decode()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
        if text:
            await asyncio.gather(*(send({"type": "websocket.send", "text": text}) for send in list(connected)))
    else:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
