"""Rate limits at two gateways with one database. Each test uses a client address of its own."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pytest
from prometheus_client import REGISTRY
from pydantic import ValidationError
from sqlalchemy import text
from websockets.asyncio.client import connect

from domain.email_addresses import canonical
from gateway.jobs import JOBS
from gateway.limits.accounts import account_in
from gateway.main import Gateway
from gateway.proxy.client_address import network_of
from gateway.tests.conftest import Upstreams, raw, running, settings_for
from gateway.tests.support import closed_with, coming_from, ws
from shared.jobs import run_once
from shared.messaging.events import new_id
from shared.testing.proxy import proxied
from shared.testing.servers import DatabaseUrl
from shared.testing.types import TokenFor
from shared.testing.waiting import until

LIMIT, LOGINS = 20, 4
SMALL: dict[str, Any] = {
    "rate_limit_per_minute": LIMIT,
    "login_rate_limit_per_minute": LOGINS,
    "trusted_proxies": "127.9.9.0/24",
}
PROXY = "127.9.9.9"
ADDRESSES = count(1)
Two = list[tuple[Gateway, str]]
LOGIN = "/api/v1/auth/login"


@pytest.fixture(scope="module")
async def database(database_url: DatabaseUrl) -> str:
    return await database_url("gateway")


@pytest.fixture(scope="module")
async def two(upstreams: Upstreams, database: str) -> AsyncIterator[Two]:
    async with (
        running(upstreams, database_url=database, debug=True, **SMALL) as first,
        running(upstreams, database_url=database, debug=True, **SMALL) as second,
    ):
        yield [first, second]


@pytest.fixture
def address() -> str:
    return new_address()


def new_address() -> str:
    """A loopback address that was not used before."""
    number = next(ADDRESSES)
    return f"127.1.{number // 250}.{number % 250 + 1}"


async def statuses(gateways: Two, address: str, calls: int, **headers: str) -> list[int]:
    """The statuses of simultaneous calls, at each gateway in turn."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(coming_from(address, url, **headers)) for _, url in gateways]
        answers = (clients[n % len(clients)].get("/api/v1/slots") for n in range(calls))
        return [answer.status_code for answer in await asyncio.gather(*answers)]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def attempt(url: str, address: str, email: str, password: str = "wrong", path: str = LOGIN) -> httpx.Response:
    async with coming_from(address, url) as client:
        return await client.post(path, json={"email": email, "password": password})


def counted(rule: str, outcome: str) -> float:
    return REGISTRY.get_sample_value("gateway_rate_limit_total", {"rule": rule, "outcome": outcome}) or 0.0


class TestUsers:
    async def test_two_gateways_together_allow_exactly_the_limit(
        self, two: Two, token_for: TokenFor, address: str
    ) -> None:
        got = await statuses(two, address, 80, **bearer(token_for()))
        assert (got.count(200), got.count(429)) == (LIMIT, 80 - LIMIT)

    async def test_a_user_is_counted_at_any_address_and_with_any_token(self, two: Two, token_for: TokenFor) -> None:
        user = new_id()
        assert set(await statuses(two[:1], new_address(), LIMIT, **bearer(token_for(user=user)))) == {200}
        assert set(await statuses(two, new_address(), 3, **bearer(token_for(user=user)))) == {429}

    async def test_users_at_one_address_have_separate_limits(self, two: Two, token_for: TokenFor, address: str) -> None:
        for _ in range(2):
            assert set(await statuses(two[:1], address, LIMIT, **bearer(token_for()))) == {200}
        assert set(await statuses(two[:1], address, LIMIT)) == {200}

    async def test_calls_with_invalid_tokens_are_counted_by_address(self, two: Two, address: str) -> None:
        assert set(await statuses(two[:1], address, LIMIT, Authorization="Bearer guess")) == {200}
        assert set(await statuses(two, address, 3, Authorization="Bearer guess")) == {429}

    async def test_a_refused_call_reaches_no_service(
        self, two: Two, token_for: TokenFor, address: str, upstreams: Upstreams
    ) -> None:
        headers = bearer(token_for())
        await statuses(two[:1], address, LIMIT, **headers)
        upstreams.seen.clear()
        await statuses(two, address, 5, **headers)
        assert upstreams.seen == []


