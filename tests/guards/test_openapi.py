"""The merged OpenAPI document: valid, whole, and in agreement with the matrix and with the code."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from openapi_spec_validator import OpenAPIV31SpecValidator

from cli.contracts import generator
from gateway.__main__ import OPTIONS
from gateway.limits.rules import UNLIMITED
from gateway.main import Gateway
from gateway.operations.openapi import METHODS, OpenApi, merge
from gateway.settings import GatewaySettings
from gateway.tests.browser import needs_chromium, opened
from gateway.tests.conftest import serving
from shared.errors import MEDIA_TYPE
from shared.http.app import create_app
from shared.openapi.document import endpoints
from shared.settings import Settings
from tests.guards.matrix import MATRIX
from tests.guards.test_layout import SERVICES
from tests.guards.test_metrics import NOWHERE

Json = dict[str, Any]


@cache
def application(name: str) -> FastAPI:
    service = generator.service(name)
    settings: Settings = service.settings.model_validate(
        {
            "environment": "test",
            "database_url": "postgresql://nobody:nothing@127.0.0.1:1/none",
            "amqp_url": "amqp://nobody:nothing@127.0.0.1:1/",
            "secret_key": "a key that signs nothing, of 32 characters",
        }
    )
    return create_app(service, settings)


@pytest.fixture(scope="module")
def document() -> Json:
    return merge({name: application(name).openapi() for name in SERVICES})


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def resolved(document: Json, node: Json) -> Json:
    kind, _, name = node.get("$ref", "").removeprefix("#/components/").partition("/")
    node_: Json = document["components"][kind][name] if name else node
    return node_


def answers(document: Json, operation: Json) -> Iterator[tuple[int, Json]]:
    for status, answer in operation["responses"].items():
        yield int(status), resolved(document, answer)


def wrong(document: Json, content: Json) -> list[str]:
    schema = {**content["schema"], "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(content["example"])]


class TestDocument:
    def test_it_is_valid(self, document: Json) -> None:
        assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []

    def test_it_has_every_endpoint_of_the_matrix_and_no_other(self, document: Json) -> None:
        assert {name for name, _ in operations(document)} == {
            name for endpoints in MATRIX.values() for name in endpoints
        }

    def test_every_operation_is_found_by_its_service_and_a_readable_id_of_its_own(self, document: Json) -> None:
        service_of = {name: service for service, endpoints in MATRIX.items() for name in endpoints}
        ids = [operation["operationId"] for _, operation in operations(document)]
        assert len(set(ids)) == len(ids)
        assert [id_ for id_ in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)*", id_)] == []
        assert {name: operation["tags"] for name, operation in operations(document)} == {
            name: [service] for name, service in service_of.items()
        }

    def test_security_says_what_the_matrix_says(self, document: Json) -> None:
        roles_of = {name: roles for endpoints in MATRIX.values() for name, roles in endpoints.items()}
        for name, operation in operations(document):
            roles = roles_of[name]
            assert operation["x-roles"] == (None if roles is None else sorted(roles)), name
            assert ({} in operation["security"]) is (roles is None), name
            assert {"bearer": []} in operation["security"], name

    def test_every_refusal_is_a_problem_with_its_codes_and_an_example_of_each(self, document: Json) -> None:
        for name, operation in operations(document):
            refusals = {status: answer for status, answer in answers(document, operation) if status >= 400}
            unlimited = name.partition(" ")[2] in UNLIMITED
            assert refusals.keys() >= {400, 401, 414, 431, 502, 503, 504} | (set() if unlimited else {429}), name
            for status, refusal in refusals.items():
                assert list(refusal["content"])[:1] == [MEDIA_TYPE], f"{name} {status}"
                assert set(refusal["content"]) <= {MEDIA_TYPE, "text/html"}, f"{name} {status}"
                content = refusal["content"][MEDIA_TYPE]
                shown = {code: resolved(document, example)["value"] for code, example in content["examples"].items()}
                assert set(content["schema"]["allOf"][1]["properties"]["code"]["enum"]) == set(shown), (
                    f"{name} {status}"
                )
                assert {example["status"] for example in shown.values()} == {status}, f"{name} {status}"

    def test_every_example_of_a_problem_is_one(self, document: Json) -> None:
        problem = {"schema": document["components"]["schemas"]["Problem"]}
        for name, example in document["components"]["examples"].items():
            assert wrong(document, problem | {"example": example["value"]}) == [], name

    def test_every_answer_names_its_headers(self, document: Json) -> None:
        for name, operation in operations(document):
            for status, answer in answers(document, operation):
                sent = {"X-Request-ID"}
                sent |= set() if name.partition(" ")[2] in UNLIMITED else {"RateLimit", "RateLimit-Policy"}
                sent |= {"Retry-After"} if status in (429, 502, 503, 504) else set()
                sent |= {"WWW-Authenticate"} if status == 401 else set()
                sent |= {"ETag"} if "If-Match" in str(operation.get("parameters")) and status == 200 else set()
                assert answer["headers"].keys() >= sent, f"{name} {status}"

    def test_every_body_and_answer_has_an_example_that_fits_its_schema(self, document: Json) -> None:
        for name, operation in operations(document):
            bodies = [operation.get("requestBody", {})]
            bodies += [answer for status, answer in answers(document, operation) if status < 400]
            for body in bodies:
                for media, content in body.get("content", {}).items():
                    assert content.get("example"), f"{name} {media} has no example"
                    assert wrong(document, content) == [], f"{name} {media}"

    def test_every_parameter_has_an_example_that_fits_or_may_be_left_out(self, document: Json) -> None:
        for name, operation in operations(document):
            for parameter in operation["parameters"]:
                if parameter.get("required") or parameter["example"] is not None:
                    assert wrong(document, parameter) == [], f"{name} {parameter['name']}"


@needs_chromium
async def test_the_docs_page_shows_every_operation(
    document: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def merged(_: OpenApi) -> Json:
        return document

    monkeypatch.setattr(OpenApi, "merged", merged)
    gateway = Gateway(GatewaySettings.model_validate(NOWHERE | {"debug": True}))
    async with serving(gateway, **OPTIONS) as url, opened(f"{url}/docs", tmp_path) as page:
        await page.wait_for(f"document.querySelectorAll('.opblock').length >= {len(list(operations(document)))}")
        text = await page.evaluate("document.querySelector('#swagger-ui').textContent")
        ids = await page.evaluate("[...document.querySelectorAll('.opblock')].map(block => block.id)")
        assert page.errors == []
    for name, operation in operations(document):
        assert name.partition(" ")[2] in text.replace("\u200b", ""), name
        assert operation["summary"] in text, name
        assert any(shown.endswith(f"-{operation['operationId']}") for shown in ids), name


@pytest.mark.parametrize("service", SERVICES)
class TestService:
    def test_every_operation_has_a_summary_of_its_own(self, service: str) -> None:
        summaries = {route.name: route.summary for route, _ in endpoints(application(service))}
        assert [name for name, summary in summaries.items() if not summary] == []
        assert len(set(summaries.values())) == len(summaries)

    def test_its_document_says_what_it_is_for(self, service: str) -> None:
        document = application(service).openapi()
        assert document["info"]["description"] not in {"", document["info"]["title"]}

    def test_every_example_of_a_body_is_taken_by_its_endpoint(self, service: str) -> None:
        document = application(service).openapi()
        for route, method in endpoints(application(service)):
            original = route.original_route
            assert isinstance(original, APIRoute)
            if original.body_field is not None:
                body = document["paths"][route.path_format][method.lower()]["requestBody"]["content"]
                [content] = body.values()  # JSON, or the form of a page
                _, errors = original.body_field.validate(content["example"], loc=("body",))
                assert not errors, f"{method} {route.path_format}: {errors}"
