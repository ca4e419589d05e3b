"""The loggers ``readahead.http`` and ``readahead.paging``, and the environment variable that turns them on."""

import logging
import os
import warnings

from .events import Event

__all__ = ["is_logged", "log", "setup"]

VARIABLE = "READAHEAD_LOG"
_ROOT = logging.getLogger("readahead")
_ROOT.addHandler(logging.NullHandler())
_LOGGERS = {channel: logging.getLogger(f"readahead.{channel}") for channel in ("http", "paging")}
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO}


def setup() -> None:
    """Log to standard error if ``READAHEAD_LOG`` is ``debug`` or ``info``.

    The handler is that of ``logging.basicConfig``, which does nothing where the program has set up its own.
    """
    name = os.environ.get(VARIABLE, "").strip().lower()
    if name in _LEVELS:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        _ROOT.setLevel(_LEVELS[name])
    elif name:
        warnings.warn(f"{VARIABLE} must be debug or info; it is ignored", stacklevel=2)


def is_logged(channel: str, level: int) -> bool:
    """Return whether a record of this level would be logged."""
    return _LOGGERS[channel].isEnabledFor(level)


def log(event: Event) -> None:
    """Log an event. Its name is the attribute ``event`` of the record, and its fields are attributes, too."""
    logger, level = _LOGGERS[event.channel], event.level
    if logger.isEnabledFor(level):
        values = event.values()
        logger.log(level, event.message, values, extra={"event": event.event, **values})
