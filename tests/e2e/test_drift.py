"""Each copy is broken by hand; `loctician drift` finds it, and `loctician republish --to` repairs it without a mail."""

import json
from subprocess import CompletedProcess
from uuid import uuid4

import httpx
import pytest

from cli.tests.command import call
from tests.backup.salon import owner
from tests.e2e.salon import Json, bearer, free_slots, register
from tests.e2e.stack import Stack, eventually

# By projection: a row that is changed under the same version, and whether the copy loses one and gets one too many.
CHANGES = {
    "booking.customers": "UPDATE booking.customers SET email_verified = NOT email_verified WHERE id = :customer",
    "booking.profiles": "UPDATE booking.locticians SET active = false WHERE loctician_id = :loctician",
    "booking.open_windows": """UPDATE booking.open_windows SET windows = '{}', version = 999999
        WHERE (loctician_id, day) =
        (SELECT loctician_id, day FROM booking.open_windows
         WHERE loctician_id = :loctician AND day > now() + interval '20 days' AND NOT isempty(windows) LIMIT 1)""",
    "calendar.appointments": """UPDATE calendar.appointments
        SET starts_at = starts_at - interval '1 hour' WHERE booking_id = :booking""",
    "calendar.treatment_names": """UPDATE calendar.treatment_names SET names = '{"da": "Forkert"}'
        WHERE treatment_id = :service""",
    "calendar.loctician_names": """UPDATE calendar.loctician_names
        SET display_name = 'X', version = 999 WHERE loctician_id = :loctician""",
    "calendar.languages": "UPDATE calendar.languages SET language = 'en' WHERE person_id = :customer",
    "notifications.contacts": "UPDATE notifications.contacts SET email = 'x@example.com' WHERE user_id = :customer",
    "notifications.appointments": "DELETE FROM notifications.appointments WHERE booking_id = :booking",
    "notifications.treatment_names": "DELETE FROM notifications.treatment_names WHERE treatment_id = :service",
    "notifications.loctician_names": """UPDATE notifications.loctician_names SET display_name = 'X'
        WHERE loctician_id = :loctician""",
    "notifications.consents": "UPDATE notifications.consents SET granted = false WHERE user_id = :customer",
    "gdpr.people": "UPDATE gdpr.people SET role = 'admin' WHERE user_id = :customer",
    "gdpr.duties": "UPDATE gdpr.duties SET open = false, version = 999 WHERE booking_id = :booking",
}
ORPHANS = {
    "booking.customers": "INSERT INTO booking.customers (id) VALUES (:nobody)",
    "calendar.treatment_names": "INSERT INTO calendar.treatment_names VALUES (:nobody, '{}', 3)",
    "notifications.appointments": """INSERT INTO notifications.appointments
        (booking_id, customer_id, starts_at, active, agreed_at, facts, version)
        VALUES (:nobody, :nobody, now() + interval '9 days', true, now(), '{}', 3)""",
    "gdpr.people": "INSERT INTO gdpr.people (user_id, role) VALUES (:nobody, 'staff')",
}


async def run(stack: Stack, *arguments: str) -> CompletedProcess[str]:
    return await call(stack.environment, *arguments)


async def drifted(stack: Stack) -> dict[str, Json]:
    done = await run(stack, "drift", "--json")
    reports = {f"{report['service']}.{report['projection']}": report for report in json.loads(done.stdout)}
    wrong = {name: report for name, report in reports.items() if any(report["ids"].values())}
    assert done.returncode == (1 if wrong else 0)
    return wrong


async def booked(http: httpx.AsyncClient) -> dict[str, str]:
    """A customer who has consented, with a booking; the ids of both and of what is booked."""
    _, token = await register(http, "drift")
    consent = {"items": [{"purpose": "marketing", "granted": True, "text_version": 1}]}
    assert (await http.put("/api/v1/gdpr/consents/me", json=consent, headers=bearer(token))).status_code == 200
    service_id = (await http.get("/api/v1/services")).json()["items"][0]["id"]
    slots = await eventually(lambda: free_slots(http, service_id), bool, "free slots")
    order = {"service_ids": [service_id], "loctician_id": slots[-1]["loctician_id"], "start": slots[-1]["start"]}
    answer = await http.post("/api/v1/bookings", json=order, headers=bearer(token))
    assert answer.status_code == 201, answer.text
    booking = answer.json()
    ids = {"booking": booking["id"], "customer": booking["customer_id"], "service": service_id}
    return ids | {"loctician": order["loctician_id"], "nobody": str(uuid4())}


