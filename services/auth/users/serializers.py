"""The answer that shows a user."""

from typing import Any

from fastapi import Response

from domain.clock import to_copenhagen
from services.auth.users.schemas import UserOut
from shared.http.preconditions import etag


def user_out(row: Any) -> UserOut:
    user = UserOut.model_validate(row)
    return user.model_copy(update={"created_at": to_copenhagen(user.created_at)})


def with_etag(row: Any, response: Response) -> UserOut:
    """Sets the ETag to the user's version."""
    response.headers["ETag"] = etag(row.version)
    return user_out(row)
