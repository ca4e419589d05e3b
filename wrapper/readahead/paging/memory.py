"""The keys that a listing by position remembers, so that no row is emitted twice. Pure."""

from collections import deque
from collections.abc import Hashable

from attrs import define, field

from .plan import Start

__all__ = ["Memory"]

SPANS = 32  # whose keys are remembered


@define
class Memory:
    """The keys of the last spans whose rows were emitted. It does not grow with the listing."""

    start: Start  # says with which keys the listing began, and with which it stops
    known: dict[Hashable, int] = field(factory=dict[Hashable, int], init=False)  # the last span that held it
    early: set[Hashable] = field(factory=set[Hashable], init=False)  # emitted as they arrived, before their turn
    recent: deque[tuple[Hashable, ...]] = field(factory=deque[tuple[Hashable, ...]], init=False)  # by span
    _spans: int = field(default=0, init=False)
    _stopping: bool = field(default=False, init=False)  # a stop key was seen

    def __attrs_post_init__(self) -> None:
        self.remember(self.start.keys)

    def remember(self, keys: tuple[Hashable, ...]) -> None:
        """Remember the keys of the span whose turn it is, and forget those of the oldest."""
        self._spans += 1
        self.recent.append(keys)
        self.known.update(dict.fromkeys(keys, self._spans))
        if len(self.recent) > SPANS:
            known, oldest = self.known, self._spans - SPANS
            for key in self.recent.popleft():
                if known.get(key) == oldest:
                    del known[key]
        self.early.difference_update(keys)

    def knows(self, keys: tuple[Hashable, ...]) -> bool:
        """Whether all of these were emitted."""
        return all(map(self.known.__contains__, keys))

    def new(self, keys: tuple[Hashable, ...], *, first: bool = False) -> list[Hashable]:
        """Return the keys that were not emitted.

        In a resumed listing the rows up to the last one of ``start.keys`` were emitted too, known or not: in its first
        span, and in one that holds all of ``start.keys``, as a last page that is repeated does.
        """
        before = self.start.keys
        if before:
            last = max((index for index, key in enumerate(keys) if key in before), default=-1)
            if first or keys[max(0, last + 1 - len(before)) : last + 1] == before:
                keys = keys[last + 1 :]
        known = self.known
        return [key for key in dict.fromkeys(keys) if key not in known]

    def before_stop(self, keys: tuple[Hashable, ...], fresh: list[Hashable]) -> tuple[list[Hashable], bool]:
        """Return which of the fresh keys lie before the end of a part, and whether it ends here.

        It ends with the last of its stop keys that is still in the list; they may lie on two pages.
        """
        stop = self.start.stop
        if not stop:
            return fresh, False
        last = max((index for index, key in enumerate(keys) if key in stop), default=-1)
        if last < 0:
            return ([], True) if self._stopping else (fresh, False)
        self._stopping = True
        within = set(keys[: last + 1])
        return [key for key in fresh if key in within], last + 1 < len(keys) or keys[last] == stop[-1]
