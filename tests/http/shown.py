"""All that a program, a debugger or an error tracker could print of an error or of a client."""

import copy
import io
import pickle
import traceback

from rich.traceback import Traceback
from structlog.tracebacks import ExceptionDictTransformer

ALL_OF_RICH = {"show_locals": True, "locals_max_length": 10_000, "locals_max_string": 100_000}
ALL_OF_STRUCTLOG = {"locals_max_length": 10_000, "locals_max_string": 100_000, "max_frames": 1_000}


def chain_of(error):
    """The error and all that hangs on it."""
    chain = [error]
    for one in chain:
        below = [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
        chain += [linked for linked in below if linked is not None and linked not in chain]
    return chain


def chain_text(error):
    """All that a program, a debugger or an error tracker could print of the error."""
    text = io.StringIO()
    for one in chain_of(error):
        print(str(one), repr(one), one.args, vars(one), getattr(one, "__notes__", []), file=text)
    traceback.print_exception(error, file=text)
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        print(str(again), repr(again), again.args, vars(again), file=text)
    print(pickle.dumps(error, 0), pickle.dumps(error), file=text)
    return text.getvalue()


def locals_text(error):
    """What error trackers show besides: the variables of every function on the tracebacks, ours or not."""
    text = io.StringIO()
    for stack in Traceback.extract(type(error), error, error.__traceback__, **ALL_OF_RICH).stacks:
        print(stack.exc_value, stack.notes, file=text)
        for frame in stack.frames:  # as rich prints it, without the source, whose colours take long
            print(frame.name, *(f"{name} = {node}" for name, node in (frame.locals or {}).items()), file=text)
    for use_rich in (True, False):
        transform = ExceptionDictTransformer(show_locals=True, use_rich=use_rich, **ALL_OF_STRUCTLOG)
        print(transform((type(error), error, error.__traceback__)), file=text)
    return text.getvalue() + plain_locals_text(error)


def plain_locals_text(error):
    """The same by the standard library alone, which is fast; also of exceptions whose context is suppressed."""
    frames = [frame for one in chain_of(error) for frame, _ in traceback.walk_tb(one.__traceback__)]
    shown = ["".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())]
    return "\n".join(shown + [f"{name} = {value!r}" for frame in frames for name, value in frame.f_locals.items()])


def frames_of(error):
    """The names of the functions on the traceback of an exception, the outermost first."""
    return [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]


def everything(thing):
    """The reprs of an object, of its attributes, and of the attributes of every object of ours below it."""
    text, queue, known = [], [thing], set()
    while queue:
        one = queue.pop()
        if id(one) in known:
            continue
        known.add(id(one))
        text.append(repr(one))
        if isinstance(one, dict):
            queue += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            queue += one
        elif type(one).__module__.startswith("readahead."):
            slots = [name for cls in type(one).__mro__ for name in getattr(cls, "__slots__", ())]
            attributes = {name: getattr(one, name) for name in slots if hasattr(one, name) and name[:2] != "__"}
            queue.append({**attributes, **getattr(one, "__dict__", {})})
    return "\n".join(text)
