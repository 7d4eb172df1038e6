"""The ways to a person, a folder each. A folder whose channel.py declares a CHANNEL is found by itself."""

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
from services.notifications.rendering.texts import Names

if TYPE_CHECKING:  # the settings read an address with a channel's help
    from services.notifications.settings import NotificationsSettings

Delivery = Mapping[str, Any]


class Connection(Protocol):
    """An open way to the other side."""

    async def send(self, delivery: Delivery, names: Names) -> str:
        """Returns the message's id at the other side. Raises Refused, or Unreachable if the connection is lost."""


class Transport(Protocol):
    def connected(self) -> AbstractAsyncContextManager[Connection]:
        """Raises Unreachable."""


@dataclass(frozen=True)
class Channel:
    """`tell` runs in the transaction that decides what is told: it writes, and sends nothing.

    A channel outside the app stores deliveries, which its transport sends later.
    """

    name: str
    tell: Callable[[AsyncSession, Sequence[Message]], Awaitable[None]]
    outside: bool = False
    default: bool = True  # used unless a person says otherwise; else only where a person asks for it
    address: str = "email"  # what of a contact a delivery needs
    transport: Callable[["NotificationsSettings"], Transport | None] = lambda _: None


@cache
def channels() -> Mapping[str, Channel]:
    """By name, those in the app before the others."""
    folders = {path.parent.name for root in package.__path__ for path in Path(root).glob("*/channel.py")}
    modules = [importlib.import_module(f"{package.__name__}.{folder}.channel") for folder in folders]
    every: list[Channel] = [module.CHANNEL for module in modules]
    return {channel.name: channel for channel in sorted(every, key=lambda one: (one.outside, one.name))}
