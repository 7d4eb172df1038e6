"""Instants, days and times of day as callers write them: ISO 8601 text, never a number.

A time without an offset is Copenhagen's. Where the clock skips it in spring it is the first instant after the gap;
where the clock repeats it in autumn it is refused, and the error names both instants.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import Query
from pydantic import AfterValidator, BeforeValidator, Field

from domain import examples
from domain.clock import COPENHAGEN, is_ambiguous, to_copenhagen, to_utc
from shared.http.validation_messages import invalid

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# A "+" that is not escaped in a query arrives as a space.
INSTANT = re.compile(
    rf"({DAY.pattern})[Tt ]([0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]{{1,9}})?)?)"
    r"([Zz]|[ +-][0-9]{2}(?::?[0-9]{2})?)?"
)
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:00)?")
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else _in_copenhagen(value)
    match = INSTANT.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if match is None:
            raise ValueError  # noqa: TRY301 - one refusal for every form
        day, clock, offset = match.groups()
        instant = datetime.fromisoformat(f"{day}T{clock}{(offset or '').replace(' ', '+').upper()}")
    except ValueError as error:
        raise invalid(
            "instant",
            en="Must be a date with a time, such as 2026-05-04T10:00:00+02:00.",
            da="Skal være en dato med klokkeslæt, for eksempel 2026-05-04T10:00:00+02:00.",
        ) from error
    return instant if instant.tzinfo else _in_copenhagen(instant)


def _in_copenhagen(wall: datetime) -> datetime:
    if not 2000 <= wall.year <= 2100:
        raise _out_of_range(2100)
    instant = to_utc(wall.date(), wall.time())
    if is_ambiguous(instant):
        first, second = (to_utc(wall.date(), wall.time(), last=last) for last in (False, True))
        both = [to_copenhagen(possible).isoformat() for possible in (first, second)]
        raise invalid(
            "ambiguous_time",
            en=f"The clock shows this time twice that night. Write {both[0]} or {both[1]}.",
            da=f"Uret viser dette klokkeslæt to gange den nat. Skriv {both[0]} eller {both[1]}.",
        )
    return instant


def in_range(value: datetime) -> datetime:
    try:
        utc = value.astimezone(UTC)
    except OverflowError as error:
        raise _out_of_range(2100) from error
    if not 2000 <= utc.year <= 2100:
        raise _out_of_range(2100)
    return utc


def _out_of_range(last_year: int) -> ValueError:
    return invalid(
        "out_of_range",
        en=f"Must lie between the years 2000 and {last_year}.",
        da=f"Skal ligge mellem årene 2000 og {last_year}.",
    )


def _day(value: Any) -> date:
    if type(value) is date:
        return value
    try:
        if not isinstance(value, str) or not DAY.fullmatch(value):
            raise ValueError  # noqa: TRY301 - one refusal for every form
        return date.fromisoformat(value)
    except ValueError as error:
        raise invalid(
            "day", en="Must be a date, such as 2026-05-04.", da="Skal være en dato, for eksempel 2026-05-04."
        ) from error


def _day_in_range(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise _out_of_range(2099)
    return day


def _clock(value: Any) -> time:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not CLOCK.fullmatch(value):
        raise invalid(
            "clock_time",
            en="Must be a time of day in Copenhagen, such as 10:00.",
            da="Skal være et klokkeslæt i dansk tid, for eksempel 10:00.",
        )
    return time.fromisoformat(value)


def _bound(days: int) -> Callable[[Any], datetime]:
    """Reads an instant, or a date as the midnight in Copenhagen `days` later."""

    def read(value: Any) -> datetime:
        if isinstance(value, str) and DAY.fullmatch(value):
            day = _day_in_range(_day(value)) + timedelta(days=days)
            return datetime.combine(day, time(), COPENHAGEN)
        return _instant(value)

    return read


Clock = Annotated[str, Field(pattern=f"^{CLOCK.pattern}$")]

Instant = Annotated[datetime, BeforeValidator(_instant), AfterValidator(in_range), Field(examples=[examples.START])]
"""An instant between the years 2000 and 2100, converted to UTC."""
Day = Annotated[date, BeforeValidator(_day), AfterValidator(_day_in_range), Field(examples=[examples.FIRST_DAY])]
"""A date between the years 2000 and 2099."""
LocalTime = Annotated[time, BeforeValidator(_clock, json_schema_input_type=Clock)]
"""Hours and minutes in Copenhagen."""
Start = Annotated[
    datetime, BeforeValidator(_bound(0), json_schema_input_type=datetime | date), AfterValidator(in_range)
]
End = Annotated[datetime, BeforeValidator(_bound(1), json_schema_input_type=datetime | date), AfterValidator(in_range)]

From = Annotated[
    Start | None,
    Query(
        alias="from",
        description="An instant, which is included, or a date in Copenhagen: the start of that day",
        examples=[examples.START],
    ),
]
To = Annotated[
    End | None,
    Query(
        alias="to",
        description="An instant, which is not included, or a date in Copenhagen: the end of that day",
        examples=[examples.WEEK_LATER],
    ),
]
FromDay = Annotated[Day | None, Query(alias="from", description="The first day", examples=[examples.FIRST_DAY])]
ToDay = Annotated[Day | None, Query(alias="to", description="The last day, included", examples=[examples.LAST_DAY])]
