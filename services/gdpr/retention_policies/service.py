"""How long each service keeps its data: its defaults, the periods that admins chose, and the runs (ADR 32)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.errors import KeepOutOfBounds, UnknownPolicy
from services.gdpr.events import Order, RetentionChanged, RetentionDue
from services.gdpr.processing_records import inventory
from services.gdpr.retention_policies import queries
from services.gdpr.retention_policies.serializers import retention_policy
from shared.messaging.events import emit, new_id


async def list_policies(session: AsyncSession) -> list[dict[str, Any]]:
    stored = {(row.service, row.policy): row._mapping for row in await queries.stored_policies(session)}
    return [retention_policy(*key, policy, stored.get(key, {})) for key, policy in inventory.policies().items()]


async def change_periods(session: AsyncSession, admin_id: UUID, periods: Sequence[tuple[str, str, int]]) -> None:
    """`periods`: service, policy and days to keep; nothing happens where they are the same. Raises UnknownPolicy or
    KeepOutOfBounds."""
    policies = inventory.policies()
    kept = {(policy["service"], policy["policy"]): policy["keep_days"] for policy in await list_policies(session)}
    for service, name, keep_days in periods:
        policy = policies.get((service, name))
        if policy is None:
            raise UnknownPolicy(service=service, policy=name)
        if not policy["least_days"] <= keep_days <= policy["most_days"]:
            raise KeepOutOfBounds(policy=name, least=policy["least_days"], most=policy["most_days"])
        if keep_days == kept[service, name]:
            continue
        values = {"keep_days": keep_days, "changed_by": admin_id, "changed_at": datetime.now().astimezone()}
        version = await queries.put_period(session, service, name, **values)
        emit(session, RetentionChanged(version=version, service=service, policy=name, keep_days=keep_days))


async def start_run(session: AsyncSession, *, dry_run: bool) -> UUID:
    """Tells every service to delete what it has kept long enough; a dry run only counts. Returns the run's id."""
    run_id = new_id()
    columns = ("service", "policy", "keep_days")
    orders = [Order(**{name: policy[name] for name in columns}) for policy in await list_policies(session)]
    emit(session, RetentionDue(version=1, run_id=run_id, dry_run=dry_run, policies=orders))
    return run_id


async def store_result(session: AsyncSession, run_at: datetime, service: str, policy: str, **counts: Any) -> None:
    await queries.put_result(session, service, policy, run_at, **counts)
