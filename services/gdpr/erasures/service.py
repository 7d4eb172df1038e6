"""Erasures of a person: requested from the services by event, step by step, until each has confirmed (ADR 30)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.gdpr.audit import queries as audit_queries
from services.gdpr.data_subject_requests import queries as request_queries
from services.gdpr.data_subject_requests.service import Request, latest_request
from services.gdpr.errors import ErasureRunning, LastAdmin, LoginTooOld, UpcomingDuty
from services.gdpr.events import ErasureCompleted, ErasureRequested, ErasureScheduled, ErasureWithdrawn
from services.gdpr.people import queries as people_queries
from services.gdpr.processing_records import inventory
from shared.errors import NotFound
from shared.identity.principals import Principal
from shared.messaging.events import emit, new_id
from shared.observability.log import logger

RECENT_BOOKINGS = timedelta(days=365)
RECENT_LOGIN = timedelta(minutes=5)
CLOCKS_DIFFER = timedelta(minutes=1)
TIME_TO_WITHDRAW = timedelta(days=7)
POSTPONED = timedelta(days=1)
MOST_BEGUN = 50
SYSTEM_ID = UUID(int=0)  # requested_by of an erasure that a retention policy started
FIRST_SERVICES = ("auth", "booking")  # first the login ends, then appointments are cancelled; then all others


log = logger(__name__)


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


async def schedule_own(session: AsyncSession, principal: Principal) -> Request:
    """The person's erasure that is scheduled or running, or a new one, which begins after seven days.

    Raises LoginTooOld, NotFound, LastAdmin or UpcomingDuty.
    """
    ago = timedelta(seconds=datetime.now(UTC).timestamp() - principal.logged_in_at)
    if not -CLOCKS_DIFFER <= ago <= RECENT_LOGIN:
        raise LoginTooOld
    await people_queries.lock(session)
    if await request_queries.lock_running_erasure(session, principal.id) is None:
        await _check_erasable(session, principal.id)
        ids = {"subject_id": principal.id, "requested_by": principal.id}
        values = {"id": new_id(), "kind": "erasure", **ids, "runs_at": datetime.now(UTC) + TIME_TO_WITHDRAW}
        if request := await request_queries.add_scheduled(session, values):
            emit(
                session,
                ErasureScheduled(version=1, request_id=request.id, subject_id=principal.id, runs_at=request.runs_at),
            )
    return await latest_request(session, "erasure", principal.id)


async def read_own(session: AsyncSession, principal: Principal) -> Request:
    """The person's erasure that is scheduled or running. Raises NotFound."""
    request = await latest_request(session, "erasure", principal.id)
    if request["status"] not in {"scheduled", "running"}:
        raise NotFound
    return request


async def withdraw_own(session: AsyncSession, principal: Principal) -> None:
    """Raises NotFound if none is scheduled, ErasureRunning if it has begun."""
    await people_queries.lock(session)
    request = await request_queries.latest(session, "erasure", principal.id)
    if request is None or request.status != "running":
        raise NotFound
    if request.runs_at is None:
        raise ErasureRunning
    await request_queries.cancel(session, request.id)
    emit(
        session,
        ErasureWithdrawn(version=request.version + 1, request_id=request.id, subject_id=principal.id),
    )


async def begin_due(session: AsyncSession) -> None:
    """Begins the erasures whose time to withdraw is over. One that is not possible now is tried again a day later."""
    await people_queries.lock(session)
    for request in await request_queries.lock_due_erasures(session, MOST_BEGUN):
        try:
            await _check_erasable(session, request.subject_id)
        except (NotFound, LastAdmin, UpcomingDuty) as error:
            log.info("erasure_postponed", request=str(request.id), reason=error.code)
            await request_queries.postpone(session, request.id, POSTPONED)
        else:
            await _begin(session, request)


async def _begin(session: AsyncSession, request: Any) -> None:
    version = await request_queries.begin(session, request.id, inventory.services())
    emit(
        session,
        ErasureRequested(version=version, request_id=request.id, subject_id=request.subject_id, services=steps()[0]),
    )


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
    """Starts an erasure at once, and the one that the person has scheduled instead of another."""
    scheduled = await request_queries.lock_running_erasure(session, subject_id)
    if scheduled is not None:
        if scheduled.runs_at is not None:
            await _begin(session, scheduled)
        return
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
    count, end = await people_queries.upcoming_duties(session, subject_id)
    if end is not None:
        raise UpcomingDuty(appointments=count, end=end.isoformat())


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
