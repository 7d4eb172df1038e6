"""Republished events are no news: projections take them, and nobody is notified."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from cli.contracts import generator
from cli.services import SERVICES
from services.notifications.consumers import subscriptions
from services.notifications.tests.conftest import START, Rows, booking
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Deliver, Outbox

EXAMPLES = {event.type_: event.EXAMPLE for event in generator.published(SERVICES)}
CHANGES = ("created", "confirmed", "rescheduled", "cancelled", "completed", "no_show", "conflicted")


async def forget(database: Database) -> None:
    """As retention does with what is long past."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        await session.execute(text("DELETE FROM notifications.appointments"))


@pytest.mark.usefixtures("salon")
class TestRepublished:
    @pytest.mark.parametrize("type_", subscriptions.types)
    async def test_nobody_is_notified_of_any_event(
        self, type_: str, deliver: Deliver, rows: Rows, outbox: Outbox, database: Database
    ) -> None:
        for _ in range(2):
            await deliver(type_, EXAMPLES[type_], republished=True)
            await forget(database)
        assert await rows("deliveries") == []
        assert await rows("notices") == []
        assert await outbox() == []

    @pytest.mark.parametrize("change", CHANGES)
    @pytest.mark.parametrize("start", [START, datetime.fromisoformat("2024-03-04T09:00:00Z")])
    async def test_an_appointment_that_was_forgotten_is_stored_without_a_word(
        self, change: str, start: datetime, deliver: Deliver, rows: Rows, outbox: Outbox, database: Database
    ) -> None:
        booking_id = uuid4()
        status = change if change in ("cancelled", "completed", "no_show") else "confirmed"
        state: dict[str, Any] = booking(booking_id, start=start) | {"status": status}
        await deliver(f"booking.{change}.v1", state, version=4)
        told = len(await rows("deliveries")), len(await rows("notices")), len(await outbox())
        for _ in range(2):
            await forget(database)
            await deliver(f"booking.{change}.v1", state, version=4, republished=True)
            [appointment] = await rows("appointments", "booking_id")
            assert (appointment["booking_id"], appointment["version"]) == (booking_id, 4)
        assert (len(await rows("deliveries")), len(await rows("notices")), len(await outbox())) == told

    async def test_a_newer_version_is_kept(self, deliver: Deliver, rows: Rows) -> None:
        booking_id: UUID = uuid4()
        await deliver("booking.created.v1", booking(booking_id), version=5)
        older = booking(booking_id, start=START + timedelta(days=1))
        await deliver("booking.confirmed.v1", older, version=4, republished=True)
        [appointment] = await rows("appointments", "booking_id")
        assert (appointment["version"], appointment["starts_at"]) == (5, START)
