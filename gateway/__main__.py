"""`python -m gateway`: the gateway with the server options it is meant to run with."""

import argparse
import resource
from typing import Any

import uvicorn

from gateway.server import FrontDoor

OPTIONS: dict[str, Any] = {
    "http": FrontDoor,
    "loop": "uvloop",
    "ws": "websockets-sansio",
    "ws_max_size": 65_536,  # bytes of one message; the hub wants far less, and says so itself
    "ws_ping_interval": 20.0,  # seconds; who does not answer within as many again is dropped
    "ws_ping_timeout": 20.0,
    "ws_per_message_deflate": False,  # some 30 KB a connection, for messages of 300 bytes
    "access_log": False,
    "server_header": False,
    "timeout_graceful_shutdown": 20,  # seconds; no call takes longer but an export
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gateway", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection is an open file
    uvicorn.run(
        "gateway.main:create",
        factory=True,
        host=given.host,
        port=given.port,
        proxy_headers=False,  # whose word on addresses counts is TRUSTED_PROXIES' to say
        **OPTIONS,
    )


if __name__ == "__main__":
    main()
