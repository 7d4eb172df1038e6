import datetime as dt
from typing import Literal
from uuid import UUID

from shared.http.schemas import Schema


class Feed(Schema):
    id: UUID
    kind: Literal["loctician", "customer"]
    created_at: dt.datetime


class NewFeed(Feed):
    """With the secret address, which is told only here."""

    token: str
    url: str
