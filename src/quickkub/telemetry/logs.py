"""Log lines: JSON with ECS field names, only fields that are known, everything redacted, one line each.

`get_logger("payments").info("callback kept", provider="scb", reference="QK…")`. A field that is not in FIELDS
is not written; its name is, under `labels.left_out`, so that it can be added here after a look at what it
holds.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, BinaryIO, Final, TypeAlias

import msgspec
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from quickkub.telemetry.redaction import redact, redact_value

Log: TypeAlias = FilteringBoundLogger

FIELDS: Final = {
    "account": "quickkub.account.id",
    "address": "server.address",
    "amount": "quickkub.amount",
    "api_version": "quickkub.api_version",
    "attempt": "quickkub.attempt.id",
    "callback": "quickkub.callback.id",
    "case": "quickkub.case.id",
    "client_ip": "client.ip",
    "code": "error.code",
    "count": "quickkub.count",
    "currency": "quickkub.currency",
    "delivery": "quickkub.delivery",
    "digest": "quickkub.digest",
    "duration_ns": "event.duration",
    "endpoint": "quickkub.webhook_endpoint.id",
    "event_id": "quickkub.event.id",
    "event_type": "quickkub.event.type",
    "exit_status": "process.exit_code",
    "host": "server.address",
    "job": "quickkub.job",
    "journal": "quickkub.journal.id",
    "key": "quickkub.key.id",
    "kind": "quickkub.kind",
    "library": "log.logger",
    "limit": "quickkub.limit",
    "merchant": "organization.id",
    "method": "http.request.method",
    "mode": "quickkub.mode",
    "outcome": "event.outcome",
    "payment": "quickkub.payment.id",
    "pid": "process.pid",
    "port": "server.port",
    "provider": "quickkub.provider",
    "reason": "event.reason",
    "reference": "quickkub.reference",
    "request_id": "http.request.id",
    "room": "log.logger",
    "route": "http.route",
    "seconds": "quickkub.seconds",
    "signal": "quickkub.signal",
    "size_bytes": "quickkub.size_bytes",
    "state": "quickkub.state",
    "status": "http.response.status_code",
    "table": "quickkub.table",
    "tries": "quickkub.tries",
    "url_host": "url.domain",
    "version": "service.version",
    "worker": "quickkub.worker",
}
"""What may be written, and under which name. Never add a field that can hold a body, a header or a secret."""


def get_logger(room: str) -> Log:
    """A logger of a room. Works before `configure_logging`, then with structlog's own defaults."""
    logger: Log = structlog.get_logger(room=room)
    return logger


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """Say these fields with every line logged inside the block, in this task and those started from it."""
    with structlog.contextvars.bound_contextvars(**fields):
        yield


def configure_logging(stream: BinaryIO | None = None, *, level: str = "INFO") -> None:
    """Send all logging of this process, libraries included, as JSON lines to `stream` (standard output)."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _written],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(stream or sys.stdout.buffer),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_FromLibraries()]
    root.setLevel(max(number, logging.INFO))


class _FromLibraries(logging.Handler):
    """Takes what libraries say through the standard logging module into the same lines."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(library=record.name)
        error = record.exc_info[1] if record.exc_info else None
        logger.log(max(record.levelno, logging.DEBUG), record.getMessage(), exc_info=error)


def _written(_: WrappedLogger, level: str, fields: EventDict) -> bytes:
    line: dict[str, Any] = {
        "@timestamp": structlog.processors.TimeStamper(fmt="iso", utc=True, key="t")(None, "", {})["t"],
        "log.level": level,
        "message": redact(str(fields.pop("event", ""))),
        "ecs.version": "8.11",
        "service.name": "quickkub",
    }
    error = _error_in(fields.pop("exc_info", None))
    left_out = []
    for name, value in fields.items():
        if name not in FIELDS:
            left_out.append(name)
        elif value is not None:
            line[FIELDS[name]] = redact_value(value)
    if error is not None:
        line |= _told(error)
    if left_out:
        line["labels.left_out"] = sorted(left_out)
    return msgspec.json.encode(line)


def _error_in(said: Any) -> BaseException | None:
    match said:
        case BaseException():
            return said
        case (_, BaseException() as error, TracebackType() | None):
            return error
        case None | False:
            return None
        case _:
            return sys.exc_info()[1]


def _told(error: BaseException) -> dict[str, Any]:
    """Type, message and stack. The stack is source lines only: local variables hold credentials."""
    return {
        "error.type": type(error).__qualname__,
        "error.message": redact(str(error)),
        "error.stack_trace": redact("".join(traceback.format_exception(error))),
    }
