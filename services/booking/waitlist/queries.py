"""SQL of the waitlist. What decides about offers is here and in offers.py; sql/waitlist.sql has the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import function_call

JOIN = function_call("join_waitlist")
LEAVE = function_call("leave_waitlist")
WISHES = "SELECT CAST(w AS text) FROM booking.list_waitlist(CAST($1 AS jsonb), CAST($2 AS jsonb)) AS w"


@dataclass(frozen=True)
class FreedTime:
    """Times that a loctician has free again; `times` is a tstzmultirange as text."""

    loctician_id: UUID
    times: str


@dataclass(frozen=True)
class Match:
    """A sitting that suits a wish. `performer_ids`: the loctician of each treatment. `price_amount` is in øre."""

    wish_id: UUID
    starts_at: datetime
    ends_at: datetime
    price_amount: int
    performer_ids: list[UUID]


# Wishes that the freed time could suit, by turn. Customers whose account is closed are passed over.
FIND_WISHES = text("""
    WITH freed AS (SELECT CAST(CAST(:times AS text) AS tstzmultirange) AS times)
    SELECT w.id, booking.must_share(w.treatment_ids, w.loctician_id) AS must_share
    FROM booking.waitlist w, freed f
    WHERE w.status = 'waiting' AND w.id IS DISTINCT FROM CAST(:passed_over AS uuid)
        AND upper(f.times) > booking.clock()
        AND (w.loctician_id IS NULL OR w.loctician_id = :loctician_id)
        AND w.first_day <= booking.local_day(upper(f.times)) AND w.last_day >= booking.local_day(lower(f.times))
        AND NOT EXISTS (SELECT FROM booking.customers c WHERE c.id = w.customer_id AND NOT c.active)
    ORDER BY w.queued_at, w.id LIMIT :limit
""")
# Wishes with the customer's own bookings and the range of their days. OFFSET 0 keeps the subquery as it is, so that the
# wishes are examined by turn and the search for slots ends at the first one that suits.
WISH = """(
        SELECT w.*, place, booking.customer_times(w.customer_id) AS busy,
            CAST(w.first_day AS timestamp) AT TIME ZONE 'Europe/Copenhagen' AS first_instant,
            CAST(w.last_day + 1 AS timestamp) AT TIME ZONE 'Europe/Copenhagen' AS end_instant,
            CAST(CAST(:times AS text) AS tstzmultirange) AS freed
        FROM unnest(CAST(:wish_ids AS uuid[])) WITH ORDINALITY AS turn (id, place) JOIN booking.waitlist w USING (id)
        ORDER BY place OFFSET 0
    ) w"""
SLOT = """w.id AS wish_id, s.starts_at, s.ends_at, s.price_amount,
            booking.slot_performers(s, w.treatment_ids) AS performer_ids"""
SUITS = """
            NOT w.busy && tstzrange(s.starts_at, s.ends_at)
            AND booking.local_day(s.starts_at) BETWEEN w.first_day AND w.last_day
            AND (w.earliest IS NULL OR CAST(s.starts_at AT TIME ZONE 'Europe/Copenhagen' AS time) >= w.earliest)
            AND (w.latest IS NULL OR (s.ends_at AT TIME ZONE 'Europe/Copenhagen')
                <= booking.local_day(s.starts_at) + w.latest)"""
# The first slot that uses some of the freed time; rather one that begins within it than one that begins before it.
FIND_MATCH = text(f"""
    SELECT slot.* FROM {WISH}, LATERAL (
        SELECT {SLOT}
        FROM booking.free_slots(w.treatment_ids, :loctician_id, greatest(lower(w.freed) - interval '1 day',
            w.first_instant), least(upper(w.freed), w.end_instant), 100000) s
        WHERE w.freed && tstzrange(s.starts_at, s.ends_at) AND {SUITS}
        ORDER BY NOT w.freed @> s.starts_at, s.starts_at LIMIT 1
    ) slot ORDER BY w.place LIMIT 1
