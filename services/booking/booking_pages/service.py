"""What the page of a booking shows, and what its buttons do: as the customer signed in, and by the same rules."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson

from domain.clock import COPENHAGEN, to_copenhagen
from domain.dates import format_clock, format_day, format_instant, format_span
from domain.money import format_money
from services.booking.booking_pages import queries
from services.booking.booking_pages.links import Visitor
from services.booking.bookings import service as bookings
from services.booking.bookings.schemas import ChangeRequest
from services.booking.rules import service as rules
from services.booking.salon import service as salon
from services.booking.slots import service as slots
from services.booking.slots.errors import UNKNOWN
from shared.database.session import Database, transaction
from shared.errors import RuleBroken
from shared.http.preconditions import etag
from shared.identity.principals import claims_of

OPEN = frozenset({"pending", "confirmed"})
SHOWN_DAYS = timedelta(days=14)  # of free times
MOST_TIMES = 1000


@dataclass(frozen=True)
class Shown:
    """A booking with the names of what it holds. `movable`: by the customer, now."""

    booking: dict[str, Any]
    salon: dict[str, Any]
    treatments: dict[str, dict[str, Any]]
    locticians: dict[str, str]
    now: datetime

    @property
    def is_open(self) -> bool:
        return self.booking["status"] in OPEN and self.booking["start"] > self.now

    @property
    def movable(self) -> bool:
        window = timedelta(hours=self.salon["cancellation_window_hours"])
        return self.is_open and self.booking["start"] >= self.now + window

    def treatment(self, service_id: str, language: str) -> str:
        names = self.treatments.get(service_id, {})
        return str((names.get(language) or names.get("da") or {}).get("name", ""))


async def read(database: Database, visitor: Visitor, language: str) -> Shown:
    booking = await bookings.get(database, visitor.principal, visitor.booking_id, language)
    treatment_ids = [UUID(str(item["service_id"])) for item in booking["items"]]
    loctician_ids = [UUID(str(item["loctician_id"])) for item in booking["items"]]
    async with transaction(database, claims_of(visitor.principal)) as session:
        treatments = await queries.treatment_names(session, treatment_ids)
        locticians = await queries.loctician_names(session, loctician_ids)
        now = await queries.clock(session)
    return Shown(
        booking, await salon.get_record(database) | await rules.get_rules(database), treatments, locticians, now
    )


async def free_times(
    database: Database, visitor: Visitor, shown: Shown, since: date | None, language: str
) -> list[dict[str, Any]]:
    """The days with free times to move to, from that day on: each with its times as options of a list."""
    start = _first_instant(since, shown.now)
    period = (start, start + SHOWN_DAYS)
    performers = {UUID(str(item["loctician_id"])) for item in shown.booking["items"]}
    wanted = slots.Wanted([], performers.pop() if len(performers) == 1 else None, visitor.booking_id)
    try:
        answer = await slots.search(database, visitor.principal, wanted, period, (None, MOST_TIMES), language)
    except UNKNOWN:  # no longer offered: the salon may still move it
        return []
    starts = sorted({datetime.fromisoformat(slot["start"]) for slot in orjson.loads(answer)["items"]})
    times = [to_copenhagen(instant) for instant in starts if instant != shown.booking["start"]]
    return [
        {"day": format_day(day, language), "times": [_option(instant, language) for instant in instants]}
        for day, instants in groupby(times, key=lambda instant: instant.date())
    ]


def _first_instant(since: date | None, now: datetime) -> datetime:
    return now if since is None else max(now, datetime.combine(since, time(), COPENHAGEN).astimezone(UTC))


def _option(instant: datetime, language: str) -> dict[str, str]:
    return {
        "value": instant.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "text": format_clock(instant, language),
    }


async def cancel(database: Database, visitor: Visitor, language: str) -> None:
    """Raises AlreadyStarted, WrongStatus."""
    await bookings.cancel(database, visitor.principal, visitor.booking_id, None, None, language)


async def move(database: Database, visitor: Visitor, start: str, version: str, language: str) -> str:
    """`version`: the one that the page showed. Returns the booking's status.

    Raises what a change of a booking raises, and RuleBroken without a time.
    """
    if not version.isdecimal():
        raise RuleBroken
    request = ChangeRequest(start=_parse_start(start))
    changed = await bookings.change(
        database, visitor.principal, visitor.booking_id, request, etag(int(version)), language
    )
    return str(changed["status"])


def _parse_start(text: str) -> datetime:
    try:
        start = datetime.fromisoformat(text)
    except ValueError as error:
        raise RuleBroken from error
    if start.tzinfo is None or not 2000 <= start.year <= 2099:
        raise RuleBroken
    return start.astimezone(UTC)


def details(shown: Shown, language: str) -> dict[str, Any]:
    """What the page says of the booking, as text."""
    booking = shown.booking
    return {
        "items": [
            {
                "treatment": shown.treatment(str(item["service_id"]), language),
                "time": format_span(item["start"], item["end"], language),
                "loctician": shown.locticians.get(str(item["loctician_id"]), ""),
            }
            for item in booking["items"]
        ],
        "when": format_instant(booking["start"], language),
        "price": format_money(booking["price"]["amount"], language),
        "status": booking["status"],
        "reason": booking["cancel_reason"] if booking["status"] == "cancelled" else None,
    }
