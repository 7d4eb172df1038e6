"""What is done between being told to end and ending."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def before_the_end(work: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """On SIGTERM `work` is done before the server's own handler hears of it; a second SIGTERM goes straight to that.

    uvicorn closes all WebSockets at once when it is told to end, before the application hears anything.
    """
    server = signal.getsignal(signal.SIGTERM) if threading.current_thread() is threading.main_thread() else None
    if not callable(server):
        yield
        return
    loop = asyncio.get_running_loop()
    begun: list[asyncio.Task[None]] = []

    async def end() -> None:
        try:
            await work()
        finally:
            server(signal.SIGTERM, None)

    def handle(number: int, frame: FrameType | None) -> None:
        if begun:
            server(number, frame)
        else:
            loop.call_soon_threadsafe(lambda: begun.append(loop.create_task(end())))

    signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, server)
        for task in begun:
            task.cancel()
