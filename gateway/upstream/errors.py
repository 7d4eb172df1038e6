"""Why a service gave no usable answer."""


class UpstreamError(Exception):
    """The service gave no usable answer."""


class UnreachableError(UpstreamError):
    """No connection could be made, or none became free in time. Nothing was sent."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after  # seconds; 0 if unknown


class BrokenError(UpstreamError):
    """The connection was lost, or the service sent invalid HTTP."""

    answering = True  # whether bytes of an answer had arrived


class SlowError(UpstreamError):
    """The answer, or its next part, did not arrive in time."""
