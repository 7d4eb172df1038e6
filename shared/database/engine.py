"""How the session layer's connections are made."""

from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def engine_to(url: str, *, connect: dict[str, Any], **options: Any) -> AsyncEngine:
    """The driver reads the address itself, as it does where it is used alone: `sslmode`, several hosts, a socket's path
    mean the same everywhere. `connect` is what it is told beside the address."""

    async def connected() -> Any:
        return await asyncpg.connect(url, **connect)

    return create_async_engine("postgresql+asyncpg://", async_creator=connected, **options)
