"""Instagram portfolios, with a local server that answers well and badly."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import orjson
import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError
from sqlalchemy import text

from services.booking import privacy
from services.booking.portfolio import instagram
from services.booking.portfolio import worker as portfolio
from services.booking.settings import BookingSettings
from services.booking.tests.conftest import AMINA, JONAS
from shared.backoff import Backoff
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.servers import Servers, base_settings
from shared.testing.waiting import until

TOKEN = "IGAA-secret-of-the-salon"
ACCOUNT = "17841400000000001"
Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


def media(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"1790000000000{number:04}",
        "caption": f"Nye locs nr. {number} 🎉",
        "media_type": "IMAGE",
        "media_url": f"https://scontent.cdninstagram.example/{number}.jpg?oe=1",
        "permalink": f"https://www.instagram.com/p/{number}/",
        "timestamp": "2026-03-02T09:00:00+0000",
    } | changes


def answering(body: bytes, status: str = "200 OK", *headers: str) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        head = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}", *headers]
        writer.write("\r\n".join([*head, "", ""]).encode() + body)
        await writer.drain()

    return reply


def listing(*items: Any) -> Reply:
    return answering(orjson.dumps({"data": list(items), "paging": {"cursors": {}}}), "200 OK")


async def hanging(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def sending_slowly(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def closing_early(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"data": [')
    await writer.drain()


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        writer.write(b"[" * 65536)
        await writer.drain()


@dataclass
class Graph:
    """Sends its replies one after the other, and repeats the last one."""

    replies: list[Reply] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(request.split(b" ")[1].decode())
            await (self.replies.pop(0) if len(self.replies) > 1 else self.replies[0])(writer)
        writer.close()


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    graph = Graph()
    open_calls: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        open_calls.add(task)
        with suppress(asyncio.CancelledError):
            await graph.serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    graph.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield graph
    server.close()
    for task in open_calls:
        task.cancel()
    await asyncio.gather(*open_calls, return_exceptions=True)


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the timeouts, so that tests do not wait for them."""
    monkeypatch.setattr(instagram, "TIMEOUT", httpx.Timeout(0.5))
    monkeypatch.setattr(instagram, "DEADLINE", 1.0)
    monkeypatch.setattr(instagram, "BACKOFF", Backoff(first=0.001, longest=0.001))


@asynccontextmanager
async def booking_body(graph: Graph) -> AsyncIterator[httpx.AsyncClient]:
    async with instagram.create_client(graph.url) as client:
        yield client


async def fetch(graph: Graph, *replies: Reply) -> list[instagram.Media]:
    graph.replies = list(replies)
    async with booking_body(graph) as client:
        return await instagram.newest_media(client, ACCOUNT, TOKEN)


