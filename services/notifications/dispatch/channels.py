"""The channels a message can take. A noun folder whose channel.py declares a CHANNEL is one."""

import importlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

import services.notifications as package
from services.notifications.dispatch.messages import Message
from services.notifications.names.service import Names

if TYPE_CHECKING:  # the settings validate an address with the help of a channel
    from services.notifications.settings import NotificationsSettings

Delivery = Mapping[str, Any]


class Connection(Protocol):
    """An open connection to the mail server or the SMS provider."""

    async def send(self, delivery: Delivery, names: Names) -> str:
        """Returns the receiver's id of the message. Raises Refused, or Unreachable if the connection is lost."""


class Transport(Protocol):
    def connect(self) -> AbstractAsyncContextManager[Connection]:
        """Raises Unreachable."""


@dataclass(frozen=True)
class Channel:
    """`store` runs in the transaction that handles the event: it writes, and sends nothing.

    An external channel stores deliveries; a sender sends them later through the channel's transport.
    """

    name: str
    store: Callable[[AsyncSession, Sequence[Message]], Awaitable[None]]
    external: bool = False  # outside the app: mail, SMS
    default: bool = True  # used unless the recipient switches it off; else only if the recipient switches it on
    address: str = "email"  # the column of `contacts` that a delivery needs
    transport: Callable[["NotificationsSettings"], Transport | None] = lambda _: None


@cache
def channels() -> Mapping[str, Channel]:
    """By name, those in the app first."""
    folders = {path.parent.name for root in package.__path__ for path in Path(root).glob("*/channel.py")}
    modules = [importlib.import_module(f"{package.__name__}.{folder}.channel") for folder in folders]
    every: list[Channel] = [module.CHANNEL for module in modules]
    return {channel.name: channel for channel in sorted(every, key=lambda channel: (channel.external, channel.name))}
