"""GatewayAPI's Message API: POST /mobile/single with a token. Accounts on its European platform set SMS_URL."""

from dataclasses import dataclass, field

import httpx

from services.notifications.sms.provider import Sms, call, json_object, refusal

BASE_URL = "https://messaging.gatewayapi.com"
PERMANENT_STATUSES = {400, 404, 409, 413, 422}  # other statuses are about the token, the credit or the service


@dataclass(frozen=True)
class GatewayApi:
    token: str = field(repr=False)
    base_url: str | None = None

    async def send(self, client: httpx.AsyncClient, sms: Sms) -> str:
        request = client.build_request(
            "POST",
            f"{(self.base_url or BASE_URL).rstrip('/')}/mobile/single",
            headers={"Authorization": f"Token {self.token}"},
            json={
                "sender": sms.sender,
                "recipient": int(sms.number.removeprefix("+")),
                "message": sms.text,
                "reference": sms.reference,
            },
        )
        response = await call(client, request)
        if not response.is_success:
            raise refusal(response.status_code, permanent=response.status_code in PERMANENT_STATUSES)
        return str(json_object(response).get("msg_id", ""))
