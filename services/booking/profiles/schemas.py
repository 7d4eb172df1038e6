"""HTTP models of the locticians' profiles."""

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, HttpUrl, UrlConstraints, model_validator

from domain.people import PersonId, PlainName
from domain.replacements import Replacement
from services.booking.catalog.prices import MoneyWithVat
from services.booking.catalog.schemas import Minutes, Price, TreatmentId
from services.booking.media.schemas import Picture
from services.booking.portfolio.schemas import PortfolioMedia
from shared.http.schemas import Schema
from shared.http.validation_messages import invalid

MAX_OFFERS = 200
MAX_LINKS = 12
EXAMPLE_LOCTICIAN_ID = "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b03"
EXAMPLE_LINKS = ["https://example.com/amina"]

LocticianId = Annotated[PersonId, Field(examples=[EXAMPLE_LOCTICIAN_ID])]


class OfferInput(Replacement):
    """A treatment that the loctician performs. Price and duration only if they differ from the catalog's."""

    answer: ClassVar = "OfferedTreatment"

    service_id: TreatmentId
    price: Price | None = None
    duration_minutes: Minutes | None = None

    @model_validator(mode="before")
    @classmethod
    def _leave_out_catalogs(cls, value: Any) -> Any:
        """What a profile shows as the catalog's price or duration is none of the loctician's own."""
        if not isinstance(value, dict):
            return value
        own = {"price": value.get("own_price"), "duration_minutes": value.get("own_duration")}
        return {name: item for name, item in value.items() if own.get(name) is not False}


def _distinct(offers: list[OfferInput]) -> list[OfferInput]:
    if len({offer.service_id for offer in offers}) < len(offers):
        raise invalid(
            "named_twice",
            en="contains the same treatment twice",
            da="Den samme behandling er angivet to gange.",
        )
    return offers


def _without_login(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise invalid(
            "login_in_address",
            en="must not contain a user name or a password",
            da="Må ikke indeholde brugernavn eller adgangskode.",
        )
    return url


Link = Annotated[
    HttpUrl,
    UrlConstraints(max_length=500, allowed_schemes=["https"], host_required=True),
    AfterValidator(_without_login),
]


class ProfileInput(Replacement):
    answer: ClassVar = "LocticianProfile"

    display_name: Annotated[str, Field(min_length=1, max_length=80, examples=["Amina"]), PlainName]
    bio: Annotated[str, Field(max_length=2000, examples=["Locs siden 2012."])] = ""
    portfolio_links: Annotated[list[Link], Field(max_length=MAX_LINKS, default_factory=list, examples=[EXAMPLE_LINKS])]
    instagram_user_id: Annotated[str, Field(pattern=r"^[0-9]{1,30}$", examples=["17841400000000000"])] | None = None
    treatments: Annotated[list[OfferInput], Field(max_length=MAX_OFFERS), AfterValidator(_distinct)]


class OfferedTreatment(Schema):
    service_id: TreatmentId
    duration_minutes: Annotated[int, Field(examples=[90])]
    price: MoneyWithVat
    own_price: bool
    own_duration: bool


class Loctician(Schema):
    id: LocticianId
    display_name: Annotated[str, Field(examples=["Amina"])]
    bio: Annotated[str, Field(examples=["Locs siden 2012."])]
    portfolio_links: Annotated[list[str], Field(examples=[EXAMPLE_LINKS])]
    picture: Picture | None
    treatments: list[OfferedTreatment]
    active: bool
    version: int


class LocticianProfile(Loctician):
    """`instagram_user_id` is only for staff and for the loctician."""

    pictures: Annotated[list[Picture], Field(description="Of the own work")]
    portfolio: Annotated[list[PortfolioMedia], Field(description="From Instagram")]
    instagram_user_id: Annotated[str | None, Field(examples=["17841400000000000"])] = None
