"""Somebody without an account asks for a time: a mail arrives, and the button behind its link books and signs in."""

import re
from functools import partial
from uuid import uuid4

import httpx
import pytest

from shared.http.browsers import COOKIE
from shared.testing.browsers import be_browser
from tests.e2e.salon import Json, free_slots, mails_to, text_of
from tests.e2e.stack import Stack, eventually

LINK, CODE = re.compile(r"/sign-in/[\w-]+"), re.compile(r"\b(\d{3} \d{3})\b")
REFRESH = "__Host-loctician-refresh"


async def asked(http: httpx.AsyncClient, address: str) -> Json:
    """A request for a free time, without any hold before it."""
    service_id = (await http.get("/api/v1/services")).json()["items"][0]["id"]
    slots = await eventually(lambda: free_slots(http, service_id), bool, "free slots")
    body = {"service_ids": [service_id], "loctician_id": slots[-1]["loctician_id"], "start": slots[-1]["start"]}
    person = {"full_name": "Sofie Ærø", "email": address, "language": "da"}
    key = {"Idempotency-Key": uuid4().hex}
    answer = await http.post("/api/v1/bookings/requests", json=body | person, headers=key)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def mailed(stack: Stack, address: str) -> str:
    async def bodies() -> list[str]:
        return [text_of(mail) for mail in mails_to(stack.mail, address) if "Bekræft din tid" in str(mail["subject"])]

    return (await eventually(bodies, bool, f"the mail to {address}", 30.0))[-1]


async def state(http: httpx.AsyncClient, request: Json) -> Json:
    secret = {"X-Request-Secret": request["secret"]}
    return dict((await http.get(f"/api/v1/bookings/requests/{request['id']}", headers=secret)).json())


@pytest.mark.slow
class TestBookingWithoutAccount:
    async def test_the_button_of_the_mail_books_and_signs_in(self, stack: Stack) -> None:
        address = f"sofie-{uuid4().hex[:8]}@example.com"
        async with (
            httpx.AsyncClient(base_url=stack.url, timeout=10) as http,
            httpx.AsyncClient(base_url=stack.url, timeout=10) as scanner,
        ):
            be_browser(http)
            request = await asked(http, address)
            assert (await state(http, request))["status"] == "waiting"
            page = LINK.findall(await mailed(stack, address))[0]
            for method in ("GET", "HEAD"):
                await scanner.request(method, page)
            assert (await state(http, request))["status"] == "waiting", "a mail scanner books nothing"
            pressed = await http.post(page)
            assert REFRESH in pressed.headers.get("set-cookie", ""), pressed.text
            booked = await eventually(
                partial(state, http, request), lambda now: now["status"] != "waiting", "the booking"
            )
            assert booked["status"] == "booked", booked
            refresh = re.findall(rf"{REFRESH}=([\w-]+)", pressed.headers["set-cookie"])[0]
            tokens = await http.post("/api/v1/auth/refresh", json={"refresh_token": refresh})
            signed_in = {"Authorization": f"Bearer {tokens.json()['access_token']}"}
            found = await http.get(f"/api/v1/bookings/{booked['booking_id']}", headers=signed_in)
            assert found.status_code == 200, found.text
            assert (await http.post(page)).status_code == 404

    async def test_the_code_of_the_mail_does_it_where_it_was_asked(self, stack: Stack) -> None:
        address = f"kode-{uuid4().hex[:8]}@example.com"
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
            be_browser(http)
            request = await asked(http, address)
            code = CODE.findall(await mailed(stack, address))[0]
            cookie = http.cookies[COOKIE]
            be_browser(http)
            assert (await http.post("/api/v1/auth/login-code", json={"code": code})).status_code == 401
            http.cookies.set(COOKIE, cookie)
            answer = await http.post("/api/v1/auth/login-code", json={"code": code})
            assert answer.status_code == 200, answer.text
            await eventually(partial(state, http, request), lambda now: now["status"] == "booked", "the booking")
