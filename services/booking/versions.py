"""Updates of what somebody has seen: If-Match names the version, and another one in the meantime refuses."""

from shared.errors import PreconditionRequired, StaleVersion


def require_match(if_match: str | None, version: int) -> None:
    """Raises PreconditionRequired without If-Match, StaleVersion when it names another version (RFC 9110, 13.1.1)."""
    if if_match is None:
        raise PreconditionRequired
    accept_match(if_match, version)


def accept_match(if_match: str | None, version: int) -> None:
    """The same where If-Match may be left out."""
    if if_match not in {None, "*"} and f'"{version}"' not in [tag.strip() for tag in str(if_match).split(",")]:
        raise StaleVersion
