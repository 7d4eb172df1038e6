"""Realtime messages as the broker carries them to the gateway."""

from datetime import UTC, datetime

import orjson
from pamqp.commands import Basic

from shared.messaging.broker import TRANSIENT, Outgoing
from shared.messaging.events import Push
from shared.messaging.topology import REALTIME


def outgoing(push: Push, time: datetime) -> Outgoing:
    body = {
        "id": str(push.id),
        "audience": list(push.audience),
        "type": push.type,
        "time": time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": push.data,
    }
    properties = Basic.Properties(
        message_id=str(push.id), message_type=push.type, content_type="application/json", delivery_mode=TRANSIENT
    )
    return Outgoing(REALTIME, push.type, orjson.dumps(body, default=str), properties, mandatory=False)
