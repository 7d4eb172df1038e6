"""Twilio's Messages resource. Its error codes are said to change, so only the status counts.

It takes no reference of ours, so before another attempt the messages to the number are looked through: one with the
same words, taken since the first attempt, is that attempt.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

from services.notifications.sms.provider import Text, answer, json_of, refuse

ADDRESS = "https://api.twilio.com"
MEANS_THIS_MESSAGE = frozenset({400})  # such as a number that is none; 401 and 403 mean the account
LOOKED_THROUGH = 50  # the newest messages to a number
CLOCKS_DIFFER = timedelta(minutes=2)
NEVER_LEFT = {"failed", "undelivered", "canceled"}


@dataclass(frozen=True)
class Twilio:
    account: str
    secret: str = field(repr=False)
    address: str | None = None

    @classmethod
    def from_key(cls, key: str, address: str | None) -> Self:
        """`key` is <account SID>:<auth token>."""
        account, _, secret = key.partition(":")
        return cls(account, secret, address)

    async def send(self, client: httpx.AsyncClient, text: Text) -> str:
        if text.first_attempt_at is not None:
            taken = await self._taken(client, text, text.first_attempt_at - CLOCKS_DIFFER)
            if taken is not None:
                return taken
        form = {"To": text.number, "From": text.sender, "Body": text.words}
        sent = await self._ask(client, client.build_request("POST", self._messages, data=form), MEANS_THIS_MESSAGE)
        return str(sent.get("sid", ""))

    async def _taken(self, client: httpx.AsyncClient, text: Text, since: datetime) -> str | None:
        """The id of the message that an earlier attempt has become. Raises Refused and Unreachable."""
        query = {"To": text.number, "PageSize": str(LOOKED_THROUGH)}
        listed = await self._ask(client, client.build_request("GET", self._messages, params=query))
        found = (str(one.get("sid", "")) for one in listed.get("messages", ()) if _is(one, text, since))
        return next(found, None)

    async def _ask(
        self, client: httpx.AsyncClient, request: httpx.Request, permanent: frozenset[int] = frozenset()
    ) -> dict[str, Any]:
        response = await answer(client, request, httpx.BasicAuth(self.account, self.secret))
        if not response.is_success:
            raise refuse(response.status_code, permanent=response.status_code in permanent)
        return json_of(response)

    @property
    def _messages(self) -> str:
        return f"{(self.address or ADDRESS).rstrip('/')}/2010-04-01/Accounts/{self.account}/Messages.json"


def _is(message: dict[str, Any], text: Text, since: datetime) -> bool:
    if message.get("body") != text.words or message.get("status") in NEVER_LEFT:
        return False
    try:
        return parsedate_to_datetime(str(message.get("date_created"))) >= since
    except (TypeError, ValueError):  # a date nobody understands: rather not twice
        return True
