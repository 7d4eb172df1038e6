"""Events that gdpr publishes: ids, codes and numbers only. The services' answers are in shared/privacy/events.py."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.gdpr.consents.texts import TEXTS
from shared.messaging.events import Event

REQUEST: dict[str, Any] = {
    "version": 1,
    "request_id": "0197f0a0-0000-7000-8000-0000000000a1",
    "subject_id": "0197f0a0-0000-7000-8000-000000000001",
}


ServiceName = Literal["auth", "booking", "calendar", "notifications", "gdpr"]


class _Request(Event):
    request_id: UUID
    subject_id: UUID


class ExportRequested(_Request, type="gdpr.export_requested.v1", subject="subject_id"):
    """Each service answers with gdpr.export_part.v1."""

    EXAMPLE: ClassVar[dict[str, Any]] = REQUEST
    signed: ClassVar[bool] = True


class ExportReady(_Request, type="gdpr.export_ready.v1", subject="subject_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = REQUEST | {"version": 2, "expires_at": "2026-03-09T09:00:00Z"}

    expires_at: datetime


class ExportDownloaded(_Request, type="gdpr.export_downloaded.v1", subject="subject_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = REQUEST | {"version": 2, "format": "zip"}

    format: Literal["json", "zip"]


class ErasureRequested(_Request, type="gdpr.erasure_requested.v1", subject="subject_id"):
    """The named services answer with gdpr.erasure_done.v1. `version` grows with each step."""

    EXAMPLE: ClassVar[dict[str, Any]] = REQUEST | {"services": ["auth"]}
    signed: ClassVar[bool] = True

    services: list[ServiceName]


class ErasureScheduled(_Request, type="gdpr.erasure_scheduled.v1", subject="subject_id"):
    """The person asked for the own erasure. It begins at `runs_at` unless it is withdrawn."""

    EXAMPLE: ClassVar[dict[str, Any]] = REQUEST | {"runs_at": "2026-03-09T09:00:00Z"}

    runs_at: datetime


class ErasureWithdrawn(_Request, type="gdpr.erasure_withdrawn.v1", subject="subject_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = REQUEST | {"version": 2}


class ErasureCompleted(_Request, type="gdpr.erasure_completed.v1", subject="subject_id"):
    """Every service has confirmed that it has erased the person."""

    EXAMPLE: ClassVar[dict[str, Any]] = REQUEST | {"version": 4}


class ConsentChanged(Event, type="gdpr.consent_changed.v1", subject="user_id"):
    """`version` counts the changes of this person's consent to this purpose."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "version": 1,
        "user_id": REQUEST["subject_id"],
        "purpose": "marketing",
        "granted": True,
        "text_version": 1,
    }

    user_id: UUID
    purpose: Annotated[str, Field(json_schema_extra={"enum": sorted(TEXTS)})]
    granted: bool
    text_version: int


class Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    service: ServiceName
    policy: str
    keep_days: int


class RetentionDue(Event, type="gdpr.retention_due.v1", subject="run_id"):
    """Each service removes what is older than these days; in a dry run it only counts."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "version": 1,
        "run_id": "0197f0a0-0000-7000-8000-0000000000a2",
        "dry_run": False,
        "policies": [{"service": "booking", "policy": "inbox", "keep_days": 120}],
    }
    signed: ClassVar[bool] = True

    run_id: UUID
    dry_run: bool
    policies: list[Order]


class RetentionChanged(Event, type="gdpr.retention_changed.v1", subject="policy"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "service": "booking", "policy": "inbox", "keep_days": 150}

    service: ServiceName
    policy: str
    keep_days: int


class AuditReanchored(Event, type="gdpr.audit_reanchored.v1", subject="last_id"):
    """The audit log's checkpoints, up to this row, are signed with the current SECRET_KEY."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "last_id": 120_000, "months": 14, "unsigned": 0}

    last_id: int
    months: int
    unsigned: int = Field(description="Rows recorded while the key of the rows before them was unknown")
