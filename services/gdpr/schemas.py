"""HTTP models. Instants are answered in Europe/Copenhagen."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from domain.clock import copenhagen
from shared.http.schemas import Flag, Input, Schema

LocalInstant = Annotated[datetime, AfterValidator(copenhagen)]
Code = Annotated[str, Field(min_length=1, max_length=100)]


class AuditRow(Schema):
    """`action` is the event's type, `entity` the id of what it concerns, `people` are those it is about; `data` holds
    ids, codes, times and figures."""

    id: int
    event_id: UUID
    occurred_at: LocalInstant
    recorded_at: LocalInstant
    action: str
    entity: str | None
    entity_version: int
    actor_id: str | None
    actor_role: str | None
    people: list[str]
    request_id: str | None
    source: str
    data: dict[str, Any]


class BrokenRow(Schema):
    month: date | None
    id: int | None
    reason: Literal["changed", "missing", "unanchored", "anchor_changed", "anchor_missing"]


class Verification(Schema):
    """`rows` were looked at; go on with `from_id` = `next_id` where there is one. Note `last_id` and `head` elsewhere:
    whoever has them can tell if what stands up to there was taken away later."""

    intact: bool
    rows: int
    broken: BrokenRow | None
    last_id: int
    head: str
    next_id: int | None


class Answered(Schema):
    service: str
    answered_at: LocalInstant
    rows: dict[str, int] | None
    dead_letters: int | None


class DataRequest(Schema):
    id: UUID
    kind: Literal["export", "erasure"]
    subject_id: UUID
    requested_by: UUID
    status: Literal["running", "done", "expired", "cancelled"]
    requested_at: LocalInstant
    deadline: LocalInstant
    overdue: bool
    finished_at: LocalInstant | None
    expires_at: LocalInstant | None
    answered: list[Answered]
    waiting_for: list[str]
    version: int


class Consent(Schema):
    """`granted` is what counts now; `said_of_version` tells which text the person had read."""

    purpose: str
    text: str
    text_version: int
    granted: bool
    said_of_version: int | None
    said_at: LocalInstant | None


class Consents(Schema):
    items: list[Consent]


class ConsentAnswer(Input):
    purpose: Code
    granted: Flag
    text_version: int = Field(ge=1, le=1_000_000)


class ConsentAnswers(Input):
    items: list[ConsentAnswer] = Field(min_length=1, max_length=20)


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


class Controller(Schema):
    name: str
    contact: str


class Activity(Schema):
    service: str
    table: str
    purpose: str
    purpose_text: str
    legal_basis: str
    keep: str
    keep_text: str
    personal: list[str]
    pseudonymous: list[str]


class ProcessingRecord(Schema):
    controller: Controller
    people: str
    recipients: str
    measures: str
    activities: list[Activity]
