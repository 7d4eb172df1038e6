"""Health of the gateway and, asked all at once, of each service behind it."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.upstream.client import Upstream, UpstreamError
from shared.database.health import check_database
from shared.database.session import Database
from shared.observability.health import Health

SECONDS = 1.5
AT_MOST = 65_536
DATABASE_SECONDS = 5.0


async def ask(upstream: Upstream, path: str) -> dict[str, Any]:
    """A service's own answer, or why there is none."""
    try:
        status, body = await upstream.fetch(path, seconds=SECONDS, at_most=AT_MOST)
        report = orjson.loads(body)
    except UpstreamError as error:
        return {"status": "down", "reason": str(error) or type(error).__name__}
    except orjson.JSONDecodeError:
        return {"status": "down", "reason": "no JSON"}
    if not isinstance(report, dict):
        return {"status": "down", "reason": "no report"}
    return {**report, **_replicas(upstream), "up": status == 200}


def _replicas(upstream: Upstream) -> dict[str, Any]:
    """How many stand how, where there are several."""
    health = Counter(replica.health.name.lower() for replica in upstream.replicas.all)
    return {"replicas": dict(health)} if health.total() > 1 else {}


async def ask_all(upstreams: Mapping[str, Upstream], path: str) -> tuple[bool, dict[str, Any]]:
    reports = await asyncio.gather(*(ask(upstream, path) for upstream in upstreams.values()))
    services = {
        name: {key: value for key, value in report.items() if key != "up"}
        for name, report in zip(upstreams, reports, strict=True)
    }
    return all(report.get("up") for report in reports), services


async def system(health: Health, upstreams: Mapping[str, Upstream]) -> tuple[bool, dict[str, Any]]:
    """Whether everything is up, and the report of each part."""
    all_up, services = await ask_all(upstreams, "/health/ready")
    report = health.report()
    whole = all_up and health.ready
    if not health.draining:
        report["status"] = "ready" if whole else "degraded"
    return whole, {**report, "services": services}


async def databases(health: Health, upstreams: Mapping[str, Upstream]) -> tuple[bool, dict[str, Any]]:
    all_up, services = await ask_all(upstreams, "/health/db")
    reason = health.parts.get("database")
    services["gateway"] = {"status": "up"} if reason is None else {"status": "down", "reason": reason}
    all_up = all_up and reason is None
    return all_up, {"status": "up" if all_up else "down", "services": services}


async def watch_database(database: Database, health: Health) -> None:
    """For ever. The gateway is ready without: only tickets and logins need it."""
    while True:
        await check_database(database, health)
        await asyncio.sleep(DATABASE_SECONDS)
