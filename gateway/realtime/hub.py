"""The open WebSockets, and which messages each of them gets. Knows audiences, not what they mean."""

import asyncio
import math
import random
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from gateway.metrics import REALTIME_DROPPED, REALTIME_SENT, WEBSOCKETS

# Close codes (RFC 6455, 7.4; 4000 to 4999 are the application's own).
NO_TOKEN = 4401  # no valid access token or ticket, or not any more
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
    """The user and the session of a connection, and when its token was issued (epoch seconds)."""

    user: UUID
    session: UUID
    issued: float


class FullError(Exception):
    """The user, the address or the gateway has too many connections."""

    def __init__(self, close: Close) -> None:
        super().__init__(close.reason)
        self.close = close


class Subscriber:
    """One connection: a bounded queue of messages, and the reason to close once there is one."""

    __slots__ = ("_limit", "_waiter", "_waiting", "address", "audiences", "closing", "holder")

    def __init__(self, audiences: Iterable[str], holder: Holder | None, address: str, limit: int) -> None:
        self.audiences = tuple(audiences)
        self.holder = holder
        self.address = address
        self.closing: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self._limit = limit
        self._waiting: list[Message] = []
        self._waiter: asyncio.Future[None] | None = None

    def offer(self, message: Message) -> None:
        """Queues a message. Closes the connection if its queue is full; never waits for a slow client."""
        if self.closing.done():
            return
        if len(self._waiting) >= self._limit:
            REALTIME_DROPPED.inc()
            self.close(TRY_LATER, "too slow")
            return
        self._waiting.append(message)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self, code: int, reason: str) -> None:
        if not self.closing.done():
            self.closing.set_result(Close(code, reason))

    async def next(self) -> Message:
        while not self._waiting:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._waiting.pop(0)


class _Index(dict[Key, set[Subscriber]]):
    """The subscribers by key. A key without subscribers takes no memory."""

    def add(self, key: Key, subscriber: Subscriber) -> None:
        self.setdefault(key, set()).add(subscriber)

    def discard(self, key: Key, subscriber: Subscriber) -> None:
        subscribers = self[key]
        subscribers.discard(subscriber)
        if not subscribers:
            del self[key]


class Hub:
    def __init__(self, per_user: int, per_address: int, at_most: int, queue: int) -> None:
        """`queue`: how many messages may wait for one connection."""
        self._per_user, self._per_address, self._at_most, self._queue = per_user, per_address, at_most, queue
        self._subscribers: set[Subscriber] = set()
        self._by_audience: _Index[str] = _Index()
        self._by_user: _Index[UUID] = _Index()
        self._by_session: _Index[UUID] = _Index()
        self._by_address: _Index[str] = _Index()  # those without a user
        self.draining = False

    def __len__(self) -> int:
        return len(self._subscribers)

    def join(self, audiences: Iterable[str], holder: Holder | None = None, address: str = "") -> Subscriber:
        """Adds a connection. Raises FullError."""
        if self.draining:
            raise FullError(Close(RESTARTING, "restarting"))
        if len(self._subscribers) >= self._at_most:
            raise FullError(Close(TRY_LATER, "full"))
        if holder is not None and len(self._by_user.get(holder.user, ())) >= self._per_user:
            raise FullError(Close(TOO_MANY, "too many connections"))
        if holder is None and len(self._by_address.get(address, ())) >= self._per_address:
            raise FullError(Close(TOO_MANY, "too many connections"))
        subscriber = Subscriber(audiences, holder, address, self._queue)
        self._subscribers.add(subscriber)
        for audience in subscriber.audiences:
            self._by_audience.add(audience, subscriber)
        if holder is not None:
            self._by_user.add(holder.user, subscriber)
            self._by_session.add(holder.session, subscriber)
        else:
            self._by_address.add(address, subscriber)
        WEBSOCKETS.inc()
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """Removes a connection; does nothing if it was removed before."""
        if subscriber not in self._subscribers:
            return
        self._subscribers.remove(subscriber)
        for audience in subscriber.audiences:
            self._by_audience.discard(audience, subscriber)
        if subscriber.holder is not None:
            self._by_user.discard(subscriber.holder.user, subscriber)
            self._by_session.discard(subscriber.holder.session, subscriber)
        else:
            self._by_address.discard(subscriber.address, subscriber)
        WEBSOCKETS.dec()

    def publish(self, audiences: Iterable[str], message: Message) -> int:
        """Queues a message once for every connection in any of the audiences; returns for how many."""
        groups = [group for audience in audiences if (group := self._by_audience.get(audience))]
        subscribers = groups[0] if len(groups) == 1 else set[Subscriber]().union(*groups)
        for subscriber in subscribers:
            subscriber.offer(message)
        REALTIME_SENT.inc(len(subscribers))
        return len(subscribers)

    def end_session(self, session: UUID) -> None:
        for subscriber in self._by_session.get(session, ()):
            subscriber.close(NO_TOKEN, "session ended")

    def end_all(self, user: UUID, at: float) -> None:
        """Closes the user's connections whose tokens were issued at `at` (epoch seconds) or earlier."""
        for subscriber in self._by_user.get(user, ()):
            if subscriber.holder is not None and subscriber.holder.issued <= at:
                subscriber.close(NO_TOKEN, "session ended")

    async def drain(self, seconds: float) -> None:
        """Refuses new connections and closes the open ones over `seconds`, so that not all reconnect at once."""
        self.draining = True
        await self._spread(seconds, lambda subscriber: subscriber.close(RESTARTING, "restarting"))

    async def offer_all(self, message: Message, seconds: float) -> None:
        """Queues a message for every connection, over `seconds`: for a message that makes all clients reload."""
        await self._spread(seconds, lambda subscriber: subscriber.offer(message))

    async def _spread(self, seconds: float, act: Callable[[Subscriber], None]) -> None:
        """Acts on all present subscribers in random order, spread evenly over `seconds`."""
        subscribers = random.sample(list(self._subscribers), len(self._subscribers))
        size = max(1, math.ceil(len(subscribers) * STEP_SECONDS / max(seconds, STEP_SECONDS)))
        for start in range(0, len(subscribers), size):
            for subscriber in subscribers[start : start + size]:
                act(subscriber)
            await asyncio.sleep(STEP_SECONDS)
