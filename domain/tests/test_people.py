"""`me` stands for the caller's own id."""

from uuid import UUID

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from domain.people import PersonId
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