class TestAnswers:
    async def test_every_limited_answer_states_the_limit_and_what_is_left(
        self, two: Two, token_for: TokenFor, address: str
    ) -> None:
        async with coming_from(address, two[0][1], **bearer(token_for())) as client:
            left = []
            for _ in range(5):
                answer = await client.get("/api/v1/slots")
                assert answer.headers["ratelimit-policy"] == f'"user";q={LIMIT};w=60'
                state = re.fullmatch(r'"user";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
                assert state
                assert 1 <= int(state[2]) <= 71
                left.append(int(state[1]))
            assert left == [LIMIT - 1, LIMIT - 2, LIMIT - 3, LIMIT - 4, LIMIT - 5]

    @pytest.mark.parametrize(("language", "title"), [("da", "For mange forsøg"), ("en", "Too many requests")])
    async def test_a_call_over_the_limit_is_told_when_to_retry(
        self, two: Two, token_for: TokenFor, address: str, language: str, title: str
    ) -> None:
        headers = bearer(token_for()) | {"Accept-Language": language, "Origin": "https://salon.example"}
        await statuses(two[:1], address, LIMIT, **headers)
        async with coming_from(address, two[0][1], **headers) as client:
            answer = await client.get("/api/v1/slots")
        seconds = answer.headers["retry-after"]
        assert (answer.status_code, answer.headers["content-type"]) == (429, "application/problem+json")
        assert 50 <= int(seconds) <= 71
        problem = answer.json()
        assert (problem["code"], problem["title"]) == ("rate_limited", title)
        assert seconds in problem["detail"]
        assert problem["violated-policies"] == ["user"]
        assert answer.headers["ratelimit"] == f'"user";r=0;t={seconds}'
        assert "RateLimit-Policy" in answer.headers["access-control-expose-headers"]

    async def test_a_client_that_waits_for_retry_after_is_allowed(
        self, upstreams: Upstreams, database: str, token_for: TokenFor, address: str
    ) -> None:
        async with running(upstreams, database_url=database, **SMALL) as (gateway, url):
            moved = Moved(gateway)
            async with coming_from(address, url, **bearer(token_for())) as client:
                for _ in range(LIMIT):
                    assert (await client.get("/api/v1/slots")).status_code == 200
                    moved.by(0.5)
                refused = await client.get("/api/v1/slots")
                seconds = int(refused.headers["retry-after"])
                moved.by(seconds - 2)
                assert (await client.get("/api/v1/slots")).status_code == 429
                moved.by(2)
                assert (await client.get("/api/v1/slots")).status_code == 200


class Moved:
    """The clocks of a gateway and of its database, moved together."""

    def __init__(self, gateway: Gateway) -> None:
        self.now = 1_900_000_000.0
        gateway.limiter.buckets.clock = lambda: self.now
        gateway.limiter.lease_client._now = lambda: datetime.fromtimestamp(self.now, UTC)

    def by(self, seconds: float) -> None:
        self.now += seconds


class TestAddresses:
    async def test_calls_without_a_token_are_counted_by_address(self, two: Two, address: str) -> None:
        got = await statuses(two, address, 50)
        assert (got.count(200), got.count(429)) == (LIMIT, 50 - LIMIT)
        assert set(await statuses(two, new_address(), 5)) == {200}

    @pytest.mark.parametrize(
        "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X_Forwarded_For", "CF-Connecting-IP"]
    )
    async def test_a_forged_address_gives_no_new_bucket(self, two: Two, address: str, header: str) -> None:
        await statuses(two[:1], address, LIMIT)
        for number in range(3):
            assert await statuses(two, address, 1, **{header: f"6.6.6.{number}"}) == [429]

    async def test_behind_a_trusted_proxy_each_client_is_counted(self, two: Two) -> None:
        first, other = new_address(), new_address()
        got = await statuses(two, PROXY, 60, **{"X-Forwarded-For": first})
        assert got.count(200) == LIMIT
        assert set(await statuses(two, PROXY, 5, **{"X-Forwarded-For": other})) == {200}

    @pytest.mark.parametrize(
        "forwarded_for", ["6.6.6.{n}, {own}", "{n}, {own}", "{own}, 127.9.9.7", '6.6.6.{n},"{own}:4711"']
    )
    async def test_forged_entries_before_a_trusted_proxys_give_no_new_bucket(
        self, two: Two, address: str, forwarded_for: str
    ) -> None:
        await statuses(two[:1], PROXY, LIMIT, **{"X-Forwarded-For": address})
        for n in range(3):
            claimed = forwarded_for.format(n=n, own=address)
            assert await statuses(two, PROXY, 1, **{"X-Forwarded-For": claimed}) == [429]

    async def test_services_get_the_same_address_and_the_clients_scheme(self, two: Two) -> None:
        headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.5", "X-Forwarded-Proto": "https"}
        heard = []
        for peer in (PROXY, new_address()):
            async with coming_from(peer, two[0][1], **headers) as client:
                headers = dict((await client.get("/api/v1/slots")).json()["headers"])
                heard.append((headers["x-forwarded-for"], headers["x-forwarded-proto"], peer))
        assert heard[0][:2] == ("203.0.113.5", "https")
        assert heard[1][:2] == (heard[1][2], "http")

    @pytest.mark.parametrize(
        ("host", "network"),
        [
            ("203.0.113.5", "203.0.113.5"),
            ("::ffff:203.0.113.5", "203.0.113.5"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            ("/run/socket", "/run/socket"),
        ],
    )
    def test_a_client_is_an_ipv4_address_or_an_ipv6_64(self, host: str, network: str) -> None:
        assert network_of(host) == network

    async def test_keys_health_and_preflights_are_not_limited(self, two: Two, address: str) -> None:
        await statuses(two[:1], address, LIMIT + 1)
        preflight = {"Origin": "https://salon.example", "Access-Control-Request-Method": "PUT"}
        async with coming_from(address, two[0][1]) as client:
            for path in ("/.well-known/jwks.json", "/api/v1/auth/jwks", "/health/ready", "/metrics", "/docs"):
                answer = await client.get(path)
                assert (answer.status_code, answer.headers.get("ratelimit")) == (200, None), path
            assert (await client.options("/api/v1/bookings", headers=preflight)).status_code == 204


class TestLogins:
    async def test_attempts_at_many_accounts_from_one_address_are_limited_and_other_calls_go_on(
        self, two: Two, address: str
    ) -> None:
        got = [(await attempt(two[n % 2][1], address, f"{new_id()}@x.example")).status_code for n in range(LOGINS + 3)]
        assert got == [401] * LOGINS + [429] * 3
        assert set(await statuses(two, address, 3)) == {200}

    @pytest.mark.parametrize(
        "path", ["register", "forgot-password", "reset-password", "verify-email", "login-link", "login-code"]
    )
    async def test_all_paths_that_guess_or_send_mail_are_limited(self, two: Two, address: str, path: str) -> None:
        path = f"/api/v1/auth/{path}"
        got = [(await attempt(two[n % 2][1], address, f"{n}@x.example", path=path)) for n in range(LOGINS + 1)]
        assert [answer.status_code for answer in got] == [200] * LOGINS + [429]
        assert got[-1].json()["violated-policies"] == ["login"]
        assert got[0].headers["ratelimit-policy"] == f'"login";q={LOGINS};w=60'

    @pytest.mark.parametrize("path", ["/api/v1/auth/%6cogin", "/api/v1/auth/login?x=1"])
    async def test_another_spelling_of_the_path_is_limited_too(self, two: Two, address: str, path: str) -> None:
        body = b'{"email": "a@x.example", "password": "wrong"}'
        got = []
        for _ in range(LOGINS + 1):
            async with coming_from(address, two[0][1]) as client:
                request = client.build_request("POST", two[0][1], content=body)
                request.url = request.url.copy_with(raw_path=path.encode())
                got.append((await client.send(request)).status_code)
        assert got == [401] * LOGINS + [429]

    async def test_attempts_at_one_account_from_many_addresses_are_limited(self, two: Two) -> None:
        email = f"{new_id()}@x.example"
        got = [(await attempt(two[n % 2][1], new_address(), email)).status_code for n in range(3 * LOGINS + 3)]
        assert got == [401] * 3 * LOGINS + [429] * 3
        assert (await attempt(two[0][1], new_address(), f"{new_id()}@x.example")).status_code == 401

    async def test_other_spellings_of_an_account_are_the_same_account(self, two: Two) -> None:
        name = str(new_id())[-12:]
        spellings = [
            f"{name}x\u00e6@B\u00f8g.example",
            f" {name.upper()}X\u00c6@xn--bg-lka.example",
            f"{name}\uff58\u00e6@b\u00f8g.example.",
        ]
        got = [(await attempt(two[0][1], new_address(), spellings[n % 3])).status_code for n in range(3 * LOGINS + 3)]
        assert got == [401] * 3 * LOGINS + [429] * 3

    async def test_one_address_cannot_lock_an_account_out_elsewhere(self, two: Two, address: str) -> None:
        email = f"{new_id()}@x.example"
        for _ in range(5 * LOGINS):
            await attempt(two[0][1], address, email)
        assert (await attempt(two[1][1], new_address(), email, "right")).status_code == 200

    async def test_many_addresses_cannot_lock_the_owner_out_of_a_known_network(self, two: Two, address: str) -> None:
        email = f"{new_id()}@x.example"
        assert (await attempt(two[0][1], address, email, "right")).status_code == 200
        await until(lambda: not two[0][0].limiter.lease_client._tasks)
        for _ in range(3 * LOGINS):
            await attempt(two[0][1], new_address(), email)
        before = counted("account", "known")
        assert (await attempt(two[1][1], new_address(), email, "right")).status_code == 429
        assert (await attempt(two[1][1], address, email.upper(), "right")).status_code == 200
        assert counted("account", "known") == before + 1

    async def test_a_new_password_by_mail_lets_the_owner_sign_in_from_a_new_network(
        self, two: Two, address: str
    ) -> None:
        email = f"{new_id()}@x.example"
        for _ in range(3 * LOGINS):
            await attempt(two[0][1], new_address(), email)
        assert (await attempt(two[0][1], address, email, "right")).status_code == 429
        mailed = await attempt(two[0][1], address, email, path="/api/v1/auth/forgot-password")
        changed = await attempt(two[0][1], address, email, path="/api/v1/auth/reset-password")
        assert (mailed.status_code, changed.status_code) == (200, 200)
        await until(lambda: not two[0][0].limiter.lease_client._tasks)
        assert (await attempt(two[1][1], address, email, "right")).status_code == 200
        assert (await attempt(two[1][1], new_address(), email, "right")).status_code == 429

    async def test_mails_to_one_account_are_limited_for_all_addresses_together(self, two: Two) -> None:
        email = f"{new_id()}@x.example"
        paths = ["/api/v1/auth/forgot-password", "/api/v1/auth/resend-verification"]
        got = [await attempt(two[0][1], new_address(), email, path=paths[n % 2]) for n in range(LOGINS + 1)]
        assert [answer.status_code for answer in got] == [200] * LOGINS + [429]
        assert got[-1].json()["violated-policies"] == ["mail"]

    async def test_a_stale_token_shuts_nobody_out_of_a_login(self, two: Two, address: str) -> None:
        async with coming_from(address, two[0][1], Authorization="Bearer stale") as client:
            body = {"email": f"{new_id()}@x.example", "password": "right"}
            assert (await client.post(LOGIN, json=body)).status_code == 200

    async def test_a_failed_login_makes_no_network_known(self, two: Two, address: str) -> None:
        email = f"{new_id()}@x.example"
        await attempt(two[0][1], address, email)
        for _ in range(3 * LOGINS):
            await attempt(two[0][1], new_address(), email)
        refused = await attempt(two[0][1], address, email, "right")
        assert (refused.status_code, refused.json()["violated-policies"]) == (429, ["account"])

    async def test_attempts_of_others_at_an_account_are_not_revealed(self, two: Two) -> None:
        email = f"{new_id()}@x.example"
        answers = [(await attempt(two[0][1], new_address(), email)).headers["ratelimit"] for _ in range(3)]
        assert all(header.startswith(f'"login";r={LOGINS - 1};') for header in answers)

    async def test_the_body_arrives_as_it_was_sent(self, two: Two, address: str) -> None:
        body = json.dumps({"email": "a@x.example", "password": "p" * 5_000}).encode()

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(body), 700):
                yield body[start : start + 700]

        async with coming_from(address, two[0][1]) as client:
            for content in (body, pieces()):
                answer = await client.post("/api/v1/auth/register", content=content)
                assert answer.json()["size"] == len(body)

    async def test_a_body_that_is_too_large_is_413(self, two: Two, address: str) -> None:
        async with coming_from(address, two[0][1]) as client:
            answer = await client.post(LOGIN, content=b"x" * 20_000)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    async def test_ambiguous_framing_is_400_here_too(self, two: Two, upstreams: Upstreams) -> None:
        upstreams.seen.clear()
        head = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: gzip, chunked"
        assert (await raw(two[0][1], head + b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")).status == 400
        assert upstreams.seen == []

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 9_000, b'{"email": 7}', b'{"x": 1}', b"\xff\xfe"])
    def test_a_body_without_an_account_is_counted_for_no_account(self, body: bytes) -> None:
        assert account_in(body) is None

    @pytest.mark.parametrize("body", [b'{"email": "A@x.dk", "n": NaN}', '{"email": "a@x.dk"}'.encode("utf-16")])
    def test_every_spelling_that_auth_can_parse_is_parsed(self, body: bytes) -> None:
        assert account_in(body) == "a@x.dk"

    def test_a_lone_surrogate_and_broken_punycode_are_normalized(self) -> None:
        assert canonical("\ud800@xn--\u00ff.dk")


