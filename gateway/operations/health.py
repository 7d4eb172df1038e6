"""The health of the gateway and of all services."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.upstream.client import Upstream
from gateway.upstream.errors import UpstreamError
from shared.database.health import check_database
from shared.database.session import Database
from shared.observability.health import Health

FETCH_SECONDS = 1.5
MAX_REPORT_BYTES = 65_536
DATABASE_SECONDS = 5.0  # between two checks


async def fetch_report(upstream: Upstream, path: str) -> dict[str, Any]:
    """The report of a service, or the reason why there is none."""
    try:
        status, body = await upstream.fetch(path, seconds=FETCH_SECONDS, at_most=MAX_REPORT_BYTES)
        report = orjson.loads(body)
    except UpstreamError as error:
        return {"status": "down", "reason": str(error) or type(error).__name__}
    except orjson.JSONDecodeError:
        return {"status": "down", "reason": "no JSON"}
    if not isinstance(report, dict):
        return {"status": "down", "reason": "no report"}
    return {**report, **_replicas(upstream), "up": status == 200}


def _replicas(upstream: Upstream) -> dict[str, Any]:
    """How many replicas have which health, if there are several."""
    counts = Counter(replica.health.name.lower() for replica in upstream.replicas.all)
    return {"replicas": dict(counts)} if counts.total() > 1 else {}


async def fetch_reports(upstreams: Mapping[str, Upstream], path: str) -> tuple[bool, dict[str, Any]]:
    """Whether all services are up, and the report of each. All are asked at once."""
    reports = await asyncio.gather(*(fetch_report(upstream, path) for upstream in upstreams.values()))
    services = {
        name: {key: value for key, value in report.items() if key != "up"}
        for name, report in zip(upstreams, reports, strict=True)
    }
    return all(report.get("up") for report in reports), services


async def system_report(health: Health, upstreams: Mapping[str, Upstream]) -> tuple[bool, dict[str, Any]]:
    """Whether everything is up, and the reports of all parts."""
    services_up, services = await fetch_reports(upstreams, "/health/ready")
    report = health.report()
    up = services_up and health.ready
    if not health.draining:
        report["status"] = "ready" if up else "degraded"
    return up, {**report, "services": services}


async def database_report(health: Health, upstreams: Mapping[str, Upstream]) -> tuple[bool, dict[str, Any]]:
    """Whether all databases are up, and the reports of all services and the gateway."""
    all_up, services = await fetch_reports(upstreams, "/health/db")
    reason = health.parts.get("database")
    services["gateway"] = {"status": "up"} if reason is None else {"status": "down", "reason": reason}
    all_up = all_up and reason is None
    return all_up, {"status": "up" if all_up else "down", "services": services}


async def watch_database(database: Database, health: Health) -> None:
    """Checks the database for ever. The gateway is ready without it: only tickets and logins need it."""
    while True:
        await check_database(database, health)
        await asyncio.sleep(DATABASE_SECONDS)
