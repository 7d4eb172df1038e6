"""HTTP models of calendar feeds."""

import datetime as dt
from typing import Literal
from uuid import UUID

from pydantic import Field

from shared.http.schemas import Schema

TOKEN = "0196b6a07c1e7b529d0a3f6f0f1c2c01.c2lnbmF0dXJl"  # noqa: S105 - an example


class Feed(Schema):
    id: UUID = Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2c01"])
    kind: Literal["loctician", "customer"]
    created_at: dt.datetime


class NewFeed(Feed):
    """With the secret address, which no later response shows."""

    token: str = Field(examples=[TOKEN])
    url: str = Field(examples=[f"https://loctician.example/api/v1/calendar/feeds/{TOKEN}.ics"])
