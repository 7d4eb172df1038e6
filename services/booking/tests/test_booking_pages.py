"""The page of one booking, which mails link to: see, move and cancel without signing in, and nothing else."""

import html
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from icalendar import Calendar

from domain.clock import COPENHAGEN
from domain.links import BOOKING, booking_url, is_link_token, link_token, named_token
from keys.derived import Keys
from keys.services import ServiceKeys
from services.booking import privacy
from services.booking.tests.conftest import (
    AMINA,
    JONAS,
    RETWIST,
    Book,
    SetClock,
    SignIn,
    at,
    booking_body,
    set_rules,
)
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.keys import keys_for
from shared.testing.servers import SECRET_KEY
from shared.testing.types import Deliver, Outbox

KEYS = keys_for("notifications").shared_with("booking")
SALON = {"name": "Rodfæstet", "address": "Eksempelgade 12, 2200 København N", "phone": "12 34 56 78"}
Booking = dict[str, Any]


def token_of(booking: Booking) -> str:
    return link_token(KEYS, BOOKING, UUID(booking["id"]), UUID(booking["customer_id"]))


def path_of(booking: Booking) -> str:
    parts = urlsplit(booking_url("https://loctician.example", KEYS, UUID(booking["id"]), UUID(booking["customer_id"])))
    return f"{parts.path}?{parts.query}"


@pytest.fixture
async def booked(book: Book, salon: date, set_clock: SetClock) -> Booking:
    """A booking on the salon's open day at ten, three days from now."""
    answer = await book(at(salon, "10:00"), notes="privat")
    assert answer.status_code == 201, answer.text
    booking: Booking = answer.json()
    return booking


Post = Callable[..., Any]


@pytest.fixture
def press(client: httpx.AsyncClient) -> Post:
    """Presses a button of the page."""

    async def post(booking: Booking, action: str, **form: Any) -> httpx.Response:
        form = {"token": token_of(booking)} | form
        return await client.post(f"/bookings/{booking['id']}/{action}", data=form)

    return post


def times_in(page: str) -> list[datetime]:
    return [datetime.fromisoformat(value) for value in re.findall(r'<option value="([^"]+)"', page)]


def text_in(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page.partition("<main>")[2]))


def entry_in(content: bytes) -> Any:
    [entry] = Calendar.from_ical(content).walk("VEVENT")
    return entry


async def last_actor(sign_in: SignIn, booking: Booking) -> tuple[str, str]:
    change = (await sign_in("staff").get(f"/bookings/{booking['id']}/history")).json()["items"][-1]
    return change["actor_id"], change["actor_role"]


