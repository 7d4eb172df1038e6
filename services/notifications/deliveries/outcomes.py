"""What may come of an attempt to deliver."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """Why a message was not taken, as a code. `unreachable` says nothing about the message itself."""

    code: str
    permanent: bool = False
    unreachable: bool = False

    @property
    def outcome(self) -> str:
        """For metrics: codes come from other people's servers, and there may be any number of them."""
        return "unreachable" if self.unreachable else "refused" if self.permanent else "passing"


class Refused(Exception):
    """This message was not taken; others may be."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


class Unreachable(ConnectionError):
    """No conversation with the other side, or it broke off. The message is a code."""
