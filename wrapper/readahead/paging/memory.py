"""The rows that a listing remembers: where a page stands beside them, and which of its rows are new. Pure."""

from collections import deque
from collections.abc import Hashable, Iterable
from itertools import islice, pairwise
from operator import itemgetter

from attrs import define, field, frozen

from .plan import Start

__all__ = ["Memory", "Place"]

ROWS = 2048  # that are remembered without a hole
STEP = 256  # of those before, each so many-th
LANDMARKS = 64  # of them
NEAR = 16  # rows that a checkpoint keeps without a hole
APART = 1.2  # times as far from it is each of the older rows that it keeps


@frozen
class Place:
    """Where a page stands beside the rows that were emitted. Rows are counted from the first one emitted, from 0.

    Attributes:
        last: Index in the page of the last row that is remembered; -1: there is none.
        number: Which row of the listing that is.
        sewn: Whether no row can lie between those emitted and the page, as long as rows keep their order.
        stable: Whether the rows that are remembered come in the order in which they were emitted.
        fresh: Keys of the rows that were not emitted, of those that may come after what was.
    """

    last: int
    number: int
    sewn: bool
    stable: bool
    fresh: tuple[Hashable, ...]


@define
class Memory:
    """The keys of the rows emitted last, without a hole, and a few of those before. It does not grow."""

    start: Start  # says which rows lie before it, and which end it
    rows: int = ROWS
    count: int = field(default=0, init=False)  # rows emitted
    early: dict[Hashable, None] = field(factory=dict[Hashable, None], init=False)  # as they arrived, before their turn
    _numbers: dict[Hashable, int] = field(factory=dict[Hashable, int], init=False)
    _keys: deque[Hashable] = field(factory=deque[Hashable], init=False)
    _landmarks: dict[Hashable, int] = field(factory=dict[Hashable, int], init=False)
    _forgot: bool = field(default=False, init=False)  # so that position 0 proves nothing
    _stopping: bool = field(default=False, init=False)  # a stop key was seen
    _stopped_at: Hashable = field(default=None, init=False)  # the last of them

    def __attrs_post_init__(self) -> None:
        keys = self.start.keys
        self._keys.extend(keys)
        self._numbers = dict(zip(keys, range(-len(keys), 0), strict=True))
        self._landmarks = {key: -distance for distance, key in self.start.older}
        self._forgot = self.start.at > len(keys)

    @property
    def known(self) -> int:
        """How many keys it holds."""
        return len(self._numbers) + len(self._landmarks) + len(self.early)

    @property
    def length(self) -> int:
        """How many rows it remembers without a hole."""
        return len(self._keys)

    @property
    def last(self) -> Hashable:
        """The key of the row emitted last."""
        return self._keys[-1] if self._keys else None

    @property
    def begins(self) -> bool:
        """Whether it knows every row of the listing so far, so that a page at position 0 has nothing before it."""
        return not self._forgot

    @property
    def missed_stop(self) -> bool:
        """Whether this is a part, and no row that ends it was seen."""
        return bool(self.start.stop) and not self._stopping

    def remember(self, keys: Iterable[Hashable]) -> None:
        """Add rows that were emitted, and forget the oldest."""
        for key in keys:
            self._numbers[key] = self.count
            self._keys.append(key)
            self.count += 1
            self.early.pop(key, None)
        while len(self._keys) > self.rows:
            number, key = self.count - len(self._keys), self._keys.popleft()
            self._forgot = True
            if self._numbers.get(key) == number:  # a checkpoint may name a row twice
                del self._numbers[key]
            if number % STEP == 0:
                self._landmarks[key] = number
                if len(self._landmarks) > LANDMARKS:
                    del self._landmarks[next(iter(self._landmarks))]

    def place(self, keys: tuple[Hashable, ...], unreadable: frozenset[Hashable], ahead: int) -> Place:
        """Say where a page stands.

        Args:
            keys: Of its rows.
            unreadable: Those that are made up; they prove nothing.
            ahead: How many positions lie between the row emitted last, as far as is known, and the first of the page.
        """
        numbers = self._numbers
        known = [(index, number) for index, key in enumerate(keys) if (number := numbers.get(key)) is not None]
        proof = [pair for pair in known if keys[pair[0]] not in unreadable] if unreadable else known
        if not proof:
            return Place(-1, -1, sewn=False, stable=True, fresh=tuple(dict.fromkeys(keys)))
        anchor = next((pair for pair in proof if self._holds(*pair, keys, ahead)), None)
        stable = all(a <= b for (_, a), (_, b) in pairwise(proof))
        last, number = known[-1] if stable else max(proof, key=itemgetter(1))
        # Where rows keep their order, those that are new among the ones remembered were inserted there: they come too
        # late. Where they do not keep it, any row may be missing.
        fresh = tuple(key for key in dict.fromkeys(keys[last + 1 :] if stable else keys) if key not in numbers)
        sewn = anchor is not None or not stable or not fresh
        return Place(last, number, sewn=sewn, stable=stable, fresh=fresh)

    def _holds(self, index: int, number: int, keys: tuple[Hashable, ...], ahead: int) -> bool:
        """Whether a row stands among its neighbours, or no farther than it was: else it may have moved by itself."""
        numbers = self._numbers
        follows = index + 1 < len(keys) and numbers.get(keys[index + 1]) == number + 1
        return (
            follows
            or (index > 0 and numbers.get(keys[index - 1]) == number - 1)
            or ahead + index + self.count - number <= 0
            or number == self.count - len(self._keys) == self.count - 1  # no other is remembered
        )

    def find(self, keys: tuple[Hashable, ...]) -> tuple[int, int] | None:
        """Return the index in a page, and the number, of the last row there that is among the few kept of long ago."""
        if not self._landmarks:
            return None
        marks = [(index, self._landmarks[key]) for index, key in enumerate(keys) if key in self._landmarks]
        return marks[-1] if marks else None

    def before_stop(self, keys: tuple[Hashable, ...], fresh: tuple[Hashable, ...]) -> tuple[tuple[Hashable, ...], bool]:
        """Return which of the fresh keys lie before the end of a part, and whether it ends here.

        It ends with the last of its stop keys that is still in the list. They may lie on two pages: where few rows
        follow an earlier one, the list is asked for once more from there on.
        """
        stop = self.start.stop
        if not stop:
            return fresh, False
        last = max((index for index, key in enumerate(keys) if key in stop), default=-1)
        if last < 0:
            return ((), True) if self._stopping else (fresh, False)
        self._stopping = True
        within, rest = set(keys[: last + 1]), len(keys) - last - 1
        ends = keys[last] == stop[-1] or (rest > 0 and (2 * rest >= len(keys) or self._stopped_at == keys[last]))
        self._stopped_at = keys[last]
        return tuple(key for key in fresh if key in within), ends

    @property
    def is_stopping(self) -> bool:
        """Whether a row was seen that may end the part."""
        return self._stopping

    def before(self, key: Hashable) -> tuple[tuple[Hashable, ...], tuple[tuple[int, Hashable], ...]]:
        """Return what a checkpoint behind a row keeps: the last rows, it included, and older ones, ever farther apart.

        Each of the older ones comes with its distance: how many rows behind it were emitted.
        """
        number = self._numbers.get(key)
        if number is None:
            return (), ()
        oldest = self.count - len(self._keys)
        end = number + 1 - oldest
        near = tuple(islice(self._keys, max(0, end - NEAR), end))
        older, distance = list[tuple[int, Hashable]](), float(NEAR)
        while number - int(distance) >= oldest:
            older.append((int(distance), self._keys[number - int(distance) - oldest]))
            distance *= APART
        for mark, earlier in sorted(self._landmarks.items(), key=itemgetter(1), reverse=True):
            if number - earlier >= distance:
                older.append((number - earlier, mark))
                distance = (number - earlier) * APART
        return near, tuple(older)

    def fall_back(self, number: int) -> None:
        """Forget all rows but one that was kept of long ago: it is the last one from here on."""
        key = next(key for key, mark in self._landmarks.items() if mark == number)
        self._keys.clear()
        self._keys.append(key)
        self._numbers = {key: self.count - 1}
        self._landmarks.clear()
        self._forgot = True

    def begin_again(self) -> None:
        """Take all rows for emitted before their turn: they are read once more, in an order that is not known yet."""
        self.early.update(dict.fromkeys(self._keys))
        self._keys.clear()
        self._numbers.clear()
