"""What a provider of SMS is, and what its refusals mean."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import httpx

from services.notifications.deliveries.outcomes import Failure, Refused, Unreachable


@dataclass(frozen=True)
class Text:
    number: str  # +4520123456
    sender: str
    words: str
    reference: str  # the same at each attempt
    first_attempt_at: datetime | None = (
        None  # since when an earlier attempt may have been taken; None: this is the first
    )


class Provider(Protocol):
    async def send(self, client: httpx.AsyncClient, text: Text) -> str:
        """Returns the provider's id of the message. Raises Refused, Unreachable."""


async def answer(client: httpx.AsyncClient, request: httpx.Request, auth: httpx.Auth | None = None) -> httpx.Response:
    """Whatever the provider answers. Raises Unreachable when there is no answer."""
    try:
        return await client.send(request, auth=auth)
    except httpx.HTTPError as error:
        raise Unreachable("sms_unreachable") from error


def passing(status: int) -> bool:
    return status in {408, 429} or status >= 500


def refuse(status: int, *, permanent: bool) -> Refused:
    """`permanent` is what the provider means; an answer it could not help passes in any case."""
    return Refused(Failure(f"sms_{status}", permanent=permanent and not passing(status)))


def json_of(response: httpx.Response) -> dict[str, Any]:
    """The answer's object, or an empty one: providers' proxies answer in HTML at times."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
