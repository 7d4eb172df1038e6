"""No label takes its value from a caller: however many odd calls come, a process measures the same few series."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from prometheus_client import REGISTRY

from cli.contracts import generator
from gateway.main import Gateway
from gateway.settings import GatewaySettings
from shared.http.app import create_app
from tests.guards.test_layout import SERVICES

MARK = "h0stile"
LABELS = {
    *("service", "method", "route", "status", "statement", "sqlstate", "state", "queue", "outcome", "type"),
    *("job_name", "channel", "code", "kind", "part", "reason", "rule", "standing", "environment"),
    *("le", "generation", "implementation", "major", "minor", "patchlevel", "version"),
}
NOWHERE: dict[str, Any] = {
    "environment": "test",
    "database_url": "postgresql://nobody:none@127.0.0.1:1/none",
    "amqp_url": "amqp://127.0.0.1:1/",
    "secret_key": "a-secret-key-of-at-least-32-characters",
    "public_url": "http://gateway.example",
    "log_level": "ERROR",
    **{f"{name}_url": "http://127.0.0.1:1" for name in SERVICES},
}


def application(name: str) -> Any:
    """A process's application, with nothing behind it."""
    if name == "gateway":
        return Gateway(GatewaySettings.model_validate(NOWHERE))
    service = generator.service(name)
    return create_app(service, service.settings.model_validate(NOWHERE))


def paths(name: str) -> Iterator[str]:
    """Those that are, with an odd part in each place, and some that are not."""
    yield from (
        f"/{MARK}",
        f"/api/v1/{MARK}/x",
        f"/health/{MARK}",
        "//",
        f"/api/v1/bookings/{MARK}/..%2f",
        f"/ws/{MARK}",
    )
    if name != "gateway":
        endpoints = [route for router in generator.service(name).routers for route in router.routes]
        known = {route.path for route in endpoints if isinstance(route, APIRoute)}
        yield from (path.replace("{", f"{MARK}-").replace("}", "") for path in sorted(known))


async def hostile(client: httpx.AsyncClient, name: str, number: int) -> None:
    odd = f"{MARK}-{number}"
    headers = {
        "X-Request-ID": odd,
        "traceparent": f"00-{number:032x}-{number:016x}-01",
        "User-Agent": odd,
        "Host": f"{odd}.example",
        "Authorization": f"Bearer {odd}",
        "Accept-Language": odd,
    }
    for path in paths(name):
        for method in ("GET", "DELETE", "BREW", odd.upper().replace("-", "")):
            await client.request(method, f"{path}?{odd}={odd}", headers=headers, content=odd.encode())


def series() -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for metric in REGISTRY.collect()
        for sample in metric.samples
    }


@pytest.mark.parametrize("name", [*SERVICES, "gateway"])
async def test_odd_calls_add_no_series_of_their_own(name: str) -> None:
    transport = httpx.ASGITransport(application(name), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example", timeout=20) as client:
        await hostile(client, name, 1)
        once = series()
        await hostile(client, name, 2)
    assert series() == once
    values = [value for _, labels in once for _, value in labels]
    assert [value for value in values if MARK in value.lower() or "BREW" in value] == []
    assert any(("service", name) in labels and ("status", "404") in labels for _, labels in once)


def test_labels_are_those_that_were_thought_about() -> None:
    for name in (*SERVICES, "gateway"):
        application(name)
    collectors: dict[str, Any] = REGISTRY._names_to_collectors
    used: Callable[[Any], tuple[str, ...]] = lambda collector: getattr(collector, "_labelnames", ())  # noqa: E731
    assert {label for collector in collectors.values() for label in used(collector)} - LABELS == set()
