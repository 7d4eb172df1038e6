import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db import Database
from shared.events import emit, new_id
from shared.jobs import Job, run_jobs, run_once
from shared.testing.servers import Servers
from shared.tests.support import Noted, count, emptied, own_schema, running, until

SOON = timedelta(milliseconds=30)


@pytest.fixture(scope="module")
async def place(servers: Servers) -> AsyncIterator[Database]:
    async with own_schema(servers) as made:
        yield made


@pytest.fixture
async def database(place: Database) -> Database:
    return await emptied(place)


class TestJobs:
    async def test_job_runs_again_and_again(self, database: Database) -> None:
        async def note(session: AsyncSession) -> None:
            await session.execute(text("INSERT INTO noted (version) VALUES (1)"))

        async with running(run_jobs(database, [Job("note", SOON, note)])):
            await until(lambda: _noted(database, 3))

    async def test_failed_run_leaves_nothing_and_ends_no_schedule(self, database: Database) -> None:
        runs: list[int] = []

        async def fail_first(session: AsyncSession) -> None:
            runs.append(1)
            await session.execute(text("INSERT INTO noted (version) VALUES (1)"))
            if len(runs) == 1:
                raise RuntimeError("first")

        async with running(run_jobs(database, [Job("fail_first", SOON, fail_first)])):
            await until(lambda: _noted(database, 1))
        assert len(runs) >= 2
        assert await count(database, "noted") == len(runs) - 1

    async def test_only_one_replica_runs_it_at_a_time(self, database: Database) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def wait(session: AsyncSession) -> None:
            begun.set()
            await go_on.wait()

        job = Job("wait", SOON, wait)
        first = asyncio.create_task(run_once(database, job))
        await begun.wait()
        assert await run_once(database, job) == "elsewhere"
        go_on.set()
        assert await first == "done"
        assert await run_once(database, job) == "done"

    async def test_job_may_emit_events(self, database: Database) -> None:
        async def tell(session: AsyncSession) -> None:
            emit(session, Noted(thing_id=new_id(), version=1))

        assert await run_once(database, Job("tell", SOON, tell)) == "done"
        assert await count(database, "outbox") == 1


async def _noted(database: Database, number: int) -> bool:
    return await count(database, "noted") >= number
