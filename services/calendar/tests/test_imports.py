"""Imported calendars: files, addresses and the refresh worker."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.calendar.errors import CalendarTooLarge
from services.calendar.imports import ics_sandbox, refresh_worker
from services.calendar.imports.address_check import AddressPolicy
from services.calendar.imports.refresh_worker import MAX_FAILURES, refresh_due
from services.calendar.local_time import today
from services.calendar.tests.conftest import AMINA, JONAS, URL, Run, open_day
from services.calendar.tests.servers import LOCAL, Web, answer
from services.calendar.windows.service import HORIZON
from shared.database.session import Database
from shared.messaging.events import new_id
from shared.testing.types import Headers, Outbox
from shared.testing.waiting import until

OPEN_TRANSACTIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'loctician-calendar' AND state LIKE 'idle in transaction%'
"""
DUE = "UPDATE calendar.imports SET due_at = now()"
TOO_MANY_BYTES = 5 * 1_048_576 + 65_537
SECRET = "Samtale hos psykologen"


def calendar(start: str = "10:00", end: str = "11:00") -> bytes:
    day = open_day()
    times = [datetime.fromisoformat(f"{day}T{clock}:00+00:00") for clock in (start, end)]
    event = [f"{name}:{at:%Y%m%dT%H%M%SZ}" for name, at in zip(("DTSTART", "DTEND"), times, strict=True)]
    lines = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", *event, f"SUMMARY:{SECRET}", "END:VEVENT", "END:VCALENDAR", ""]
    return "\r\n".join(lines).encode()


async def upload(client: httpx.AsyncClient, headers: dict[str, str], content: bytes, **more: str) -> httpx.Response:
    sent = headers | {"Content-Type": "text/calendar; charset=utf-8"} | more
    return await client.post(f"{URL}/imports", content=content, headers=sent)


async def windows(client: httpx.AsyncClient, headers: dict[str, str]) -> list[str]:
    query = {"from": open_day().isoformat(), "view": "day"}
    (day,) = (await client.get(URL, params=query, headers=headers)).json()["days"]
    return [f"{window['start'][11:16]}-{window['end'][11:16]}" for window in day["windows"]]


async def listed(client: httpx.AsyncClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.get(f"{URL}/imports", headers=headers)).json()["items"]
    return items


