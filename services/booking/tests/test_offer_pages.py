"""The page of an offer: only its buttons have an effect, and its link opens that offer and nothing else."""

import asyncio
import html
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.links import OFFER, named_token
from services.booking import privacy
from services.booking.tests.conftest import (  # fmt: skip
    STYLING,
    Book,
    Caller,
    SetClock,
    SignIn,
    at,
    booking_body,
    set_rules,
)
from services.booking.tests.test_holds import end_expired_holds
from services.booking.tests.test_shared_sittings import repair
from services.booking.tests.test_waitlist import AT_TEN, offer_of, wait
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.keys import keys_for
from shared.testing.types import Outbox

__all__ = ["repair"]
LINK_KEYS = keys_for("notifications").shared_with("booking")


@pytest.fixture
async def offer(first: Caller, salon: date) -> dict[str, Any]:
    """Amina's 10:00, offered to the first customer. `address`: of its page."""
    return dict((await wait(first, salon, **AT_TEN)).json()["offer"])


@pytest.fixture
def address(offer: dict[str, Any]) -> str:
    return f"/offers/{named_token(LINK_KEYS, OFFER, UUID(offer['hold_id']))}"


def headings(page: httpx.Response) -> str:
    return page.text.partition("<h1>")[2].partition("</h1>")[0]


class TestPage:
    async def test_shows_the_time_and_until_when(
        self, client: httpx.AsyncClient, address: str, salon: date, set_clock: SetClock
    ) -> None:
        page = await client.get(address)
        assert (page.status_code, headings(page)) == (200, "Vi har en tid til dig")
        for text in ("Retwist", "Amina", "kl. 10.00–11.30", "Svar senest kl. "):
            assert text in page.text
        assert "649" in page.text.partition("Pris")[2]
        assert page.text.count("<form") == page.text.count("<button") == 2
        english = await client.get(address, headers={"Accept-Language": "en"})
        assert (headings(english), english.headers["content-language"]) == ("We have a time for you", "en")
        assert headings(await client.get(f"{address}?lang=en")) == "We have a time for you"

    async def test_is_private_and_needs_no_script(self, client: httpx.AsyncClient, address: str) -> None:
        page = await client.get(address)
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "script" not in policy + page.text
        assert " on" not in page.text.partition("<form")[2].lower().replace(" on ", "")

    async def test_changes_nothing_however_often_it_is_opened(
        self, client: httpx.AsyncClient, address: str, first: Caller, outbox: Outbox
    ) -> None:
        before = (await first.get("/waitlist")).json(), await outbox()
        for path in (address, f"{address}/decline"):
            for method in ("GET", "HEAD"):
                await client.request(method, path)
        assert ((await first.get("/waitlist")).json(), await outbox()) == before
        assert (await first.get("/bookings")).json()["items"] == []


class TestAccepting:
    async def test_books_the_time(self, client: httpx.AsyncClient, address: str, first: Caller, salon: date) -> None:
        pressed = await client.post(address)
        assert (pressed.status_code, pressed.headers["location"]) == (303, address)
        [booking] = (await first.get("/bookings")).json()["items"]
        assert (booking["start"], booking["status"]) == (at(salon, "10:00").isoformat(), "confirmed")
        [wish] = (await first.get("/waitlist")).json()["items"]
        assert (wish["status"], wish["booking_id"]) == ("accepted", booking["id"])
        page = await client.get(address)
        assert (page.status_code, headings(page)) == (200, "Tiden er din")
        assert "kl. 10.00–11.30" in page.text
        assert "<form" not in page.text

    @pytest.mark.parametrize("by_hand", [False, True])
    async def test_leads_to_the_page_of_the_booking(
        self, client: httpx.AsyncClient, address: str, salon: date, set_clock: SetClock, sign_in: SignIn, by_hand: bool
    ) -> None:
        await set_rules(sign_in, confirm_by_hand=by_hand)
        assert "/bookings/" not in (await client.get(address)).text
        await client.post(address)
        page = await client.get(f"{address}?lang=en")
        for text in ("Retwist", "Amina", "at 10:00–11:30"):
            assert text in page.text
        link = html.unescape(page.text.partition('href="')[2].partition('"')[0])
        booking = await client.get(link)
        assert (booking.status_code, headings(booking)) == (200, "Your appointment")
        assert "at 10:00–11:30" in booking.text
        await set_clock(at(salon, "11:30"))
        assert "/bookings/" not in (await client.get(address)).text

    async def test_of_a_booking_that_was_cancelled_leads_nowhere(
        self, client: httpx.AsyncClient, address: str, first: Caller
    ) -> None:
        await client.post(address)
        [booking] = (await first.get("/bookings")).json()["items"]
        await first.post(f"/bookings/{booking['id']}/cancel")
        assert "/bookings/" not in (await client.get(address)).text

    async def test_again_answers_the_same(self, client: httpx.AsyncClient, address: str, first: Caller) -> None:
        answers = await asyncio.gather(*(client.post(address) for _ in range(5)))
        answers += [await client.post(address), await client.post(f"{address}/decline")]
        assert {(answer.status_code, answer.headers["location"]) for answer in answers} == {(303, address)}
        assert len((await first.get("/bookings")).json()["items"]) == 1
        assert headings(await client.get(address)) == "Tiden er din"

    async def test_follows_the_rules_of_the_salon(
        self, client: httpx.AsyncClient, address: str, first: Caller, sign_in: SignIn
    ) -> None:
        await set_rules(sign_in, confirm_by_hand=True)
        assert "Salonen bekræfter tiden bagefter." in (await client.get(address)).text
        await client.post(address)
        assert headings(await client.get(address)) == "Vi har modtaget din booking"
        [booking] = (await first.get("/bookings")).json()["items"]
        assert booking["status"] == "pending"
        await first.post(f"/bookings/{booking['id']}/cancel")
        assert headings(await client.get(address)) == "Tiden er aflyst"

    async def test_says_why_it_is_refused_and_keeps_the_offer(
        self, client: httpx.AsyncClient, address: str, first: Caller, salon: date, sign_in: SignIn
    ) -> None:
        taken = booking_body(at(salon, "12:00"), STYLING)
        booked = (await first.post("/bookings", taken)).json()
        await set_rules(sign_in, open_bookings_per_customer=1)
        refused = await client.post(address)
        assert refused.status_code == 409
        assert "Du kan ikke have flere kommende tider." in refused.text
        assert refused.text.count("<button") == 2
        await first.post(f"/bookings/{booked['id']}/cancel")
        assert (await client.post(address)).status_code == 303

    async def test_a_shared_sitting(self, client: httpx.AsyncClient, first: Caller, salon: date, repair: UUID) -> None:
        offered = (await wait(first, salon, STYLING, repair, earliest="10:00", latest="12:00")).json()["offer"]
        address = f"/offers/{named_token(LINK_KEYS, OFFER, UUID(offered['hold_id']))}"
        assert "Jonas" in (await client.get(address)).text
        await client.post(address)
        [booking] = (await first.get("/bookings")).json()["items"]
        assert len(booking["items"]) == 2


