"""The privacy events that every service publishes: parts of an export, finished erasures, retention runs, reads."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from shared.identity.principals import Principal
from shared.messaging.events import Event, emit

MOST_SUBJECTS = 100
Counts = dict[str, Annotated[int, Field(ge=0)]]

ABOUT: dict[str, Any] = {
    "version": 1,
    "request_id": "0197f0a0-0000-7000-8000-0000000000a1",
    "subject_id": "0197f0a0-0000-7000-8000-000000000001",
    "service": "orders",
}


class _Signed(Event):
    """Every service publishes it. The signature shows which one did."""

    signed: ClassVar[bool] = True


class _Answer(_Signed):
    request_id: UUID
    subject_id: UUID
    service: str
    rows: Counts = Field(description="How many rows of each table were found or changed")


class ExportPart(_Answer, type="gdpr.export_part.v1", subject="subject_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = ABOUT | {"rows": {"orders": 2}, "sealed": "c2VhbGVk"}

    sealed: str = Field(description="What the service holds: JSON, compressed, encrypted for gdpr, in base64")


class ErasureDone(_Answer, type="gdpr.erasure_done.v1", subject="subject_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = ABOUT | {"rows": {"orders": 2}, "dead_letters": 0}

    dead_letters: int = Field(ge=0, description="Messages about the person taken out of retry and dead-letter queues")


class RetentionApplied(_Signed, type="gdpr.retention_applied.v1", subject="policy"):
    EXAMPLE: ClassVar[dict[str, Any]] = {
        "version": 1,
        "run_id": "0197f0a0-0000-7000-8000-0000000000a2",
        "service": "orders",
        "policy": "inbox",
        "counted": 1200,
        "removed": 1200,
        "dry_run": False,
    }

    run_id: UUID
    service: str
    policy: str
    counted: int = Field(ge=0, description="Rows that were due when the run began")
    removed: int = Field(ge=0)
    dry_run: bool


class AccessRead(_Signed, type="access.read.v1", subject="subject_id"):
    """Somebody read data about other people. `subject_id` is null if there were several."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 0, "subject_id": ABOUT["subject_id"], "resource": "user"}

    subject_id: UUID | None
    resource: str
    subject_ids: list[UUID] = Field(default=[], max_length=MOST_SUBJECTS)

    @property
    def subject(self) -> str:
        return str(self.subject_id or "")


def audit_read(session: AsyncSession, reader: Principal, resource: str, subjects: Iterable[UUID]) -> None:
    """Has it audited that `reader` read this data about these people. Reading about oneself is not audited."""
    others = sorted({subject for subject in subjects if subject != reader.id}, key=str)
    for start in range(0, len(others), MOST_SUBJECTS):
        part = others[start : start + MOST_SUBJECTS]
        single = part[0] if len(part) == 1 else None
        emit(session, AccessRead(version=0, subject_id=single, resource=resource, subject_ids=[] if single else part))
