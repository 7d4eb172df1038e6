"""What people do with the salon through the gateway: sign in, look for a time, listen, read their mail."""

import asyncio
import email
import email.policy
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection

from shared.testing.browsers import be_browser
from shared.testing.waiting import eventually

PASSWORD = "loctician-demo-2026"
MAIL_FOLDERS: dict[str, Path] = {}  # where the mails of each platform are kept, by the address of its gateway
VERIFYING = re.compile(r"/account/verify-email#token=([\w-]+)")
Json = dict[str, Any]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def sign_in(http: httpx.AsyncClient, address: str, password: str = PASSWORD) -> str:
    answer = await http.post("/api/v1/auth/login", json={"email": address, "password": password})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def register_only(http: httpx.AsyncClient, name: str) -> str:
    """The address of a new customer, who is mailed a link to verify it."""
    address = f"{name}-{uuid4().hex[:8]}@example.com"
    body = {"email": address, "password": PASSWORD, "full_name": f"{name.title()} Ærø", "language": "da"}
    be_browser(http)
    assert (await http.post("/api/v1/auth/register", json=body)).status_code == 202
    return address


async def register(http: httpx.AsyncClient, name: str) -> tuple[str, str]:
    """A new customer's address and access token."""
    address = await register_only(http, name)
    await verify(http, address)
    return address, await sign_in(http, address)


async def verify(http: httpx.AsyncClient, address: str) -> None:
    """Uses the link that was mailed, in the browser that registered the address."""
    folder = MAIL_FOLDERS[str(http.base_url).rstrip("/")]

    async def links() -> list[str]:
        return [token for mail in mails_to(folder, address) for token in VERIFYING.findall(text_of(mail))]

    token = (await eventually(links, bool, f"the link that verifies {address}", 30.0))[-1]
    answer = await http.post("/api/v1/auth/verify-email", json={"token": token})
    assert answer.status_code == 204, answer.text


async def receive(socket: ClientConnection, type_: str, fits: Callable[[Json], bool]) -> Json:
    while True:
        message: Json = json.loads(await socket.recv())
        if message["type"] == type_ and fits(message["data"]):
            return message


async def soon(message: Awaitable[Json]) -> Json:
    """What everyone is to hear within two seconds of the change."""
    return await asyncio.wait_for(message, 2)


async def free_slots(http: httpx.AsyncClient, service_id: str, **more: str) -> list[Json]:
    begin = datetime.now(UTC) + timedelta(days=2)
    query = {"service_id": service_id, "from": begin.isoformat(), "to": (begin + timedelta(days=14)).isoformat()}
    answer = await http.get("/api/v1/slots", params=query | more)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def kept_mails(folder: Path) -> list[EmailMessage]:
    """What the sink has kept, oldest first."""
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(folder.glob("*.eml"))
    ]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return "" if body is None else str(body.get_content())


def mails_to(folder: Path, address: str) -> list[EmailMessage]:
    return [mail for mail in kept_mails(folder) if address in mail["to"]]


def invitation(mail: EmailMessage) -> str:
    """The calendar entry within a mail, unfolded (RFC 5545, section 3.1); empty when there is none."""
    parts = (part for part in mail.walk() if part.get_content_type() == "text/calendar")
    return next((str(part.get_content()).replace("\r\n ", "").replace("\n ", "") for part in parts), "")
