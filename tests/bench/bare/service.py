"""What every service weighs before it does anything: FastAPI, SQLAlchemy with asyncpg, aio-pika, each connected."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as database:
        await database.execute(text("SELECT 1"))
    broker = await aio_pika.connect(os.environ["AMQP_URL"])
    await broker.channel()
    yield
    await broker.close()
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def root() -> dict[str, str]:
    return {"status": "alive"}
