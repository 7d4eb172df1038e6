"""Retention policies and runs."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.roles import Role
from services.gdpr.main import SERVICE
from services.gdpr.processing_records import inventory
from services.gdpr.tests.people import unguarded
from shared.classification import Policy
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.jobs import run_once
from shared.privacy import retention
from shared.testing.services import Deliver
from shared.testing.types import Headers

POLICIES = "/api/v1/gdpr/retention-policies"
RUNS = "/api/v1/gdpr/retention-runs"
APPLY = retention.job("gdpr", SERVICE.policies)


async def choose(client: httpx.AsyncClient, headers: dict[str, str], **choice: Any) -> httpx.Response:
    policy = {"service": "gdpr", "policy": "duties", "keep_days": 10} | choice
    return await client.put(POLICIES, json={"items": [policy]}, headers=headers)


async def fill_inbox(owner: AsyncEngine, count: int, age: timedelta) -> None:
    async with owner.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO gdpr.inbox (event_id, received_at) "
                "SELECT gen_random_uuid(), now() - make_interval(secs => :age) FROM generate_series(1, :count)"
            ),
            {"count": count, "age": age.total_seconds()},
        )


async def inbox(owner: AsyncEngine) -> int:
    async with owner.connect() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM gdpr.inbox")) or 0)


def due(**changes: Any) -> dict[str, Any]:
    orders = [{"service": "gdpr", "policy": "inbox", "keep_days": 120}]
    return {"run_id": str(uuid4()), "version": 1, "dry_run": False, "policies": orders} | changes


class TestPolicies:
    async def test_every_service_has_its_defaults(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        items = (await client.get(POLICIES, headers=auth_headers(Role.ADMIN))).json()["items"]
        known = {(policy["service"], policy["policy"]): policy for policy in items}
        assert set(known) == set(inventory.policies())
        for service in inventory.services():
            assert known[(service, "inbox")]["keep_days"] == 120

    async def test_an_admin_changes_a_period_and_an_event_says_so(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Any
    ) -> None:
        answer = await choose(client, auth_headers(Role.ADMIN))
        chosen = next(
            policy for policy in answer.json()["items"] if (policy["service"], policy["policy"]) == ("gdpr", "duties")
        )
        assert (chosen["keep_days"], chosen["default_days"]) == (10, 30)
        (event,) = await outbox()
        assert (event["type"], event["data"]["keep_days"]) == ("gdpr.retention_changed.v1", 10)

    @pytest.mark.parametrize(
        ("choice", "code"),
        [
            ({"policy": "nothing"}, "unknown_policy"),
            ({"service": "nobody"}, "unknown_policy"),
            ({"policy": "inbox", "keep_days": 1}, "keep_out_of_bounds"),
            ({"service": "auth", "policy": "never_verified", "keep_days": 6}, "keep_out_of_bounds"),
            ({"service": "auth", "policy": "known_addresses", "keep_days": 91}, "keep_out_of_bounds"),
            ({"keep_days": 0}, "invalid_input"),
            ({"keep_days": 10**9}, "invalid_input"),
        ],
    )
    async def test_unknown_policies_and_periods_out_of_bounds_are_refused(
        self, client: httpx.AsyncClient, auth_headers: Headers, choice: dict[str, Any], code: str
    ) -> None:
        refused = await choose(client, auth_headers(Role.ADMIN), **choice)
        assert (refused.status_code, refused.json()["code"]) == (422, code)

    @pytest.mark.parametrize("role", ["customer", "loctician", "staff"])
    async def test_only_admins_read_and_change_policies(
        self, client: httpx.AsyncClient, auth_headers: Headers, role: str
    ) -> None:
        headers = auth_headers(role)
        assert (await client.get(POLICIES, headers=headers)).status_code == 403
        assert (await choose(client, headers)).status_code == 403
        assert (await client.post(RUNS, json={}, headers=headers)).status_code == 403

    async def test_a_run_uses_the_chosen_periods_and_is_dry_by_default(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Any
    ) -> None:
        admin = auth_headers(Role.ADMIN)
        await choose(client, admin)
        assert (await client.post(RUNS, json={}, headers=admin)).json()["dry_run"] is True
        for not_a_flag in ("FALSE", "no", 0):
            assert (await client.post(RUNS, json={"dry_run": not_a_flag}, headers=admin)).status_code == 422
        ordered = (await outbox())[-1]["data"]
        assert ordered["dry_run"] is True
        assert {"service": "gdpr", "policy": "duties", "keep_days": 10} in ordered["policies"]
        assert len(ordered["policies"]) == len(inventory.policies())


class TestApplying:
    async def test_old_rows_are_removed_in_batches_and_their_number_is_stored(
        self,
        client: httpx.AsyncClient,
        auth_headers: Headers,
        deliver: Deliver,
        database: Database,
        owner: AsyncEngine,
        outbox: Any,
    ) -> None:
        most = retention.BATCH * retention.BATCHES
        await fill_inbox(owner, most + 500, timedelta(days=121))
        await fill_inbox(owner, 3, timedelta(days=119))
        await deliver("gdpr.retention_due.v1", due())
        assert await inbox(owner) == most + 504, "counting comes first"
        assert await run_once(database, APPLY) == "done"
        assert await inbox(owner) == 504
        assert await outbox() == []
        assert await run_once(database, APPLY) == "done"
        assert await inbox(owner) == 4
        (event,) = await outbox()
        applied = event["data"]
        assert (applied["counted"], applied["removed"], applied["dry_run"]) == (most + 500, most + 500, False)
        await deliver("gdpr.retention_applied.v1", applied)
        items = (await client.get(POLICIES, headers=auth_headers(Role.ADMIN))).json()["items"]
        kept = next(policy for policy in items if (policy["service"], policy["policy"]) == ("gdpr", "inbox"))
        assert (kept["counted"], kept["removed"], kept["dry_run"]) == (most + 500, most + 500, False)

    async def test_a_dry_run_removes_nothing(
        self, deliver: Deliver, database: Database, owner: AsyncEngine, outbox: Any
    ) -> None:
        await fill_inbox(owner, 7, timedelta(days=121))
        await deliver("gdpr.retention_due.v1", due(dry_run=True))
        await run_once(database, APPLY)
        assert await inbox(owner) == 8
        (event,) = await outbox()
        assert (event["data"]["counted"], event["data"]["removed"], event["data"]["dry_run"]) == (7, 0, True)

    async def test_orders_for_other_services_and_unknown_policies_are_ignored(
        self, deliver: Deliver, database: Database, outbox: Any
    ) -> None:
        orders = [
            {"service": "booking", "policy": "inbox", "keep_days": 1},
            {"service": "gdpr", "policy": "nothing", "keep_days": 1},
        ]
        await deliver("gdpr.retention_due.v1", due(policies=orders))
        await run_once(database, APPLY)
        assert await outbox() == []

    @pytest.mark.parametrize("policy", SERVICE.policies, ids=lambda policy: policy.name)
    async def test_each_policy_of_gdpr_counts_and_removes_the_same_rows(
        self, database: Database, policy: Policy
    ) -> None:
        values = {"before": datetime.now(UTC) + timedelta(days=9000)}
        async with transaction(database, SERVICE_CLAIMS) as session:
            counted = await session.scalar(text(policy.counting), values)
            removed = await session.scalar(text(policy.statement), values | {"limit": retention.BATCH})
            assert counted == removed

    async def test_superseded_consents_are_removed_and_the_current_one_is_kept(
        self, database: Database, owner: AsyncEngine
    ) -> None:
        consents = next(policy for policy in SERVICE.policies if policy.name == "consents")
        person = uuid4()
        async with unguarded(owner) as connection:
            for version in (1, 2):
                await connection.execute(
                    text(
                        "INSERT INTO gdpr.consents (user_id, purpose, version, granted, text_version, language, at) "
                        "VALUES (:user_id, 'marketing', :version, true, 1, 'da', now() - interval '6 years')"
                    ),
                    {"user_id": person, "version": version},
                )
        async with transaction(database, SERVICE_CLAIMS) as session:
            values = {"before": datetime.now(UTC) - consents.keep, "limit": 10}
            assert await session.scalar(text(consents.statement), values) == 1
            assert await session.scalar(text("SELECT version FROM gdpr.consents")) == 2
