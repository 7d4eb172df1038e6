"""A salon of two locticians and three treatments, open 09:00 to 17:00 in Copenhagen for the days a test asks for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.clock import COPENHAGEN
from services.booking.main import SERVICE
from services.booking.models import treatments
from shared.database.session import Database, transaction
from shared.http.app import Service
from shared.identity.principals import SERVICE_CLAIMS
from shared.jobs import run_once
from shared.testing.types import Deliver, Headers

AMINA, JONAS = UUID(int=0xA), UUID(int=0xB)
RETWIST, DETOX, STYLING, RETIRED = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
FREJA = ("Freja Holm", "+4520123456", "freja@example.dk")

SALON = """
    INSERT INTO booking.treatments (id, translations, category, duration_minutes, processing_start_minutes,
        processing_minutes, buffer_after_minutes, price_amount, active)
    VALUES
    (:retwist, '{"da": {"name": "Retwist", "description": "Opstramning"},
        "en": {"name": "Retwist", "description": "Tightening"}}', 'maintenance', 90, NULL, NULL, 15, 64900, true),
    (:detox, '{"da": {"name": "Loc-detox", "description": "Udblødning 100% ren"},
        "en": {"name": "Loc detox", "description": "Soak"}}', 'care', 120, 30, 60, 0, 75000, true),
    (:styling, '{"da": {"name": "Opsætning", "description": "Fest"},
        "en": {"name": "Styling", "description": "Party"}}', 'styling', 60, NULL, NULL, 0, 49500, true),
    (:retired, '{"da": {"name": "Gammel", "description": ""},
        "en": {"name": "Old", "description": ""}}', 'care', 60, NULL, NULL, 0, 10000, false);
    INSERT INTO booking.locticians (loctician_id, display_name) VALUES (:amina, 'Amina'), (:jonas, 'Jonas');
    INSERT INTO booking.loctician_treatments (loctician_id, treatment_id, price_amount, duration_minutes) VALUES
    (:amina, :retwist, NULL, NULL), (:amina, :detox, NULL, NULL), (:amina, :styling, NULL, NULL),
    (:jonas, :retwist, 59900, 60)
"""
IDS = {
    "retwist": RETWIST, "detox": DETOX, "styling": STYLING, "retired": RETIRED, "amina": AMINA, "jonas": JONAS,
}  # fmt: skip

OpenOn = Callable[..., Awaitable[None]]
Book = Callable[..., Awaitable[httpx.Response]]
Offering = Callable[[], Awaitable[None]]
SetClock = Callable[[datetime | None], Awaitable[None]]

CLOCK = "CREATE OR REPLACE FUNCTION booking.clock() RETURNS timestamptz LANGUAGE sql STABLE RETURN "


@pytest.fixture
def service() -> Service:
    return SERVICE


def at(day: date, clock: str) -> datetime:
    """The instant of a local time in Copenhagen."""
    return datetime.combine(day, time.fromisoformat(clock), COPENHAGEN)


def soon(days: int = 3) -> date:
    return (datetime.now(UTC) + timedelta(days=days)).astimezone(COPENHAGEN).date()


def user_state(user_id: UUID, role: str = "customer", **changes: Any) -> dict[str, Any]:
    """What booking reads from any of auth's events about a user."""
    name, phone, email = FREJA
    person = {"full_name": name, "phone": phone, "email": email}
    return {"user_id": str(user_id), "role": role, "active": True, **person, **changes}


@pytest.fixture
def open_on(deliver: Deliver) -> OpenOn:
    """Opening hours as calendar would publish them."""
    versions = iter(range(1, 1000))

    async def send(
        day: date, *hours: tuple[str, str], loctician: UUID = AMINA, version: int | None = None,
        closed_for: str | None = None,
    ) -> None:  # fmt: skip
        windows = [{"start": at(day, a).isoformat(), "end": at(day, b).isoformat()} for a, b in hours]
        days = [{"date": day.isoformat(), "windows": windows, "closed_for": closed_for}]
        data = {"loctician_id": str(loctician), "days": days}
        await deliver("calendar.windows_changed.v1", data, version=version or next(versions))

    return send


@pytest.fixture
def fill_salon(database: Database, open_on: OpenOn) -> Callable[[], Awaitable[date]]:
    """Fills empty tables with the salon. Returns the day on which both locticians are open from nine to five."""

    async def fill() -> date:
        async with transaction(database, SERVICE_CLAIMS) as session:
            for statement in SALON.split(";\n"):
                used = {name: value for name, value in IDS.items() if f":{name}" in statement}
                await session.execute(text(statement.replace('": ', r'"\: ')), used)
        day = soon()
        for loctician in (AMINA, JONAS):
            await open_on(day, ("09:00", "17:00"), loctician=loctician)
        return day

    return fill


