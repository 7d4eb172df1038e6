"""Records failed logins. The database locks the account, the address or both after too many (ADR 0010)."""

from uuid import UUID

from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.events import FailureReason, LoginFailed, LoginLocked
from services.auth.logins import queries
from services.auth.logins.attempts import Attempt
from shared.messaging.events import emit

LOGINS = Counter(
    "auth_logins_total",
    "Logins: ok, code_needed, or why they failed: credentials, code, locked",
    ["outcome"],
)


async def record_failure(session: AsyncSession, user_id: UUID | None, attempt: Attempt, reason: FailureReason) -> None:
    """Counts a failed login and emits it. Use a transaction of its own, which the error raised next cannot undo."""
    LOGINS.labels(reason).inc()
    until = await queries.record_failure(session, user_id, attempt)
    emit(session, LoginFailed(version=1, user_id=user_id, reason=reason))
    if until is not None:
        emit(session, LoginLocked(version=1, user_id=user_id, expires_at=until))
