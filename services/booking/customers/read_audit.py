"""Records what employees are shown of other people, before they see it. Reading one's own data is not recorded."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from domain.roles import Role
from shared.database.session import Database, transaction
from shared.identity.principals import Principal, claims_of
from shared.privacy.events import audit_read


async def record(database: Database, principal: Principal, resource: str, user_ids: Iterable[UUID]) -> None:
    others = {user_id for user_id in user_ids if user_id != principal.id}
    if others:
        async with transaction(database, claims_of(principal)) as session:
            audit_read(session, principal, resource, others)


async def record_rows(database: Database, principal: Principal, resource: str, rows: Iterable[dict[str, Any]]) -> None:
    """The customers of the rows; walk-ins have no account. Row Level Security shows customers only their own rows."""
    if principal.role != Role.CUSTOMER:
        await record(database, principal, resource, [UUID(row["customer_id"]) for row in rows if row["customer_id"]])
