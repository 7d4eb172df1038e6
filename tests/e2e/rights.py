"""Exports and erasures, and the search for data that should be gone."""

import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from shared.messaging import broker
from shared.settings import plain_url
from tests.e2e.salon import Json, bearer, sign_in
from tests.e2e.stack import SERVICES, eventually

PROOF_SECONDS = 90.0


async def admin(http: httpx.AsyncClient) -> dict[str, str]:
    return bearer(await sign_in(http, "admin@loctician.example"))


async def exported(http: httpx.AsyncClient, user_id: str, headers: dict[str, str]) -> httpx.Response:
    return await eventually(
        lambda: http.get(f"/api/v1/users/{user_id}/export-data", headers=headers),
        lambda answer: answer.status_code != 202,
        "an export that all services have answered",
        PROOF_SECONDS,
    )


def unpacked(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


async def anonymized(http: httpx.AsyncClient, user_id: str, headers: dict[str, str]) -> Json:
    """The request, once every service has proven that it knows the person no more."""
    answer = await http.post(f"/api/v1/users/{user_id}/anonymize", headers=headers)
    assert answer.status_code == 202, answer.text
    return await finished(http, answer.headers["location"], headers)


async def finished(http: httpx.AsyncClient, where: str, headers: dict[str, str]) -> Json:
    async def read() -> Json:
        answer = await http.get(where, headers=headers)
        state: Json = answer.json() if answer.status_code == 200 else {"status": answer.status_code}
        return state

    return await eventually(read, lambda state: state["status"] == "done", "proof from every service", PROOF_SECONDS)


async def abandoned(database_url: str, user_id: str) -> int:
    """As if the person had signed up long ago and left it at that; how many auth has erased for it."""
    past = "now() - interval '31 days'"
    engine = create_async_engine(plain_url(database_url).replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.begin() as connection:
            for statement in (
                f"UPDATE auth.users SET created_at = {past} WHERE id = :id",
                f"UPDATE auth.sessions SET last_used_at = {past} WHERE user_id = :id",
                f"UPDATE auth.known_addresses SET seen_at = {past} WHERE user_id = :id",
                f"UPDATE auth.one_time_tokens SET expires_at = {past} WHERE user_id = :id",
            ):
                await connection.execute(text(statement), {"id": user_id})
            removal = text("SELECT auth.remove_never_verified(now() - interval '30 days', 10)")
            return int((await connection.execute(removal)).scalar_one())
    finally:
        await engine.dispose()


@asynccontextmanager
async def _everything(database_url: str) -> AsyncIterator[tuple[AsyncConnection, list[str]]]:
    """A connection as the owner to whom no policy applies, rolled back afterwards; and the tables of all schemas."""
    engine = create_async_engine(plain_url(database_url).replace("postgresql://", "postgresql+asyncpg://", 1))
    schemas = [*SERVICES, "gateway"]
    try:
        async with engine.connect() as connection:
            tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = ANY (:schemas)"
            named = list((await connection.execute(text(tables), {"schemas": schemas})).scalars())
            for table in named:
                await connection.execute(text(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
            yield connection, named
    finally:
        await engine.dispose()


async def dumped(database_url: str) -> dict[str, str]:
    """Table -> all of its rows as text, whatever policies say."""
    async with _everything(database_url) as (connection, tables):
        contents = {}
        for table in tables:
            rows = await connection.execute(text(f"SELECT CAST(one AS text) FROM {table} AS one"))
            contents[table] = "\n".join(rows.scalars())
        return contents


async def queued(amqp_url: str, management_url: str | None) -> dict[str, str]:
    """Queue -> everything that waits in it, left where it is."""
    async with broker.connection(amqp_url, "canary") as connection:
        channel = await connection.channel()
        contents = {}
        for name in await _queue_names(amqp_url, management_url):
            queue = await channel.get_queue(name)
            bodies: list[Any] = []
            while message := await queue.get(fail=False, timeout=10):
                bodies.append((message.headers, message.body))
            contents[name] = str(bodies)
        return contents


async def _queue_names(amqp_url: str, management_url: str | None) -> list[str]:
    if management_url is None:
        kinds = ("events", "retry.1s", "retry.10s", "retry.1m", "retry.10m", "dead")
        return [f"{service}.{kind}" for service in SERVICES for kind in kinds]
    vhost = quote(urlsplit(amqp_url).path.removeprefix("/") or "/", safe="")
    async with httpx.AsyncClient(base_url=management_url, timeout=10) as http:
        answer = await http.get(f"/api/queues/{vhost}")
    return [queue["name"] for queue in answer.json() if not queue.get("exclusive") and queue.get("type") == "quorum"]


def logged(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(errors="replace") for path in folder.glob("*.log")}


def spellings(mark: str) -> set[str]:
    """The ways in which a mark may stand somewhere: as it is, escaped in JSON, in hexadecimal."""
    escaped = orjson.dumps(mark).decode().strip('"')
    return {mark.lower(), escaped.lower(), mark.encode("unicode_escape").decode().lower(), mark.encode().hex()}


def holding(places: dict[str, str], marks: dict[str, str]) -> set[tuple[str, str]]:
    """Where which marks stand."""
    return {
        (place, name)
        for place, content in places.items()
        for name, mark in marks.items()
        if any(spelt in content.lower() for spelt in spellings(mark))
    }
