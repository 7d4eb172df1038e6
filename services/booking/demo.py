"""Demo data for development: a salon with eight treatments and three locticians."""

from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid5

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.money import CURRENCY
from services.booking.events import LocticianUpdated, TreatmentCreated
from services.booking.models import loctician_treatments, locticians, treatments
from services.booking.salon import queries as salon_queries
from services.booking.salon.schemas import SalonInput
from services.booking.salon.service import write
from shared.messaging.events import emit


@dataclass(frozen=True)
class Treatment:
    """Times in minutes, the price in øre with VAT. `texts`: name and description in Danish, then in English."""

    slug: str
    category: str
    minutes: int
    price: int
    texts: tuple[str, str, str, str]
    buffer_after: int = 15
    grid: int = 15
    processing: tuple[int, int] | None = None

    @property
    def id(self) -> UUID:
        return uuid5(NAMESPACE_DNS, f"{self.slug}.treatments.loctician.example")

    @property
    def row(self) -> dict[str, Any]:
        da_name, da_text, en_name, en_text = self.texts
        start, minutes = self.processing or (None, None)
        return {
            "id": self.id,
            "category": self.category,
            "duration_minutes": self.minutes,
            "price_amount": self.price,
            "buffer_after_minutes": self.buffer_after,
            "grid_minutes": self.grid,
            "processing_start_minutes": start,
            "processing_minutes": minutes,
            "translations": {
                "da": {"name": da_name, "description": da_text},
                "en": {"name": en_name, "description": en_text},
            },
        }


TREATMENTS = [
    Treatment(
        "retwist",
        "maintenance",
        90,
        64900,
        (
            "Retwist",
            "Vask og opstramning af udgroningen med palmrolling og let gel, tørret under hætte. Hver 4.-6. uge.",
            "Retwist",
            "Wash and retwist of the new growth by palm rolling with a light gel, hood dried. Every 4 to 6 weeks.",
        ),
    ),
    Treatment(
        "starter-locs",
        "starter",
        240,
        189500,
        (
            "Starter locs",
            "Nye locs fra bunden med comb coils, two-strand twist eller flet, alt efter hårets længde og struktur. "
            "Prisen gælder hår til skulderen; håret skal være vasket, udredt og uden produkter.",
            "Starter locs",
            "New locs from scratch by comb coils, two-strand twists or braids, to suit length and texture. "
            "The price is for hair to the shoulder; come with hair washed, detangled and free of product.",
        ),
        buffer_after=30,
        grid=30,
    ),
    Treatment(
        "crochet-repair",
        "repair",
        120,
        99500,
        (
            "Reparation med hæklenål",
            "Tynde, løse eller knækkede locs samles og forstærkes med fin hæklenål (0,5-0,75 mm), helt uden voks.",
            "Crochet repair",
            "Thin, loose or broken locs are joined and strengthened with a fine crochet hook (0.5-0.75 mm), no wax.",
        ),
    ),
    Treatment(
        "interlocking",
        "maintenance",
        150,
        109500,
        (
            "Interlocking",
            "Udgroningen trækkes gennem roden med nål i fire retninger. Holder 6-10 uger, også ved sport og svømning.",
            "Interlocking",
            "New growth is pulled through the root with a tool in four directions. Lasts 6 to 10 weeks, through sport "
            "and swimming too.",
        ),
    ),
    Treatment(
        "wash-scalp-care",
        "care",
        45,
        39500,
        (
            "Vask og hovedbundspleje",
            "Dybderensende vask uden rester, massage og let olie mod tør og kløende hovedbund.",
            "Wash and scalp care",
            "Residue-free clarifying wash, massage and a light oil for a dry, itching scalp.",
        ),
        buffer_after=5,
    ),
    Treatment(
        "loc-detox",
        "care",
        105,
        74900,
        (
            "Loc-detox",
            "Udblødning i æblecidereddike og natron, der trækker produktrester og snavs ud af kernen. Den virker, mens "
            "du slapper af; bagefter skylles, plejes og tørres helt igennem.",
            "Loc detox",
            "A soak in apple cider vinegar and baking soda that draws residue and dirt out of the core. It works while "
            "you relax; then locs are rinsed, conditioned and dried right through.",
        ),
        processing=(30, 30),
    ),
    Treatment(
        "loc-styling",
        "styling",
        60,
        49500,
        (
            "Opsætning og styling",
            "Fletninger, barrel twists, knold, piberenserkrøller eller opsætning til hverdag, fest og bryllup.",
            "Loc styling",
            "Braids, barrel twists, buns, pipe cleaner curls or an updo for everyday, parties and weddings.",
        ),
        buffer_after=10,
    ),
    Treatment(
        "loc-extensions",
        "extensions",
        360,
        449500,
        (
            "Forlængelse af locs",
            "Håndlavede locs af ægte afro kinky-hår hækles på dine egne locs eller på løst hår. Håret er inkluderet. "
            "Aftal farve og længde først.",
            "Loc extensions",
            "Hand-made locs of human afro kinky hair, crocheted onto your own locs or loose hair. Hair is included. "
            "Agree on colour and length first.",
        ),
        buffer_after=30,
        grid=30,
    ),
]

