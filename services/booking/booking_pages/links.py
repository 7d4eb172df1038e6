"""Whom the link of a mail lets in: the booking's customer, to this booking and nothing else."""

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from fastapi import Form, Query

from domain.links import BOOKING, is_link_token
from domain.roles import Role
from services.booking.booking_pages import queries
from shared.database.session import Database, transaction
from shared.errors import NotFound, ProblemError, Texts
from shared.identity.principals import SERVICE_CLAIMS, Principal

EXAMPLE = "wN6nYgPcBq3oSX0bZ2y8m5LrKd1vEJh7TfUaGxQiC4k"
NO_SESSION = UUID(int=0)
MAILER = "notifications"  # makes the links

Token = Annotated[str, Query(max_length=200, examples=[EXAMPLE], description="From the link in the mail")]
FormToken = Annotated[str, Form(max_length=200, examples=[EXAMPLE])]


class LinkEnded(ProblemError):
    status_code = 410
    code = "link_ended"
    title: ClassVar[Texts] = {"da": "Linket er udløbet", "en": "The link has expired"}
    detail: ClassVar[Texts] = {
        "da": "Linket til en tid gælder til og med dagen efter den.",
        "en": "The link of an appointment is valid until the day after it.",
    }


@dataclass(frozen=True)
class Visitor:
    """The booking's customer, who is limited to the booking."""

    principal: Principal
    booking_id: UUID


async def let_in(database: Database, booking_id: str, token: str) -> Visitor:
    """Raises NotFound for a wrong link, LinkEnded for an old one."""
    id_ = parse_id(booking_id)
    async with transaction(database, SERVICE_CLAIMS) as session:
        row = await queries.linked(session, id_)
    assert database.keys is not None  # noqa: S101 - services open it with their secret
    # A booking that is not there is verified against its own id, which no link was made for.
    is_valid = is_link_token(database.keys.shared_with(MAILER), token, BOOKING, id_, row.customer_id if row else id_)
    if row is None or not is_valid or not row.active or not row.has_account:
        raise NotFound
    if row.ended:
        raise LinkEnded
    return Visitor(Principal(row.customer_id, Role.CUSTOMER, NO_SESSION, limited_to=id_), id_)


def parse_id(booking_id: str) -> UUID:
    """Raises NotFound: people see a page that says so, not which characters an id has."""
    try:
        return UUID(booking_id)
    except ValueError as error:
        raise NotFound from error
