"""What an endpoint's decorator says of its responses: the errors it raises and the headers it sends.

    @router.post("", status_code=201, summary="Take time off", responses=raises(LimitReached) | sends(201, LOCATION))

Errors that follow from the signature (401, 403 for a role, 404 for a path parameter, 422 ...) need not be named.
"""

from typing import Any

from shared.errors import ProblemError

Json = dict[str, Any]
Responses = dict[int | str, Json]

ETAG = "ETag"
LOCATION = "Location"
RETRY_AFTER = "Retry-After"
CACHE_CONTROL = "Cache-Control"
SET_COOKIE = "Set-Cookie"
LAST_MODIFIED = "Last-Modified"

ERRORS = "x-errors"  # names the error classes of a response until shared.openapi.document has written them out


def raises(*errors: type[ProblemError]) -> Responses:
    """The errors an endpoint raises beside those that follow from its signature."""
    answers: Responses = {}
    for error in errors:
        answer = answers.setdefault(error.status_code, {ERRORS: []})
        answer[ERRORS].append(f"{error.__module__}:{error.__qualname__}")
    return answers


def sends(status: int, *names: str) -> Responses:
    """The headers that the response with this status has."""
    return {status: {"headers": headers(*names)}}


def headers(*names: str) -> Json:
    """References to the headers among the document's components."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
