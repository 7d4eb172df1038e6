"""Settings of the deployables, and what production and staging do not start with."""

import ipaddress
import re
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import SecretStr
from zxcvbn import zxcvbn

from shared.settings import Refusal, Settings

EXAMPLE_WORDS = re.compile(
    "secret|passw|change|example|default|character|loctician|salon|insecure|qwerty|letmein|please|admin|dummy"
)
WORDS = re.compile(r"(?:[A-Za-z]{3,}[^A-Za-z0-9]+){3}")  # a sentence
KINDS = ("[a-z]", "[A-Z]", "[0-9]")  # of characters; of two at least
LEAST_GUESSES = 26  # as a power of ten; 16 random bytes in hex need 28 or more
MEASURED = 72  # zxcvbn takes no more characters
WIDEST = {4: 16, 6: 48}  # bits of the shortest prefix that TRUSTED_PROXIES may have


def weak_secret(secret: SecretStr) -> str | None:
    """Refuses examples, sentences, repetitions and what else can be guessed."""
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


class OperatorSettings(Settings):
    """Of the operator's command, which needs no address."""

    refusals: ClassVar[Mapping[str, Refusal]] = {"debug": switched_on, "secret_key": weak_secret}


class DeployableSettings(OperatorSettings):
    refusals: ClassVar[Mapping[str, Refusal]] = {
        **OperatorSettings.refusals,
        "sql_echo": switched_on,
        "public_url": not_https,
        "app_url": not_https,
        "cors_origins": unsafe_origins,
    }
