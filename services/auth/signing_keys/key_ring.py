"""The published signing keys, cached for some seconds.

They stand in the database, so that all replicas sign with the same key and publish the same keys.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.encryption import Encryption
from services.auth.settings import AuthSettings
from services.auth.signing_keys import queries
from services.auth.signing_keys.keys import SigningKey, generate_key, key_from_settings
from services.auth.signing_keys.published import KeptKey, published_keys
from services.auth.signing_keys.rotation import NO_DELAY, PURPOSE, add_key, published_after_use
from shared.database.session import Database, transaction
from shared.errors import Unavailable
from shared.identity.principals import SERVICE_CLAIMS
from shared.observability.log import logger

CACHE_SECONDS = 10.0
COOL_DOWN_SECONDS = 1.0  # an unknown key id is looked up in the database once in this time

log = logger(__name__)


@dataclass(frozen=True)
class PublishedKeys:
    signing: SigningKey | None
    jwks: tuple[dict[str, Any], ...]
    public: dict[str, rsa.RSAPublicKey]  # by key id


class KeyRing:
    """The keys are read when they are first needed: auth can start before its database."""

    def __init__(self, settings: AuthSettings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._encryption = Encryption(settings)
        self._configured = key_from_settings(settings)
        self._published: PublishedKeys | None = None
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    async def signing_key(self) -> SigningKey:
        """Raises Unavailable when no key can sign."""
        key = (await self._current(CACHE_SECONDS)).signing
        if key is None:
            raise Unavailable
        return key

    async def key(self, kid: str) -> rsa.RSAPublicKey | None:
        """The public key with this id (as keys.tokens.KeySource asks for it)."""
        key = (await self._current(CACHE_SECONDS)).public.get(kid)
        return key or (await self._current(COOL_DOWN_SECONDS)).public.get(kid)

    async def jwks(self) -> dict[str, Any]:
        """The JSON Web Key Set (RFC 7517)."""
        return {"keys": list((await self._current(CACHE_SECONDS)).jwks)}

    async def _current(self, max_age: float) -> PublishedKeys:
        """The keys, read not more than `max_age` seconds ago."""
        if self._published is None or time.monotonic() - self._read_at > max_age:
            async with self._lock:
                if self._published is None or time.monotonic() - self._read_at > max_age:
                    self._published = await self._read()
                    self._read_at = time.monotonic()
        return self._published

    async def _read(self) -> PublishedKeys:
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            rows = await self._rows(session)
            if not await self._is_complete(session, rows):
                # Another replica may add a key at the same time. Once we have the lock, we see it.
                await queries.lock_signing_keys(session)
                await self._add_missing(session)
                rows = await self._rows(session)
        public = {row.kid: RSAAlgorithm.from_jwk(row.public_jwk) for row in rows}
        return PublishedKeys(self._newest(rows), tuple(row.public_jwk for row in rows), public)  # type: ignore[arg-type]

    async def _rows(self, session: AsyncSession) -> Sequence[KeptKey]:
        return await published_keys(session, self._encryption, published_after_use(self._settings))

    async def _is_complete(self, session: AsyncSession, rows: Sequence[KeptKey]) -> bool:
        """Whether there is a key that can sign, and the key of JWT_PRIVATE_KEY was added."""
        return self._newest(rows) is not None and (
            self._configured is None or await queries.is_key_known(session, self._configured.kid)
        )

    async def _add_missing(self, session: AsyncSession) -> None:
        rows = await self._rows(session)
        signing = self._newest(rows)
        delay = timedelta(seconds=self._settings.key_publish_ahead_seconds) if signing else NO_DELAY
        if self._configured is not None and not await queries.is_key_known(session, self._configured.kid):
            await add_key(session, self._settings, self._configured, delay)
        elif signing is None:
            await add_key(session, self._settings, await asyncio.to_thread(generate_key), NO_DELAY)

    def _newest(self, rows: Sequence[KeptKey]) -> SigningKey | None:
        """The newest key that may sign already and that SECRET_KEY decrypts."""
        keys = (self._decrypt(row) for row in rows if row.begun)
        return next((key for key in keys if key is not None), None)

    def _decrypt(self, row: KeptKey) -> SigningKey | None:
        if self._published and self._published.signing and self._published.signing.kid == row.kid:
            return self._published.signing
        if self._configured and self._configured.kid == row.kid:
            return self._configured
        try:
            pem = self._encryption.decrypt(PURPOSE, row.private_key)
        except InvalidToken:
            log.error("signing_key_unreadable", kid=row.kid)  # noqa: TRY400 - the trace adds nothing
            return None
        private = serialization.load_pem_private_key(pem, password=None)
        assert isinstance(private, rsa.RSAPrivateKey)  # noqa: S101 - add_key stores no other kind
        return SigningKey(row.kid, private)
