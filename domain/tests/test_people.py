"""`me` stands for the caller's own id, and names are plain text."""

from uuid import UUID

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from domain.people import PersonId, plain_name
from shared.errors import Unauthorized
from shared.observability.context import bind

OWN = "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b04"


class Person(BaseModel):
    person_id: PersonId


def test_me_is_the_id_of_the_caller() -> None:
    with bind(actor_id=OWN):
        assert Person.model_validate({"person_id": "me"}).person_id == UUID(OWN)


def test_me_of_nobody_needs_a_sign_in() -> None:
    with pytest.raises(Unauthorized):
        TypeAdapter(PersonId).validate_python("me")


@pytest.mark.parametrize("text", ["ME", "myself", "", 1, None])
def test_nothing_else_is_an_id(text: object) -> None:
    with pytest.raises(ValidationError), bind(actor_id=OWN):
        TypeAdapter(PersonId).validate_python(text)


def test_answers_never_say_me() -> None:
    assert "me" in str(Person.model_json_schema(mode="validation")["properties"]["person_id"]["anyOf"])
    assert "anyOf" not in Person.model_json_schema(mode="serialization")["properties"]["person_id"]


NAMES = ["Søren", "J.R.R. Tolkien", "Anne-Marie O'Neil", "St. John", "Nguyễn Văn An", "محمد", "Jens Jr.", "A.P. Møller"]
ATTACKS = {
    "a link": "Vind en rejse: https://example.com",
    "a host name": "Se example.com nu",
    "a host name in full width": "ｅｘａｍｐｌｅ．ｃｏｍ",
    "a host name with an ideographic full stop": "example。com",
    "a host name without a known ending": "gratis.penge",
    "www": "www example",
    "an address": "skriv til mig@example.com",
    "a scheme": "javascript://x",
    "a zero-width space": "Kir\u200bsten",
    "a zero-width joiner": "Kir\u200dsten",
    "a byte order mark": "\ufeffKirsten",
    "a soft hyphen": "Kir\u00adsten",
    "right to left": "\u202enetsriK",
    "an isolate": "\u2066Kirsten",
    "a line": "Kirsten\nBcc: alle",
    "a carriage return": "Kirsten\r",
    "a tab": "Kir\tsten",
    "a line separator": "Kirsten\u2028hej",
    "a C1 control": "Kirsten\x85",
    "a Hangul filler": "\u3164",
    "blank Braille": "\u2800\u2800",
    "a tag": "Kirsten\U000e0041",
    "spaces only": "  \u00a0 ",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_people_stay_as_they_are(name: str) -> None:
    assert plain_name(name) == name


def test_spaces_and_decomposed_letters_are_put_in_order() -> None:
    assert plain_name(" A\u030ase\u00a0  Kjær ") == "Åse Kjær"


@pytest.mark.parametrize("name", ATTACKS.values(), ids=ATTACKS.keys())
def test_links_and_unseen_characters_are_refused(name: str) -> None:
    with pytest.raises(PydanticCustomError):
        plain_name(name)
