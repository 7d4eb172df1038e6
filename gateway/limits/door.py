"""Whom a call is counted for, and what it is told. Wiring of the rest of this folder."""

import math
import time
from collections.abc import Callable
from datetime import datetime

from starlette.types import Scope

from gateway.access import Access, check_token
from gateway.call import Call
from gateway.limits import accounts, queries
from gateway.limits.addresses import client_of
from gateway.limits.buckets import Bucket, Buckets, Clock, Outcome
from gateway.limits.errors import CannotCount, RateLimited
from gateway.limits.lender import Lender
from gateway.limits.metrics import TAKEN
from gateway.limits.rules import LOGIN, NAMING_AN_ACCOUNT, STRICT, UNLIMITED, Rule, Rules
from gateway.settings import GatewaySettings
from shared.db import Database
from shared.errors import Unauthorized
from shared.jobs import AWAY as AWAY_ERRORS
from shared.keys import Keys
from shared.log import logger

KEY_BYTES = 16
PURPOSE = "rate limits"

log = logger(__name__)


class Limits:
    def __init__(
        self,
        settings: GatewaySettings,
        access: Access,
        database: Database,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        self._access = access
        self._database = database
        self._keys = Keys(settings.secret_key.get_secret_value())
        self.rules = Rules.of(settings.rate_limit_per_minute, settings.login_rate_limit_per_minute)
        self.lender = Lender(database, now)
        self.buckets = Buckets(self.lender, clock)
        self._counted: dict[tuple[str, str], Callable[[], None]] = {}

    async def close(self) -> None:
        await self.lender.close()

    async def admit(self, call: Call) -> None:
        """Raises RateLimited and CannotCount, and what checking the token and reading the body raise."""
        try:
            claims = await check_token(call, self._access)
        except Unauthorized:
            await self._count(call, self.rules.address, client_of(call.scope))
            raise
        if call.path in UNLIMITED:
            return
        if call.method == "POST" and call.path in STRICT:
            await self._attempt(call)
        elif claims is None:
            await self._count(call, self.rules.address, client_of(call.scope))
        else:
            await self._count(call, self.rules.user, claims["sub"])

    async def admits(self, scope: Scope, user: object | None) -> bool:
        """Whether one more WebSocket may be opened now; it counts like a call."""
        rule, subject = (self.rules.address, client_of(scope)) if user is None else (self.rules.user, str(user))
        bucket = self._bucket(rule, subject)
        return self._noted(rule, await self.buckets.take(bucket)) is not Outcome.REFUSED

    def succeeded(self, call: Call) -> None:
        """Remember, meanwhile, from where an account has come in."""
        if call.pair is not None and call.status == 200:
            self.lender.start(self._remember(call.pair))

    async def _count(self, call: Call, rule: Rule, subject: str) -> None:
        bucket = self._bucket(rule, subject)
        outcome = self._noted(rule, await self.buckets.take(bucket))
        if outcome is Outcome.AWAY:
            call.common += rule.policy
            if rule.closed:
                raise CannotCount
            return
        seconds = self.buckets.seconds_until(bucket.back_at)
        call.common += rule.told(bucket.left + bucket.free, seconds)
        if outcome is Outcome.REFUSED:
            raise RateLimited(rule.name, _whole(seconds))

    async def _attempt(self, call: Call) -> None:
        """By address; and by account, unless it came in from this network before."""
        network = client_of(call.scope)
        await self._count(call, self.rules.login, network)
        account = await accounts.account_in(call) if call.path in NAMING_AN_ACCOUNT else None
        if account is None:
            return
        pair = self._key(f"{account}\n{network}")
        if call.path == LOGIN:
            call.pair = pair
        bucket = self._bucket(self.rules.account, account)
        outcome = await self.buckets.take(bucket)
        if outcome is Outcome.REFUSED and await self._is_known(pair):
            self._note(self.rules.account, "known")
            return
        self._noted(self.rules.account, outcome)
        if outcome is Outcome.AWAY:
            raise CannotCount
        if outcome is Outcome.REFUSED:
            # How many attempts others have left at an account is told to those alone who have none.
            seconds = self.buckets.seconds_until(bucket.back_at)
            call.common = [header for header in call.common if not header[0].startswith(b"ratelimit")]
            call.common += self.rules.account.told(0, seconds)
            raise RateLimited(self.rules.account.name, _whole(seconds))

    def _bucket(self, rule: Rule, subject: str) -> Bucket:
        return self.buckets.get(f"{rule.name} {subject}", rule, self._key)

    def _key(self, name: str) -> bytes:
        return self._keys.sign(PURPOSE, name.encode("utf-8", "surrogatepass"))[:KEY_BYTES]

    def _noted(self, rule: Rule, outcome: Outcome) -> Outcome:
        self._note(rule, outcome.value if outcome is not Outcome.AWAY else "closed" if rule.closed else "open")
        return outcome

    def _note(self, rule: Rule, outcome: str) -> None:
        key = (rule.name, outcome)
        if key not in self._counted:
            self._counted[key] = TAKEN.labels(*key).inc
        self._counted[key]()

    async def _is_known(self, pair: bytes) -> bool:
        try:
            return await queries.is_known(self._database, pair)
        except AWAY_ERRORS as error:
            raise CannotCount from error

    async def _remember(self, pair: bytes) -> None:
        try:
            await queries.remember(self._database, pair)
        except AWAY_ERRORS as error:
            log.warning("network_not_remembered", error=type(error).__name__)


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))
