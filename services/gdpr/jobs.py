from datetime import UTC, date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.audit import queries as audit
from services.gdpr.exports import queries as exports
from services.gdpr.retention_policies import service as policies
from shared.jobs import Job
from shared.observability.log import logger

MONTHS_AHEAD = 3
MOST_EXPORTS = 1_000

log = logger(__name__)


async def turn_audit_months(session: AsyncSession) -> None:
    """Partitions for the months to come; those that are old enough go."""
    month = datetime.now(UTC).date().replace(day=1)
    for _ in range(MONTHS_AHEAD):
        month = following(month)
        await audit.make_month(session, month)
    dropped = await audit.drop_old_months(session)
    if dropped:
        log.info("audit_months_dropped", months=dropped)


def following(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


async def note_audit_head(session: AsyncSession) -> None:
    """In the log of the process, where whoever changes the database does not reach."""
    anchors = await audit.anchors(session)
    if anchors:
        log.info("audit_head", last_id=anchors[-1].last_id, head=anchors[-1].head.hex())


async def expire_exports(session: AsyncSession) -> None:
    await exports.expire(session, MOST_EXPORTS)


async def order_retention(session: AsyncSession) -> None:
    await policies.order(session, dry_run=False)


JOBS = (
    Job("turn_audit_months", timedelta(days=1), turn_audit_months),
    Job("note_audit_head", timedelta(hours=1), note_audit_head),
    Job("expire_exports", timedelta(minutes=10), expire_exports),
    Job("order_retention", timedelta(days=1), order_retention),
)
