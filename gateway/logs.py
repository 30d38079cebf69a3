"""Logs: one JSON object per line on standard error, from structlog and from the standard library's loggers alike."""

import logging
import sys
import threading
from types import TracebackType

import structlog

from countermark.gateway.tracebacks import places


def configure(process: str) -> None:
    """Send everything to standard error as JSON; ``process`` says which process of the platform it is."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _names(process),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_text,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = _last_words
    threading.excepthook = lambda died: _last_words(died.exc_type, died.exc_value, died.exc_traceback)
    # These tell of every connection or migration at the level of information.
    for noisy in ("alembic", "sqlalchemy", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _last_words(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """Log what ends a thread, or the process, as all else: Python itself would print it with its text."""
    if not issubclass(kind, KeyboardInterrupt | SystemExit):
        known = True if error is None else (kind, error, trace)
        logging.getLogger(__name__).critical("%s ends", threading.current_thread().name, exc_info=known)


def _without_text(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Say of an exception what it is and where it was raised: its text may quote a request, a row or a key."""
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(error, BaseException):
        event.update(error=type(error).__name__, at=places(error))
    return event


def _names(process: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["process"] = process
        return event

    return add
