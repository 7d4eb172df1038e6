"""What booking publishes again, for `loctician republish` and `loctician restore republish`: the current state of
salon, catalog, profiles and bookings. Not requests: who asks is stored nowhere, and they end within half an hour."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.bookings import queries as bookings
from services.booking.catalog import queries as catalog
from services.booking.events import (
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    BookingCreated,
    BookingEvent,
    BookingNoShow,
    LocticianUpdated,
    SalonChanged,
    TreatmentUpdated,
)
from services.booking.profiles import queries as profiles
from services.booking.rules import queries as rules
from services.booking.salon import queries as salon
from services.booking.salon.events import SalonUpdated
from shared.messaging.events import Event

Read = Sequence[tuple[str, list[Event]]]
FINAL: dict[str, type[BookingEvent]] = {
    "cancelled": BookingCancelled,
    "completed": BookingCompleted,
    "no_show": BookingNoShow,
}


async def read_salon(session: AsyncSession, after: str | None, limit: int, since: datetime | None) -> Read:
    """The salon's rules and its record, if it has any, whatever `since`."""
    if after is not None:
        return []
    events: list[Event] = [
        event.model_validate(row)
        for event, states in ((SalonChanged, rules.STATE), (SalonUpdated, salon.STATE))
        for row in (await session.execute(states)).scalars()
    ]
    return [("salon", events)] if events else []


async def read_treatments(session: AsyncSession, after: str | None, limit: int, since: datetime | None) -> Read:
    """The next treatments by id; all of them, whatever `since`."""
    rows = await _rows(session, catalog.STATES, after, limit)
    return [(row["service_id"], [TreatmentUpdated.model_validate(row)]) for row in rows]


async def read_profiles(session: AsyncSession, after: str | None, limit: int, since: datetime | None) -> Read:
    """The next profiles that have a name, by id; all of them, whatever `since`."""
    rows = await _rows(session, profiles.STATES, after, limit)
    return [(row["loctician_id"], [LocticianUpdated.model_validate(row)]) for row in rows]


async def read_bookings(session: AsyncSession, after: str | None, limit: int, since: datetime | None) -> Read:
    """The next bookings by id that changed since then."""
    rows = await _rows(session, bookings.STATES, after, limit, since=since)
    return [(row["booking_id"], [_booking_event(row)]) for row in rows]


async def _rows(
    session: AsyncSession, states: TextClause, after: str | None, limit: int, **parameters: Any
) -> Sequence[Mapping[str, Any]]:
    values = {"after": UUID(after) if after else UUID(int=0), "limit": limit}
    return (await session.execute(states, values | parameters)).scalars().all()


def _booking_event(data: Mapping[str, Any]) -> Event:
    """The event that leads to the booking's state. Its class refuses what the contract does not allow."""
    is_new = data["version"] == 1 or data["status"] == "pending"
    event = FINAL.get(data["status"], BookingCreated if is_new else BookingConfirmed)
    return event.model_validate(data)


SOURCES = {"salon": read_salon, "treatments": read_treatments, "profiles": read_profiles, "bookings": read_bookings}
