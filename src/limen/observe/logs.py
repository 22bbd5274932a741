"""Loggers: one event, one line, nothing secret."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import functools
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TextIO, TypeAlias

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor
from typing_extensions import override

from limen.kernel.json_text import json_writer
from limen.observe.redact import clean_members
from limen.settings.sections import LogSettings

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_MAX_FRAMES: Final = 12
_ENCODE: Final = json_writer(ascii_only=False, allow_nan=True)


Sink: TypeAlias = Callable[[int, str], None]
"""Takes a level and a finished line."""


def _to_host(level: int, line: str) -> None:
    """Hand a line to the ``logging`` of whoever imported us; the default when embedded."""
    logging.getLogger("limen").log(level, "%s", line)


@dataclass(slots=True)
class _Setup:
    """What ``configure`` sets; loggers made before follow it."""

    sink: Sink = _to_host
    level: int = logging.INFO
    as_text: bool = False


_SETUP: Final = _Setup()


def configure(
    settings: LogSettings, *, stream: TextIO | None = None, libraries: bool = False
) -> None:
    """Write all events of this process to a stream.

    Args:
        settings: Threshold and form.
        stream: Standard output unless given.
        libraries: Whether the root logger of ``logging`` is taken over as well, so that
            uvicorn, asyncio and aiohttp come out as lines of the same form, redacted alike.
    """
    _SETUP.sink = _Lines(sys.stdout if stream is None else stream)
    _SETUP.level = _LEVELS[settings.level]
    _SETUP.as_text = settings.format == "text"
    if libraries:
        root = logging.getLogger()
        root.handlers[:] = [_FromLibraries()]
        root.setLevel(max(_SETUP.level, logging.WARNING))


class _Lines:
    """A stream of lines, flushed before the event loop waits again.

    One system call for all requests answered in one turn of the loop, not one for each; a
    warning goes out at once, it may be the last thing this process says.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lines: collections.deque[str] = collections.deque()
        # Of one thread several times: what dies while it writes may have a last word.
        self._one_at_a_time = threading.RLock()
        self._flushing: asyncio.AbstractEventLoop | None = None

    def __call__(self, level: int, line: str) -> None:
        self._lines.append(line)
        if level >= logging.WARNING or (loop := asyncio._get_running_loop()) is None:  # noqa: SLF001 -- the public one raises where there is none
            self._flush()
        elif self._flushing is not loop:  # one that ended before it came to it will not any more
            self._flushing = loop
            loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = None
        with self._one_at_a_time:
            if lines := self._taken():
                self._write("\n".join(lines) + "\n")
            self._out.flush()

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
        except UnicodeEncodeError:
            # One character that the terminal can't show must not cost the lines around it.
            encoding = self._out.encoding
            self._out.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def _taken(self) -> list[str]:
        """Take what waits, line by line: whatever else flushes meanwhile, each is taken once."""
        taken: list[str] = []
        with contextlib.suppress(IndexError):
            while True:
                taken.append(self._lines.popleft())
        return taken


class _Out:
    """What structlog calls with a finished line, by the name of its level."""

    def debug(self, line: str) -> None:
        _SETUP.sink(logging.DEBUG, line)

    def info(self, line: str) -> None:
        _SETUP.sink(logging.INFO, line)

    def warning(self, line: str) -> None:
        _SETUP.sink(logging.WARNING, line)

    def error(self, line: str) -> None:
        _SETUP.sink(logging.ERROR, line)

    def critical(self, line: str) -> None:
        _SETUP.sink(logging.CRITICAL, line)


def logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a capability; its events carry the name."""
    made: FilteringBoundLogger = structlog.wrap_logger(
        _Out(),
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        context_class=dict,
    ).bind(logger=name)
    return made


def write_plain(name: str, event: str, fields: Mapping[str, str | float]) -> None:
    """Write an ``info`` event whose fields are known to be harmless, at a fifth of the price.

    For the access line alone, which every request pays: redaction costs more than the rest of
    an empty request.
    """
    if _SETUP.level <= logging.INFO:
        line = _line({"at": _now(), "level": "info", "logger": name, "event": event, **fields})
        _SETUP.sink(logging.INFO, line)


def _threshold(_: Any, method: str, event: EventDict) -> EventDict:
    """Drop what is below the level that holds now, not the one when the logger was made."""
    if _LEVELS[method] < _SETUP.level:
        raise structlog.DropEvent
    return event


def _explain(_: Any, __: str, event: EventDict) -> EventDict:
    """Turn an exception into its kind and its frames: no source, no values, no locals."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()[1]
    elif isinstance(found, tuple):
        found = found[1]
    if isinstance(found, BaseException):
        event["error"] = _kind_of(found)
        frames = traceback.extract_tb(found.__traceback__)
        event["frames"] = [f"{f.filename}:{f.lineno} {f.name}" for f in frames[-_MAX_FRAMES:]]
        if (cause := found.__cause__ or found.__context__) is not None:
            event["cause"] = _kind_of(cause)
    return event


def _kind_of(error: BaseException) -> str:
    """Name an exception and its first line: the rest is where libraries print parameters."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _redact(_: Any, __: str, event: EventDict) -> EventDict:
    return clean_members(event)


def _render(_: Any, method: str, event: EventDict) -> str:
    name, where = event.pop("event", ""), event.pop("logger", "")
    return _line({"at": _now(), "level": method, "logger": where, "event": name, **event})


def _line(members: dict[str, Any]) -> str:
    return _as_text(**members) if _SETUP.as_text else _ENCODE(members)


def _as_text(*, at: str, level: str, logger: str, event: str, **rest: object) -> str:
    said = " ".join(f"{key}={value}" for key, value in rest.items())
    return f"{at[11:23]} {level:<8} {logger}: {event} {said}".rstrip()


def _now() -> str:
    """Return the machine's time: a log is read beside other machines' logs."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second(seconds)}.{nanoseconds // 1000:06d}Z"


@functools.lru_cache(maxsize=2)
def _second(since_1970: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since_1970))


_PROCESSORS: Final[list[Processor]] = [
    _threshold,
    structlog.contextvars.merge_contextvars,
    _explain,
    _redact,
    _render,
]


class _FromLibraries(logging.Handler):
    """Give a record of the standard library's ``logging`` the same way out."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        name = next((n for n, value in _LEVELS.items() if value >= record.levelno), "critical")
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        getattr(logger(record.name), name)(message, exc_info=record.exc_info or None)
