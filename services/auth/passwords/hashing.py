"""Argon2id (RFC 9106) in a bounded pool of threads, so that logins cannot block the event loop."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.auth.passwords.rules import normalize_password
from services.auth.settings import AuthSettings
from shared.errors import Unavailable

T = TypeVar("T")


class PasswordHashing:
    """All methods raise Unavailable when ARGON2_QUEUE calls wait already."""

    def __init__(self, settings: AuthSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        threads = settings.argon2_threads or os.cpu_count() or 2
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="argon2")
        self._max_calls = threads + settings.argon2_queue
        self._calls = 0
        # Verified when no hash is known, so that the answer takes as long as for a known one.
        self._dummy_hash = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(normalize_password(password)))

    async def matches(self, password: str, known_hash: str | None) -> bool:
        """Whether the password has this hash. Does the same work when there is no hash."""
        matches = await self._run(lambda: self._verify(password, known_hash or self._dummy_hash))
        return matches and known_hash is not None

    async def rehash_if_outdated(self, password: str, known_hash: str) -> str | None:
        """A new hash if the known one was made with other parameters than those of the settings."""
        return await self.hash(password) if self._hasher.check_needs_rehash(known_hash) else None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._calls >= self._max_calls:
            raise Unavailable
        self._calls += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._calls -= 1

    def _verify(self, password: str, known_hash: str) -> bool:
        try:
            return self._hasher.verify(known_hash, normalize_password(password))
        except (VerificationError, InvalidHashError):
            return False
