from datetime import datetime

from shared.http.schemas import Schema


class PortfolioMedia(Schema):
    id: str
    kind: str
    caption: str
    media_url: str
    permalink: str
    thumbnail_url: str | None
    taken_at: datetime | None
