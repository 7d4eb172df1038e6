"""GatewayAPI's Message API: POST /mobile/single with a token. Accounts on its European platform set SMS_URL."""

from dataclasses import dataclass, field

import httpx

from services.notifications.sms.provider import Text, answer, json_of, refuse

ADDRESS = "https://messaging.gatewayapi.com"
MEANS_THIS_MESSAGE = {400, 404, 409, 413, 422}  # others mean the token, the credit or the service


@dataclass(frozen=True)
class GatewayApi:
    token: str = field(repr=False)
    address: str | None = None

    async def send(self, client: httpx.AsyncClient, text: Text) -> str:
        request = client.build_request(
            "POST",
            f"{(self.address or ADDRESS).rstrip('/')}/mobile/single",
            headers={"Authorization": f"Token {self.token}"},
            json={
                "sender": text.sender,
                "recipient": int(text.number.removeprefix("+")),
                "message": text.words,
                "reference": text.reference,
            },
        )
        response = await answer(client, request)
        if not response.is_success:
            raise refuse(response.status_code, permanent=response.status_code in MEANS_THIS_MESSAGE)
        return str(json_of(response).get("msg_id", ""))