class TestStored:
    async def test_no_name_or_address_is_stored(self, two: Two, address: str, database: str) -> None:
        email = f"{new_id()}@x.example"
        assert (await attempt(two[0][1], address, email, "right")).status_code == 200
        await until(lambda: not two[0][0].limiter.lease_client._tasks)
        for table in ("rate_limits", "known_networks"):
            rows = await two[0][0].database.call(text(f"SELECT CAST(row_to_json(t) AS text) FROM {table} t"))
            assert rows
            assert not any(email.encode().hex() in row[0] or email in row[0] or address in row[0] for row in rows)

    async def test_networks_not_used_for_long_are_deleted(self, two: Two) -> None:
        fill = """INSERT INTO known_networks SELECT decode(md5(n::text), 'hex'), current_date - n
                  FROM generate_series(80, 100) n ON CONFLICT DO NOTHING RETURNING 1"""
        await two[0][0].database.call(text(fill.replace("n::text", "CAST(n AS text)")))
        while (outcome := await run_once(two[0][0].database, JOBS[2])) == "elsewhere":
            await asyncio.sleep(0.01)
        assert outcome == "done"
        oldest = await two[0][0].database.call(text("SELECT max(current_date - seen_on) FROM known_networks"))
        assert oldest[0][0] == 89


