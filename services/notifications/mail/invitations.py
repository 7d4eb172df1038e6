"""The appointment in a mail as an iTIP invitation (RFC 5546): the recipient's calendar adds, moves and removes it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any
from uuid import UUID

from icalendar import Calendar, Event, vCalAddress, vText

from domain import ical
from services.notifications.deliveries.series import dates
from services.notifications.names.service import Names
from services.notifications.notification_types import NOTIFICATION_TYPES
from services.notifications.rendering.labels import LABELS
from services.notifications.rendering.texts import single_line, treatment_name

FILE = "appointment.ics"


def create(delivery: Mapping[str, Any], names: Names, sender: str, description: str) -> Calendar:
    """A calendar with one event. Its UID is the booking's, so that each mail updates the same entry."""
    calendar = ical.calendar("Notifications", NOTIFICATION_TYPES[delivery["kind"]].invitation or "REQUEST")
    calendar.add_component(_event(delivery, names, sender, description))
    return calendar


def create_each(delivery: Mapping[str, Any], names: Names, sender: str, description: str) -> list[Calendar]:
    """A calendar for each date of a series, because all events of an invitation share a UID (RFC 5546, 3.2.2)."""
    return [
        create(_delivery_of_date(delivery, booking_id, items), names, sender, description)
        for booking_id, items in dates(delivery["data"]).items()
    ]


def _delivery_of_date(delivery: Mapping[str, Any], booking_id: UUID, items: list[dict[str, Any]]) -> dict[str, Any]:
    booking = {"booking_id": booking_id, "booking_version": items[0]["booking_version"]}
    return {**delivery, **booking, "data": delivery["data"] | {"items": items}}


def attach_each(mail: EmailMessage, invitations: list[Calendar]) -> None:
    for number, invitation in enumerate(invitations, 1):
        mail.add_attachment(invitation.to_ical(), "application", "ics", filename=f"appointment-{number}.ics")


def attach(mail: EmailMessage, invitation: Calendar) -> None:
    """As an alternative for mail programs that read invitations, and as a file for those that do not."""
    content, method = invitation.to_ical(), str(invitation["method"])
    mail.add_alternative(content.decode(), subtype="calendar", params={"method": method})
    mail.add_attachment(content, "application", "ics", filename=FILE)


def _event(delivery: Mapping[str, Any], names: Names, sender: str, description: str) -> Event:
    items = delivery["data"]["items"]
    name, address = parseaddr(sender)
    salon = single_line(names.salon.name or name or address)
    starts, ends = ical.times(
        min(datetime.fromisoformat(item["start"]) for item in items),
        max(datetime.fromisoformat(item["end"]) for item in items),
    )
    event = Event()
    event.add("uid", ical.booking_uid(delivery["booking_id"]))
    event.add("sequence", delivery["booking_version"])
    event.add("dtstamp", datetime.now(UTC))
    event.add("dtstart", starts)
    event.add("dtend", ends)
    event.add("status", ical.STATUSES.get(delivery["data"].get("status", ""), "CONFIRMED"))
    event.add("summary", _summary(items, names, delivery["language"]))
    event.add("description", "\n".join(filter(None, (description, salon, single_line(names.salon.phone)))))
    event.add("location", ", ".join(filter(None, (salon, single_line(names.salon.address)))))
    event.add("organizer", _address(address, salon))
    attendee = _address(delivery["email"], single_line(delivery["full_name"]))
    attendee.params.update({"ROLE": vText("REQ-PARTICIPANT"), "PARTSTAT": vText("ACCEPTED"), "RSVP": vText("FALSE")})
    event.add("attendee", attendee)
    return event


def _summary(items: list[Mapping[str, Any]], names: Names, language: str) -> str:
    labels = LABELS[language]
    translations = [names.treatments.get(UUID(item["service_id"]), {}) for item in items]
    return ", ".join(dict.fromkeys(treatment_name(treatment, labels, language) for treatment in translations))


def _address(address: str, name: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    if name:
        person.params["CN"] = vText(name.replace('"', "'"))  # a parameter's value cannot hold a quotation mark
    return person
