"""What an import says of itself: its name, what was not understood, outages; and our own appointments in it."""

import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.messages import unseal_message
from services.calendar.imports.fetching import VERSION, agent_of
from services.calendar.imports.refresh_worker import refresh_due
from services.calendar.settings import CalendarSettings
from services.calendar.tests.conftest import AMINA, BOOKING, ITEM, JONAS, URL, Run, booking, open_day
from services.calendar.tests.servers import LOCAL, Web, answer
from services.calendar.tests.test_imports import DUE, calendar, listed, upload, windows
from shared.database.session import Database
from shared.testing.keys import keys_for
from shared.testing.types import Deliver, Headers, Outbox

DAY_AGO = "UPDATE calendar.imports SET first_failed_at = now() - interval '25 hours', due_at = now()"
NO_CALENDAR = answer(status="404 Not Found")
STRANGE = "3f1f8f0e-8c1b-4a54-9f2c-2b1c3d4e5f60"  # an id that no booking of ours has


async def notices(outbox: Outbox) -> list[dict[str, Any]]:
    names = ("incomplete", "failing", "recovered")
    return [event for event in await outbox() if event["type"] in {f"calendar.import_{name}.v1" for name in names}]


def with_event(*lines: str) -> bytes:
    event = "\r\n".join(["BEGIN:VEVENT", "UID:2", *lines, "END:VEVENT", "END:VCALENDAR"])
    return calendar().replace(b"END:VCALENDAR", event.encode())


