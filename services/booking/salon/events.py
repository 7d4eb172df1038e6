"""The published event of the salon's record. services/booking/events.py has the others."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from services.booking.salon.schemas import CANCELLATION, COLOURS, HOURS
from shared.messaging.events import Event


class InWords(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    da: str
    en: str


class ColoursOfSalon(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    paper: str
    ink: str
    accent: str


class SalonUpdated(Event, type="salon.updated.v1", subject="subject_name"):
    """What the salon says of itself, each part empty until it does. Texts by language; colours as #rrggbb."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "version": 2,
        "subject_name": "salon",
        "name": "Rodfæstet",
        "legal_name": "Rodfæstet ApS",
        "cvr_number": "12345674",
        "address": "Eksempelgade 12, 2200 København N",
        "phone": "12 34 56 78",
        "email": "hej@rodfaestet.example",
        "website_url": "https://rodfaestet.example/",
        "map_url": "https://kort.example/?q=Eksempelgade+12",
        "opening_hours": HOURS,
        "cancellation_rule": CANCELLATION,
        "colours": COLOURS,
    }

    subject_name: str
    name: str
    legal_name: str
    cvr_number: str
    address: str
    phone: str
    email: str
    website_url: str | None
    map_url: str | None
    opening_hours: InWords
    cancellation_rule: InWords
    colours: ColoursOfSalon | None
