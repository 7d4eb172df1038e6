"""Building blocks of the HTTP models: strict input, instants, money, pages and cursors."""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar
from zoneinfo import ZoneInfo

import orjson
from babel.numbers import format_currency
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Strict, TypeAdapter, model_validator

from shared.errors import RuleBroken, Texts
from shared.refusals import refusal

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
CURRENCY = "DKK"
LOCALES = {"da": "da_DK", "en": "en_GB"}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def refuse_unstorable(value: Any) -> Any:
    """PostgreSQL stores neither NUL nor lone surrogates, so no text that holds one is let in."""
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise refusal(
            "unstorable",
            en="text may hold neither NUL nor lone surrogates",
            da="Tekst må hverken indeholde NUL eller halve surrogatpar.",
        )
    if isinstance(value, dict):
        for key, one in value.items():
            refuse_unstorable(key)
            refuse_unstorable(one)
    elif isinstance(value, list):
        for one in value:
            refuse_unstorable(one)
    return value


Flag = Annotated[bool, Strict()]  # of a body: true or false, no word or number that could be taken for one


class Schema(BaseModel):
    """Base of the HTTP models."""

    model_config = ConfigDict(from_attributes=True)


class Input(Schema):
    """Base of request bodies: unknown fields are refused, so nothing can be assigned by surprise."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        return refuse_unstorable(value)


def _out_of_range() -> ValueError:
    return refusal(
        "out_of_range",
        en="must lie between the years 2000 and 2100",
        da="Skal ligge mellem årene 2000 og 2100.",
    )


def _in_range(value: datetime) -> datetime:
    try:
        utc = value.astimezone(UTC)
    except OverflowError as error:
        raise _out_of_range() from error
    if not 2000 <= utc.year <= 2100:
        raise _out_of_range()
    return utc


Instant = Annotated[AwareDatetime, AfterValidator(_in_range)]
"""An instant with an offset, between 2000 and 2100, kept in UTC."""


def copenhagen(instant: datetime) -> datetime:
    """The form in which answers give an instant."""
    return instant.astimezone(COPENHAGEN)


def comes_twice(instant: datetime) -> bool:
    """Whether its time by the clock in Copenhagen is that of another instant too, in the hour that autumn repeats."""
    local = copenhagen(instant)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


class Money(Schema):
    """An amount in øre, VAT included."""

    amount: int
    currency: str
    formatted: str

    @classmethod
    def of(cls, amount: int, language: str) -> Self:
        return cls(amount=amount, currency=CURRENCY, formatted=format_money(amount, language))


def format_money(amount: int, language: str) -> str:
    # English patterns set no space between a currency's letters and the amount.
    pattern = "¤ #,##0.00" if language == "en" else None
    return format_currency(amount / 100, CURRENCY, pattern, LOCALES[language]).replace("\xa0", " ")


T = TypeVar("T")


class Page(Schema, Generic[T]):
    items: list[T]
    next_cursor: str | None = None


class BadCursor(RuleBroken):
    code = "invalid_cursor"
    detail: ClassVar[Texts] = {
        "da": "cursor er ikke en, vi har givet. Begynd forfra uden cursor.",
        "en": "cursor is not one that was given. Start again without it.",
    }


def encode_cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values, default=str)).decode().rstrip("=")


def decode_cursor(cursor: str, *types: type[Any]) -> list[Any]:
    """The values of a cursor, each parsed as its type. Raises BadCursor."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = orjson.loads(raw)
        if not isinstance(values, list) or len(values) != len(types):
            raise BadCursor
        return [
            refuse_unstorable(TypeAdapter(one).validate_python(value))
            if one is not datetime
            else _in_range(TypeAdapter(AwareDatetime).validate_python(value))
            for one, value in zip(types, values, strict=True)
        ]
    except (binascii.Error, ValueError) as error:
        raise BadCursor from error
