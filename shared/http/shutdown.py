"""Work to do between SIGTERM and the end of the server."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def before_shutdown(work: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """On SIGTERM runs `work`, and then the server's own handler; a second SIGTERM calls that handler at once.

    uvicorn closes all WebSockets as soon as it handles SIGTERM, before the application is told.
    """
    server = signal.getsignal(signal.SIGTERM) if threading.current_thread() is threading.main_thread() else None
    if not callable(server):
        yield
        return
    loop = asyncio.get_running_loop()
    started: list[asyncio.Task[None]] = []

    async def shut_down() -> None:
        try:
            await work()
        finally:
            server(signal.SIGTERM, None)

    def handle(number: int, frame: FrameType | None) -> None:
        if started:
            server(number, frame)
        else:
            loop.call_soon_threadsafe(lambda: started.append(loop.create_task(shut_down())))

    signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, server)
        for task in started:
            task.cancel()
