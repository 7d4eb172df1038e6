"""How every endpoint of every service treats methods, query parameters, times and media types."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cli.contracts import generator
from domain.roles import Role
from shared.http.app import Service
from tests.guards.test_access import SignedIn, address, signed_in
from tests.guards.test_layout import SERVICES
from tests.guards.test_openapi import application, resolved

__all__ = ["signed_in"]
Json = dict[str, Any]
METHODS = {"get", "put", "post", "patch", "delete"}
NOT_TIMES = ["1893456000", "1.5e9", "true", "2026-12", "2026-W50", "2026-W50-1", "20261214"]
RAW = re.compile(r"Input should|Value error|valid (string|integer|datetime)|pydantic|JSON decode")


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> Service:
    return generator.service(request.param)


@pytest.fixture
def document(service: Service) -> Json:
    return application(service.name).openapi()


@pytest.fixture
async def admin(signed_in: SignedIn) -> dict[str, str]:
    return await signed_in(Role.ADMIN)


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield method.upper(), path, item[method]


def is_page(operation: Json) -> bool:
    """Pages, their forms and calendar feeds take whatever mail programs add to their links."""
    media = {media for answer in operation["responses"].values() for media in answer.get("content", {})}
    return bool(media & {"text/html", "text/calendar"})


def pointers(answer: httpx.Response) -> set[str]:
    assert not RAW.search(answer.text), f"words of pydantic: {answer.text[:300]}"
    return {error["pointer"] for error in answer.json().get("errors", [])}


def schemas(document: Json, schema: Json) -> Iterator[Json]:
    schema = resolved(document, schema)
    yield schema
    for variant in schema.get("anyOf", []):
        yield from schemas(document, variant)


class TestParameters:
    @pytest.mark.parametrize("language", ["da", "en"])
    async def test_an_unknown_parameter_is_refused_by_name(
        self, document: Json, client: httpx.AsyncClient, admin: dict[str, str], language: str
    ) -> None:
        wrong = []
        for method, path, operation in operations(document):
            headers = admin | {"Accept-Language": language}
            answer = await client.request(method, address(path), params={"frobnicate": "1"}, headers=headers)
            refused = answer.status_code == 422 and "/query/frobnicate" in pointers(answer)
            if refused is is_page(operation):
                wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        assert wrong == []

    async def test_a_parameter_given_twice_is_refused_unless_it_is_a_list(
        self, document: Json, client: httpx.AsyncClient, admin: dict[str, str]
    ) -> None:
        wrong = []
        for method, path, operation in operations(document):
            for parameter in operation["parameters"]:
                if parameter["in"] != "query" or is_page(operation):
                    continue
                name, value = parameter["name"], parameter["example"]
                is_list = any(schema.get("type") == "array" for schema in schemas(document, parameter["schema"]))
                given: list[tuple[str, Any]] = [
                    (name, str(item)) for item in (value if isinstance(value, list) else [value, value])
                ]
                answer = await client.request(method, address(path), params=given, headers=admin)
                refused = answer.status_code == 422 and f"/query/{name}" in pointers(answer)
                if refused is is_list:
                    wrong.append(f"{method} {path}: {name}: {answer.status_code} {answer.text[:200]}")
        assert wrong == []

    async def test_numbers_are_no_times(self, document: Json, client: httpx.AsyncClient, admin: dict[str, str]) -> None:
        wrong = []
        for method, path, operation in operations(document):
            for parameter in operation["parameters"]:
                formats = {schema.get("format") for schema in schemas(document, parameter["schema"])}
                if not formats & {"date", "date-time", "time"}:
                    continue
                for value in NOT_TIMES:
                    name, where = parameter["name"], parameter["in"]
                    target = address(path.replace(f"{{{name}}}", value))
                    query = {name: value} if where == "query" else {}
                    answer = await client.request(method, target, params=query, headers=admin)
                    if answer.status_code != 422 or f"/{where}/{name}" not in pointers(answer):
                        wrong.append(f"{method} {path}: {name}={value}: {answer.status_code} {answer.text[:200]}")
        assert wrong == []


class TestMethods:
    async def test_head_answers_like_get_without_the_body(
        self, document: Json, client: httpx.AsyncClient, admin: dict[str, str]
    ) -> None:
        wrong = []
        for method, path, operation in operations(document):
            if method != "GET":
                continue
            query: list[tuple[str, Any]] = [
                (parameter["name"], str(value))
                for parameter in operation["parameters"]
                if parameter["in"] == "query" and parameter.get("required")
                for value in parameter["example"]
            ]
            target = address(path)
            answers = [await client.request(verb, target, params=query, headers=admin) for verb in ("GET", "HEAD")]
            get, head = ({**answer.headers, "x-request-id": ""} for answer in answers)
            if answers[0].status_code != answers[1].status_code or get != head or answers[1].content:
                wrong.append(f"{path}: {answers} {get.items() ^ head.items()}")
        assert wrong == []

    async def test_allow_names_every_method_of_the_path(self, document: Json, client: httpx.AsyncClient) -> None:
        patterns = {path: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))) for path in document["paths"]}
        for path in document["paths"]:
            target = address(path)
            methods = {
                method.upper()
                for other, pattern in patterns.items()
                if pattern.fullmatch(target)
                for method in METHODS & document["paths"][other].keys()
            }
            methods |= {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
            refused, options = await client.request("TRACE", target), await client.options(target)
            assert (refused.status_code, options.status_code) == (405, 204), path
            assert {*refused.headers["allow"].split(", ")} == {*options.headers["allow"].split(", ")} == methods, path


class TestMediaTypes:
    async def test_a_body_of_another_type_is_415_and_names_what_is_accepted(
        self, document: Json, client: httpx.AsyncClient, admin: dict[str, str]
    ) -> None:
        wrong = []
        for method, path, operation in operations(document):
            accepted = {} if is_page(operation) else operation.get("requestBody", {}).get("content", {})
            queries = [parameter for parameter in operation["parameters"] if parameter["in"] == "query"]
            needed = {query["name"]: query["example"] for query in queries if query.get("required")}
            for sent in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/xml"}) if accepted else ():
                answer = await client.request(method, address(path), params=needed, content=b"{}", headers=admin | sent)
                problem = answer.json()
                named = all(type_ in problem["detail"] for type_ in accepted)
                if answer.status_code != 415 or not named or answer.headers["accept"] != ", ".join(accepted):
                    wrong.append(f"{method} {path} {sent}: {answer.status_code} {answer.text[:200]}")
        assert wrong == []

    @pytest.mark.parametrize("type_", ["application/json; charset=utf-8", "application/merge-patch+json"])
    async def test_every_spelling_of_json_is_read(
        self, document: Json, client: httpx.AsyncClient, admin: dict[str, str], type_: str
    ) -> None:
        for method, path, operation in operations(document):
            if list(operation.get("requestBody", {}).get("content", {})) != ["application/json"]:
                continue
            headers = admin | {"Content-Type": type_}
            answer = await client.request(method, address(path), content=b'{"frobnicate": 1}', headers=headers)
            assert (answer.status_code, "/body/frobnicate" in pointers(answer)) == (422, True), f"{method} {path}"


class TestLanguages:
    @pytest.mark.parametrize(("accepted", "language"), [("en;q=0, da", "da"), ("fr, en;q=0.3", "en")])
    async def test_what_differs_by_language_says_which_it_has(
        self, document: Json, client: httpx.AsyncClient, admin: dict[str, str], accepted: str, language: str
    ) -> None:
        wrong = []
        for method, path, operation in operations(document):
            if method != "GET":
                continue
            headers = admin | {"Accept-Language": accepted}
            answer = await client.get(address(path), headers=headers)
            declared = operation["responses"].get(str(answer.status_code), {}).get("headers", {})
            vary = answer.headers.get_list("vary", split_commas=True)
            named = (answer.headers.get("content-language"), "Accept-Language" in vary)
            if (named == (language, True)) is not ({"Content-Language", "Vary"} <= declared.keys()):
                wrong.append(f"{path}: {answer.status_code} {named}")
        assert wrong == []
