"""All that a program, a debugger or an error tracker could print of an error or of a client."""

import copy
import io
import pickle
import traceback
from pathlib import Path

import readahead

PACKAGE = Path(readahead.__file__).parent


def chain_of(error):
    """The error and all that hangs on it."""
    chain = [error]
    for one in chain:
        chain += [below for below in (one.__cause__, one.__context__) if below is not None and below not in chain]
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
    """What error trackers show besides: the variables of our functions in the traceback."""
    text = io.StringIO()
    for one in chain_of(error):
        for frame in traceback.StackSummary.extract(
            traceback.walk_tb(one.__traceback__), capture_locals=True, lookup_lines=False
        ):
            if Path(frame.filename).is_relative_to(PACKAGE):
                print(frame.locals, file=text)
    return text.getvalue()


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
        elif type(one).__module__.startswith("readahead.") and type(one).__name__ != "Secret":
            slots = [name for cls in type(one).__mro__ for name in getattr(cls, "__slots__", ())]
            attributes = {name: getattr(one, name) for name in slots if hasattr(one, name) and name[:2] != "__"}
            queue.append({**attributes, **getattr(one, "__dict__", {})} if type(one).__name__ != "Hidden" else {})
    return "\n".join(text)
