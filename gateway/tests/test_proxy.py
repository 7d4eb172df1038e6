"""The proxy in front of real servers."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import orjson
import pytest

from gateway.main import Gateway
from gateway.proxy import cookies, routes
from gateway.proxy.headers import from_service
from gateway.proxy.routes import Route
from gateway.tests.conftest import BIG, Upstreams, raw, serving, settings_for
from shared.http.browsers import COOKIE
from shared.testing.types import TokenFor

OPEN = "/api/v1/bookings/check-availability"  # needs no token


def sent_headers(answer: httpx.Response) -> dict[str, str]:
    return dict(answer.json()["headers"])


class TestRouting:
    @pytest.mark.parametrize(
        ("path", "service"),
        [
            ("/api/v1/users/0190/export-data", "gdpr"),
            ("/api/v1/users/0190/anonymize", "gdpr"),
            ("/api/v1/users/0190", "auth"),
            ("/api/v1/users/0190/export-data/more", "auth"),
            ("/api/v1/users", "auth"),
            ("/api/v1/auth/login", "auth"),
            ("/.well-known/openid-configuration", "auth"),
            ("/account/verify-email", "auth"),
            ("/sign-in/token", "auth"),
            ("/api/v1/services", "booking"),
            ("/api/v1/locticians/1", "booking"),
            ("/api/v1/slots", "booking"),
            ("/api/v1/bookings/1/cancel", "booking"),
            ("/api/v1/waitlist", "booking"),
            ("/api/v1/calendar/1/working-hours", "calendar"),
            ("/api/v1/notifications/preferences", "notifications"),
            ("/api/v1/gdpr/requests", "gdpr"),
            ("/api/v1/audit/verify", "gdpr"),
        ],
    )
    async def test_each_path_reaches_its_service(self, client: httpx.AsyncClient, path: str, service: str) -> None:
        answer = await client.get(f"{path}?q=l%C3%B8s&q=2")
        assert answer.status_code == 200
        assert (answer.json()["service"], answer.json()["path"]) == (service, path)
        assert answer.json()["query"] == "q=l%C3%B8s&q=2"

    @pytest.mark.parametrize(
        "path", ["/", "/api", "/api/v1", "/api/v1/bookingsx", "/accounts", "/api/v2/bookings", "/openapi.yaml"]
    )
    async def test_an_unknown_path_is_404_in_the_asked_language(self, client: httpx.AsyncClient, path: str) -> None:
        answer = await client.get(path, headers={"Accept-Language": "en"})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["code"], problem["title"], problem["instance"]) == ("not_found", "Not found", path)
        assert problem["request_id"] == answer.headers["x-request-id"]

    @pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PROPFIND"])
    async def test_the_service_says_which_methods_a_path_has(self, client: httpx.AsyncClient, method: str) -> None:
        assert (await client.request(method, "/api/v1/slots")).json()["method"] == method

    async def test_head_reaches_the_service_as_get_and_has_no_body(self, client: httpx.AsyncClient, url: str) -> None:
        get = await client.get("/api/v1/slots")
        head = await raw(url, b"HEAD /api/v1/slots HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert get.json()["method"] == "GET"
        assert (head.status, head.body) == (200, b"")
        assert b"\r\ncontent-length: " in head.head.lower()

    @pytest.mark.parametrize("language", ["da", "en"])
    async def test_a_problem_names_its_language(self, client: httpx.AsyncClient, language: str) -> None:
        answer = await client.get("/api/v2", headers={"Accept-Language": f"{language}, en;q=0.1"})
        assert answer.headers["content-language"] == language
        assert "Accept-Language" in answer.headers.get_list("vary")


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "//api/v1/slots",
            "/api/v1//slots",
            "/api/v1/slots/../../../metrics",
            "/api/v1/slots/./x",
            "/api/v1/slots/..",
            "/api/v1/slots/..;/audit",
            "/api/v1/slots/%2e%2e/audit",
            "/api/v1/slots/%2E/audit",
            "/api/v1/slots%2faudit",
            "/api/v1/slots%2Faudit",
            "/api/v1/slots%5caudit",
            "/api/v1/slots\\audit",
            "/api/v1/slots/%00",
            "/api/v1/slots/%0d%0aX:1",
            "/api/v1/slots/%252e%252e",
            "/api/v1/slots/%zz",
            "/api/v1/slots/%2",
        ],
    )
    async def test_a_tricky_path_is_refused_before_any_service(self, url: str, upstreams: Upstreams, path: str) -> None:
        upstreams.seen.clear()
        answer = await raw(url, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert answer.status == 400
        assert b"bad_path" in answer.body or b"Invalid HTTP" in answer.body
        assert upstreams.seen == []

    async def test_a_long_address_is_414(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/api/v1/slots?q=" + "x" * 9_000)).status_code == 414


class TestHeaders:
    async def test_identity_headers_of_clients_are_dropped(self, client: httpx.AsyncClient) -> None:
        claimed = {
            "X-User-Id": "1",
            "X-User-Role": "admin",
            "X_User_Id": "1",
            "X-Forwarded-For": "6.6.6.6",
            "X-Forwarded-Host": "evil.example",
            "Forwarded": "for=6.6.6.6",
            "X-Real-IP": "6.6.6.6",
            "X-Original-URL": "/metrics",
            "X-HTTP-Method-Override": "DELETE",
            "Proxy-Authorization": "Basic x",
            "Host": "evil.example",
            "Connection": "keep-alive, X-Secret",
            "X-Secret": "1",
            "TE": "trailers",
            "Via": "1.1 x",
            "X-Fine": "yes",
        }
        headers = sent_headers(await client.get("/api/v1/slots", headers=claimed))
        assert headers["x-fine"] == "yes"
        assert headers["x-forwarded-for"] == "127.0.0.1"
        assert headers["x-forwarded-proto"] == "http"
        assert headers["host"] == "127.0.0.1:8000"
        dropped = {name.lower() for name in claimed} - {"x-fine", "x-forwarded-for", "host"}
        assert not dropped & headers.keys()

    async def test_hop_by_hop_headers_are_not_forwarded(self, url: str) -> None:
        sent = {
            "Connection": "close, X-Secret, Host, X-Request-ID, X-Forwarded-For, Content-Length, Upgrade",
            "X-Secret": "1",
            "Upgrade": "h2c",
            "HTTP2-Settings": "AAMAAABk",
            "Keep-Alive": "timeout=99",
            "TE": "trailers, gzip",
            "Trailer": "X-User-Id",
            "Proxy-Authenticate": "Basic",
            "Proxy-Authorization": "Basic x",
            "Proxy-Connection": "keep-alive",
            "Proxy-Whatever": "1",
            "X-Auth-User": "1",
            "X-Forwarded-Proto": "https",
            "Accept-Encoding": "gzip",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        answer = await raw(url, f"GET /api/v1/slots HTTP/1.1\r\nHost: evil\r\n{lines}\r\n".encode())
        assert answer.status == 200
        arrived = dict(orjson.loads(answer.body)["headers"])
        assert arrived.keys() == {"host", "x-request-id", "x-forwarded-for", "x-forwarded-proto"}
        assert arrived["host"] == "127.0.0.1:8000"
        assert arrived["x-forwarded-proto"] == "http"

    async def test_a_valid_request_id_is_kept(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/v1/slots", headers={"X-Request-ID": "order-12345678"})
        assert answer.headers.get_list("x-request-id") == ["order-12345678"]
        assert sent_headers(answer)["x-request-id"] == "order-12345678"

    @pytest.mark.parametrize("request_id", ["short", "with space in it", "x" * 65, "a<script>bcdef"])
    async def test_an_invalid_request_id_is_replaced_by_a_uuid7(
        self, client: httpx.AsyncClient, request_id: str
    ) -> None:
        answer = await client.get("/api/v1/slots", headers={"X-Request-ID": request_id})
        assert UUID(answer.headers["x-request-id"]).version == 7
        assert sent_headers(answer)["x-request-id"] == answer.headers["x-request-id"]

    async def test_answers_carry_security_headers_and_not_the_services_own(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/v1/slots")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers.get_list("x-frame-options") == ["DENY"]
        assert "server" not in answer.headers
        assert len(answer.headers.get_list("date")) == 1

    async def test_a_login_passes_to_and_from_auth_only(self, client: httpx.AsyncClient) -> None:
        for path, passes in (("/api/v1/auth/x", True), ("/account/x", True), ("/api/v1/slots", False)):
            answer = await client.get(path, headers=[("Cookie", "one=1"), ("Cookie", "two=2")])
            cookies = [value for name, value in answer.json()["headers"] if name == "cookie"]
            assert cookies == (["one=1", "two=2"] if passes else [])
            assert answer.headers.get("set-cookie") == ("a=1" if passes else None)

    async def test_only_the_cookie_of_the_browser_passes_to_booking(self, client: httpx.AsyncClient) -> None:
        mine, refresh = "__Host-loctician-browser=b1", "__Host-loctician-refresh=r1"
        for sent in ([f"{refresh}; {mine}; a=1"], [refresh, mine], [f"{mine};{refresh}"]):
            answer = await client.get("/api/v1/bookings/rules", headers=[("Cookie", value) for value in sent])
            assert [value for name, value in answer.json()["headers"] if name == "cookie"] == [mine]
            elsewhere = await client.get("/api/v1/gdpr/processing", headers=[("Cookie", value) for value in sent])
            assert "cookie" not in [name for name, _ in elsewhere.json()["headers"]]

    def test_booking_sets_only_the_cookie_of_the_browser(self) -> None:
        assert f"{COOKIE}=".encode() == cookies.BROWSER
        mine, refresh = (b"set-cookie", b"__Host-loctician-browser=b1; Path=/"), (b"set-cookie", b"refresh=r1")
        for service, passes in (("auth", [mine, refresh]), ("booking", [mine]), ("gdpr", [])):
            returned = from_service(200, [mine, refresh], cookies=cookies.settable_by(service))
            assert [header for header in returned if header[0] == b"set-cookie"] == passes

    async def test_a_page_keeps_its_own_content_policy(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/account/page")
        assert answer.headers.get_list("content-security-policy") == ["default-src 'self'"]
        plain = await client.get("/account/other")
        assert plain.headers.get_list("content-security-policy") == ["default-src 'none'; frame-ancestors 'none'"]

    @pytest.mark.parametrize("folded", ["X-A: 1\r\n X-User-Id: 2", "X-A: 1\nX-User-Id: 2", "X-User-Id : 2"])
    async def test_no_header_hides_in_another(self, url: str, folded: str) -> None:
        request = f"GET /api/v1/slots HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{folded}\r\n\r\n"
        assert (await raw(url, request.encode())).status == 400

    async def test_headers_beyond_32_kb_are_431(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/api/v1/slots", headers={"X-Long": "x" * 33_000})).status_code == 431


class TestBodies:
    @pytest.mark.parametrize("size", [0, 1, 70_000, 1_000_000])
    async def test_a_body_arrives_unchanged(self, client: httpx.AsyncClient, size: int) -> None:
        body = bytes(range(256)) * (size // 256 + 1)
        answer = await client.post(OPEN, content=body[:size])
        assert answer.json()["sha256"] == hashlib.sha256(body[:size]).hexdigest()
        assert sent_headers(answer)["content-length"] == str(size)

    async def test_a_chunked_body_arrives_unchanged_with_its_length(self, client: httpx.AsyncClient) -> None:
        answer = await client.post(OPEN, content=_pieces(9, b"abc" * 9_000))
        assert answer.json()["sha256"] == hashlib.sha256(b"abc" * 81_000).hexdigest()
        assert sent_headers(answer)["content-length"] == "243000"
        assert "transfer-encoding" not in sent_headers(answer)

    async def test_ten_megabytes_are_413(self, client: httpx.AsyncClient) -> None:
        answer = await client.post(OPEN, content=b"x" * 10_000_000)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    async def test_a_calendar_of_five_mebibytes_reaches_the_imports_and_nothing_else(
        self, client: httpx.AsyncClient, token_for: TokenFor
    ) -> None:
        client.headers["Authorization"] = f"Bearer {token_for()}"
        content, imports = b"x" * 5 * 1_048_576, f"/api/v1/calendar/{UUID(int=1)}/imports"
        answer = await client.post(imports, content=content)
        assert answer.json()["sha256"] == hashlib.sha256(content).hexdigest()
        for path, body in ((imports, content + b"x" * 65_537), (f"{imports}/{UUID(int=2)}", content)):
            assert (await client.post(path, content=body)).status_code == 413

    async def test_ten_megabytes_without_declared_length_are_413(self, client: httpx.AsyncClient) -> None:
        answer = await client.post(OPEN, content=_pieces(100, b"x" * 100_000))
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    @pytest.mark.parametrize(
        "framing",
        [
            b"Content-Length: 3\r\nContent-Length: 4",
            b"Content-Length: 3\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: gzip, chunked",
            b"Transfer-Encoding: xchunked",
            b"Content-Length: -1",
            b"Content-Length: +3",
        ],
    )
    async def test_ambiguous_framing_is_400(self, url: str, upstreams: Upstreams, framing: bytes) -> None:
        upstreams.seen.clear()
        head = b"POST /api/v1/bookings/check-availability HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + framing
        answer = await raw(url, head + b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        assert answer.status == 400
        assert upstreams.seen == []

    @pytest.mark.parametrize(
        ("framing", "body"),
        [
            (b"Content-Length: 6\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
            (b"Transfer-Encoding: chunked\r\nContent-Length: 6", b"0\r\n\r\n"),
            (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"0\r\n\r\n"),
            (b"Transfer-Encoding: chunked, identity", b"0\r\n\r\n"),
            (b"Transfer-Encoding : chunked", b"0\r\n\r\n"),
            (b"Transfer-Encoding:\x0bchunked", b"0\r\n\r\n"),
            (b"X: 1\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
            (b"Content-Length: 0\r\nContent-Length: 5", b"0\r\n\r\n"),
            (b"Content-Length: 0, 5", b"0\r\n\r\n"),
            (b"Content-Length: 0x0", b""),
            (b"Content-Length: 99999999999999999999", b""),
            (b"Transfer-Encoding: chunked", b"0;\n\r\n"),
            (b"Transfer-Encoding: chunked", b"-1\r\n\r\n"),
            (b"Transfer-Encoding: chunked", b"fffffffffffffffff\r\n\r\n"),
            (b"Transfer-Encoding: chunked", b"2\r\nabc\r\n0\r\n\r\n"),
        ],
    )
    async def test_no_call_is_smuggled_behind_another(
        self, url: str, upstreams: Upstreams, framing: bytes, body: bytes
    ) -> None:
        upstreams.seen.clear()
        head = b"POST /api/v1/bookings/check-availability HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n"
        hidden = b"GET /api/v1/audit/smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = await raw(url, head + body + hidden)
        assert answer.status == 400
        assert "/api/v1/audit/smuggled" not in upstreams.seen

    async def test_a_body_that_looks_like_a_call_is_a_body(self, url: str, upstreams: Upstreams) -> None:
        upstreams.seen.clear()
        hidden = b"GET /api/v1/audit/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
        head = b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        assert (await raw(url, head % (OPEN.encode(), len(hidden)) + hidden)).status == 200
        assert set(upstreams.seen) == {OPEN}

    async def test_a_big_answer_streams_through(self, client: httpx.AsyncClient) -> None:
        size = 0
        async with client.stream("GET", "/api/v1/services/big") as answer:
            async for piece in answer.aiter_raw():
                size += len(piece)
        assert size == BIG

    async def test_pieces_of_an_answer_are_forwarded_at_once(
        self, client: httpx.AsyncClient, upstreams: Upstreams
    ) -> None:
        upstreams.hold.clear()
        async with client.stream("GET", "/api/v1/services/drip") as answer:
            pieces = answer.aiter_raw()
            assert await anext(pieces) == b"first"
            upstreams.hold.set()
            assert await anext(pieces) == b"second"

    async def test_head_and_no_content_have_no_body(self, client: httpx.AsyncClient) -> None:
        for _ in range(3):
            head = await client.head("/api/v1/slots")
            assert (head.status_code, head.content) == (200, b"")
            assert int(head.headers["content-length"]) > 0
            assert (await client.delete("/api/v1/bookings/empty")).status_code == 204
            assert (await client.get("/api/v1/slots")).json()["service"] == "booking"


async def _pieces(count: int, piece: bytes) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield piece


class TestFailures:
    async def test_connections_to_a_service_are_used_again(
        self, client: httpx.AsyncClient, upstreams: Upstreams
    ) -> None:
        await client.get("/api/v1/calendar/1")
        upstreams.peers.clear()
        for _ in range(20):
            await client.get("/api/v1/calendar/1")
        assert len(upstreams.peers) <= 2  # a probe may have had the other

    async def test_a_stopped_service_is_503_and_the_others_go_on(self, upstreams: Upstreams) -> None:
        gateway = Gateway(settings_for(upstreams, booking_url="http://127.0.0.1:1"))
        async with serving(gateway) as url, httpx.AsyncClient(base_url=url) as client:
            answer = await client.post(OPEN, json={})
            assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
            assert answer.headers["retry-after"] == "2"
            assert (await client.get("/api/v1/calendar/1")).status_code == 200

    async def test_a_silent_service_is_504(
        self, client: httpx.AsyncClient, upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upstreams.hold.clear()
        monkeypatch.setitem(routes.PREFIXES, "/api/v1/waitlist", Route("/api/v1/waitlist", "booking", 0.2))
        answer = await client.get("/api/v1/waitlist/never")
        assert (answer.status_code, answer.json()["code"]) == (504, "gateway_timeout")
        assert "retry-after" in answer.headers
        upstreams.hold.set()

    async def test_a_truncated_answer_is_truncated_for_the_client(self, client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/api/v1/services/cut")

    async def test_a_restarted_service_is_found_again(self, upstreams: Upstreams) -> None:
        async with await asyncio.start_server(_minimal, "127.0.0.1", 0) as first:
            port = first.sockets[0].getsockname()[1]
            gateway = Gateway(settings_for(upstreams, booking_url=f"http://127.0.0.1:{port}"))
            async with serving(gateway) as url, httpx.AsyncClient(base_url=url) as client:
                assert (await client.get("/api/v1/slots")).text == "alive"
                first.close()
                await first.wait_closed()
                assert (await client.get("/api/v1/slots")).status_code == 503
                async with await asyncio.start_server(_minimal, "127.0.0.1", port):
                    assert (await client.get("/api/v1/slots")).text == "alive"


async def _minimal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nalive")
    await writer.drain()
    writer.close()
