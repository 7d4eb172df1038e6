"""Types of the fixtures that tests of all services share."""

from collections.abc import Awaitable, Callable
from typing import Any

DatabaseUrl = Callable[[str], Awaitable[str]]
Deliver = Callable[..., Awaitable[bool]]
Headers = Callable[..., dict[str, str]]
Outbox = Callable[[], Awaitable[list[dict[str, Any]]]]
TokenFor = Callable[..., str]