class TestAway:
    async def test_calls_go_on_and_logins_are_503_until_the_database_is_back(
        self, upstreams: Upstreams, database: str, token_for: TokenFor, address: str
    ) -> None:
        async with proxied(database) as link, running(upstreams, database_url=link.url, **SMALL) as (gateway, url):
            assert (await attempt(url, address, "a@x.example")).status_code == 401
            await link.cut()
            opened, closed = counted("user", "open"), counted("login", "closed")
            async with coming_from(address, url, **bearer(token_for())) as client:
                for _ in range(LIMIT):
                    assert (await client.get("/api/v1/bookings")).status_code == 200
                    assert (await client.post("/api/v1/bookings/check-availability", json={})).status_code == 200
            refused = await attempt(url, address, "a@x.example")
            assert (refused.status_code, refused.json()["code"]) == (503, "cannot_count")
            assert int(refused.headers["retry-after"]) >= 1
            assert counted("user", "open") == opened + 2 * LIMIT
            assert counted("login", "closed") == closed + 1
            assert REGISTRY.get_sample_value("gateway_rate_limit_away") == 1
            await link.restore()
            await until(lambda: not gateway.limiter.lease_client.away, 10)
            assert (await attempt(url, address, "a@x.example")).status_code == 401
            got = await statuses([(gateway, url)], address, LIMIT + 5, **bearer(token_for()))
            assert got.count(429) == 5


