"""Verifies access tokens (RFC 7519, RFC 8725) with the keys of a JWKS document (RFC 7517)."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

import httpx
import jwt
import orjson
from jwt.algorithms import RSAAlgorithm

from shared.observability.log import logger

ALGORITHM = "RS256"
ACCESS, TICKET = "at+jwt", "ticket+jwt"  # the header typ (RFC 9068; RFC 8725, 3.11)
SMALLEST_KEY = 2_048  # bits (RFC 7518, 3.3)
MAX_TOKEN_BYTES = 8_192
MAX_JWKS_BYTES = 65_536
LEEWAY_SECONDS = 5
OPTIONS = {"strict_aud": True, "require": ["exp", "iat", "nbf", "iss", "aud", "sub", "sid", "role", "jti"]}
HEADERS_ALLOWED = frozenset({"alg", "typ", "kid"})
TIMES = ("exp", "iat", "nbf", "auth_time", "session_exp")
LATEST = 2**40  # seconds since 1970
Key = Any  # cryptography's RSAPublicKey

log = logger(__name__)


class InvalidToken(Exception):
    """The token is not valid. The reason is for logs, never for the caller."""


class NoKeysError(InvalidToken):
    """No keys have been fetched yet, so no token can be verified. Trying again helps."""


class KeySource(Protocol):
    async def key(self, kid: str) -> Key | None:
        """The public key with this id, or None. Raises NoKeysError."""


def public_keys(document: Any) -> dict[str, Key]:
    """The RS256 keys of a JWKS document by kid. Private, symmetric and other keys are left out."""
    keys: dict[str, Key] = {}
    listed = document.get("keys") if isinstance(document, dict) else None
    for jwk in listed if isinstance(listed, list) else []:
        usable = isinstance(jwk, dict) and jwk.get("kty") == "RSA" and "d" not in jwk and jwk.get("kid")
        if usable and jwk.get("alg", ALGORITHM) == ALGORITHM and jwk.get("use", "sig") == "sig":
            try:
                keys[str(jwk["kid"])] = _public_key(jwk)
            except (jwt.InvalidKeyError, ValueError, TypeError, KeyError) as error:
                log.warning("jwks_key_unusable", kid=str(jwk["kid"])[:64], error=type(error).__name__)
    return keys


def _public_key(jwk: Mapping[str, Any]) -> Key:
    key: Key = RSAAlgorithm.from_jwk(dict(jwk))
    if key.key_size < SMALLEST_KEY:
        raise ValueError("key too small")
    return key


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


class TokenVerifier:
    """Verifies access tokens with one of `roles`, and caches up to `cache_size` verified tokens until they expire."""

    kind = ACCESS

    def __init__(
        self, keys: KeySource, issuer: str, audience: str, roles: Collection[str], *, cache_size: int = 10_000
    ) -> None:
        self.keys = keys
        self._roles = frozenset(roles)
        self._expected: Any = {"issuer": issuer, "audience": audience, "leeway": LEEWAY_SECONDS, "options": OPTIONS}
        self._cache: OrderedDict[bytes, tuple[float, dict[str, Any]]] = OrderedDict()
        self._cache_size = cache_size
        if isinstance(keys, RemoteJwks):
            keys.on_withdrawal.append(self._cache.clear)

    def cached_claims(self, token: bytes) -> dict[str, Any] | None:
        """The claims of a token that was verified before and has not expired; else None."""
        known = self._cache.get(sha256(token).digest())
        return known[1] if known is not None and known[0] > time.time() else None

    async def verify(self, token: str) -> dict[str, Any]:
        """The claims of a valid token. Raises InvalidToken, or its subclass NoKeysError while there are no keys."""
        if len(token) > MAX_TOKEN_BYTES:
            raise InvalidToken("too long")
        encoded = token.encode("utf-8", "surrogateescape")
        known = self.cached_claims(encoded)
        if known is not None:
            return known
        claims = await self._verify(token)
        self._cache[sha256(encoded).digest()] = (float(claims["exp"]), claims)
        if len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        return claims

    async def _verify(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            kid = header.get("kid")
            if str(header.get("typ")).lower().removeprefix("application/") != self.kind:
                raise InvalidToken("typ")
            if header.get("alg") != ALGORITHM or not header.keys() <= HEADERS_ALLOWED or not isinstance(kid, str):
                raise InvalidToken("header")
            key = await self.keys.key(kid) if len(kid) <= 128 else None
            if key is None:
                raise InvalidToken("unknown key")
            claims: dict[str, Any] = jwt.decode(token, key, [ALGORITHM], **self._expected)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise InvalidToken(type(error).__name__) from error
        timely = all(_is_time(claims.get(name, 0)) for name in TIMES)
        if not (timely and _is_id(claims["sub"]) and _is_id(claims["sid"])):
            raise InvalidToken("claims")
        if str(claims["role"]) not in self._roles:
            raise InvalidToken("role")
        return claims


def _is_time(value: object) -> bool:
    return type(value) is int and 0 <= value < LATEST


def _is_id(value: object) -> bool:
    """Whether it is a UUID in its canonical form: ids are compared as text."""
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False
