from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from services.calendar.hours.expansion import danish_holidays
from services.calendar.imports.endpoints import address_policy
from services.calendar.local_time import today
from services.calendar.main import SERVICE
from services.calendar.tests.servers import LOCAL, Web, web
from shared.database.session import Database, transaction
from shared.http.app import Service
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Headers

AMINA, JONAS, CUSTOMER = UUID(int=0xA), UUID(int=0xB), UUID(int=0xC)
BOOKING, ITEM, TREATMENT = UUID(int=1), UUID(int=2), UUID(int=3)
URL = f"/api/v1/calendar/{AMINA}"
Run = Callable[[str], Awaitable[Any]]
WEEK = {"hours": [{"weekday": n, "start": "09:00", "end": "17:00"} for n in range(7)]}


@pytest.fixture
def service() -> Service:
    return SERVICE


@pytest.fixture
def headers(auth_headers: Headers) -> dict[str, str]:
    return auth_headers("loctician", AMINA)


@pytest.fixture
async def amina(app: FastAPI, client: httpx.AsyncClient, headers: dict[str, str]) -> httpx.AsyncClient:
    """A client; Amina is open every day, and the tests' own server may be reached."""
    app.dependency_overrides[address_policy] = lambda: LOCAL
    await client.put(f"{URL}/working-hours", json=WEEK, headers=headers)
    return client


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as server:
        yield server


@pytest.fixture
def run(database: Database) -> Run:
    async def execute(statement: str) -> Any:
        async with transaction(database, SERVICE_CLAIMS) as session:
            done = await session.execute(text(statement))
            return done.all() if statement.lstrip().startswith("SELECT") else []

    return execute


def open_day() -> date:
    """A weekday within a month that is neither a holiday nor a clock change."""
    days = (today() + timedelta(days=n) for n in range(3, 30))
    return next(day for day in days if day not in danish_holidays(day.year) and day.weekday() < 5)


def user_state(user_id: UUID, *, version: int = 1, role: str = "customer", **changes: Any) -> dict[str, Any]:
    """What calendar reads from any of auth's events about a user."""
    return {"user_id": str(user_id), "version": version, "language": "da", "role": role, "active": True, **changes}


def booking(start: str, end: str, version: int = 1, status: str = "confirmed") -> dict[str, Any]:
    item = {"item_id": str(ITEM), "service_id": str(TREATMENT), "loctician_id": str(AMINA), "price_amount": 64900}
    times = {"start": start, "end": end}
    return {
        "booking_id": str(BOOKING), "status": status, "customer_id": str(CUSTOMER), "version": version, **times,
        "price_amount": 64900, "currency": "DKK", "items": [item | times], "reason": None, "previous_start": None,
    }  # fmt: skip
