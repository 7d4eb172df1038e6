"""One booking from the first call to the last message, all through the gateway's address."""

import asyncio
import email
import email.policy
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.e2e.stack import Stack, eventually

PASSWORD = "loctician-demo-2026"
Json = dict[str, Any]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def sign_in(http: httpx.AsyncClient, address: str, password: str = PASSWORD) -> str:
    answer = await http.post("/api/v1/auth/login", json={"email": address, "password": password})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def register(http: httpx.AsyncClient, name: str) -> tuple[str, str]:
    """A new customer's address and access token."""
    address = f"{name}-{uuid4().hex[:8]}@example.com"
    body = {"email": address, "password": PASSWORD, "full_name": f"{name.title()} Ærø", "language": "da"}
    assert (await http.post("/api/v1/auth/register", json=body)).status_code == 202
    return address, await sign_in(http, address)


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


@pytest.mark.slow
class TestFirstBooking:
    async def test_customer_books_everyone_hears_and_cancels(self, stack: Stack) -> None:
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
            treatments = (await http.get("/api/v1/services")).json()["items"]
            assert len(treatments) == 8
            retwist = next(one for one in treatments if "retwist" in one["translations"]["en"]["name"].lower())
            slots = await eventually(lambda: free_slots(http, retwist["id"]), bool, "free slots in the demo salon")
            slot = slots[0]

            address, token = await register(http, "kirsten")
            loctician_id = slot["loctician_id"]
            loctician = await self._loctician_token(http, loctician_id)
            live = stack.url.replace("http", "ws", 1)
            async with (
                connect(f"{live}/ws?token={token}") as customer_socket,
                connect(f"{live}/ws?token={loctician}") as loctician_socket,
                connect(f"{live}/ws/loctician/{loctician_id}?token={token}") as public_socket,
            ):
                order = {"service_ids": [retwist["id"]], "loctician_id": loctician_id, "start": slot["start"]}
                headers = bearer(token) | {"Idempotency-Key": uuid4().hex, "X-Request-ID": f"e2e-{uuid4().hex}"}
                booked = await http.post("/api/v1/bookings", json=order, headers=headers)
                assert booked.status_code == 201, booked.text
                booking = booked.json()
                assert booked.headers["etag"] == f'"{booking["version"]}"'
                assert booked.headers["location"].endswith(booking["id"])
                assert booking["price"]["formatted"].endswith("kr.")
                assert booking["status"] == "confirmed"

                def ours(data: Json) -> bool:
                    return bool(data.get("booking_id") == booking["id"])

                for socket in (customer_socket, loctician_socket):
                    update = await soon(receive(socket, "booking_update", ours))
                    assert update["data"]["status"] == "confirmed"
                public = await soon(receive(public_socket, "availability_update", lambda data: not data["available"]))
                assert "booking_id" not in public["data"]
                await self._calendar_shows(http, loctician, booking, present=True)
                await self._mails(stack, address, count=1)
                await self._audit_has(http, booking["id"], "booking.created.v1", headers["X-Request-ID"])

                again = await http.post("/api/v1/bookings", json=order, headers=headers)
                assert again.json()["id"] == booking["id"]
                await self._second_customer_is_refused(http, order)

                cancelled = await http.post(
                    f"/api/v1/bookings/{booking['id']}/cancel", json={"reason": "syg"}, headers=bearer(token)
                )
                assert cancelled.status_code == 200, cancelled.text
                for socket in (customer_socket, loctician_socket):
                    update = await soon(receive(socket, "booking_update", ours))
                    assert update["data"]["status"] == "cancelled"
            await self._calendar_shows(http, loctician, booking, present=False)
            await self._mails(stack, address, count=2)
            free = await free_slots(http, retwist["id"], loctician_id=loctician_id)
            assert slot["start"] in {one["start"] for one in free}

    async def _loctician_token(self, http: httpx.AsyncClient, loctician_id: str) -> str:
        for name in ("amina", "jonas", "sofie"):
            token = await sign_in(http, f"{name}@loctician.example")
            me = (await http.get("/api/v1/users/me", headers=bearer(token))).json()
            if me["id"] == loctician_id:
                return token
        raise AssertionError("the slot's loctician is none of the demo ones")

    async def _calendar_shows(self, http: httpx.AsyncClient, token: str, booking: Json, *, present: bool) -> None:
        item = booking["items"][0]
        day = datetime.fromisoformat(item["start"]).date()
        query = {"from": day.isoformat(), "to": (day + timedelta(days=1)).isoformat()}

        async def shown() -> bool:
            path = f"/api/v1/calendar/{item['loctician_id']}"
            answer = await http.get(path, params=query, headers=bearer(token))
            assert answer.status_code == 200, answer.text
            return booking["id"] in answer.text

        await eventually(shown, lambda value: value is present, f"calendar shows the booking: {present}")

    async def _mails(self, stack: Stack, address: str, *, count: int) -> None:
        async def to_customer() -> list[str]:
            found = []
            for path in sorted(stack.mail.glob("*.eml")):
                message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                if message["to"] and address in message["to"]:
                    found.append(message["subject"])
            return [
                subject
                for subject in found
                if "reserv" in subject.lower()
                or "tid" in subject.lower()
                or "aflys" in subject.lower()
                or "book" in subject.lower()
            ]

        await eventually(to_customer, lambda subjects: len(subjects) == count, f"{count} mails to {address}")

    async def _audit_has(self, http: httpx.AsyncClient, entity: str, action: str, request_id: str) -> None:
        admin = bearer(await sign_in(http, "admin@loctician.example"))

        async def rows() -> list[Json]:
            answer = await http.get("/api/v1/audit", params={"entity": entity}, headers=admin)
            assert answer.status_code == 200, answer.text
            return [row for row in answer.json()["items"] if row["action"] == action]

        found = await eventually(rows, bool, "an audit row for the booking")
        assert found[0]["request_id"] == request_id
        assert found[0]["actor_role"] == "customer"

    async def _second_customer_is_refused(self, http: httpx.AsyncClient, order: Json) -> None:
        _, other = await register(http, "oskar")
        refused = await http.post("/api/v1/bookings", json=order, headers=bearer(other))
        assert refused.status_code == 409, refused.text
        assert refused.headers["content-type"] == "application/problem+json"
        problem = refused.json()
        assert problem["code"] == "slot_taken"
        assert len(problem["alternatives"]) == 3
        for alternative in problem["alternatives"]:
            answer = await http.post(
                "/api/v1/bookings/check-availability",
                json={
                    "service_ids": order["service_ids"],
                    "loctician_id": order["loctician_id"],
                    "start": alternative["start"],
                },
            )
            assert answer.json()["available"] is True
