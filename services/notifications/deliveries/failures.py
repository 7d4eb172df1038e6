"""Ways in which an attempt to deliver can fail."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """`code` says why. `permanent`: not tried again. `unreachable`: the fault is not in the message itself."""

    code: str
    permanent: bool = False
    unreachable: bool = False

    @property
    def outcome(self) -> str:
        """The label of metrics: codes come from other people's servers, so there may be any number of them."""
        return "unreachable" if self.unreachable else "refused" if self.permanent else "passing"


class Refused(Exception):
    """The receiver did not take this message; it may take others."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


class Unreachable(ConnectionError):
    """There is no connection to the receiver, or it was lost. The message is a failure code."""
