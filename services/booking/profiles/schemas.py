from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, HttpUrl, UrlConstraints

from services.booking.catalog.schemas import Minutes, Price
from services.booking.money import MoneyWithVat
from services.booking.portfolio.schemas import PortfolioMedia
from shared.http.schemas import Input, Schema
from shared.http.validation_messages import invalid

MOST_OFFERED = 200
MOST_LINKS = 12


class OfferInput(Input):
    """A treatment that somebody performs; price and duration only where they differ from the catalog's."""

    service_id: UUID
    price: Price | None = None
    duration_minutes: Minutes | None = None


def _distinct(offers: list[OfferInput]) -> list[OfferInput]:
    if len({one.service_id for one in offers}) < len(offers):
        raise invalid(
            "named_twice", en="the same treatment is named twice", da="Den samme behandling er nævnt to gange."
        )
    return offers


def _without_login(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise invalid(
            "login_in_address",
            en="may hold no user name or password",
            da="Må ikke indeholde brugernavn eller adgangskode.",
        )
    return url


Link = Annotated[
    HttpUrl,
    UrlConstraints(max_length=500, allowed_schemes=["https"], host_required=True),
    AfterValidator(_without_login),
]


class ProfileInput(Input):
    display_name: Annotated[str, Field(min_length=1, max_length=80)]
    bio: Annotated[str, Field(max_length=2000)] = ""
    portfolio_links: Annotated[list[Link], Field(max_length=MOST_LINKS, default_factory=list)]
    instagram_user_id: Annotated[str, Field(pattern=r"^[0-9]{1,30}$")] | None = None
    treatments: Annotated[list[OfferInput], Field(max_length=MOST_OFFERED), AfterValidator(_distinct)]


class OfferedTreatment(Schema):
    service_id: UUID
    duration_minutes: int
    price: MoneyWithVat
    own_price: bool
    own_duration: bool


class Loctician(Schema):
    id: UUID
    display_name: str
    bio: str
    portfolio_links: list[str]
    treatments: list[OfferedTreatment]
    active: bool
    version: int


class LocticianProfile(Loctician):
    """`instagram_user_id` is told to the loctician and to staff only."""

    portfolio: list[PortfolioMedia]
    instagram_user_id: str | None = None
