"""SQL of the waitlist. What decides about offers is here and in offers.py; sql/ has the rest."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import function_call

JOIN = function_call("join_waitlist")
JOINED = function_call("joined_entry")
LEAVE = function_call("leave_waitlist")
WISHES = "SELECT CAST(w AS text) FROM booking.list_waitlist(CAST($1 AS jsonb), CAST($2 AS jsonb)) AS w"
ACT_AS_SERVICE = text("SELECT booking.act_as_service()")


@dataclass(frozen=True)
class FreedTime:
    """Times that a loctician has free again, and to whom they are still to be offered.

    `times` is a tstzmultirange as text. `noted_at`: when it came free; None for now. It is not offered to a wish whose
    offer ended later. `after_at` and `after_id`: the turn of the last wish that has been examined. `treatment_id`: only
    wishes that include this treatment are offered it.
    """

    loctician_id: UUID
    times: str
    noted_at: datetime | None = None
    after_at: datetime | None = None
    after_id: UUID | None = None
    treatment_id: UUID | None = None

    def after(self, turn: tuple[datetime, UUID]) -> Self:
        return replace(self, after_at=turn[0], after_id=turn[1])


@dataclass(frozen=True)
class NotedTime:
    """A row of freed times. `near`: what is to be offered first. `rest`: the times behind it, NULL for none."""

    id: int
    near: FreedTime
    rest: str | None


@dataclass(frozen=True)
class Match:
    """A sitting that suits a wish. `performer_ids`: the loctician of each treatment. `price_amount` is in øre."""

    wish_id: UUID
    customer_id: UUID
    starts_at: datetime
    ends_at: datetime
    price_amount: int
    performer_ids: list[UUID]


MAY_BE_OFFERED = """
        w.status = 'waiting'
        AND NOT EXISTS (SELECT FROM booking.customers c WHERE c.id = w.customer_id AND NOT c.active)"""
SUITS = """
            (s.parts IS NULL OR (wish).loctician_id IS NULL) AND booking.suits(wish, s.starts_at, s.ends_at)"""
SLOT = """
            s.starts_at, s.ends_at, s.price_amount"""
# The first wish, by turn, that suits a slot in the freed time, with its first slot: rather one that begins within the
# time than one that begins before it. The slots are searched once for each list of treatments, not for each wish. The
# limit counts wishes that suit a slot; what can still keep them from it is another booking of the customer.
FIND_MATCH = text(f"""
    WITH freed AS MATERIALIZED (
        SELECT CAST(CAST(:times AS text) AS tstzmultirange) AS times
    ), waiting AS MATERIALIZED (
        SELECT w AS wish FROM booking.waitlist w, freed f
        WHERE {MAY_BE_OFFERED}
            AND (w.queued_at = w.created_at
                OR w.queued_at < coalesce(CAST(:noted_at AS timestamptz), booking.clock()))
            AND (CAST(:wish_id AS uuid) IS NULL OR w.id = CAST(:wish_id AS uuid))
            AND (CAST(:after_id AS uuid) IS NULL
                OR (w.queued_at, w.id) > (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
            AND (w.loctician_id IS NULL OR w.loctician_id = :loctician_id)
            AND (CAST(:treatment_id AS uuid) IS NULL OR CAST(:treatment_id AS uuid) = ANY (w.treatment_ids))
            AND w.first_day <= booking.local_day(upper(f.times)) + 1
            AND w.last_day >= booking.local_day(lower(f.times)) - 1
    ), kind AS MATERIALIZED (
        SELECT k.treatment_ids, array_agg(s) AS slots
        FROM freed f, (SELECT DISTINCT (wish).treatment_ids FROM waiting) k,
            LATERAL booking.slots_using(k.treatment_ids, :loctician_id, f.times) s
        GROUP BY k.treatment_ids
    ), candidate AS MATERIALIZED (
        SELECT wish FROM waiting JOIN kind k ON k.treatment_ids = (wish).treatment_ids
        WHERE EXISTS (SELECT FROM unnest(k.slots) s WHERE {SUITS})
        ORDER BY (wish).queued_at, (wish).id LIMIT :limit
    ), last AS MATERIALIZED (
        SELECT (wish).queued_at, (wish).id FROM candidate ORDER BY 1 DESC, 2 DESC LIMIT 1
    )
    SELECT (SELECT count(*) FROM candidate) AS examined, (SELECT queued_at FROM last) AS last_at,
        (SELECT id FROM last) AS last_id, match.*
    FROM (SELECT) row LEFT JOIN (
        SELECT (wish).id AS wish_id, (wish).customer_id, slot.*
        FROM candidate JOIN kind k ON k.treatment_ids = (wish).treatment_ids, LATERAL (
            SELECT {SLOT}, booking.slot_performers(s, k.treatment_ids) AS performer_ids
            FROM unnest(k.slots) s, freed f, booking.promised_times((wish).customer_id) busy
            WHERE {SUITS} AND NOT busy && tstzrange(s.starts_at, s.ends_at)
            ORDER BY NOT f.times @> s.starts_at, s.starts_at LIMIT 1
        ) slot
        ORDER BY (wish).queued_at, (wish).id LIMIT 1
    ) match ON true
""")
FIRST_FREE_SLOT = text(f"""
    SELECT w.id AS wish_id, w.customer_id, {SLOT}, booking.slot_performers(s, w.treatment_ids) AS performer_ids
    FROM booking.waitlist w, LATERAL booking.first_slot_for(w.id, :contested) s
    WHERE w.id = :wish_id AND {MAY_BE_OFFERED}
""")
# The times still to be offered to those who wait, as far as the sitting takes them.
PENDING = text("""
    SELECT f.loctician_id, CAST(tstzmultirange(tstzrange(:starts_at, :ends_at)) AS text) AS times,
        f.noted_at, f.after_at, f.after_id, f.treatment_id
    FROM booking.freed_times f
    WHERE f.loctician_id = ANY (CAST(:performer_ids AS uuid[])) AND f.times && tstzrange(:starts_at, :ends_at)
    ORDER BY f.id
""")
# A wish that joined some seconds ago and was not looked after in the request, or whose account was opened again.
UNEXAMINED = text(f"""
    SELECT w.id, w.customer_id FROM booking.waitlist w
    WHERE w.unexamined AND {MAY_BE_OFFERED} AND w.created_at < booking.clock() - interval '10 seconds'
    ORDER BY w.queued_at, w.id LIMIT 1
""")
MARK_EXAMINED = text("UPDATE booking.waitlist SET unexamined = false WHERE id = :wish_id AND unexamined")
LOCK_CUSTOMER = text("SELECT booking.lock_customers(ARRAY[CAST(:customer_id AS uuid)])")
LOCK_PEOPLE = text("SELECT booking.lock_people(CAST(:people AS uuid[]))")
TRY_LOCK = text("""
    SELECT booking.try_lock_customers(ARRAY[CAST(:customer_id AS uuid)])
        AND booking.try_lock_people(CAST(:people AS uuid[]))
""")
NOTE_FREED_TIME = text("""
    SELECT booking.note_freed_time(:loctician_id, CAST(CAST(:times AS text) AS tstzmultirange),
        CAST(:treatment_id AS uuid), CAST(:noted_at AS timestamptz), CAST(:after_at AS timestamptz),
        CAST(:after_id AS uuid))
""")
# The time that was noted first: what is ahead of it, up to 31 days, and what is behind these days.
FIRST_NOTED_TIME = text("""
    SELECT f.id, f.loctician_id, CAST(near AS text) AS near, f.noted_at, f.after_at, f.after_id, f.treatment_id,
        CAST(nullif(ahead - near, CAST('{}' AS tstzmultirange)) AS text) AS rest
    FROM booking.freed_times f, LATERAL (
        SELECT f.times * tstzmultirange(tstzrange(booking.clock(), NULL)) AS ahead) a, LATERAL (
        SELECT ahead * tstzmultirange(tstzrange(NULL, lower(ahead) + interval '31 days')) AS near) n
    ORDER BY f.id LIMIT 1 FOR UPDATE OF f SKIP LOCKED
""")
SET_NOTED_TIME = text("""
    UPDATE booking.freed_times SET times = CAST(CAST(:times AS text) AS tstzmultirange),
        after_at = CAST(:after_at AS timestamptz), after_id = CAST(:after_id AS uuid)
    WHERE id = :id
""")
DELETE_NOTED_TIME = text("DELETE FROM booking.freed_times WHERE id = :id")
OFFER_MINUTES = text("SELECT (booking.rules()).offer_minutes")
OFFER_SITTING = text("""
    SELECT booking.offer_sitting(CAST(:wish_id AS uuid), CAST(:performer_ids AS uuid[]), :starts_at, :ends_at,
        CAST(:price_amount AS integer), CAST(:minutes AS integer))
""")


async def extend_horizon(session: AsyncSession) -> None:
    """Records the days that have come within the salon's horizon since the last call as freed times."""
    await session.execute(text("SELECT booking.extend_horizon()"))


async def first_noted_time(session: AsyncSession) -> NotedTime | None:
    """The freed time that was noted first, which no other transaction takes meanwhile."""
    row = (await session.execute(FIRST_NOTED_TIME)).one_or_none()
    if row is None:
        return None
    turn = row.noted_at, row.after_at, row.after_id
    return NotedTime(row.id, FreedTime(row.loctician_id, row.near, *turn, row.treatment_id), row.rest)


async def keep_behind(session: AsyncSession, noted: NotedTime, behind: FreedTime) -> None:
    """The next run examines the wishes behind these."""
    times = f"{behind.times[:-1]},{noted.rest[1:]}" if noted.rest else behind.times
    params = {"id": noted.id, "times": times, "after_at": behind.after_at, "after_id": behind.after_id}
    await session.execute(SET_NOTED_TIME, params)


async def keep_rest(session: AsyncSession, noted: NotedTime) -> None:
    """The next run offers the times behind these days; if there are none, nothing is left to offer."""
    if noted.rest is None:
        await session.execute(DELETE_NOTED_TIME, {"id": noted.id})
    else:
        params = {"id": noted.id, "times": noted.rest, "after_at": None, "after_id": None}
        await session.execute(SET_NOTED_TIME, params)


async def put_last(session: AsyncSession, noted: NotedTime) -> None:
    """Other noted times go first."""
    await keep_rest(session, noted)
    await note_freed_time(session, noted.near)


async def find_match(
    session: AsyncSession, freed: FreedTime, limit: int, wish_id: UUID | None = None
) -> tuple[Match | None, FreedTime | None]:
    """The first wish, by turn, with a sitting in the freed time; None if there is none among the first `limit`.

    If there may be more wishes behind these, also the time as it is still to be offered. `wish_id`: only this wish.
    """
    params = vars(freed) | {"limit": limit, "wish_id": wish_id}
    row = (await session.execute(FIND_MATCH, params)).one()
    if row.wish_id is not None:
        return _match(row), None
    return None, freed.after((row.last_at, row.last_id)) if row.examined == limit else None


async def first_free_slot(session: AsyncSession, wish_id: UUID, *, contested: bool) -> Match | None:
    """The first sitting that is free and suits the wish. `contested`: also in times still to be offered to others."""
    row = (await session.execute(FIRST_FREE_SLOT, {"wish_id": wish_id, "contested": contested})).one_or_none()
    return None if row is None else _match(row)


def _match(row: Any) -> Match:
    return Match(row.wish_id, row.customer_id, row.starts_at, row.ends_at, row.price_amount, row.performer_ids)


async def pending_times(session: AsyncSession, match: Match) -> list[FreedTime]:
    """What the sitting would take of times that are still to be offered to those who wait."""
    rows = await session.execute(PENDING, vars(match))
    return [FreedTime(*row) for row in rows]


async def find_unexamined(session: AsyncSession) -> Any:
    """Id and customer of a wish for which nobody has looked whether a time is free, or None."""
    return (await session.execute(UNEXAMINED)).one_or_none()


async def mark_examined(session: AsyncSession, wish_id: UUID) -> None:
    await session.execute(MARK_EXAMINED, {"wish_id": wish_id})


async def act_as_service(session: AsyncSession) -> None:
    await session.execute(ACT_AS_SERVICE)


async def lock_customer(session: AsyncSession, customer_id: UUID) -> None:
    await session.execute(LOCK_CUSTOMER, {"customer_id": customer_id})


async def lock_people(session: AsyncSession, match: Match) -> None:
    await session.execute(LOCK_PEOPLE, {"people": [match.customer_id, *match.performer_ids]})


async def try_lock(session: AsyncSession, match: Match) -> bool:
    """Whether the customer and the locticians could be locked at once. Does not wait."""
    params = {"customer_id": match.customer_id, "people": [match.customer_id, *match.performer_ids]}
    return bool((await session.execute(TRY_LOCK, params)).scalar_one())


async def note_freed_time(session: AsyncSession, freed: FreedTime) -> None:
    """Records what of the time lies ahead as freed, for the job that offers freed times."""
    await session.execute(NOTE_FREED_TIME, vars(freed))


async def offer_minutes(session: AsyncSession) -> int:
    """For how long the salon keeps an offer."""
    return int((await session.execute(OFFER_MINUTES)).scalar_one())


async def offer_sitting(session: AsyncSession, match: Match, minutes: int) -> bool:
    """Holds the sitting. False when the wish waits no more."""
    return bool((await session.execute(OFFER_SITTING, vars(match) | {"minutes": minutes})).scalar_one())
