from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.gdpr import queries
from services.gdpr.schemas import AuditRow
from shared.app import RuntimeDep
from shared.auth import Principal, Role, allow
from shared.db import SessionDep
from shared.errors import NotFound
from shared.schemas import Instant, Page, copenhagen, decode_cursor, encode_cursor

Admin = Annotated[Principal, allow(Role.ADMIN)]
Word = Annotated[str | None, Query(max_length=100)]


async def _switched_on(runtime: RuntimeDep) -> None:
    if not runtime.settings.enable_gdpr_features:
        raise NotFound


router = APIRouter(dependencies=[Depends(_switched_on)], tags=["gdpr"])


@router.get("/api/v1/audit")
async def list_audit(
    _: Admin,
    session: SessionDep,
    actor: Word = None,
    entity: Word = None,
    action: Word = None,
    since: Annotated[Instant | None, Query(alias="from")] = None,
    until: Annotated[Instant | None, Query(alias="to")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[AuditRow]:
    """Who did what, when, and in which request; newest first."""
    filters = {"actor": actor, "entity": entity, "action": action, "from": since, "to": until}
    after = decode_cursor(cursor, int)[0] if cursor else None
    rows = await queries.page(session, filters, after, limit + 1)
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=[_shown(row) for row in rows[:limit]], next_cursor=more)


def _shown(row: object) -> AuditRow:
    shown = AuditRow.model_validate(row)
    times = {"occurred_at": copenhagen(shown.occurred_at), "recorded_at": copenhagen(shown.recorded_at)}
    return shown.model_copy(update=times)
