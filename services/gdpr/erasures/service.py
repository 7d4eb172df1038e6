from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from services.gdpr.audit import queries as audit
from services.gdpr.data_subject_requests import queries
from services.gdpr.data_subject_requests.service import Answer, with_parts
from services.gdpr.errors import LastAdmin, UpcomingDuty
from services.gdpr.events import ErasureCompleted, ErasureRequested
from services.gdpr.people import queries as people
from services.gdpr.processing_records import inventory
from shared.errors import NotFound
from shared.identity.principals import Principal
from shared.messaging.events import emit, new_id

BOOKED_LATELY = timedelta(days=365)


NOBODY = UUID(int=0)  # asked for an erasure that a retention policy began


FIRST = ("auth", "booking")  # the login ends first, then appointments are cancelled; all others after that


def steps() -> list[list[str]]:
    """Who is to forget a person, in turn: the next are asked once those before have proven it."""
    services = inventory.services()
    return [*([name] for name in FIRST if name in services), [name for name in services if name not in FIRST]]


async def anonymize(session: AsyncSession, asker: Principal, subject_id: UUID) -> Answer:
    """The running erasure, or a new one. Raises NotFound, LastAdmin, UpcomingDuty."""
    await people.one_at_a_time(session)
    await _refuse_where_due(session, subject_id)
    await _ask_for_erasure(session, asker.id, subject_id)
    found = await queries.latest(session, "erasure", subject_id)
    return (await with_parts(session, [found]))[0]


async def forget_never_verified(session: AsyncSession, subject_id: UUID) -> None:
    """Erases somebody who never verified the address, like anybody else; not if the salon knows them by now: as more
    than a customer, or because somebody has booked for them."""
    await people.one_at_a_time(session)
    person = await people.person(session, subject_id)
    if person is None or person.role != Role.CUSTOMER or (await people.upcoming(session, subject_id))[0]:
        return
    if not await audit.booked_within(session, subject_id, BOOKED_LATELY):
        await _ask_for_erasure(session, NOBODY, subject_id)


async def _ask_for_erasure(session: AsyncSession, asker_id: UUID, subject_id: UUID) -> None:
    request_id = new_id()
    values = {"id": request_id, "kind": "erasure", "subject_id": subject_id, "requested_by": asker_id}
    if await queries.open_one(session, values, inventory.services()):
        told = {"request_id": request_id, "subject_id": subject_id}
        emit(session, ErasureRequested(version=1, **told, services=steps()[0]))


async def _refuse_where_due(session: AsyncSession, subject_id: UUID) -> None:
    person = await people.person(session, subject_id)
    if person is None:
        raise NotFound
    if person.role == Role.ADMIN and person.active and not await people.other_admins(session, subject_id):
        raise LastAdmin
    count, until = await people.upcoming(session, subject_id)
    if until is not None:
        raise UpcomingDuty(count=count, extensions={"appointments": count, "until": until.isoformat()})


async def keep_proof(
    session: AsyncSession, request_id: UUID, service: str, rows: Mapping[str, int], dead_letters: int
) -> None:
    """Once all of a step have answered, ask the next."""
    request = await queries.one(session, request_id, lock=True)
    if request is None or request.kind != "erasure" or request.status != "running":
        return
    await queries.answer(session, request_id, service, rows=dict(rows), dead_letters=dead_letters)
    waiting, told = await queries.waiting_for(session, request_id), {"request_id": request_id}
    told["subject_id"] = request.subject_id
    if not waiting:
        done = await queries.finish(session, request_id)
        emit(session, ErasureCompleted(version=done.version, **told))
    elif waiting.isdisjoint(steps()[request.step]):
        version = await queries.step(session, request_id, request.step + 1)
        emit(session, ErasureRequested(version=version, **told, services=steps()[request.step + 1]))