class TestFiles:
    async def test_busy_times_are_cut_out_of_the_windows(
        self, amina: httpx.AsyncClient, headers: dict[str, str], outbox: Outbox
    ) -> None:
        assert len(await windows(amina, headers)) == 1
        added = await upload(amina, headers, calendar())
        assert added.status_code == 201, added.text
        assert (added.json()["status"], added.json()["busy_times"], added.json()["host"]) == ("current", 1, None)
        assert added.json()["valid_to"] > (today() + HORIZON).isoformat()
        assert len(await windows(amina, headers)) == 2
        event, changed = (await outbox())[-2:]
        assert event["type"] == "calendar.import_added.v1"
        assert [day["date"] for day in changed["data"]["days"]] == [open_day().isoformat()]

    async def test_removing_an_import_opens_the_windows_again(
        self, amina: httpx.AsyncClient, headers: dict[str, str], outbox: Outbox
    ) -> None:
        before = await windows(amina, headers)
        added = await upload(amina, headers, calendar())
        assert (await amina.delete(f"{URL}/imports/{added.json()['id']}", headers=headers)).status_code == 204
        assert await windows(amina, headers) == before
        assert (await outbox())[-2]["type"] == "calendar.import_removed.v1"
        assert (await amina.delete(f"{URL}/imports/{added.json()['id']}", headers=headers)).status_code == 404

    async def test_a_day_that_is_busy_all_day_is_closed(
        self, amina: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        await upload(amina, headers, calendar("00:00", "23:59"))
        query = {"from": open_day().isoformat(), "view": "day"}
        (day,) = (await amina.get(URL, params=query, headers=headers)).json()["days"]
        assert (day["windows"], day["closed_for"], len(day["busy"])) == ([], "time_off", 1)

    async def test_only_times_are_stored(self, amina: httpx.AsyncClient, headers: dict[str, str], run: Run) -> None:
        await upload(amina, headers, calendar(), **{"Idempotency-Key": "file"})
        for table in ("imports", "outbox", "idempotency_keys", "windows"):
            for (row,) in await run(f"SELECT CAST(t AS text) FROM calendar.{table} t"):
                assert SECRET not in row
                assert "SUMMARY" not in row

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "not_a_calendar"),
            (b"<html>", "not_a_calendar"),
            (calendar()[:30], "not_a_calendar"),
            (calendar().replace(b"UID:1", b"RRULE:FREQ=SECONDLY"), "calendar_too_large"),
        ],
    )
    async def test_invalid_input_is_422(
        self, content: bytes, code: str, amina: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        refused = await upload(amina, headers, content)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
        assert await listed(amina, headers) == []

    async def test_too_many_bytes_are_413_and_another_type_415(
        self, amina: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        assert (await upload(amina, headers, b"X" * TOO_MANY_BYTES)).status_code == 413
        assert (await upload(amina, headers, calendar(), **{"Content-Type": "text/plain"})).status_code == 415

    async def test_a_file_can_be_sent_in_a_form(self, amina: httpx.AsyncClient, headers: dict[str, str]) -> None:
        sent = {"file": ("away.ics", calendar(), "text/calendar")}
        added = await amina.post(f"{URL}/imports", files=sent, headers=headers)
        assert added.status_code == 201
        assert (await amina.get(f"{URL}/imports", headers=headers)).json()["items"] == [added.json()]

    @pytest.mark.parametrize(
        ("form", "status", "code"),
        [
            ({"files": {"calendar": calendar()}}, 422, "bad_form"),
            ({"files": [("file", calendar()), ("file", calendar())]}, 422, "bad_form"),
            ({"files": {"file": (None, "text")}}, 422, "bad_form"),
            ({"content": b"--x\r\nno form", "headers": {"Content-Type": "multipart/form-data"}}, 422, "bad_form"),
            ({"content": b"\xff", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 422, "bad_form"),
            ({"files": {"file": b"<html>"}}, 422, "not_a_calendar"),
            ({"files": {"file": b"X" * TOO_MANY_BYTES}}, 413, "too_large"),
            ({"files": {"file": calendar()}, "data": {"name": "x" * 101}}, 422, "invalid_input"),
            ({"files": {"file": calendar()}, "data": {"title": "Privat"}}, 422, "bad_form"),
        ],
    )
    async def test_bad_forms_are_refused(
        self, form: dict[str, Any], status: int, code: str, amina: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        refused = await amina.post(f"{URL}/imports", **form | {"headers": headers | form.get("headers", {})})
        assert (refused.status_code, refused.json()["code"]) == (status, code)
        assert await listed(amina, headers) == []

    async def test_a_loctician_can_have_five_imports(self, amina: httpx.AsyncClient, headers: dict[str, str]) -> None:
        for _ in range(5):
            assert (await upload(amina, headers, calendar())).status_code == 201
        refused = await upload(amina, headers, calendar())
        assert (refused.status_code, refused.json()["code"]) == (409, "limit_reached")

    async def test_an_import_repeated_under_its_key_counts_once(
        self, amina: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        first = await upload(amina, headers, calendar(), **key)
        assert (await upload(amina, headers, calendar(), **key)).json() == first.json()
        assert (await upload(amina, headers, calendar("12:00", "13:00"), **key)).status_code == 422
        assert len(await listed(amina, headers)) == 1


class TestImportedAddresses:
    async def add(self, client: httpx.AsyncClient, headers: dict[str, str], url: str) -> httpx.Response:
        return await client.post(f"{URL}/imports", json={"url": url}, headers=headers)

    async def test_an_address_is_fetched_and_then_refreshed(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database, run: Run
    ) -> None:
        site.replies["/a.ics"] = answer(calendar(), ETag='"1"')
        added = await self.add(amina, headers, site.url("/a.ics"))
        assert (added.status_code, added.json()["status"]) == (201, "waiting"), added.text
        assert added.json()["host"] == "calendar.example"
        assert await refresh_due(database, LOCAL) == 1
        assert await refresh_due(database, LOCAL) == 0
        (row,) = await listed(amina, headers)
        assert (row["status"], row["problem"], row["busy_times"]) == ("current", None, 1)
        assert len(await windows(amina, headers)) == 2

        site.replies["/a.ics"] = answer(status="304 Not Modified")
        await run(DUE)
        await refresh_due(database, LOCAL)
        assert 'if-none-match: "1"' in site.requests[-1].lower()
        assert len(await windows(amina, headers)) == 2

        site.replies["/a.ics"] = answer(calendar("06:00", "10:00"), ETag='"2"')
        await run(DUE)
        await refresh_due(database, LOCAL)
        assert len(await windows(amina, headers)) == 1

    async def test_no_transaction_is_open_during_a_fetch(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database, run: Run
    ) -> None:
        counts: list[Any] = []

        async def look() -> None:
            counts.extend(await run(OPEN_TRANSACTIONS))

        site.replies["/a.ics"] = answer(calendar())
        await self.add(amina, headers, site.url("/a.ics"))
        site.meanwhile = look
        await refresh_due(database, LOCAL)
        assert counts == [(0,)]

    async def test_the_worker_fetches_waiting_imports(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, app: FastAPI
    ) -> None:
        """With the real address policy, which refuses the test server."""

        async def is_tried() -> bool:
            return str((await listed(amina, headers))[0]["status"]) != "waiting"

        await self.add(amina, headers, site.url("/a.ics"))
        worker = asyncio.create_task(refresh_worker.run(app.state.runtime))
        await until(is_tried, seconds=10)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        (row,) = await listed(amina, headers)
        assert (row["status"], row["problem"], site.requests) == ("failing", "address_refused", [])

    async def test_refreshes_are_spread_over_time(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database, run: Run
    ) -> None:
        site.replies["/a.ics"] = answer(calendar())
        for _ in range(3):
            await self.add(amina, headers, site.url("/a.ics"))
        await refresh_due(database, LOCAL)
        waits = await run("SELECT extract(epoch FROM due_at - checked_at)::float FROM calendar.imports")
        assert all(3_240 <= wait <= 3_960 for (wait,) in waits)
        assert len({round(wait, 1) for (wait,) in waits}) == 3

    async def test_an_import_that_does_not_cover_the_horizon_is_fetched_without_validators(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database, run: Run
    ) -> None:
        site.replies["/a.ics"] = answer(calendar(), ETag='"1"')
        await self.add(amina, headers, site.url("/a.ics"))
        await refresh_due(database, LOCAL)
        await run(f"{DUE}, valid_to = current_date + 398")
        await refresh_due(database, LOCAL)
        assert "if-none-match" not in site.requests[-1].lower()
        (row,) = await listed(amina, headers)
        assert row["valid_to"] > (today() + HORIZON).isoformat()

    async def test_a_failure_keeps_the_busy_times_and_doubles_the_pause(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database, run: Run
    ) -> None:
        site.replies["/a.ics"] = answer(calendar())
        await self.add(amina, headers, site.url("/a.ics"))
        await refresh_due(database, LOCAL)
        site.replies["/a.ics"] = answer(status="503 Service Unavailable")
        waits = []
        for _ in range(2):
            await run(DUE)
            await refresh_due(database, LOCAL)
            ((wait,),) = await run("SELECT extract(epoch FROM due_at - checked_at)::float FROM calendar.imports")
            waits.append(wait)
        assert 270 <= waits[0] <= 330
        assert 540 <= waits[1] <= 660
        (row,) = await listed(amina, headers)
        assert (row["status"], row["problem"]) == ("failing", "address_unreachable")
        assert len(await windows(amina, headers)) == 2

        site.replies["/a.ics"] = answer(b"<html>Log in</html>")
        await run(f"{DUE}, failures = {MAX_FAILURES - 1}")
        await refresh_due(database, LOCAL)
        (row,) = await listed(amina, headers)
        assert (row["status"], row["problem"]) == ("stopped", "not_a_calendar")
        await run("UPDATE calendar.imports SET created_at = created_at - interval '1 year'")
        assert await refresh_due(database, LOCAL) == 0

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1/a.ics",
            "https://127.0.0.1:8003/a.ics",
            "https://[::1]/a.ics",
            "https://169.254.169.254/latest",
            "https://localhost/a.ics",
            "file:///etc/passwd",
            "https://",
        ],
    )
    async def test_an_internal_address_is_422(
        self, url: str, client: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        """With the real address policy."""
        refused = await self.add(client, headers, url)
        assert (refused.status_code, refused.json()["code"]) == (422, "address_refused")
        assert await listed(client, headers) == []

    async def test_a_name_that_later_resolves_to_an_internal_address_is_not_fetched(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database
    ) -> None:
        await self.add(amina, headers, site.url("/a.ics"))
        await refresh_due(database, AddressPolicy(plain_http=True, resolve=LOCAL.resolve))
        assert site.requests == []
        (row,) = await listed(amina, headers)
        assert (row["status"], row["problem"]) == ("failing", "address_refused")

    @pytest.mark.parametrize("body", [{}, {"url": 1}, {"url": "https://a.example", "x": 1}, {"url": "h" * 2001}])
    async def test_invalid_bodies_are_422(
        self, body: dict[str, Any], client: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        answered = await client.post(f"{URL}/imports", json=body, headers=headers)
        assert (answered.status_code, answered.json()["code"]) == (422, "invalid_input")
        assert answered.json()["errors"][0]["pointer"].startswith("/body")

    async def test_the_path_of_an_address_is_never_shown(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, outbox: Outbox
    ) -> None:
        await self.add(amina, headers, site.url("/private-0123456789/basic.ics"))
        shown = (await amina.get(f"{URL}/imports", headers=headers)).text
        assert "0123456789" not in shown + str(await outbox())


class TestHostileCalendars:
    async def test_other_requests_are_answered_while_a_calendar_is_parsed(self, amina: httpx.AsyncClient) -> None:
        series = b"RRULE:FREQ=YEARLY;BYWEEKNO=1,-1;BYDAY=MO;COUNT=300\r\nDTSTART:18900101T100000Z\r\n"
        event = b"BEGIN:VEVENT\r\nUID:%d\r\nDURATION:PT1H\r\n" + series + b"END:VEVENT\r\n"
        bomb = calendar().replace(b"END:VCALENDAR", b"".join(event % n for n in range(9_000)) + b"END:VCALENDAR")
        reading_it = asyncio.create_task(ics_sandbox.read(bomb, ics_sandbox.read_until(), cpu_seconds=3))
        for _ in range(5):
            assert (await amina.get("/api/v1/calendar/holidays")).status_code == 200
        assert not reading_it.done()
        with pytest.raises(CalendarTooLarge):
            await reading_it


class TestAccess:
    async def test_only_the_loctician_and_the_salon_have_access(
        self, amina: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        added = await upload(amina, auth_headers("staff"), calendar())
        assert added.status_code == 201
        path = f"{URL}/imports/{added.json()['id']}"
        other = auth_headers("loctician", JONAS)
        assert (await upload(amina, other, calendar())).status_code == 404
        assert (await amina.get(f"{URL}/imports", headers=other)).status_code == 404
        assert (await amina.delete(path, headers=other)).status_code == 404
        theirs = f"/api/v1/calendar/{JONAS}/imports/{added.json()['id']}"
        assert (await amina.delete(theirs, headers=other)).status_code == 404
        assert (await upload(amina, auth_headers("customer", AMINA), calendar())).status_code == 403
        assert (await amina.post(f"{URL}/imports", content=calendar())).status_code == 401


class TestHorizon:
    async def test_many_busy_times_do_not_slow_publishing(
        self, amina: httpx.AsyncClient, headers: dict[str, str], database: Database, run: Run
    ) -> None:
        """With two thousand busy times each day still has its own."""
        first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        spans = [first + timedelta(hours=4 * n) for n in range(2000)]
        ranges = ",".join(f"[{start.isoformat()},{(start + timedelta(hours=2)).isoformat()})" for start in spans)
        await run(
            "INSERT INTO calendar.imports (id, loctician_id, status, busy) "
            f"VALUES ('{new_id()}', '{AMINA}', 'current', '{{{ranges}}}')".replace(":", r"\:")
        )
        day = {"windows": [{"start": "08:00", "end": "20:00"}]}
        await amina.put(f"{URL}/overrides/{open_day()}", json=day, headers=headers)
        assert len(await windows(amina, headers)) in {3, 4}
