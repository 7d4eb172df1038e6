"""Telemetry: one trace a call, metrics, JSON logs, and no secrets in any of them."""

import json
import secrets
from functools import partial
from typing import Any

import httpx
import pytest

from shared.testing.browsers import be_browser
from tests.e2e.collector import Collector, Kept
from tests.e2e.salon import PASSWORD, bearer, free_slots, register, verify
from tests.e2e.stack import SERVICES, Stack, eventually

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
SUBSCRIBERS = {"calendar", "notifications", "gdpr"}  # who is told of a booking


async def booked(http: httpx.AsyncClient, token: str, headers: dict[str, str]) -> httpx.Response:
    ids = [service["id"] for service in (await http.get("/api/v1/services")).json()["items"]]

    async def offered() -> list[tuple[str, Any]]:
        return [(service_id, slot) for service_id in ids for slot in await free_slots(http, service_id)]

    service_id, slot = (await eventually(offered, bool, "free slots", 60))[-1]
    order = {"service_ids": [service_id], "loctician_id": slot["loctician_id"], "start": slot["start"]}
    answer = await http.post("/api/v1/bookings", json=order, headers=bearer(token) | headers)
    assert answer.status_code == 201, answer.text
    return answer


def handled(spans: list[Kept]) -> set[str]:
    return {span.service for span in spans if (span.kind, span.name) == (CONSUMER, "process booking.created.v1")}


def complete(spans: list[Kept]) -> bool:
    """Each process sends its spans when it pleases: who heard may have told of it before who said it."""
    seen = {(span.service, span.kind) for span in spans}
    return handled(spans) >= SUBSCRIBERS and seen >= {
        ("gateway", SERVER), ("booking", SERVER), ("booking", CLIENT), ("booking", PRODUCER)
    }  # fmt: skip


def only(spans: list[Kept], service: str, kind: int, name: str) -> Kept:
    matching = [span for span in spans if (span.service, span.kind, span.name) == (service, kind, name)]
    assert len(matching) == 1, matching
    return matching[0]


def entries(stack: Stack, name: str) -> list[dict[str, Any]]:
    lines = (stack.logs / f"{name}.log").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.slow
class TestTraces:
    async def test_a_booking_is_one_trace_from_the_gateway_to_its_subscribers(
        self, stack: Stack, collector: Collector
    ) -> None:
        trace, caller, request_id = secrets.token_hex(16), secrets.token_hex(8), f"trace-{secrets.token_hex(8)}"
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
            _, token = await register(http, "spor")
            # a stranger's word that nothing be recorded counts for nothing
            await booked(http, token, {"traceparent": f"00-{trace}-{caller}-00", "X-Request-ID": request_id})
        spans = await eventually(partial(collector.trace, trace), complete, "the trace of the booking")
        gateway = only(spans, "gateway", SERVER, "POST /api/v1/bookings")
        service = only(spans, "booking", SERVER, "POST /api/v1/bookings")
        sent = only(spans, "booking", PRODUCER, "send booking.created.v1")
        assert (gateway.parent, service.parent, sent.parent) == (caller, gateway.id, service.id)
        assert (gateway.attributes["http.response.status_code"], gateway.attributes["http.route"]) == (
            "201",
            "/api/v1/bookings",
        )
        for name in SUBSCRIBERS:
            consumed = only(spans, name, CONSUMER, "process booking.created.v1")
            assert consumed.parent == sent.id
            written = await eventually(
                partial(collector.trace, trace),
                lambda spans: any((span.kind, span.parent) == (CLIENT, consumed.id) for span in spans),  # noqa: B023
                f"what {name} wrote down",
            )
            assert {span.attributes["db.namespace"] for span in written if span.parent == consumed.id} == {name}
        assert any((span.service, span.kind, span.parent) == ("booking", CLIENT, service.id) for span in spans)
        ours = [entry for entry in entries(stack, "booking") if entry.get("trace_id") == trace]
        assert [entry for entry in ours if (entry["message"], entry["request_id"]) == ("request", request_id)]


SEEN = {  # series that a booking and a failed login leave, by the process that measures them
    "gateway": [
        'http_request_duration_seconds_count{method="POST",route="/api/v1/bookings",service="gateway",status="201"}'
    ],
    "auth": [
        'auth_logins_total{outcome="ok"}',
        'auth_logins_total{outcome="credentials"}',
        'outbox_published_total{service="auth",type="login.failed.v1"}',
    ],
    "booking": [
        'http_request_duration_seconds_count{method="POST",route="/api/v1/bookings",service="booking",status="201"}',
        'outbox_published_total{service="booking",type="booking.created.v1"}',
        'database_query_duration_seconds_count{service="booking",statement="select"}',
        'database_pool_size{service="booking"}',
        "booking_slots_seconds_count",
        'health_part_up{part="relay",service="booking"}',
    ],
    "calendar": [
        'consumer_lag_seconds_count{service="calendar"}',
        'health_part_up{part="consumer",service="calendar"}',
    ],
    "notifications": [
        'notification_attempts_total{channel="mail",outcome="sent"}',
        'consumer_messages_total{outcome="handled",service="notifications"}',
    ],
    "gdpr": ['consumer_lag_seconds_count{service="gdpr"}'],
}


