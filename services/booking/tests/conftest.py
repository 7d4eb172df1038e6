"""A salon of two locticians and three treatments, open 09:00 to 17:00 in Copenhagen for the days a test asks for."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import insert, text

from services.booking.main import SERVICE
from services.booking.models import treatments
from shared.app import Service
from shared.auth import SERVICE_CLAIMS
from shared.db import Database, transaction
from shared.schemas import COPENHAGEN

AMINA, JONAS = UUID(int=0xA), UUID(int=0xB)
RETWIST, DETOX, STYLING, RETIRED = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)

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


@pytest.fixture
def service() -> Service:
    return SERVICE


def at(day: date, clock: str) -> datetime:
    """An instant by the wall clock in Copenhagen."""
    return datetime.combine(day, time.fromisoformat(clock), COPENHAGEN)


def soon(days: int = 3) -> date:
    return (datetime.now(UTC) + timedelta(days=days)).astimezone(COPENHAGEN).date()


@pytest.fixture
def open_on(deliver: Callable[..., Awaitable[bool]]) -> OpenOn:
    """Opening hours as calendar would publish them."""
    versions = iter(range(1, 1000))

    async def send(day: date, *hours: tuple[str, str], loctician: UUID = AMINA, version: int | None = None) -> None:
        windows = [{"start": at(day, a).isoformat(), "end": at(day, b).isoformat()} for a, b in hours]
        data = {"loctician_id": str(loctician), "days": [{"date": day.isoformat(), "windows": windows}]}
        await deliver("calendar.windows_changed.v1", data, version=version or next(versions))

    return send


@pytest.fixture
async def salon(database: Database, open_on: OpenOn) -> date:
    """The day on which both locticians are open from nine to five."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        for statement in SALON.split(";\n"):
            used = {name: value for name, value in IDS.items() if f":{name}" in statement}
            await session.execute(text(statement.replace('": ', r'"\: ')), used)
    day = soon()
    for loctician in (AMINA, JONAS):
        await open_on(day, ("09:00", "17:00"), loctician=loctician)
    return day


async def add_treatment(
    database: Database, treatment_id: UUID, texts: dict[str, tuple[str, str]], category: str = "care"
) -> None:
    """`texts`: name and description by language."""
    translations = {one: {"name": name, "description": about} for one, (name, about) in texts.items()}
    row = {"id": treatment_id, "translations": translations, "category": category, "duration_minutes": 60}
    async with transaction(database, SERVICE_CLAIMS) as session:
        await session.execute(insert(treatments).values(row | {"price_amount": 50000}))


def asking(start: datetime | str, *services: UUID, loctician: UUID | None = AMINA, **more: Any) -> dict[str, Any]:
    return {
        "service_ids": [str(one) for one in services or (RETWIST,)],
        "loctician_id": str(loctician) if loctician else None,
        "start": start if isinstance(start, str) else start.isoformat(),
    } | more


@pytest.fixture
def book(client: httpx.AsyncClient, auth_headers: Callable[..., dict[str, str]], salon: date) -> Book:
    async def post(
        start: datetime | str, *services: UUID, customer: UUID | None = None, key: str | None = None,
        role: str = "customer", loctician: UUID | None = AMINA, language: str = "da", **more: Any,
    ) -> httpx.Response:  # fmt: skip
        headers = auth_headers(role, customer or uuid4()) | {"Accept-Language": language}
        if key:
            headers["Idempotency-Key"] = key
        body = asking(start, *services, loctician=loctician, **more)
        return await client.post("/api/v1/bookings", json=body, headers=headers)

    return post
