"""A real browser: headless Chromium, driven over the Chrome DevTools Protocol."""

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from shared.testing.waiting import until

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0")
START_SECONDS, COMMAND_SECONDS, WAIT_SECONDS = 30.0, 20.0, 30.0


class Page:
    """One page. `errors`: what the browser logged as an error, also violations of the Content-Security-Policy."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.errors: list[str] = []
        self.requested: list[str] = []

    async def command(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(COMMAND_SECONDS):
            while True:
                message = json.loads(await self._socket.recv())
                if message.get("id") == number:
                    return message["result"]
                self._note(message)

    async def open(self, url: str) -> None:
        for domain in ("Page", "Log", "Runtime", "Network"):
            await self.command(f"{domain}.enable")
        await self.command("Page.navigate", url=url)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        return (await self.command("Runtime.evaluate", expression=expression, returnByValue=True))["result"].get(
            "value"
        )

    async def wait_for(self, expression: str) -> Any:
        """Waits until the expression is true; returns its value."""
        return await until(lambda: self.evaluate(expression), WAIT_SECONDS)

    def _note(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        if message.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(parameters["entry"]["text"])
        elif message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(parameters["exceptionDetails"]["text"])
        elif message.get("method") == "Network.requestWillBeSent":
            self.requested.append(parameters["request"]["url"])


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[Page]:
    """A page of a new browser with a profile in `folder`."""
    assert CHROMIUM is not None
    arguments = [*OPTIONS, f"--user-data-dir={folder}", "--window-size=1300,1400", "about:blank"]
    environment = os.environ | {"HOME": str(folder)}
    output = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(CHROMIUM, *arguments, stdout=output, stderr=output, env=environment)
    try:
        text = await until(lambda: _text_of(folder / "DevToolsActivePort"), START_SECONDS)
        port = int(text.split("\n")[0])
        async with connect(await _target(port), max_size=None) as socket:
            page = Page(socket)
            await page.open(url)
            yield page
    finally:
        process.kill()
        await process.wait()


def _text_of(path: Path) -> str | None:
    """Port and path of the browser's debugging server, once it has written both lines."""
    text = path.read_text() if path.exists() else ""
    return text if "\n" in text else None


async def _target(port: int) -> str:
    """The WebSocket address of the browser's first page."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /json/list HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    targets = json.loads(await reader.readexactly(length))
    writer.close()
    return str(next(target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page"))
