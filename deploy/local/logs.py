"""`make logs`: the last lines of the log files of `make up`, and what is added to them, until Ctrl-C."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from cli.local_state import LOCAL
from deploy.local.logfiles import end_of

FOLDER = LOCAL / "log"
LAST_LINES = 20
POLL_SECONDS = 0.3


class Follower:
    """Gives the complete lines that were added to a file since the last time."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._at = log.stat().st_size
        self._inode = log.stat().st_ino
        self._rest = ""

    def added(self) -> list[str]:
        try:
            state = self.log.stat()
        except FileNotFoundError:
            return []
        if state.st_ino != self._inode or state.st_size < self._at:  # begun anew, or cut
            self._at, self._inode, self._rest = 0, state.st_ino, ""
        with self.log.open(errors="replace", newline="") as file:
            file.seek(self._at)
            text = self._rest + file.read()
            self._at = file.tell()
        *lines, self._rest = text.split("\n")
        return lines


def follow(logs: Sequence[Path], polls: int | None = None) -> Iterator[str]:
    """Lines with the name of their file before them; without end where `polls` is None."""
    width = max(len(log.stem) for log in logs)
    followers = [Follower(log) for log in logs]
    for log in logs:
        yield from (f"{log.stem:{width}} | {line}" for line in end_of(log, LAST_LINES))
    while polls is None or polls > 0:
        for follower in followers:
            yield from (f"{follower.log.stem:{width}} | {line}" for line in follower.added())
        polls = None if polls is None else polls - 1
        time.sleep(POLL_SECONDS)


def chosen(folder: Path, names: Sequence[str]) -> list[Path]:
    """The files of these names, or all. Ends the process with one line where one is missing."""
    there = sorted(folder.glob("*.log"))
    if not there:
        sys.exit(f"There are no log files in {folder}: start everything with `make up`.")
    if unknown := sorted(set(names) - {log.stem for log in there}):
        known = ", ".join(log.stem for log in there)
        sys.exit(f"There is no log of {', '.join(unknown)}. There are: {known}.")
    return [log for log in there if not names or log.stem in names]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="of processes: booking gateway; all if none is named")
    try:
        for line in follow(chosen(FOLDER, parser.parse_args().names)):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        return


if __name__ == "__main__":
    main()
