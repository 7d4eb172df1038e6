"""Instagram's Graph API: one account's newest media. It is given little time, and what it says is believed little."""

import asyncio
import random
import re
from datetime import datetime
from typing import Annotated, Any

import httpx
import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, ValidationError

FIELDS = "id,caption,media_type,media_url,permalink,thumbnail_url,timestamp"
MOST_MEDIA = 24
MOST_BYTES = 1_000_000
LONGEST_CAPTION = 500
TIMEOUT = httpx.Timeout(5.0)
DEADLINE = 15.0  # seconds for one attempt, however steadily the answer drips
ATTEMPTS = 3
FIRST_PAUSE = 0.5
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class InstagramError(Exception):
    """In words of our own: what httpx says may hold the address asked, and that holds the token."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing


def _caption(value: Any) -> Any:
    return UNSTORABLE.sub("", value)[:LONGEST_CAPTION] if isinstance(value, str) else value or ""


def _https(url: str) -> str:
    if not httpx.URL(url).host:
        raise ValueError("names no host")
    return url


HttpsUrl = Annotated[
    str, Field(max_length=2000, pattern=r'^https://[^\s"<>\\^`{|}\x00-\x20\x7f-\U0010ffff]+$'), AfterValidator(_https)
]


class Media(BaseModel):
    id: Annotated[str, Field(pattern=r"^[0-9_]{1,60}$")]
    media_type: Annotated[str, Field(pattern=r"^[A-Z_]{1,30}$")]
    media_url: HttpsUrl
    permalink: HttpsUrl
    caption: Annotated[str, BeforeValidator(_caption)] = ""
    thumbnail_url: HttpsUrl | None = None
    timestamp: AwareDatetime | None = None

    @property
    def row(self) -> dict[str, Any]:
        return {
            "media_id": self.id,
            "kind": self.media_type.lower(),
            "caption": self.caption,
            "media_url": self.media_url,
            "permalink": self.permalink,
            "thumbnail_url": self.thumbnail_url,
            "taken_at": _storable(self.timestamp),
        }


def _storable(instant: datetime | None) -> datetime | None:
    return instant if instant and 2000 <= instant.year <= 2100 else None


def client_of(url: str) -> httpx.AsyncClient:
    # asked for plainly, so that no small answer can unpack to a large one
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    limits = httpx.Limits(max_connections=2, max_keepalive_connections=1)
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT, limits=limits, trust_env=False)


async def newest_media(client: httpx.AsyncClient, user_id: str, token: str) -> list[Media]:
    """Up to MOST_MEDIA; what is malformed is left out. Tries again what may pass. Raises InstagramError."""
    attempt = 0
    while True:
        attempt += 1
        try:
            async with asyncio.timeout(DEADLINE):
                return _media(await _fetch(client, user_id, token))
        except TimeoutError:
            error = InstagramError("too slow", passing=True)
        except InstagramError as failed:
            error = failed
        if attempt == ATTEMPTS or not error.passing:
            raise error
        await asyncio.sleep(FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load


async def _fetch(client: httpx.AsyncClient, user_id: str, token: str) -> bytes:
    params = {"fields": FIELDS, "limit": str(MOST_MEDIA), "access_token": token}
    try:
        async with client.stream("GET", f"/{user_id}/media", params=params) as answer:
            if answer.status_code != 200:
                passing = answer.status_code >= 500 or answer.status_code == 429
                raise InstagramError(f"status {answer.status_code}", passing=passing)
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise InstagramError("packed though asked for plain", passing=False)
            return await _body(answer)
    except httpx.HTTPError as error:
        raise InstagramError(type(error).__name__, passing=True) from None


async def _body(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > MOST_BYTES:
            raise InstagramError("too large", passing=False)
    return bytes(body)


def _media(body: bytes) -> list[Media]:
    try:
        listed = orjson.loads(body)["data"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise InstagramError("no list of media", passing=False) from None
    if not isinstance(listed, list):
        raise InstagramError("no list of media", passing=False)
    return [media for one in listed[:MOST_MEDIA] if (media := _one(one)) is not None]


def _one(listed: Any) -> Media | None:
    try:
        return Media.model_validate(listed)
    except (ValidationError, httpx.InvalidURL):
        return None
