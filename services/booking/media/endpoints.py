"""Endpoints of pictures."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from services.booking.dependencies import CachingDep, Employee, Visitor
from services.booking.errors import NotYourProfile
from services.booking.media import schemas, service
from services.booking.media.errors import NotAPicture, PictureTooLarge, TooManyPictures, WrongOwner
from services.booking.profiles.schemas import EXAMPLE_LOCTICIAN_ID, LocticianId
from services.booking.serializers import respond
from shared.errors import TooLarge, UnsupportedMediaType
from shared.http.dependencies import DatabaseDep, SessionDep
from shared.http.idempotency import IdempotencyKey
from shared.openapi.operations import CACHE_CONTROL, ETAG, LOCATION, raises, sends

MAX_BYTES = 8 * 1_048_576
IMMUTABLE = "public, max-age=31536000, immutable"
FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}, "example": "(a file)"}
BODY = {"required": True, "content": dict.fromkeys(service.FORMATS, FILE)}
router = APIRouter(prefix="/api/v1/media")


@router.post(
    "",
    status_code=201,
    response_model=schemas.StoredPicture,
    summary="Add a picture",
    description="The file is the body: JPEG, PNG or WebP, at most 8 MiB and 40 million pixels. It is decoded and "
    "stored anew as WebP in three sizes; where and when it was taken is not kept. A new `logo` or `profile` replaces "
    "the old one; there are at most 24 of `salon`, 24 of `portfolio` and 6 of `treatment`.",
    responses=raises(NotAPicture, NotYourProfile, PictureTooLarge, TooManyPictures, WrongOwner) | sends(201, LOCATION),
    openapi_extra={"requestBody": BODY},
)
async def add_picture(
    principal: Employee,
    request: Request,
    database: DatabaseDep,
    kind: Annotated[schemas.Kind, Query()],
    loctician_id: Annotated[
        LocticianId | None, Query(description="For `profile` and `portfolio`", examples=[EXAMPLE_LOCTICIAN_ID])
    ] = None,
    service_id: Annotated[UUID | None, Query(description="For `treatment`", examples=[None])] = None,
    key: IdempotencyKey = None,
) -> Response:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in service.FORMATS:
        raise UnsupportedMediaType(*service.FORMATS)
    content = await request.body()
    if len(content) > MAX_BYTES:
        raise TooLarge(limit=MAX_BYTES)
    wanted = service.Wanted(kind, loctician_id, service_id)
    picture = await service.add(database, principal, wanted, content, media_type, key)
    return respond(picture, 201, Location=picture["large"])


@router.get(
    "/{media_id}/{size}",
    response_class=Response,
    summary="Get a picture",
    description="A WebP file. It never changes, so that caches may keep it for a year.",
    responses={
        200: {"content": {"image/webp": FILE}, **sends(200, ETAG, CACHE_CONTROL)[200]},
        304: {"description": "Unchanged", **sends(304, ETAG, CACHE_CONTROL)[304]},
    },
)
async def get_picture(
    principal: Visitor,
    media_id: Annotated[UUID, Path(examples=[schemas.EXAMPLE_ID])],
    size: schemas.Size,
    database: DatabaseDep,
    caching: CachingDep,
) -> Response:
    content = await service.read(database, media_id, size)
    headers = {"ETag": f'"{media_id.hex}-{size}"', "Cache-Control": IMMUTABLE, "Content-Disposition": "inline"}
    if "*" in caching.known or headers["ETag"] in caching.known:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="image/webp")


@router.delete(
    "/{media_id}",
    status_code=204,
    response_class=Response,
    summary="Delete a picture",
    responses=raises(NotYourProfile),
)
async def delete_picture(
    principal: Employee, media_id: Annotated[UUID, Path(examples=[schemas.EXAMPLE_ID])], session: SessionDep
) -> Response:
    """Caches that have it may go on showing it."""
    await service.remove(session, principal, media_id)
    return Response(status_code=204)
