"""How long things are kept: the services' defaults, what admins have chosen instead, and having it done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.errors import KeepOutOfBounds, UnknownPolicy
from services.gdpr.events import Order, RetentionChanged, RetentionDue
from services.gdpr.processing_records import inventory
from services.gdpr.retention_policies import queries
from shared.messaging.events import emit, new_id

UNCHOSEN: Mapping[str, Any] = dict.fromkeys(("changed_at", "run_at", "counted", "removed", "dry_run"))


async def listed(session: AsyncSession) -> list[dict[str, Any]]:
    chosen = {(row.service, row.policy): row._mapping for row in await queries.chosen(session)}
    return [_told(key, policy, chosen.get(key, {})) for key, policy in inventory.policies().items()]


def _told(key: tuple[str, str], policy: Mapping[str, Any], choice: Mapping[Any, Any]) -> dict[str, Any]:
    service, name = key
    default = policy["keep_days"]
    return {
        "service": service,
        "policy": name,
        **{field: policy[field] for field in ("table", "purpose", "least_days", "most_days")},
        "default_days": default,
        "keep_days": choice.get("keep_days") or default,
        **{field: choice.get(field) for field in UNCHOSEN},
    }


async def choose(session: AsyncSession, admin_id: UUID, choices: Sequence[tuple[str, str, int]]) -> None:
    """Raises UnknownPolicy, KeepOutOfBounds."""
    known = inventory.policies()
    for service, name, keep_days in choices:
        policy = known.get((service, name))
        if policy is None:
            raise UnknownPolicy(service=service, policy=name)
        if not policy["least_days"] <= keep_days <= policy["most_days"]:
            raise KeepOutOfBounds(policy=name, least=policy["least_days"], most=policy["most_days"])
        values = {"keep_days": keep_days, "changed_by": admin_id, "changed_at": datetime.now().astimezone()}
        version = await queries.choose(session, service, name, **values)
        emit(session, RetentionChanged(version=version, service=service, policy=name, keep_days=keep_days))


async def order(session: AsyncSession, *, dry_run: bool) -> UUID:
    """Ask every service to count, and unless it is a dry run to remove, what it has kept long enough."""
    run_id = new_id()
    wanted = ("service", "policy", "keep_days")
    orders = [Order(**{name: policy[name] for name in wanted}) for policy in await listed(session)]
    emit(session, RetentionDue(version=1, run_id=run_id, dry_run=dry_run, policies=orders))
    return run_id


async def ran(session: AsyncSession, at: datetime, service: str, policy: str, **counts: Any) -> None:
    await queries.ran(session, service, policy, at, **counts)
