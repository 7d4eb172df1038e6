from uuid import UUID

from pydantic import Field

from services.gdpr.schemas import Code, LocalInstant
from shared.http.schemas import Flag, Input, Schema


class RetentionPolicy(Schema):
    service: str
    policy: str
    table: str
    purpose: str
    keep_days: int
    default_days: int
    least_days: int
    most_days: int
    changed_at: LocalInstant | None
    run_at: LocalInstant | None
    counted: int | None
    removed: int | None
    dry_run: bool | None


class RetentionPolicies(Schema):
    items: list[RetentionPolicy]


class RetentionChoice(Input):
    service: Code
    policy: Code
    keep_days: int = Field(ge=1, le=36_500)


class RetentionChoices(Input):
    items: list[RetentionChoice] = Field(min_length=1, max_length=200)


class RetentionRun(Input):
    """A dry run only counts."""

    dry_run: Flag = True


class RetentionRunStarted(Schema):
    run_id: UUID
    dry_run: bool