class TestWebSockets:
    async def test_opening_counts_like_a_call(self, two: Two, address: str) -> None:
        await statuses(two[:1], address, LIMIT - 2)
        codes = []
        for n in (0, 0, 0, 1):
            watching = ws(two[n][1], f"/ws/loctician/{new_id()}")
            async with connect(watching, local_addr=(address, 0)) as socket:
                codes.append(await _code(socket))
        assert codes == [0, 0, 4429, 4429]

    async def test_opening_is_limited_for_a_user(self, two: Two, token_for: TokenFor, address: str) -> None:
        user: UUID = new_id()
        await statuses(two[:1], address, LIMIT, **bearer(token_for(user=user)))
        async with connect(ws(two[0][1], f"/ws?token={token_for(user=user)}")) as socket:
            assert await closed_with(socket) == 4429

    async def test_bad_tokens_are_counted_for_the_address(self, two: Two, address: str) -> None:
        await statuses(two[:1], address, LIMIT)
        async with connect(ws(two[0][1], "/ws?token=guess"), local_addr=(address, 0)) as socket:
            assert await closed_with(socket) == 4429

    async def test_open_sockets_without_a_user_are_limited_by_address(
        self, upstreams: Upstreams, token_for: TokenFor, address: str
    ) -> None:
        async with running(upstreams, websockets_per_address=2) as (gateway, url):
            path = ws(url, f"/ws/loctician/{new_id()}")
            for _ in range(2):  # and those that leave make room
                async with connect(path, local_addr=(address, 0)), connect(path, local_addr=(address, 0)):
                    await until(lambda: len(gateway.hub) == 2)
                    async with connect(path, local_addr=(address, 0)) as third:
                        assert await closed_with(third) == 4429
                    async with connect(path), connect(f"{path}?token={token_for()}", local_addr=(address, 0)):
                        await until(lambda: len(gateway.hub) == 4)
                await until(lambda: len(gateway.hub) == 0)


