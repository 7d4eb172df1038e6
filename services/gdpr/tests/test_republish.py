"""Reading the consents in force, to publish them again; and what gdpr makes of republished events."""

from uuid import uuid4

import httpx
from sqlalchemy import text

from domain.roles import Role
from services.gdpr.republish import read_consents
from services.gdpr.tests.test_consents import say
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Deliver, Headers


class TestConsents:
    async def test_the_newest_answer_of_each_purpose_is_read(
        self, client: httpx.AsyncClient, auth_headers: Headers, database: Database
    ) -> None:
        person, other = sorted([uuid4(), uuid4()])
        headers = auth_headers(Role.CUSTOMER, person)
        await say(client, headers)
        await say(client, headers, granted=False)
        await say(client, auth_headers(Role.CUSTOMER, other))
        async with transaction(database, SERVICE_CLAIMS) as session:
            [first, second] = await read_consents(session, None, 100, None)
            assert await read_consents(session, first[0], 100, None) == [second]
        assert [(key, events[0].version, events[0].model_dump()["granted"]) for key, events in (first, second)] == [
            (f"{person} marketing", 2, False),
            (f"{other} marketing", 1, True),
        ]


class TestRepublishedEvents:
    async def test_projections_take_them_and_the_audit_log_does_not(self, deliver: Deliver, database: Database) -> None:
        person = {"user_id": str(uuid4()), "role": "staff", "active": True, "version": 3}
        assert await deliver("user.updated.v1", person, version=3, republished=True)
        async with transaction(database, SERVICE_CLAIMS) as session:
            role = (await session.execute(text("SELECT role FROM gdpr.people"))).scalar_one()
            recorded = (await session.execute(text("SELECT count(*) FROM gdpr.audit_log"))).scalar_one()
        assert (role, recorded) == ("staff", 0)
