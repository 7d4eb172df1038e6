"""The cookie that tells browsers apart before anybody has signed in."""

import hashlib
import string
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import httpx
import pytest
from fastapi import FastAPI, Response

from shared.http.browsers import COOKIE, BrowserDep, set_browser_cookie


async def hold(browser: BrowserDep, response: Response) -> dict[str, str | bool]:
    set_browser_cookie(response, browser)
    return {"digest": browser.digest.hex(), "new": browser.new, "shown": repr(browser)}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.post("/hold")(hold)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_a_browser_gets_a_cookie_once_and_is_known_by_it(client: httpx.AsyncClient) -> None:
    first = await client.post("/hold")
    cookie = SimpleCookie(first.headers["set-cookie"])[COOKIE]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "lax")
    assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/", "", "31536000")
    digest = hashlib.sha256(urlsafe_b64decode(cookie.value + "=")).hexdigest()
    assert (first.json()["digest"], first.json()["new"]) == (digest, True)
    again = await client.post("/hold", headers={"Cookie": f"a=1; {COOKIE}={cookie.value}"})
    assert (again.json()["digest"], again.json()["new"]) == (digest, False)
    assert "set-cookie" not in again.headers
    assert cookie.value not in first.text + again.text


async def test_two_browsers_differ(client: httpx.AsyncClient) -> None:
    digests = []
    for _ in range(2):
        digests.append((await client.post("/hold")).json()["digest"])
        client.cookies.clear()
    assert digests[0] != digests[1]


ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


@pytest.mark.parametrize(
    "sent",
    [
        *("", "x", "A" * 42, "A" * 44, "A" * 64, "A" * 10_000, "A" * 42 + "B", "A" * 42 + "+", "A" * 42 + "/"),
        *("A" * 43 + "=", " " + "A" * 43 + ".", "A" * 21 + "!" + "A" * 22, "\u00e6" * 43, '"' + "A" * 41 + '"'),
    ],
)
async def test_a_malformed_cookie_counts_as_none(client: httpx.AsyncClient, sent: str) -> None:
    answer = await client.post("/hold", headers=[(b"cookie", f"{COOKIE}={sent}".encode())])
    assert (answer.status_code, answer.json()["new"]) == (200, True)
    assert answer.headers["set-cookie"].startswith(f"{COOKIE}=")


async def test_only_one_spelling_of_a_cookie_is_valid(client: httpx.AsyncClient) -> None:
    """43 characters have 258 bits; with the two that are left over one browser could pass for four."""
    known = []
    for last in ALPHABET:
        answer = await client.post("/hold", headers={"Cookie": f"{COOKIE}={'A' * 42}{last}"})
        client.cookies.clear()
        if not answer.json()["new"]:
            known.append(answer.json()["digest"])
    assert len(known) == len(set(known)) == 16
