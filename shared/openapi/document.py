"""A service's OpenAPI document: the framework's, and what follows from who may call and what is refused."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pkgutil import resolve_name
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from shared.errors import (
    BadCursor,
    Forbidden,
    HttpError,
    IdempotencyKeyReused,
    NotFound,
    ProblemError,
    RuleBroken,
    StaleVersion,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from shared.identity.access import EVERY_ROLE
from shared.openapi.descriptions import Description, Operation, components, example, refusal
from shared.openapi.examples import Examples
from shared.openapi.operations import ERRORS, Json, headers

Errors = list[type[ProblemError]]

VERSION = "1"
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The access token of a login."}
SUCCESSES = {200: "What was asked for", 201: "Made", 202: "Begun, and not done yet", 204: "Done"}
# Headers with a meaning of their own in OpenAPI: content negotiation and security say it.
NO_PARAMETERS = frozenset({"accept", "authorization", "content-type"})


def describe(app: FastAPI, service: str, description: Description, roles: Sequence[str]) -> None:
    """From now on the document says what `description` adds. `roles` are those that a caller may have, in order."""
    app.openapi = partial(_kept, app, service, description, roles)  # type: ignore[method-assign]


def _kept(app: FastAPI, service: str, description: Description, roles: Sequence[str]) -> Json:
    if app.openapi_schema is None:
        app.openapi_schema = document(app, service, description, roles)
    return app.openapi_schema


def document(app: FastAPI, service: str, description: Description, roles: Sequence[str]) -> Json:
    made = get_openapi(title=app.title, version=VERSION, description=description.text, routes=app.routes)
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)  # the framework's own form of errors, which is not ours
    examples = Examples(schemas, description.examples)
    problems: Json = {}
    for route, method in endpoints(app):
        operation = made["paths"][route.path_format][method.lower()]
        told = description.operations.get(route.name) or Operation("")
        raised = [*_take_errors(operation), *told.raises]
        _describe(operation, route, told, service, roles)
        for error in _refuse(operation, route, raised):
            problems[error.code] = {"value": example(error)}
        _show(operation, examples)
    common = components()
    schemas |= common["schemas"]
    made["components"] |= {
        "headers": common["headers"],
        "examples": problems,
        "securitySchemes": {"bearer": BEARER},
    }
    made["tags"] = [{"name": service, "description": description.text}]
    return made


def endpoints(app: FastAPI) -> Iterator[tuple[Any, str]]:
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            for method in sorted(route.methods or ()):
                yield route, method


def admitted(dependant: Dependant) -> frozenset[str] | None:
    """The roles that an endpoint admits: EVERY_ROLE for whoever is signed in, None for anybody."""
    found = [one.__access__ for one in _calls(dependant) if hasattr(one, "__access__")]
    if all(roles is None for roles in found):
        return None
    named = [roles for roles in found if roles is not None and roles != EVERY_ROLE]
    return frozenset.intersection(*named) if named else EVERY_ROLE


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def _describe(operation: Json, route: Any, told: Operation, service: str, known: Sequence[str]) -> None:
    roles = admitted(route.dependant)
    named = sorted(known) if roles == EVERY_ROLE else sorted(roles or ())
    operation["tags"] = [service]
    operation["operationId"] = route.operation_id or route.name
    operation["summary"] = route.summary or told.summary or route.name.replace("_", " ").capitalize()
    operation["description"] = "\n\n".join(filter(None, [operation.get("description"), _whom(roles, known)]))
    operation["security"] = [{"bearer": []}] if roles is not None else [{}, {"bearer": []}]
    operation["x-roles"] = named if roles is not None else None
    operation["responses"].pop("422", None)
    for status, answer in operation["responses"].items():
        answer["headers"] = headers("X-Request-ID", *told.sends) | answer.get("headers", {})
        if answer["description"] == "Successful Response":
            answer["description"] = SUCCESSES[int(status)]
    parameters = operation.get("parameters", [])
    operation["parameters"] = [one for one in parameters if one["name"].lower() not in NO_PARAMETERS]


def _take_errors(operation: Json) -> Errors:
    """Removes the errors that the endpoint's decorator names, and the responses that hold nothing else."""
    errors: Errors = []
    for status, answer in list(operation["responses"].items()):
        if ERRORS in answer:
            errors += [resolve_name(name) for name in answer.pop(ERRORS)]
            if answer.keys() <= {"description"}:
                del operation["responses"][status]
    return errors


def _refuse(operation: Json, route: Any, raised: Errors) -> Errors:
    """Adds a response for each status of the errors, and returns them all: those that follow and those raised."""
    errors = [*_following(operation, admitted(route.dependant)), *raised]
    for status in sorted({error.status_code for error in errors}):
        same = [error for error in errors if error.status_code == status]
        answer = refusal(same)
        answer["headers"] |= operation["responses"].get(str(status), {}).get("headers", {})
        operation["responses"][str(status)] = answer
    return errors


def _whom(roles: frozenset[str] | None, known: Sequence[str]) -> str:
    if roles is None:
        return "For anyone."
    if roles == EVERY_ROLE:
        return "For everybody who is signed in."
    return f"For the roles {', '.join(role for role in known if role in roles)}."


def _following(operation: Json, roles: frozenset[str] | None) -> Iterator[type[ProblemError]]:
    """The refusals that follow from the signature."""
    given = {(one["in"], one["name"]) for one in operation.get("parameters", [])}
    names, places = {name for _, name in given}, {place for place, _ in given}
    yield Unauthorized
    yield Unavailable
    if roles is not None and roles != EVERY_ROLE:
        yield Forbidden
    if "path" in places:
        yield NotFound
    if "requestBody" in operation:
        yield from (BadBody, TooLarge)
    if given or "requestBody" in operation:
        yield RuleBroken
    if "cursor" in names:
        yield BadCursor
    if "if-match" in {name.lower() for name in names}:
        yield StaleVersion
    if "Idempotency-Key" in names:
        yield IdempotencyKeyReused


class BadBody(HttpError):
    """A body that is no JSON in UTF-8."""

    status_code = 400


def _show(operation: Json, examples: Examples) -> None:
    """An example for each parameter, body and answer that has a schema and none of its own."""
    for parameter in operation["parameters"]:
        parameter["schema"] = _present(parameter["schema"])
        if "example" not in parameter:
            parameter["example"] = examples.of(parameter["schema"], parameter["name"])
    answers: list[Mapping[str, Any]] = [operation.get("requestBody", {}), *operation["responses"].values()]
    for answer in answers:
        for content in answer.get("content", {}).values():
            if "schema" in content and not {"example", "examples"} & content.keys():
                content["example"] = examples.of(content["schema"])


def _present(schema: Json) -> Json:
    """A parameter is left out; it cannot be null."""
    variants = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    if len(variants) != 1:
        return schema
    present: Json = {key: value for key, value in schema.items() if key != "anyOf"} | variants[0]
    return present
