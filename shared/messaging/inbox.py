"""Which events were handled already, so that one delivered twice has its effect once."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import Column, DateTime, MetaData, Table, TextClause, Uuid, func, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.classification import NONE
from shared.database.housekeeping import housekeeping_tables


def inbox_table(metadata: MetaData) -> Table:
    """The inbox; and beside it the tables of every service's own housekeeping."""
    housekeeping_tables(metadata)
    return Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True, info=NONE),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now(), info=NONE),
    )


Said = tuple[UUID, str, datetime]  # an event's id, of whom, and when


async def first_times(session: AsyncSession, schema: str, said: Sequence[Said]) -> set[UUID]:
    """Which of them are new here. Not what was said of somebody before they were forgotten here."""
    ids, subjects, times = zip(*said, strict=True)
    values = {"ids": list(ids), "subjects": list(subjects), "times": list(times)}
    return set((await session.execute(_remember(schema), values)).scalars())


@cache
def _remember(schema: str) -> TextClause:
    return text(f"""
        INSERT INTO {schema}.inbox (event_id)
        SELECT said.event_id FROM unnest(
            CAST(:ids AS uuid[]), CAST(:subjects AS text[]), CAST(:times AS timestamptz[])
        ) AS said (event_id, subject, time)
        WHERE NOT EXISTS (
            SELECT FROM {schema}.erased_subjects AS erased
            WHERE erased.subject_id = said.subject AND erased.erased_at > said.time
        ) ON CONFLICT DO NOTHING RETURNING event_id
    """)