async def _code(socket: Any) -> int:
    """The close code; 0 while it is open."""
    try:
        return await closed_with(socket, 0.3)
    except TimeoutError:
        return 0


class TestSettings:
    @pytest.mark.parametrize("proxies", ["10.0.0.7/24", "proxy.example", "0.0.0.0/0", "::/0", "*"])
    def test_proxies_are_named_by_address(self, upstreams: Upstreams, proxies: str) -> None:
        with pytest.raises(ValidationError, match="trusted_proxies"):
            settings_for(upstreams, trusted_proxies=proxies)

    @pytest.mark.parametrize("proxies", ["0.0.0.0/1,128.0.0.0/1", "10.0.0.0/8", "::/1", "2000::/3", "fd00::/8"])
    def test_wide_networks_are_not_trusted_in_production(self, upstreams: Upstreams, proxies: str) -> None:
        with pytest.raises(ValidationError, match="must name networks of /16"):
            settings_for(upstreams, trusted_proxies=proxies, environment="production")

    def test_production_does_not_start_without_the_proxies_in_front(self, upstreams: Upstreams) -> None:
        with pytest.raises(ValidationError, match="must name the proxies in front of the gateway in production"):
            settings_for(upstreams, environment="production")

    def test_a_limit_is_at_least_one(self, upstreams: Upstreams) -> None:
        for name in ("rate_limit_per_minute", "login_rate_limit_per_minute"):
            with pytest.raises(ValidationError, match=name):
                settings_for(upstreams, **{name: 0})
