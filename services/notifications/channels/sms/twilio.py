"""Twilio's Messages resource. Its error codes are said to change, so only the status counts."""

from dataclasses import dataclass, field
from typing import Self

import httpx

from services.notifications.channels.sms.provider import Text, answer, json_of, refuse

ADDRESS = "https://api.twilio.com"
MEANS_THIS_MESSAGE = {400}  # such as a number that is none; 401 and 403 mean the account


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
        url = f"{(self.address or ADDRESS).rstrip('/')}/2010-04-01/Accounts/{self.account}/Messages.json"
        form = {"To": text.number, "From": text.sender, "Body": text.words}
        request = client.build_request("POST", url, data=form)
        response = await answer(client, request, httpx.BasicAuth(self.account, self.secret))
        if not response.is_success:
            raise refuse(response.status_code, permanent=response.status_code in MEANS_THIS_MESSAGE)
        return str(json_of(response).get("sid", ""))