class TestGraphApi:
    async def test_requests_the_media_of_one_account(self, graph: Graph) -> None:
        video = media(2, media_type="VIDEO", thumbnail_url="https://scontent.example/t.jpg")
        fetched = await fetch(graph, listing(media(1), video))
        assert [(item.id, item.media_type) for item in fetched] == [
            ("17900000000000001", "IMAGE"), ("17900000000000002", "VIDEO"),
        ]  # fmt: skip
        url = urlsplit(graph.requests[0])
        assert url.path == f"/{ACCOUNT}/media"
        assert parse_qs(url.query) == {
            "fields": ["id,caption,media_type,media_url,permalink,thumbnail_url,timestamp"],
            "limit": ["24"],
            "access_token": [TOKEN],
        }

    async def test_retries_temporary_errors(self, graph: Graph) -> None:
        too_many = answering(b'{"error": {"code": 4}}', "429 Too Many Requests")
        fetched = await fetch(graph, too_many, answering(b"", "503 Unavailable"), listing(media(1)))
        assert (len(fetched), len(graph.requests)) == (1, 3)

    async def test_does_not_retry_permanent_errors(self, graph: Graph) -> None:
        refused = answering(b'{"error": {"code": 190, "message": "expired"}}', "400 Bad Request")
        with pytest.raises(instagram.InstagramError, match="status 400"):
            await fetch(graph, refused)
        assert len(graph.requests) == 1

    async def test_gives_up_after_three_attempts(self, graph: Graph) -> None:
        for reply in (hanging, sending_slowly, closing_early, answering(b"", "500 Oops")):
            graph.requests.clear()
            with pytest.raises(instagram.InstagramError) as failed:
                await fetch(graph, reply)
            assert len(graph.requests) == 3
            assert TOKEN not in f"{failed.value!r}{failed.value.__cause__}"

    async def test_refuses_malformed_answers(self, graph: Graph) -> None:
        for body in (
            b"",
            b"<html>",
            b"null",
            b"[]",
            b'{"data": 5}',
            b'{"data": {"id": 1}}',
            b"\xff\xfe",
            b"[" * 90_000,
        ):
            with pytest.raises(instagram.InstagramError, match="no list of media"):
                await fetch(graph, answering(body))

    async def test_refuses_answers_of_ten_megabytes(self, graph: Graph) -> None:
        with pytest.raises(instagram.InstagramError, match="too large"):
            await fetch(graph, answering(b" " * 10_000_000))
        with pytest.raises(instagram.InstagramError, match="too large"):
            await fetch(graph, endless)
        packed = gzip.compress(b" " * 10_000_000)
        with pytest.raises(instagram.InstagramError, match="compressed"):
            await fetch(graph, answering(packed, "200 OK", "Content-Encoding: gzip"))

    async def test_follows_no_redirect(self, graph: Graph) -> None:
        with pytest.raises(instagram.InstagramError, match="status 302"):
            await fetch(graph, answering(b"", "302 Found", f"Location: {graph.url}/elsewhere"))
        assert len(graph.requests) == 1

    async def test_leaves_out_malformed_media_and_keeps_the_rest(self, graph: Graph) -> None:
        bad = [
            None, 5, {}, media(1, id="../x"), media(2, media_url="javascript:alert(1)"),
            media(3, media_url="http://plain.example/x.jpg"), media(4, permalink="https://"),
            media(5, media_url="https://x/" + "a" * 3000), media(6, media_type="<b>"),
            media(8, media_type="STORY"), media(7, timestamp="yesterday"),
            media(8, media_url='https://x/"onerror="alert(1)'), {**media(9), "media_url": None},
        ]  # fmt: skip
        fetched = await fetch(graph, listing(*bad, media(10, caption="a\x00b" + "æ" * 900), media(11, caption=None)))
        assert [item.id[-2:] for item in fetched] == ["10", "11"]
        assert fetched[0].caption == "ab" + "æ" * 498
        assert fetched[1].caption == ""

    async def test_takes_no_more_media_than_requested(self, graph: Graph) -> None:
        assert len(await fetch(graph, listing(*(media(n) for n in range(200))))) == instagram.MAX_MEDIA

    async def test_a_server_that_is_down_is_an_instagram_error(self, graph: Graph) -> None:
        async with instagram.create_client("http://127.0.0.1:9") as client:
            with pytest.raises(instagram.InstagramError, match="ConnectError"):
                await instagram.newest_media(client, ACCOUNT, TOKEN)


