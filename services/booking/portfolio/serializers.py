"""The form of portfolio media in answers."""

from typing import Any

from services.booking.serializers import Answer, instant


def media(row: Any) -> Answer:
    return {
        "id": row.media_id,
        "kind": row.kind,
        "caption": row.caption,
        "media_url": row.media_url,
        "permalink": row.permalink,
        "thumbnail_url": row.thumbnail_url,
        "taken_at": instant(row.taken_at),
    }
