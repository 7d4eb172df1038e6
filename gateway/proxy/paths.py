"""Which targets and hosts are accepted: only those that every reader understands in the same way."""

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote

from starlette.types import Scope

MAX_TARGET_BYTES = 8_192
MAX_HOST_BYTES = 259  # 253 of a name (RFC 1035, 2.3.4), and a port
PLAIN = re.compile(rb"/[A-Za-z0-9\-._~/]*")
ALLOWED = re.compile(rb"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
ENCODED_SEPARATOR = re.compile(rb"%(?:2[eEfF5]|5[cC]|[01][0-9A-Fa-f]|7[fF])")
DOT_SEGMENT = re.compile(rb"/\.{1,2}(?:/|$|;)")
# A name, an IPv4 address or an IPv6 address in brackets, and a port (RFC 3986, 3.2.2; RFC 9110, 7.2).
HOST = re.compile(rb"(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")


def is_host_valid(hosts: Sequence[bytes], version: str) -> bool:
    """Whether there is one readable Host header; in HTTP/1.0 there may be none (RFC 9112, 3.2)."""
    if not hosts:
        return version == "1.0"
    return len(hosts) == 1 and len(hosts[0]) <= MAX_HOST_BYTES and _is_host(hosts[0])


@lru_cache(1_000)
def _is_host(host: bytes) -> bool:
    return HOST.fullmatch(host) is not None


def to_origin_form(scope: Scope) -> None:
    """Leaves of a target in absolute form (`http://host/path`; RFC 9112, 3.2.2) the path. uvicorn does it for calls,
    not for WebSockets."""
    raw_path: bytes = scope["raw_path"]
    if raw_path[:1] != b"/" and b"://" in raw_path:
        _, slash, path = raw_path.partition(b"://")[2].partition(b"/")
        scope["raw_path"] = slash + path or b"/"
        scope["path"] = unquote(scope["raw_path"].decode("latin-1"))


def is_plain(raw_path: bytes) -> bool:
    """Whether it has no empty or dot segment and no encoded separator, dot, percent sign or control character."""
    if b"//" in raw_path or DOT_SEGMENT.search(raw_path):
        return False
    if PLAIN.fullmatch(raw_path):
        return True
    return ALLOWED.fullmatch(raw_path) is not None and ENCODED_SEPARATOR.search(raw_path) is None