""")
# The first sitting, of several locticians, in which this loctician's part uses some of the freed time.
FIND_SHARED_MATCH = text(f"""
    SELECT slot.* FROM (
        SELECT w.*, part FROM {WISH}, unnest(w.freed * tstzmultirange(tstzrange(w.first_instant, w.end_instant))) part
        WHERE EXISTS (SELECT FROM booking.treatments_by_loctician(w.treatment_ids, :loctician_id))
        ORDER BY part OFFSET 0
    ) w, LATERAL (
        SELECT {SLOT}
        FROM booking.free_slots(
            w.treatment_ids, NULL, lower(w.part) - interval '1 day', upper(w.part), 100000) s
        WHERE {SUITS} AND EXISTS (
            SELECT FROM jsonb_to_recordset(s.parts) AS p (loctician_id uuid, "from" integer, "to" integer)
            WHERE p.loctician_id = :loctician_id AND w.part && tstzrange(
                s.starts_at + booking.minutes(p."from"), s.starts_at + booking.minutes(p."to")))
        ORDER BY s.starts_at LIMIT 1
    ) slot ORDER BY w.part LIMIT 1
""")
TRY_LOCK_PEOPLE = text("SELECT booking.try_lock_people(CAST(:people AS uuid[]))")
NOTE_FREED_TIME = text("SELECT booking.note_freed_time(:loctician_id, CAST(CAST(:times AS text) AS tstzmultirange))")
TAKE_FREED_TIMES = text("SELECT f.loctician_id, CAST(f.times AS text) AS times FROM booking.take_freed_times(:limit) f")
OFFER_MINUTES = text("SELECT (booking.rules()).offer_minutes")
OFFER_SITTING = text("""
    SELECT booking.offer_sitting(CAST(:wish_id AS uuid), CAST(:performer_ids AS uuid[]), :starts_at, :ends_at,
        CAST(:price_amount AS integer), CAST(:minutes AS integer))
""")


async def extend_horizon(session: AsyncSession) -> None:
    """Records the days that have come within the salon's horizon since the last call as freed times."""
    await session.execute(text("SELECT booking.extend_horizon()"))


async def take_freed_times(session: AsyncSession, limit: int) -> Sequence[FreedTime]:
    """Up to `limit` freed times, joined for each loctician. Their locticians are locked until the transaction ends."""
    rows = (await session.execute(TAKE_FREED_TIMES, {"limit": limit})).all()
    return [FreedTime(row.loctician_id, row.times) for row in rows]


async def find_wishes(session: AsyncSession, freed: FreedTime, passed_over: UUID | None, limit: int) -> Sequence[Any]:
    """The id of each wish that the time could suit, by turn, and whether several locticians must share its sitting."""
    params = {"passed_over": passed_over, "limit": limit}
    return (await session.execute(FIND_WISHES, _params(freed) | params)).all()


async def find_match(session: AsyncSession, wish_ids: list[UUID], freed: FreedTime) -> Match | None:
    """The first of the wishes, in this order, that a sitting of the loctician in the freed time suits."""
    row = (await session.execute(FIND_MATCH, _params(freed) | {"wish_ids": wish_ids})).one_or_none()
    return None if row is None else Match(**row._mapping)


async def find_shared_match(session: AsyncSession, wish_id: UUID, freed: FreedTime) -> Match | None:
    """The same for a wish whose sitting several locticians must share."""
    row = (await session.execute(FIND_SHARED_MATCH, _params(freed) | {"wish_ids": [wish_id]})).one_or_none()
    return None if row is None else Match(**row._mapping)


async def try_lock_people(session: AsyncSession, people: list[UUID]) -> bool:
    """Whether all of them could be locked at once. Does not wait."""
    return bool((await session.execute(TRY_LOCK_PEOPLE, {"people": people})).scalar_one())


async def note_freed_time(session: AsyncSession, freed: FreedTime) -> None:
    """Records the time as freed, for the job that offers freed times."""
    await session.execute(NOTE_FREED_TIME, _params(freed))


async def offer_minutes(session: AsyncSession) -> int:
    """For how long the salon keeps an offer."""
    return int((await session.execute(OFFER_MINUTES)).scalar_one())


async def offer_sitting(session: AsyncSession, match: Match, minutes: int) -> bool:
    """Holds the sitting. False when the wish waits no more or is being offered a time at this moment."""
    return bool((await session.execute(OFFER_SITTING, vars(match) | {"minutes": minutes})).scalar_one())


def _params(freed: FreedTime) -> dict[str, Any]:
    return {"loctician_id": freed.loctician_id, "times": freed.times}