class TestShowing:
    async def test_it_shows_the_booking_and_the_salon(
        self, client: httpx.AsyncClient, booked: Booking, sign_in: SignIn, salon: date
    ) -> None:
        assert (await sign_in("staff").put("/salon", SALON, 0)).status_code == 200
        page = await client.get(path_of(booked))
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        shown = text_in(page.text)
        for expected in ("Retwist", "Amina", "kl. 10.00–11.30", "649 kr.", "Bekræftet", *SALON.values()):
            assert expected in shown
        assert "privat" not in page.text

    async def test_without_an_address_the_lines_are_left_out(self, client: httpx.AsyncClient, booked: Booking) -> None:
        shown = text_in((await client.get(path_of(booked))).text)
        assert "Sted" not in shown
        assert "Telefon" not in shown

    async def test_it_is_in_both_languages(self, client: httpx.AsyncClient, booked: Booking) -> None:
        english = await client.get(path_of(booked), headers={"Accept-Language": "en-GB"})
        assert '<html lang="en">' in english.text
        assert "at 10:00–11:30" in text_in(english.text)
        assert (await client.get(f"{path_of(booked)}&lang=en")).text == english.text
        assert '<html lang="da">' in (await client.get(path_of(booked))).text

    async def test_it_is_not_stored_not_indexed_and_sends_no_referrer(
        self, client: httpx.AsyncClient, booked: Booking
    ) -> None:
        for path in (path_of(booked), f"/bookings/{booked['id']}?token=wrong", path_of(booked).replace("?", ".ics?")):
            headers = (await client.get(path)).headers
            assert headers["cache-control"] == "no-store"
            assert headers["x-robots-tag"].startswith("noindex")
        headers = (await client.get(path_of(booked))).headers
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none';")
        assert "script-src" not in headers["content-security-policy"]

    async def test_looking_changes_nothing(
        self, client: httpx.AsyncClient, booked: Booking, outbox: Outbox, sign_in: SignIn
    ) -> None:
        before = len(await outbox())
        page = await client.get(path_of(booked))
        for link in re.findall(r'href="(/[^"]+)"', page.text):
            assert (await client.get(html.unescape(link))).status_code == 200
        for action in ("cancel", "move"):
            answer = await client.get(f"/bookings/{booked['id']}/{action}?token={token_of(booked)}")
            assert answer.status_code == 405
        assert len(await outbox()) == before
        assert (await sign_in("staff").get(f"/bookings/{booked['id']}")).json()["version"] == 1

    async def test_what_the_salon_wrote_is_shown_as_text(
        self, client: httpx.AsyncClient, booked: Booking, sign_in: SignIn
    ) -> None:
        reason = "Amina er <b>syg</b> & ked af det"
        await sign_in("staff").post(f"/bookings/{booked['id']}/cancel", {"reason": reason})
        page = (await client.get(path_of(booked))).text
        assert reason in text_in(page)
        assert "<b>" not in page
        assert "Aflyst" in text_in(page)
        assert "<form" not in page


class TestLinks:
    async def test_only_the_bookings_own_token_opens_it(
        self, client: httpx.AsyncClient, booked: Booking, book: Book, salon: date
    ) -> None:
        other = (await book(at(salon, "13:00"), customer=UUID(booked["customer_id"]))).json()
        booking_id, customer_id = UUID(booked["id"]), UUID(booked["customer_id"])
        wrong = {
            "of the same customer's other booking": token_of(other),
            "of another customer": link_token(KEYS, BOOKING, booking_id, uuid4()),
            "for something else": link_token(KEYS, "offer", booking_id, customer_id),
            "with the ids exchanged": link_token(KEYS, BOOKING, customer_id, booking_id),
            "of another key": link_token(
                Keys("another secret of at least 32 characters"), BOOKING, booking_id, customer_id
            ),
            "of the service alone": link_token(keys_for("booking"), BOOKING, booking_id, customer_id),
            "with the id in it": named_token(KEYS, BOOKING, booking_id, customer_id),
            "cut short": token_of(booked)[:-1],
            "longer": token_of(booked) + "A",
            "empty": "",
            "not base64": "%" * 43,
            "not ASCII": "æ" * 43,
        }
        for name, token in wrong.items():
            for path in (f"/bookings/{booked['id']}", f"/bookings/{booked['id']}.ics"):
                answer = await client.get(path, params={"token": token})
                assert answer.status_code == 404, name
                assert answer.headers["content-type"].startswith("text/html"), name
            for action in ("cancel", "move"):
                form = {"token": token, "version": "1", "start": at(salon, "14:00").isoformat()}
                answer = await client.post(f"/bookings/{booked['id']}/{action}", data=form)
                assert answer.status_code == 404, name
        page = await client.get(path_of(booked))
        assert "Bekræftet" in text_in(page.text)
        assert other["id"] not in page.text

    @pytest.mark.parametrize("id_", [str(UUID(int=99)), "1", "holds", "rules", "%00x", "' OR 1=1"])
    async def test_a_wrong_address_is_a_page_that_says_so(self, client: httpx.AsyncClient, id_: str) -> None:
        answer = await client.get(f"/bookings/{id_}?token={'A' * 43}")
        assert answer.status_code in {404, 422}

    async def test_a_token_of_the_previous_key_still_opens(self, booked: Booking) -> None:
        ids = UUID(booked["id"]), UUID(booked["customer_id"])
        new = "a new secret key, of at least 32 characters"
        rotated, later = (ServiceKeys.from_root("booking", new, previous) for previous in (SECRET_KEY, None))
        assert is_link_token(rotated.shared_with("notifications"), token_of(booked), BOOKING, *ids)
        assert not is_link_token(later.shared_with("notifications"), token_of(booked), BOOKING, *ids)

    async def test_it_ends_with_the_day_after_the_appointment(
        self, client: httpx.AsyncClient, booked: Booking, salon: date, set_clock: SetClock, press: Post
    ) -> None:
        midnight = datetime.combine(salon + timedelta(days=2), datetime.min.time(), COPENHAGEN)
        await set_clock(midnight - timedelta(minutes=1))
        page = await client.get(path_of(booked))
        assert page.status_code == 200
        assert "<form" not in page.text
        await set_clock(midnight)
        for path in (path_of(booked), path_of(booked).replace("?", ".ics?")):
            answer = await client.get(path)
            assert answer.status_code == 410
            assert "udløbet" in answer.text
            assert "Retwist" not in answer.text
        assert (await press(booked, "cancel")).status_code == 410

    async def test_it_ends_with_the_account(
        self, client: httpx.AsyncClient, booked: Booking, database: Database, press: Post
    ) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await privacy.erase(session, UUID(booked["customer_id"]))
        assert (await client.get(path_of(booked))).status_code == 404
        assert (await press(booked, "cancel")).status_code == 404

    async def test_a_walk_in_has_no_link(
        self, client: httpx.AsyncClient, sign_in: SignIn, salon: date, booked: Booking, outbox: Outbox
    ) -> None:
        body = booking_body(at(salon, "13:00"), walk_in={"name": "Jonas"})
        guest = (await sign_in("staff").post("/bookings", body)).json()
        customer = next(row["data"] for row in await outbox() if row["data"].get("booking_id") == guest["id"])
        token = link_token(KEYS, BOOKING, UUID(guest["id"]), UUID(customer["customer_id"]))
        assert (await client.get(f"/bookings/{guest['id']}?token={token}")).status_code == 404


