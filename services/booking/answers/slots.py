from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.booking.answers.common import Answer, instant, money


def slot(
    start: datetime | str, end: datetime | str, loctician: Any, treatment_ids: Sequence[UUID], price: int, language: str
) -> Answer:
    return {
        "start": instant(start),
        "end": instant(end),
        "loctician_id": str(loctician),
        "service_ids": treatment_ids,
        "price": money(price, language),
    }
