"""Twilio's Messages resource. Its error codes may change, so only the HTTP status counts.

Twilio takes no reference of ours. So before another attempt, the messages to the number are searched: one with the
same text, created since the first attempt, is that attempt.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

from services.notifications.sms.provider import Sms, call, json_object, refusal

BASE_URL = "https://api.twilio.com"
PERMANENT_STATUSES = frozenset({400})  # such as an invalid number; 401 and 403 are about the account
SEARCHED = 50  # the newest messages to a number
CLOCK_DIFFERENCE = timedelta(minutes=2)
NOT_SENT = {"failed", "undelivered", "canceled"}


@dataclass(frozen=True)
class Twilio:
    account: str
    secret: str = field(repr=False)
    base_url: str | None = None

    @classmethod
    def from_key(cls, key: str, base_url: str | None) -> Self:
        """`key` is <account SID>:<auth token>."""
        account, _, secret = key.partition(":")
        return cls(account, secret, base_url)

    async def send(self, client: httpx.AsyncClient, sms: Sms) -> str:
        if sms.first_attempt_at is not None:
            earlier = await self._find(client, sms, sms.first_attempt_at - CLOCK_DIFFERENCE)
            if earlier is not None:
                return earlier
        form = {"To": sms.number, "From": sms.sender, "Body": sms.text}
        message = await self._call(client, client.build_request("POST", self._url, data=form), PERMANENT_STATUSES)
        return str(message.get("sid", ""))

    async def _find(self, client: httpx.AsyncClient, sms: Sms, since: datetime) -> str | None:
        """The id of the message that an earlier attempt created. Raises Refused, Unreachable."""
        query = {"To": sms.number, "PageSize": str(SEARCHED)}
        answer = await self._call(client, client.build_request("GET", self._url, params=query))
        ids = (str(message.get("sid", "")) for message in answer.get("messages", ()) if _is_same(message, sms, since))
        return next(ids, None)

    async def _call(
        self, client: httpx.AsyncClient, request: httpx.Request, permanent: frozenset[int] = frozenset()
    ) -> dict[str, Any]:
        response = await call(client, request, httpx.BasicAuth(self.account, self.secret))
        if not response.is_success:
            raise refusal(response.status_code, permanent=response.status_code in permanent)
        return json_object(response)

    @property
    def _url(self) -> str:
        return f"{(self.base_url or BASE_URL).rstrip('/')}/2010-04-01/Accounts/{self.account}/Messages.json"


def _is_same(message: dict[str, Any], sms: Sms, since: datetime) -> bool:
    if message.get("body") != sms.text or message.get("status") in NOT_SENT:
        return False
    try:
        return parsedate_to_datetime(str(message.get("date_created"))) >= since
    except (TypeError, ValueError):  # an unreadable date: better not sent than sent twice
        return True
