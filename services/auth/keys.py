"""Signing keys. They stand in the database, so that all replicas sign with the same one and publish the same."""

import asyncio
import base64
import hashlib
import json
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth import queries
from services.auth.events import KeysRotated
from services.auth.pem import private_key
from services.auth.sealing import Seal
from services.auth.settings import AuthSettings
from shared.database.session import Database, transaction
from shared.errors import Unavailable
from shared.identity.principals import SERVICE_CLAIMS
from shared.identity.tokens import ALGORITHM
from shared.messaging.events import emit
from shared.observability.log import logger

PURPOSE = "signing-keys"
CACHED_SECONDS = 10.0
COOL_DOWN_SECONDS = 1.0
# How much longer than its tokens a key is published: replicas that still sign with it from their cache, and clocks.
MARGIN = timedelta(seconds=120)
NOW = timedelta(0)

log = logger(__name__)


@dataclass(frozen=True)
class SigningKey:
    kid: str
    private: rsa.RSAPrivateKey = field(repr=False)

    @property
    def public_jwk(self) -> dict[str, Any]:
        return {**_jwk(self.private.public_key()), "use": "sig", "alg": ALGORITHM, "kid": self.kid}


def _jwk(key: rsa.RSAPublicKey) -> dict[str, Any]:
    jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
    return {name: jwk[name] for name in ("kty", "n", "e")}


def thumbprint(key: rsa.RSAPublicKey) -> str:
    """RFC 7638: SHA-256 of the required members, in lexical order."""
    canonical = json.dumps(_jwk(key), separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


def from_settings(settings: AuthSettings) -> SigningKey | None:
    if settings.jwt_private_key is None:
        return None
    private = private_key(settings.jwt_private_key.get_secret_value())
    return SigningKey(settings.jwt_key_id or thumbprint(private.public_key()), private)


def generate() -> SigningKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return SigningKey(thumbprint(private.public_key()), private)


def outlived(settings: AuthSettings) -> timedelta:
    """How long after it last signed a key is published: until the last token signed with it is dead."""
    return timedelta(minutes=settings.access_token_expire_minutes) + MARGIN


async def rotate(session: AsyncSession, settings: AuthSettings, *, at_once: bool = False) -> str:
    """Add a key that signs once verifiers have had time to fetch it; `at_once` withdraws all others. Its id."""
    made = await asyncio.to_thread(generate)
    await queries.one_makes_a_key(session)
    ahead = NOW if at_once else timedelta(seconds=settings.key_publish_ahead_seconds)
    await _keep(session, settings, made, ahead)
    if at_once:
        await queries.withdraw_keys(session, [made.kid])
    return made.kid


async def _keep(session: AsyncSession, settings: AuthSettings, key: SigningKey, ahead: timedelta) -> None:
    pem = key.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    await queries.keep_key(session, key.kid, key.public_jwk, Seal(settings).encrypt(PURPOSE, pem), ahead)
    emit(session, KeysRotated(version=1, kid=key.kid))


async def rotate_if_due(session: AsyncSession, settings: AuthSettings, now: datetime) -> str | None:
    """As scheduled, once the newest key is of age; also withdraws those whose tokens are all dead."""
    kept = await queries.keys(session, outlived(settings))
    await queries.withdraw_keys(session, [row.kid for row in kept])
    if not kept or not settings.key_rotation_days:
        return None
    if kept[0].signs_from > now - timedelta(days=settings.key_rotation_days):
        return None
    return await rotate(session, settings)


@dataclass(frozen=True)
class Ring:
    """What is published, and which of it signs."""

    signing: SigningKey | None
    jwks: tuple[dict[str, Any], ...]
    public: dict[str, rsa.RSAPublicKey]


class Keys:
    """The keys as the database has them, cached briefly. First read when needed: auth starts before its database."""

    def __init__(self, settings: AuthSettings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._seal = Seal(settings)
        self._given = from_settings(settings)
        self._ring: Ring | None = None
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    async def signing(self) -> SigningKey:
        key = (await self._current(CACHED_SECONDS)).signing
        if key is None:
            raise Unavailable
        return key

    async def key(self, kid: str) -> rsa.RSAPublicKey | None:
        """As a KeySource: auth verifies with its own keys, without a call to itself."""
        found = (await self._current(CACHED_SECONDS)).public.get(kid)
        return found or (await self._current(COOL_DOWN_SECONDS)).public.get(kid)

    async def document(self) -> dict[str, Any]:
        return {"keys": list((await self._current(CACHED_SECONDS)).jwks)}

    async def _current(self, age: float) -> Ring:
        if self._ring is None or time.monotonic() - self._read_at > age:
            async with self._lock:
                if self._ring is None or time.monotonic() - self._read_at > age:
                    self._ring = await self._read()
                    self._read_at = time.monotonic()
        return self._ring

    async def _read(self) -> Ring:
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            rows = await queries.keys(session, outlived(self._settings))
            if not await self._complete(session, rows):
                # Another replica may be at it: what it adds is seen once the lock is ours.
                await queries.one_makes_a_key(session)
                await self._add_missing(session, await queries.keys(session, outlived(self._settings)))
                rows = await queries.keys(session, outlived(self._settings))
        public = {row.kid: RSAAlgorithm.from_jwk(row.public_jwk) for row in rows}
        return Ring(self._signing(rows), tuple(row.public_jwk for row in rows), public)  # type: ignore[arg-type]

    async def _complete(self, session: AsyncSession, rows: Any) -> bool:
        """Whether there is a key to sign with, and the one of the settings is known."""
        return self._signing(rows) is not None and (
            self._given is None or await queries.key_known(session, self._given.kid)
        )

    async def _add_missing(self, session: AsyncSession, rows: Any) -> None:
        signing = self._signing(rows)
        ahead = timedelta(seconds=self._settings.key_publish_ahead_seconds) if signing else NOW
        if self._given is not None and not await queries.key_known(session, self._given.kid):
            await _keep(session, self._settings, self._given, ahead)
        elif signing is None:
            await _keep(session, self._settings, await asyncio.to_thread(generate), NOW)

    def _signing(self, rows: Any) -> SigningKey | None:
        """The newest key whose time has begun and that our SECRET_KEY opens."""
        opened = (self._opened(row) for row in rows if row.begun)
        return next((key for key in opened if key is not None), None)

    def _opened(self, row: Row[Any]) -> SigningKey | None:
        if self._ring and self._ring.signing and self._ring.signing.kid == row.kid:
            return self._ring.signing
        if self._given and self._given.kid == row.kid:
            return self._given
        try:
            pem = self._seal.decrypt(PURPOSE, row.private_key)
        except InvalidToken:
            log.error("signing_key_unreadable", kid=row.kid)  # noqa: TRY400 - the trace tells no more
            return None
        private = serialization.load_pem_private_key(pem, password=None)
        assert isinstance(private, rsa.RSAPrivateKey)  # noqa: S101 - only such are kept
        return SigningKey(row.kid, private)
