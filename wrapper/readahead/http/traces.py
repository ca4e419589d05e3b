"""Keep credentials out of tracebacks.

Tools such as rich, structlog, Sentry and pytest show the variables of every function on a traceback. Frames of an HTTP
library hold the headers of a request, and arguments hold keys before they are wrapped.

``cut_below`` takes frames away. ``conceals`` empties them instead, so that a traceback still says where: it is for
plain functions alone, because emptying the frame of a coroutine that somebody else still runs would end that.
"""

import functools
import sys
import traceback
from collections.abc import Callable, Collection, Iterator
from typing import Any, ParamSpec, TypeVar, cast

__all__ = ["conceals", "cut_below"]

P = ParamSpec("P")
T = TypeVar("T")


def conceals(function: Callable[P, T]) -> Callable[P, T]:
    """Wrap a function so that no variable of it, or of what it calls, shows on the traceback of its exceptions."""

    @functools.wraps(function)
    def concealed(*args: P.args, **kwargs: P.kwargs) -> T:
        handled = sys.exception()
        try:
            return function(*args, **kwargs)
        except BaseException as raised:
            del args, kwargs
            for one in _chain(raised, handled):
                traceback.clear_frames(one.__traceback__)
            raise

    return concealed


def cut_below(raised: BaseException, handled: BaseException | None, libraries: Collection[str]) -> None:
    """Leave only the first frame on the traceback of an exception, that of the caller, and none on what led to it.

    Of an exception that is not a cancellation, a note keeps the file, line and function of each frame.

    Args:
        raised: What the caller handles.
        handled: What was handled when the caller was called. It stays as it is.
        libraries: Packages whose exceptions are taken out of the chain, since they hold requests and responses.
    """
    trace = raised.__traceback__
    below = None if trace is None else trace.tb_next
    if isinstance(raised, Exception) and below is not None:
        raised.add_note("It was raised here; variables are left out:\n" + "".join(traceback.format_tb(below)).rstrip())
    for one in list(_chain(raised, handled)):
        one.__traceback__ = None
        for name in ("__cause__", "__context__"):
            linked = getattr(one, name)
            if linked is not None and linked is not handled and _is_of(linked, libraries):
                setattr(one, name, None)
    if trace is not None:
        trace.tb_next = None
    raised.__traceback__ = trace


def _chain(raised: BaseException, handled: BaseException | None) -> Iterator[BaseException]:
    """The exception and all that led to it, groups included, except for what was handled before and led to that."""
    left, known = [raised], {id(handled)}
    while left:
        one = left.pop()
        if id(one) not in known:
            known.add(id(one))
            yield one
            left += [below for below in (one.__cause__, one.__context__) if below is not None]
            if isinstance(one, BaseExceptionGroup):
                left += cast("BaseExceptionGroup[Any]", one).exceptions


def _is_of(error: BaseException, libraries: Collection[str]) -> bool:
    return type(error).__module__.partition(".")[0] in libraries