@pytest.fixture
async def source(salon: date, database: Database) -> None:
    """Gives Amina's profile an Instagram account."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        statement = "INSERT INTO booking.portfolio_sources (loctician_id, instagram_user_id) VALUES (:id, :account)"
        await session.execute(text(statement), {"id": AMINA, "account": ACCOUNT})


@pytest.fixture
def enabled(app: FastAPI, graph: Graph) -> BookingSettings:
    settings = app.state.runtime.settings
    assert isinstance(settings, BookingSettings)
    settings.enable_instagram, settings.instagram_url = True, graph.url
    settings.instagram_access_token = SecretStr(TOKEN)
    return settings


async def refresh(database: Database, graph: Graph, *replies: Reply) -> int:
    graph.replies = list(replies)
    async with booking_body(graph) as client:
        return await portfolio.refresh_due(database, client, TOKEN)


async def make_due(database: Database) -> None:
    async with transaction(database, SERVICE_CLAIMS) as session:
        await session.execute(text("UPDATE booking.portfolio_sources SET due_at = now() - interval '1 second'"))


async def due_in(database: Database) -> tuple[timedelta, int]:
    async with transaction(database, SERVICE_CLAIMS) as session:
        query = "SELECT due_at - now(), failures FROM booking.portfolio_sources"
        row = (await session.execute(text(query))).one()
        return row[0], row[1]


async def shown(client: httpx.AsyncClient, loctician: UUID = AMINA) -> list[str]:
    answer = await client.get(f"/api/v1/locticians/{loctician}")
    assert answer.status_code == 200
    assert TOKEN not in answer.text
    return [item["id"][-1] for item in answer.json()["portfolio"]]


@pytest.mark.usefixtures("source")
class TestPortfolio:
    async def test_shows_the_fetched_media_with_the_profile(
        self, client: httpx.AsyncClient, database: Database, graph: Graph, enabled: BookingSettings
    ) -> None:
        assert await shown(client) == []
        assert await refresh(database, graph, listing(media(2), media(1))) == 1
        assert await shown(client) == ["2", "1"]
        assert await shown(client, JONAS) == []
        first = (await client.get(f"/api/v1/locticians/{AMINA}")).json()["portfolio"][0]
        assert first == {
            "id": "17900000000000002",
            "kind": "image",
            "caption": "Nye locs nr. 2 🎉",
            "media_url": "https://scontent.cdninstagram.example/2.jpg?oe=1",
            "permalink": "https://www.instagram.com/p/2/",
            "thumbnail_url": None,
            "taken_at": "2026-03-02T10:00:00+01:00",
        }

    async def test_the_profile_is_served_without_calling_instagram(
        self, client: httpx.AsyncClient, database: Database, graph: Graph, enabled: BookingSettings
    ) -> None:
        graph.replies = [hanging]
        assert await shown(client) == []
        assert graph.requests == []

    async def test_a_failure_keeps_the_media_and_waits_longer_each_time(
        self, client: httpx.AsyncClient, database: Database, graph: Graph, enabled: BookingSettings
    ) -> None:
        await refresh(database, graph, listing(media(1)))
        wait, _ = await due_in(database)
        assert timedelta(minutes=50) < wait < timedelta(minutes=70)
        for failures, reply in enumerate((hanging, answering(b"<html>"), endless, closing_early)):
            await make_due(database)
            assert await refresh(database, graph, reply) == 1
            assert await shown(client) == ["1"]
            wait, counted = await due_in(database)
            assert counted == failures + 1
            assert timedelta(minutes=0.85 * 2**failures) < wait < timedelta(minutes=1.15 * 2**failures)
        assert portfolio.pause_after(500) < timedelta(hours=7)
        await make_due(database)
        await refresh(database, graph, listing(media(2)))
        assert await shown(client) == ["2"]
        assert (await due_in(database))[1] == 0

    async def test_portfolios_that_are_not_due_are_not_fetched(self, database: Database, graph: Graph) -> None:
        await refresh(database, graph, listing(media(1)))
        assert await refresh(database, graph, listing(media(2))) == 0

    async def test_two_replicas_do_not_fetch_the_same_portfolio(self, database: Database, graph: Graph) -> None:
        graph.replies = [listing(media(1))]
        async with booking_body(graph) as client:
            done = await asyncio.gather(*(portfolio.refresh_due(database, client, TOKEN) for _ in range(4)))
        assert sum(done) == len(graph.requests) == 1

    async def test_no_transaction_is_open_while_instagram_is_called(self, database: Database, graph: Graph) -> None:
        idle: list[int] = []

        async def looking(writer: asyncio.StreamWriter) -> None:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
            idle.append((await database.call(text(query)))[0][0])
            await listing(media(1))(writer)

        await refresh(database, graph, looking)
        assert idle == [0]

    async def test_media_are_hidden_after_a_week(
        self, client: httpx.AsyncClient, database: Database, graph: Graph, enabled: BookingSettings, owner: Any
    ) -> None:
        await refresh(database, graph, listing(media(1)))
        async with owner.begin() as connection:
            await connection.execute(text("SELECT set_config('request.jwt.claims', '{\"role\"\\: \"service\"}', true)"))
            await connection.execute(text("UPDATE booking.portfolio_media SET fetched_at = now() - interval '8 days'"))
        assert await shown(client) == []

    async def test_media_that_arrive_after_the_account_changed_are_dropped(
        self, client: httpx.AsyncClient, database: Database, graph: Graph, enabled: BookingSettings
    ) -> None:
        async def meanwhile(writer: asyncio.StreamWriter) -> None:
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.execute(text("UPDATE booking.portfolio_sources SET instagram_user_id = '2'"))
            await listing(media(1))(writer)

        await refresh(database, graph, meanwhile)
        assert await shown(client) == []

    async def test_nothing_is_shown_if_the_feature_is_off(
        self, client: httpx.AsyncClient, database: Database, graph: Graph
    ) -> None:
        await refresh(database, graph, listing(media(1)))
        assert await shown(client) == []

    async def test_the_worker_refreshes_by_itself_and_logs_no_token(
        self, client: httpx.AsyncClient, app: FastAPI, graph: Graph, enabled: BookingSettings,
        caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setattr(portfolio, "POLL_SECONDS", 0.02)
        caplog.set_level(logging.DEBUG)
        graph.replies = [answering(b"", "400 Bad Request")]
        worker = asyncio.create_task(portfolio.run(app.state.runtime))
        try:
            await until(lambda: graph.requests)
            graph.replies = [listing(media(3))]

            async def refreshed() -> bool:
                await make_due(app.state.runtime.database)
                return await shown(client) == ["3"]

            await until(refreshed)
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
        written = capsys.readouterr()
        logged = f"{caplog.text}{[record.__dict__ for record in caplog.records]}{written.out}{written.err}"
        assert "portfolio_not_refreshed" in logged
        assert TOKEN not in logged

    async def test_is_part_of_export_and_erasure(self, database: Database, graph: Graph) -> None:
        await refresh(database, graph, listing(media(1)))
        async with transaction(database, SERVICE_CLAIMS) as session:
            exported = await privacy.export(session, AMINA)
            assert exported["portfolio_source"][0]["instagram_user_id"] == ACCOUNT
            assert exported["portfolio_media"][0]["caption"] == "Nye locs nr. 1 🎉"
            proof = await privacy.erase(session, AMINA)
            left = await privacy.export(session, AMINA)
        assert (proof["portfolio_source"], proof["portfolio_media"]) == (1, 1)
        assert left["portfolio_source"] == left["portfolio_media"] == []


class TestSettings:
    def test_the_feature_needs_the_token(self, servers: Servers) -> None:
        values = base_settings(servers, servers.database_url)
        with pytest.raises(ValidationError, match="must be set when ENABLE_INSTAGRAM is"):
            BookingSettings.model_validate(values | {"enable_instagram": True})

    def test_the_url_must_be_https_in_production(self, servers: Servers) -> None:
        values = base_settings(servers, servers.database_url) | {"environment": "production"}
        with pytest.raises(ValidationError, match="must begin with https"):
            BookingSettings.model_validate(values | {"instagram_url": "http://graph.example"})

    def test_the_token_is_not_in_the_repr_of_the_settings(self, servers: Servers) -> None:
        values = base_settings(servers, servers.database_url) | {"instagram_access_token": TOKEN}
        assert TOKEN not in repr(BookingSettings.model_validate(values))
