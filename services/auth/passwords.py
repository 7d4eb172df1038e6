"""Passwords: Argon2id (RFC 9106), hashed in a bounded pool of threads so that logins cannot starve the loop."""

import asyncio
import os
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.auth.settings import AuthSettings


class Passwords:
    def __init__(self, settings: AuthSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        self._threads = ThreadPoolExecutor(max_workers=os.cpu_count() or 2, thread_name_prefix="argon2")
        # Verified when the address is unknown, so that the answer takes as long as for a known one.
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._hasher.hash, normalise(password))

    async def matches(self, password: str, known: str | None) -> bool:
        """Whether the password is the one; takes the same time when no hash is known."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._verify, password, known or self._nobody) and bool(known)

    def _verify(self, password: str, known: str) -> bool:
        try:
            return self._hasher.verify(known, normalise(password))
        except (VerificationError, InvalidHashError):
            return False


def normalise(password: str) -> str:
    """The same password typed on any keyboard (NFKC, as RFC 8265 asks for)."""
    return unicodedata.normalize("NFKC", password)
