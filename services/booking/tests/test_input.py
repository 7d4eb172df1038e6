"""Invalid input is answered with a problem document, never with a 500."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.booking.tests.conftest import RETWIST, booking_body
from shared.http.pagination import encode_cursor
from shared.testing.types import Headers

SOON = (datetime.now(UTC) + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0).isoformat()
GOOD = booking_body(SOON)

BODIES: dict[str, Any] = {
    "nothing": "",
    "malformed": '{"service_ids": [',
    "not an object": "[1, 2]",
    "a number": "1",
    "null": "null",
    "deeply nested": "[" * 50_000 + "]" * 50_000,
    "not UTF-8": b'{"notes": "\xff\xfe"}',
    "empty object": {},
    "no treatments": GOOD | {"service_ids": []},
    "too many treatments": GOOD | {"service_ids": [str(uuid4()) for _ in range(9)]},
    "one treatment twice": GOOD | {"service_ids": [str(RETWIST)] * 2},
    "treatments as a string": GOOD | {"service_ids": str(RETWIST)},
    "unknown treatment": GOOD | {"service_ids": [str(uuid4())]},
    "unknown loctician": GOOD | {"loctician_id": str(uuid4())},
    "an id that is none": GOOD | {"service_ids": ["1; DROP TABLE booking.bookings"]},
    "a start that is none": GOOD | {"start": "soon"},
    "a start that autumn repeats": GOOD | {"start": "2027-10-31T02:30:00"},
    "a start in seconds": GOOD | {"start": 1893456000},
    "a start in seconds as text": GOOD | {"start": "1893456000"},
    "a start that is true": GOOD | {"start": True},
    "a start in a week": GOOD | {"start": "2027-W01-1T10:00:00Z"},
    "a past start": GOOD | {"start": "2020-01-01T10:00:00Z"},
    "a start this second year": GOOD | {"start": "0001-01-01T00:00:00+14:00"},
    "the last year": GOOD | {"start": "9999-12-31T23:59:59-14:00"},
    "an offset of 26 hours": GOOD | {"start": "2027-01-01T10:00:00+26:00"},
    "a huge number as start": GOOD | {"start": 10**30},
    "NaN": '{"service_ids": ["00000000-0000-0000-0000-000000000001"], "start": NaN}',
    "a start as object": GOOD | {"start": {}},
    "NUL in notes": GOOD | {"notes": "a\x00b"},
    "lone surrogate in notes": '{"notes": "\\ud800"}',
    "notes as a number": GOOD | {"notes": 5},
    "notes too long": GOOD | {"notes": "x" * 2001},
    "a price of one's own": GOOD | {"price_amount": 1},
    "a status of one's own": GOOD | {"status": "completed"},
    "NUL in a field's name": GOOD | {"a\x00": 1},
}

QUERIES: dict[str, dict[str, Any]] = {
    "limit of 10^9": {"limit": "1000000000"},
    "limit of 0": {"limit": "0"},
    "limit below": {"limit": "-1"},
    "limit as word": {"limit": "all"},
    "limit beyond integers": {"limit": "9" * 40},
    "cursor that is none": {"cursor": "%%%"},
    "cursor cut": {"cursor": encode_cursor("2027-01-01T00:00:00Z", str(uuid4()))[:-7]},
    "cursor of other types": {"cursor": encode_cursor(1, 2, 3)},
    "cursor in year 1": {"cursor": encode_cursor("0001-01-01T00:00:00+14:00", str(uuid4()))},
    "cursor with another value": {"cursor": encode_cursor("x' OR true --", "y")},
    "cursor not ASCII": {"cursor": "æøå"},
    "cursor too long": {"cursor": "a" * 5000},
    "status that is none": {"status": "free"},
    "from in year 1": {"from": "0001-01-01T00:00:00Z"},
    "to in year 9999": {"to": "9999-12-31T23:59:59Z"},
    "from in seconds": {"from": "1893456000"},
    "from in a month": {"from": "2027-01"},
    "an unknown parameter": {"form": "2027-01-01"},
    "customer that is no id": {"customer_id": "' OR 1=1"},
    "NUL": {"status": "\x00"},
}

SEARCHES: dict[str, dict[str, Any]] = {
    "no treatment": {},
    "treatment that is no id": {"service_id": "x"},
    "inverted range": {"service_id": str(RETWIST), "from": "2027-01-02T00:00:00Z", "to": "2027-01-01T00:00:00Z"},
    "empty range": {"service_id": str(RETWIST), "from": "2027-01-02T00:00:00Z", "to": "2027-01-02T00:00:00Z"},
    "range of a year": {"service_id": str(RETWIST), "from": "2027-01-01T00:00:00Z", "to": "2028-01-01T00:00:00Z"},
    "limit of 10^9": {"service_id": str(RETWIST), "limit": "1000000000"},
    "the same twice": {"service_id": [str(RETWIST)] * 2},
    "year 9999": {"service_id": str(RETWIST), "from": "9999-12-31T00:00:00Z"},
}


def is_problem(answer: httpx.Response, *codes: int) -> bool:
    body = answer.json()
    return (
        answer.status_code in codes
        and answer.headers["content-type"] == "application/problem+json"
        and body["status"] == answer.status_code
        and {"type", "title", "code", "detail", "instance", "request_id"} <= set(body)
    )


def sent(body: Any) -> dict[str, Any]:
    if isinstance(body, (str, bytes)):
        return {"content": body, "headers": {"Content-Type": "application/json"}}
    return {"json": body}


class TestBodies:
    @pytest.mark.parametrize("name", BODIES)
    async def test_booking_refuses_invalid_bodies(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date, name: str
    ) -> None:
        request = sent(BODIES[name])
        request["headers"] = request.get("headers", {}) | auth_headers("customer")
        answer = await client.post("/api/v1/bookings", **request)
        assert is_problem(answer, 400, 422), (answer.status_code, answer.text)

    @pytest.mark.parametrize("name", ["malformed", "no treatments", "the last year", "NUL in a field's name"])
    async def test_checking_availability_refuses_invalid_bodies(
        self, client: httpx.AsyncClient, salon: date, name: str
    ) -> None:
        answer = await client.post("/api/v1/bookings/check-availability", **sent(BODIES[name]))
        assert is_problem(answer, 400, 422), answer.text

    @pytest.mark.parametrize("key", ["", "with space", "x" * 201, "æ".encode()])
    async def test_malformed_idempotency_keys_are_refused(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date, key: str | bytes
    ) -> None:
        headers = {**auth_headers("customer"), "Idempotency-Key": key}
        answer = await client.post("/api/v1/bookings", json=GOOD, headers=headers)  # type: ignore[arg-type]
        assert is_problem(answer, 422), answer.text

    @pytest.mark.parametrize("body", ["[", '{"reason": 5}', '{"status": "completed"}', '{"reason": "\\u0000"}'])
    async def test_cancelling_refuses_invalid_bodies(
        self, client: httpx.AsyncClient, auth_headers: Headers, body: str
    ) -> None:
        headers = auth_headers("customer") | {"Content-Type": "application/json"}
        answer = await client.post(f"/api/v1/bookings/{uuid4()}/cancel", content=body, headers=headers)
        assert is_problem(answer, 422), answer.text


class TestQueries:
    @pytest.mark.parametrize("name", QUERIES)
    async def test_listing_refuses_invalid_parameters(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date, name: str
    ) -> None:
        answer = await client.get("/api/v1/bookings", params=QUERIES[name], headers=auth_headers("customer"))
        assert is_problem(answer, 422), (answer.status_code, answer.text)

    @pytest.mark.parametrize("name", SEARCHES)
    async def test_searching_slots_refuses_invalid_parameters(
        self, client: httpx.AsyncClient, salon: date, name: str
    ) -> None:
        answer = await client.get("/api/v1/slots", params=SEARCHES[name])
        assert is_problem(answer, 422), (answer.status_code, answer.text)

    @pytest.mark.parametrize(
        "path", ["/api/v1/bookings/x", f"/api/v1/bookings/{UUID(int=0)}", "/api/v1/bookings/%00", "/api/v1/services/1"]
    )
    async def test_malformed_ids_are_refused(self, client: httpx.AsyncClient, auth_headers: Headers, path: str) -> None:
        assert is_problem(await client.get(path, headers=auth_headers("customer")), 404, 422)

    @pytest.mark.parametrize("path", ["/api/v1/bookings", f"/api/v1/bookings/{UUID(int=5)}/history"])
    async def test_bad_tokens_are_401(self, client: httpx.AsyncClient, path: str) -> None:
        for token in ("", "x", "a.b.c", "e30.e30."):
            answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
            assert is_problem(answer, 401)
