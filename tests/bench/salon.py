"""A salon made by SQL, and the two SQL functions that services are measured against: all that is known here of
booking's tables stands in this file."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from tests.bench.identity import person

TREATMENT = UUID(int=1)
MINUTES = 30
DAYS = 160  # booked within the horizon, from two days ahead
STARTS = DAYS * 24 * 60 // MINUTES
CUSTOMERS = 4_000  # each of whom may have 100 coming bookings
SERVICE = '{"role": "service"}'

PEOPLE = """
    INSERT INTO booking.salon (minimum_notice_minutes, horizon_days, cancellation_window_hours, confirm_by_hand,
        open_bookings_per_customer, offer_minutes, version)
    VALUES (60, 180, 24, false, 100, 30, 1);
    INSERT INTO booking.treatments (id, translations, category, duration_minutes, grid_minutes, price_amount)
    SELECT '{treatment}', jsonb_build_object('da', texts, 'en', texts), 'maintenance', {minutes}, {minutes}, 64900
    FROM jsonb_build_object('name', 'Retwist', 'description', '') texts;
    INSERT INTO booking.locticians (loctician_id, display_name)
    SELECT md5('loctician' || i)::uuid, 'Loctician ' || i FROM generate_series(0, {count} - 1) i;
    INSERT INTO booking.customers (id, name)
    SELECT md5('customer' || i)::uuid, 'Customer ' || i FROM generate_series(0, {customers} - 1) i;
    INSERT INTO booking.loctician_treatments (loctician_id, treatment_id)
    SELECT md5('loctician' || i)::uuid, '{treatment}' FROM generate_series(0, {count} - 1) i;
    INSERT INTO booking.open_windows (loctician_id, day, version, windows)
    SELECT md5('loctician' || i)::uuid, day::date, 1, tstzmultirange(tstzrange(
        day + interval '{opens} hours', day + interval '{closes} hours'))
    FROM generate_series(0, {count} - 1) i, generate_series(
        date_trunc('day', now(), 'UTC'), now() + interval '{days} days', interval '1 day') day;
"""

FILLED = ("salon", "treatments", "locticians", "customers", "loctician_treatments", "open_windows")

# The same days ahead for every size: what grows is the past.
HISTORY = """
    CREATE TEMPORARY TABLE made AS
    SELECT md5('booking' || i || '.' || k)::uuid AS id, md5('item' || i || '.' || k)::uuid AS item_id,
        md5('guest' || i || '.' || k)::uuid AS customer_id, md5('loctician' || i)::uuid AS loctician_id,
        date_trunc('day', now(), 'UTC') + CASE
            WHEN k < {coming} THEN (1 + k % 30) * interval '1 day' + (9 + 3 * (k / 30)) * interval '1 hour'
            ELSE -(1 + (k - {coming}) / 8) * interval '1 day' + (9 + (k - {coming}) % 8) * interval '1 hour'
        END AS start
    FROM generate_series(0, {each} - 1) k, generate_series(0, {count} - 1) i;
    INSERT INTO booking.bookings (id, customer_id, loctician_ids, status, starts_at, ends_at, price_amount)
    SELECT id, customer_id, ARRAY[loctician_id], 'confirmed', start, start + interval '30 minutes', 64900 FROM made;
    INSERT INTO booking.booking_items
        (id, booking_id, customer_id, loctician_id, treatment_id, place, during, blocked, price_amount)
    SELECT item_id, id, customer_id, loctician_id, '{treatment}', 1, tstzrange(start, start + interval '30 minutes'),
        tstzrange(start, start + interval '30 minutes'), 64900 FROM made;
    INSERT INTO booking.occupancy (item_id, loctician_id, blocked)
    SELECT item_id, loctician_id, tstzrange(start, start + interval '30 minutes') FROM made;
    DROP TABLE made;
"""

FREE_SLOTS = """SELECT starts_at, ends_at, loctician_id, price_amount
                FROM booking.free_slots($1::uuid[], $2::uuid, $3::timestamptz, $4::timestamptz, $5::integer)"""
SLOT_DAYS = "SELECT * FROM booking.slot_days($1::uuid[], NULL, $2::date, $3::date, true)"

# One row a transaction: the next start that nobody has, of the next loctician, for the next customer.
BOOK = """SELECT booking.book(
    ('{{"role": "customer", "sub": "' || md5('customer' || n % {customers})::uuid || '"}}')::jsonb,
    ('{{"service_ids": ["{treatment}"], "loctician_id": "' || md5('loctician' || n % {count})::uuid
        || '", "customer_id": "' || md5('customer' || n % {customers})::uuid
        || '", "start": "' || timestamptz '{first}' + n / {count} * interval '{minutes} minutes'
        || '", "notes": null, "request_hash": "{hash}", "key": "' || gen_random_uuid()
        || '", "booking_id": "' || gen_random_uuid() || '", "event_id": "' || gen_random_uuid()
        || '", "item_ids": ["' || gen_random_uuid() || '"]}}')::jsonb)
