"""A service's OpenAPI document: FastAPI's, with the roles that may call, the errors and the examples added."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
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
    UnsupportedMediaType,
)
from shared.identity.access import EVERY_ROLE
from shared.openapi.components import components, error_response, problem_example
from shared.openapi.examples import Examples
from shared.openapi.operations import ERRORS, Json, headers

Errors = list[type[ProblemError]]

VERSION = "1"
SUCCESSES = {200: "OK", 201: "Created", 202: "Accepted; the work is not finished yet", 204: "Done"}
# Content negotiation and security describe these headers in OpenAPI.
NO_PARAMETERS = frozenset({"accept", "authorization", "content-type"})


def describe(app: FastAPI, service: str, description: str, roles: Sequence[str]) -> None:
    """Makes the application serve this document. `roles` are those that a caller may have, in the order shown."""
    app.openapi = cache(partial(document, app, service, description, roles))  # type: ignore[method-assign]


def document(app: FastAPI, service: str, description: str, roles: Sequence[str]) -> Json:
    """`description` says what the service is for."""
    content = get_openapi(title=app.title, version=VERSION, description=description, routes=app.routes)
    schemas = content.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)  # FastAPI's own form of errors, which is not ours
    examples = Examples(schemas)
    problems: Json = {}
    for route, method in endpoints(app):
        operation = content["paths"][route.path_format][method.lower()]
        raised = _take_errors(operation)
        _describe(operation, route, service, roles)
        for error in _add_errors(operation, route, raised):
            problems[error.code] = {"value": problem_example(error, examples)}
        _add_examples(operation, examples)
    common = components()
    schemas |= common["schemas"]
    content["components"] |= common | {"schemas": schemas, "examples": problems}
    content["tags"] = [{"name": service, "description": description}]
    return content


def endpoints(app: FastAPI) -> Iterator[tuple[Any, str]]:
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            for method in sorted(route.methods or ()):
                yield route, method


def takes_known_parameters_only(route: Any) -> bool:
    """Pages and calendar feeds ignore unknown parameters: mail programs and search engines add their own to links."""
    is_page = getattr(route.response_class, "media_type", None) == "text/html"
    return route.path.startswith(("/api/", "/.well-known/")) and not is_page and not route.path.endswith(".ics")


def admitted_roles(dependant: Dependant) -> frozenset[str] | None:
    """The roles that may call an endpoint: EVERY_ROLE for all who are signed in, None for everybody."""
    declared = [call.__access__ for call in _calls(dependant) if hasattr(call, "__access__")]
    if all(roles is None for roles in declared):
        return None
    named = [roles for roles in declared if roles is not None and roles != EVERY_ROLE]
    return frozenset.intersection(*named) if named else EVERY_ROLE


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def _describe(operation: Json, route: Any, service: str, known: Sequence[str]) -> None:
    roles = admitted_roles(route.dependant)
    named = sorted(known) if roles == EVERY_ROLE else sorted(roles or ())
    operation["tags"] = [service]
    operation["operationId"] = route.operation_id or route.name
    operation["description"] = "\n\n".join(filter(None, [operation.get("description"), _callers(roles, known)]))
    operation["security"] = [*([] if roles else [{}]), {"bearer": []}, *operation.get("security", [])]
    operation["x-roles"] = named if roles is not None else None
    if "application/json" in operation["responses"].get("422", {}).get("content", {}):  # FastAPI's own
        del operation["responses"]["422"]
    negotiates = any(hasattr(call, "__negotiates__") for call in _calls(route.dependant))
    own = headers("X-Request-ID", *(("Content-Language", "Vary") if negotiates else ()))
    for status, response in operation["responses"].items():
        response["headers"] = own | response.get("headers", {})
        if response["description"] == "Successful Response":
            response["description"] = SUCCESSES[int(status)]
    parameters = operation.get("parameters", [])
    operation["parameters"] = [field for field in parameters if field["name"].lower() not in NO_PARAMETERS]


def _callers(roles: frozenset[str] | None, known: Sequence[str]) -> str:
    if roles is None:
        return "For everybody."
    if roles == EVERY_ROLE:
        return "For everybody who is signed in."
    return f"For the roles {', '.join(role for role in known if role in roles)}."


def _take_errors(operation: Json) -> Errors:
    """Removes the errors that the endpoint's decorator names, and the responses that hold nothing else."""
    errors: Errors = []
    for status, response in list(operation["responses"].items()):
        if ERRORS in response:
            errors += [resolve_name(name) for name in response.pop(ERRORS)]
            if response.keys() <= {"description"}:
                del operation["responses"][status]
    return errors


def _add_errors(operation: Json, route: Any, raised: Errors) -> Errors:
    """Adds a response for each status of the errors. Returns all of them, with those that follow from the signature."""
    errors = [*_implied_errors(operation, route), *raised]
    for status in sorted({error.status_code for error in errors}):
        response = error_response([error for error in errors if error.status_code == status])
        declared = operation["responses"].get(str(status), {})
        response["headers"] |= declared.get("headers", {})
        response["content"] |= declared.get("content", {})  # a page shows the error to people
        operation["responses"][str(status)] = response
    return errors


def _implied_errors(operation: Json, route: Any) -> Errors:
    """The errors that follow from the signature."""
    roles = admitted_roles(route.dependant)
    parameters = {(parameter["in"], parameter["name"].lower()) for parameter in operation.get("parameters", [])}
    names, places = {name for _, name in parameters}, {place for place, _ in parameters}
    has_body = "requestBody" in operation
    errors: dict[type[ProblemError], bool] = {
        Unauthorized: True,
        Unavailable: True,
        Forbidden: roles is not None and roles != EVERY_ROLE,
        NotFound: "path" in places,
        BadBody: has_body,
        TooLarge: has_body,
        UnsupportedMediaType: has_body,
        RuleBroken: bool(parameters) or has_body or takes_known_parameters_only(route),
        BadCursor: "cursor" in names,
        StaleVersion: "if-match" in names,
        IdempotencyKeyReused: "idempotency-key" in names,
    }
    return [error for error, is_implied in errors.items() if is_implied]


class BadBody(HttpError):
    """The body is not JSON in UTF-8."""

    status_code = 400


def _add_examples(operation: Json, examples: Examples) -> None:
    """An example for each parameter, body and response that has a schema but no example."""
    for parameter in operation["parameters"]:
        parameter["schema"] = _without_null(parameter["schema"])
        if "example" not in parameter:
            parameter["example"] = examples.of(parameter["schema"])
    bodies: list[Mapping[str, Any]] = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        for content in body.get("content", {}).values():
            if "schema" in content and not {"example", "examples"} & content.keys():
                content["example"] = examples.of(content["schema"])


def _without_null(schema: Json) -> Json:
    """A parameter can be left out, but cannot be null."""
    variants = [variant for variant in schema.get("anyOf", []) if variant != {"type": "null"}]
    schema = schema | ({"anyOf": variants} if variants else {})
    return (
        {key: value for key, value in schema.items() if key != "anyOf"} | variants[0] if len(variants) == 1 else schema
    )
