"""The events that auth subscribes to: what somebody without a session asks of booking."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.messages import unseal_message
from domain.people import phone_number
from services.auth.events import RequestedTime
from services.auth.login_links.service import mail_link
from services.auth.one_time_tokens.service import REQUEST, issue
from services.auth.users.schemas import EmailAddress, Language, Name
from services.auth.users.service import create_user
from shared.identity.derived_keys import keys_of
from shared.messaging.subscriptions import Received, Subscriptions
from shared.observability.log import logger

subscriptions = Subscriptions()
log = logger(__name__)
LONGEST = timedelta(minutes=30)


class Request(BaseModel):
    """`sealed`: who asks, for auth alone."""

    request_id: UUID
    kind: Literal["booking", "waitlist"]
    expires_at: AwareDatetime
    service_ids: list[UUID] = Field(max_length=100)
    loctician_id: UUID | None = None
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    price_amount: int | None = None
    sealed: str


class Person(BaseModel):
    """`browser`: digest of the cookie of the browser that asks, in hex."""

    full_name: Name
    email: EmailAddress
    phone: str | None = None
    language: Language = "da"
    browser: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@subscriptions.on("booking.requested.v1", Request)
async def mail_link_of_request(session: AsyncSession, event: Received[Request]) -> None:
    """Has a link mailed to the address that was given, whose POST confirms the request. A new address gets an account
    without a password. Nothing of what was given changes an account that there is."""
    if event.republished:
        return
    person = _person(session, event.data)
    if person is None:
        return
    browser = bytes.fromhex(person.browser)
    names = {"email": person.email, "full_name": person.full_name, "language": person.language}
    await create_user(session, None, phone=_phone(person.phone), browser=browser, **names)
    expires = min(event.data.expires_at, event.time + LONGEST)
    issued = await issue(session, person.email, REQUEST, expires, browser, event.data.request_id)
    if issued is not None:
        facts = event.data.model_dump(include=set(RequestedTime.model_fields))
        mail_link(session, issued, "request", expires, RequestedTime(**facts))


def _person(session: AsyncSession, request: Request) -> Person | None:
    """None if it cannot be opened or is not what booking has checked: then the request lapses."""
    opened = unseal_message(keys_of(session), request.request_id, request.sealed, "booking")
    try:
        return Person.model_validate_json(opened)
    except ValidationError:
        log.error("request_unreadable", request=str(request.request_id))  # noqa: TRY400 - the trace may hold the person
        return None


def _phone(phone: str | None) -> str | None:
    try:
        return phone_number(phone) if phone else None
    except ValueError:
        return None
