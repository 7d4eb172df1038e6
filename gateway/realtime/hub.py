"""Who is connected, and which messages each connection is entitled to. Knows audiences only, not what they mean."""

import asyncio
import math
import random
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from gateway.metrics import REALTIME_DROPPED, REALTIME_SENT, WEBSOCKETS

NO_TOKEN = 4401  # the application's own code: no valid access token or ticket, or no longer
TOO_MANY = 4429
TRY_LATER = 1013
RESTARTING = 1012
STEP_SECONDS = 0.05

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Close:
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Message:
    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose connection it is, by which session, and when its token was issued (epoch seconds)."""

    user: UUID
    session: UUID
    issued: float


class FullError(Exception):
    """No more connections for this person, from this address, or at all."""

    def __init__(self, close: Close) -> None:
        super().__init__(close.reason)
        self.close = close


class Member:
    """One connection: a bounded queue of messages, and the reason to close once there is one."""

    __slots__ = ("_limit", "_waiting", "_wake", "address", "audiences", "closing", "holder")

    def __init__(self, audiences: Iterable[str], holder: Holder | None, address: str, limit: int) -> None:
        self.audiences = tuple(audiences)
        self.holder = holder
        self.address = address
        self.closing: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self._limit = limit
        self._waiting: list[Message] = []
        self._wake: asyncio.Future[None] | None = None

    def offer(self, message: Message) -> None:
        """Queue a message; a client that is too far behind is closed, never waited for."""
        if self.closing.done():
            return
        if len(self._waiting) >= self._limit:
            REALTIME_DROPPED.inc()
            self.close(TRY_LATER, "too slow")
            return
        self._waiting.append(message)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def close(self, code: int, reason: str) -> None:
        if not self.closing.done():
            self.closing.set_result(Close(code, reason))

    async def next(self) -> Message:
        while not self._waiting:
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        return self._waiting.pop(0)


class _Index(dict[Key, set[Member]]):
    """The members under each key; a key without any takes no room."""

    def add(self, key: Key, member: Member) -> None:
        self.setdefault(key, set()).add(member)

    def discard(self, key: Key, member: Member) -> None:
        members = self[key]
        members.discard(member)
        if not members:
            del self[key]


class Hub:
    def __init__(self, per_user: int, per_address: int, at_most: int, queue: int) -> None:
        self._per_user, self._per_address, self._at_most, self._queue = per_user, per_address, at_most, queue
        self._members: set[Member] = set()
        self._by_audience: _Index[str] = _Index()
        self._by_user: _Index[UUID] = _Index()
        self._by_session: _Index[UUID] = _Index()
        self._by_address: _Index[str] = _Index()  # those of nobody in particular
        self.draining = False

    def __len__(self) -> int:
        return len(self._members)

    def join(self, audiences: Iterable[str], holder: Holder | None = None, address: str = "") -> Member:
        """Raises FullError."""
        if self.draining:
            raise FullError(Close(RESTARTING, "restarting"))
        if len(self._members) >= self._at_most:
            raise FullError(Close(TRY_LATER, "full"))
        if holder is not None and len(self._by_user.get(holder.user, ())) >= self._per_user:
            raise FullError(Close(TOO_MANY, "too many connections"))
        if holder is None and len(self._by_address.get(address, ())) >= self._per_address:
            raise FullError(Close(TOO_MANY, "too many connections"))
        member = Member(audiences, holder, address, self._queue)
        self._members.add(member)
        for audience in member.audiences:
            self._by_audience.add(audience, member)
        if holder is not None:
            self._by_user.add(holder.user, member)
            self._by_session.add(holder.session, member)
        else:
            self._by_address.add(address, member)
        WEBSOCKETS.inc()
        return member

    def leave(self, member: Member) -> None:
        if member not in self._members:
            return
        self._members.remove(member)
        for audience in member.audiences:
            self._by_audience.discard(audience, member)
        if member.holder is not None:
            self._by_user.discard(member.holder.user, member)
            self._by_session.discard(member.holder.session, member)
        else:
            self._by_address.discard(member.address, member)
        WEBSOCKETS.dec()

    def publish(self, audiences: Iterable[str], message: Message) -> int:
        """Give a message once to every connection in any of the audiences; tells how many."""
        found = [members for audience in audiences if (members := self._by_audience.get(audience))]
        entitled = found[0] if len(found) == 1 else set[Member]().union(*found)
        for member in entitled:
            member.offer(message)
        REALTIME_SENT.inc(len(entitled))
        return len(entitled)

    def end_session(self, session: UUID) -> None:
        for member in self._by_session.get(session, ()):
            member.close(NO_TOKEN, "session ended")

    def end_all(self, user: UUID, at: float) -> None:
        """Close what the user opened with tokens issued by then (epoch seconds)."""
        for member in self._by_user.get(user, ()):
            if member.holder is not None and member.holder.issued <= at:
                member.close(NO_TOKEN, "session ended")

    async def drain(self, seconds: float) -> None:
        """Let nobody in any more, and close everybody in turn, so that they do not all come back at once."""
        self.draining = True
        await self._in_turn(seconds, lambda member: member.close(RESTARTING, "restarting"))

    async def tell_all(self, message: Message, seconds: float) -> None:
        """Everybody, in turn: for what makes them all ask for something."""
        await self._in_turn(seconds, lambda member: member.offer(message))

    async def _in_turn(self, seconds: float, act: Callable[[Member], None]) -> None:
        """Those who are here now, in any order, spread over the time."""
        members = random.sample(list(self._members), len(self._members))
        size = max(1, math.ceil(len(members) * STEP_SECONDS / max(seconds, STEP_SECONDS)))
        for start in range(0, len(members), size):
            for member in members[start : start + size]:
                act(member)
            await asyncio.sleep(STEP_SECONDS)
