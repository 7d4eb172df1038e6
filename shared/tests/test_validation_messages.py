"""Why a field is refused, in Danish as in English."""

import datetime as dt
import typing
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AnyUrl, AwareDatetime, BaseModel, Field, HttpUrl, NaiveDatetime, TypeAdapter, ValidationError
from pydantic_core import core_schema

from shared.http.schemas import Input
from shared.http.validation_messages import TEXTS, invalid, message

ROOT = Path(__file__).parents[2]
# What only Python objects or settings that no model here has can give rise to; and what validators say themselves.
NEVER = {
    "assertion_error",
    "value_error",
    "bytes_invalid_encoding",
    "callable_type",
    "complex_str_parsing",
    "complex_type",
    "counter_type",
    "dataclass_exact_type",
    "dataclass_type",
    "default_factory_not_called",
    "deque_type",
    "ellipsis_error",
    "fraction_parsing",
    "fraction_type",
    "frozen_dict_type",
    "frozen_field",
    "frozen_instance",
    "frozen_set_type",
    "get_attribute_error",
    "is_instance_of",
    "is_subclass_of",
    "iteration_error",
    "missing_keyword_only_argument",
    "missing_positional_only_argument",
    "missing_sentinel_error",
    "multiple_argument_values",
    "named_tuple_type",
    "needs_python_object",
    "no_such_attribute",
    "ordered_dict_type",
    "recursion_depth_exceeded",
    "set_item_not_hashable",
    "unexpected_positional_argument",
}


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Named(Input):
    name: str


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
WRONG: list[tuple[Any, Any, str]] = [
    (int, "x", "Skal være et helt tal."),
    (int, "1" * 5000, "Tallet er for stort."),
    (int, 1.5, "Skal være et helt tal."),
    (bool, "x", "Skal være true eller false."),
    (float, "x", "Skal være et tal."),
    (UUID, "x", "Skal være et UUID."),
    (dt.date, "x", "Skal være en dato, for eksempel 2026-05-04."),
    (dt.time, "x", "Skal være et klokkeslæt, for eksempel 10:00."),
    (AwareDatetime, "2026-05-04T10:00", "Skal have en tidszone, for eksempel +02:00."),
    (NaiveDatetime, "2026-05-04T10:00Z", "Må ikke have en tidszone."),
    (Literal["a", "b"], "c", "Skal være 'a' eller 'b'."),
    (Colour, "green", "Skal være 'red' eller 'blue'."),
    (Annotated[int, Field(ge=5)], 4, "Skal være 5 eller mere."),
    (Annotated[int, Field(gt=5)], 5, "Skal være større end 5."),
    (Annotated[int, Field(le=5)], 6, "Må højst være 5."),
    (Annotated[int, Field(lt=5)], 5, "Skal være mindre end 5."),
    (Annotated[int, Field(multiple_of=5)], 6, "Skal kunne deles med 5."),
    (Annotated[str, Field(min_length=2)], "x", "Skal være mindst 2 tegn."),
    (Annotated[str, Field(max_length=2)], "xxx", "Må højst være 2 tegn."),
    (Annotated[str, Field(pattern="^a$")], "x", "Har ikke den rigtige form: ^a$"),
    (Annotated[list[int], Field(min_length=1)], [], "Skal have mindst 1 elementer."),
    (Annotated[list[int], Field(max_length=1)], [1, 2], "Må højst have 1 elementer."),
    (Annotated[Decimal, Field(max_digits=2)], "123", "Må højst have 2 cifre."),
    (Annotated[Decimal, Field(decimal_places=1)], "1.23", "Må højst have 1 decimaler."),
    (HttpUrl, "x", "Skal være en gyldig adresse, for eksempel https://example.com/."),
    (HttpUrl, "ftp://example.com", "Skal begynde med 'http' eller 'https'."),
    (AnyUrl, 1, "Skal være en gyldig adresse, for eksempel https://example.com/."),
    (Pet, {"kind": "cow"}, "'kind' skal være 'cat', 'dog'."),
    (Pet, {}, "'kind' mangler."),
    (Named, {}, "Mangler."),
    (Named, {"name": "x", "more": 1}, "Findes ikke her."),
    (Named, {"name": "\0"}, "Tekst må hverken indeholde NUL eller halve surrogatpar."),
    (Named, 1, "Skal være et objekt."),
]


def wrong(kind: Any, value: Any) -> dict[str, Any]:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    return dict(refused.value.errors()[0])


class TestTold:
    @pytest.mark.parametrize(("kind", "value", "danish"), WRONG)
    def test_says_in_danish_what_is_wrong(self, kind: Any, value: Any, danish: str) -> None:
        assert message(wrong(kind, value), "da") == danish

    def test_says_in_plain_english_what_is_wrong(self) -> None:
        assert message(wrong(int, "x"), "en") == "Must be a whole number."
        assert message(wrong(Literal["a", "b"], "c"), "en") == "Must be 'a' or 'b'."

    def test_what_is_unknown_is_said_in_english_rather_than_not_at_all(self) -> None:
        assert message({"type": "new_in_pydantic", "msg": "Value error, is odd"}, "da") == "is odd"

    def test_a_validator_of_ours_speaks_both(self) -> None:
        error = {"type": "x", "msg": "is odd", "ctx": invalid("x", en="is odd", da="Er ulige.").context}
        assert (message(error, "en"), message(error, "da")) == ("is odd", "Er ulige.")


class TestCompleteness:
    def test_each_kind_of_error_that_input_can_cause_has_danish(self) -> None:
        assert set(typing.get_args(core_schema.ErrorType)) - NEVER - set(TEXTS["da"]) == set()

    def test_validators_of_requests_refuse_in_both_languages(self) -> None:
        files = [
            *ROOT.glob("services/**/schemas.py"),
            *ROOT.glob("services/**/schemas/*.py"),
            ROOT / "shared/http/schemas.py",
            ROOT / "domain/people.py",
        ]
        assert len(files) > 8
        assert [file for file in files if "raise ValueError" in file.read_text()] == []
