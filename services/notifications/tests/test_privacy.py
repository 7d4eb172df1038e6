"""Export and erasure of one person's data."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.notifications import privacy
from services.notifications.models import metadata
from services.notifications.preferences.queries import put_preferences
from services.notifications.tests.conftest import AMINA, KIRSTEN, KIRSTEN_EMAIL, AddContact, booking
from services.notifications.tests.test_accounts import requested
from services.notifications.tests.test_waitlist import offer
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Deliver


@pytest.fixture
async def history(deliver: Deliver, database: Database, salon: None) -> None:
    await deliver("booking.created.v1", booking(), version=1)
    await deliver("waitlist.offered.v1", offer())
    await deliver("user.verification_requested.v1", requested())
    async with transaction(database, SERVICE_CLAIMS) as session:
        await put_preferences(session, KIRSTEN, "en", {"reminder": {"mail": False}})


async def everything(database: Database) -> str:
    """Every row of every table, outbox apart, which the relay empties."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        lines = []
        for table in metadata.tables.values():
            if table.name != "outbox":
                rows = await session.execute(text(f"SELECT t.*\\:\\:text FROM {table.fullname} t"))
                lines += [str(row) for row in rows]
        return "\n".join(lines)


@pytest.mark.usefixtures("history")
class TestPrivacy:
    async def test_the_export_has_all_data_and_no_token(self, database: Database) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            held: dict[str, Any] = await privacy.export(session, KIRSTEN)
        assert held["contact"][0]["email"] == KIRSTEN_EMAIL
        assert held["preferences"][0]["language"] == "en"
        assert len(held["deliveries"]) == 3
        assert len(held["notices"]) == 2
        assert held["appointments"][0]["customer_id"] == KIRSTEN
        assert "one-time" not in str(held)

    async def test_erasure_leaves_no_trace_of_the_person_and_all_of_others(self, database: Database) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await privacy.erase(session, KIRSTEN)
        left = await everything(database)
        assert KIRSTEN_EMAIL not in left
        assert "Kirsten" not in left
        assert left.count(str(KIRSTEN)) == 1, "only that the person is gone stays"
        async with transaction(database, SERVICE_CLAIMS) as session:
            hers = await privacy.export(session, AMINA)
        assert len(hers["deliveries"]) == len(hers["notices"]) == 1

    async def test_late_events_do_not_bring_erased_data_back(
        self, database: Database, add_contact: AddContact, deliver: Deliver
    ) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await privacy.erase(session, KIRSTEN)
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, "Kirsten Ærø", version=9)
        async with transaction(database, SERVICE_CLAIMS) as session:
            [contact] = (await privacy.export(session, KIRSTEN))["contact"]
        assert (contact["email"], contact["active"]) == (None, False)

    async def test_the_export_of_an_unknown_person_is_empty(self, database: Database) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert not any((await privacy.export(session, uuid4())).values())
            assert UUID(int=0) == privacy.ANONYMOUS
