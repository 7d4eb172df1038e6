"""The form of a picture in answers. The SQL function booking.pictures_json() writes the same addresses."""

from typing import Any

from services.booking.serializers import Answer, instant

PREFIX = "/api/v1/media"
SIZES = ("small", "medium", "large")


def picture(row: Any) -> Answer:
    return {
        "id": str(row.id),
        "width": row.width,
        "height": row.height,
        **{size: f"{PREFIX}/{row.id}/{size}" for size in SIZES},
        "kind": row.kind,
        "loctician_id": row.loctician_id and str(row.loctician_id),
        "service_id": row.treatment_id and str(row.treatment_id),
        "created_at": instant(row.created_at),
    }