@pytest.fixture
async def salon(fill_salon: Callable[[], Awaitable[date]]) -> date:
    """The day on which both locticians are open from nine to five."""
    return await fill_salon()


async def add_treatment(
    database: Database, treatment_id: UUID, texts: dict[str, tuple[str, str]], category: str = "care"
) -> None:
    """`texts`: name and description by language."""
    translations = {text: {"name": name, "description": about} for text, (name, about) in texts.items()}
    row = {"id": treatment_id, "translations": translations, "category": category, "duration_minutes": 60}
    async with transaction(database, SERVICE_CLAIMS) as session:
        await session.execute(insert(treatments).values(row | {"price_amount": 50000}))


def booking_body(start: datetime | str, *services: UUID, loctician: UUID | None = AMINA, **more: Any) -> dict[str, Any]:
    return {
        "service_ids": [str(service) for service in services or (RETWIST,)],
        "loctician_id": str(loctician) if loctician else None,
        "start": start if isinstance(start, str) else start.isoformat(),
    } | more


@pytest.fixture
def book(client: httpx.AsyncClient, auth_headers: Headers, salon: date) -> Book:
    async def post(
        start: datetime | str, *services: UUID, customer: UUID | None = None, key: str | None = None,
        role: str = "customer", loctician: UUID | None = AMINA, language: str = "da", **more: Any,
    ) -> httpx.Response:  # fmt: skip
        headers = auth_headers(role, customer or uuid4()) | {"Accept-Language": language}
        if key:
            headers["Idempotency-Key"] = key
        body = booking_body(start, *services, loctician=loctician, **more)
        return await client.post("/api/v1/bookings", json=body, headers=headers)

    return post


@dataclass(frozen=True)
class Caller:
    """A user with a token."""

    client: httpx.AsyncClient
    id: UUID
    headers: dict[str, str]

    async def send(self, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, f"/api/v1{path}", json=json, headers=self.headers | named)

    async def get(self, path: str, **params: str) -> httpx.Response:
        return await self.client.get(f"/api/v1{path}", params=params, headers=self.headers)

    async def post(self, path: str, json: Any = None, **headers: str) -> httpx.Response:
        return await self.send("POST", path, json, **headers)

    async def put(self, path: str, json: Any, version: int | None = None, **headers: str) -> httpx.Response:
        named = {} if version is None else {"If_Match": f'"{version}"'}
        return await self.send("PUT", path, json, **named, **headers)

    async def delete(self, path: str) -> httpx.Response:
        return await self.send("DELETE", path)


SignIn = Callable[..., Caller]


@pytest.fixture
def sign_in(client: httpx.AsyncClient, auth_headers: Headers) -> SignIn:
    def make(role: str = "customer", person: UUID | None = None) -> Caller:
        person = person or uuid4()
        return Caller(client, person, auth_headers(role, person))

    return make


@pytest.fixture
def customer(sign_in: SignIn) -> Caller:
    return sign_in()


@pytest.fixture
def first(sign_in: SignIn) -> Caller:
    """A customer who comes before `second`."""
    return sign_in()


@pytest.fixture
def second(sign_in: SignIn) -> Caller:
    return sign_in()


@pytest.fixture
def staff(sign_in: SignIn) -> Caller:
    return sign_in("staff")


@pytest.fixture
async def set_clock(owner: AsyncEngine, database: Database) -> AsyncIterator[SetClock]:
    """Sets the time that booking.clock() returns until the test ends; None for the real time."""

    async def set_to(instant: datetime | None) -> None:
        async with owner.begin() as connection:
            moment = "now()" if instant is None else f"timestamptz '{instant.isoformat()}'"
            await connection.execute(text((CLOCK + moment).replace(":", r"\:")))

    yield set_to
    await set_to(None)


@pytest.fixture
def offer_freed_times(database: Database) -> Offering:
    """Runs the job until nothing is left to offer."""
    job = next(job for job in SERVICE.jobs if job.name == "offer_freed_times")

    async def run() -> None:
        while (outcome := await run_once(database, job)) == "more":
            pass
        assert outcome == "done"

    return run


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


RULES = {
    "minimum_notice_minutes": 60, "horizon_days": 180, "cancellation_window_hours": 24, "confirm_by_hand": False,
    "open_bookings_per_customer": 10, "offer_minutes": 30, "confirm_within_hours": 72,
    "buffers_within_hours": False,
}  # fmt: skip


async def set_rules(sign_in: SignIn, **rules: Any) -> None:
    staff = sign_in("staff")
    version = (await staff.get("/bookings/rules")).json()["version"]
    assert (await staff.put("/bookings/rules", RULES | rules, version)).status_code == 200
