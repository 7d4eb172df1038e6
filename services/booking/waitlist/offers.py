"""Offers of time that comes free: who on the waitlist is offered what, in which order and for how long.

The time goes to the customer who has waited longest and whom it suits; what is left of it goes to the next. An offer is
a hold for the salon's `offer_minutes`. All of this happens in the transaction that frees the time.

Locks, in this order: the locticians whose time comes free, which that transaction has locked already; for a sitting
that several locticians share, the others too, without waiting for them; the row of the wish, which is passed over while
another transaction has it locked.
"""

from itertools import takewhile
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import Row, call_in_transaction, fetch_in_transaction
from services.booking.waitlist import queries
from services.booking.waitlist.queries import FreedTime, Match
from shared.database.session import Database
from shared.identity.principals import Principal, claims_of

MOST_WISHES = 100  # examined for one freed time
MOST_FREED_TIMES = 20  # offered in one run of the job


async def call_and_offer(database: Database, principal: Principal, statement: str, request: Row) -> Row:
    """Changes something by an SQL function, and offers the time that it frees, in one transaction.

    Raises the error that the function names, see errors.error_from().
    """

    async def change(session: AsyncSession) -> Row:
        row = await fetch_in_transaction(session, statement, claims_of(principal).as_json(), request)
        await offer_freed(session, row)
        return row

    return await call_in_transaction(database, principal, change)


async def offer_freed(session: AsyncSession, row: Row) -> None:
    """Offers the time that an SQL function freed, and takes that part out of the row which the function returned.

    The transaction acts as the service from then on.
    """
    passed_over = row.pop("passed_over", None)
    for freed in row.pop("freed"):
        time = FreedTime(UUID(freed["loctician_id"]), freed["times"])
        await offer(session, time, UUID(passed_over) if passed_over else None)


async def offer_freed_times(session: AsyncSession) -> None:
    """Offers the times that came free without a booking being cancelled or moved, or a hold ending."""
    for freed in await queries.take_freed_times(session, MOST_FREED_TIMES):
        await offer(session, freed)


async def offer(session: AsyncSession, freed: FreedTime, passed_over: UUID | None = None) -> None:
    """Offers freed time, by turn. `passed_over`: the wish whose offer has just ended."""
    wishes = list(await queries.find_wishes(session, freed, passed_over, MOST_WISHES))
    while wishes:
        if wishes[0].must_share:
            examined, match = 1, await _claim_shared_sitting(session, wishes[0].id, freed)
        else:
            examined, match = await _find_next(session, wishes, freed)
        wishes = wishes[examined:]
        if match is not None:
            await queries.offer_sitting(session, match, await queries.offer_minutes(session))


async def _find_next(session: AsyncSession, wishes: list[Any], freed: FreedTime) -> tuple[int, Match | None]:
    """The next wish that the loctician can perform alone in the freed time, and how many wishes were examined for it.

    Examines all wishes up to the next shared sitting in one query, because other transactions wait for the loctician.
    """
    ids = [wish.id for wish in takewhile(lambda wish: not wish.must_share, wishes)]
    match = await queries.find_match(session, ids, freed)
    return (len(ids) if match is None else ids.index(match.wish_id) + 1), match


async def _claim_shared_sitting(session: AsyncSession, wish_id: UUID, freed: FreedTime) -> Match | None:
    """The sitting of several locticians that suits the wish and may be promised, or None.

    It may be promised once the other locticians are locked, too. When another transaction has one of them locked, the
    time is recorded as freed once more, so that the job tries again later.
    """
    match = await queries.find_shared_match(session, wish_id, freed)
    if match is None:
        return None
    locked = await queries.try_lock_people(session, match.performer_ids)
    if locked and match == await queries.find_shared_match(session, wish_id, freed):
        return match
    await queries.note_freed_time(session, freed)
    return None
