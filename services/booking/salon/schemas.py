"""HTTP models of the salon's rules."""

from typing import Annotated, ClassVar

from pydantic import Field

from domain.replacements import Replacement
from shared.http.schemas import Flag, Schema


class RulesInput(Replacement):
    """The salon's rules for its bookings."""

    answer: ClassVar = "Rules"

    minimum_notice_minutes: Annotated[int, Field(ge=0, le=20160, strict=True, examples=[120])]
    horizon_days: Annotated[int, Field(ge=1, le=365, strict=True, examples=[180])]
    cancellation_window_hours: Annotated[int, Field(ge=0, le=336, strict=True, examples=[24])]
    confirm_by_hand: Flag
    open_bookings_per_customer: Annotated[int, Field(ge=1, le=100, strict=True, examples=[20])]
    offer_minutes: Annotated[int, Field(ge=5, le=1440, strict=True, examples=[30])]


class Rules(Schema):
    minimum_notice_minutes: Annotated[int, Field(examples=[120])]
    horizon_days: Annotated[int, Field(examples=[180])]
    cancellation_window_hours: Annotated[int, Field(examples=[24])]
    confirm_by_hand: bool
    open_bookings_per_customer: Annotated[int, Field(examples=[20])]
    offer_minutes: Annotated[int, Field(examples=[30])]
    version: int
