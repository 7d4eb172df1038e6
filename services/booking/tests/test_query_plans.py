"""The cost of a booking does not grow with the number of bookings of others."""

import json
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS

MANY = text("""
    INSERT INTO booking.idempotency_keys (caller, key, request_hash)
    SELECT gen_random_uuid(), 'key-' || i, repeat('0', 64) FROM generate_series(1, 20000) i
""")
BECOME = text("SELECT booking.act_as(CAST(:claims AS jsonb))")
CLAIM = text("SELECT booking.claim_idempotency_key(:caller, 'mine', 'hash')")
KEEP = text("""SELECT booking.store_answer('{"key": "mine"}', '{"id": 1}')""")
READ = text("SELECT pg_stat_get_xact_blocks_fetched('booking.idempotency_keys_pkey'::regclass)")
ANSWER = text("SELECT answer FROM booking.idempotency_keys WHERE caller = :caller AND key = 'mine'")


def customer_claims(caller: UUID) -> str:
    return json.dumps({"role": "customer", "sub": str(caller)})


async def test_an_idempotency_key_is_read_by_its_index(database: Database, owner: AsyncEngine) -> None:
    async with transaction(database, SERVICE_CLAIMS) as session:
        await session.execute(MANY)
    async with owner.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("VACUUM ANALYZE booking.idempotency_keys"))
    caller = uuid4()
    async with transaction(database, SERVICE_CLAIMS) as session:
        await session.execute(BECOME, {"claims": customer_claims(caller)})
        await session.execute(CLAIM, {"caller": caller})
        before = (await session.execute(READ)).scalar_one()
        await session.execute(KEEP)
        blocks = (await session.execute(READ)).scalar_one() - before
        assert (await session.execute(ANSWER, {"caller": caller})).scalar_one() == {"id": 1}
    assert 0 < blocks < 10
