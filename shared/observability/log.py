"""JSON logs on standard output, one object a line, with the request id and trace id of their cause.

Personal data and secrets stay out of the logs: values of fields with certain names are hidden, an error is logged as
its class and its place without its message, and text that looks like a token or a mail address is removed.
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
LONGEST_WORD = 12  # secrets are longer
MAIL = re.compile(r"[^\s\"'<>()=,;:\\@]+@[^\s\"'<>()=,;:\\@]+\.[^\s\"'<>()=,;:\\@.]+")
SECRET = re.compile(
    r"eyJ[\w-]{8,}(?:\.[\w-]*){1,4}"  # JSON web tokens
    r"|(?<=://)[^\s/\"@]+:[^\s/\"@]+(?=@)"  # user and password in an address
    r"|(?P<name>(?i:bearer |(?:token|ticket|password|secret|authorization)['\"]?\s*[:=]\s*['\"]?(?:bearer )?))"
    r"[^\s\"'&\\*]+"
)
REPLACEMENT = r"\g<name>***"
TRUSTED = frozenset({"timestamp", "level", "logger", "service", "environment", "request_id", "trace_id"})
LOST = Counter("log_lines_lost_total", "Log lines that could not be written, because of a full disk or a closed pipe")


def _add_context(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = current()
    if context.request_id:
        entry.setdefault("request_id", context.request_id)
    if context.traceparent:
        entry.setdefault("trace_id", context.traceparent[3:35])
    return entry


def _replace_errors(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replaces an error by its class and its traceback, without the message."""
    exc_info = entry.pop("exc_info", None)
    error = exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1] if exc_info is True else exc_info
    if entry.get("logger") == "asyncio":
        entry["event"] = str(entry.get("event", "")).partition("\n")[0]  # the next lines show the error's message
    if isinstance(error, BaseException):
        entry["error"] = " <- ".join(type(cause).__name__ for cause in _chain(error))
        entry["trace"] = frames(error)
    return entry


def _chain(error: BaseException) -> list[BaseException]:
    """The error and its causes."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    return chain


def frames(error: BaseException) -> str:
    """The last calls of the traceback, without the message, which may hold personal data."""
    return "".join(traceback.format_tb(error.__traceback__, -FRAMES))


def _remove_secrets(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value if key in TRUSTED else "***" if key in HIDDEN else _clean(value) for key, value in entry.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        if "@" in value:
            return MAIL.sub("***", SECRET.sub(REPLACEMENT, value))
        return SECRET.sub(REPLACEMENT, value) if len(value) > LONGEST_WORD else value
    if isinstance(value, (bool, int, float, type(None))):
        return value
    if isinstance(value, dict):
        return {key: "***" if key in HIDDEN else _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(item) for item in value]
    return _clean(str(value))


def _render(entry: Any, **_: Any) -> str:
    try:
        return orjson.dumps(entry, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a number of more than 64 bits or a lone surrogate
        return json.dumps(entry, default=str)


class Lines(logging.StreamHandler[Any]):
    """Counts lines that cannot be written, so that no call fails because of logging."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        LOST.inc()


def configure(service: str, level: str, environment: str = "development") -> None:
    """Sends the records of structlog and of the standard library through the same JSON renderer."""

    def add_service(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"service": service, "environment": environment, **entry}

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    processors: list[structlog.typing.Processor] = [
        add_service,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        _add_context,
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
                _replace_errors,
                structlog.processors.EventRenamer("message"),
                _remove_secrets,
                structlog.processors.JSONRenderer(_render),
            ],
        )
    )
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # not used
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for quiet in ("uvicorn.access", "aio_pika", "httpx", "httpcore"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    logging.getLogger("aiormq.connection").setLevel(logging.CRITICAL)  # supervise() reports failed connections
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True


def logger(name: str) -> structlog.stdlib.BoundLogger:
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound
