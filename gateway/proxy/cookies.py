"""Which cookies pass: all to and from auth, that of the browser to and from booking, none elsewhere."""

BROWSER = b"__Host-loctician-browser="  # shared/http/browsers.py sets it


def readable_by(service: str, values: list[bytes]) -> list[bytes]:
    """The Cookie headers that a service gets, of those that a client sent (RFC 6265, 4.2.1)."""
    if service == "auth":
        return values
    if service != "booking":
        return []
    pairs = (pair.strip() for value in values for pair in value.split(b";"))
    return [pair for pair in pairs if pair.startswith(BROWSER)]


def settable_by(service: str) -> bytes | None:
    """How a Set-Cookie header begins that passes from a service; None if none does."""
    return {"auth": b"", "booking": BROWSER}.get(service)
