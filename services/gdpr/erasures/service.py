"""Erasures of a person: requested from the services by event, step by step, until each has confirmed (ADR 30)."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.gdpr.audit import queries as audit_queries
from services.gdpr.data_subject_requests import queries as request_queries
from services.gdpr.data_subject_requests.service import Request, latest_request
from services.gdpr.errors import LastAdmin, UpcomingDuty
from services.gdpr.events import ErasureCompleted, ErasureRequested
from services.gdpr.people import queries as people_queries
from services.gdpr.processing_records import inventory
from shared.errors import NotFound
from shared.identity.principals import Principal
from shared.messaging.events import emit, new_id

RECENT_BOOKINGS = timedelta(days=365)
SYSTEM_ID = UUID(int=0)  # requested_by of an erasure that a retention policy started
FIRST_SERVICES = ("auth", "booking")  # first the login ends, then appointments are cancelled; then all others


def steps() -> list[list[str]]:
    """The services to erase a person in each step. A step starts when all of the step before have confirmed."""
    services = inventory.services()
    first = [[name] for name in FIRST_SERVICES if name in services]
    return [*first, [name for name in services if name not in FIRST_SERVICES]]


async def request_erasure(session: AsyncSession, principal: Principal, subject_id: UUID) -> Request:
    """The running erasure, or a new one. Raises NotFound, LastAdmin or UpcomingDuty."""
    await people_queries.lock(session)
    await _check_erasable(session, subject_id)
    await _start(session, principal.id, subject_id)
    return await latest_request(session, "erasure", subject_id)


async def erase_never_verified(session: AsyncSession, subject_id: UUID) -> None:
    """Erases a person who never verified the e-mail address.

    Does nothing if the person is more than a customer, or has booked within the last year (ADR 34).
    """
    await people_queries.lock(session)
    person = await people_queries.find_person(session, subject_id)
    if person is None or person.role != Role.CUSTOMER:
        return
    count, _ = await people_queries.upcoming_duties(session, subject_id)
    if count or await audit_queries.has_booked_within(session, subject_id, RECENT_BOOKINGS):
        return
    await _start(session, SYSTEM_ID, subject_id)


async def _start(session: AsyncSession, requested_by: UUID, subject_id: UUID) -> None:
    request_id = new_id()
    values = {"id": request_id, "kind": "erasure", "subject_id": subject_id, "requested_by": requested_by}
    if await request_queries.add(session, values, inventory.services()):
        emit(
            session,
            ErasureRequested(version=1, request_id=request_id, subject_id=subject_id, services=steps()[0]),
        )


async def _check_erasable(session: AsyncSession, subject_id: UUID) -> None:
    person = await people_queries.find_person(session, subject_id)
    if person is None:
        raise NotFound
    is_active_admin = person.role == Role.ADMIN and person.active
    if is_active_admin and not await people_queries.count_other_admins(session, subject_id):
        raise LastAdmin
    count, until = await people_queries.upcoming_duties(session, subject_id)
    if until is not None:
        raise UpcomingDuty(count=count, extensions={"appointments": count, "until": until.isoformat()})


async def store_answer(
    session: AsyncSession, request_id: UUID, service: str, rows: Mapping[str, int], dead_letters: int
) -> None:
    """Stores a service's confirmation. Starts the next step after the last of a step, and finishes after the last."""
    request = await request_queries.find(session, request_id, lock=True)
    if request is None or request.kind != "erasure" or request.status != "running":
        return
    await request_queries.store_answer(session, request_id, service, rows=dict(rows), dead_letters=dead_letters)
    waiting = await request_queries.waiting_for(session, request_id)
    ids = {"request_id": request_id, "subject_id": request.subject_id}
    if not waiting:
        done = await request_queries.finish(session, request_id)
        emit(session, ErasureCompleted(version=done.version, **ids))
    elif waiting.isdisjoint(steps()[request.step]):
        version = await request_queries.set_step(session, request_id, request.step + 1)
        emit(session, ErasureRequested(version=version, **ids, services=steps()[request.step + 1]))
