"""A person asks, every service answers: parts that only gdpr can read, and proof that nothing brings them back."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from keys.services import ServiceKeys
from migrations.topology import declare
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging import topology
from shared.messaging.events import envelope, new_id
from shared.messaging.subscriptions import Subscriptions, handle, handle_batch
from shared.observability.health import Health
from shared.privacy import data_subject_requests
from shared.privacy.erasure_worker import DEAD_LETTERS_KEPT, ErasureWorker
from shared.testing.servers import Servers
from shared.testing.waiting import until
from shared.tests.notes import subscribed
from shared.tests.support import Queues, count, emptied, looking, own_schema, running, supervised

SECRET = "a secret of thirty-two characters or more"
Json = dict[str, Any]


class Notes:
    """A service's privacy.py, over the tests' table."""

    failing = False

    async def export(self, session: AsyncSession, subject_id: UUID) -> Json:
        found = await session.execute(text("SELECT * FROM noted WHERE thing_id = :id"), {"id": subject_id})
        return {"noted": [dict(row) for row in found.mappings()], "address": None, "photo": b"\x00\xff"}

    async def erase(self, session: AsyncSession, subject_id: UUID) -> dict[str, int]:
        gone = await session.execute(text("DELETE FROM noted WHERE thing_id = :id"), {"id": subject_id})
        if self.failing:
            raise RuntimeError("halfway")
        return {"noted": gone.rowcount}  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
async def place(servers: Servers) -> AsyncIterator[Database]:
    async with own_schema(servers) as made:
        made.keys = ServiceKeys.from_root(made.schema, SECRET)
        yield made


@pytest.fixture
async def database(place: Database) -> Database:
    async with transaction(place, SERVICE_CLAIMS) as session:
        await session.execute(text("DELETE FROM erased_subjects"))
    return await emptied(place)


@pytest.fixture
def privacy() -> Notes:
    return Notes()


@pytest.fixture
def listening(database: Database, privacy: Notes) -> Subscriptions:
    return subscribed().merged(data_subject_requests.subscriptions(database.schema, privacy))


@pytest.fixture
async def queues(broker: str, database: Database) -> AsyncIterator[Queues]:
    async with looking(broker) as made:
        await declare(made._channel, {database.schema: []})
        yield made


def message(type_: str, data: Json, subject: UUID, time: datetime | None = None) -> Json:
    row = dict.fromkeys(("traceparent", "actor_id", "actor_role", "request_id"))
    named = {"event_id": new_id(), "type": type_, "subject": str(subject), "version": 1, "data": data}
    return envelope("/services/test", row | named | {"occurred_at": time or datetime.now(UTC)})


def noted(person: UUID, time: datetime | None = None) -> Json:
    return message("thing.noted.v1", {"thing_id": str(person), "text": "Kirsten", "version": 1}, person, time)


def asked(type_: str, person: UUID, *services: str) -> Json:
    data: Json = {"version": 1, "request_id": str(uuid4()), "subject_id": str(person)}
    return message(type_, data | ({"services": list(services)} if services else {}), person)


async def outbox(database: Database) -> list[Json]:
    async with transaction(database, SERVICE_CLAIMS) as session:
        found = await session.execute(text(f"SELECT type, subject, data FROM {database.schema}.outbox ORDER BY id"))
        return [dict(row) for row in found.mappings()]


class TestExport:
    async def test_the_part_is_what_the_service_holds_and_nobody_reads_it_on_its_way(
        self, database: Database, listening: Subscriptions
    ) -> None:
        person = uuid4()
        await handle(database, listening, database.schema, noted(person))
        request = asked(data_subject_requests.EXPORT, person)
        assert await handle(database, listening, database.schema, request)
        (part,) = await outbox(database)
        assert (part["type"], part["subject"]) == ("gdpr.export_part.v1", str(person))
        assert part["data"]["rows"] == {"noted": 1, "address": 0, "photo": 1}
        assert "Kirsten" not in str(part)
        sealed = base64.b64decode(part["data"]["sealed"])
        where = data_subject_requests.place_of(UUID(request["data"]["request_id"]), database.schema)
        keys = ServiceKeys.from_root("gdpr", SECRET).shared_with(database.schema)
        held = orjson.loads(keys.unseal(data_subject_requests.SEALED_PART, sealed, where))
        assert held["noted"][0]["text"] == "Kirsten"
        assert (held["noted"][0]["thing_id"], held["photo"]) == (str(person), "00ff")

    async def test_a_question_that_comes_twice_is_answered_once(
        self, database: Database, listening: Subscriptions
    ) -> None:
        request = asked(data_subject_requests.EXPORT, uuid4())
        for _ in range(3):
            await handle(database, listening, database.schema, request)
        assert await count(database, "outbox") == 1


class TestErasure:
    async def test_proof_comes_once_however_often_it_is_worked_on(
        self, database: Database, listening: Subscriptions, broker: str, queues: Queues
    ) -> None:
        person = uuid4()
        await handle(database, listening, database.schema, noted(person))
        await handle(
            database, listening, database.schema, asked(data_subject_requests.ERASURE, person, database.schema)
        )
        assert await count(database, "noted") == 0
        assert await outbox(database) == [], "messages that failed are still to be looked through"
        for _ in range(3):  # as after a crash: whoever comes next goes on
            await ErasureWorker(database, database.schema, broker, Health()).work()
        (proof,) = await outbox(database)
        assert (proof["type"], proof["data"]["rows"]) == ("gdpr.erasure_done.v1", {"noted": 1})

    async def test_asked_twice_it_is_proven_twice_and_harms_nothing(
        self, database: Database, listening: Subscriptions, broker: str, queues: Queues
    ) -> None:
        person = uuid4()
        for _ in range(2):
            await handle(
                database, listening, database.schema, asked(data_subject_requests.ERASURE, person, database.schema)
            )
            await ErasureWorker(database, database.schema, broker, Health()).work()
        assert [one["data"]["rows"] for one in await outbox(database)] == [{"noted": 0}, {"noted": 0}]

    async def test_who_is_not_asked_forgets_nobody(self, database: Database, listening: Subscriptions) -> None:
        person = uuid4()
        await handle(database, listening, database.schema, noted(person))
        await handle(database, listening, database.schema, asked(data_subject_requests.ERASURE, person, "another"))
        assert await count(database, "noted") == 1

    async def test_erasing_that_fails_halfway_leaves_everything(
        self, database: Database, listening: Subscriptions, privacy: Notes
    ) -> None:
        person, privacy.failing = uuid4(), True
        await handle(database, listening, database.schema, noted(person))
        with pytest.raises(RuntimeError):
            await handle(
                database, listening, database.schema, asked(data_subject_requests.ERASURE, person, database.schema)
            )
        assert await count(database, "noted") == 1
        assert await count(database, "erased_subjects") == 0

    async def test_what_was_said_before_brings_nobody_back_and_what_is_said_after_is_heard(
        self, database: Database, listening: Subscriptions
    ) -> None:
        person, other = uuid4(), uuid4()
        before = datetime.now(UTC) - timedelta(minutes=10)
        await handle(
            database, listening, database.schema, asked(data_subject_requests.ERASURE, person, database.schema)
        )
        assert not await handle(database, listening, database.schema, noted(person, before))
        assert await handle(database, listening, database.schema, noted(other, before))
        assert await handle(database, listening, database.schema, noted(person))
        assert await count(database, "noted") == 2

    async def test_erasing_is_done_alone_so_that_what_waits_behind_it_is_judged_after_it(
        self, database: Database, listening: Subscriptions
    ) -> None:
        person, before = uuid4(), datetime.now(UTC) - timedelta(minutes=10)
        asked_for = asked(data_subject_requests.ERASURE, person, database.schema)
        assert not await handle_batch(database, listening, database.schema, [asked_for, noted(person, before)])
        assert await count(database, "erased_subjects") == await count(database, "noted") == 0

    async def test_what_was_in_another_hand_meanwhile_is_gone_before_the_proof(
        self, database: Database, listening: Subscriptions, privacy: Notes, broker: str, queues: Queues
    ) -> None:
        person, before = uuid4(), datetime.now(UTC) - timedelta(minutes=1)
        await handle(
            database, listening, database.schema, asked(data_subject_requests.ERASURE, person, database.schema)
        )
        of_another = noted(person, before) | {"subject": str(uuid4())}
        assert await handle(database, listening, database.schema, of_another)
        await ErasureWorker(database, database.schema, broker, Health(), privacy).work()
        assert await count(database, "noted") == 0
        assert len(await outbox(database)) == 1

    async def test_what_comes_later_still_is_gone_with_the_next_sweep(
        self, database: Database, listening: Subscriptions, privacy: Notes, broker: str, queues: Queues
    ) -> None:
        person, before = uuid4(), datetime.now(UTC) - timedelta(minutes=1)
        await handle(
            database, listening, database.schema, asked(data_subject_requests.ERASURE, person, database.schema)
        )
        worker = ErasureWorker(database, database.schema, broker, Health(), privacy)
        await worker.work()
        await handle(database, listening, database.schema, noted(person, before) | {"subject": str(uuid4())})
        await worker.work()
        assert await count(database, "noted") == 1
        worker._swept -= 601
        await worker.work()
        assert await count(database, "noted") == 0

    async def test_the_running_service_proves_by_itself_as_soon_as_it_has_erased(
        self, database: Database, privacy: Notes, broker: str, queues: Queues
    ) -> None:
        worker = ErasureWorker(database, database.schema, broker, Health())
        listening = data_subject_requests.subscriptions(database.schema, privacy, worker.wake)
        async with running(supervised("worker", worker.run)):
            await handle(
                database, listening, database.schema, asked(data_subject_requests.ERASURE, uuid4(), database.schema)
            )
            await until(lambda: _proven(database))


class TestFailedMessages:
    async def test_those_about_the_erased_go_and_others_stay(
        self, database: Database, listening: Subscriptions, broker: str, queues: Queues
    ) -> None:
        person, other = uuid4(), uuid4()
        dead = topology.dead_queue(database.schema)
        retries = [topology.retry_queue(database.schema, delay) for delay in topology.DELAYS[2:]]
        for queue in (dead, *retries):
            for who in (person, other):
                await queues.send(queue, orjson.dumps(noted(who)))
        await queues.send(dead, f"no event, but of {person}".encode())
        await queues.send(dead, b"no event at all")
        await handle(
            database, listening, database.schema, asked(data_subject_requests.ERASURE, person, database.schema)
        )
        await ErasureWorker(database, database.schema, broker, Health()).work()
        left = {queue: [one.body for one in await queues.take(queue)] for queue in (dead, *retries)}
        assert [len(bodies) for bodies in left.values()] == [2, 1, 1]
        assert str(person) not in str(left)
        (proof,) = await outbox(database)
        assert proof["data"]["dead_letters"] == 4

    async def test_what_failed_long_ago_goes_too(
        self, database: Database, listening: Subscriptions, broker: str, queues: Queues
    ) -> None:
        dead, now = topology.dead_queue(database.schema), datetime.now(UTC)
        for age in (DEAD_LETTERS_KEPT - timedelta(days=1), DEAD_LETTERS_KEPT + timedelta(days=1)):
            failed_at = (now - age).isoformat(timespec="milliseconds")
            await queues.send(dead, orjson.dumps(noted(uuid4())), headers={"x-last-failed-at": failed_at})
        await queues.send(dead, orjson.dumps(noted(uuid4())), headers={"x-last-failed-at": "unreadable"})
        await handle(
            database, listening, database.schema, asked(data_subject_requests.ERASURE, uuid4(), database.schema)
        )
        await ErasureWorker(database, database.schema, broker, Health()).work()
        assert len(await queues.take(dead)) == 2


async def _proven(database: Database) -> bool:
    return await count(database, "outbox") == 1
