"""Free slots of generated salons: the SQL functions and a simple reference agree."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
from hypothesis import HealthCheck, Phase, event, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.clock import COPENHAGEN
from services.booking.errors import error_from
from services.booking.tests.conftest import CLOCK
from services.booking.tests.slots_reference import STEP, Offer, Reference, Treatment, World

# Both clock changes of a year, the leap day, the days around New Year, and any other day.
DAYS = [date(2027, 3, 28), date(2027, 10, 31), date(2028, 2, 29), date(2026, 12, 31), date(2027, 6, 9)]
CUSTOMER, BOOKING, ITEM = UUID(int=0xC0FFEE), UUID(int=0xB0), UUID(int=0xB1)
LOCTICIANS = 3


def chair(number: int) -> UUID:
    return UUID(int=0xA0 + number)


def treatment_id(number: int) -> UUID:
    return UUID(int=0x10 + number)


@dataclass(frozen=True)
class Case:
    day: date
    world: World
    wanted: list[int]
    loctician: int | None
    spans: dict[str, list[tuple[int, int, int]]]  # (loctician, from step, to step) of bookings, holds, lapsed holds
    windows: dict[tuple[int, int], list[tuple[int, int]]]  # by loctician and day
    own: tuple[int, int] | None
    moved: bool  # whether that booking is to be moved, so that its own time does not count
    starts: list[datetime]

    @property
    def own_start(self) -> datetime | None:
        """When the customer's booking begins; None if it has begun, so that the customer cannot move it."""
        start = self.world.instant(self.own[0]) if self.own else None
        return None if start is None or start <= self.world.now else start


@st.composite
def treatments(draw: st.DrawFn) -> Treatment:
    duration = draw(st.integers(3, 24))
    processing = None
    if duration > 4 and draw(st.booleans()):
        begins = draw(st.integers(1, duration - 2))
        processing = begins, draw(st.integers(1, duration - begins - 1))
    return Treatment(
        duration,
        draw(st.sampled_from([0, 0, 1, 3, 24])),
        draw(st.sampled_from([0, 0, 3, 6, 24])),
        processing,
        draw(st.sampled_from([1, 3, 6, 12])),
        draw(st.integers(0, 5)) * 10000,
        draw(st.sampled_from([False, False, True])),
    )


@st.composite
def spans(draw: st.DrawFn, first: int, last: int, most: int) -> list[tuple[int, int]]:
    """Spans of steps that do not touch, in order."""
    edges = sorted(set(draw(st.lists(st.integers(first, last), max_size=2 * most))))
    return list(zip(edges[::2], edges[1::2], strict=False))


