"""HTTP models of the salon's rules."""

from typing import Annotated, ClassVar

from pydantic import Field

from domain.replacements import Replacement
from shared.http.schemas import Flag, Schema


class RulesInput(Replacement):
    """The salon's rules for its bookings.

    With `buffers_within_hours`, the buffers of a treatment must lie within opening hours too, and so be free of breaks,
    time off and imported busy times. Otherwise only the treatment itself must.
    """

    answer: ClassVar = "Rules"

    minimum_notice_minutes: Annotated[int, Field(ge=0, le=20160, strict=True, examples=[120])]
    horizon_days: Annotated[int, Field(ge=1, le=365, strict=True, examples=[180])]
    cancellation_window_hours: Annotated[int, Field(ge=0, le=336, strict=True, examples=[24])]
    confirm_by_hand: Flag
    open_bookings_per_customer: Annotated[int, Field(ge=1, le=100, strict=True, examples=[20])]
    offer_minutes: Annotated[int, Field(ge=5, le=1440, strict=True, examples=[30])]
    confirm_within_hours: Annotated[
        int,
        Field(
            ge=1,
            le=336,
            strict=True,
            examples=[48],
            description="How long a booking may be pending, at most until its start. If nobody confirms it in time, it"
            " is cancelled. Left out, it stays as it is.",
        ),
    ] = 72
    buffers_within_hours: Flag = False


class Rules(Schema):
    minimum_notice_minutes: Annotated[int, Field(examples=[120])]
    horizon_days: Annotated[int, Field(examples=[180])]
    cancellation_window_hours: Annotated[int, Field(examples=[24])]
    confirm_by_hand: bool
    open_bookings_per_customer: Annotated[int, Field(examples=[20])]
    offer_minutes: Annotated[int, Field(examples=[30])]
    confirm_within_hours: Annotated[int, Field(examples=[48])]
    buffers_within_hours: bool
    version: int
