"""What the operator's commands are given in tests."""

import re
from collections.abc import Mapping

from pamqp.commands import Basic

from shared.messaging import broker
from shared.messaging.broker import Outgoing

PASSWORD = "four-otters-in-the-belt-2031"
ADMIN = f"ida@salon.example\nIda Lindholm\n{PASSWORD}\n{PASSWORD}\n"  # what create-admin asks for
NOTED = re.compile(r"Note this in another place: (\S+)")


async def lay_aside(amqp_url: str, service: str, message_id: str, error: str = "RuntimeError: defect") -> None:
    """As a consumer does that gave up."""
    headers = {"x-attempts": 5, "x-error": error, "x-last-failed-at": "2026-03-02T11:00:00+00:00"}
    properties = Basic.Properties(
        message_id=message_id,
        message_type="thing.lost.v1",
        delivery_mode=2,
        headers=headers,  # type: ignore[arg-type]
    )
    async with broker.connection(amqp_url, "test") as connection:
        channel = await broker.wire(await connection.channel())
        await broker.publish_surely(channel, Outgoing("", f"{service}.dead", b'{"lost": true}', properties))


def filled_in(words: str, message_id: str, answers: Mapping[str, str]) -> str:
    """A command of the page with values in place of <...>: a message, and what `audit verify` has answered."""
    filled = words.replace("<id>", message_id)
    noted = NOTED.search(answers.get("audit verify", ""))
    return filled.replace("<last id>:<head>", noted[1]) if noted else filled