FROM nextval('bench.numbers') AS n;
"""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    """As the services connect, with the claims of one; statements of hours are allowed here."""
    connection = await asyncpg.connect(url, timeout=10, command_timeout=1800, server_settings={"jit": "off"})
    try:
        await connection.execute("SELECT set_config('request.jwt.claims', $1, false)", SERVICE)
        yield connection
    finally:
        await connection.close()


async def people(url: str, count: int, *, days: int = 179, opens: int = 0, closes: int = 24) -> None:
    values = {
        "treatment": TREATMENT,
        "minutes": MINUTES,
        "count": count,
        "customers": CUSTOMERS,
        "days": days,
        "opens": opens,
        "closes": closes,
    }
    async with connected(url) as owner:
        await owner.execute(PEOPLE.format(**values))
        # Not the empty ones: a table of which it is known that it is empty is read whole by plans that are then kept.
        for table in FILLED:
            await owner.execute(f"ANALYZE booking.{table}")


async def history(url: str, locticians: int, bookings: int, coming: int = 50) -> None:
    """Bookings in bulk: constraints are checked once at the end instead of at each row."""
    each = bookings // locticians
    async with connected(url) as owner:
        tables = ["bookings", "booking_items", "occupancy"]
        async with _unconstrained(owner, [f"booking.{table}" for table in tables]):
            await owner.execute(
                HISTORY.format(treatment=TREATMENT, each=each, coming=min(each, coming), count=locticians)
            )
        for table in tables:
            await owner.execute(f"VACUUM ANALYZE booking.{table}")


@asynccontextmanager
async def _unconstrained(owner: Any, tables: Sequence[str]) -> AsyncIterator[None]:
    constraints = await owner.fetch(
        """SELECT conrelid::regclass::text AS table, conname AS name, pg_get_constraintdef(oid) AS definition
           FROM pg_constraint WHERE conrelid = ANY ($1::regclass[]) AND contype IN ('f', 'x')""",
        tables,
    )
    for constraint in constraints:
        await owner.execute(f'ALTER TABLE {constraint["table"]} DROP CONSTRAINT "{constraint["name"]}"')
    yield
    for constraint in constraints:
        await owner.execute(
            f'ALTER TABLE {constraint["table"]} ADD CONSTRAINT "{constraint["name"]}" {constraint["definition"]}'
        )


def first_start() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)


async def book_script(url: str, folder: Path, count: int) -> Path:
    """For pgbench: takes the starts of the later half of the days; the earlier are left to `order`."""
    async with connected(url) as owner:
        await owner.execute("CREATE SCHEMA bench; CREATE SEQUENCE bench.numbers MINVALUE 0 START 0;")
        await owner.execute("GRANT USAGE ON SCHEMA bench TO PUBLIC; GRANT USAGE ON SEQUENCE bench.numbers TO PUBLIC;")
    first = first_start() + timedelta(days=DAYS // 2)
    path = folder / "book.sql"
    hashed = "0" * 64
    path.write_text(
        BOOK.format(
            treatment=TREATMENT,
            count=count,
            customers=CUSTOMERS,
            first=first.isoformat(),
            minutes=MINUTES,
            hash=hashed,
        ).replace("\n", " ")
        + "\n"
    )
    return path


def order(number: int, count: int) -> dict[str, object]:
    """The body of the nth booking, of customer n % CUSTOMERS: no two take the same time of anybody."""
    place = number // count
    if place >= STARTS // 2:
        raise RuntimeError("every start has been booked")
    start = first_start() + timedelta(minutes=MINUTES * place)
    loctician = str(person("loctician", number % count))
    return {"service_ids": [str(TREATMENT)], "loctician_id": loctician, "start": start.isoformat()}


def new_key() -> str:
    return uuid4().hex


# Names and descriptions put together from the trade's words, alike in number but each different.
CATALOG = """
    INSERT INTO booking.treatments (id, translations, category, duration_minutes, price_amount)
    SELECT md5('treatment' || i)::uuid, jsonb_build_object(
            'da', jsonb_build_object('name', da[1 + i % 10] || ' ' || i, 'description', concat_ws(' ',
                da[1 + i / 10 % 10], 'og', da[1 + i / 100 % 10], 'med olie til tør hovedbund', i / 7)),
            'en', jsonb_build_object('name', en[1 + i % 10] || ' ' || i, 'description', concat_ws(' ',
                en[1 + i / 10 % 10], 'and', en[1 + i / 100 % 10], 'with oil for a dry scalp', i / 7))),
        'maintenance', 60, 10000 + i
    FROM generate_series(1, {count}) i, (VALUES (
        '{{Farvning,Retwist,Starter locs,Interlocking,Vask,Opsætning,Reparation,Forlængelse,Kur,Fletning}}'::text[],
        '{{Colouring,Retwist,Starter locs,Interlocking,Wash,Styling,Crochet,Extension,Treatment,Braiding}}'::text[]
    )) words (da, en);
"""


async def catalog(url: str, count: int) -> None:
    async with connected(url) as owner:
        await owner.execute(CATALOG.format(count=count))
        await owner.execute("VACUUM ANALYZE booking.treatments")
