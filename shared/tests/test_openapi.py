"""The OpenAPI document of a small application, described at its endpoints."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

import pytest
from fastapi import FastAPI, Query, Response
from pydantic import Field

from shared.errors import MEDIA_TYPE, Conflict, PreconditionRequired, RuleBroken, Texts
from shared.http.preconditions import IfMatch
from shared.http.schemas import Input
from shared.identity.access import ANYONE
from shared.openapi.document import document
from shared.openapi.operations import ETAG, LOCATION, raises, sends

Json = dict[str, Any]


class SoldOut(Conflict):
    code = "sold_out"
    title: ClassVar[Texts] = {"da": "Udsolgt", "en": "Sold out"}


class TooDear(RuleBroken):
    code = "too_dear"


class Order(Input):
    colour: Annotated[str, Field(examples=["blue"])]
    size: int
    note: str | None = Field(None, examples=[None])


async def order(body: Order) -> dict[str, str]:
    """Orders a thing."""
    return {}


async def change(thing_id: UUID, q: Annotated[str | None, Query(examples=["red"])] = None, tag: IfMatch = None) -> None:
    pass


@pytest.fixture(scope="module")
def described() -> Json:
    app = FastAPI(title="Shop")
    answers = raises(SoldOut, TooDear, Conflict) | sends(201, LOCATION, ETAG)
    app.post("/orders", status_code=201, summary="Order", responses=answers, dependencies=[ANYONE])(order)
    answers = raises(PreconditionRequired) | sends(204, ETAG)
    app.patch("/orders/{thing_id}", status_code=204, response_class=Response, responses=answers)(change)
    return document(app, "shop", "A shop.", ["buyer"])


def codes(operation: Json, status: int) -> list[str]:
    found: list[str] = operation["responses"][str(status)]["content"][MEDIA_TYPE]["schema"]["allOf"][1]["properties"][
        "code"
    ]["enum"]
    return found


def test_errors_at_the_decorator_join_those_that_follow(described: Json) -> None:
    operation = described["paths"]["/orders"]["post"]
    assert codes(operation, 409) == ["conflict", "sold_out"]
    assert codes(operation, 422) == ["invalid_input", "too_dear"]
    assert {"conflict", "sold_out", "invalid_input", "too_dear"} <= described["components"]["examples"].keys()
    assert "x-errors" not in str(described)


def test_headers_at_the_decorator_stand_at_their_response(described: Json) -> None:
    operation = described["paths"]["/orders"]["post"]
    assert operation["responses"]["201"]["headers"].keys() == {"X-Request-ID", LOCATION, ETAG}
    assert operation["responses"]["201"]["description"] == "Created"
    assert LOCATION not in operation["responses"]["409"]["headers"]


def test_the_summary_stands_at_the_decorator(described: Json) -> None:
    assert described["paths"]["/orders"]["post"]["summary"] == "Order"


def test_a_required_if_match_is_described(described: Json) -> None:
    operation = described["paths"]["/orders/{thing_id}"]["patch"]
    assert codes(operation, 412) == ["stale_version"]
    assert codes(operation, 428) == ["precondition_required"]
    assert ETAG in operation["responses"]["204"]["headers"]


def test_examples_stand_at_their_field(described: Json) -> None:
    body = described["paths"]["/orders"]["post"]["requestBody"]["content"]["application/json"]
    assert body["example"] == {"colour": "blue", "size": 1, "note": None}
    parameters = {one["name"]: one for one in described["paths"]["/orders/{thing_id}"]["patch"]["parameters"]}
    assert parameters["q"]["example"] == "red"
