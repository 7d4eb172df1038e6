"""What Row Level Security shows of personal data."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifications.models import metadata
from services.notifications.tests.conftest import AMINA, KIRSTEN, booking
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS, Claims
from shared.testing.schema import of_people, under_forced_rls
from shared.testing.types import Deliver

OF_PEOPLE = of_people(metadata)
OWN = {"contacts": "user_id", "notices": "user_id", "preferences": "user_id"}


async def test_every_table_with_personal_data_has_forced_row_level_security(owner: AsyncEngine) -> None:
    assert await under_forced_rls(owner, "notifications") >= OF_PEOPLE >= {"consents", "appointments", "reminders"}


@pytest.mark.usefixtures("salon")
@pytest.mark.parametrize("claims", [Claims("anonymous"), Claims("customer", AMINA), Claims("loctician", KIRSTEN)])
async def test_nobody_sees_another_persons_rows(claims: Claims, deliver: Deliver, database: Database) -> None:
    await deliver("booking.created.v1", booking(), version=1)
    consent = {"user_id": str(KIRSTEN), "purpose": "marketing", "granted": True, "text_version": 1}
    await deliver("gdpr.consent_changed.v1", consent)
    seen = {}
    for table in OF_PEOPLE - {"erased_subjects", "outbox"}:
        own = f" WHERE {OWN[table]} IS DISTINCT FROM :own" if table in OWN else ""
        async with transaction(database, claims) as session:
            values = {"own": claims.sub} if own else {}
            seen[table] = (
                await session.execute(text(f"SELECT count(*) FROM notifications.{table}{own}"), values)
            ).scalar()
    assert {table for table, count in seen.items() if count} <= ({"consents"} if claims.sub == KIRSTEN else set())
    async with transaction(database, SERVICE_CLAIMS) as session:
        assert (await session.execute(text("SELECT count(*) FROM notifications.appointments"))).scalar() == 1
