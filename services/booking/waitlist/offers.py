"""Offers of free time: who on the waitlist is offered what, in which order and for how long.

Time that comes free goes to the customer who has waited longest and whom it suits; the rest of it goes to the next. An
offer is a hold for the salon's `offer_minutes`. The transaction that ends a booking or a hold offers its time itself,
so that nobody else can book it before. It holds locks, so it waits for no others: what it cannot offer at once, it
records as freed. A job offers the recorded times, in many small transactions: each takes the freed time of one
loctician, looks for a match without any locks, locks the people of the match, looks again, and makes one offer.

Customers who join are offered what is free already. No time is missed between the two: time that comes free is always
recorded for the job in the end, which looks after the transaction that freed it, and so sees everybody who has joined.

Locks: lock_customers (the customer of the wish), lock_people (the customer and the locticians of the sitting), the row
of the wish.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import Row, call_in_transaction, fetch_in_transaction
from services.booking.waitlist import queries
from services.booking.waitlist.queries import FreedTime, Match
from shared.database.session import Database
from shared.identity.principals import Principal, claims_of

MOST_WISHES = 100  # that a freed time suits, examined for one offer
MOST_OFFERS = 5  # in the transaction that frees the time


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
    for freed in row.pop("freed"):
        await _offer(session, FreedTime(UUID(freed["loctician_id"]), freed["times"]))


async def _offer(session: AsyncSession, freed: FreedTime) -> None:
    """Offers freed time of a loctician whom the transaction has locked, by turn, and records what is left of it."""
    for _ in range(MOST_OFFERS):
        match, behind = await queries.find_match(session, freed, MOST_WISHES)
        if match is None:
            freed = behind or freed
            break
        if not await queries.try_lock(session, match) or not await _claim(session, match, freed):
            break
    await queries.note_freed_time(session, freed)


async def _claim(session: AsyncSession, match: Match, freed: FreedTime) -> bool:
    """Offers the wish its sitting, if there still is one with the people of the match, who are locked by now."""
    again, _ = await queries.find_match(session, freed, 1, match.wish_id)
    return await _offer_sitting(session, again, match)


async def _offer_sitting(session: AsyncSession, again: Match | None, locked: Match) -> bool:
    if again is None or not set(again.performer_ids) <= set(locked.performer_ids):
        return False
    return await queries.offer_sitting(session, again, await queries.offer_minutes(session))


async def offer_freed_times(session: AsyncSession) -> bool:
    """Makes one offer, or finds that there is none to make. Returns whether there may be more to do at once."""
    noted = await queries.first_noted_time(session)
    if noted is None:
        wish = await queries.find_unexamined(session)
        return wish is not None and await _examine(session, wish.id, wish.customer_id)
    match, behind = await queries.find_match(session, noted.near, MOST_WISHES)
    if match is not None:
        if await _lock_and_claim(session, match, noted.near):
            return True
        await queries.put_last(session, noted)
        return False
    if behind is not None:
        await queries.keep_behind(session, noted, behind)
    else:
        await queries.keep_rest(session, noted)
    return True


async def _lock_and_claim(session: AsyncSession, match: Match, freed: FreedTime) -> bool:
    await queries.lock_customer(session, match.customer_id)
    await queries.lock_people(session, match)
    return await _claim(session, match, freed)


async def offer_free_time(
    database: Database, principal: Principal, wish_id: UUID, customer_id: UUID, key: str | None
) -> Row:
    """Offers a wish that has just joined a time that is free already. Returns the wish, as the answer to its key."""

    async def change(session: AsyncSession) -> Row:
        await queries.act_as_service(session)
        await _examine(session, wish_id, customer_id)
        request = {"id": wish_id, "key": key}
        return await fetch_in_transaction(session, queries.JOINED, claims_of(principal).as_json(), request)

    return await call_in_transaction(database, principal, change)


async def _examine(session: AsyncSession, wish_id: UUID, customer_id: UUID) -> bool:
    """Offers the wish the first free time that suits it. False if that changed meanwhile, or if all of it is still to
    be offered to others first, so that the job looks again.

    Time that is still to be offered to those who have waited longer goes to them first.
    """
    await queries.lock_customer(session, customer_id)
    first = await queries.first_free_slot(session, wish_id, contested=True)
    if first is None:
        await queries.mark_examined(session, wish_id)
        return True
    match = await _uncontested(session, first)
    if match is None:
        return False
    await queries.lock_people(session, match)
    return await _offer_sitting(session, await _first_free_slot(session, wish_id), match)


async def _first_free_slot(session: AsyncSession, wish_id: UUID) -> Match | None:
    first = await queries.first_free_slot(session, wish_id, contested=True)
    return None if first is None else await _uncontested(session, first)


async def _uncontested(session: AsyncSession, first: Match) -> Match | None:
    """The first sitting that suits the wish and that nobody who has waited longer is still to be offered."""
    if not await _suits_others(session, first):
        return first
    return await queries.first_free_slot(session, first.wish_id, contested=False)


async def _suits_others(session: AsyncSession, first: Match) -> bool:
    """Whether the sitting takes time that is still to be offered, and that suits somebody who has waited longer."""
    for freed in await queries.pending_times(session, first):
        match, behind = await queries.find_match(session, freed, MOST_WISHES)
        if behind is not None or (match is not None and match.wish_id != first.wish_id):
            return True
    return False
