"""Who listens on a port of this machine."""

import psutil


def listener(port: int) -> psutil.Process | None:
    """The process, where this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and address and address.port == port and connection.pid:
                return psutil.Process(connection.pid)
    except psutil.Error:
        return None
    return None


def taken_by(port: int) -> str:
    """` by NAME (process ID)`, or nothing where that cannot be told."""
    process = listener(port)
    try:
        return "" if process is None else f" by {process.name()} (process {process.pid})"
    except psutil.Error:
        return ""
