"""What the page of an offer shows, and what its buttons do: by the rules for customers, as with an account."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from domain.dates import format_deadline, format_span
from domain.links import booking_url, offer_of
from domain.money import format_money
from domain.roles import Role
from services.booking.booking_pages.links import MAILER
from services.booking.bookings import service as bookings
from services.booking.bookings.schemas import BookingRequest
from services.booking.errors import HoldLapsed
from services.booking.holds import service as holds
from services.booking.offer_pages import queries
from shared.database.session import Database, transaction
from shared.errors import NotFound, ProblemError, Texts
from shared.identity.principals import SERVICE_CLAIMS, Principal

# `ended`: somebody took it or gave it up before its time; `gone`: nothing is known of it any more.
State = Literal["open", "booked", "requested", "cancelled", "lapsed", "ended", "gone"]
BOOKED = frozenset({"booked", "requested"})
NO_SESSION = UUID(int=0)


class OfferEnded(ProblemError):
    """Shown as a page that says how."""

    status_code = 410
    code = "offer_ended"
    title: ClassVar[Texts] = {"da": "Tilbuddet gælder ikke længere", "en": "The offer is no longer valid"}
    detail: ClassVar[Texts] = {
        "da": "Tiden er ikke længere reserveret.",
        "en": "The time is no longer held.",
    }


@dataclass(frozen=True)
class Offered:
    """`sitting`: the hold or the booking, as SQL describes it; None when there is neither."""

    state: State
    customer_id: UUID | None = None
    sitting: dict[str, Any] | None = None
    ends_at: datetime | None = None
    now: datetime | None = None
    confirm_by_hand: bool = False
    treatments: dict[str, dict[str, Any]] | None = None
    locticians: dict[str, str] | None = None


async def read(database: Database, token: str) -> Offered:
    """The offer that the link is for. Changes nothing. Raises NotFound for a link that was not made here."""
    offer_id = None if database.keys is None else offer_of(database.keys.shared_with(MAILER), token)
    if offer_id is None:
        raise NotFound
    async with transaction(database, SERVICE_CLAIMS) as session:
        row = await queries.find_offer(session, offer_id)
        if row is None:
            return Offered("gone")
        sitting = row["hold"] or row["booking"]
        offered = Offered(
            _state(row),
            UUID(str(row["customer_id"])),
            sitting,
            row["offer_ends_at"],
            row["now"],
            row["confirm_by_hand"],
        )
        if sitting is None:
            return offered
        parts = _parts(sitting)
        treatment_ids, loctician_ids = ([UUID(part[place]) for part in parts] for place in (0, 1))
        names = await queries.names(session, treatment_ids, loctician_ids)
    return replace(offered, **names)


def _state(row: dict[str, Any]) -> State:
    if row["hold"]:
        return "open"
    if row["booking"]:
        states: dict[str, State] = {"pending": "requested", "cancelled": "cancelled"}
        return states.get(row["booking"]["status"], "booked")
    return "lapsed" if row["status"] != "accepted" and row["offer_ends_at"] <= row["now"] else "ended"


def _parts(sitting: dict[str, Any]) -> list[tuple[str, str]]:
    """Treatment and loctician of each part."""
    parts = sitting.get("items") or sitting.get("parts")
    if parts:
        return [(part["service_id"], part["loctician_id"]) for part in parts]
    return [(service_id, sitting["loctician_id"]) for service_id in sitting["service_ids"]]


async def accept(database: Database, token: str, language: str) -> None:
    """Books the offered time as its customer. Does nothing when the offer is not open any more.

    Raises what booking raises, such as CustomerOverlap and TooManyOpen.
    """
    offered = await read(database, token)
    if offered.state != "open" or offered.sitting is None:
        return
    performers = {loctician_id for _, loctician_id in _parts(offered.sitting)}
    request = BookingRequest(
        service_ids=offered.sitting["service_ids"],
        loctician_id=performers.pop() if len(performers) == 1 else None,
        start=offered.sitting["start"],
        hold_id=offered.sitting["id"],
    )
    try:
        await bookings.book(database, _customer(offered), request, None, language)
    except HoldLapsed:  # pressed twice, or too late: the page says which
        return


async def decline(database: Database, token: str) -> None:
    """Gives the time to the next. Does nothing when the offer is not open any more."""
    offered = await read(database, token)
    if offered.state != "open" or offered.sitting is None:
        return
    try:
        await holds.release(database, _customer(offered), UUID(offered.sitting["id"]))
    except NotFound:  # pressed twice
        return


def _customer(offered: Offered) -> Principal:
    assert offered.customer_id is not None  # noqa: S101 - an open offer has a customer
    return Principal(offered.customer_id, Role.CUSTOMER, NO_SESSION)


def details(offered: Offered, language: str) -> dict[str, Any] | None:
    """What the page says of the time, as text."""
    sitting = offered.sitting
    if sitting is None or offered.treatments is None or offered.locticians is None:
        return None
    start, end = datetime.fromisoformat(sitting["start"]), datetime.fromisoformat(sitting["end"])
    return {
        "items": [
            {
                "treatment": _name(offered.treatments, service_id, language),
                "loctician": offered.locticians.get(loctician_id, ""),
            }
            for service_id, loctician_id in _parts(sitting)
        ],
        "when": format_span(start, end, language),
        "price": format_money(sitting["price_amount"], language),
    }


def _name(treatments: dict[str, dict[str, Any]], service_id: str, language: str) -> str:
    names = treatments.get(service_id, {})
    return str((names.get(language) or names.get("da") or {}).get("name", ""))


def booking_path(database: Database, offered: Offered) -> str | None:
    """The page of the booking that the offer became, until the appointment ends."""
    booking = offered.sitting
    if database.keys is None or offered.customer_id is None or booking is None or offered.now is None:
        return None
    if offered.state not in BOOKED or datetime.fromisoformat(booking["end"]) <= offered.now:
        return None
    return booking_url("", database.keys.shared_with(MAILER), UUID(booking["id"]), offered.customer_id)


def deadline(offered: Offered, language: str) -> str:
    """Until when the offer is, or was, open; as text."""
    if offered.ends_at is None or offered.now is None:
        return ""
    return format_deadline(offered.ends_at, offered.now, language)
