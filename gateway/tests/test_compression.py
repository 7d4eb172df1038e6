"""Which answers are compressed, and that nothing else about them changes."""

import gzip
import zlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from gateway.proxy import compression
from gateway.proxy.compression import accepts_gzip
from gateway.proxy.headers import read
from gateway.tests.conftest import Upstreams, running, serving

SIZE = 50_000
TAG = '"7"'


async def salon(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers as the query says: size, type, pieces, extra headers; 304 and 412 by ETag."""
    if scope["type"] == "lifespan":
        return
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    received = dict(scope["headers"])
    body = (b"treatment " * SIZE)[: int(query.get("size", SIZE))]
    headers = [
        (b"content-type", query.get("type", "application/json").encode()),
        (b"etag", query.get("etag", TAG).encode()),
        (b"x-coding-asked-for", received.get(b"accept-encoding", b"none")),
    ]
    if "extra" in query:
        name, _, value = query["extra"].partition(":")
        headers.append((name.encode(), value.encode()))
    if received.get(b"if-none-match") == TAG.encode():
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body"})
        return
    if received.get(b"if-match", TAG.encode()) != TAG.encode():
        await send({"type": "http.response.start", "status": 412, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
        return
    pieces = int(query.get("pieces", 0))
    if not pieces:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": int(query.get("status", 200)), "headers": headers})
    for number in range(pieces):
        await send({"type": "http.response.body", "body": body[number::pieces], "more_body": True})
    await send({"type": "http.response.body", "body": b"" if pieces else body})


@pytest.fixture(scope="module")
async def url(upstreams: Upstreams) -> AsyncIterator[str]:
    async with (
        serving(salon, lifespan="off") as behind,
        running(upstreams, debug=True, booking_url=behind, auth_url=behind, calendar_url=behind) as (_, url),
    ):
        yield url


@pytest.fixture
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, headers={"Accept-Encoding": "gzip"}, timeout=10) as client:
        yield client


async def raw_body(answer: httpx.Response) -> bytes:
    return b"".join([piece async for piece in answer.aiter_raw()])


class TestCompressed:
    @pytest.mark.parametrize("type_", ["application/json", "text/html; charset=utf-8", "text/calendar"])
    async def test_a_long_text_is_compressed(self, client: httpx.AsyncClient, type_: str) -> None:
        async with client.stream("GET", "/api/v1/services", params={"type": type_}) as answer:
            packed = await raw_body(answer)
        assert answer.headers["content-encoding"] == "gzip"
        assert "Accept-Encoding" in answer.headers.get_list("vary")
        assert int(answer.headers["content-length"]) == len(packed) < SIZE / 10
        assert gzip.decompress(packed) == (b"treatment " * SIZE)[:SIZE]

    async def test_each_piece_of_a_streamed_answer_is_readable_at_once(self, client: httpx.AsyncClient) -> None:
        async with client.stream("GET", "/api/v1/services?pieces=40&size=400000") as answer:
            assert answer.headers["content-encoding"] == "gzip"
            assert "content-length" not in answer.headers
            reader = zlib.decompressobj(compression.GZIP)
            first = True
            whole = b""
            async for piece in answer.aiter_raw():
                plain = reader.decompress(piece)
                assert plain or not first
                whole, first = whole + plain, False
        assert len(whole) == 400_000
        assert reader.eof

    async def test_an_error_is_compressed_like_any_answer(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/v1/services?status=409&type=application/problem%2Bjson")
        assert (answer.status_code, answer.headers["content-encoding"], len(answer.content)) == (409, "gzip", SIZE)

    async def test_the_gateways_own_answers_are_compressed(self, client: httpx.AsyncClient) -> None:
        packed = await client.get("/metrics")
        plain = await client.get("/metrics", headers={"Accept-Encoding": "identity"})
        assert (packed.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
        helps = [[line for line in answer.text.splitlines() if line.startswith("# HELP")] for answer in (packed, plain)]
        assert helps[0] == helps[1] != []

    async def test_services_are_not_asked_for_a_coding(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/v1/services", headers={"Accept-Encoding": "br, gzip"})
        assert answer.headers["x-coding-asked-for"] == "none"


class TestNotCompressed:
    @pytest.mark.parametrize(
        "query",
        [
            "size=1023",
            "type=application/zip",
            "type=image/png",
            "type=text/event-stream&pieces=3",
            "extra=content-encoding:br",
            "extra=cache-control:no-transform",
            "status=206&extra=content-range:bytes+0-1/2",
        ],
    )
    async def test_small_encoded_or_binary_answers_are_not_compressed(
        self, client: httpx.AsyncClient, query: str
    ) -> None:
        async with client.stream("GET", f"/api/v1/services?{query}") as answer:
            body = await raw_body(answer)
        assert answer.headers.get("content-encoding") in (None, "br")
        assert len(body) == (1023 if "1023" in query else SIZE)
        assert answer.headers["etag"] == TAG

    @pytest.mark.parametrize("path", ["/api/v1/auth/login", "/account/reset-password", "/api/v1/calendar/1/feed"])
    async def test_answers_with_a_secret_are_not_compressed(self, client: httpx.AsyncClient, path: str) -> None:
        """Their compressed length reveals how much of the request is also in the secret (BREACH)."""
        answer = await client.get(path)
        assert "content-encoding" not in answer.headers
        assert len(answer.content) == SIZE

    @pytest.mark.parametrize("coding", ["identity", "br", "gzip;q=0", "*;q=0", "gzip;q=x"])
    async def test_answers_to_clients_without_gzip_are_not_compressed(
        self, client: httpx.AsyncClient, coding: str
    ) -> None:
        answer = await client.get("/api/v1/services", headers={"Accept-Encoding": coding})
        assert "content-encoding" not in answer.headers
        assert "Accept-Encoding" in answer.headers.get_list("vary")  # for caches: another client may get it otherwise

    @pytest.mark.parametrize("coding", ["gzip", "identity"])
    async def test_head_has_the_headers_of_the_form_that_get_sends(
        self, client: httpx.AsyncClient, coding: str
    ) -> None:
        answers = [
            await client.request(method, "/api/v1/services", headers={"Accept-Encoding": coding})
            for method in ("GET", "HEAD")
        ]
        get, head = ({**answer.headers, "x-request-id": "", "date": ""} for answer in answers)
        assert get == head
        assert (len(answers[0].content), answers[1].content) == (SIZE, b"")

    @pytest.mark.parametrize(
        ("coding", "reads"),
        [
            *[(b"gzip", True), (b"GZIP", True), (b"deflate, gzip;q=0.5", True), (b"*", True), (b"x-gzip", True)],
            *[(b"", False), (b"gzip;q=0.0", False), (b"*;q=0, gzip", True), (b"gzip;q=0, *", False), (b";;,q=", False)],
        ],
    )
    def test_accept_encoding_is_read_as_the_standard_says(self, coding: bytes, reads: bool) -> None:
        assert accepts_gzip(read([(b"accept-encoding", coding)])) is reads


class TestEtags:
    async def test_the_compressed_form_has_an_etag_of_its_own_that_services_never_see(
        self, client: httpx.AsyncClient
    ) -> None:
        packed = await client.get("/api/v1/services")
        plain = await client.get("/api/v1/services", headers={"Accept-Encoding": "identity"})
        assert plain.headers["etag"] == TAG
        assert packed.headers["etag"] == '"7-gzip"'
        for tag in (packed.headers["etag"], plain.headers["etag"]):
            again = await client.get("/api/v1/services", headers={"If-None-Match": tag})
            assert (again.status_code, again.headers["etag"]) == (304, tag)
            changed = await client.put("/api/v1/services/1", headers={"If-Match": tag})
            assert changed.status_code == 200
        stale = await client.put("/api/v1/services/1", headers={"If-Match": '"6-gzip"'})
        assert stale.status_code == 412

    async def test_a_weak_etag_does_not_change(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/v1/services", params={"etag": 'W/"7"'})
        assert answer.headers["etag"] == 'W/"7"'
        assert answer.headers["content-encoding"] == "gzip"
