from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row


def data_subject_request(request: Row[Any], parts: list[Row[Any]]) -> dict[str, Any]:
    open_, now = request.status == "running", datetime.now(UTC)
    return {
        **request._mapping,
        "overdue": open_ and request.deadline < now,
        "answered": [part._mapping for part in parts if part.answered_at],
        "waiting_for": [part.service for part in parts if open_ and not part.answered_at],
    }
