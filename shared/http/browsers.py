"""The cookie by which a browser is known again before anybody has signed in. Only its digest is stored or sent on."""

import binascii
import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request, Response

COOKIE = "__Host-loctician-browser"  # the prefix binds it to this host and to TLS (RFC 6265bis, 4.1.3.2)
COOKIE_BYTES = 32
KEPT_SECONDS = 365 * 86_400


@dataclass(frozen=True)
class Browser:
    digest: bytes  # SHA-256 of the cookie
    new: bool  # the browser sent no cookie, so this one is still to be set
    cookie: str = field(default="", repr=False)


def known_browser(cookie: str | None) -> Browser | None:
    """The browser with this cookie; None without one, or if it is none of ours (32 bytes as base64url)."""
    try:
        content = urlsafe_b64decode((cookie or "") + "=")
    except (binascii.Error, ValueError):
        return None
    if len(content) != COOKIE_BYTES or _text(content) != cookie:
        return None
    return Browser(hashlib.sha256(content).digest(), new=False)


def new_browser() -> Browser:
    content = secrets.token_bytes(COOKIE_BYTES)
    return Browser(hashlib.sha256(content).digest(), new=True, cookie=_text(content))


def set_browser_cookie(response: Response, browser: Browser) -> None:
    """Sets the cookie of a new browser. No script can read it, and no other site can post with it."""
    if browser.new:
        options: Any = {"secure": True, "httponly": True, "samesite": "lax"}
        response.set_cookie(COOKIE, browser.cookie, max_age=KEPT_SECONDS, path="/", **options)


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


async def _browser(request: Request) -> Browser:
    return known_browser(request.cookies.get(COOKIE)) or new_browser()


BrowserDep = Annotated[Browser, Depends(_browser)]
"""The browser that calls; a new one if it sent no valid cookie. Whoever uses a new one sets its cookie."""
