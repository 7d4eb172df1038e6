"""Every message about a field that a caller can get is written in plain English and in Danish."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from gateway.errors import BadHost
from shared.errors import ProblemError
from shared.http.validation_messages import TEXTS, message
from shared.openapi.document import endpoints
from tests.guards.test_layout import SERVICES
from tests.guards.test_openapi import application

WRONG: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**400, float("nan"), "", " ", "x", "me", "x" * 5000, "\0", "1893456000", "ftp://x/"),
    *("2026-13-45", "2026-10-25T02:30", "1999-01-01T00:00Z", "25:00", "http://u:p@example.com", "noreply", b"x"),
    *([], {}, [None], {"x": None}, {"": {}}, ["x"] * 500, {str(number): {} for number in range(500)}),
]
PYDANTIC = re.compile(r"Input should|Value error|should (be|have)|valid (string|integer|dictionary)|Field required")
DANISH = re.compile(r"\b(skal|må|kan|er|har|ikke|mangler|findes|til|af)\b|[æøå]", re.IGNORECASE)
ENGLISH = re.compile(r"\b(must|be|the|is|not|can|cannot|has|have|nothing|needs|may)\b", re.IGNORECASE)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changed(example: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copied = copy.deepcopy(example)
    parent = copied
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return copied


def without(example: Any, path: tuple[Any, ...]) -> Any:
    copied = copy.deepcopy(example)
    parent = copied
    for key in path[:-1]:
        parent = parent[key]
    del parent[path[-1]]
    return copied


def bodies(example: Any) -> Iterator[Any]:
    for path in places(example):
        yield from (changed(example, path, value) for value in WRONG)
        yield changed(example, (*path, "frobnicate"), 1) if not path else without(example, path)


def refusals(field: Any, values: Iterator[Any]) -> Iterator[dict[str, Any]]:
    for value in values:
        try:
            _, errors = field.validate(value, {}, loc=("body",))
        except ProblemError:  # `me`, of a caller who is not signed in
            continue
        yield from errors or ()


def all_refusals(service: str) -> Iterator[tuple[str, dict[str, Any]]]:
    document = application(service).openapi()
    for route, method in endpoints(application(service)):
        name = f"{method} {route.path_format}"
        operation = document["paths"][route.path_format][method.lower()]
        original = route.original_route
        assert isinstance(original, APIRoute)
        dependant: Dependant = original.dependant
        if original.body_field is not None:
            [content] = operation["requestBody"]["content"].values()  # JSON, or the form of a page
            for error in refusals(original.body_field, bodies(content["example"])):
                yield name, error
        for field in get_flat_params(dependant):
            for error in refusals(field, iter(WRONG)):
                yield name, error


@pytest.mark.parametrize("service", SERVICES)
def test_every_refusal_of_a_field_is_in_plain_words_of_both_languages(service: str) -> None:
    wrong, types = set(), set()
    for name, error in all_refusals(service):
        types.add(error["type"])
        english, danish = message(error, "en"), message(error, "da")
        if PYDANTIC.search(english + danish) or not ENGLISH.search(english) or not DANISH.search(danish):
            wrong.add(f"{name} {error['loc']}: {error['type']}: {english} | {danish}")
    assert wrong == set(), "write these in validation_messages.*.json, or raise invalid(code, en=..., da=...)"
    assert len(types) > 5


def test_both_languages_have_the_same_messages() -> None:
    assert TEXTS["da"].keys() == TEXTS["en"].keys()
    placeholders = re.compile(r"\{\w+\}")
    for type_, english in TEXTS["en"].items():
        assert set(placeholders.findall(english)) == set(placeholders.findall(TEXTS["da"][type_])), type_


def subclasses(kind: type[ProblemError]) -> Iterator[type[ProblemError]]:
    yield kind
    for inner in kind.__subclasses__():
        yield from subclasses(inner)


# What a programmer needs is in `code` and in the documentation.
TECHNICAL = re.compile(
    r"header|alternatives|\w_\w|ETag|If-Match|cursor|Idempotency|Content-|adgangstoken|access token|JSON|/api/|"
    r"parameter|\berrors\b",
    re.IGNORECASE,
)


def test_texts_of_errors_are_for_the_person_in_front_of_the_screen() -> None:
    for service in SERVICES:
        application(service)
    texts = {
        f"{error.code}: {text}"
        for error in subclasses(ProblemError)
        for language in ("da", "en")
        for text in (error.title[language], error.detail[language])
    } | {f"{type_}: {text}" for language in TEXTS.values() for type_, text in language.items()}
    assert f"{BadHost.code}: {BadHost.title['en']}" in texts
    found = {text for text in texts if TECHNICAL.search(re.sub(r"\{\w+\}", "", text.partition(": ")[2]))}
    assert found == set()


def test_the_values_in_an_error_s_text_are_members_of_its_document() -> None:
    for service in SERVICES:
        application(service)
    for error in subclasses(ProblemError):
        for language in ("da", "en"):
            named = set(re.findall(r"\{(\w+)\}", error.detail[language]))
            assert named <= error.fields.keys(), f"{error.__qualname__}: say in `fields` what type {named} has"
