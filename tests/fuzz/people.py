"""Tokens of every role, and ids that exist."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tests.e2e.salon import PASSWORD, bearer, free_slots
from tests.e2e.stack import SERVICES, eventually

ACCOUNTS = {"customer": "kunde", "loctician": "amina", "staff": "staff", "admin": "admin"}
ROLES = ("anonymous", *ACCOUNTS)
VICTIMS = 4
HOME = "127.8.8.8"


@dataclass
class People:
    """`ids` by the name of a parameter or field: of things that exist, none of which a caller stands on."""

    url: str
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)

    def sign_in(self, role: str) -> None:
        """Also again: some calls end the session they are made in. From an address of its own, where nobody guesses at
        passwords as the calls do: it is known from the start, and so never locked out."""
        if role == "anonymous":
            self.headers[role] = {}
            return
        body = {"email": f"{ACCOUNTS[role]}@loctician.example", "password": PASSWORD}
        with httpx.Client(transport=httpx.HTTPTransport(local_address=HOME), timeout=30) as http:
            answer = http.post(f"{self.url}/api/v1/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        self.headers[role] = bearer(answer.json()["access_token"])


async def described(url: str) -> dict[str, Any]:
    """The merged document, once every service has its part in it."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:

        async def read() -> dict[str, Any]:
            document: dict[str, Any] = (await http.get("/openapi.json")).json()
            return document

        return await eventually(read, lambda document: len(document["tags"]) == len(SERVICES), "the whole document", 60)


def ended(answer: Any) -> bool:
    """Whether the session is over, rather than something else not proven."""
    return bool(answer.status_code == 401 and answer.json().get("code") == "unauthorized")


async def gathered(url: str) -> People:
    people = People(url)
    for role in ROLES:
        people.sign_in(role)
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        people.ids = await _ids(http, people.headers["admin"], people.headers["customer"])
    return people


async def _ids(http: httpx.AsyncClient, admin: dict[str, str], customer: dict[str, str]) -> dict[str, list[str]]:
    """Customers of their own for what ends an account, and a booking of each kind of caller's."""
    services = [service["id"] for service in (await _items(http, "/api/v1/services"))]
    locticians = [loctician["id"] for loctician in (await _items(http, "/api/v1/locticians"))]
    for number in range(VICTIMS):
        body = {"email": f"victim-{uuid4().hex[:8]}@example.com", "full_name": f"Victim {number}"}
        assert (await http.post("/api/v1/users", json=body, headers=admin)).status_code == 201
    bookings = [await _booking(http, services[0], customer) for _ in range(3)]
    notices = await eventually(
        lambda: _items(http, "/api/v1/notifications", customer), bool, "a notice of the booking", 30
    )
    users = await _items(http, "/api/v1/users?q=victim", admin)
    victims = [user["id"] for user in users]
    return {
        "service_id": services,
        "loctician_id": locticians,
        "owner_id": locticians,
        "user_id": victims,
        "id": victims,
        "customer_id": victims,
        "subject_id": victims,
        "booking_id": bookings,
        "notice_id": [notice["id"] for notice in notices],
        "delivery_id": [delivery["id"] for delivery in await _items(http, "/api/v1/notifications/deliveries", admin)],
    }


async def _items(http: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None) -> list[Any]:
    answer = await http.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def _booking(http: httpx.AsyncClient, service_id: str, headers: dict[str, str]) -> str:
    for slot in (await free_slots(http, service_id))[::7]:
        body = {"service_ids": [service_id], "loctician_id": slot["loctician_id"], "start": slot["start"]}
        answer = await http.post("/api/v1/bookings", json=body, headers=headers)
        if answer.status_code == 201:
            return str(answer.json()["id"])
    raise AssertionError("no time could be booked")
