"""Data subject requests as responses show them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from services.gdpr.data_subject_requests.queries import SCHEDULED


def data_subject_request(request: Row[Any], parts: Sequence[Row[Any]]) -> dict[str, Any]:
    """`parts` are the services' answers to this request."""
    running, now = request.status == "running", datetime.now(UTC)
    status = SCHEDULED if running and request.runs_at else request.status
    return {
        **request._mapping,
        "status": status,
        "overdue": running and request.deadline < now,
        "answered": [part._mapping for part in parts if part.answered_at],
        "waiting_for": [part.service for part in parts if running and not part.answered_at],
    }
