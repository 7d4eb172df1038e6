"""What an SMS provider offers, and what its answers mean."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import httpx

from services.notifications.deliveries.failures import Failure, Refused, Unreachable


@dataclass(frozen=True)
class Sms:
    number: str  # E.164, such as +4520123456
    sender: str
    text: str
    reference: str  # the same at each attempt
    first_attempt_at: datetime | None = None  # None: this is the first attempt


class Provider(Protocol):
    async def send(self, client: httpx.AsyncClient, sms: Sms) -> str:
        """Returns the provider's id of the message. Raises Refused, Unreachable."""


async def call(client: httpx.AsyncClient, request: httpx.Request, auth: httpx.Auth | None = None) -> httpx.Response:
    """Raises Unreachable if the provider does not answer."""
    try:
        return await client.send(request, auth=auth)
    except httpx.HTTPError as error:
        raise Unreachable("sms_unreachable") from error


def refusal(status: int, *, permanent: bool) -> Refused:
    """`permanent` says what the status means; statuses of an overloaded or failing provider are never permanent."""
    temporary = status in {408, 429} or status >= 500
    return Refused(Failure(f"sms_{status}", permanent=permanent and not temporary))


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in the response; an empty one for anything else, such as the HTML of a proxy."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
