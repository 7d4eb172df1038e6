"""Which events were handled already, so that one delivered twice has its effect once."""

from functools import cache
from uuid import UUID

from sqlalchemy import Column, DateTime, MetaData, Table, Uuid, func
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.privacy import NONE


def inbox_table(metadata: MetaData) -> Table:
    return Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True, info=NONE),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now(), info=NONE),
    )


async def first_time(session: AsyncSession, schema: str, event_id: UUID) -> bool:
    result = await session.execute(_remember(schema), {"event_id": event_id})
    return bool(result.all())


@cache
def _remember(schema: str) -> Insert:
    table = inbox_table(MetaData(schema=schema))
    return insert(table).on_conflict_do_nothing().returning(table.c.event_id)  # type: ignore[return-value]
