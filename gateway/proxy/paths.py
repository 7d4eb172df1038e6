"""Paths that mean the same to everyone who reads them; all others are refused before routing."""

import re

MAX_TARGET_BYTES = 8_192
PLAIN = re.compile(rb"/[A-Za-z0-9\-._~/]*")
ALLOWED = re.compile(rb"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
HIDDEN = re.compile(rb"%(?:2[eEfF5]|5[cC]|[01][0-9A-Fa-f]|7[fF])")
DOTS = re.compile(rb"/\.{1,2}(?:/|$|;)")


def is_plain(raw_path: bytes) -> bool:
    """No empty or dot segment, nothing encoded that would be a separator, a dot, a percent sign or a control."""
    if b"//" in raw_path or DOTS.search(raw_path):
        return False
    if PLAIN.fullmatch(raw_path):
        return True
    return ALLOWED.fullmatch(raw_path) is not None and HIDDEN.search(raw_path) is None