class TestCancelling:
    async def test_the_button_cancels_as_the_customer(
        self, client: httpx.AsyncClient, booked: Booking, press: Post, outbox: Outbox, sign_in: SignIn
    ) -> None:
        answer = await press(booked, "cancel")
        assert answer.status_code == 303
        back = urlsplit(answer.headers["location"])
        assert (back.netloc, back.path) == ("", f"/bookings/{booked['id']}")
        assert parse_qs(back.query)["token"] == [token_of(booked)]
        [event] = [row for row in await outbox() if row["type"] == "booking.cancelled.v1"]
        assert event["data"]["reason"] == "by_customer"
        assert await last_actor(sign_in, booked) == (booked["customer_id"], "customer")
        page = text_in((await client.get(answer.headers["location"])).text)
        assert "Din tid er aflyst." in page
        assert "Aflyst" in page

    async def test_a_second_press_says_that_it_is_cancelled(self, booked: Booking, press: Post) -> None:
        assert (await press(booked, "cancel")).status_code == 303
        again = await press(booked, "cancel")
        assert again.status_code == 409
        assert "Aflyst" in text_in(again.text)

    async def test_it_is_possible_within_the_window_but_not_after_the_start(
        self, client: httpx.AsyncClient, booked: Booking, press: Post, salon: date, set_clock: SetClock
    ) -> None:
        await set_clock(at(salon, "10:00").astimezone(UTC) - timedelta(hours=23))
        page = (await client.get(path_of(booked))).text
        assert "/move" not in page
        assert "/cancel" in page
        moved = await press(booked, "move", version="1", start=at(salon, "14:00").isoformat())
        assert moved.status_code == 409
        assert "for sent at flytte" in text_in(moved.text)
        await set_clock(at(salon, "10:01"))
        assert "<form" not in (await client.get(path_of(booked))).text
        assert (await press(booked, "cancel")).status_code == 409
        await set_clock(at(salon, "09:59"))
        assert (await press(booked, "cancel")).status_code == 303


