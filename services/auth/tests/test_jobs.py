"""What is over is thrown away, in batches; what still matters stays."""

import httpx
import pytest

from services.auth import jobs
from services.auth.tests.conftest import Behind, Login, Register
from shared.db import Database
from shared.jobs import run_once

PURGE = next(job for job in jobs.JOBS if job.name == "purge")


async def count(behind: Behind, table: str) -> int:
    ((found,),) = await behind(f"SELECT count(*) FROM auth.{table}")
    return int(found)


class TestPurge:
    async def test_throws_away_what_expired_and_keeps_what_may_still_be_used(
        self, client: httpx.AsyncClient, register: Register, login: Login, database: Database, behind: Behind
    ) -> None:
        await register()
        used = (await login())["refresh_token"]
        await client.post("/api/v1/auth/refresh", json={"refresh_token": used})
        await client.post("/api/v1/auth/login", json={"email": "ingen@example.com", "password": "x"})
        tables = ("sessions", "refresh_tokens", "one_time_tokens", "login_attempts", "known_addresses")
        before = [await count(behind, table) for table in tables]
        assert all(before)
        assert await run_once(database, PURGE) == "done"
        assert [await count(behind, table) for table in tables] == before
        await behind("UPDATE auth.refresh_tokens SET expires_at = now() - interval '2 days'")
        await behind("UPDATE auth.sessions SET expires_at = now() - interval '2 days'")
        await behind("UPDATE auth.one_time_tokens SET expires_at = now()")
        await behind("UPDATE auth.login_attempts SET last_failure_at = now() - interval '2 days'")
        await behind("UPDATE auth.known_addresses SET seen_at = now() - interval '91 days'")
        assert await run_once(database, PURGE) == "done"
        assert [await count(behind, table) for table in tables] == [0] * 5

    async def test_takes_bounded_batches_until_all_is_gone(
        self, database: Database, behind: Behind, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await behind(
            "INSERT INTO auth.one_time_tokens (token_hash, purpose, expires_at)"
            " SELECT sha256(n\\:\\:text\\:\\:bytea), 'reset', now() FROM generate_series(1, 25) n"
        )
        monkeypatch.setattr(jobs, "BATCH", 10)
        monkeypatch.setattr(jobs, "MOST_BATCHES", 2)
        assert await run_once(database, PURGE) == "done"
        assert await count(behind, "one_time_tokens") == 5
        assert await run_once(database, PURGE) == "done"
        assert await count(behind, "one_time_tokens") == 0