SALON: dict[str, Any] = {
    "name": "Rodfæstet",
    "legal_name": "Rodfæstet ApS",
    "cvr_number": "12345674",
    "address": "Eksempelgade 12, 2200 København N",
    "phone": "12 34 56 78",
    "email": "hej@rodfaestet.example",
    "website_url": "https://rodfaestet.example",
    "map_url": "https://www.openstreetmap.org/search?query=Eksempelgade%2012%2C%202200%20K%C3%B8benhavn%20N",
    "opening_hours": {
        "da": "Mandag 8-17, tirsdag 9-18, onsdag 8-18, torsdag 8-20, fredag 8-18, lørdag 10-18",
        "en": "Monday 8-17, Tuesday 9-18, Wednesday 8-18, Thursday 8-20, Friday 8-18, Saturday 10-18",
    },
    "cancellation_rule": {
        "da": "Du kan melde afbud gratis indtil 24 timer før din tid. Ring til os, hvis det er senere.",
        "en": "You can cancel free of charge until 24 hours before your appointment. Call us if it is later.",
    },
    "colours": {"paper": "#fbf7f1", "ink": "#2a1d17", "accent": "#9c4127"},
}
Offer = dict[str, int]  # price_amount and duration_minutes, if they differ from the catalog's
OFFERS: dict[tuple[str, str], dict[str, Offer]] = {
    ("Amina", "Loctician siden 2014. Speciale: starter locs og reparation."): {
        "retwist": {"price_amount": 69900},
        "starter-locs": {},
        "crochet-repair": {},
        "wash-scalp-care": {},
        "loc-detox": {},
        "loc-styling": {},
    },
    ("Jonas", "Interlocking og forlængelser, også til fine locs."): {
        "retwist": {},
        "crochet-repair": {"duration_minutes": 105},
        "interlocking": {},
        "loc-extensions": {},
        "wash-scalp-care": {},
        "loc-detox": {},
    },
    ("Sofie", "Pleje og styling, også af børnehår."): {
        "retwist": {"price_amount": 59900, "duration_minutes": 105},
        "starter-locs": {"duration_minutes": 270},
        "wash-scalp-care": {},
        "loc-styling": {},
    },
}


async def load(session: AsyncSession) -> bool:
    """Does nothing and returns False if there are treatments or locticians already."""
    if (await session.execute(select(treatments.c.id).limit(1))).first():
        return False
    if (await session.execute(select(locticians.c.loctician_id).limit(1))).first():
        return False
    await _name_salon(session)
    for treatment in TREATMENTS:
        await session.execute(insert(treatments).values(treatment.row))
        emit(session, _created_event(treatment))
    for (name, bio), offers in OFFERS.items():
        await _add_loctician(session, name, bio, offers)
    return True


async def _name_salon(session: AsyncSession) -> None:
    """Nothing is done for a salon that has written its record."""
    if await salon_queries.lock_record(session) is None:
        await write(session, SalonInput.model_validate(SALON), 1)


def _created_event(treatment: Treatment) -> TreatmentCreated:
    row = treatment.row
    return TreatmentCreated(
        version=1,
        service_id=treatment.id,
        category=treatment.category,
        duration_minutes=treatment.minutes,
        price_amount=treatment.price,
        currency=CURRENCY,
        translations=row["translations"],
        active=True,
    )


async def _add_loctician(session: AsyncSession, name: str, bio: str, offers: dict[str, Offer]) -> None:
    loctician_id = uuid5(NAMESPACE_DNS, f"{name.lower()}@loctician.example")
    ids = {treatment.slug: treatment.id for treatment in TREATMENTS}
    await session.execute(insert(locticians).values(loctician_id=loctician_id, display_name=name, bio=bio))
    for slug, offer in offers.items():
        row = {"loctician_id": loctician_id, "treatment_id": ids[slug]} | offer
        await session.execute(insert(loctician_treatments).values(row))
    treatment_ids = [ids[slug] for slug in offers]
    emit(
        session,
        LocticianUpdated(version=1, loctician_id=loctician_id, display_name=name, service_ids=treatment_ids),
    )
