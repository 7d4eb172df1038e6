"""Calendar feeds: what they show, their text, and their tokens."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from services.calendar.feeds import ics_writer
from services.calendar.tests.conftest import AMINA, CUSTOMER, JONAS, TREATMENT, user_state
from services.calendar.tests.feeds import NAMED, TREATED, at, booked, read_back, span
from services.calendar.tests.feeds import events_in as read_events
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Deliver, Headers, Outbox

Make = Callable[..., Awaitable[str]]
HOSTILE = "Locs\r\nEND:VEVENT\rBEGIN:VALARM\nATTENDEE:mailto:evil@example.com\u2028X-EVIL:1\x0b;,\\"


@pytest.fixture
def make(client: httpx.AsyncClient, auth_headers: Headers) -> Make:
    """Creates a feed of a person and returns its path."""

    async def create(role: str, owner: UUID, **headers: str) -> str:
        url = f"/api/v1/calendar/{owner}/feed"
        answer = await client.post(url, headers=auth_headers(role, owner) | headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["url"]).partition("//")[2].partition("/")[2]

    return create


async def events_in(client: httpx.AsyncClient, path: str) -> list[Any]:
    answer = await client.get(f"/{path}")
    assert answer.status_code == 200, answer.text
    return read_events(answer.content)


class TestFeeds:
    async def test_a_locticians_feed_shows_appointments_and_no_customer(
        self, client: httpx.AsyncClient, make: Make, deliver: Deliver
    ) -> None:
        await deliver("treatment.created.v1", TREATED)
        await deliver("loctician.updated.v1", NAMED)
        taken = booked(at(2))
        await deliver("booking.created.v1", taken)
        answer = await client.get(f"/{await make('loctician', AMINA)}")
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        assert answer.headers["cache-control"] == "private, max-age=300"
        (event,) = read_events(answer.content)
        assert str(event["summary"]) == f"Vask og retwist · {taken['booking_id'].replace('-', '')[-8:].upper()}"
        assert (event["status"], event["sequence"]) == ("CONFIRMED", 1)
        assert str(event["uid"]) == f"{taken['items'][0]['item_id']}@loctician.example"
        assert str(CUSTOMER) not in answer.text
        assert "X-WR-CALNAME:Loctician: Aftaler Amina Ærø" in answer.text
        assert read_back(answer.content) == [span(taken)]

    async def test_a_customers_feed_shows_own_bookings_in_the_customers_language(
        self, client: httpx.AsyncClient, make: Make, deliver: Deliver
    ) -> None:
        await deliver("treatment.created.v1", TREATED)
        await deliver("loctician.updated.v1", NAMED)
        await deliver("user.registered.v1", user_state(CUSTOMER, language="en"))
        await deliver("booking.created.v1", booked(at(2)))
        await deliver("booking.created.v1", booked(at(3), customer=uuid4()))
        path = await make("customer", CUSTOMER)
        (event,) = await events_in(client, path)
        assert str(event["summary"]) == "Wash and retwist · Amina Ærø"
        await deliver("user.updated.v1", user_state(CUSTOMER, version=2))
        await deliver("treatment.updated.v1", TREATED | {"version": 2, "translations": {"da": {"name": "Retwist"}}})
        (event,) = await events_in(client, path)
        assert str(event["summary"]) == "Retwist · Amina Ærø"

    async def test_a_changed_booking_keeps_its_uid_and_increments_its_sequence(
        self, client: httpx.AsyncClient, make: Make, deliver: Deliver
    ) -> None:
        path, same = await make("loctician", AMINA), {"booking_id": uuid4(), "item_id": uuid4()}
        await deliver("booking.created.v1", booked(at(2), status="pending", **same))  # type: ignore[arg-type]
        (first,) = await events_in(client, path)
        await deliver("booking.rescheduled.v1", booked(at(3), version=4, **same))  # type: ignore[arg-type]
        (second,) = await events_in(client, path)
        assert (first["status"], second["status"]) == ("TENTATIVE", "CONFIRMED")
        assert first["uid"] == second["uid"]
        assert (first["sequence"], second["sequence"]) == (1, 4)
        assert second["dtstart"].dt == at(3)
        assert second["last-modified"].dt >= first["last-modified"].dt

    async def test_a_cancelled_appointment_is_shown_as_cancelled_for_a_month(
        self, client: httpx.AsyncClient, make: Make, deliver: Deliver, database: Database
    ) -> None:
        path, same = await make("loctician", AMINA), {"booking_id": uuid4(), "item_id": uuid4()}
        await deliver("booking.created.v1", booked(at(2), **same))  # type: ignore[arg-type]
        cancelled = booked(at(2), version=2, status="cancelled", **same)  # type: ignore[arg-type]
        await deliver("booking.cancelled.v1", cancelled)
        (event,) = await events_in(client, path)
        assert (event["status"], event["sequence"], str(event["summary"])[:8]) == ("CANCELLED", 2, "Aflyst: ")
        assert read_back((await client.get(f"/{path}")).content) == []
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text("UPDATE calendar.appointments SET changed_at = now() - interval '31 days'"))
        assert await events_in(client, path) == []

    async def test_an_item_that_a_booking_no_longer_has_is_cancelled(
        self, client: httpx.AsyncClient, make: Make, deliver: Deliver
    ) -> None:
        path, booking_id = await make("loctician", AMINA), uuid4()
        await deliver("booking.created.v1", booked(at(2), booking_id=booking_id))
        await deliver("booking.rescheduled.v1", booked(at(2), booking_id=booking_id, version=2))
        sequences = {str(event["status"]): event["sequence"] for event in await events_in(client, path)}
        assert sequences == {"CANCELLED": 2, "CONFIRMED": 2}

    async def test_appointments_that_are_long_past_are_left_out(
        self, client: httpx.AsyncClient, make: Make, deliver: Deliver
    ) -> None:
        path = await make("loctician", AMINA)
        for days in (-91, -89, 399, 401):
            await deliver("booking.created.v1", booked(at(days)))
        assert [event["dtstart"].dt for event in await events_in(client, path)] == [at(-89), at(399)]

    async def test_an_unchanged_feed_is_304(self, client: httpx.AsyncClient, make: Make, deliver: Deliver) -> None:
        path = await make("loctician", AMINA)
        first = await client.get(f"/{path}")
        seen = {"If-None-Match": first.headers["etag"]}
        again = await client.get(f"/{path}", headers=seen)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert (
            await client.get(f"/{path}", headers={"If-None-Match": f"W/{first.headers['etag']}"})
        ).status_code == 304
        await deliver("booking.created.v1", booked(at(2)))
        changed = await client.get(f"/{path}", headers=seen)
        assert changed.status_code == 200
        assert changed.headers["etag"] != first.headers["etag"]

    async def test_a_condition_is_answered_as_http_says(
        self, client: httpx.AsyncClient, make: Make, deliver: Deliver
    ) -> None:
        path = f"/{await make('loctician', AMINA)}"
        first = (await client.get(path)).headers
        tag, modified = first["etag"], first["last-modified"]
        instant = parsedate_to_datetime(modified)
        earlier, later = (format_datetime(instant + timedelta(days=days), usegmt=True) for days in (-1, 1))
        conditions = [
            ({"If-None-Match": "*"}, 304),
            ({"If-None-Match": f'"other", W/{tag}'}, 304),
            ({"If-None-Match": '"other"'}, 200),
            ({"If-Modified-Since": modified}, 304),
            ({"If-Modified-Since": later}, 304),
            ({"If-Modified-Since": earlier}, 200),
            ({"If-Modified-Since": instant.strftime("%A, %d-%b-%y %H:%M:%S GMT")}, 304),  # RFC 850
            ({"If-Modified-Since": instant.strftime("%a %b %d %H:%M:%S %Y")}, 304),  # asctime()
            ({"If-Modified-Since": "yesterday"}, 200),
            ({"If-Modified-Since": ""}, 200),
            ({"If-None-Match": '"other"', "If-Modified-Since": later}, 200),
            ({"If-None-Match": tag, "If-Modified-Since": earlier}, 304),
        ]
        for headers, status in conditions:
            answer = await client.get(path, headers=headers)
            assert answer.status_code == status, headers
            assert (answer.headers["etag"], answer.headers["last-modified"]) == (tag, modified)
            assert bool(answer.content) == (status == 200)
            head = await client.head(path, headers=headers)
            assert head.status_code == status
            assert (head.headers["etag"], head.headers["last-modified"]) == (tag, modified)
        unknown = path.replace(".ics", "x.ics")
        assert (await client.get(unknown, headers={"If-None-Match": "*"})).status_code == 404

    @pytest.mark.parametrize(
        ("type_", "data"),
        [
            ("booking.created.v1", booked(at(2))),
            ("treatment.created.v1", TREATED),
            ("loctician.updated.v1", NAMED),
            ("salon.updated.v1", {"name": "Rodfæstet", "address": "Eksempelgade 12"}),
        ],
    )
    async def test_whatever_changes_the_content_is_later(
        self, client: httpx.AsyncClient, make: Make, deliver: Deliver, type_: str, data: dict[str, Any]
    ) -> None:
        path = f"/{await make('loctician', AMINA)}"
        await deliver("booking.created.v1", booked(at(3)))
        first = await client.get(path)
        await deliver(type_, data)
        seen = {"If-Modified-Since": first.headers["last-modified"]}
        changed = await client.get(path, headers=seen)
        assert changed.status_code == 200
        assert changed.content != first.content
        seen = {"If-Modified-Since": changed.headers["last-modified"]}
        assert (await client.get(path, headers=seen)).status_code == 304

    async def test_an_entry_has_the_salons_name_and_address(
        self, client: httpx.AsyncClient, make: Make, deliver: Deliver
    ) -> None:
        path = await make("customer", CUSTOMER)
        await deliver("booking.created.v1", booked(at(2)))
        [event] = await events_in(client, path)
        assert "location" not in event
        await deliver("salon.updated.v1", {"name": "Rodfæstet", "address": "Eksempelgade 12, 2200 København N"})
        [event] = await events_in(client, path)
        assert event["location"] == "Rodfæstet, Eksempelgade 12, 2200 København N"


class TestText:
    async def test_a_hostile_name_cannot_add_properties(
        self, client: httpx.AsyncClient, make: Make, deliver: Deliver
    ) -> None:
        names = {"da": {"name": HOSTILE}, "en": {"name": HOSTILE}}
        await deliver("treatment.created.v1", TREATED | {"translations": names})
        await deliver("loctician.updated.v1", NAMED | {"display_name": HOSTILE})
        await deliver("booking.created.v1", booked(at(2)))
        for path in (await make("loctician", AMINA), await make("customer", CUSTOMER)):
            content = (await client.get(f"/{path}")).content
            unfolded = content.replace(b"\r\n ", b"")
            lines = [line.partition(b":")[0].partition(b";")[0] for line in unfolded.split(b"\r\n")]
            assert lines.count(b"BEGIN") == lines.count(b"END") == 5  # calendar, zone and its two halves, event
            assert not {b"ATTENDEE", b"X-EVIL"} & set(lines)
            assert b"\x0b" not in content
            assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")

    def test_lines_are_folded_at_75_octets_and_never_within_a_character(self) -> None:
        row = {
            "item_id": uuid4(), "booking_id": uuid4(), "treatment_id": TREATMENT, "loctician_id": AMINA, "version": 1,
            "starts_at": at(1), "ends_at": at(1, 11), "status": "confirmed", "changed_at": at(0),
        }  # fmt: skip
        content = ics_writer.write("loctician", [row], {TREATMENT: "Ærøskøbing æblegrød " * 20}, "da", AMINA)
        lines = content.split(b"\r\n")
        assert max(len(line) for line in lines) <= 75
        assert all(line.decode() is not None for line in lines)
        (event,) = read_events(content)
        assert str(event["summary"]).startswith(("Ærøskøbing æblegrød " * 20).strip())


class TestTokens:
    async def test_the_token_is_shown_once_and_stored_as_a_hash(
        self, client: httpx.AsyncClient, auth_headers: Headers, database: Database, outbox: Outbox
    ) -> None:
        headers = auth_headers("loctician", AMINA) | {"Idempotency-Key": "feed"}
        url = f"/api/v1/calendar/{AMINA}/feed"
        created = (await client.post(url, headers=headers)).json()
        assert created["url"].endswith(f"/api/v1/calendar/feeds/{created['token']}.ics")
        assert len(created["token"]) == 43
        shown = await client.get(url, headers=headers)
        assert shown.json() == {name: created[name] for name in ("id", "kind", "created_at")}
        async with transaction(database, SERVICE_CLAIMS) as session:
            stored = [
                str((await session.execute(text(f"SELECT CAST(t AS text) FROM calendar.{table} t"))).all())
                for table in ("feeds", "idempotency_keys", "outbox")
            ]
        assert created["token"] not in "".join(stored)
        assert [event["type"] for event in await outbox()] == ["calendar.feed_created.v1"]
        assert (await client.post(url, headers=headers)).json() == created

    async def test_a_new_address_replaces_the_old_one(self, client: httpx.AsyncClient, make: Make) -> None:
        first, second = await make("loctician", AMINA), await make("loctician", AMINA)
        assert (await client.get(f"/{first}")).status_code == 404
        assert (await client.get(f"/{second}")).status_code == 200

    async def test_a_revoked_address_is_404(
        self, client: httpx.AsyncClient, make: Make, auth_headers: Headers, outbox: Outbox
    ) -> None:
        path, url, headers = (
            await make("customer", CUSTOMER),
            f"/api/v1/calendar/{CUSTOMER}/feed",
            auth_headers("customer", CUSTOMER),
        )
        assert (await client.delete(url, headers=auth_headers("staff"))).status_code == 404
        assert (await client.delete(url, headers=headers)).status_code == 204
        assert (await client.get(f"/{path}")).status_code == 404
        assert (await client.get(url, headers=headers)).status_code == 404
        assert (await client.delete(url, headers=headers)).status_code == 404
        assert (await outbox())[-1]["type"] == "calendar.feed_revoked.v1"

    @pytest.mark.parametrize("change", [{"active": False}, {"role": "customer"}])
    async def test_a_feed_is_revoked_when_the_person_is_deactivated_or_no_longer_works_here(
        self, change: dict[str, Any], client: httpx.AsyncClient, make: Make, deliver: Deliver
    ) -> None:
        path = await make("loctician", AMINA)
        await deliver("user.updated.v1", user_state(AMINA, version=1, role="loctician"))
        await deliver("user.role_changed.v1", user_state(AMINA, version=2, role="staff"))
        assert (await client.get(f"/{path}")).status_code == 200
        await deliver("user.updated.v1", user_state(AMINA, version=3, role="staff") | change)
        assert (await client.get(f"/{path}")).status_code == 404

    async def test_a_strangers_feed_is_revoked_when_the_owner_has_proven_the_address(
        self, client: httpx.AsyncClient, make: Make, deliver: Deliver
    ) -> None:
        path = await make("customer", CUSTOMER)
        state = user_state(CUSTOMER, version=2, role="customer")
        await deliver("user.verified.v1", state | {"reset": False})
        assert (await client.get(f"/{path}")).status_code == 200
        await deliver("user.verified.v1", state | {"reset": True})
        assert (await client.get(f"/{path}")).status_code == 404

    async def test_a_late_event_does_not_revoke_the_feed_of_a_person_who_came_back(
        self, client: httpx.AsyncClient, make: Make, deliver: Deliver
    ) -> None:
        await deliver("user.reactivated.v1", user_state(AMINA, version=3, role="loctician"))
        path = await make("loctician", AMINA)
        await deliver("user.deactivated.v1", user_state(AMINA, version=2, role="loctician", active=False))
        assert (await client.get(f"/{path}")).status_code == 200

    @pytest.mark.parametrize(
        "token", ["x", "A" * 43, "A" * 44, "..%2f..%2fetc", "%27%20OR%201=1", "æ" * 43, "A" * 42 + "%0a"]
    )
    async def test_an_unknown_token_is_404(self, token: str, client: httpx.AsyncClient, make: Make) -> None:
        await make("loctician", AMINA)
        assert (await client.get(f"/api/v1/calendar/feeds/{token}.ics")).status_code == 404

    async def test_nobody_creates_a_feed_of_another_person(
        self, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        url = f"/api/v1/calendar/{AMINA}/feed"
        for method in ("POST", "GET", "DELETE"):
            for headers in (auth_headers("loctician", JONAS), auth_headers("customer", CUSTOMER)):
                assert (await client.request(method, url, headers=headers)).status_code == 404
            assert (await client.request(method, url)).status_code == 401

    async def test_the_salon_creates_feeds_of_locticians_and_never_of_customers(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver
    ) -> None:
        await deliver("booking.created.v1", booked(at(2)))
        kinds = {}
        for owner in (AMINA, CUSTOMER):
            answer = await client.post(f"/api/v1/calendar/{owner}/feed", headers=auth_headers("staff"))
            assert answer.json()["kind"] == "loctician"
            kinds[owner] = len(await events_in(client, f"api/v1/calendar/feeds/{answer.json()['token']}.ics"))
        assert kinds == {AMINA: 1, CUSTOMER: 0}


class TestBounds:
    async def test_a_feed_has_at_most_two_thousand_events(
        self, client: httpx.AsyncClient, make: Make, database: Database
    ) -> None:
        start = datetime.now(UTC) + timedelta(days=1)
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(
                text(
                    "INSERT INTO calendar.appointments SELECT gen_random_uuid(), gen_random_uuid(), :amina, :customer,"
                    " :treatment, CAST(:start AS timestamptz) + n * interval '1 minute',"
                    " CAST(:start AS timestamptz) + (n + 1) * interval '1 minute', 'confirmed', 1, now()"
                    " FROM generate_series(1, 2001) n"
                ),
                {"amina": AMINA, "customer": CUSTOMER, "treatment": TREATMENT, "start": start},
            )
        answer = await client.get(f"/{await make('loctician', AMINA)}")
        assert answer.content.count(b"BEGIN:VEVENT") == 2000
