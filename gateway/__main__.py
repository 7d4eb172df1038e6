"""`python -m gateway`: starts the gateway with its server options."""

import argparse
import resource
from typing import Any

import uvicorn

from gateway.protocols import HttpProtocol, WebSocketProtocol
from gateway.settings import GatewaySettings
from shared.settings import load

OPTIONS: dict[str, Any] = {
    "http": HttpProtocol,
    "loop": "uvloop",
    "ws": WebSocketProtocol,
    "ws_max_size": 65_536,  # bytes of one message; realtime/sockets.py has a lower limit
    "ws_ping_interval": 20.0,  # seconds
    "ws_ping_timeout": 20.0,  # seconds; then the socket is closed
    "ws_per_message_deflate": False,  # it takes about 30 KB a connection, for messages of 300 bytes
    "access_log": False,
    "server_header": False,
    "timeout_keep_alive": 75,  # seconds; the edge keeps idle connections for less: none may close under a call
    "timeout_graceful_shutdown": 20,  # seconds; only exports take longer
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gateway", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    settings = load(GatewaySettings)
    _, maximum = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (maximum, maximum))  # each connection is an open file
    uvicorn.run(
        "gateway.main:create",
        factory=True,
        host=arguments.host,
        port=arguments.port,
        limit_concurrency=settings.connections_at_most,
        proxy_headers=False,  # the gateway does it: TRUSTED_PROXIES
        **OPTIONS,
    )


if __name__ == "__main__":
    main()
