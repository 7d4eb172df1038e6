"""Passwords: which are good enough; Argon2id (RFC 9106) in bounded threads, so that logins cannot starve the loop."""

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from services.auth.settings import AuthSettings
from shared.errors import Unavailable
from shared.http.validation_messages import refusal

LEAST, MOST = 8, 128
T = TypeVar("T")


def normalise(password: str) -> str:
    """The same password typed on any keyboard (NFKC, as RFC 8265 asks for)."""
    return unicodedata.normalize("NFKC", password)


COMMON = frozenset(normalise(word).casefold() for word in FREQUENCY_LISTS["passwords"])


def acceptable(password: str) -> str:
    """A new password as given; for a validator. Length is counted in normalised characters; nothing else is asked of it
    than not to be one that everybody tries first."""
    normal = normalise(password)
    if not LEAST <= len(normal) <= MOST:
        raise refusal(
            "password_length",
            en=f"a password has {LEAST} to {MOST} characters",
            da=f"En adgangskode har {LEAST} til {MOST} tegn.",
        )
    if normal.casefold() in COMMON:
        raise refusal(
            "password_common",
            en="too many others use this password",
            da="For mange andre bruger den adgangskode.",
        )
    return password


class Passwords:
    def __init__(self, settings: AuthSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        threads = settings.argon2_threads or os.cpu_count() or 2
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="argon2")
        self._most = threads + settings.argon2_queue
        self._under_way = 0
        # Verified when no hash is known, so that the answer takes as long as for a known one.
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Raises Unavailable when too many wait already."""
        return await self._run(lambda: self._hasher.hash(normalise(password)))

    async def matches(self, password: str, known: str | None) -> bool:
        """Whether the password is the one; the same work when no hash is known. Raises Unavailable as `hash` does."""
        return await self._run(lambda: self._verify(password, known or self._nobody)) and known is not None

    async def renewed(self, password: str, known: str) -> str | None:
        """A hash of today's parameters, when the known one was made with others."""
        return await self.hash(password) if self._hasher.check_needs_rehash(known) else None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= self._most:
            raise Unavailable
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1

    def _verify(self, password: str, known: str) -> bool:
        try:
            return self._hasher.verify(known, normalise(password))
        except (VerificationError, InvalidHashError):
            return False
