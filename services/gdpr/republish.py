"""What gdpr publishes again: the consents in force, for `loctician republish` and `loctician restore republish`."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.consents import queries
from services.gdpr.events import ConsentChanged
from shared.messaging.events import Event


async def read_consents(
    session: AsyncSession, after: str | None, limit: int, since: datetime | None
) -> Sequence[tuple[str, list[Event]]]:
    """The next answers in force that were given since then, by person and purpose."""
    rows = await queries.in_force(session, after, limit, since)
    return [
        (
            f"{row.user_id} {row.purpose}",
            [
                ConsentChanged(
                    version=row.version,
                    user_id=row.user_id,
                    purpose=row.purpose,
                    granted=row.granted,
                    text_version=row.text_version,
                )
            ],
        )
        for row in rows
    ]


SOURCES = {"consents": read_consents}
