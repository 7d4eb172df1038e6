"""The inbox: the ids of handled events, so that an event that is delivered twice is handled once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

Delivery = tuple[UUID, str, datetime]  # an event's id, subject and time

INSERT_NEW = text("""
    INSERT INTO inbox (event_id)
    SELECT delivery.event_id FROM unnest(
        CAST(:ids AS uuid[]), CAST(:subjects AS text[]), CAST(:times AS timestamptz[])
    ) AS delivery (event_id, subject, time)
    WHERE NOT EXISTS (
        SELECT FROM erased_subjects AS erased
        WHERE erased.subject_id = delivery.subject AND erased.erased_at > delivery.time
    ) ON CONFLICT DO NOTHING RETURNING event_id
""")


async def record_new(session: AsyncSession, deliveries: Sequence[Delivery]) -> set[UUID]:
    """Records the events and returns the ids of the new ones. Events about a person from before their erasure do not
    count as new."""
    ids, subjects, times = zip(*deliveries, strict=True)
    values = {"ids": list(ids), "subjects": list(subjects), "times": list(times)}
    return set((await session.execute(INSERT_NEW, values)).scalars())