def steps_of(pairs: list[tuple[int, int]]) -> set[int]:
    return {step for first, last in pairs for step in range(first, last)}


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), COPENHAGEN).astimezone(UTC)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    day = draw(st.sampled_from(DAYS))
    origin = midnight(day) - timedelta(days=1)
    edges = [(midnight(day + timedelta(days=offset)) - origin) // STEP for offset in range(-1, 3)]
    shared = draw(st.sampled_from([False, True, False]))  # nobody performs all of it
    in_turn = shared and draw(st.booleans())  # two locticians perform one treatment after the other in turn
    numbers = st.integers(3, 4) if in_turn else st.integers(2, 3) if shared else st.integers(1, 3)
    made = [draw(treatments()) for _ in range(draw(numbers))]
    own_terms = st.builds(Offer, st.none() | st.integers(3, 20), st.none() | st.integers(0, 5).map(lambda n: n * 10000))
    performers = [st.sets(st.integers(0, LOCTICIANS - 1), min_size=1) for _ in made]
    if in_turn:
        performers = [st.just({number % 2}) for number in range(len(made))]
    elif shared:
        performers[:2] = [st.sets(st.integers(0, 1), min_size=1), st.just({2})]
    offers = {(who, what): draw(own_terms) for what in range(len(made)) for who in sorted(draw(performers[what]))}
    windows: dict[tuple[int, int], list[tuple[int, int]]] = {}
    closed_for: dict[int, str | None] = {}
    taken: dict[str, list[tuple[int, int, int]]] = {"booked": [], "held": [], "lapsed": [], "own": []}
    own = draw(st.none() | st.tuples(st.integers(edges[1], edges[2]), st.integers(1, 24)))
    moved = own is not None and draw(st.booleans())
    for who in range(LOCTICIANS):
        closed_for[who] = draw(st.sampled_from([None, None, None, None, "holiday", "time_off", "override"]))
        for number in range(3):
            shut = number == 1 and closed_for[who] is not None
            whole = [(edges[number], edges[number + 1])]
            windows[who, number] = [] if shut else draw(st.just(whole) | st.just(whole) | spans(*whole[0], 3))
        for one in draw(spans(edges[1] - 24, edges[2] + 24, 4)):
            kinds = ["booked", "booked", "held", "lapsed", *(["own"] * 2 if own else [])]
            taken[draw(st.sampled_from(kinds))].append((who, *one))
    soon, long_ago = origin - timedelta(days=3), origin - timedelta(days=181)
    now = draw(st.sampled_from([soon, soon, soon, soon, midnight(day), long_ago]))
    now += timedelta(minutes=5 * draw(st.integers(0, 288)), microseconds=draw(st.integers(0, 1)))
    counted = ("booked", "held") if moved else ("booked", "held", "own")
    openings = {who: [one for number in range(3) for one in windows[who, number]] for who in range(LOCTICIANS)}
    world = World(
        origin, now, made, offers,
        {who: steps_of(openings[who]) for who in range(LOCTICIANS)},
        {
            who: steps_of([(a, b) for kind in counted for one, a, b in taken[kind] if one == who])
            for who in range(LOCTICIANS)
        },
        closed_for,
        set(range(own[0], sum(own))) if own and not moved else set(),
        draw(st.sampled_from([0, 60, 600])),
        draw(st.sampled_from([180, 180, 4])),
        openings,
        draw(st.booleans()),
    )  # fmt: skip
    order = st.just(range(len(made))) if in_turn else st.permutations(range(len(made)))
    wanted = list(draw(order))[: len(made) if shared else draw(st.integers(1, len(made)))]
    loctician = None if shared else draw(st.none() | st.integers(0, LOCTICIANS - 1))
    steps = st.integers(0, edges[2] - edges[1] - 1).flatmap(
        lambda step: st.sampled_from([step, step - step % 3, step - step % 12, step - step % 12])
    )
    starts = [midnight(day) + one * STEP for one in draw(st.lists(steps, min_size=4, max_size=8))]
    if draw(st.booleans()):
        starts.append(midnight(day) + timedelta(minutes=draw(st.integers(0, 1439)), seconds=1))
    return Case(day, world, list(wanted), loctician, taken, windows, own, moved, starts)


BUILD = """
    WITH world AS (SELECT CAST(:world AS jsonb) AS w), treatment AS (
        INSERT INTO booking.treatments (id, translations, category, duration_minutes, buffer_before_minutes,
            buffer_after_minutes, processing_start_minutes, processing_minutes, grid_minutes, price_amount, grid_from)
        SELECT t.id, '{}', 'care', t.duration, t.before, t.after, t.idle_from, t.idle, t.grid, t.price, t.grid_from
        FROM world, jsonb_to_recordset(w -> 'treatments') AS t (id uuid, duration int, before int, after int,
            idle_from int, idle int, grid int, price int, grid_from text) RETURNING id
    ), loctician AS (
        INSERT INTO booking.locticians (loctician_id, display_name)
        SELECT id::uuid, 'x' FROM world, jsonb_array_elements_text(w -> 'locticians') id RETURNING loctician_id
    ), offer AS (
        INSERT INTO booking.loctician_treatments (loctician_id, treatment_id, duration_minutes, price_amount)
        SELECT o.loctician, o.treatment, o.duration, o.price FROM world, jsonb_to_recordset(w -> 'offers') AS o (
            loctician uuid, treatment uuid, duration int, price int)
        WHERE EXISTS (SELECT FROM treatment) AND EXISTS (SELECT FROM loctician)
    ), hours AS (
        INSERT INTO booking.open_windows (loctician_id, day, version, windows, closed_for)
        SELECT d.loctician, d.day, 1, d.windows, d.closed_for FROM world, jsonb_to_recordset(w -> 'days') AS d (
            loctician uuid, day date, windows tstzmultirange, closed_for text)
    ), occupied AS (
        INSERT INTO booking.occupancy (item_id, loctician_id, blocked, lapses_at)
        SELECT coalesce(o.item, gen_random_uuid()), o.loctician, o.blocked, o.lapses_at
        FROM world, jsonb_to_recordset(w -> 'occupied') AS o (
            item uuid, loctician uuid, blocked tstzrange, lapses_at timestamptz)
    ), rules AS (
        INSERT INTO booking.salon (minimum_notice_minutes, horizon_days, cancellation_window_hours, confirm_by_hand,
            open_bookings_per_customer, offer_minutes, version, buffers_within_hours)
        SELECT (w ->> 'notice')::int, (w ->> 'horizon')::int, 0, false, 10, 30, 1, (w ->> 'buffers')::boolean
        FROM world
    ), own AS (
        INSERT INTO booking.bookings (id, customer_id, loctician_ids, status, starts_at, ends_at, price_amount)
        SELECT (w ->> 'booking')::uuid, (w ->> 'customer')::uuid, '{}', 'confirmed',
            lower((w ->> 'own')::tstzrange), upper((w ->> 'own')::tstzrange), 0 FROM world WHERE w ->> 'own' IS NOT NULL
        RETURNING *
    )
    INSERT INTO booking.booking_items (id, booking_id, customer_id, loctician_id, treatment_id, place, during, blocked,
        price_amount)
    SELECT (w ->> 'item')::uuid, own.id, own.customer_id, gen_random_uuid(), (SELECT id FROM treatment LIMIT 1), 1,
        tstzrange(own.starts_at, own.ends_at), tstzrange(own.starts_at, own.ends_at), 0 FROM own, world
"""


def as_json(case: Case) -> str:
    world = case.world

    def span(first: int, last: int) -> str:
        return f"[{world.instant(first).isoformat()},{world.instant(last).isoformat()})"

    lapse = {"booked": None, "own": None, "held": world.now + timedelta(minutes=1), "lapsed": world.now}
    return orjson.dumps(
        {
            "treatments": [
                {
                    "id": treatment_id(number), "duration": one.duration * 5, "before": one.buffer_before * 5,
                    "after": one.buffer_after * 5, "grid": one.grid * 5, "price": one.price,
                    "idle_from": one.processing and one.processing[0] * 5,
                    "idle": one.processing and one.processing[1] * 5,
                    "grid_from": "opening" if one.from_opening else "hour",
                }
                for number, one in enumerate(world.treatments)
            ],
            "locticians": [chair(one) for one in range(LOCTICIANS)],
            "offers": [
                {
                    "loctician": chair(who), "treatment": treatment_id(what), "price": one.price,
                    "duration": one.duration and one.duration * 5,
                }
                for (who, what), one in world.offers.items()
            ],
            "days": [
                {
                    "loctician": chair(who), "day": case.day + timedelta(days=number - 1),
                    "windows": "{" + ",".join(span(*hour) for hour in hours) + "}",
                    "closed_for": world.closed_for[who] if number == 1 else None,
                }
                for (who, number), hours in case.windows.items()
            ],
            "occupied": [
                {
                    "loctician": chair(who), "blocked": span(first, last), "lapses_at": lapse[kind],
                    "item": ITEM if kind == "own" else None,
                }
                for kind, listed in case.spans.items()
                for who, first, last in listed
            ],
            "own": span(case.own[0], sum(case.own)) if case.own else None,
            "customer": CUSTOMER, "notice": world.notice, "horizon": world.horizon,
            "buffers": world.buffers_within_hours, "booking": BOOKING, "item": ITEM,
        }
    ).decode()  # fmt: skip


# What each item of a booking takes of its loctician, from the range of the item and from the occupancy.
OCCUPIED = text("""
    SELECT i.loctician_id, lower(i.blocked) AS since, upper(i.blocked) AS until, CAST((
        SELECT json_agg(json_build_array(lower(o.blocked), upper(o.blocked)))
        FROM booking.occupancy o WHERE o.item_id = i.id) AS text) AS parts
    FROM booking.booking_items i WHERE i.booking_id = :booking_id ORDER BY i.place
""")


def shares_of(rows: list[Any], start: datetime) -> tuple[tuple[UUID, ...], list[set[int]]]:
    """The loctician of each item, and the steps from the start that the item occupies."""
    shares = []
    for row in rows:
        parts = [[datetime.fromisoformat(edge) for edge in part] for part in orjson.loads(row.parts)]
        assert (min(since for since, _ in parts), max(until for _, until in parts)) == (row.since, row.until)
        shares.append(steps_of([((since - start) // STEP, (until - start) // STEP) for since, until in parts]))
    return tuple(UUID(str(row.loctician_id)) for row in rows), shares


class Engine:
    """The SQL functions, in a transaction that is rolled back."""

    def __init__(self, connection: AsyncConnection, case: Case) -> None:
        self.connection = connection
        self.request: dict[str, Any] = {
            "service_ids": [treatment_id(one) for one in case.wanted],
            "loctician_id": None if case.loctician is None else chair(case.loctician),
            "customer_id": CUSTOMER,
        }
        self.moved = {"booking_id": BOOKING} if case.moved else {}

    async def call(self, name: str, start: datetime, **more: Any) -> dict[str, Any]:
        request = orjson.dumps(self.request | {"start": start} | more).decode()
        statement = text(f"SELECT CAST(booking.{name}(CAST(:claims AS jsonb), CAST(:request AS jsonb)) AS text)")
        claims = orjson.dumps({"role": "customer", "sub": CUSTOMER}).decode()
        found = await self.connection.execute(statement, {"claims": claims, "request": request})
        answer: dict[str, Any] = orjson.loads(found.scalar_one())
        return answer

    async def slots(self, first: datetime, last: datetime) -> set[tuple[datetime, datetime, UUID | None, int]]:
        statement = text(
            "SELECT * FROM booking.free_slots(CAST(CAST(:treatments AS text) AS uuid[]), CAST(:loctician AS uuid),"
            " :first, :last, 100000, true, CAST(CAST(:own AS text) AS uuid[]))"
        )
        rows = (await self.connection.execute(statement, self._params(first, last))).all()
        return {
            (row.starts_at, row.ends_at, None if row.parts else UUID(str(row.loctician_id)), row.price_amount)
            for row in rows
        }

    async def days(self, first: date, last: date) -> list[Any]:
        statement = text(
            "SELECT * FROM booking.slot_days(CAST(CAST(:treatments AS text) AS uuid[]), CAST(:loctician AS uuid),"
            " :first, :last, true, CAST(CAST(:own AS text) AS uuid[]))"
        )
        return [tuple(row) for row in (await self.connection.execute(statement, self._params(first, last))).all()]

    def _params(self, first: date, last: date) -> dict[str, Any]:
        return {
            "treatments": "{" + ",".join(str(service_id) for service_id in self.request["service_ids"]) + "}",
            "loctician": self.request["loctician_id"],
            "first": first,
            "last": last,
            "own": f"{{{ITEM}}}" if self.moved else "{}",
        }

    async def booked(self, start: datetime) -> tuple[str | None, list[Any]]:
        """Books, or moves the booking, and takes it back.

        Returns why that is not possible, or None; and what its items occupy.
        """
        undo = await self.connection.begin_nested()
        try:
            booking_id = BOOKING if self.moved else uuid4()
            if self.moved:
                await self.call("change", start, id=BOOKING)
            else:
                await self.call("book", start, booking_id=booking_id)
            return None, list((await self.connection.execute(OCCUPIED, {"booking_id": booking_id})).all())
        except DBAPIError as error:
            refusal = error_from(error.orig.__cause__) if error.orig else None
            if refusal is None:
                raise
            return refusal.code, []
        finally:
            await undo.rollback()


@asynccontextmanager
async def engine_of(owner: AsyncEngine, case: Case) -> AsyncIterator[Engine]:
    async with owner.connect() as connection:
        await connection.begin()
        await connection.execute(text("""SELECT set_config('request.jwt.claims', '{"role"\\: "service"}', true)"""))
        await connection.execute(text("SET LOCAL jit = off"))  # as the service has it
        moment = f"timestamptz '{case.world.now.isoformat()}'".replace(":", r"\:")
        await connection.execute(text(CLOCK + moment))
        await connection.execute(text(BUILD), {"world": as_json(case)})
        yield Engine(connection, case)
        await connection.rollback()


def day_of(day: date, slots: set[tuple[datetime, datetime, UUID | None, int]]) -> tuple[Any, ...]:
    """The row of a day with these slots."""
    starts = {one[0] for one in slots}
    if not starts:
        return day, None, None, 0, None
    return day, min(starts), max(starts), len(starts), min(one[3] for one in slots)


@settings(
    max_examples=80, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(case=cases())
async def test_the_sql_functions_and_the_reference_agree(app: Any, owner: AsyncEngine, case: Case) -> None:
    reference = Reference(case.world, case.wanted, case.loctician)
    first, last = midnight(case.day), midnight(case.day + timedelta(days=1))
    expected = {
        (start, end, None if who is None else chair(who), price)
        for start, end, who, price in reference.slots(first, last)
    }
    event(f"slots offered: {bool(expected)}, shared: {any(one.shared for one in reference.sittings)}")
    async with engine_of(owner, case) as engine:
        found = await engine.slots(first, last)
        note(f"too many: {sorted(found - expected)[:3]}, missing: {sorted(expected - found)[:3]}")
        assert found == expected
        offered = sorted({one[0] for one in found})
        assert await engine.days(case.day, case.day) == [day_of(case.day, found)]
        for start in [*case.starts, *offered[:1], *offered[-1:]]:
            reason = reference.reason(start)
            event(f"reason: {reason}")
            assert (await engine.call("check_availability", start, **engine.moved))["reason"] == reason, start
            if case.moved and case.own_start in (start, None):
                continue
            refusal, occupied = await engine.booked(start)
            assert refusal == reason, start
            if refusal is None:
                assert shares_of(occupied, start) in [
                    (tuple(map(chair, sitting.chairs)), sitting.shares()) for sitting in reference.sittings
                ]
