import asyncio
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.database.session import Database
from shared.jobs import Job, run_jobs, run_once
from shared.messaging.events import emit, new_id
from shared.testing.waiting import until
from shared.tests.support import Noted, count, running

SOON = timedelta(milliseconds=30)


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

    async def test_job_with_more_to_do_runs_again_at_once(self, database: Database) -> None:
        runs: list[int] = []

        async def part_of_five(session: AsyncSession) -> bool:
            runs.append(1)
            await session.execute(text("INSERT INTO noted (version) VALUES (1)"))
            return len(runs) < 5

        job = Job("part_of_five", timedelta(seconds=2), part_of_five)
        assert await run_once(database, job) == "more"
        async with running(run_jobs(database, [job])):
            await until(lambda: _noted(database, 5))
        assert len(runs) == 5

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


class TestSchedule:
    async def test_what_another_replica_has_just_done_is_not_done_again(self, database: Database) -> None:
        job = Job("hourly", timedelta(hours=1), _nothing)
        outcomes = await asyncio.gather(*(run_once(database, job, when_due=True) for _ in range(5)))
        assert sorted(set(outcomes)) in (["done", "early"], ["done", "elsewhere"], ["done", "early", "elsewhere"])
        assert outcomes.count("done") == 1
        assert await run_once(database, job, when_due=True) == "early"

    async def test_what_was_missed_is_caught_up_at_the_start_and_what_is_not_due_waits(
        self, database: Database
    ) -> None:
        async def note(session: AsyncSession) -> None:
            await session.execute(text("INSERT INTO noted (version) VALUES (1)"))

        missed, done = Job("missed", timedelta(days=1), note), Job("done_before", timedelta(days=1), _nothing)
        for job in (missed, done):
            await run_once(database, Job(job.name, job.every, _nothing))
        await database.call(
            text("UPDATE job_runs SET done_at = done_at - interval '25 hours' WHERE job = 'missed' RETURNING 1")
        )
        async with running(run_jobs(database, [missed, done])):
            await until(lambda: _noted(database, 1))
        (row,) = await database.call(text("SELECT runs FROM job_runs WHERE job = 'done_before'"))
        assert row.runs == 1

    async def test_how_each_run_ended_is_kept(self, database: Database) -> None:
        async def fail(session: AsyncSession) -> None:
            raise RuntimeError("what it was about stays out")

        for run in (_nothing, fail):
            await run_once(database, Job("kept", SOON, run))
        (row,) = await database.call(text("SELECT * FROM job_runs WHERE job = 'kept'"))
        assert (row.result, row.error, row.runs, row.failures) == ("failed", "RuntimeError", 2, 1)
        assert row.done_at < row.started_at + timedelta(milliseconds=row.milliseconds + 1000)
        assert row.done_at is not None


async def _nothing(session: AsyncSession) -> None:
    pass


async def _noted(database: Database, number: int) -> bool:
    return await count(database, "noted") >= number
