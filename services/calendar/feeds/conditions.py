"""Conditional GET and HEAD (RFC 9110, 13): whether the client already has what would be sent."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def is_unchanged(etag: str, modified: datetime, if_none_match: Sequence[str], if_modified_since: str | None) -> bool:
    """`modified`: in whole seconds. If-Modified-Since counts only without If-None-Match, and only if it is a date."""
    if if_none_match:
        tags = [tag.strip() for field in if_none_match for tag in field.split(",")]
        return "*" in tags or etag in [tag.removeprefix("W/") for tag in tags]
    since = _http_date(if_modified_since)
    return since is not None and modified <= since


def _http_date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)  # the format of asctime() names no zone, and means UTC