class TestDeclining:
    async def test_offers_the_time_to_the_next_at_once(
        self, client: httpx.AsyncClient, address: str, first: Caller, sign_in: SignIn, salon: date
    ) -> None:
        second = sign_in()
        assert (await wait(second, salon, **AT_TEN)).json()["status"] == "waiting"
        for _ in range(2):
            pressed = await client.post(f"{address}/decline")
            assert (pressed.status_code, pressed.headers["location"]) == (303, address)
        assert await offer_of(first) is None
        assert await offer_of(second)
        page = await client.get(address)
        assert (page.status_code, headings(page)) == (410, "Tiden er givet videre")
        assert (await client.post(address)).status_code == 303
        assert (await first.get("/bookings")).json()["items"] == []
        assert await offer_of(second)


class TestEnded:
    async def test_an_expired_offer_cannot_be_accepted(
        self, client: httpx.AsyncClient, address: str, first: Caller, salon: date, set_clock: SetClock,
        offer: dict[str, Any], database: Database, book: Book,
    ) -> None:  # fmt: skip
        await set_clock(at(salon, "09:45"))
        for _ in range(2):
            assert (await client.post(address)).status_code == 303
            page = await client.get(address)
            assert (page.status_code, headings(page)) == (410, "Tilbuddet er udløbet")
            assert "<form" not in page.text
            await end_expired_holds(database)
        assert (await first.get("/bookings")).json()["items"] == []
        english = await client.get(address, headers={"Accept-Language": "en"})
        assert headings(english) == "The offer has expired"

    async def test_the_link_of_an_earlier_offer_opens_no_later_one(
        self, client: httpx.AsyncClient, address: str, first: Caller, salon: date, set_clock: SetClock,
        database: Database, open_on: Any, offer_freed_times: Any,
    ) -> None:  # fmt: skip
        await client.post(f"{address}/decline")
        await offer_freed_times()
        await open_on(salon, closed_for="time_off")
        await open_on(salon, ("09:00", "17:00"))
        await offer_freed_times()
        assert await offer_of(first)
        for path in (address, f"{address}/decline"):
            assert (await client.post(path)).status_code == 303
        page = await client.get(address)
        assert (page.status_code, headings(page)) == (410, "Tilbuddet gælder ikke længere")
        assert await offer_of(first)

    async def test_leaving_and_erasure_end_it(
        self, client: httpx.AsyncClient, address: str, first: Caller, database: Database
    ) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await privacy.erase(session, first.id)
        assert (await client.post(address)).status_code == 303
        page = await client.get(address)
        assert (page.status_code, headings(page)) == (410, "Tilbuddet gælder ikke længere")
        assert "Amina" not in page.text

    @pytest.mark.parametrize("path", ["", "/decline"])
    async def test_a_link_that_was_not_made_here_is_a_page_that_says_so(
        self, client: httpx.AsyncClient, address: str, first: Caller, offer: dict[str, Any], path: str,
    ) -> None:  # fmt: skip
        hold = UUID(offer["hold_id"])
        others = [
            "x", "x" * 64, address.removeprefix("/offers/")[:-1], offer["hold_id"], "æ%20ø",
            named_token(LINK_KEYS, "booking", hold), named_token(LINK_KEYS, OFFER, hold, first.id),
        ]  # fmt: skip
        for token in others:
            for method in ("GET", "POST") if not path else ("POST",):
                answer = await client.request(method, f"/offers/{token}{path}")
                assert (answer.status_code, headings(answer)) == (404, "Linket virker ikke"), token
        assert await offer_of(first)


async def test_no_event_holds_the_token(address: str, outbox: Outbox, client: httpx.AsyncClient) -> None:
    await client.post(address)
    assert address.removeprefix("/offers/") not in str(await outbox())
