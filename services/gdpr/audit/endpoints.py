"""The audit log over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BeforeValidator

from domain.people import own_id
from domain.times import From, To
from services.gdpr.audit import hash_chain, noted_ends, schemas, service
from services.gdpr.dependencies import ROUTER, Admin
from services.gdpr.settings import GdprSettings
from shared.http.app import RuntimeDep
from shared.http.dependencies import SessionDep
from shared.http.pagination import Cursor, Limit, Page
from shared.observability.log import logger

MAX_ROWS_VERIFIED = 200_000
Person = Annotated[str, BeforeValidator(own_id)]


async def _noted_ends(principal: Admin, runtime: RuntimeDep) -> list[noted_ends.End] | None:
    """Before the transaction begins: reading them may take seconds. None if they cannot be read."""
    assert isinstance(runtime.settings, GdprSettings)  # noqa: S101 - the class that SERVICE names
    assert runtime.database.keys is not None  # noqa: S101 - a service has them
    try:
        return await noted_ends.read(runtime.settings, runtime.database.keys)
    except noted_ends.UnreadableError as error:
        log.warning("audit_end_unreadable", reason=str(error))
        return None


Noted = Annotated[list[noted_ends.End] | None, Depends(_noted_ends)]
log = logger(__name__)
router = APIRouter(**ROUTER)


def _exact(example: str) -> Any:
    return Query(min_length=1, max_length=100, examples=[example])


@router.get("/audit", response_model=Page[schemas.AuditRow], summary="Search the audit log")
async def list_audit(
    principal: Admin,
    session: SessionDep,
    actor: Annotated[Person | None, _exact(schemas.PERSON_ID)] = None,
    entity: Annotated[str | None, _exact(schemas.BOOKING_ID)] = None,
    person: Annotated[Person | None, _exact(schemas.PERSON_ID)] = None,
    action: Annotated[str | None, _exact("booking.created.v1")] = None,
    start: From = None,
    end: To = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Newest first. `person` matches rows about a person and the person's own actions. `from` and `to` compare the
    time of the event; `from` is included, `to` is not. A search for one person is itself audited."""
    conditions = {"actor_id": actor, "entity": entity, "person": person, "action": action}
    return await service.search(session, principal, conditions, (start, end), cursor, limit)


@router.get("/audit/verify", response_model=schemas.Verification, summary="Verify the audit log's hash chain")
async def verify_audit(
    principal: Admin, noted: Noted, session: SessionDep, from_id: Annotated[int, Query(ge=1, le=2**62)] = 1
) -> dict[str, Any]:
    """Finds the first row that was changed or removed. Checks at most 200,000 rows a call, and compares with the ends
    of the log that were noted outside the database."""
    verification = await hash_chain.verify(session, from_id, MAX_ROWS_VERIFIED)
    return await service.compared(session, verification, noted)
