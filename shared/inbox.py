"""Which events were handled already, so that one delivered twice has its effect once."""

from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import Column, DateTime, MetaData, Table, TextClause, Uuid, func, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.housekeeping import housekeeping_tables
from shared.privacy import NONE


def inbox_table(metadata: MetaData) -> Table:
    """The inbox; and beside it the tables of every service's own housekeeping."""
    housekeeping_tables(metadata)
    return Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True, info=NONE),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now(), info=NONE),
    )


async def first_time(session: AsyncSession, schema: str, event_id: UUID, subject: str, time: datetime) -> bool:
    """False also for what was said of somebody before they were forgotten here."""
    values = {"event_id": event_id, "subject": subject, "time": time}
    return bool((await session.execute(_remember(schema), values)).all())


@cache
def _remember(schema: str) -> TextClause:
    return text(f"""
        INSERT INTO {schema}.inbox (event_id) SELECT :event_id WHERE NOT EXISTS (
            SELECT FROM {schema}.erased_subjects WHERE subject_id = :subject AND erased_at > :time
        ) ON CONFLICT DO NOTHING RETURNING event_id
    """)
