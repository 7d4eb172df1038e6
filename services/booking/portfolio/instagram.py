"""Client of Instagram's Graph API: the newest media of an account, with a deadline and strict limits."""

import asyncio
import re
from datetime import datetime
from typing import Annotated, Any, Literal

import httpx
import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, ValidationError

from shared.backoff import Backoff

FIELDS = "id,caption,media_type,media_url,permalink,thumbnail_url,timestamp"
MAX_MEDIA = 24
MAX_BYTES = 1_000_000
MAX_CAPTION_LENGTH = 500
TIMEOUT = httpx.Timeout(5.0)
DEADLINE = 15.0  # seconds for one attempt, also if the answer keeps arriving slowly
ATTEMPTS = 3
BACKOFF = Backoff(first=0.75, longest=5.0)  # seconds
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class InstagramError(Exception):
    """Has a reason of our own: httpx's messages may contain the URL, and the URL contains the token."""

    def __init__(self, reason: str, *, temporary: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.temporary = temporary


def _caption(value: Any) -> Any:
    return UNSTORABLE.sub("", value)[:MAX_CAPTION_LENGTH] if isinstance(value, str) else value or ""


def _has_host(url: str) -> str:
    if not httpx.URL(url).host:
        raise ValueError("has no host")
    return url


HttpsUrl = Annotated[
    str,
    Field(max_length=2000, pattern=r'^https://[^\s"<>\\^`{|}\x00-\x20\x7f-\U0010ffff]+$'),
    AfterValidator(_has_host),
]


class Media(BaseModel):
    id: Annotated[str, Field(pattern=r"^[0-9_]{1,60}$")]
    media_type: Literal["IMAGE", "VIDEO", "CAROUSEL_ALBUM"]
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
            "taken_at": _plausible(self.timestamp),
        }


def _plausible(instant: datetime | None) -> datetime | None:
    return instant if instant and 2000 <= instant.year <= 2100 else None


def create_client(url: str) -> httpx.AsyncClient:
    # No compression, so that a small answer cannot expand to a large one.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    limits = httpx.Limits(max_connections=2, max_keepalive_connections=1)
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT, limits=limits, trust_env=False)


async def newest_media(client: httpx.AsyncClient, user_id: str, token: str) -> list[Media]:
    """Up to MAX_MEDIA; malformed media are left out. Retries temporary errors. Raises InstagramError."""
    attempt = 0
    while True:
        attempt += 1
        try:
            async with asyncio.timeout(DEADLINE):
                return _parse(await _fetch(client, user_id, token))
        except TimeoutError:
            error = InstagramError("too slow", temporary=True)
        except InstagramError as failure:
            error = failure
        if attempt == ATTEMPTS or not error.temporary:
            raise error
        await asyncio.sleep(BACKOFF.pause(attempt - 1))


async def _fetch(client: httpx.AsyncClient, user_id: str, token: str) -> bytes:
    params = {"fields": FIELDS, "limit": str(MAX_MEDIA), "access_token": token}
    try:
        async with client.stream("GET", f"/{user_id}/media", params=params) as response:
            if response.status_code != 200:
                temporary = response.status_code >= 500 or response.status_code == 429
                raise InstagramError(f"status {response.status_code}", temporary=temporary)
            if response.headers.get("content-encoding", "identity") != "identity":
                raise InstagramError("compressed although compression was not accepted", temporary=False)
            return await _read(response)
    except httpx.HTTPError as error:
        raise InstagramError(type(error).__name__, temporary=True) from None


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise InstagramError("too large", temporary=False)
    return bytes(body)


def _parse(body: bytes) -> list[Media]:
    try:
        items = orjson.loads(body)["data"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise InstagramError("no list of media", temporary=False) from None
    if not isinstance(items, list):
        raise InstagramError("no list of media", temporary=False)
    return [media for item in items[:MAX_MEDIA] if (media := _validate(item)) is not None]


def _validate(item: Any) -> Media | None:
    try:
        return Media.model_validate(item)
    except (ValidationError, httpx.InvalidURL):
        return None
