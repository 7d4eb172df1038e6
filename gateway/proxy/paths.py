"""Which paths are accepted: only those that every reader understands in the same way."""

import re

MAX_TARGET_BYTES = 8_192
PLAIN = re.compile(rb"/[A-Za-z0-9\-._~/]*")
ALLOWED = re.compile(rb"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
ENCODED_SEPARATOR = re.compile(rb"%(?:2[eEfF5]|5[cC]|[01][0-9A-Fa-f]|7[fF])")
DOT_SEGMENT = re.compile(rb"/\.{1,2}(?:/|$|;)")


def is_plain(raw_path: bytes) -> bool:
    """Whether it has no empty or dot segment and no encoded separator, dot, percent sign or control character."""
    if b"//" in raw_path or DOT_SEGMENT.search(raw_path):
        return False
    if PLAIN.fullmatch(raw_path):
        return True
    return ALLOWED.fullmatch(raw_path) is not None and ENCODED_SEPARATOR.search(raw_path) is None
