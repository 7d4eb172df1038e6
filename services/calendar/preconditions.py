"""Entity tags: a change names the version it was made from (RFC 9110, 13.1.1)."""

from services.calendar.errors import VersionRequired
from shared.errors import StaleVersion


def etag(version: int) -> str:
    return f'"{version}"'


def check(version: int, if_match: str | None) -> None:
    """For version 0, when there is nothing yet, no tag is asked for. Raises VersionRequired or StaleVersion."""
    if if_match is None:
        if version:
            raise VersionRequired
        return
    tags = {tag.strip() for tag in if_match.split(",")}
    if etag(version) not in tags and not (version and "*" in tags):
        raise StaleVersion
