"""Fixtures of notifications: a customer, a loctician, a treatment, and an SMTP server."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.notifications.bookings.links import BookingLinks
from services.notifications.deliveries.sender import Sender
from services.notifications.dispatch.channels import channels
from services.notifications.mail.channel import MailTransport
from services.notifications.mail.smtp import MailServer
from services.notifications.main import SERVICE
from services.notifications.tests.smtp_server import SmtpServer, running_smtp_server
from services.notifications.unsubscribe.links import PATH, UnsubscribeLinks
from shared.database.session import Database, transaction
from shared.http.app import Service
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.keys import keys_for
from shared.testing.types import Deliver
from shared.testing.waiting import until as until

KIRSTEN, AMINA, JONAS, RETWIST = UUID(int=0xC), UUID(int=0xA), UUID(int=0xB), UUID(int=1)
KIRSTEN_EMAIL, AMINA_EMAIL = "kirsten@example.com", "amina@example.com"
START = datetime(2031, 3, 3, 9, tzinfo=UTC)  # a Monday, ten o'clock in Copenhagen

MAIL_FROM, APP = "Loctician <no-reply@loctician.example>", "https://app.example"
BOOKING_LINKS = BookingLinks(APP, keys_for("booking").shared_with("notifications"))
UNSUBSCRIBE_LINKS = UnsubscribeLinks(f"https://api.example{PATH}", keys_for("notifications"))

AddContact = Callable[..., Awaitable[None]]
Rows = Callable[..., Awaitable[list[dict[str, Any]]]]
NewSender = Callable[[], Sender]


@pytest.fixture
def service() -> Service:
    return SERVICE


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    with running_smtp_server() as server:
        yield server


def mail_sender(database: Database, server: MailServer) -> Sender:
    return Sender(database, channels()["mail"], MailTransport(server, MAIL_FROM, APP, UNSUBSCRIBE_LINKS, BOOKING_LINKS))


@pytest.fixture
def new_sender(database: Database, smtp_server: SmtpServer) -> NewSender:
    return lambda: mail_sender(database, MailServer.from_url(smtp_server.url))


@pytest.fixture
def sender(new_sender: NewSender) -> Sender:
    return new_sender()


@pytest.fixture
def add_contact(deliver: Deliver) -> AddContact:
    """Delivers auth's event about a person."""

    async def add(
        user_id: UUID,
        address: str,
        name: str = "Nogen",
        *,
        language: str = "da",
        role: str = "customer",
        phone: str | None = None,
        verified: bool = True,
        active: bool = True,
        version: int = 1,
    ) -> None:
        person = {
            "user_id": str(user_id),
            "email": address,
            "full_name": name,
            "language": language,
            "role": role,
            "phone": phone,
            "email_verified": verified,
            "active": active,
        }
        await deliver("user.registered.v1" if version == 1 else "user.updated.v1", person, version=version)

    return add


@pytest.fixture
async def salon(deliver: Deliver, add_contact: AddContact) -> None:
    """The people and the treatment of `booking` are known."""
    names = {"da": {"name": "Opstramning"}, "en": {"name": "Retwist"}}
    await deliver("treatment.created.v1", {"service_id": str(RETWIST), "translations": names})
    await deliver("loctician.updated.v1", {"loctician_id": str(AMINA), "display_name": "Amina"})
    await add_contact(KIRSTEN, KIRSTEN_EMAIL, "Kirsten Ærø")
    await add_contact(AMINA, AMINA_EMAIL, "Amina Diallo", language="en", role="loctician")


def booking(booking_id: UUID | None = None, *, start: datetime = START, **changes: Any) -> dict[str, Any]:
    """The data of booking's event about an appointment of Kirsten with Amina."""
    end = start + timedelta(minutes=90)
    item = {
        "service_id": str(RETWIST),
        "loctician_id": str(AMINA),
        "start": start.isoformat(),
        "end": end.isoformat(),
        "blocked_start": start.isoformat(),
        "blocked_end": (end + timedelta(minutes=15)).isoformat(),
        "price_amount": 64900,
    }
    return {
        "booking_id": str(booking_id or uuid4()),
        "status": "confirmed",
        "customer_id": str(KIRSTEN),
        "start": start.isoformat(),
        "end": end.isoformat(),
        "price_amount": 64900,
        "currency": "DKK",
        "items": [item],
        "reason": None,
        "previous_start": None,
    } | changes


@pytest.fixture
def rows(database: Database) -> Rows:
    """Reads a table as the service itself sees it, oldest row first."""

    async def read(table: str, order: str = "id") -> list[dict[str, Any]]:
        async with transaction(database, SERVICE_CLAIMS) as session:
            result = await session.execute(text(f"SELECT * FROM notifications.{table} ORDER BY {order}"))
            return [dict(row) for row in result.mappings()]

    return read


@pytest.fixture
def execute(database: Database) -> Callable[..., Awaitable[None]]:
    """Executes SQL as the service, such as to let time pass."""

    async def run(statement: str, **values: Any) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text(statement), values)

    return run
