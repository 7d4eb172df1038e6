"""The gateway's settings, beside those of every deployable."""

import ipaddress
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator

from domain.settings.production import DeployableSettings, unsafe_proxies
from shared.settings import CommaSeparated, Refusal

SERVICES = ("auth", "booking", "calendar", "notifications", "gdpr")


def service_urls(setting: str) -> list[SplitResult]:
    """The URLs in a setting like `http://booking:8002` or `http://10.0.0.1:8002,http://10.0.0.2:8002`.

    Raises ValueError.
    """
    urls = [_service_url(part.strip()) for part in setting.split(",") if part.strip()]
    if not urls:
        raise ValueError("names no address")
    return urls


def _service_url(text: str) -> SplitResult:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/") or url.query:
        raise ValueError("must be of the form http://name:port")  # without the text: it may hold a password
    _ = url.port  # reading it raises ValueError if it is not a number from 0 to 65535
    return url


class GatewaySettings(DeployableSettings):
    service: ClassVar[str] = "gateway"
    refusals: ClassVar[Mapping[str, Refusal]] = {**DeployableSettings.refusals, "trusted_proxies": unsafe_proxies}

    booking_url: str = "http://127.0.0.1:8002"
    calendar_url: str = "http://127.0.0.1:8003"
    notifications_url: str = "http://127.0.0.1:8004"
    gdpr_url: str = "http://127.0.0.1:8005"
    access_token_expire_minutes: int = Field(default=30, ge=1, le=1440, description="The same as for auth")
    connections_at_most: int = Field(
        default=20_000, ge=1, description="Of clients, with WebSockets; beyond them calls are answered 503"
    )
    calls_per_address: int = Field(default=100, ge=1, description="At the same time, with WebSockets that are opening")
    upstream_connections: int = Field(default=100, ge=1, le=10_000, description="To each service")
    upstream_connect_seconds: float = Field(default=2.0, gt=0, le=60)
    upstream_idle_seconds: float = Field(default=30.0, gt=0, le=600, description="Longest pause within a body")
    rate_limit_per_minute: int = Field(
        default=60, ge=1, le=1_000_000_000, description="Per user, or per address without a token"
    )
    login_rate_limit_per_minute: int = Field(default=10, ge=1, le=300_000_000, description="Per address and account")
    trusted_proxies: CommaSeparated = Field(default=[], description="Addresses and networks")
    websockets_per_user: int = Field(default=10, ge=1)
    websockets_per_address: int = Field(default=100, ge=1, description="Without a signed-in user")
    websockets_at_most: int = Field(default=12_000, ge=1)
    websocket_queue: int = Field(default=64, ge=1, description="Messages that may wait for one client")
    websocket_drain_seconds: float = Field(
        default=5.0, ge=0, le=60, description="A restart closes all sockets over this time"
    )

    @field_validator("trusted_proxies")
    @classmethod
    def check_networks(cls, networks: list[str]) -> list[str]:
        for text in networks:
            try:
                network = ipaddress.ip_network(text)
            except ValueError as error:
                raise ValueError(f"{text} is not an address or a network such as 10.0.0.7 or 10.0.0.0/24") from error
            if network.prefixlen == 0:
                raise ValueError(f"{text} is every address: name the proxies in front of the gateway")
        return networks

    @field_validator("auth_url", "booking_url", "calendar_url", "notifications_url", "gdpr_url")
    @classmethod
    def check_service_url(cls, value: str) -> str:
        service_urls(value)
        return value

    def upstream_urls(self) -> dict[str, list[SplitResult]]:
        return {name: service_urls(getattr(self, f"{name}_url")) for name in SERVICES}
