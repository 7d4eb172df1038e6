"""Reads busy times from a calendar that a stranger wrote. ics_sandbox.py runs it as a process with limits.

Reads iCalendar from standard input and writes {"busy": [[start, end], ...], "by_id": {UUID: [[start, end], ...]},
"counts": {problem: count}} in epoch seconds, or {"problem": code}. Of the calendar's texts, the output holds only the
UUIDs of UIDs: no title, place or name.
"""

import json
import resource
import sys
from datetime import UTC, datetime
from typing import Any

CPU_SECONDS = 5
MEMORY_BYTES = 512 * 1024 * 1024
MAX_BYTES = 5 * 1_048_576


def result_of(start: datetime, end: datetime) -> dict[str, Any]:
    # imported after the limits are set
    from services.calendar.ics.problems import TOO_LARGE, Refused
    from services.calendar.ics.reader import read_calendar

    try:
        reading = read_calendar(sys.stdin.buffer, start, end)
    except Refused as refused:
        return {"problem": str(refused)}
    except (MemoryError, RecursionError):
        return {"problem": TOO_LARGE}
    by_id = {str(id_): _seconds(times) for id_, times in reading.by_id.items()}
    return {"busy": _seconds(reading.busy), "by_id": by_id, "counts": reading.counts}


def _seconds(times: list[tuple[datetime, datetime]]) -> list[list[int]]:
    return [[int(start.timestamp()), int(end.timestamp())] for start, end in times]


def main() -> None:
    cpu_seconds = int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    start, end = (datetime.fromtimestamp(int(argument), UTC) for argument in sys.argv[1:3])
    sys.stdout.write(json.dumps(result_of(start, end)))


if __name__ == "__main__":
    main()
