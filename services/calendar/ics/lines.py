"""Reads a stream as the lines of a calendar: line ends of every kind, folded or indented lines, byte order marks."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import BinaryIO

CHUNK_BYTES = 65_536
MARKS = b"\xef\xbb\xbf\xff\xfe"  # byte order marks of UTF-8 and UTF-16
LIST_GOES_ON = re.compile(rb"[\dTZPDHMSW,/+-]+")  # part of a list of times that was broken without folding


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Unfolded, and without line ends. UTF-16 becomes readable by leaving out every NUL."""
    lines = (line for line in _physical_lines(stream) if line.strip())
    return _unfold(_without_indent(lines))


def _physical_lines(stream: BinaryIO) -> Iterator[bytes]:
    rest, first = b"", True
    while chunk := stream.read(CHUNK_BYTES):
        chunk = chunk.replace(b"\0", b"")
        if first:
            chunk, first = chunk.lstrip(MARKS), False
        lines = (rest + chunk).splitlines(keepends=True)
        rest = lines.pop() if lines else b""  # goes on in the next chunk, or ends in half of CRLF
        for line in lines:
            yield line.rstrip(b"\r\n")
    yield rest.rstrip(b"\r\n")


def _without_indent(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Removes the white space before the first line from all lines, if the second line has it too."""
    head = list(islice(lines, 2))
    if not head:
        return
    indent = head[0][: len(head[0]) - len(head[0].lstrip())]
    head[0] = head[0].lstrip()
    if indent and head[1:] and head[1].startswith(indent):
        head[1] = head[1].removeprefix(indent)
        lines = (line.removeprefix(indent) for line in lines)
    yield from chain(head, lines)


def _unfold(lines: Iterable[bytes]) -> Iterator[bytes]:
    parts: list[bytes] = []
    for line in lines:
        if parts and line[:1] in b" \t":
            parts.append(line[1:])
        elif parts and LIST_GOES_ON.fullmatch(line):
            parts.append(line)
        else:
            if parts:
                yield b"".join(parts)
            parts = [line]
    if parts:
        yield b"".join(parts)
