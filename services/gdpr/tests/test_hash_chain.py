"""The hash chain against a person who controls the database: any changed or removed row is found."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.roles import Role
from services.gdpr import jobs
from services.gdpr.audit import hash_chain
from services.gdpr.tests.people import unguarded
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.services import Deliver
from shared.testing.types import Headers

ROWS = 6


async def tamper(owner: AsyncEngine, *statements: str) -> None:
    async with unguarded(owner) as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def rows_of(owner: AsyncEngine) -> list[dict[str, Any]]:
    async with unguarded(owner) as connection:
        rows = await connection.execute(text("SELECT * FROM gdpr.audit_log ORDER BY id"))
        return [dict(row) for row in rows.mappings()]


async def verified(database: Database, first_id: int = 1, most: int | None = None) -> hash_chain.Verification:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return await hash_chain.verify(session, first_id, most)


@pytest.fixture
async def recorded(deliver: Deliver, database: Database) -> Database:
    for number in range(ROWS):
        data = {
            "booking_id": str(uuid4()),
            "status": "confirmed",
            "version": number,
            "items": [{"price_amount": 64900}],
        }
        await deliver("booking.conflicted.v1", data, actor_id=str(uuid4()), actor_role="customer")
    return database


async def two_months(owner: AsyncEngine, database: Database, deliver: Deliver) -> date:
    """Moves the rows so far to last month, with valid signatures, and then adds two."""
    now = datetime.now(UTC).date().replace(day=1)
    last = (
        now.replace(year=now.year - 1, month=12) if now.month == 1 else now.replace(month=now.month - 1)
    ).isoformat()
    async with owner.begin() as connection:
        await connection.execute(text(f"SELECT gdpr.make_audit_month('{last}')"))
    rows = await rows_of(owner)
    head = hash_chain.GENESIS
    assert database.keys
    for row in rows:
        head = hash_chain.hash_row(head, {**row, "month": last})
        await tamper(
            owner, f"UPDATE gdpr.audit_log SET month = '{last}', hash = '\\x{head.hex()}' WHERE id = {row['id']}"
        )
    anchor = {"month": date.fromisoformat(last), "previous": None, "opening": hash_chain.GENESIS, "first_id": 1}
    anchor |= {"last_id": len(rows), "head": head}
    signature = hash_chain.sign(database.keys, anchor).hex()
    changed = f"month = '{last}', head = '\\x{head.hex()}', signature = '\\x{signature}'"
    await tamper(owner, f"UPDATE gdpr.audit_checkpoints SET {changed}")
    for _ in range(2):
        await deliver("booking.conflicted.v1", {"booking_id": str(uuid4())})
    return date.fromisoformat(last)


class TestVerify:
    async def test_an_untouched_log_is_intact(self, recorded: Database) -> None:
        verification = await verified(recorded)
        assert (verification.broken, verification.rows, verification.last_id) == (None, ROWS, ROWS)

    async def test_an_empty_log_is_intact(self, database: Database) -> None:
        assert await verified(database) == hash_chain.Verification(0, None, 0, hash_chain.GENESIS.hex())

    @pytest.mark.parametrize(
        "change",
        [
            "action = 'booking.created.v1'",
            "actor_id = NULL",
            "people = '{someone}'",
            "occurred_at = occurred_at + interval '1 microsecond'",
            "recorded_at = recorded_at - interval '1 day'",
            "data = jsonb_set(data, '{status}', '\"cancelled\"')",
            "data = jsonb_set(data, '{items,0,price_amount}', '1')",
            "entity_version = 99",
            "event_id = gen_random_uuid()",
            "request_id = ''",
            "hash = '\\x00'",
        ],
    )
    @pytest.mark.parametrize("row", [1, 3, ROWS])
    async def test_a_changed_row_is_named(self, recorded: Database, owner: AsyncEngine, change: str, row: int) -> None:
        await tamper(owner, f"UPDATE gdpr.audit_log SET {change} WHERE id = {row}".replace(":", r"\:"))
        broken = (await verified(recorded)).broken
        assert broken is not None
        assert (broken.id, broken.reason) == (row, "changed")

    @pytest.mark.parametrize("row", [1, 4, ROWS])
    async def test_a_missing_row_is_named_even_if_it_is_the_last(
        self, recorded: Database, owner: AsyncEngine, row: int
    ) -> None:
        await tamper(owner, f"DELETE FROM gdpr.audit_log WHERE id = {row}")
        broken = (await verified(recorded)).broken
        assert broken is not None
        assert (broken.id, broken.reason) == (row, "missing")

    async def test_a_removed_row_is_found_although_the_others_were_renumbered(
        self, recorded: Database, owner: AsyncEngine
    ) -> None:
        await tamper(
            owner, "DELETE FROM gdpr.audit_log WHERE id = 3", "UPDATE gdpr.audit_log SET id = id - 1 WHERE id > 3"
        )
        broken = (await verified(recorded)).broken
        assert broken is not None
        assert (broken.id, broken.reason) == (3, "changed")

    async def test_an_inserted_row_is_found(self, recorded: Database, owner: AsyncEngine) -> None:
        columns = ", ".join(name for name in hash_chain.HASHED_COLUMNS if name not in {"id", "event_id"})
        await tamper(
            owner,
            f"INSERT INTO gdpr.audit_log (id, event_id, hash, {columns}) "
            f"SELECT {ROWS + 1}, gen_random_uuid(), hash, {columns} FROM gdpr.audit_log WHERE id = 1",
        )
        broken = (await verified(recorded)).broken
        assert broken is not None
        assert (broken.id, broken.reason) == (ROWS + 1, "unanchored")

    async def test_a_recomputed_chain_is_found_because_its_checkpoint_is_not_signed(
        self, recorded: Database, owner: AsyncEngine
    ) -> None:
        await tamper(owner, "UPDATE gdpr.audit_log SET actor_id = 'nobody' WHERE id = 2")
        rows = await rows_of(owner)
        head = hash_chain.GENESIS
        for row in rows:
            head = hash_chain.hash_row(head, row)
            await tamper(owner, f"UPDATE gdpr.audit_log SET hash = '\\x{head.hex()}' WHERE id = {row['id']}")
        broken = (await verified(recorded)).broken
        assert broken is not None
        assert (broken.id, broken.reason) == (ROWS, "changed")
        await tamper(owner, f"UPDATE gdpr.audit_checkpoints SET head = '\\x{head.hex()}'")
        broken = (await verified(recorded)).broken
        assert broken is not None
        assert broken.reason == "anchor_changed"

    async def test_a_checkpoint_set_back_with_its_last_row_is_found(
        self, recorded: Database, owner: AsyncEngine
    ) -> None:
        await tamper(
            owner,
            f"DELETE FROM gdpr.audit_log WHERE id = {ROWS}",
            "UPDATE gdpr.audit_checkpoints SET last_id = last_id - 1, head = "
            f"(SELECT hash FROM gdpr.audit_log WHERE id = {ROWS - 1})",
        )
        broken = (await verified(recorded)).broken
        assert broken is not None
        assert broken.reason == "anchor_changed"


class TestMonths:
    async def test_a_missing_month_is_found(self, recorded: Database, owner: AsyncEngine, deliver: Deliver) -> None:
        last = await two_months(owner, recorded, deliver)
        assert (await verified(recorded)).broken is None
        await tamper(owner, f"DELETE FROM gdpr.audit_log WHERE month = '{last}'")
        assert (await verified(recorded)).broken == hash_chain.Broken(last, 1, "missing")
        await tamper(owner, f"DELETE FROM gdpr.audit_checkpoints WHERE month = '{last}'")
        assert (await verified(recorded)).broken == hash_chain.Broken(last, 1, "anchor_missing")

    async def test_verifying_continues_at_the_next_id(
        self, recorded: Database, owner: AsyncEngine, deliver: Deliver
    ) -> None:
        await two_months(owner, recorded, deliver)
        first = await verified(recorded, most=1)
        assert (first.rows, first.next_id) == (ROWS, ROWS + 1)
        rest = await verified(recorded, first_id=ROWS + 2)
        assert (rest.rows, rest.next_id, rest.broken) == (1, None, None)

    async def test_partitions_are_created_three_months_ahead(self, database: Database, owner: AsyncEngine) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await jobs.turn_audit_months(session)
        month = datetime.now(UTC).date().replace(day=1)
        async with owner.connect() as connection:
            for _ in range(jobs.MONTHS_AHEAD):
                month = jobs.next_month(month)
                name = f"gdpr.audit_log_{month:%Y_%m}"
                assert await connection.scalar(text("SELECT to_regclass(:name)"), {"name": name})

    async def test_months_older_than_five_years_are_dropped_and_the_rest_stays_intact(
        self, recorded: Database, owner: AsyncEngine
    ) -> None:
        async with owner.begin() as connection:
            await connection.execute(text("SELECT gdpr.make_audit_month('2001-01-01')"))
        async with transaction(recorded, SERVICE_CLAIMS) as session:
            await jobs.turn_audit_months(session)
        async with owner.connect() as connection:
            assert await connection.scalar(text("SELECT to_regclass('gdpr.audit_log_2001_01')")) is None
        assert (await verified(recorded)).rows == ROWS


class TestVerifyOverHttp:
    async def test_an_admin_sees_whether_the_log_is_intact(
        self, recorded: Database, owner: AsyncEngine, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        admin = auth_headers(Role.ADMIN)
        verification: dict[str, Any] = (await client.get("/api/v1/audit/verify", headers=admin)).json()
        assert (verification["intact"], verification["rows"], verification["broken"]) == (True, ROWS, None)
        await tamper(owner, "DELETE FROM gdpr.audit_log WHERE id = 2")
        verification = (await client.get("/api/v1/audit/verify", headers=admin)).json()
        assert verification["intact"] is False
        assert (verification["broken"]["id"], verification["broken"]["reason"]) == (2, "missing")

    @pytest.mark.parametrize("role", ["customer", "loctician", "staff"])
    async def test_nobody_else_may_verify_the_log(
        self, client: httpx.AsyncClient, auth_headers: Headers, role: str
    ) -> None:
        assert (await client.get("/api/v1/audit/verify", headers=auth_headers(role))).status_code == 403
