from typing import Annotated

from pydantic import Field

from shared.http.schemas import Flag, Input, Schema


class RulesInput(Input):
    """What the salon chooses for its bookings."""

    minimum_notice_minutes: Annotated[int, Field(ge=0, le=20160, strict=True)]
    horizon_days: Annotated[int, Field(ge=1, le=365, strict=True)]
    cancellation_window_hours: Annotated[int, Field(ge=0, le=336, strict=True)]
    confirm_by_hand: Flag
    open_bookings_per_customer: Annotated[int, Field(ge=1, le=100, strict=True)]
    offer_minutes: Annotated[int, Field(ge=5, le=1440, strict=True)]


class Rules(Schema):
    minimum_notice_minutes: int
    horizon_days: int
    cancellation_window_hours: int
    confirm_by_hand: bool
    open_bookings_per_customer: int
    offer_minutes: int
    version: int
