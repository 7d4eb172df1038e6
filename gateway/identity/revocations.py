"""The sessions that have ended while their access tokens have not yet expired."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from gateway.metrics import REVOCATIONS

MARGIN_SECONDS = 60.0  # clocks differ, and a token may be signed just as its session ends
MOST_KEPT = 200_000


class Revocations:
    """Fed by the revocation stream. `complete` once all revocations that still matter were read for the first time.

    Ids are kept as text, in the form that verified tokens have them in.
    """

    def __init__(self, lifetime: float, at_most: int = MOST_KEPT) -> None:
        """`lifetime` of an access token in seconds."""
        self.complete = False
        self._kept_seconds = lifetime + MARGIN_SECONDS
        self._at_most = at_most
        self._sessions: dict[str, float] = {}  # id to end (epoch seconds), roughly in that order
        self._users: dict[str, float] = {}  # id to the end of all sessions of the user
        self._refused_until = float("-inf")

    def __len__(self) -> int:
        return len(self._sessions) + len(self._users)

    @property
    def since(self) -> float:
        """Epoch seconds: tokens of sessions that ended earlier have expired."""
        return time.time() - self._kept_seconds

    def end_session(self, session: UUID, at: float) -> None:
        self._keep(self._sessions, str(session), at)

    def end_all(self, user: UUID, at: float) -> None:
        """Ends every session that the user had at `at` (epoch seconds)."""
        self._keep(self._users, str(user), at)

    def refuses(self, claims: Mapping[str, Any]) -> bool:
        """Whether the session of a verified token has ended.

        Tokens carry their time of issue in whole seconds, so `end_all` also refuses tokens of its own second. A user
        who signs in again within that second gets a valid token by refreshing.
        """
        issued = claims["iat"]
        if claims["sid"] in self._sessions or issued <= self._refused_until:
            return True
        ended = self._users.get(claims["sub"])
        return ended is not None and issued <= ended

    def _keep(self, ends: dict[str, float], key: str, at: float) -> None:
        at = min(at, time.time() + MARGIN_SECONDS)
        if at > self.since:
            ends[key] = max(at, ends.get(key, at))
        self._remove_expired(self._sessions)
        self._remove_expired(self._users)
        if len(ends) > self._at_most:
            self._remove_oldest(ends)
        REVOCATIONS.set(len(self))

    def _remove_expired(self, ends: dict[str, float]) -> None:
        since = self.since
        while ends and ends[oldest := next(iter(ends))] < since:
            del ends[oldest]

    def _remove_oldest(self, ends: dict[str, float]) -> None:
        """Makes room. All tokens issued until the removed ends are refused instead; their owners refresh them."""
        for key in list(ends)[: max(1, self._at_most // 10)]:
            self._refused_until = max(self._refused_until, ends.pop(key))
