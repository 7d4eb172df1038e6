"""Jobs that run on a schedule."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.audit import queries as audit_queries
from services.gdpr.erasures import service as erasures
from services.gdpr.exports import queries as export_queries
from services.gdpr.retention_policies.service import start_run
from shared.jobs import Job
from shared.observability.log import logger

MONTHS_AHEAD = 3
MAX_EXPORTS = 1_000

log = logger(__name__)


async def turn_audit_months(session: AsyncSession) -> None:
    """Creates the partitions of the next three months, and drops those that are older than five years."""
    month = datetime.now(UTC).date().replace(day=1)
    for _ in range(MONTHS_AHEAD):
        month = next_month(month)
        await audit_queries.create_month(session, month)
    dropped = await audit_queries.drop_old_months(session)
    if dropped:
        log.info("audit_months_dropped", months=dropped)


def next_month(first_day: date) -> date:
    return (first_day + timedelta(days=31)).replace(day=1)


async def expire_exports(session: AsyncSession) -> None:
    await export_queries.expire(session, MAX_EXPORTS)


async def order_retention(session: AsyncSession) -> None:
    await start_run(session, dry_run=False)


async def begin_erasures(session: AsyncSession) -> None:
    await erasures.begin_due(session)


JOBS = (
    Job("begin_erasures", timedelta(minutes=5), begin_erasures),
    Job("turn_audit_months", timedelta(days=1), turn_audit_months),
    Job("expire_exports", timedelta(minutes=10), expire_exports),
    Job("order_retention", timedelta(days=1), order_retention),
)
