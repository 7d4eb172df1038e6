"""JSON logs on standard output, one object a line, with the request id and trace id of whatever caused them.

What people entrust us with stays out of them: words under telling names are hidden, an error is its class and its
place and never its message, which may quote what somebody sent, and whatever else looks like a token or a mail address
is struck out.
"""

import io
import json
import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog
from prometheus_client import Counter

from shared.observability.context import current

HIDDEN = frozenset({"password", "token", "access_token", "refresh_token", "ticket", "authorization", "cookie"})
HIDDEN |= {"secret", "email", "phone", "code"}
FRAMES = 12
LONGEST_WORD = 12  # no secret is shorter
MAIL = re.compile(r"[^\s\"'<>()=,;:\\@]+@[^\s\"'<>()=,;:\\@]+\.[^\s\"'<>()=,;:\\@.]+")
SECRET = re.compile(
    r"eyJ[\w-]{8,}(?:\.[\w-]*){1,4}"  # JSON web tokens
    r"|(?<=://)[^\s/\"@]+:[^\s/\"@]+(?=@)"  # user and password in an address
    r"|(?P<name>(?i:bearer |(?:token|ticket|password|secret|authorization)['\"]?\s*[:=]\s*['\"]?(?:bearer )?))"
    r"[^\s\"'&\\*]+"
)
STRUCK = r"\g<name>***"
OURS = frozenset({"time", "level", "logger", "service", "request_id", "trace_id"})
LOST = Counter("log_lines_lost_total", "Log lines that could not be written: a full disk, a closed pipe")


def _add_context(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = current()
    if context.request_id:
        entry.setdefault("request_id", context.request_id)
    if context.traceparent:
        entry.setdefault("trace_id", context.traceparent[3:35])
    return entry


def _hide_secrets(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in HIDDEN & entry.keys():
        entry[key] = "***"
    return entry


def _place_errors(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The class of an error and where it came from, in the place of its message."""
    given = entry.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else sys.exc_info()[1] if given is True else given
    if entry.get("logger") == "asyncio":
        entry["event"] = str(entry.get("event", "")).partition("\n")[0]  # what follows shows the error's message
    if isinstance(error, BaseException):
        entry["error"] = " <- ".join(type(one).__name__ for one in _chain(error))
        entry["trace"] = frames(error)
    return entry


def _chain(error: BaseException) -> list[BaseException]:
    """The error, what caused it, what caused that ..."""
    found = [error]
    while (cause := found[-1].__cause__ or found[-1].__context__) is not None and cause not in found:
        found.append(cause)
    return found


def frames(error: BaseException) -> str:
    """Where an error came from: the last calls without the message, which may hold somebody's data."""
    return "".join(traceback.format_tb(error.__traceback__, -FRAMES))


def _strike_out(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value if key in OURS else _struck(value) for key, value in entry.items()}


def _struck(value: Any) -> Any:
    if isinstance(value, str):
        if "@" in value:
            return MAIL.sub("***", SECRET.sub(STRUCK, value))
        return SECRET.sub(STRUCK, value) if len(value) > LONGEST_WORD else value
    if isinstance(value, (bool, int, float, type(None))):
        return value
    if isinstance(value, dict):
        return {key: "***" if key in HIDDEN else _struck(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_struck(one) for one in value]
    return _struck(str(value))


def _rendered(entry: Any, **_: Any) -> str:
    try:
        return orjson.dumps(entry, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a number of more than 64 bits, half a surrogate pair
        return json.dumps(entry, default=str)


class Lines(logging.StreamHandler[Any]):
    """A line that cannot be written is counted and forgotten: nobody's call fails for it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        LOST.inc()


def configure(service: str, level: str) -> None:
    """Send structlog's and the standard library's records through the same JSON renderer."""

    def add_service(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"service": service, **entry}

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    processors: list[structlog.typing.Processor] = [
        add_service,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _add_context,
        _hide_secrets,
    ]
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = Lines(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=processors,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _place_errors,
                structlog.processors.EventRenamer("message"),
                _strike_out,
                structlog.processors.JSONRenderer(_rendered),
            ],
        )
    )
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # nobody reads them
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for quiet in ("uvicorn.access", "aio_pika", "httpx", "httpcore"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    logging.getLogger("aiormq.connection").setLevel(logging.CRITICAL)  # a failed reconnect is reported by supervise()
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True


def logger(name: str) -> structlog.stdlib.BoundLogger:
    found: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return found
