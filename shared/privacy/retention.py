"""Retention: deletes or anonymizes data that is older than its policy allows. gdpr starts a run; each service does it.

A service declares its policies in `retention.py` as POLICIES. A run counts the rows that are due (a dry run stops
here), removes them in bounded batches, and publishes how many it removed.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.classification import LONGEST, Policy, deleting
from shared.jobs import Job
from shared.messaging.events import emit
from shared.messaging.subscriptions import Received, Subscriptions
from shared.privacy.events import RetentionApplied

DUE = "gdpr.retention_due.v1"
BATCH = 1000  # rows a statement
BATCHES = 10  # statements a transaction
EVERY = timedelta(seconds=30)

COMMON: Sequence[Policy] = (
    deleting(
        "inbox",
        "inbox",
        purpose="operation",
        keep=timedelta(days=120),
        least=timedelta(days=100),  # longer than a dead letter can wait for its replay
        where="received_at < :before",
    ),
    deleting(
        "erased_subjects",
        "erased_subjects",
        purpose="accountability",
        keep=timedelta(days=365),
        least=timedelta(days=120),
        where="erased_at < :before AND reported_at IS NOT NULL",
    ),
)


class _Order(BaseModel):
    service: str
    policy: str
    keep_days: Annotated[int, Field(ge=1, le=LONGEST.days)]


class _Due(BaseModel):
    run_id: UUID
    dry_run: bool
    policies: list[_Order]


BEGIN = """
    INSERT INTO retention_runs (policy, run_id, before, counted, dry_run)
    VALUES (:policy, :run_id, :before, :counted, :dry_run)
    ON CONFLICT (policy) DO UPDATE SET run_id = excluded.run_id, before = excluded.before, counted = excluded.counted,
        removed = 0, dry_run = excluded.dry_run, finished_at = NULL
"""
NEXT = """
    SELECT policy, run_id, before, counted, removed, dry_run FROM retention_runs WHERE finished_at IS NULL
    ORDER BY policy LIMIT 1 FOR UPDATE
"""
PROGRESS = """
    UPDATE retention_runs SET removed = :removed, finished_at = CASE WHEN :finished THEN clock_timestamp() END
    WHERE policy = :policy
"""


def subscriptions(service: str, policies: Iterable[Policy]) -> Subscriptions:
    retention, known = Subscriptions(), {policy.name: policy for policy in policies}

    @retention.on(DUE, _Due)
    async def due(session: AsyncSession, event: Received[_Due]) -> None:
        for order in event.data.policies:
            if order.service == service and order.policy in known:
                before = event.time - timedelta(days=order.keep_days)
                counted = await session.scalar(text(known[order.policy].counting), {"before": before})
                values = {"policy": order.policy, "run_id": event.data.run_id, "before": before}
                await session.execute(text(BEGIN), values | {"counted": counted, "dry_run": event.data.dry_run})

    return retention


def job(service: str, policies: Iterable[Policy]) -> Job:
    known = {policy.name: policy for policy in policies}

    async def apply(session: AsyncSession) -> None:
        """Removes up to BATCHES batches of one policy; the next run continues."""
        run = (await session.execute(text(NEXT))).mappings().one_or_none()
        if run is None:
            return
        policy = known.get(run["policy"])
        removed, finished = 0, True
        if policy and not run["dry_run"]:
            removed, finished = await _remove(session, policy, run)
        total = run["removed"] + removed
        await session.execute(text(PROGRESS), {"policy": run["policy"], "removed": total, "finished": finished})
        if finished:
            result = {name: run[name] for name in ("run_id", "policy", "counted", "dry_run")}
            emit(session, RetentionApplied(version=1, service=service, removed=total, **result))

    return Job("apply_retention", EVERY, apply)


async def _remove(session: AsyncSession, policy: Policy, run: RowMapping) -> tuple[int, bool]:
    """Returns how many rows it removed, and whether none is left."""
    removed = 0
    for _ in range(BATCHES):
        count = await session.scalar(text(policy.statement), {"before": run["before"], "limit": BATCH})
        removed += count or 0
        if not count:
            return removed, True
    return removed, False
