"""Events about people, answers of the services, and what the outbox asked for."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from keys.services import ServiceKeys
from services.gdpr.processing_records import inventory
from shared.privacy.data_subject_requests import SEALED_PART, place_of
from shared.testing.services import Deliver

Json = dict[str, Any]
SERVICES = inventory.services()


def user(user_id: UUID, role: str = "customer", version: int = 1) -> Json:
    return {"user_id": str(user_id), "version": version, "role": role, "active": True}


async def registered(deliver: Deliver, role: str = "customer") -> UUID:
    user_id = uuid4()
    await deliver("user.registered.v1", user(user_id, role))
    return user_id


def booking(loctician_id: UUID, status: str = "confirmed", version: int = 1, days: int = 3) -> Json:
    start = datetime.now(UTC) + timedelta(days=days)
    return {
        "booking_id": str(uuid4()),
        "version": version,
        "status": status,
        "customer_id": str(uuid4()),
        "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(),
        "items": [{"loctician_id": str(loctician_id)}],
    }


def part(keys: ServiceKeys, request: Mapping[str, Any], service: str, held: Mapping[str, Any]) -> Json:
    sealed = keys.shared_with(service).seal(SEALED_PART, orjson.dumps(held), place_of(request["id"], service))
    answered = {"request_id": request["id"], "subject_id": request["subject_id"], "version": 1, "service": service}
    return answered | {"rows": dict.fromkeys(held, 1), "sealed": base64.b64encode(sealed).decode()}


async def answer_all(deliver: Deliver, keys: ServiceKeys, request: Mapping[str, Any], held: Mapping[str, Any]) -> None:
    for service in SERVICES:
        await deliver("gdpr.export_part.v1", part(keys, request, service, held.get(service, {})))


def proof(request: Mapping[str, Any], service: str) -> Json:
    common = {"request_id": request["id"], "subject_id": request["subject_id"], "version": 1, "service": service}
    return common | {"rows": {"table": 1}, "dead_letters": 0}


EACH_TABLE = """
    DO $$ DECLARE one record; BEGIN
        FOR one IN SELECT tablename FROM pg_tables
                   WHERE schemaname = 'gdpr' AND tablename NOT IN ('alembic_version', 'sql_files') LOOP
            EXECUTE format('ALTER TABLE gdpr.%I {0} ROW LEVEL SECURITY', one.tablename);
            EXECUTE format('ALTER TABLE gdpr.%I {1} TRIGGER USER', one.tablename);
        END LOOP;
    END $$
"""


@asynccontextmanager
async def unguarded(owner: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A session of the tables' owner, without policies and triggers until the end."""
    async with owner.begin() as connection:
        await connection.execute(text(EACH_TABLE.format("NO FORCE", "DISABLE")))
        yield connection
        await connection.execute(text(EACH_TABLE.format("FORCE", "ENABLE")))
