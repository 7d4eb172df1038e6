"""Retention policies as responses show them."""

from collections.abc import Mapping
from typing import Any

DEFAULTS = ("table", "purpose", "least_days", "most_days")
LAST_RUN = ("changed_at", "run_at", "counted", "removed", "dry_run")


def retention_policy(service: str, name: str, policy: Mapping[str, Any], stored: Mapping[Any, Any]) -> dict[str, Any]:
    """`policy` is the service's default; `stored` the period that an admin chose and the last run, empty if none."""
    return {
        "service": service,
        "policy": name,
        **{field: policy[field] for field in DEFAULTS},
        "default_days": policy["keep_days"],
        "keep_days": stored.get("keep_days") or policy["keep_days"],
        **{field: stored.get(field) for field in LAST_RUN},
    }