class TestMoving:
    async def test_each_time_that_the_page_offers_can_be_chosen(
        self, client: httpx.AsyncClient, booked: Booking, press: Post, outbox: Outbox, sign_in: SignIn
    ) -> None:
        page = (await client.get(path_of(booked))).text
        offered = times_in(page)
        assert len(offered) > 5
        assert datetime.fromisoformat(booked["start"]) not in offered
        version = re.findall(r'name="version" value="(\d+)"', page)[0]
        answer = await press(booked, "move", version=version, start=offered[-1].isoformat())
        assert answer.status_code == 303
        [event] = [row for row in await outbox() if row["type"] == "booking.rescheduled.v1"]
        assert datetime.fromisoformat(event["data"]["start"]) == offered[-1]
        assert await last_actor(sign_in, booked) == (booked["customer_id"], "customer")
        shown = text_in((await client.get(answer.headers["location"])).text)
        assert "Din tid er flyttet." in shown
        assert offered[-1].astimezone(COPENHAGEN).strftime("kl. %H.%M") in shown

    async def test_where_the_salon_confirms_by_hand_a_moved_booking_waits_for_it(
        self, client: httpx.AsyncClient, booked: Booking, press: Post, salon: date, sign_in: SignIn
    ) -> None:
        await set_rules(sign_in, confirm_by_hand=True)
        answer = await press(booked, "move", version="1", start=at(salon, "14:00").isoformat())
        page = text_in((await client.get(answer.headers["location"])).text)
        assert "Afventer, at salonen bekræfter" in page
        assert "Salonen skal bekræfte den, før den er din." in page
        assert (await sign_in("staff").post(f"/bookings/{booked['id']}/confirm")).status_code == 200
        page = text_in((await client.get(answer.headers["location"])).text)
        assert "Bekræftet" in page
        assert "før den er din" not in page

    async def test_a_taken_time_is_refused_on_the_page(
        self, client: httpx.AsyncClient, booked: Booking, press: Post, book: Book, salon: date
    ) -> None:
        assert (await book(at(salon, "14:00"))).status_code == 201
        answer = await press(booked, "move", version="1", start=at(salon, "14:00").isoformat())
        assert answer.status_code == 409
        assert "lige blevet taget" in text_in(answer.text)
        assert at(salon, "14:00").astimezone(UTC) not in times_in(answer.text)

    async def test_a_page_from_before_the_salons_change_moves_nothing(
        self, booked: Booking, press: Post, sign_in: SignIn, salon: date
    ) -> None:
        staff = sign_in("staff")
        changed = await staff.put(f"/bookings/{booked['id']}", {"start": at(salon, "12:00").isoformat()}, 1)
        assert changed.status_code == 200
        answer = await press(booked, "move", version="1", start=at(salon, "14:00").isoformat())
        assert answer.status_code == 412
        assert "kl. 12.00" in text_in(answer.text)
        assert (await staff.get(f"/bookings/{booked['id']}")).json()["version"] == 2

    @pytest.mark.parametrize(
        "start", ["", "i morgen", "2026-02-30T10:00:00Z", "10:00", "1893456000", "0001-01-01T00:00:00+23:59", "9" * 40]
    )
    async def test_what_is_no_time_is_refused_on_the_page(self, booked: Booking, press: Post, start: str) -> None:
        answer = await press(booked, "move", version="1", start=start)
        assert answer.status_code == 422
        assert answer.headers["content-type"].startswith("text/html")
        assert "Vælg en af de ledige tider" in text_in(answer.text)

    @pytest.mark.parametrize("version", ["", "-1", "1.0", "²", "99999999999"])
    async def test_a_version_that_the_page_did_not_show_moves_nothing(
        self, booked: Booking, press: Post, version: str, salon: date
    ) -> None:
        answer = await press(booked, "move", version=version, start=at(salon, "14:00").isoformat())
        assert answer.status_code in {412, 422}

    async def test_later_times_are_a_link_away_and_any_other_day_is_today(
        self, client: httpx.AsyncClient, booked: Booking, salon: date
    ) -> None:
        page = (await client.get(path_of(booked))).text
        later = html.unescape(re.findall(r'href="([^"]+from=[^"]+)"', page)[-1])
        after = (await client.get(later)).text
        assert times_in(after) == []
        assert "ingen ledige tider" in text_in(after)
        for since in ("x", "0001-01-01", "9999-12-31", "1893456000"):
            assert (await client.get(f"{path_of(booked)}&from={since}")).status_code == 200

    async def test_it_moves_nothing_else(
        self, client: httpx.AsyncClient, booked: Booking, press: Post, salon: date, sign_in: SignIn
    ) -> None:
        """Fields that the form does not have are not taken."""
        form = {"version": "1", "start": at(salon, "14:00").isoformat(), "loctician_id": str(JONAS), "notes": "andet"}
        await press(booked, "move", **form)
        now = (await sign_in("staff").get(f"/bookings/{booked['id']}")).json()
        assert [item["loctician_id"] for item in now["items"]] == [str(AMINA)]
        assert [item["service_id"] for item in now["items"]] == [str(RETWIST)]
        assert now["notes"] == "privat"


