"""HTTP models of retention policies and runs."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from domain.replacements import Replacement
from services.gdpr.schemas import Code, LocalInstant
from shared.http.schemas import Flag, Input, Schema


class RetentionPolicy(Schema):
    """`counted` and `removed` are the rows of the last run, which `dry_run` only counted."""

    service: str = Field(examples=["booking"])
    policy: str = Field(examples=["bookings"])
    table: str = Field(examples=["bookings"])
    purpose: str = Field(examples=["bookkeeping"])
    keep_days: int = Field(examples=[1825])
    default_days: int = Field(examples=[1825])
    least_days: int = Field(examples=[365])
    most_days: int = Field(examples=[3650])
    changed_at: LocalInstant | None
    run_at: LocalInstant | None
    counted: int | None
    removed: int | None
    dry_run: bool | None


class RetentionPolicies(Schema):
    items: list[RetentionPolicy]


class RetentionChoice(Replacement):
    answer: ClassVar = "RetentionPolicy"

    service: Code = Field(examples=["booking"])
    policy: Code = Field(examples=["bookings"])
    keep_days: int = Field(ge=1, le=36_500, examples=[2190])


class RetentionChoices(Input):
    items: list[RetentionChoice] = Field(min_length=1, max_length=200)


class RetentionRun(Input):
    """A dry run only counts."""

    dry_run: Flag = True


class RetentionRunStarted(Schema):
    run_id: UUID
    dry_run: bool