@pytest.mark.slow
class TestMetrics:
    async def test_a_booking_and_a_failed_login_are_measured(self, stack: Stack) -> None:
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
            address, token = await register(http, "maal")
            wrong = {"email": address, "password": "not-the-password"}
            assert (await http.post("/api/v1/auth/login", json=wrong)).status_code == 401
            await booked(http, token, {})
            for name, expected in SEEN.items():
                base = stack.url if name == "gateway" else stack.environment[f"{name.upper()}_URL"]

                async def missing(base: str = base, expected: list[str] = expected) -> list[str]:
                    values = dict(line.rsplit(" ", 1) for line in (await http.get(f"{base}/metrics")).text.splitlines())
                    return [series for series in expected if float(values.get(series, 0)) == 0]

                await eventually(missing, lambda none: not none, f"the metrics of {name}")


@pytest.mark.slow
class TestSecrets:
    async def test_no_token_password_or_address_is_in_logs_or_traces(self, stack: Stack, collector: Collector) -> None:
        mark = f"m{secrets.token_hex(6)}"
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
            marks = await self._everything(http, stack, mark)
            last = f"last-{secrets.token_hex(8)}"
            await http.get("/api/v1/services", headers={"X-Request-ID": last})
        await eventually(
            partial(self._logged, stack, "booking"), lambda text: last in text, "the last call's line in the log"
        )
        logs = "".join([await self._logged(stack, name) for name in (*SERVICES, "gateway")])
        traces = b"".join(collector.raw).decode("latin-1")
        assert {mark for mark in marks if mark in logs} == set()
        assert {mark for mark in marks if mark in traces} == set()
        assert "/api/v1/auth/login" in logs
        assert "/api/v1/auth/login" in traces

    async def test_business_events_are_lines_with_ids_and_the_request_that_caused_them(self, stack: Stack) -> None:
        request_id = f"business-{secrets.token_hex(8)}"
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
            _, token = await register(http, "forretning")
            booking = (await booked(http, token, {"X-Request-ID": request_id})).json()
        line = await eventually(
            lambda: self._line_of(stack, "booking", "Booking created", request_id), bool, "the line of the booking"
        )
        customer_id = booking["customer_id"]
        assert (line["booking_id"], line["customer_id"], line["status"]) == (booking["id"], customer_id, "confirmed")
        assert (line["level"], line["actor_id"], line["actor_role"]) == ("info", customer_id, "customer")
        messages = {line["message"] for line in entries(stack, "auth")}
        assert {"User registered", "User logged in"} <= messages

    async def _line_of(self, stack: Stack, name: str, message: str, request_id: str) -> dict[str, Any]:
        wanted = (message, request_id)
        lines = [line for line in entries(stack, name) if (line["message"], line.get("request_id")) == wanted]
        return lines[0] if lines else {}

    async def test_every_line_is_an_object_that_names_its_time_level_and_service(self, stack: Stack) -> None:
        for name in (*SERVICES, "gateway"):
            lines = entries(stack, name)
            assert lines
            assert {line["service"] for line in lines} == {name}
            assert all(line["timestamp"] and line["level"] and line["message"] for line in lines)

    async def _everything(self, http: httpx.AsyncClient, stack: Stack, mark: str) -> set[str]:
        """A set of calls, good and bad; returns what none of them may have left behind."""
        address, wrong = f"{mark}@example.com", f"Wrong-{mark}-password"
        person = {
            "email": address,
            "password": f"Right-{mark}-{PASSWORD}",
            "full_name": f"Navn {mark}",
            "language": "da",
        }
        be_browser(http)
        for _ in range(2):  # the second time the address is taken
            assert (await http.post("/api/v1/auth/register", json=person)).status_code == 202
        await verify(http, address)
        login = {"email": address, "password": person["password"]}
        tokens = (await http.post("/api/v1/auth/login", json=login)).json()
        signed_in = bearer(tokens["access_token"])
        service = stack.environment["AUTH_URL"]
        forged = tokens["access_token"][:-8] + "AAAAAAAA"
        query = {"email": address, "token": f"{mark}-query-token", "q": mark}
        for method, path, body, headers in (
            ("POST", "/api/v1/auth/login", login | {"password": wrong}, {}),
            ("POST", "/api/v1/auth/login", {"email": address, "password": {"deep": wrong}}, {}),
            ("POST", "/api/v1/auth/register", {"email": f"{mark}@", "password": mark}, {}),
            ("POST", "/api/v1/auth/refresh", {"refresh_token": f"{mark}-refresh"}, {}),
            ("POST", "/api/v1/auth/password-reset", {"email": address}, {}),
            ("POST", "/api/v1/auth/password-reset/confirm", {"token": f"{mark}-reset", "password": wrong}, {}),
            ("GET", "/api/v1/users/me", None, signed_in),
            ("GET", "/api/v1/users/me", None, bearer(forged)),
            ("GET", f"{service}/api/v1/users/me", None, bearer(forged)),
            ("POST", "/api/v1/bookings", {"notes": f"{mark} {address}", "start": wrong}, signed_in),
            ("GET", "/api/v1/calendar/feeds/" + f"{mark}-feed-token.ics", None, {}),
        ):
            await http.request(method, path, params=query, json=body, headers=headers)
        await http.post("/api/v1/auth/login", content=b'{"email": "' + address.encode() + b'", \xff', headers={})
        return {mark, wrong, address, tokens["access_token"], tokens["refresh_token"], forged}

    async def _logged(self, stack: Stack, name: str) -> str:
        return (stack.logs / f"{name}.log").read_text()
