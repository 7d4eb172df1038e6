"""The rate limiter: decides by which rules a call is counted, and answers calls over the limit."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from starlette.types import Scope

from gateway.errors import CannotCount, RateLimited
from gateway.identity.authentication import Authentication
from gateway.limits import accounts, queries
from gateway.limits.buckets import Bucket, Buckets, Clock, Outcome
from gateway.limits.lease_client import DATABASE_SECONDS, LeaseClient
from gateway.limits.rules import LOGIN, RESET, STRICT, UNLIMITED, Rule, Rules
from gateway.metrics import RATE_LIMITED_CALLS
from gateway.proxy.call import Call
from gateway.proxy.client_address import client_network
from gateway.settings import GatewaySettings
from shared.database.session import Database
from shared.errors import Unauthorized
from shared.identity.derived_keys import keys_from
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
        authentication: Authentication,
        database: Database,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        """`now` replaces the clock of the database (tests)."""
        self._authentication = authentication
        self._database = database
        self._keys = keys_from(settings, "gateway")
        self.rules = Rules.of(settings.rate_limit_per_minute, settings.login_rate_limit_per_minute)
        self.lease_client = LeaseClient(database, now)
        self.buckets = Buckets(self.lease_client, clock)
        self._count_allowed = {name: RATE_LIMITED_CALLS.labels(name, ALLOWED).inc for name in ("user", "address")}

    async def close(self) -> None:
        await self.lease_client.close()

    async def admit(self, call: Call) -> None:
        """Authenticates the call and counts it.

        Raises RateLimited, CannotCount, and what checking the token and reading the body raise.
        """
        try:
            claims = await self._authentication.authenticate(call)
        except Unauthorized:
            await self._count(call, self.rules.address, client_network(call.scope))
            raise
        if call.path in UNLIMITED:
            return
        if call.method == "POST" and call.path in STRICT:
            await self._count_attempt(call)
            return
        rule, subject = self._rule_for(call.scope, claims["sub"] if claims else None)
        bucket, now = self._bucket(rule, subject), self.buckets.clock()
        if bucket.take(now):  # the usual case: no request to the database, nothing to wait for
            self._count_allowed[rule.name]()
            call.common = [*call.common, *bucket.headers(now)]  # the list before is shared by all calls
        else:
            await self._take(call, rule, bucket)

    async def admit_websocket(self, scope: Scope, user: str | None) -> bool:
        """Counts the opening of a WebSocket like a call; returns whether it is within the limit."""
        rule, subject = self._rule_for(scope, user)
        outcome = await self.buckets.take(self._bucket(rule, subject))
        RATE_LIMITED_CALLS.labels(rule.name, _label(rule, outcome)).inc()
        return outcome is not Outcome.REFUSED

    def remember(self, call: Call) -> None:
        """After a successful login or password reset, stores in the background from which network it came."""
        if call.known_network is not None and 200 <= call.status < 300:
            self.lease_client.start(self._store(call.known_network))

    def _rule_for(self, scope: Scope, user: str | None) -> tuple[Rule, str]:
        return (self.rules.address, client_network(scope)) if user is None else (self.rules.user, user)

    async def _count(self, call: Call, rule: Rule, subject: str) -> None:
        await self._take(call, rule, self._bucket(rule, subject))

    async def _take(self, call: Call, rule: Rule, bucket: Bucket) -> None:
        outcome = await self.buckets.take(bucket)
        RATE_LIMITED_CALLS.labels(rule.name, _label(rule, outcome)).inc()
        if outcome is Outcome.REFUSED:
            raise self._rate_limited(call, rule, bucket)
        if outcome is Outcome.ALLOWED:
            call.common = [*call.common, *bucket.headers(self.buckets.clock())]
        elif rule.closed:
            raise CannotCount

    def _rate_limited(self, call: Call, rule: Rule, bucket: Bucket) -> RateLimited:
        seconds = bucket.seconds_until_more(self.buckets.clock())
        # Only the headers of the rule that refused. Nobody learns how many attempts an account has left.
        call.common = [header for header in call.common if not header[0].startswith(b"ratelimit")]
        call.common = [*call.common, *rule.headers(0, seconds)]
        return RateLimited(rule.name, seconds)

    async def _count_attempt(self, call: Call) -> None:
        """Counts by address; and by account, but does not refuse an account known in this network."""
        network = client_network(call.scope)
        await self._count(call, self.rules.login, network)
        password_changed = self._key(f"password {network}")
        if call.path == RESET:
            call.known_network = password_changed
        if (name := STRICT[call.path]) is None or (account := await accounts.read_account(call)) is None:
            return
        signed_in = self._key(f"pair {account}\n{network}")
        if call.path == LOGIN:
            call.known_network = signed_in
        rule = self.rules.account if name == "account" else self.rules.mail
        bucket = self._bucket(rule, account)
        outcome = await self.buckets.take(bucket)
        known = outcome is Outcome.REFUSED and await self._is_known(signed_in, password_changed)
        RATE_LIMITED_CALLS.labels(rule.name, "known" if known else _label(rule, outcome)).inc()
        if outcome is Outcome.AWAY:
            raise CannotCount
        if outcome is Outcome.REFUSED and not known:
            raise self._rate_limited(call, rule, bucket)

    def _bucket(self, rule: Rule, subject: str) -> Bucket:
        return self.buckets.get(f"{rule.name} {subject}", rule, self._key)

    def _key(self, name: str) -> bytes:
        return self._keys.sign(PURPOSE, name.encode("utf-8", "surrogatepass"))[:KEY_BYTES]

    async def _is_known(self, signed_in: bytes, password_changed: bytes) -> bool:
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                return await queries.is_known(self._database, signed_in, password_changed)
        except AWAY_ERRORS as error:
            raise CannotCount from error

    async def _store(self, key: bytes) -> None:
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                await queries.store_known_network(self._database, key)
        except AWAY_ERRORS as error:
            log.warning("network_not_remembered", error=type(error).__name__)


def _label(rule: Rule, outcome: Outcome) -> str:
    """The outcome in the metric."""
    if outcome is Outcome.AWAY:
        return "closed" if rule.closed else "open"
    return ALLOWED if outcome is Outcome.ALLOWED else "refused"
