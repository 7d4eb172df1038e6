"""Imported calendars over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
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
from shared.errors import UnsupportedMediaType
from shared.http.dependencies import DatabaseDep, SessionDep
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
                "properties": {"file": {"type": "string", "format": "binary"}},
                "additionalProperties": False,
            },
            "encoding": {"file": {"contentType": "text/calendar"}},
        },
    },
}


async def address_policy(request: Request) -> AddressPolicy:
    policy: AddressPolicy = request.app.state.runtime.settings.address_policy
    return policy


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
    database: DatabaseDep,
    policy: AddressPolicyDep,
    key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Its busy times close the loctician's windows. Send an address as JSON, or the file itself: as text/calendar, or
    in the field `file` of a form. At most five."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        url = _parse_request(await request.body()).url
        return await service.add_address(database, principal, loctician, url, policy, key)
    if media_type == "text/calendar":
        content = await request.body()
    elif media_type == "multipart/form-data":
        content = await _read_file(request)
    else:
        raise UnsupportedMediaType(*BODY["content"])
    return await service.add_file(database, principal, loctician, content, key)


async def _read_file(request: Request) -> bytes:
    try:
        async with request.form(max_files=1, max_fields=0) as form:
            file = form.get("file")
            if isinstance(file, UploadFile):
                return await file.read()
    except HTTPException as error:  # not a form, or more than one file
        raise BadForm from error
    raise BadForm


def _parse_request(content: bytes) -> schemas.ImportRequest:
    try:
        return schemas.ImportRequest.model_validate_json(content)
    except ValidationError as error:
        errors = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(errors) from error


@router.get("", response_model=schemas.Imports, summary="List the imported calendars")
async def list_imports(loctician: Loctician, session: SessionDep) -> dict[str, Any]:
    return {"items": [serializers.imported_calendar(row) for row in await service.list_imports(session, loctician)]}


@router.delete("/{import_id}", status_code=204, response_class=Response, summary="Remove an imported calendar")
async def remove_import(loctician: Loctician, import_id: UUID, session: SessionDep) -> None:
    await service.remove_import(session, loctician, import_id)
