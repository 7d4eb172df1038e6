"""Customers who book and cancel through the gateway, and try again as a good client does."""

import asyncio
import random
import ssl
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.e2e.salon import bearer, register

PASSING = {429, 500, 502, 503, 504}
PATIENCE_SECONDS = 90.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 3.0
CANCELLED_SHARE = 0.55
SEARCH_DAYS = 160
THOUGHT_SECONDS = (0.3, 1.0)  # of a customer between two bookings
Json = dict[str, Any]


@dataclass
class Ledger:
    """What the customers were told."""

    accepted: dict[str, str] = field(default_factory=dict)  # booking id -> its customer's token
    cancelled: set[str] = field(default_factory=set)
    unanswered: int = 0  # calls given up: the booking may or may not exist
    answers: Counter[int] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)  # what failed for a passing reason

    @property
    def open(self) -> list[str]:
        return [id_ for id_ in self.accepted if id_ not in self.cancelled]


class Customers:
    def __init__(
        self, url: str, treatments: list[str], randomness: random.Random, verify: ssl.SSLContext | bool = True
    ) -> None:
        limits = httpx.Limits(max_connections=50)
        self._http = httpx.AsyncClient(base_url=url, timeout=10, limits=limits, verify=verify)
        self._treatments = treatments
        self._random = randomness
        self.tokens: list[str] = []
        self._busy: set[str] = set()
        self.ledger = Ledger()

    async def arrive(self, number: int) -> None:
        for _ in range(number):
            _, token = await register(self._http, "chaos")
            self.tokens.append(token)

    async def close(self) -> None:
        await self._http.aclose()

    async def act(self, until: asyncio.Event) -> None:
        """One customer after the other, until told to stop."""
        while not until.is_set():
            if self.ledger.open and self._random.random() < CANCELLED_SHARE:
                await self._cancel(self._random.choice(self.ledger.open))
            await self._book()
            await asyncio.sleep(self._random.uniform(*THOUGHT_SECONDS))

    async def _book(self) -> None:
        slot = await self._slot()
        if slot is None:
            return
        token = self._random.choice(self.tokens)
        order = {"service_ids": slot["service_ids"], "loctician_id": slot["loctician_id"], "start": slot["start"]}
        headers = bearer(token) | {"Idempotency-Key": uuid4().hex}
        answer = await self._insist("POST", "/api/v1/bookings", json=order, headers=headers)
        if answer is None:
            self.ledger.unanswered += 1
        elif answer.status_code == 201:
            self.ledger.accepted[answer.json()["id"]] = token

    async def _slot(self) -> Json | None:
        begin = datetime.now(UTC) + timedelta(days=self._random.uniform(1, SEARCH_DAYS))
        query = {
            "service_id": self._random.choice(self._treatments),
            "from": begin.isoformat(),
            "to": (begin + timedelta(days=7)).isoformat(),
        }
        answer = await self._insist("GET", "/api/v1/slots", params=query)
        slots = answer.json()["items"] if answer is not None and answer.status_code == 200 else []
        return self._random.choice(slots) if slots else None

    async def _cancel(self, booking_id: str) -> None:
        if booking_id in self._busy:
            return
        self._busy.add(booking_id)
        path, headers = f"/api/v1/bookings/{booking_id}/cancel", bearer(self.ledger.accepted[booking_id])
        answer = await self._insist("POST", path, headers=headers)
        # 409: the first try had its effect, and its answer was lost on the way
        if answer is not None and answer.status_code in (200, 409):
            self.ledger.cancelled.add(booking_id)
        else:
            self._busy.discard(booking_id)

    async def _insist(self, method: str, path: str, **call: Any) -> httpx.Response | None:
        """Repeats a call that failed for a passing reason; None once patience has run out."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + PATIENCE_SECONDS, FIRST_PAUSE
        while loop.time() < until:
            try:
                answer = await self._http.request(method, path, **call)
            except httpx.TransportError as error:
                self.ledger.answers[0] += 1
                self.ledger.refusals.append(f"{datetime.now(UTC):%H:%M:%S} {method} {path}: {error!r}")
            else:
                self.ledger.answers[answer.status_code] += 1
                if answer.status_code not in PASSING:
                    return answer
                said = f"{answer.status_code} {answer.text[:200]}"
                self.ledger.refusals.append(f"{datetime.now(UTC):%H:%M:%S} {method} {path}: {said}")
            await asyncio.sleep(self._random.uniform(0.5, 1) * pause)
            pause = min(LONGEST_PAUSE, 2 * pause)
        return None
