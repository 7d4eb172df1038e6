"""What is limited, how much, and by what it is counted."""

from dataclasses import dataclass
from functools import cached_property

from gateway.proxy.headers import Headers

MINUTE = 60
# Limits attempts at one account from many addresses. It is three times the limit of one address, so that no single
# address can use it up and lock the owner out (docs/adr/0038).
ADDRESSES_PER_ACCOUNT = 3


@dataclass(frozen=True)
class Rule:
    """At most `at_most` calls in any `over` seconds."""

    name: str  # in metrics and headers
    at_most: int
    over: int = MINUTE
    ahead: int = 0  # calls in the first lease beyond those that wait
    hold: int = 2  # seconds for which a lease can be used
    closed: bool = False  # calls are refused while they cannot be counted

    @cached_property
    def policy(self) -> tuple[bytes, bytes]:
        return b"ratelimit-policy", f'"{self.name}";q={self.at_most};w={self.over}'.encode()

    @cached_property
    def _state(self) -> bytes:
        return f'"{self.name}";r=%d;t=%d'.encode()

    def headers(self, left: int, seconds: int) -> Headers:
        """RateLimit fields (draft-ietf-httpapi-ratelimit-headers): `left` more calls within `seconds`."""
        return [self.policy, (b"ratelimit", self._state % (left, seconds))]


@dataclass(frozen=True, slots=True)
class Rules:
    user: Rule
    address: Rule
    login: Rule
    account: Rule
    mail: Rule

    @classmethod
    def of(cls, per_minute: int, logins_per_minute: int) -> "Rules":
        return cls(
            Rule("user", per_minute, ahead=8, hold=10),
            Rule("address", per_minute, ahead=8, hold=10),
            Rule("login", logins_per_minute, closed=True),
            Rule("account", logins_per_minute * ADDRESSES_PER_ACCOUNT, closed=True),
            Rule("mail", logins_per_minute, closed=True),
        )


# A POST to these paths can guess at a secret or sends a mail. It is counted by address, and by the account in its body
# under the rule named here. Mails that others request for an account do not reduce its logins.
LOGIN, RESET = "/api/v1/auth/login", "/api/v1/auth/reset-password"
STRICT = {
    LOGIN: "account",
    "/api/v1/auth/register": "account",
    "/api/v1/auth/forgot-password": "mail",
    "/api/v1/auth/resend-verification": "mail",
    "/api/v1/bookings/requests": "mail",
    "/api/v1/waitlist/requests": "mail",
    "/api/v1/auth/login-link": "mail",
    "/api/v1/auth/login-code": None,
    RESET: None,
    "/api/v1/auth/verify-email": None,
    "/api/v1/auth/confirm-email": None,
}
# Verifiers of tokens need the keys at any time.
UNLIMITED = frozenset({"/.well-known/jwks.json", "/.well-known/openid-configuration", "/api/v1/auth/jwks"})
