"""Imported calendars over HTTP."""

from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from services.calendar.dependencies import PREFIX, Caller, Loctician
from services.calendar.errors import (
    AddressRefused,
    BadForm,
    CalendarTooLarge,
    LimitReached,
    NotACalendar,
)
from services.calendar.imports import schemas, serializers, service
from services.calendar.imports.address_check import AddressPolicy
from services.calendar.imports.serializers import in_language
from shared.errors import UnsupportedMediaType
from shared.http.dependencies import DatabaseDep, LanguageDep, SessionDep
from shared.http.idempotency import IdempotencyKey
from shared.openapi.operations import raises

router = APIRouter(prefix=f"{PREFIX}/{{loctician_id}}/imports")

BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {"schema": schemas.ImportRequest.model_json_schema()},
        "text/calendar": {"schema": {"type": "string"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "name": {"type": "string", "maxLength": 100, "description": "What you call the calendar"},
                },
                "additionalProperties": False,
            },
            "encoding": {"file": {"contentType": "text/calendar"}},
        },
    },
}


def answers_in(language: str) -> dict[str, str]:
    return {"Content-Language": language, "Vary": "Accept-Language"}


async def address_policy(request: Request) -> AddressPolicy:
    policy: AddressPolicy = request.app.state.runtime.settings.address_policy
    return policy


Model = TypeVar("Model", bound=BaseModel)
AddressPolicyDep = Annotated[AddressPolicy, Depends(address_policy)]


@router.post(
    "",
    status_code=201,
    response_model=schemas.Import,
    summary="Import a calendar",
    responses=raises(AddressRefused, BadForm, CalendarTooLarge, LimitReached, NotACalendar),
    openapi_extra={"requestBody": BODY},
)
async def add_import(
    principal: Caller,
    loctician: Loctician,
    request: Request,
    response: Response,
    database: DatabaseDep,
    policy: AddressPolicyDep,
    language: LanguageDep,
    key: IdempotencyKey = None,
    name: Annotated[schemas.Name, Query(description="What you call a calendar that is sent as text/calendar")] = None,
) -> dict[str, Any]:
    """Its busy times close the loctician's windows. Send an address as JSON, or the file itself: as text/calendar, or
    in the field `file` of a form. At most five, each of at most 5 MiB."""
    response.headers.update(answers_in(language))
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        body = _parse(schemas.ImportRequest, await request.body())
        adding = service.Request(principal, loctician, body.name or name, key)
        return in_language(await service.add_address(database, adding, body.url, policy), language)
    if media_type == "text/calendar":
        content = await request.body()
    elif media_type == "multipart/form-data":
        content, in_form = await _read_form(request)
        name = in_form or name
    else:
        raise UnsupportedMediaType(*BODY["content"])
    adding = service.Request(principal, loctician, name, key)
    return in_language(await service.add_file(database, adding, content), language)


async def _read_form(request: Request) -> tuple[bytes, str | None]:
    """The file and its name. Raises BadForm."""
    try:
        async with request.form(max_files=1, max_fields=1) as form:
            file, others = form.get("file"), {name: form[name] for name in form if name != "file"}
            if isinstance(file, UploadFile) and others.keys() <= {"name"}:
                named = _parse_values(schemas.Rename, {"name": others.get("name")})
                return await file.read(), named.name
    except HTTPException as error:  # not a form, or more than one file
        raise BadForm from error
    raise BadForm


def _parse(model: type[Model], content: bytes) -> Model:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise _invalid(error) from error


def _parse_values(model: type[Model], values: dict[str, Any]) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _invalid(error) from error


def _invalid(error: ValidationError) -> RequestValidationError:
    return RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in error.errors()])


@router.get("", response_model=schemas.Imports, summary="List the imported calendars")
async def list_imports(
    loctician: Loctician, session: SessionDep, response: Response, language: LanguageDep
) -> dict[str, Any]:
    """With what is wrong with each, in the language of Accept-Language."""
    response.headers.update(answers_in(language))
    rows = await service.list_imports(session, loctician)
    return {"items": [serializers.imported_calendar(row, language) for row in rows]}


@router.patch("/{import_id}", response_model=schemas.Import, summary="Rename an imported calendar")
async def rename_import(
    loctician: Loctician,
    import_id: UUID,
    body: schemas.Rename,
    session: SessionDep,
    response: Response,
    language: LanguageDep,
) -> dict[str, Any]:
    """null removes the name."""
    response.headers.update(answers_in(language))
    return serializers.imported_calendar(
        await service.rename_import(session, loctician, import_id, body.name), language
    )


@router.delete("/{import_id}", status_code=204, response_class=Response, summary="Remove an imported calendar")
async def remove_import(loctician: Loctician, import_id: UUID, session: SessionDep) -> None:
    await service.remove_import(session, loctician, import_id)
