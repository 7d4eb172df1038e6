"""Rows of each projection are broken by hand; `loctician drift` finds them, and `loctician republish --to` repairs them
without a mail."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from cli import drift
from cli.projections import PROJECTIONS
from cli.tests.command import call, start
from tests.backup.salon import owner
from tests.e2e.damage import DAMAGE
from tests.e2e.salon import Json, bearer, free_slots, register
from tests.e2e.stack import Stack, eventually

KINDS = ("missing", "different", "extra")
SERVICES = ("booking", "calendar", "notifications", "gdpr")
STATELESS = {"booking.profiles"}  # its rows have no state that could differ
# `loctician drift` leaves cancelled bookings out, so it does not tell whether services know of the cancellation.
CANCELLED = """
    SELECT (SELECT count(*) FROM calendar.appointments WHERE booking_id = $1 AND status = 'cancelled')
        + (SELECT count(*) FROM notifications.appointments WHERE booking_id = $1 AND NOT active)
        + (SELECT count(*) FROM gdpr.duties WHERE booking_id = $1 AND NOT open)"""
Ids = Mapping[str, str]


async def drifted(stack: Stack) -> dict[str, Json]:
    done = await call(stack.environment, "drift", "--json")
    reports = {f"{report['service']}.{report['projection']}": report for report in json.loads(done.stdout)}
    wrong = {name: report for name, report in reports.items() if any(report["ids"].values())}
    assert done.returncode == (1 if wrong else 0)
    return wrong


async def agreeing(stack: Stack) -> None:
    await eventually(lambda: drifted(stack), lambda wrong: not wrong, "no drift", 60.0)


def mails(stack: Stack) -> set[str]:
    return {path.name for path in stack.mail.glob("*.eml")}


@asynccontextmanager
async def database(stack: Stack) -> AsyncIterator[Any]:
    connection = await owner(stack.environment["DATABASE_URL"])
    try:
        yield connection
    finally:
        await connection.close()


async def book(http: httpx.AsyncClient, token: str, treatment: str) -> Json:
    slots = await eventually(lambda: free_slots(http, treatment), bool, "free slots")
    order = {"service_ids": [treatment], "loctician_id": slots[-1]["loctician_id"], "start": slots[-1]["start"]}
    answer = await http.post("/api/v1/bookings", json=order, headers=bearer(token))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def customer_with_booking(http: httpx.AsyncClient, treatment: str) -> tuple[str, Json]:
    """The token of a customer who has consented to everything, and a booking."""
    _, token = await register(http, "drift")
    consents = [{"purpose": purpose, "granted": True, "text_version": 1} for purpose in ("marketing", "portfolio")]
    answer = await http.put("/api/v1/gdpr/consents/me", json={"items": consents}, headers=bearer(token))
    assert answer.status_code == 200, answer.text
    return token, await book(http, token, treatment)


@pytest.fixture(scope="module")
async def ids(stack: Stack) -> Ids:
    """Of two of each kind, and of what no event tells any more."""
    async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
        [treatment, other, *_] = [item["id"] for item in (await http.get("/api/v1/services")).json()["items"]]
        token, booking = await customer_with_booking(http, treatment)
        _, other_booking = await customer_with_booking(http, treatment)
        cancelled = await book(http, token, treatment)
        answer = await http.post(f"/api/v1/bookings/{cancelled['id']}/cancel", json={}, headers=bearer(token))
        assert answer.status_code == 200, answer.text
    loctician = booking["items"][0]["loctician_id"]
    nobody, erased, nameless = (str(uuid4()) for _ in range(3))
    async with database(stack) as connection:
        await eventually(
            lambda: connection.fetchval(CANCELLED, cancelled["id"]),
            lambda count: count == 3,
            "all to know of the cancellation",
        )
        other_loctician = await connection.fetchval(
            "SELECT loctician_id::text FROM booking.locticians WHERE display_name <> '' AND loctician_id <> $1",
            loctician,
        )
        await connection.execute(
            """INSERT INTO auth.users (id, email, full_name, language, role, active)
            VALUES ($1::uuid, $1 || '@erased.invalid', '', 'da', 'customer', false)""",
            erased,
        )
        await connection.execute(
            "INSERT INTO booking.locticians (loctician_id, display_name, active) VALUES ($1, '', false)", nameless
        )
    return {
        "customer": booking["customer_id"],
        "other_customer": other_booking["customer_id"],
        "booking": booking["id"],
        "other_booking": other_booking["id"],
        "cancelled_booking": cancelled["id"],
        "treatment": treatment,
        "other_treatment": other,
        "loctician": loctician,
        "other_loctician": other_loctician,
        "nobody": nobody,
        "erased": erased,
        "nameless": nameless,
    }


@pytest.fixture
async def salon(stack: Stack) -> AsyncIterator[None]:
    """Puts booking's record of the salon back, if the test deletes it."""
    async with database(stack) as connection:
        row = await connection.fetchval("SELECT to_jsonb(s)::text FROM booking.salon_record s")
        yield
        restored = await connection.execute(
            """INSERT INTO booking.salon_record
            SELECT * FROM jsonb_populate_record(NULL::booking.salon_record, $1::jsonb) ON CONFLICT DO NOTHING""",
            row,
        )
    if restored == "INSERT 0 1":
        for service in ("calendar", "notifications"):
            await republish(stack, service)
        await agreeing(stack)


