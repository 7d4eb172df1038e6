"""The audit log after SECRET_KEY has changed, and after a change that hopes to be signed by the next event."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from keys.services import ServiceKeys
from services.gdpr.audit import checkpoints, hash_chain
from services.gdpr.tests.test_hash_chain import rows_of, tamper, two_months, verified
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.services import Deliver

OLD, NEW, OTHER = (f"{which} secret of thirty-two characters" for which in ("the old", "the new", "another"))
Record = Callable[[], Awaitable[bool]]
keys_of_gdpr = partial(ServiceKeys.from_root, "gdpr")


@pytest.fixture
async def record(database: Database, deliver: Deliver) -> Record:
    """Records one row; six are recorded already, signed with the old key."""
    database.keys = keys_of_gdpr(OLD)

    async def record_event() -> bool:
        return await deliver("booking.conflicted.v1", {"booking_id": str(uuid4()), "version": 1})

    for _ in range(6):
        await record_event()
    return record_event


async def reanchored(database: Database) -> tuple[int, int]:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return await checkpoints.sign_again(session)


async def broken(database: Database) -> str | None:
    first_error = (await verified(database)).broken
    return first_error.reason if first_error else None


async def computed_anew(owner: AsyncEngine, row: int) -> None:
    """As a person who controls the database without the key: changes a row, every hash after it, and the checkpoint."""
    await tamper(owner, f"UPDATE gdpr.audit_log SET actor_id = 'nobody' WHERE id = {row}")
    head = hash_chain.GENESIS
    for audit_row in await rows_of(owner):
        head = hash_chain.hash_row(head, audit_row)
        await tamper(owner, f"UPDATE gdpr.audit_log SET hash = '\\x{head.hex()}' WHERE id = {audit_row['id']}")
    await tamper(owner, f"UPDATE gdpr.audit_checkpoints SET head = '\\x{head.hex()}'")


class TestNewKey:
    async def test_with_the_previous_key_the_log_is_intact_and_after_signing_again_the_new_key_is_enough(
        self, record: Record, database: Database, owner: AsyncEngine, deliver: Deliver, outbox: Any
    ) -> None:
        database.keys = keys_of_gdpr(NEW, OLD)
        assert await broken(database) is None
        await record()
        assert await broken(database) is None
        assert await reanchored(database) == (1, 0)
        database.keys = keys_of_gdpr(NEW)
        assert await broken(database) is None
        assert await reanchored(database) == (1, 0), "again does no harm"
        event = (await outbox())[-1]
        assert (event["type"], event["data"]["months"], event["data"]["last_id"]) == ("gdpr.audit_reanchored.v1", 1, 7)

    async def test_without_the_previous_key_earlier_months_are_broken(
        self, database: Database, owner: AsyncEngine, deliver: Deliver
    ) -> None:
        old, new = database.keys, keys_of_gdpr(NEW)
        assert old is not None
        await deliver("booking.conflicted.v1", {"booking_id": str(uuid4()), "version": 1})
        await two_months(owner, database, deliver)
        database.keys = new
        assert await broken(database) == "anchor_changed"
        with pytest.raises(checkpoints.BrokenCheckpointError):
            await reanchored(database)

    async def test_rows_recorded_while_the_key_was_unknown_are_signed_and_counted(
        self, record: Record, database: Database
    ) -> None:
        database.keys = keys_of_gdpr(NEW)
        for _ in range(2):
            await record()
        assert await broken(database) == "anchor_changed"
        with pytest.raises(checkpoints.BrokenCheckpointError):
            await reanchored(database)
        database.keys = keys_of_gdpr(NEW, OLD)
        assert await broken(database) == "anchor_changed"
        assert await reanchored(database) == (1, 2)
        database.keys = keys_of_gdpr(NEW)
        assert await broken(database) is None

    async def test_checkpoints_of_an_unknown_key_are_not_signed(self, record: Record, database: Database) -> None:
        database.keys = keys_of_gdpr(NEW, OTHER)
        with pytest.raises(checkpoints.BrokenCheckpointError):
            await reanchored(database)
        database.keys = keys_of_gdpr(OLD)
        assert await broken(database) is None


class TestChangedChain:
    async def test_the_next_event_does_not_sign_a_recomputed_chain(
        self, record: Record, database: Database, owner: AsyncEngine
    ) -> None:
        await computed_anew(owner, 6)
        await record()
        assert await broken(database) == "anchor_changed"
        with pytest.raises(checkpoints.BrokenCheckpointError):
            await reanchored(database)
        assert await broken(database) == "anchor_changed"

    async def test_the_next_event_does_not_hide_that_the_last_row_was_removed(
        self, record: Record, database: Database, owner: AsyncEngine
    ) -> None:
        await tamper(
            owner,
            "DELETE FROM gdpr.audit_log WHERE id = 6",
            "UPDATE gdpr.audit_checkpoints SET last_id = 5, head = (SELECT hash FROM gdpr.audit_log WHERE id = 5)",
        )
        await record()
        await record()
        assert await broken(database) == "anchor_changed"
        with pytest.raises(checkpoints.BrokenCheckpointError):
            await reanchored(database)
