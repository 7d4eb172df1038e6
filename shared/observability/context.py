"""The context of a request or message: bound once, read by logs, events and database claims."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Context:
    request_id: str | None = None
    actor_id: str | None = None
    actor_role: str | None = None
    traceparent: str | None = None


_current: ContextVar[Context] = ContextVar("context", default=Context())  # noqa: B039 - a frozen dataclass does not change


def current() -> Context:
    return _current.get()


@contextmanager
def bind(**values: str | None) -> Iterator[None]:
    """Sets values for the block; the other values stay as they are."""
    token = _current.set(replace(_current.get(), **values))
    try:
        yield
    finally:
        _current.reset(token)


def begin(request_id: str, traceparent: str | None) -> None:
    """Sets the context of a task that serves a single request: nothing has to be restored afterwards."""
    _current.set(Context(request_id=request_id, traceparent=traceparent))


def act_as(actor_id: str | None, actor_role: str | None) -> None:
    """Sets the actor for the rest of this request's task."""
    _current.set(replace(_current.get(), actor_id=actor_id, actor_role=actor_role))
