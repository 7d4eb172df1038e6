"""Which sessions have ended while tokens of theirs may still be alive."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from gateway.metrics import REVOCATIONS

MARGIN_SECONDS = 60.0  # clocks differ, and a token may be signed just as its session ends
MOST_KEPT = 200_000


class Revocations:
    """What the broker has told. `known` once everything that still matters has been read for the first time.

    Ids are kept as text, in the one form that a verified token has them in.
    """

    def __init__(self, lifetime: float, at_most: int = MOST_KEPT) -> None:
        self.known = False
        self._kept_for = lifetime + MARGIN_SECONDS
        self._at_most = at_most
        self._sessions: dict[str, float] = {}  # when each ended (epoch seconds), about in that order
        self._users: dict[str, float] = {}  # when all that each had ended
        self._refused_until = float("-inf")

    def __len__(self) -> int:
        return len(self._sessions) + len(self._users)

    @property
    def since(self) -> float:
        """Epoch seconds: tokens of sessions that ended before then are dead by themselves."""
        return time.time() - self._kept_for

    def end_session(self, session: UUID, at: float) -> None:
        self._keep(self._sessions, str(session), at)

    def end_all(self, user: UUID, at: float) -> None:
        """Every session the user had by then."""
        self._keep(self._users, str(user), at)

    def refuses(self, claims: Mapping[str, Any]) -> bool:
        """Whether a verified token's session has ended.

        A token tells the second it was issued in and no more, so `end_all` refuses those of its own second too; whoever
        signed in again within it gets a good one by refreshing.
        """
        issued = claims["iat"]
        if claims["sid"] in self._sessions or issued <= self._refused_until:
            return True
        ended = self._users.get(claims["sub"])
        return ended is not None and issued <= ended

    def _keep(self, kept: dict[str, float], key: str, at: float) -> None:
        at = min(at, time.time() + MARGIN_SECONDS)
        if at > self.since:
            kept[key] = max(at, kept.get(key, at))
        for each in (self._sessions, self._users):
            self._forget_dead(each)
        if len(kept) > self._at_most:
            self._forget_oldest(kept)
        REVOCATIONS.set(len(self))

    def _forget_dead(self, kept: dict[str, float]) -> None:
        since = self.since
        while kept and kept[oldest := next(iter(kept))] < since:
            del kept[oldest]

    def _forget_oldest(self, kept: dict[str, float]) -> None:
        """For want of room: all tokens from before then are refused instead, and their owners refresh."""
        for key in list(kept)[: max(1, self._at_most // 10)]:
            self._refused_until = max(self._refused_until, kept.pop(key))
