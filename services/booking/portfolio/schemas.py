"""HTTP models of a loctician's portfolio."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from shared.http.schemas import Schema


class PortfolioMedia(Schema):
    id: Annotated[str, Field(examples=["18000000000000001"])]
    kind: Literal["image", "video", "carousel_album"] = Field(examples=["image"])
    caption: Annotated[str, Field(examples=["Nye locs"])]
    media_url: Annotated[str, Field(examples=["https://example.com/media/1.jpg"])]
    permalink: Annotated[str, Field(examples=["https://example.com/p/1"])]
    thumbnail_url: Annotated[str | None, Field(examples=[None])]
    taken_at: datetime | None
