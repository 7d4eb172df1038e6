"""A client that counts as one browser: over http, httpx does not send back cookies that are for https only."""

from typing import Protocol

import httpx

from shared.http.browsers import COOKIE, new_browser


class WithCookies(Protocol):
    cookies: httpx.Cookies


def be_browser(client: WithCookies) -> bytes:
    """Gives the client the cookie of a new browser, which it sends with every call. Returns its digest."""
    browser = new_browser()
    client.cookies.set(COOKIE, browser.cookie)
    return browser.digest