async def damage(stack: Stack, kind: str, ids: Ids) -> dict[str, list[str]]:
    """Breaks rows of every projection. Returns their ids."""
    broken = {}
    async with database(stack) as connection:
        await connection.execute("ALTER TABLE booking.locticians DISABLE TRIGGER flag_conflicts")
        for projection, statements in DAMAGE.items():
            broken[projection] = sorted([await _row(connection, statement, ids) for statement in statements[kind]])
        await connection.execute("ALTER TABLE booking.locticians ENABLE TRIGGER flag_conflicts")
    return {projection: rows for projection, rows in broken.items() if rows}


async def _row(connection: Any, statement: str, ids: Ids) -> str:
    for name, id_ in ids.items():
        statement = statement.replace(f":{name}", f"'{id_}'")
    [row] = await connection.fetch(statement)
    return str(row[0])


async def republish(stack: Stack, service: str) -> str:
    done = await call(stack.environment, "republish", "--to", service)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rows_of_every_projection_are_broken_in_every_way() -> None:
    """A projection that `loctician drift` compares has its damage here."""
    assert DAMAGE.keys() == {projection.label for projection in PROJECTIONS}
    lacking = {name for name, statements in DAMAGE.items() if not all(statements[kind] for kind in KINDS)}
    assert lacking == STATELESS


@pytest.mark.slow
class TestDrift:
    @pytest.mark.usefixtures("salon")
    @pytest.mark.parametrize("kind", KINDS)
    async def test_rows_of_every_projection_are_named_and_repaired(
        self, stack: Stack, ids: Ids, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await agreeing(stack)
        monkeypatch.setattr(drift, "AGAIN_AFTER", 0.1)  # no event is under way
        broken = await damage(stack, kind, ids)

        wrong = await drifted(stack)
        assert {name: report["ids"][kind] for name, report in wrong.items() if report[kind]} == broken
        assert {name for name, report in wrong.items() if sum(report[kind] for kind in KINDS) > report[kind]} == set()
        shown = await call(stack.environment, "drift")
        assert shown.returncode == 1
        assert {f"{name} {kind}: {id_}" for name, rows in broken.items() for id_ in rows} <= set(
            shown.stdout.split("\n")
        )

        sent = mails(stack)
        for service in SERVICES:
            assert f"repair with: loctician republish --to {service}\n" in shown.stdout
            released = await republish(stack, service)
            for name in [name for name in broken if name.startswith(service)]:
                assert f"{name}: {len(broken[name])} rows released" in released
        await agreeing(stack)
        assert mails(stack) == sent, "nobody is told again"

    async def test_republishing_to_all_twice_mails_nobody_who_was_forgotten(self, stack: Stack, ids: Ids) -> None:
        await agreeing(stack)
        await eventually(
            lambda: call(stack.environment, "status"), lambda done: done.returncode == 0, "a good status", 30.0
        )
        sent = mails(stack)
        for _ in range(2):
            async with database(stack) as connection:
                forgotten = "DELETE FROM notifications.appointments WHERE booking_id = $1"
                assert await connection.execute(forgotten, ids["booking"]) == "DELETE 1"
            done = await call(stack.environment, "restore", "republish", "--since", "2026-01-01")
            assert done.returncode == 0, done.stdout + done.stderr
            await agreeing(stack)
        assert mails(stack) == sent
        async with database(stack) as connection:
            counted = await connection.fetchval(
                "SELECT count(*) FROM notifications.deliveries WHERE booking_id = $1", ids["booking"]
            )
            audited = await connection.fetchval(
                "SELECT count(*) FROM gdpr.audit_log WHERE entity = $1 AND action LIKE 'booking.%'", ids["booking"]
            )
        assert counted == 2, "the customer's and the loctician's, of the booking itself"
        assert audited == 1, "the booking itself"

    async def test_an_interrupted_run_continues_after_its_cursor(self, stack: Stack) -> None:
        done = await start(stack.environment, "republish", "--to", "calendar", "--after", "nothing:1")
        assert done.returncode == 2
        assert "auth.users" in done.stderr
        rest = await call(stack.environment, "republish", "--to", "calendar", "--after", f"booking.bookings:{uuid4()}")
        assert rest.returncode == 0, rest.stderr
        assert "auth.users" not in rest.stdout
        assert "calendar.windows" in rest.stdout
        unknown = await call(stack.environment, "republish", "--to", "nobody", "--type", "booking.*")
        assert unknown.returncode == 2
