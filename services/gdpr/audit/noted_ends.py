"""Notes the end of the audit log outside the database, signed, and compares with what was noted.

Who controls the database can remove rows at the end with their checkpoint, or set both back to what they were. The
noted end, which gdpr alone can sign (Ed25519, RFC 8032), still names the row that must be there (ADR 31).
"""

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from keys.services import ServiceKeys
from services.gdpr.audit import queries
from services.gdpr.audit.hash_chain import Broken, is_dropped_by_age
from services.gdpr.settings import GdprSettings
from shared.backoff import Backoff, jitter
from shared.database.session import transaction
from shared.http.app import Runtime
from shared.identity.principals import SERVICE_CLAIMS
from shared.observability.log import logger

log = logger(__name__)

PURPOSE = "audit end"
EVERY_SECONDS = 60.0
TIMEOUT_SECONDS = 10.0
ATTEMPTS = 3  # to send a line; then the next minute tries again
RETRYING = Backoff(first=1.0, longest=5.0)
MOST_BYTES = 64 * 1024  # read of what was noted: about 200 lines, the newest


class UnreadableError(Exception):
    """What was noted cannot be read, so nothing can be compared with it."""


@dataclass(frozen=True)
class End:
    """A row that was the last one when it was noted."""

    last_id: int
    head: str  # the row's hash, in hex
    noted_at: str

    def line(self, keys: ServiceKeys) -> bytes:
        """As one line of JSON, signed."""
        signature = keys.sign_openly(PURPOSE, self._content).hex()
        return orjson.dumps(vars(self) | {"signature": signature}) + b"\n"

    @property
    def _content(self) -> bytes:
        return f"{self.last_id}:{self.head}:{self.noted_at}".encode()

    @classmethod
    def from_line(cls, keys: ServiceKeys, line: bytes) -> "End | None":
        """None if gdpr has not signed it."""
        try:
            values = orjson.loads(line)
            end = cls(int(values["last_id"]), str(values["head"]), str(values["noted_at"]))
            signature = bytes.fromhex(values["signature"])
        except (KeyError, TypeError, ValueError):
            return None
        return end if keys.is_signed_by("gdpr", PURPOSE, end._content, signature) else None


async def read(settings: GdprSettings, keys: ServiceKeys) -> list[End]:
    """What was noted in the file and at the URL; empty if neither is set or holds a line of gdpr.

    Raises UnreadableError. Not to be called in a transaction: the URL may take 10 s.
    """
    lines: list[bytes] = []
    if settings.audit_anchor_file:
        lines += await asyncio.to_thread(_read_file, settings.audit_anchor_file)
    if settings.audit_anchor_url:
        lines += await _read_url(settings)
    ends = [end for line in lines if (end := End.from_line(keys, line))]
    return [end for end in ends if not is_dropped_by_age(datetime.fromisoformat(end.noted_at).date())]


async def lost(session: AsyncSession, ends: Iterable[End]) -> Broken | None:
    """The first noted row that is not in the log any more as it was."""
    ordered = sorted(ends, key=lambda end: end.last_id)
    hashes = await queries.hashes(session, [end.last_id for end in ordered])
    for end in ordered:
        if end.last_id not in hashes:
            return Broken(None, await queries.last_id_before(session, end.last_id) + 1, "cut")
        if hashes[end.last_id].hex() != end.head:
            return Broken(None, end.last_id, "changed")
    return None


class Noter:
    """Notes the end whenever it has changed. Notes nothing while a noted row is missing, which it logs."""

    def __init__(self, runtime: Runtime) -> None:
        assert isinstance(runtime.settings, GdprSettings)  # noqa: S101 - the class that SERVICE names
        assert runtime.database.keys is not None  # noqa: S101 - a service has them
        self._settings: GdprSettings = runtime.settings
        self._database, self._keys = runtime.database, runtime.database.keys
        self._logged: int | None = None
        self._kept: End | None = None  # the last one that file and URL have

    async def note(self) -> None:
        try:
            before = await read(self._settings, self._keys)
        except UnreadableError as error:
            log.warning("audit_end_unreadable", reason=str(error))
            before = []
        before += [self._kept] if self._kept else []
        async with transaction(self._database, SERVICE_CLAIMS) as session:
            missing = await lost(session, before)
            checkpoints = await queries.list_checkpoints(session)
        if missing:
            log.error("audit_end_lost", row=missing.id, reason=missing.reason)
        elif checkpoints:
            await self._note(checkpoints[-1].last_id, checkpoints[-1].head.hex())

    async def _note(self, last_id: int, head: str) -> None:
        end = End(last_id, head, datetime.now(UTC).isoformat(timespec="seconds"))
        line = end.line(self._keys)
        if self._logged != last_id:
            log.info("audit_end", **orjson.loads(line))
            self._logged = last_id
        if (self._kept is None or self._kept.last_id != last_id) and await self._keep(line):
            self._kept = end

    async def _keep(self, line: bytes) -> bool:
        """Whether the line is wherever it shall be."""
        try:
            if self._settings.audit_anchor_file:
                await asyncio.to_thread(_append, self._settings.audit_anchor_file, line)
            if self._settings.audit_anchor_url:
                await _send(self._settings, line)
        except (OSError, httpx.HTTPError) as error:
            log.error("audit_end_not_kept", error=type(error).__name__)  # noqa: TRY400 - the next minute tries again
            return False
        return True


async def run(runtime: Runtime) -> None:
    """For ever: notes the end once a minute."""
    noter = Noter(runtime)
    while True:
        await noter.note()
        await asyncio.sleep(jitter(EVERY_SECONDS, 0.1))


def _append(path: Path, line: bytes) -> None:
    with path.open("ab") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _read_file(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - MOST_BYTES))
            return file.read(MOST_BYTES).splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnreadableError(f"AUDIT_ANCHOR_FILE: {type(error).__name__}") from error


def _client(settings: GdprSettings) -> httpx.AsyncClient:
    token = settings.audit_anchor_token
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    return httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, headers=headers)


async def _send(settings: GdprSettings, line: bytes) -> None:
    """Raises the last attempt's httpx.HTTPError."""
    async with _client(settings) as client:
        for failures in range(ATTEMPTS):
            try:
                answer = await client.post(
                    str(settings.audit_anchor_url), content=line, headers={"Content-Type": "application/json"}
                )
                answer.raise_for_status()
            except httpx.HTTPError:
                if failures + 1 == ATTEMPTS:
                    raise
                await asyncio.sleep(RETRYING.pause(failures))
            else:
                return


async def _read_url(settings: GdprSettings) -> list[bytes]:
    """The newest lines that it holds; none where it has none yet (404, 204) or only takes them (405)."""
    data = b""
    try:
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            _client(settings) as client,
            client.stream("GET", str(settings.audit_anchor_url)) as answer,
        ):
            if answer.status_code in {204, 404, 405}:
                return []
            answer.raise_for_status()
            async for part in answer.aiter_bytes():
                data = (data + part)[-MOST_BYTES:]
    except (httpx.HTTPError, TimeoutError) as error:
        raise UnreadableError(f"AUDIT_ANCHOR_URL: {type(error).__name__}") from error
    return data.splitlines()
