"""The operator's commands."""

from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cli.tests.command import call
from services.gdpr.main import SERVICE
from services.gdpr.tests.people import unguarded
from shared.database.session import Database
from shared.jobs import run_once
from shared.settings import Settings
from shared.testing.services import Deliver


class Shell:
    def __init__(self, settings: Settings) -> None:
        self.environment = {
            "DATABASE_URL": settings.database_url,
            "AMQP_URL": settings.amqp_url,
            "SECRET_KEY": settings.root_key,
        }

    async def __call__(self, *arguments: str) -> tuple[int, str]:
        done = await call(self.environment, *arguments)
        return done.returncode, done.stdout + done.stderr


def rows(output: str) -> list[dict[str, Any]]:
    assert "Traceback" not in output, output
    return [orjson.loads(line) for line in output.splitlines()]


@pytest.fixture
def loctician(settings: Settings) -> Shell:
    return Shell(settings)


class TestAudit:
    async def test_verify_reports_an_intact_log_and_the_first_broken_row(
        self, loctician: Shell, deliver: Deliver, owner: AsyncEngine
    ) -> None:
        for _ in range(3):
            await deliver("booking.conflicted.v1", {"booking_id": str(uuid4())})
        code, output = await loctician("audit", "verify")
        assert (code, "Intact: 3 rows" in output) == (0, True)
        noted = output.split()[-1]
        assert (await loctician("audit", "verify", "--noted", noted))[0] == 0
        assert (await loctician("audit", "verify", "--noted", noted.replace("3:", "2:")))[0] == 1
        async with unguarded(owner) as connection:
            await connection.execute(text("DELETE FROM gdpr.audit_log WHERE id = 2"))
        code, output = await loctician("audit", "verify")
        assert (code, "BROKEN at row 2" in output, "missing" in output) == (1, True, True)

    async def test_sign_checkpoints_replaces_signatures_of_the_previous_key(
        self, loctician: Shell, deliver: Deliver, database: Database
    ) -> None:
        await deliver("booking.conflicted.v1", {"booking_id": str(uuid4())})
        old, new = loctician.environment["SECRET_KEY"], "another secret of thirty-two characters"
        loctician.environment |= {"SECRET_KEY": new, "GDPR_DATABASE_URL": database.url}
        code, output = await loctician("audit", "sign-checkpoints")
        assert (code, "anchor_changed. Nothing was signed" in output) == (1, True)
        loctician.environment["SECRET_KEY_PREVIOUS"] = old
        assert await loctician("audit", "sign-checkpoints") == (0, "Signed: 1 months\n")
        del loctician.environment["SECRET_KEY_PREVIOUS"]
        assert (await loctician("audit", "verify"))[0] == 0

    async def test_export_subject_and_actor_are_json_lines(self, loctician: Shell, deliver: Deliver) -> None:
        person, staff = str(uuid4()), str(uuid4())
        await deliver("access.read.v1", {"subject_id": person, "resource": "user"}, actor_id=staff, actor_role="staff")
        await deliver("user.mfa_enabled.v1", {"user_id": str(uuid4()), "version": 1}, actor_id=staff)
        everything = rows((await loctician("audit", "export"))[1])
        assert [row["id"] for row in everything] == [1, 2]
        assert all(len(row["hash"]) == 64 for row in everything)
        (seen,) = rows((await loctician("audit", "subject", person))[1])
        assert (seen["actor_id"], seen["data"]["resource"]) == (staff, "user")
        assert len(rows((await loctician("audit", "actor", staff))[1])) == 2


class TestJobs:
    async def test_each_job_is_listed_with_its_last_run(self, loctician: Shell, database: Database) -> None:
        done = next(job for job in SERVICE.all_jobs if job.name == "expire_exports")
        assert await run_once(database, done) == "done"
        code, output = await loctician("jobs", "--service", "gdpr", "--json")
        assert code == 0
        listed = {row["job"]: row for row in orjson.loads(output)}
        assert listed.keys() == {job.name for job in SERVICE.all_jobs}
        code, table = await loctician("jobs", "--service", "gdpr")
        lines = {name: line for line in table.splitlines() for name in listed if name in line.split()}
        assert (code, lines.keys()) == (0, listed.keys())
        assert "done" in lines["expire_exports"]
        assert "never" in lines["order_retention"]