async def break_by_hand(stack: Stack, statements: dict[str, str], ids: dict[str, str]) -> None:
    connection = await owner(stack.environment["DATABASE_URL"])
    try:
        await connection.execute("ALTER TABLE booking.locticians DISABLE TRIGGER flag_conflicts")
        for template in statements.values():
            statement = template
            for name, id_ in ids.items():
                statement = statement.replace(f":{name}", f"'{id_}'")
            status = await connection.execute(statement)
            assert status.endswith(" 1"), (statement, status)
        await connection.execute("ALTER TABLE booking.locticians ENABLE TRIGGER flag_conflicts")
    finally:
        await connection.close()


def mails(stack: Stack) -> set[str]:
    return {path.name for path in stack.mail.glob("*.eml")}


@pytest.mark.slow
class TestDrift:
    async def test_every_copy_that_is_broken_is_named_and_repaired(self, stack: Stack) -> None:
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
            ids = await booked(http)
            await eventually(lambda: drifted(stack), lambda wrong: not wrong, "no drift", 60.0)
            await break_by_hand(stack, CHANGES, ids)
            await break_by_hand(stack, ORPHANS, ids)

            wrong = await drifted(stack)
            assert wrong.keys() == CHANGES.keys()
            for name in ORPHANS:
                assert wrong[name]["ids"]["extra"] == [ids["nobody"]]
            assert wrong["notifications.appointments"]["ids"]["missing"] == [ids["booking"]]
            assert wrong["gdpr.people"]["ids"]["different"] == [ids["customer"]]
            shown = await run(stack, "drift", "--service", "gdpr")
            assert shown.returncode == 1
            assert f"gdpr.people different: {ids['customer']}" in shown.stdout

            sent = mails(stack)
            for service in ("booking", "calendar", "notifications", "gdpr"):
                repaired = await run(stack, "republish", "--to", service)
                assert repaired.returncode == 0, repaired.stdout + repaired.stderr
                await eventually(
                    lambda: drifted(stack),
                    lambda wrong: not any(name.startswith(service) for name in wrong),  # noqa: B023
                    f"{service} repaired",
                    60.0,
                )
            assert await drifted(stack) == {}
            assert mails(stack) == sent, "nobody is told again"

    async def test_republishing_to_all_twice_mails_nobody_who_was_forgotten(self, stack: Stack) -> None:
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
            ids = await booked(http)
        await eventually(lambda: drifted(stack), lambda wrong: not wrong, "no drift", 60.0)
        await eventually(lambda: run(stack, "status"), lambda done: done.returncode == 0, "a good status", 30.0)
        sent = mails(stack)
        for _ in range(2):
            statement = {"forgotten": "DELETE FROM notifications.appointments WHERE booking_id = :booking"}
            await break_by_hand(stack, statement, ids)
            done = await run(stack, "restore", "republish", "--since", "2026-01-01")
            assert done.returncode == 0, done.stdout + done.stderr
            await eventually(lambda: drifted(stack), lambda wrong: not wrong, "the appointment back", 60.0)
        assert mails(stack) == sent
        connection = await owner(stack.environment["DATABASE_URL"])
        counted = await connection.fetchval(
            "SELECT count(*) FROM notifications.deliveries WHERE booking_id = $1", ids["booking"]
        )
        audited = await connection.fetchval(
            "SELECT count(*) FROM gdpr.audit_log WHERE entity = $1 AND action LIKE 'booking.%'", ids["booking"]
        )
        await connection.close()
        assert counted == 2, "the customer's and the loctician's, of the booking itself"
        assert audited == 1, "the booking itself"

    async def test_an_interrupted_run_continues_after_its_cursor(self, stack: Stack) -> None:
        done = await run(stack, "republish", "--to", "calendar", "--after", "nothing:1")
        assert done.returncode == 2
        assert "auth.users" in done.stderr
        rest = await run(stack, "republish", "--to", "calendar", "--after", f"booking.bookings:{uuid4()}")
        assert rest.returncode == 0, rest.stderr
        assert "auth.users" not in rest.stdout
        assert "calendar.windows" in rest.stdout
        unknown = await run(stack, "republish", "--to", "nobody", "--type", "booking.*")
        assert unknown.returncode == 2
