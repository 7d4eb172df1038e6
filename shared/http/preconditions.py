"""Entity tags and If-Match: a change names the version it was made from (RFC 9110, 13.1.1)."""

import re
from typing import Annotated

from fastapi import Header

from shared.errors import PreconditionRequired, StaleVersion

IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=100, examples=['"1"'])]

# If-Match compares strongly, so a weak tag (W/"1") never matches. The tag of a form that can be cached has a digest of
# that form behind the version.
TAG = re.compile(r'"(0|[1-9][0-9]*)(?:-[0-9a-f]{16})?"')
LARGEST_VERSION = 2**31 - 1  # PostgreSQL's integer


def etag(version: int) -> str:
    return f'"{version}"'


def matching_versions(if_match: str | None) -> list[int] | None:
    """The versions that If-Match admits; None admits any. Raises StaleVersion if no tag can be a version."""
    if if_match is None or if_match.strip() == "*":
        return None
    tags = [TAG.fullmatch(tag.strip()) for tag in if_match.split(",")]
    versions = [int(tag[1]) for tag in tags if tag]
    if not versions:
        raise StaleVersion
    return [version for version in versions if version <= LARGEST_VERSION]


def check_match(if_match: str | None, version: int) -> None:
    """For a call that may leave If-Match out. Raises StaleVersion if none of its tags is the current version's."""
    versions = matching_versions(if_match)
    if versions is not None and version not in versions:
        raise StaleVersion


def require_match(if_match: str | None, version: int) -> None:
    """Raises PreconditionRequired without If-Match, StaleVersion if none of its tags is the current version's."""
    if if_match is None:
        raise PreconditionRequired
    check_match(if_match, version)
