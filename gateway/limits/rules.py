"""What is limited, and by whom it is counted."""

from dataclasses import dataclass
from functools import cached_property

from gateway.proxy.headers import Headers

MINUTE = 60
# Guessing at one account from many addresses stops here. Three times what one address may try, so that no single
# address can use it up and shut the owner out (docs/adr/0038).
ADDRESSES_AT_ONE_ACCOUNT = 3


@dataclass(frozen=True)
class Rule:
    name: str  # in metrics and headers
    at_most: int
    over: int = MINUTE  # seconds
    ahead: int = 0  # how many more than needed are borrowed at first
    hold: int = 2  # seconds for which what is borrowed can be used
    closed: bool = False  # nobody is let through while it cannot be counted

    @cached_property
    def policy(self) -> tuple[bytes, bytes]:
        return b"ratelimit-policy", f'"{self.name}";q={self.at_most};w={self.over}'.encode()

    @cached_property
    def _state(self) -> bytes:
        return f'"{self.name}";r=%d;t=%d'.encode()

    def told(self, left: int, seconds: int) -> Headers:
        """RateLimit fields (draft-ietf-httpapi-ratelimit-headers): so many more within so many seconds."""
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
            Rule("account", logins_per_minute * ADDRESSES_AT_ONE_ACCOUNT, closed=True),
            Rule("mail", logins_per_minute, closed=True),
        )


# POST to these guesses at secrets or sends mail: counted by address, and under the second rule by the account that the
# body names, if it does. An account has no fewer logins for the mails that others ask for in its name.
LOGIN, RESET = "/api/v1/auth/login", "/api/v1/auth/reset-password"
STRICT = {
    LOGIN: "account",
    "/api/v1/auth/register": "account",
    "/api/v1/auth/forgot-password": "mail",
    "/api/v1/auth/resend-verification": "mail",
    RESET: None,
    "/api/v1/auth/verify-email": None,
}
# Whoever verifies tokens needs the keys, from wherever and however often.
UNLIMITED = frozenset({"/.well-known/jwks.json", "/.well-known/openid-configuration", "/api/v1/auth/jwks"})