class TestFile:
    async def test_it_has_the_entry_of_the_invitations(
        self, client: httpx.AsyncClient, booked: Booking, sign_in: SignIn
    ) -> None:
        assert (await sign_in("staff").put("/salon", SALON, 0)).status_code == 200
        answer = await client.get(path_of(booked).replace("?", ".ics?"))
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        event = entry_in(answer.content)
        assert event["uid"] == f"booking-{booked['id']}@loctician.example"
        assert (event["sequence"], event["status"], event["summary"]) == (1, "CONFIRMED", "Retwist")
        assert event["dtstart"].dt == datetime.fromisoformat(booked["start"])
        assert event["dtend"].dt == datetime.fromisoformat(booked["end"])
        assert event["location"] == "Rodfæstet, Eksempelgade 12, 2200 København N"
        assert token_of(booked) not in answer.text

    async def test_a_cancelled_booking_is_cancelled_in_it(
        self, client: httpx.AsyncClient, booked: Booking, press: Post
    ) -> None:
        await press(booked, "cancel")
        answer = await client.get(path_of(booked).replace("?", ".ics?"))
        event = entry_in(answer.content)
        assert (event["sequence"], event["status"]) == (2, "CANCELLED")

    async def test_a_pending_booking_is_tentative(
        self, client: httpx.AsyncClient, book: Book, salon: date, sign_in: SignIn
    ) -> None:
        await set_rules(sign_in, confirm_by_hand=True)
        pending = (await book(at(salon, "10:00"))).json()
        answer = await client.get(path_of(pending).replace("?", ".ics?"))
        event = entry_in(answer.content)
        assert event["status"] == "TENTATIVE"
        page = text_in((await client.get(path_of(pending))).text)
        assert "Afventer" in page
        assert "Salonen skal bekræfte den nye tid." in page


class TestDeactivated:
    async def test_the_link_of_a_deactivated_customer_opens_nothing(
        self, client: httpx.AsyncClient, booked: Booking, deliver: Deliver, press: Post
    ) -> None:
        person = {"user_id": booked["customer_id"], "email": "x@example.com", "full_name": "X", "phone": None}
        person |= {"language": "da", "role": "customer", "email_verified": True, "active": False}
        await deliver("user.deactivated.v1", person, version=2)
        assert (await client.get(path_of(booked))).status_code == 404
        assert (await press(booked, "cancel")).status_code == 404
