"""Who is connected, and which messages each connection is entitled to. Knows audiences only, not what they mean."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from gateway.metrics import REALTIME_DROPPED, REALTIME_SENT, WEBSOCKETS

NO_TOKEN = 4401  # the application's own code: no valid access token, or no longer
TOO_MANY = 4429
TRY_LATER = 1013
RESTARTING = 1012


@dataclass(frozen=True, slots=True)
class Close:
    code: int
    reason: str


class FullError(Exception):
    """No more connections for this person, or at all."""

    def __init__(self, close: Close) -> None:
        super().__init__(close.reason)
        self.close = close


class Member:
    """One connection: a bounded queue of messages, and the reason to close once there is one."""

    __slots__ = ("_limit", "_waiting", "_wake", "audiences", "closing", "session", "user")

    def __init__(self, audiences: Iterable[str], user: UUID | None, session: UUID | None, limit: int) -> None:
        self.audiences = frozenset(audiences)
        self.user, self.session = user, session
        self.closing: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self._limit = limit
        self._waiting: deque[str] = deque()
        self._wake: asyncio.Future[None] | None = None

    def offer(self, message: str) -> None:
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

    async def next(self) -> str:
        while not self._waiting:
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        return self._waiting.popleft()


class Hub:
    def __init__(self, per_user: int, at_most: int, queue: int) -> None:
        self._per_user, self._at_most, self._queue = per_user, at_most, queue
        self._members: set[Member] = set()
        self._by_audience: defaultdict[str, set[Member]] = defaultdict(set)
        self._of_user: Counter[UUID] = Counter()

    def __len__(self) -> int:
        return len(self._members)

    def join(self, audiences: Iterable[str], user: UUID | None = None, session: UUID | None = None) -> Member:
        """Raises FullError."""
        if len(self._members) >= self._at_most:
            raise FullError(Close(TRY_LATER, "full"))
        if user is not None and self._of_user[user] >= self._per_user:
            raise FullError(Close(TOO_MANY, "too many connections"))
        member = Member(audiences, user, session, self._queue)
        self._members.add(member)
        for audience in member.audiences:
            self._by_audience[audience].add(member)
        if user is not None:
            self._of_user[user] += 1
        WEBSOCKETS.inc()
        return member

    def leave(self, member: Member) -> None:
        if member not in self._members:
            return
        self._members.remove(member)
        for audience in member.audiences:
            self._by_audience[audience].discard(member)
            if not self._by_audience[audience]:
                del self._by_audience[audience]
        if member.user is not None:
            self._of_user[member.user] -= 1
            if not self._of_user[member.user]:
                del self._of_user[member.user]
        WEBSOCKETS.dec()

    def publish(self, audiences: Iterable[str], message: str) -> int:
        """Give a message once to every connection in any of the audiences; tells how many."""
        entitled: set[Member] = set()
        for audience in audiences:
            entitled |= self._by_audience.get(audience, set())
        for member in entitled:
            member.offer(message)
        REALTIME_SENT.inc(len(entitled))
        return len(entitled)

    def revoke(self, user: UUID, session: UUID | None) -> None:
        """Close the connections of a session, or of all of the user's when it is None."""
        for member in self._members:
            if member.user == user and session in (None, member.session):
                member.close(NO_TOKEN, "session ended")

    def close_all(self) -> None:
        for member in self._members:
            member.close(RESTARTING, "restarting")
