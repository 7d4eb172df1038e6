"""Makes the engine of the session layer."""

from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def engine_to(url: str, *, connect: dict[str, Any], **options: Any) -> AsyncEngine:
    """asyncpg reads the address itself, so that `sslmode`, several hosts and socket paths mean the same here as in the
    autocommit pool. `connect` holds its other arguments."""

    async def connect_asyncpg() -> Any:
        return await asyncpg.connect(url, **connect)

    return create_async_engine("postgresql+asyncpg://", async_creator=connect_asyncpg, **options)
