"""Settings of the deployables, and what production and staging do not start with."""

import ipaddress
import re
from collections.abc import Mapping
from typing import ClassVar, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from zxcvbn import zxcvbn

from keys.services import read_directory
from shared.settings import Refusal, Settings, own_setting

EXAMPLE_WORDS = re.compile(
    "secret|passw|change|example|default|character|loctician|salon|insecure|qwerty|letmein|please|admin|dummy"
)
WORDS = re.compile(r"(?:[A-Za-z]{3,}[^A-Za-z0-9]+){3}")  # a sentence
KINDS = ("[a-z]", "[A-Z]", "[0-9]")  # of characters; of two at least
LEAST_GUESSES = 26  # as a power of ten; 16 random bytes in hex need 28 or more
MEASURED = 72  # zxcvbn takes no more characters
OWN = ("secret_key", "database_url", "amqp_url")  # of a service
WIDEST = {4: 16, 6: 48}  # bits of the shortest prefix that TRUSTED_PROXIES may have


def weak_secret(secret: SecretStr | None) -> str | None:
    """Refuses examples, sentences, repetitions and what else can be guessed."""
    if secret is None:
        return None
    text = secret.get_secret_value()
    known = EXAMPLE_WORDS.search(re.sub("[^a-z]", "", text.lower())) or WORDS.search(text)
    plain = sum(re.search(kind, text) is not None for kind in KINDS) < 2
    weak = known or plain or zxcvbn(text[:MEASURED])["guesses_log10"] < LEAST_GUESSES
    return "must be random, as `openssl rand -hex 32` makes it," if weak else None


def switched_on(value: bool) -> str | None:
    return "must be off" if value else None


def missing(value: object) -> str | None:
    return "must be set" if value is None else None


def not_https(url: str | None) -> str | None:
    """Whatever is sent there or linked to could be read and changed on the way."""
    parts = urlsplit("https://unset" if url is None else url)
    return None if parts.scheme == "https" and parts.hostname else "must begin with https://"


def unsafe_origins(origins: list[str]) -> str | None:
    """`null` is the origin of any sandboxed page and of any file."""
    safe = all(not_https(origin) is None and "*" not in origin for origin in origins)
    return None if safe else "must name origins that begin with https://, not * and not null,"


def unsafe_proxies(networks: list[str]) -> str | None:
    """Everybody within could claim any address; without any, all clients of the edge count as one."""
    if not networks:
        return "must name the proxies in front of the gateway"
    prefixes = [ipaddress.ip_network(network) for network in networks]
    narrow = all(network.prefixlen >= WIDEST[network.version] for network in prefixes)
    return None if narrow else f"must name networks of /{WIDEST[4]} (IPv6: /{WIDEST[6]}) or smaller"


def password_without_tls(url: SecretStr) -> str | None:
    parts = urlsplit(url.get_secret_value())
    unsafe = parts.scheme == "smtp" and (parts.username is not None or parts.password is not None)
    return "must be smtp+starttls:// or smtps:// when it has a password" if unsafe else None


def operators_only(value: SecretStr | None) -> str | None:
    """From it follow the secrets of all services."""
    return None if value is None else "must not be given to a service, but what `loctician secrets` makes of it,"


class OperatorSettings(Settings):
    """Of the operator's command, which needs no address."""

    refusals: ClassVar[Mapping[str, Refusal]] = {"debug": switched_on, "secret_key": weak_secret}

    secret_key: SecretStr = Field(min_length=32)


class DeployableSettings(Settings):
    refusals: ClassVar[Mapping[str, Refusal]] = {
        "debug": switched_on,
        "secret_key": operators_only,
        "sql_echo": switched_on,
        "public_url": not_https,
        "app_url": not_https,
        "cors_origins": unsafe_origins,
    }
    service: ClassVar[str] = ""

    @field_validator("secret_key")
    @classmethod
    def require_secrets(cls, value: SecretStr | None) -> SecretStr | None:
        """A service needs its own secret and logins, or SECRET_KEY, from which all of them follow."""
        names = [*(f"{cls.service}_{name}" for name in OWN), "public_keys"] if cls.service and value is None else []
        lacking = [name.upper() for name in names if not own_setting(name)]
        if lacking:
            raise ValueError(f"must be set, or {', '.join(lacking)}; `loctician secrets` makes these")
        return value

    @field_validator("public_keys")
    @classmethod
    def check_public_keys(cls, value: str | None) -> str | None:
        if value is not None:
            read_directory(value)
        return value


D = TypeVar("D", bound=DeployableSettings)


def for_operator(kind: type[D]) -> type[D]:
    """The settings of a service for the operator's command, which has SECRET_KEY."""
    refusals = {**kind.refusals, "secret_key": weak_secret}
    return type(kind.__name__, (kind,), {"__module__": kind.__module__, "refusals": refusals})
