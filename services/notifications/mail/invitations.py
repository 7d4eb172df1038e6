"""An appointment as iTIP (RFC 5546): the recipient's calendar shows it, moves it, and takes it away again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any
from uuid import UUID

from icalendar import Calendar, Event, vCalAddress, vText

from domain.clock import comes_twice, copenhagen
from services.notifications.notification_types import NOTIFICATION_TYPES
from services.notifications.rendering.labels import LABELS
from services.notifications.rendering.texts import Names, instant, plain, treatment

STATUSES = {"booking_requested": "TENTATIVE", "booking_cancelled": "CANCELLED"}
FILE = "appointment.ics"


def calendar(delivery: Mapping[str, Any], names: Names, sender: str, summary: str) -> Calendar:
    """One event under an id that stays the booking's, so that each mail updates the same entry."""
    made = Calendar()
    made.add("prodid", "-//Loctician//Notifications//DA")
    made.add("version", "2.0")
    made.add("method", NOTIFICATION_TYPES[delivery["kind"]].invitation)
    made.add_component(_event(delivery, names, sender, summary))
    made.add_missing_timezones()
    return made


def attach(mail: EmailMessage, invitation: Calendar) -> None:
    """Beside text and HTML for clients that read invitations, and as a file for those that do not."""
    content, method = invitation.to_ical(), str(invitation["method"])
    mail.add_alternative(content.decode(), subtype="calendar", params={"method": method})
    mail.add_attachment(content, "application", "ics", filename=FILE)


def _event(delivery: Mapping[str, Any], names: Names, sender: str, summary: str) -> Event:
    items = delivery["data"]["items"]
    salon, address = parseaddr(sender)
    event = Event()
    event.add("uid", f"booking-{delivery['booking_id']}@{address.rpartition('@')[2]}")
    event.add("sequence", delivery["booking_version"])
    event.add("dtstamp", datetime.now(UTC))
    event.add("dtstart", _wall(min(instant(item["start"]) for item in items)))
    event.add("dtend", _wall(max(instant(item["end"]) for item in items)))
    event.add("status", STATUSES.get(delivery["kind"], "CONFIRMED"))
    event.add("summary", _summary(items, names, delivery["language"]))
    event.add("description", summary)
    event.add("location", plain(salon or address))
    event.add("organizer", _person(address, plain(salon or address)))
    attendee = _person(delivery["email"], plain(delivery["full_name"]))
    attendee.params.update({"ROLE": vText("REQ-PARTICIPANT"), "PARTSTAT": vText("ACCEPTED"), "RSVP": vText("FALSE")})
    event.add("attendee", attendee)
    return event


def _wall(moment: datetime) -> datetime:
    """By the clock in Copenhagen; in UTC within the hour that comes twice, where that clock says too little."""
    return moment.astimezone(UTC) if comes_twice(moment) else copenhagen(moment)


def _summary(items: list[Mapping[str, Any]], names: Names, language: str) -> str:
    labels = LABELS[language]
    called = [treatment(names.treatments.get(UUID(item["treatment_id"]), {}), labels, language) for item in items]
    return ", ".join(dict.fromkeys(called))


def _person(address: str, name: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    person.params["CN"] = vText(name.replace('"', "'"))  # a parameter's value cannot hold a quotation mark
    return person
