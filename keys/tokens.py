"""Verifies access tokens (RFC 7519, RFC 8725) with the keys of a JWKS document (RFC 7517)."""

import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

import jwt
import structlog
from jwt.algorithms import RSAAlgorithm

ALGORITHM = "RS256"
ACCESS, TICKET = "at+jwt", "ticket+jwt"  # the header typ (RFC 9068; RFC 8725, 3.11)
SMALLEST_KEY = 2_048  # bits (RFC 7518, 3.3)
MAX_TOKEN_BYTES = 8_192
LEEWAY_SECONDS = 5
OPTIONS = {"strict_aud": True, "require": ["exp", "iat", "nbf", "iss", "aud", "sub", "sid", "role", "jti"]}
HEADERS_ALLOWED = frozenset({"alg", "typ", "kid"})
TIMES = ("exp", "iat", "nbf", "auth_time", "session_exp")
LATEST = 2**40  # seconds since 1970
Key = Any  # cryptography's RSAPublicKey

log = structlog.get_logger(__name__)


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
        if hasattr(keys, "on_withdrawal"):
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
