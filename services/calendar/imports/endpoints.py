from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from services.calendar.dependencies import PREFIX, Caller, Loctician
from services.calendar.errors import BadForm, UnsupportedMedia
from services.calendar.imports import schemas, serializers, service
from services.calendar.imports.address_check import Guard
from shared.http.dependencies import DatabaseDep, SessionDep
from shared.http.idempotency import IdempotencyKey

router = APIRouter(prefix=f"{PREFIX}/{{loctician_id}}/imports")

BODY = {
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


async def guard(request: Request) -> Guard:
    found: Guard = request.app.state.runtime.settings.guard
    return found


GuardDep = Annotated[Guard, Depends(guard)]


@router.post("", status_code=201, response_model=schemas.Import, openapi_extra={"requestBody": BODY})
async def add_import(
    who: Caller,
    loctician: Loctician,
    request: Request,
    database: DatabaseDep,
    allowed: GuardDep,
    key: IdempotencyKey = None,
) -> dict[str, Any]:
    """An address as JSON, or the file itself: as text/calendar, or as the field `file` of a form."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == "application/json":
        address = _asked(await request.body()).url
        return await service.add_address(database, who, loctician, address, allowed, key)
    if media == "text/calendar":
        content = await request.body()
    elif media == "multipart/form-data":
        content = await _file_of(request)
    else:
        raise UnsupportedMedia
    return await service.add_file(database, who, loctician, content, key)


async def _file_of(request: Request) -> bytes:
    try:
        async with request.form(max_files=1, max_fields=0) as form:
            file = form.get("file")
            if isinstance(file, UploadFile):
                return await file.read()
    except HTTPException as error:  # no form, or more than the one file
        raise BadForm from error
    raise BadForm


def _asked(content: bytes) -> schemas.ImportRequest:
    try:
        return schemas.ImportRequest.model_validate_json(content)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error


@router.get("", response_model=schemas.Imports)
async def list_imports(loctician: Loctician, session: SessionDep) -> dict[str, Any]:
    return {"items": [serializers.imported(row) for row in await service.listed(session, loctician)]}


@router.delete("/{import_id}", status_code=204, response_class=Response)
async def remove_import(loctician: Loctician, import_id: UUID, session: SessionDep) -> None:
    await service.remove(session, loctician, import_id)
