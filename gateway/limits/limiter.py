"""Whom a call is counted for, and what it is told. Wiring of the rest of this folder."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from starlette.types import Scope

from gateway.errors import CannotCount, RateLimited
from gateway.identity.authentication import Authentication, check_token
from gateway.limits import accounts, queries
from gateway.limits.buckets import Bucket, Buckets, Clock, Outcome
from gateway.limits.lease_client import SECONDS, LeaseClient
from gateway.limits.rules import LOGIN, RESET, STRICT, UNLIMITED, Rule, Rules
from gateway.metrics import RATE_LIMITED_CALLS
from gateway.proxy.call import Call
from gateway.proxy.client_address import client_of
from gateway.settings import GatewaySettings
from shared.database.session import Database
from shared.errors import Unauthorized
from shared.identity.derived_keys import Keys
from shared.jobs import AWAY as AWAY_ERRORS
from shared.observability.log import logger

KEY_BYTES = 16
PURPOSE = "rate limits"
ALLOWED = "allowed"

log = logger(__name__)


class Limiter:
    def __init__(
        self,
        settings: GatewaySettings,
        access: Authentication,
        database: Database,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        self._access = access
        self._database = database
        self._keys = Keys(settings.secret_key.get_secret_value())
        self.rules = Rules.of(settings.rate_limit_per_minute, settings.login_rate_limit_per_minute)
        self.lease_client = LeaseClient(database, now)
        self.buckets = Buckets(self.lease_client, clock)
        self._allowed = {name: RATE_LIMITED_CALLS.labels(name, ALLOWED).inc for name in ("user", "address")}

    async def close(self) -> None:
        await self.lease_client.close()

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
            return
        rule, subject = self._caller(call.scope, claims["sub"] if claims else None)
        bucket, now = self._bucket(rule, subject), self.buckets.clock()
        if bucket.take(now):  # nearly always: no trip, and nothing to wait for
            self._allowed[rule.name]()
            call.common = [*call.common, *bucket.told(now)]  # the list is shared by all calls
        else:
            await self._ask(call, rule, bucket)

    async def admits(self, scope: Scope, user: str | None) -> bool:
        """Whether one more WebSocket may be opened now; it counts like a call."""
        rule, subject = self._caller(scope, user)
        outcome = await self.buckets.take(self._bucket(rule, subject))
        RATE_LIMITED_CALLS.labels(rule.name, _told(rule, outcome)).inc()
        return outcome is not Outcome.REFUSED

    def succeeded(self, call: Call) -> None:
        """Remember, meanwhile, from where an account has come in, or somebody has set a new password."""
        if call.remembered is not None and 200 <= call.status < 300:
            self.lease_client.start(self._remember(call.remembered))

    def _caller(self, scope: Scope, user: str | None) -> tuple[Rule, str]:
        return (self.rules.address, client_of(scope)) if user is None else (self.rules.user, user)

    async def _count(self, call: Call, rule: Rule, subject: str) -> None:
        await self._ask(call, rule, self._bucket(rule, subject))

    async def _ask(self, call: Call, rule: Rule, bucket: Bucket) -> None:
        outcome = await self.buckets.take(bucket)
        RATE_LIMITED_CALLS.labels(rule.name, _told(rule, outcome)).inc()
        if outcome is Outcome.REFUSED:
            raise self._refused(call, rule, bucket)
        if outcome is Outcome.ALLOWED:
            call.common = [*call.common, *bucket.told(self.buckets.clock())]
        elif rule.closed:
            raise CannotCount

    def _refused(self, call: Call, rule: Rule, bucket: Bucket) -> RateLimited:
        seconds = bucket.seconds(self.buckets.clock())
        # The last word is of the rule that refused: how many attempts an account has left is told of none.
        call.common = [header for header in call.common if not header[0].startswith(b"ratelimit")]
        call.common = [*call.common, *rule.told(0, seconds)]
        return RateLimited(rule.name, seconds)

    async def _attempt(self, call: Call) -> None:
        """By address; and by account, unless it came in from this network before."""
        network = client_of(call.scope)
        await self._count(call, self.rules.login, network)
        changed = self._key(f"password {network}")
        if call.path == RESET:
            call.remembered = changed
        if (name := STRICT[call.path]) is None or (account := await accounts.account_in(call)) is None:
            return
        pair = self._key(f"pair {account}\n{network}")
        if call.path == LOGIN:
            call.remembered = pair
        rule = self.rules.account if name == "account" else self.rules.mail
        bucket = self._bucket(rule, account)
        outcome = await self.buckets.take(bucket)
        known = outcome is Outcome.REFUSED and await self._is_known(pair, changed)
        RATE_LIMITED_CALLS.labels(rule.name, "known" if known else _told(rule, outcome)).inc()
        if outcome is Outcome.AWAY:
            raise CannotCount
        if outcome is Outcome.REFUSED and not known:
            raise self._refused(call, rule, bucket)

    def _bucket(self, rule: Rule, subject: str) -> Bucket:
        return self.buckets.get(f"{rule.name} {subject}", rule, self._key)

    def _key(self, name: str) -> bytes:
        return self._keys.sign(PURPOSE, name.encode("utf-8", "surrogatepass"))[:KEY_BYTES]

    async def _is_known(self, pair: bytes, changed: bytes) -> bool:
        try:
            async with asyncio.timeout(SECONDS):
                return await queries.is_known(self._database, pair, changed)
        except AWAY_ERRORS as error:
            raise CannotCount from error

    async def _remember(self, key: bytes) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                await queries.remember(self._database, key)
        except AWAY_ERRORS as error:
            log.warning("network_not_remembered", error=type(error).__name__)


def _told(rule: Rule, outcome: Outcome) -> str:
    if outcome is Outcome.AWAY:
        return "closed" if rule.closed else "open"
    return ALLOWED if outcome is Outcome.ALLOWED else "refused"