class TestNames:
    async def test_an_import_has_a_name_however_it_is_sent(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web
    ) -> None:
        body = {"url": site.url("/a.ics"), "name": " Privat "}
        await amina.post(f"{URL}/imports", json=body, headers=headers)
        await amina.post(f"{URL}/imports", files={"file": calendar()}, data={"name": "Familien"}, headers=headers)
        sent = headers | {"Content-Type": "text/calendar"}
        await amina.post(f"{URL}/imports", params={"name": "Kor"}, content=calendar(), headers=sent)
        await upload(amina, headers, calendar())
        assert [item["name"] for item in await listed(amina, headers)] == ["Privat", "Familien", "Kor", None]

    async def test_an_import_can_be_renamed(self, amina: httpx.AsyncClient, headers: dict[str, str]) -> None:
        added = (await upload(amina, headers, calendar())).json()
        path = f"{URL}/imports/{added['id']}"
        renamed = await amina.patch(path, json={"name": "Kor og fodbold"}, headers=headers)
        assert renamed.json() == added | {"name": "Kor og fodbold"}
        assert await listed(amina, headers) == [renamed.json()]
        assert (await amina.patch(path, json={"name": ""}, headers=headers)).json()["name"] is None

    @pytest.mark.parametrize("body", [{}, {"name": "x" * 101}, {"name": 1}, {"name": "a", "url": "https://b.example"}])
    async def test_a_bad_name_is_422(
        self, body: dict[str, Any], amina: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        added = (await upload(amina, headers, calendar())).json()
        assert (await amina.patch(f"{URL}/imports/{added['id']}", json=body, headers=headers)).status_code == 422

    async def test_nobody_renames_the_import_of_another(
        self, amina: httpx.AsyncClient, headers: dict[str, str], auth_headers: Headers
    ) -> None:
        added = (await upload(amina, headers, calendar())).json()
        other = auth_headers("loctician", JONAS)
        for path in (f"{URL}/imports/{added['id']}", f"/api/v1/calendar/{JONAS}/imports/{added['id']}"):
            assert (await amina.patch(path, json={"name": "x"}, headers=other)).status_code == 404
        assert (await amina.patch(f"{URL}/imports/{uuid4()}", json={"name": "x"}, headers=headers)).status_code == 404


class TestWhatIsNotUnderstood:
    async def test_an_upload_says_what_was_not_understood(
        self, amina: httpx.AsyncClient, headers: dict[str, str], outbox: Outbox
    ) -> None:
        english = headers | {"Accept-Language": "en"}
        added = await upload(amina, english, with_event("DTSTART:tomorrow"))
        assert added.status_code == 201
        assert added.headers["Content-Language"] == "en"
        text = "Events without a time that we can read: 1. They block nothing."
        assert added.json()["problems"] == [{"code": "no_start", "count": 1, "text": text}]
        assert len(await windows(amina, headers)) == 2
        (item,) = await listed(amina, headers)
        assert item["problems"][0]["text"].startswith("Begivenheder uden et tidspunkt")
        (event,) = await notices(outbox)
        assert event["type"] == "calendar.import_incomplete.v1"
        assert (event["data"]["loctician_id"], event["data"]["host"]) == (str(AMINA), None)
        assert event["data"]["problems"] == [{"code": "no_start", "count": 1}]

    async def test_each_problem_is_told_once(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database, run: Run, outbox: Outbox
    ) -> None:
        await amina.post(f"{URL}/imports", json={"url": site.url("/a.ics")}, headers=headers)
        for content in (with_event("DTSTART:x"), calendar(), with_event("DTSTART:x"), with_event("DTSTART:x")):
            site.replies["/a.ics"] = answer(content)
            await run(DUE)
            await refresh_due(database, LOCAL)
        site.replies["/a.ics"] = answer(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
        await run(DUE)
        await refresh_due(database, LOCAL)
        told = [[problem["code"] for problem in event["data"]["problems"]] for event in await notices(outbox)]
        assert told == [["no_start"], ["no_events"]]
        assert [event["version"] for event in await notices(outbox)] == [2, 3]

    async def test_a_calendar_that_is_cut_off_frees_nothing_that_was_busy(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database, run: Run
    ) -> None:
        day = open_day()
        later = with_event(f"DTSTART:{day:%Y%m%d}T130000Z", "DURATION:PT1H")
        site.replies["/a.ics"] = answer(later, ETag='"1"')
        await amina.post(f"{URL}/imports", json={"url": site.url("/a.ics")}, headers=headers)
        await refresh_due(database, LOCAL)
        before = await windows(amina, headers)
        assert len(before) == 3
        site.replies["/a.ics"] = answer(later[: later.index(b"UID:2")], ETag='"2"')
        await run(DUE)
        await refresh_due(database, LOCAL)
        (item,) = await listed(amina, headers)
        assert (item["status"], [part["code"] for part in item["problems"]]) == ("current", ["cut_off"])
        assert await windows(amina, headers) == before
        await run(DUE)
        await refresh_due(database, LOCAL)
        assert "if-none-match" not in site.requests[-1].lower()

    async def test_five_mebibytes_of_history_are_read(self, amina: httpx.AsyncClient, headers: dict[str, str]) -> None:
        event = b"BEGIN:VEVENT\r\nUID:%d\r\nDTSTART:20190101T100000Z\r\nDURATION:PT1H\r\nSUMMARY:" + b"a" * 400
        history = b"".join(event % n + b"\r\nEND:VEVENT\r\n" for n in range(10_500))
        content = calendar().replace(b"END:VCALENDAR", history + b"END:VCALENDAR")
        assert 5_000_000 < len(content) < 5 * 1_048_576
        added = await upload(amina, headers, content)
        assert (added.status_code, added.json()["busy_times"], added.json()["problems"]) == (201, 1, [])


class TestOutages:
    async def test_an_import_that_fails_for_a_day_is_told_once_and_shown(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database, run: Run, outbox: Outbox
    ) -> None:
        body = {"url": site.url("/a.ics"), "name": "Privat"}
        await amina.post(f"{URL}/imports", json=body, headers=headers)
        await refresh_due(database, LOCAL)
        (item,) = await listed(amina, headers)
        assert (item["status"], item["problem"]) == ("failing", "address_unreachable")
        assert item["problem_text"] == (
            "Adressen svarede med HTTP-status 404 i stedet for en kalender. Vi prøver igen senere."
        )
        assert datetime.fromisoformat(item["first_failed_at"]) - datetime.fromisoformat(item["created_at"]) < timedelta(
            minutes=5
        )
        assert await notices(outbox) == []
        for _ in range(3):
            await run(DAY_AGO)
            await refresh_due(database, LOCAL)
        (event,) = await notices(outbox)
        assert event["type"] == "calendar.import_failing.v1"
        assert "Privat" not in str(event), "what somebody wrote is sealed"
        assert (
            unseal_message(keys_for("notifications"), UUID(item["id"]), event["data"].pop("name"), "calendar")
            == "Privat"
        )
        assert event["data"] | {"first_failed_at": ""} == {
            "version": 2, "import_id": item["id"], "loctician_id": str(AMINA),
            "host": "calendar.example", "first_failed_at": "", "problem": "address_unreachable", "http_status": 404,
        }  # fmt: skip

        site.replies["/a.ics"] = answer(calendar())
        await run(DUE)
        await refresh_due(database, LOCAL)
        (item,) = await listed(amina, headers)
        assert (item["status"], item["problem_text"], item["first_failed_at"]) == ("current", None, None)
        assert [event["type"] for event in await notices(outbox)][1:] == ["calendar.import_recovered.v1"]

        del site.replies["/a.ics"]  # the next outage
        await run(DUE)
        await refresh_due(database, LOCAL)
        await run(DAY_AGO)
        await refresh_due(database, LOCAL)
        assert [event["version"] for event in await notices(outbox)] == [2, 3, 4]

    async def test_a_short_outage_is_told_to_nobody(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database, run: Run, outbox: Outbox
    ) -> None:
        await amina.post(f"{URL}/imports", json={"url": site.url("/a.ics")}, headers=headers)
        await refresh_due(database, LOCAL)
        site.replies["/a.ics"] = answer(calendar())
        await run(DUE)
        await refresh_due(database, LOCAL)
        assert await notices(outbox) == []

    async def test_a_new_address_that_gives_no_calendar_is_told_at_once(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database, run: Run, outbox: Outbox
    ) -> None:
        site.replies["/a.ics"] = answer(b"<html>Log in</html>")
        await amina.post(f"{URL}/imports", json={"url": site.url("/a.ics")}, headers=headers)
        for _ in range(2):
            await run(DUE)
            await refresh_due(database, LOCAL)
        assert [event["data"]["problem"] for event in await notices(outbox)] == ["not_a_calendar"]

    async def test_the_next_check_is_not_after_the_day(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database, run: Run
    ) -> None:
        """The pause of a tenth failure would be twelve hours."""
        await amina.post(f"{URL}/imports", json={"url": site.url("/a.ics")}, headers=headers)
        since = "first_failed_at = now() - interval '22 hours'"
        await run(f"UPDATE calendar.imports SET due_at = now(), failures = 10, {since}")
        await refresh_due(database, LOCAL)
        ((wait,),) = await run("SELECT extract(epoch FROM due_at - checked_at)::float FROM calendar.imports")
        assert 7_000 < wait <= 7_205

    async def test_every_error_has_words(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database, run: Run
    ) -> None:
        english = headers | {"Accept-Language": "en"}
        await amina.post(f"{URL}/imports", json={"url": site.url("/a.ics")}, headers=headers)
        for reply in (NO_CALENDAR, b"", answer(b"<html>"), answer(b"X" * (5 * 1_048_576 + 1))):
            site.replies["/a.ics"] = reply
            await run(DUE)
            await refresh_due(database, LOCAL)
            (item,) = await listed(amina, english)
            assert item["problem_text"].endswith(".")
        assert item["problem"] == "calendar_too_large"


class TestAddresses:
    @pytest.mark.parametrize("scheme", ["webcal", "WEBCAL", "webcals"])
    async def test_webcal_is_https(self, scheme: str, amina: httpx.AsyncClient, headers: dict[str, str]) -> None:
        body = {"url": f"{scheme}://calendar.example/a.ics"}
        added = await amina.post(f"{URL}/imports", json=body, headers=headers)
        assert (added.status_code, added.json()["host"]) == (201, "calendar.example")

    async def test_fetches_name_the_product_as_mail_hosts_accept_it(
        self, amina: httpx.AsyncClient, headers: dict[str, str], site: Web, database: Database
    ) -> None:
        await amina.post(f"{URL}/imports", json={"url": site.url("/a.ics")}, headers=headers)
        await refresh_due(database, LOCAL, agent_of("https://app.example/"))
        head = site.requests[-1]
        assert "Mozilla/5.0" in head
        assert f"compatible; Loctician/{VERSION}; +https://app.example)" in head
        assert "text/calendar" in head

    def test_the_agents_address_is_that_of_the_app(self) -> None:
        base = CalendarSettings.model_construct(public_url="https://api.example", app_url=None)
        assert base.link_base == "https://api.example"
        assert base.model_copy(update={"app_url": "https://app.example"}).link_base == "https://app.example"

    async def test_the_version_is_the_products(self) -> None:
        project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
        assert project["project"]["version"] == VERSION


def of_uid(uid: str) -> bytes:
    return calendar().replace(b"UID:1", f"UID:{uid}".encode())


class TestOwnAppointments:
    """A loctician's mail program files our invitations in the calendar that is imported here."""

    START, END = (f"{open_day()}T{clock}:00:00Z" for clock in (10, 11))

    @pytest.mark.parametrize(
        "uid",
        [
            f"booking-{BOOKING}@salon.example",
            f"booking-{BOOKING}@another-sender.example",
            f"{ITEM}@loctician.example",
            f"BOOKING-{str(BOOKING).upper()}@SALON.EXAMPLE",
        ],
    )
    async def test_they_are_not_busy(
        self, uid: str, amina: httpx.AsyncClient, headers: dict[str, str], deliver: Deliver
    ) -> None:
        await deliver("booking.created.v1", booking(self.START, self.END))
        added = await upload(amina, headers, of_uid(uid))
        assert (added.json()["busy_times"], added.json()["problems"]) == (0, [])
        assert len(await windows(amina, headers)) == 1

    @pytest.mark.parametrize("status", ["confirmed", "cancelled"])
    async def test_also_not_at_the_old_time_after_a_change(
        self, status: str, amina: httpx.AsyncClient, headers: dict[str, str], deliver: Deliver
    ) -> None:
        await deliver("booking.created.v1", booking(self.START, self.END))
        tomorrow = f"{open_day() + timedelta(days=1)}"
        start, end = (time.replace(f"{open_day()}", tomorrow) for time in (self.START, self.END))
        type_ = "booking.rescheduled.v1" if status == "confirmed" else "booking.cancelled.v1"
        await deliver(type_, booking(start, end, version=2, status=status))
        assert (await upload(amina, headers, of_uid(f"booking-{BOOKING}@salon.example"))).json()["busy_times"] == 0

    async def test_also_after_the_appointment_was_forgotten(
        self, amina: httpx.AsyncClient, headers: dict[str, str], deliver: Deliver, run: Run
    ) -> None:
        await deliver("booking.created.v1", booking(self.START, self.END))
        await run("DELETE FROM calendar.appointments")
        assert (await upload(amina, headers, of_uid(f"booking-{BOOKING}@salon.example"))).json()["busy_times"] == 0

    @pytest.mark.parametrize("uid", [f"booking-{STRANGE}@salon.example", f"{STRANGE}@loctician.example", STRANGE])
    async def test_those_of_another_salon_are_busy(
        self, uid: str, amina: httpx.AsyncClient, headers: dict[str, str], deliver: Deliver
    ) -> None:
        await deliver("booking.created.v1", booking(self.START, self.END))
        assert (await upload(amina, headers, of_uid(uid))).json()["busy_times"] == 1

    async def test_what_a_loctician_books_for_herself_with_a_colleague_is_busy(
        self, amina: httpx.AsyncClient, headers: dict[str, str], deliver: Deliver
    ) -> None:
        booked = booking(self.START, self.END) | {"customer_id": str(AMINA)}
        booked["items"] = [item | {"loctician_id": str(JONAS)} for item in booked["items"]]
        await deliver("booking.created.v1", booked)
        assert (await upload(amina, headers, of_uid(f"booking-{BOOKING}@salon.example"))).json()["busy_times"] == 1

    async def test_the_own_feed_can_be_subscribed_to(
        self, amina: httpx.AsyncClient, headers: dict[str, str], deliver: Deliver
    ) -> None:
        await deliver("booking.created.v1", booking(self.START, self.END))
        address = httpx.URL((await amina.post(f"{URL}/feed", headers=headers)).json()["url"])
        feed = await amina.get(address.path)
        assert feed.content.count(b"BEGIN:VEVENT") == 1
        assert (await upload(amina, headers, feed.content)).json()["busy_times"] == 0

    async def test_and_so_it_is_when_an_address_is_fetched(
        self, amina: httpx.AsyncClient, headers: dict[str, str], deliver: Deliver, site: Web, database: Database
    ) -> None:
        await deliver("booking.created.v1", booking(self.START, self.END))
        site.replies["/a.ics"] = answer(of_uid(f"booking-{BOOKING}@salon.example"))
        await amina.post(f"{URL}/imports", json={"url": site.url("/a.ics")}, headers=headers)
        await refresh_due(database, LOCAL)
        assert [item["busy_times"] for item in await listed(amina, headers)] == [0]
