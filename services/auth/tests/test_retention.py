"""What is over goes when its policy says so, nothing else does, and the way there opens no closed table."""

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
from services.auth.tests.conftest import EMAIL, Behind, Login, Mailed, Outbox, Register, SignUp, bearer, types
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.jobs import run_once
from shared.privacy import retention
from shared.testing.services import Deliver

OWN = {policy.name: policy for policy in POLICIES}
APPLY = retention.job("auth", SERVICE.policies)
TABLES = (*dict.fromkeys(policy.table for policy in POLICIES), "credentials", "recovery_codes", "signing_keys")

Applied = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def applied(deliver: Deliver, database: Database, outbox: Outbox) -> Applied:
    """Has one policy applied as gdpr orders it; what auth then tells of it."""

    async def apply(name: str, *, dry_run: bool = False, days: int | None = None) -> dict[str, Any]:
        order = {"service": "auth", "policy": name, "keep_days": days or OWN[name].keep.days}
        run_id = str(uuid4())
        await deliver("gdpr.retention_due.v1", {"run_id": run_id, "dry_run": dry_run, "policies": [order]})
        assert await run_once(database, APPLY) == "done"
        told = [one for one in types(await outbox(), "gdpr.retention_applied.v1") if one["run_id"] == run_id]
        assert len(told) == 1
        return told[0]

    return apply


@pytest.fixture
async def lived_in(
    client: httpx.AsyncClient, register: Register, login: Login, mailed: Mailed, sign_up: SignUp, behind: Behind
) -> UUID:
    """Something in every table: a customer with a session, failures, an enrolment begun; the id."""
    await sign_up("admin@example.com", "admin")
    await register()
    await client.post("/api/v1/auth/verify-email", json={"token": await mailed("verification")})
    await client.post("/api/v1/auth/forgot-password", json={"email": EMAIL})
    await client.post("/api/v1/auth/login", json={"email": "ingen@example.com", "password": "x"})
    tokens = await login()
    await client.post("/api/v1/auth/mfa/enroll", headers=bearer(tokens))
    ((user_id,),) = await behind("SELECT id FROM auth.users WHERE email = :email", email=EMAIL)
    return UUID(str(user_id))


async def counted(behind: Behind) -> dict[str, int]:
    return {table: (await behind(f"SELECT count(*) FROM auth.{table}"))[0][0] for table in TABLES}


# What makes the rows of a policy's table as old as `:age`, in an order in which nothing takes another's rows with it.
AGE = {
    "enrolments": "UPDATE auth.mfa SET begun_at = now() - make_interval(secs => :age)",
    "known_addresses": "UPDATE auth.known_addresses SET seen_at = now() - make_interval(secs => :age)",
    "login_attempts": "UPDATE auth.login_attempts SET last_failure_at = now() - make_interval(secs => :age)",
    "one_time_tokens": "UPDATE auth.one_time_tokens SET expires_at = now() - make_interval(secs => :age)",
    "refresh_tokens": "UPDATE auth.refresh_tokens SET expires_at = now() - make_interval(secs => :age)",
    "sessions": "UPDATE auth.sessions SET revoked_at = now() - make_interval(secs => :age)",
}
HOUR = timedelta(hours=1)


