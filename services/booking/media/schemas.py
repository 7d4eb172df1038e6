"""HTTP models of pictures."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from shared.http.schemas import Schema

EXAMPLE_ID = "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b77"
EXAMPLE_OWNER = "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b01"
EXAMPLE: JsonDict = {
    "id": EXAMPLE_ID,
    "width": 1600,
    "height": 1200,
    "small": f"/api/v1/media/{EXAMPLE_ID}/small",
    "medium": f"/api/v1/media/{EXAMPLE_ID}/medium",
    "large": f"/api/v1/media/{EXAMPLE_ID}/large",
}
Kind = Annotated[Literal["logo", "salon", "profile", "portfolio", "treatment"], Field(examples=["salon"])]
Size = Literal["small", "medium", "large"]
Path = Annotated[str, Field(description="Of the WebP file")]


class Picture(Schema):
    """Three files with a longest side of 320, 800 and 1600 pixels, or of the original if that is smaller. `width` and
    `height` are those of the large one."""

    model_config = ConfigDict(json_schema_extra={"examples": [dict(EXAMPLE)]})

    id: UUID
    width: int
    height: int
    small: Path
    medium: Path
    large: Path


class StoredPicture(Picture):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **EXAMPLE,
                    "kind": "treatment",
                    "service_id": EXAMPLE_OWNER,
                    "created_at": "2026-09-14T10:00:00+02:00",
                }
            ]
        }
    )

    kind: Kind
    loctician_id: UUID | None = None
    service_id: UUID | None = None
    created_at: datetime
