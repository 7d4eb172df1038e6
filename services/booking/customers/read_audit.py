"""What people are shown of others is audited before they see it. One's own costs nothing."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from domain.roles import Role
from shared.database.session import Database, transaction
from shared.identity.principals import Principal, claims_of
from shared.privacy.events import audit_read


async def note(database: Database, who: Principal, what: str, people: Iterable[UUID]) -> None:
    others = {person for person in people if person != who.id}
    if others:
        async with transaction(database, claims_of(who)) as session:
            audit_read(session, who, what, others)


async def note_rows(database: Database, who: Principal, what: str, rows: Iterable[dict[str, Any]]) -> None:
    """Of customers; those who walked in have no account. Row Level Security shows customers their own alone."""
    if who.role != Role.CUSTOMER:
        await note(database, who, what, [UUID(row["customer_id"]) for row in rows if row["customer_id"]])