class TestPolicies:
    async def test_each_takes_what_is_due_and_nothing_else(
        self, lived_in: UUID, applied: Applied, behind: Behind
    ) -> None:
        for name, statement in AGE.items():
            before, table = await counted(behind), OWN[name].table
            assert before[table], name
            await behind(statement, age=(OWN[name].keep - HOUR).total_seconds())
            assert (await applied(name))["removed"] == 0
            assert await counted(behind) == before, name
            await behind(statement, age=(OWN[name].keep + HOUR).total_seconds())
            dry = await applied(name, dry_run=True)
            assert (dry["counted"], dry["removed"]) == (before[table], 0)
            assert await counted(behind) == before, f"a dry run of {name} takes nothing"
            done = await applied(name)
            assert (done["counted"], done["removed"]) == (before[table], before[table])
            assert await counted(behind) == before | {table: 0}, name

    async def test_refresh_tokens_go_with_their_session(self, lived_in: UUID, applied: Applied, behind: Behind) -> None:
        await behind(AGE["sessions"], age=OWN["sessions"].keep.total_seconds() + 1)
        assert (await applied("sessions"))["removed"] == 1
        assert (await counted(behind))["refresh_tokens"] == 0

    async def test_whoever_gets_at_the_role_removes_nothing_that_is_still_of_use(
        self, lived_in: UUID, database: Database, behind: Behind
    ) -> None:
        before = await counted(behind)
        values = {"before": datetime.now(UTC) + timedelta(days=9000)}
        for policy in POLICIES:
            async with transaction(database, SERVICE_CLAIMS) as session:
                assert await session.scalar(text(policy.counting), values) == 0, policy.name
                assert await session.scalar(text(policy.statement), values | {"limit": 1000}) == 0, policy.name
        assert await counted(behind) == before

    async def test_a_session_that_is_open_and_a_lock_that_holds_stay_however_old(
        self, lived_in: UUID, applied: Applied, behind: Behind
    ) -> None:
        await behind("UPDATE auth.sessions SET created_at = now() - interval '5 years'")
        await behind(
            "UPDATE auth.login_attempts SET last_failure_at = now() - interval '5 years',"
            " locked_until = now() + interval '1 minute'"
        )
        assert (await applied("sessions"))["removed"] == 0
        assert (await applied("login_attempts"))["removed"] == 0

    async def test_a_second_factor_that_is_on_is_no_enrolment(
        self, lived_in: UUID, applied: Applied, behind: Behind
    ) -> None:
        await behind("UPDATE auth.mfa SET begun_at = now() - interval '5 years', confirmed_at = now()")
        assert (await applied("enrolments"))["counted"] == 0

    async def test_beginning_again_makes_an_enrolment_young(
        self, lived_in: UUID, client: httpx.AsyncClient, login: Login, applied: Applied, behind: Behind
    ) -> None:
        await behind("UPDATE auth.mfa SET begun_at = now() - interval '5 days'")
        await client.post("/api/v1/auth/mfa/enroll", headers=bearer(await login()))
        assert (await applied("enrolments"))["counted"] == 0

    async def test_a_batch_is_bounded(self, database: Database, behind: Behind) -> None:
        await behind(
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

    async def test_withdrawn_keys_stay_known(
        self, lived_in: UUID, client: httpx.AsyncClient, database: Database, behind: Behind
    ) -> None:
        await behind("UPDATE auth.signing_keys SET withdrawn_at = now() - interval '9 years'")
        before = await counted(behind)
        for policy in POLICIES:
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.scalar(text(policy.statement), {"before": datetime.now(UTC), "limit": 1000})
        assert (await counted(behind))["signing_keys"] == before["signing_keys"] > 0


OLD = "UPDATE auth.users SET created_at = now() - interval '31 days'"
LET_LINKS_EXPIRE = "UPDATE auth.one_time_tokens SET expires_at = now() - interval '1 minute'"


class TestNeverVerified:
    @pytest.fixture
    async def abandoned(self, register: Register, behind: Behind) -> UUID:
        """Signed up a month ago, and left it at that."""
        await register()
        await behind(OLD)
        await behind(LET_LINKS_EXPIRE)
        ((user_id,),) = await behind("SELECT id FROM auth.users")
        return UUID(str(user_id))

    async def asked(self, outbox: Outbox) -> list[str]:
        return [one["user_id"] for one in types(await outbox(), "user.never_verified.v1")]

    async def test_is_asked_about_once_and_stays_until_gdpr_has_it_erased(
        self, abandoned: UUID, applied: Applied, behind: Behind, outbox: Outbox
    ) -> None:
        assert (await applied("never_verified", dry_run=True))["counted"] == 1
        assert await self.asked(outbox) == []
        assert (await applied("never_verified"))["removed"] == 1
        assert (await applied("never_verified"))["removed"] == 0
        (event,) = [one for one in await outbox() if one["type"] == "user.never_verified.v1"]
        told = UserNeverVerified.model_validate(event["data"])
        assert (told.user_id, event["subject"], event["version"]) == (abandoned, str(abandoned), told.version)
        assert UUID(event["id"]).version == 7
        ((email, active),) = await behind("SELECT email, active FROM auth.users")
        assert (email, active) == (EMAIL, True)
        await behind("UPDATE auth.users SET erasure_asked_at = now() - interval '31 days'")
        assert (await applied("never_verified"))["removed"] == 1, "gdpr may have had a reason that is gone by now"

    async def test_is_erased_as_anybody_and_the_address_is_free_again(
        self, abandoned: UUID, client: httpx.AsyncClient, deliver: Deliver, register: Register, outbox: Outbox
    ) -> None:
        told = {"request_id": str(uuid4()), "subject_id": str(abandoned), "version": 1, "services": ["auth"]}
        await deliver("gdpr.erasure_requested.v1", told)
        await register()
        assert [one["email"] for one in types(await outbox(), "user.registered.v1")] == [EMAIL, EMAIL]
        login = await client.post("/api/v1/auth/login", json={"email": f"{abandoned}@erased.invalid", "password": "x"})
        assert login.status_code == 401

    async def test_nobody_else_is_asked_about(
        self, abandoned: UUID, register: Register, applied: Applied, behind: Behind, outbox: Outbox
    ) -> None:
        whose = "user_id = (SELECT id FROM auth.users WHERE email = :email)"
        others = {
            "verified": ["UPDATE auth.users SET email_verified = true WHERE email = :email"],
            "once-verified": [
                "UPDATE auth.users SET email_verified = true WHERE email = :email",
                "UPDATE auth.users SET email_verified = false WHERE email = :email",  # at another address
            ],
            "new": ["UPDATE auth.users SET created_at = now() - interval '29 days' WHERE email = :email"],
            "loctician": ["UPDATE auth.users SET role = 'loctician' WHERE email = :email"],
            "deactivated": ["UPDATE auth.users SET active = false WHERE email = :email"],
            "mailed": [f"UPDATE auth.one_time_tokens SET expires_at = now() + interval '1 hour' WHERE {whose}"],
            "invited": [f"DELETE FROM auth.credentials WHERE {whose}"],  # by the salon, which knows them
        }
        for name in others:
            await register(f"{name}@example.com")
        await behind(OLD)
        await behind(LET_LINKS_EXPIRE)
        for name, statements in others.items():
            for statement in statements:
                await behind(statement, email=f"{name}@example.com")
        assert (await applied("never_verified"))["counted"] == 1
        assert await self.asked(outbox) == [str(abandoned)]

    async def test_who_came_in_lately_is_not(
        self, abandoned: UUID, login: Login, applied: Applied, behind: Behind
    ) -> None:
        await login()
        await behind("DELETE FROM auth.sessions")
        assert (await applied("never_verified"))["counted"] == 0
        await behind("UPDATE auth.known_addresses SET seen_at = now() - interval '31 days'")
        assert (await applied("never_verified"))["counted"] == 1
        await login()
        await behind("DELETE FROM auth.known_addresses")
        assert (await applied("never_verified"))["counted"] == 0


class TestErased:
    async def test_row_of_somebody_who_was_erased_goes_after_a_year_and_nobody_else_does(
        self, lived_in: UUID, applied: Applied, database: Database, behind: Behind
    ) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await privacy.erase(session, lived_in)
        old = "UPDATE auth.users SET updated_at = now() - make_interval(days => :days)"
        await behind(old, days=364)
        assert (await applied("erased_users"))["counted"] == 0
        await behind(old, days=366)
        assert (await applied("erased_users"))["removed"] == 1
        assert [row.email for row in await behind("SELECT email FROM auth.users")] == ["admin@example.com"]
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert await privacy.erase(session, lived_in) == {"users": 0}, "asked again it does no harm"
