"""Retention removes what a policy says is due, nothing else, and opens no closed table."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from services.auth import privacy
from services.auth.events import UserNeverVerified
from services.auth.main import SERVICE
from services.auth.retention import POLICIES
from services.auth.tests.conftest import EMAIL, AsOwner, Login, Mailed, Register, SignUp, bearer, types
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.jobs import run_once
from shared.privacy import retention
from shared.testing.types import Deliver, Outbox

OWN = {policy.name: policy for policy in POLICIES}
APPLY = retention.job("auth", SERVICE.policies)
TABLES = (*dict.fromkeys(policy.table for policy in POLICIES), "credentials", "recovery_codes", "signing_keys")

ApplyPolicy = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def apply_policy(deliver: Deliver, database: Database, outbox: Outbox) -> ApplyPolicy:
    """Has one policy applied as gdpr orders it; returns the data of gdpr.retention_applied.v1."""

    async def apply(name: str, *, dry_run: bool = False, days: int | None = None) -> dict[str, Any]:
        order = {"service": "auth", "policy": name, "keep_days": days or OWN[name].keep.days}
        run_id = str(uuid4())
        await deliver("gdpr.retention_due.v1", {"run_id": run_id, "dry_run": dry_run, "policies": [order]})
        assert await run_once(database, APPLY) == "done"
        applied = [event for event in types(await outbox(), "gdpr.retention_applied.v1") if event["run_id"] == run_id]
        assert len(applied) == 1
        return applied[0]

    return apply


@pytest.fixture
async def user_with_data(
    client: httpx.AsyncClient, register: Register, login: Login, mailed: Mailed, sign_up: SignUp, as_owner: AsOwner
) -> UUID:
    """A customer with rows in every table: a session, failed logins, an unconfirmed enrolment. Returns the id."""
    await sign_up("admin@example.com", "admin")
    await register()
    await client.post("/api/v1/auth/forgot-password", json={"email": EMAIL})
    await client.post("/api/v1/auth/login", json={"email": "ingen@example.com", "password": "x"})
    tokens = await login()
    await client.post("/api/v1/auth/mfa/enroll", headers=bearer(tokens))
    ((user_id,),) = await as_owner("SELECT id FROM auth.users WHERE email = :email", email=EMAIL)
    return UUID(str(user_id))


async def counted(as_owner: AsOwner) -> dict[str, int]:
    return {table: (await as_owner(f"SELECT count(*) FROM auth.{table}"))[0][0] for table in TABLES}


# Statements that make the rows of a policy's table `:age` seconds old, in an order in which no removal cascades to
# the rows of a later policy.
AGE = {
    "enrolments": "UPDATE auth.mfa SET started_at = now() - make_interval(secs => :age)",
    "known_addresses": "UPDATE auth.known_addresses SET seen_at = now() - make_interval(secs => :age)",
    "login_attempts": "UPDATE auth.login_attempts SET last_failure_at = now() - make_interval(secs => :age)",
    "one_time_tokens": "UPDATE auth.one_time_tokens SET expires_at = now() - make_interval(secs => :age)",
    "refresh_tokens": "UPDATE auth.refresh_tokens SET expires_at = now() - make_interval(secs => :age)",
    "sessions": "UPDATE auth.sessions SET revoked_at = now() - make_interval(secs => :age)",
}
HOUR = timedelta(hours=1)


class TestPolicies:
    async def test_each_removes_what_is_due_and_nothing_else(
        self, user_with_data: UUID, apply_policy: ApplyPolicy, as_owner: AsOwner
    ) -> None:
        for name, statement in AGE.items():
            before, table = await counted(as_owner), OWN[name].table
            assert before[table], name
            await as_owner(statement, age=(OWN[name].keep - HOUR).total_seconds())
            assert (await apply_policy(name))["removed"] == 0
            assert await counted(as_owner) == before, name
            await as_owner(statement, age=(OWN[name].keep + HOUR).total_seconds())
            dry = await apply_policy(name, dry_run=True)
            assert (dry["counted"], dry["removed"]) == (before[table], 0)
            assert await counted(as_owner) == before, f"a dry run of {name} takes nothing"
            done = await apply_policy(name)
            assert (done["counted"], done["removed"]) == (before[table], before[table])
            assert await counted(as_owner) == before | {table: 0}, name

    async def test_refresh_tokens_are_removed_with_their_session(
        self, user_with_data: UUID, apply_policy: ApplyPolicy, as_owner: AsOwner
    ) -> None:
        await as_owner(AGE["sessions"], age=OWN["sessions"].keep.total_seconds() + 1)
        assert (await apply_policy("sessions"))["removed"] == 1
        assert (await counted(as_owner))["refresh_tokens"] == 0

    async def test_functions_never_remove_what_is_younger_than_the_policy_allows(
        self, user_with_data: UUID, database: Database, as_owner: AsOwner
    ) -> None:
        before = await counted(as_owner)
        values = {"before": datetime.now(UTC) + timedelta(days=9000)}
        for policy in POLICIES:
            async with transaction(database, SERVICE_CLAIMS) as session:
                assert await session.scalar(text(policy.counting), values) == 0, policy.name
                assert await session.scalar(text(policy.statement), values | {"limit": 1000}) == 0, policy.name
        assert await counted(as_owner) == before

    async def test_open_sessions_and_active_locks_are_kept_at_any_age(
        self, user_with_data: UUID, apply_policy: ApplyPolicy, as_owner: AsOwner
    ) -> None:
        await as_owner("UPDATE auth.sessions SET created_at = now() - interval '5 years'")
        await as_owner(
            "UPDATE auth.login_attempts SET last_failure_at = now() - interval '5 years',"
            " locked_until = now() + interval '1 minute'"
        )
        assert (await apply_policy("sessions"))["removed"] == 0
        assert (await apply_policy("login_attempts"))["removed"] == 0

    async def test_confirmed_second_factor_is_kept(
        self, user_with_data: UUID, apply_policy: ApplyPolicy, as_owner: AsOwner
    ) -> None:
        await as_owner("UPDATE auth.mfa SET started_at = now() - interval '5 years', confirmed_at = now()")
        assert (await apply_policy("enrolments"))["counted"] == 0

    async def test_enrolling_again_restarts_the_time(
        self,
        user_with_data: UUID,
        client: httpx.AsyncClient,
        login: Login,
        apply_policy: ApplyPolicy,
        as_owner: AsOwner,
    ) -> None:
        await as_owner("UPDATE auth.mfa SET started_at = now() - interval '5 days'")
        await client.post("/api/v1/auth/mfa/enroll", headers=bearer(await login()))
        assert (await apply_policy("enrolments"))["counted"] == 0

    async def test_batch_is_limited(self, database: Database, as_owner: AsOwner) -> None:
        await as_owner(
            "INSERT INTO auth.one_time_tokens (token_hash, purpose, expires_at)"
            " SELECT sha256(CAST(CAST(n AS text) AS bytea)), 'reset', now() - interval '3 days'"
            " FROM generate_series(1, 25) AS n"
        )
        statement, values = OWN["one_time_tokens"].statement, {"before": datetime.now(UTC), "limit": 10}
        removed = []
        for _ in range(4):
            async with transaction(database, SERVICE_CLAIMS) as session:
                removed.append(await session.scalar(text(statement), values))
        assert removed == [10, 10, 5, 0]

    async def test_ids_of_withdrawn_keys_are_kept(
        self, user_with_data: UUID, client: httpx.AsyncClient, database: Database, as_owner: AsOwner
    ) -> None:
        await as_owner("UPDATE auth.signing_keys SET withdrawn_at = now() - interval '9 years'")
        before = await counted(as_owner)
        for policy in POLICIES:
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.scalar(text(policy.statement), {"before": datetime.now(UTC), "limit": 1000})
        assert (await counted(as_owner))["signing_keys"] == before["signing_keys"] > 0


OLD = "UPDATE auth.users SET created_at = now() - interval '31 days'"
LET_LINKS_EXPIRE = "UPDATE auth.one_time_tokens SET expires_at = now() - interval '1 minute'"


class TestNeverVerified:
    @pytest.fixture
    async def abandoned(self, register: Register, as_owner: AsOwner) -> UUID:
        """Signed up a month ago, and left it at that."""
        await register(verify=False)
        await as_owner(OLD)
        await as_owner(LET_LINKS_EXPIRE)
        ((user_id,),) = await as_owner("SELECT id FROM auth.users")
        return UUID(str(user_id))

    async def published(self, outbox: Outbox) -> list[str]:
        return [event["user_id"] for event in types(await outbox(), "user.never_verified.v1")]

    async def test_is_published_once_and_kept_until_gdpr_erases_it(
        self, abandoned: UUID, apply_policy: ApplyPolicy, as_owner: AsOwner, outbox: Outbox
    ) -> None:
        assert (await apply_policy("never_verified", dry_run=True))["counted"] == 1
        assert await self.published(outbox) == []
        assert (await apply_policy("never_verified"))["removed"] == 1
        assert (await apply_policy("never_verified"))["removed"] == 0
        (event,) = [event for event in await outbox() if event["type"] == "user.never_verified.v1"]
        parsed = UserNeverVerified.model_validate(event["data"])
        assert (parsed.user_id, event["subject"], event["version"]) == (abandoned, str(abandoned), parsed.version)
        assert UUID(event["id"]).version == 7
        ((email, active),) = await as_owner("SELECT email, active FROM auth.users")
        assert (email, active) == (EMAIL, True)
        await as_owner("UPDATE auth.users SET erasure_requested_at = now() - interval '31 days'")
        assert (await apply_policy("never_verified"))["removed"] == 1, "gdpr may have had a reason that is gone by now"

    async def test_is_erased_like_any_user_and_the_address_can_register_again(
        self, abandoned: UUID, client: httpx.AsyncClient, deliver: Deliver, register: Register, outbox: Outbox
    ) -> None:
        request = {"request_id": str(uuid4()), "subject_id": str(abandoned), "version": 1, "services": ["auth"]}
        await deliver("gdpr.erasure_requested.v1", request)
        await register()
        assert [event["email"] for event in types(await outbox(), "user.registered.v1")] == [EMAIL, EMAIL]
        login = await client.post("/api/v1/auth/login", json={"email": f"{abandoned}@erased.invalid", "password": "x"})
        assert login.status_code == 401

    async def test_other_users_are_not_published(
        self, abandoned: UUID, register: Register, apply_policy: ApplyPolicy, as_owner: AsOwner, outbox: Outbox
    ) -> None:
        whose = "user_id = (SELECT id FROM auth.users WHERE email = :email)"
        others = {
            "verified": ["UPDATE auth.users SET email_verified = true WHERE email = :email"],
            "once-verified": [
                "UPDATE auth.users SET email_verified = true WHERE email = :email",
                "UPDATE auth.users SET email_verified = false WHERE email = :email",  # of a changed address
            ],
            "new": ["UPDATE auth.users SET created_at = now() - interval '29 days' WHERE email = :email"],
            "loctician": ["UPDATE auth.users SET role = 'loctician' WHERE email = :email"],
            "deactivated": ["UPDATE auth.users SET active = false WHERE email = :email"],
            "mailed": [f"UPDATE auth.one_time_tokens SET expires_at = now() + interval '1 hour' WHERE {whose}"],
            "invited": [  # by an admin
                f"DELETE FROM auth.credentials WHERE {whose}",
                "UPDATE auth.users SET registered_by = NULL WHERE email = :email",
            ],
        }
        for name in others:
            await register(f"{name}@example.com", verify=False)
        await as_owner(OLD)
        await as_owner(LET_LINKS_EXPIRE)
        for name, statements in others.items():
            for statement in statements:
                await as_owner(statement, email=f"{name}@example.com")
        assert (await apply_policy("never_verified"))["counted"] == 1
        assert await self.published(outbox) == [str(abandoned)]

    async def test_user_without_a_password_is_published_too(
        self, abandoned: UUID, apply_policy: ApplyPolicy, as_owner: AsOwner
    ) -> None:
        await as_owner("DELETE FROM auth.credentials")
        assert (await apply_policy("never_verified"))["counted"] == 1

    async def test_user_who_logged_in_lately_is_not_published(
        self, abandoned: UUID, apply_policy: ApplyPolicy, as_owner: AsOwner
    ) -> None:
        """By a version of auth that let unverified users log in."""
        known = "INSERT INTO auth.known_addresses SELECT id, '', now() FROM auth.users"
        await as_owner(known)
        assert (await apply_policy("never_verified"))["counted"] == 0
        await as_owner("UPDATE auth.known_addresses SET seen_at = now() - interval '31 days'")
        assert (await apply_policy("never_verified"))["counted"] == 1
        opened = (
            "INSERT INTO auth.sessions (id, user_id, expires_at) SELECT gen_random_uuid(), id, now() FROM auth.users"
        )
        await as_owner(opened)
        assert (await apply_policy("never_verified"))["counted"] == 0


class TestErased:
    async def test_row_of_an_erased_user_is_removed_after_a_year_and_no_other(
        self, user_with_data: UUID, apply_policy: ApplyPolicy, database: Database, as_owner: AsOwner
    ) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await privacy.erase(session, user_with_data)
        old = "UPDATE auth.users SET updated_at = now() - make_interval(days => :days)"
        await as_owner(old, days=364)
        assert (await apply_policy("erased_users"))["counted"] == 0
        await as_owner(old, days=366)
        assert (await apply_policy("erased_users"))["removed"] == 1
        assert [row.email for row in await as_owner("SELECT email FROM auth.users")] == ["admin@example.com"]
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await privacy.erase(session, user_with_data) == {"users": 0}, "a repeated erasure does no harm"
