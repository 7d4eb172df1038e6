"""The keys that verify access tokens, fetched from auth's JWKS document (RFC 7517)."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import orjson

from keys.tokens import Key, NoKeysError, public_keys
from shared.observability.log import logger

MAX_JWKS_BYTES = 65_536

log = logger(__name__)


class RemoteJwks:
    """Keys fetched over HTTP and cached: refreshed for an unknown kid or after `max_age` seconds, at most once in
    `cool_down` seconds. If that gives no usable key, the cached ones stay in use. `on_withdrawal` is called when a key
    was removed, so that caches of verified tokens can be cleared."""

    def __init__(self, url: str, *, timeout: float = 2.0, cool_down: float = 10.0, max_age: float = 300.0) -> None:
        self._url = url
        self._timeout, self._cool_down, self._max_age = timeout, cool_down, max_age
        self._keys: dict[str, Key] = {}
        self._tried_at = self._fetched_at = float("-inf")
        self._lock = asyncio.Lock()
        self._background: asyncio.Task[None] | None = None
        self.on_withdrawal: list[Callable[[], None]] = []

    async def key(self, kid: str) -> Key | None:
        key = self._keys.get(kid)
        if key is None:
            await self._refresh()
            if not self._keys:
                raise NoKeysError("no keys")
            return self._keys.get(kid)
        if time.monotonic() - self._fetched_at > self._max_age and self._may_try():
            self._background = asyncio.create_task(self._refresh())
        return key

    def _may_try(self) -> bool:
        # Without keys nobody can sign in, so the first fetch is retried every second.
        wait = self._cool_down if self._keys else min(1.0, self._cool_down)
        return time.monotonic() - self._tried_at >= wait

    async def _refresh(self) -> None:
        async with self._lock:
            if not self._may_try():
                return
            self._tried_at = time.monotonic()
            try:
                keys = public_keys(await self._fetch())
            except (httpx.HTTPError, ValueError, TimeoutError) as error:
                log.warning("jwks_unreachable", url=self._url, error=type(error).__name__)
                return
            if not keys:
                log.warning("jwks_without_keys", url=self._url)
                return
            withdrawn = any(keys.get(kid) != key for kid, key in self._keys.items())
            self._keys, self._fetched_at = keys, time.monotonic()
            for clear in self.on_withdrawal if withdrawn else ():
                clear()

    async def _fetch(self) -> Any:
        async with (
            asyncio.timeout(self._timeout),
            httpx.AsyncClient(timeout=self._timeout) as client,
            client.stream("GET", self._url, follow_redirects=False) as response,
        ):
            response.raise_for_status()
            content = b""
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > MAX_JWKS_BYTES:
                    raise ValueError("JWKS document is too large")
            return orjson.loads(content)
