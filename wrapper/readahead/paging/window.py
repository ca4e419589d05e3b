"""How many pages to ask for at once. Pure: it is told how long answers took, and says how many may be out.

A fixed window is a number. The automatic one looks for the largest window that still helps. Answers are taken in rounds
of as many as the window. While a round takes about as long as the fastest one did, more in flight means more rows a
second, and the window doubles. When answers take longer they queue somewhere, and the window shrinks in proportion, to
a little more than what is served at once, so that nothing idles.

A push back (429 or 503) halves it at once. When what was sent before has been answered it goes back to what went well,
and then tries the middle between that and what was too much, until they meet. From time to time one more is tried.
"""

from attrs import define, field

__all__ = ["AutoWindow", "Window"]

FIRST = 4
LARGEST = 64
SLOWER = 1.8  # times the fastest round: answers queue
SLACK = 1.5  # of what queues, so that the server always has work
CLOSE = 8  # what went well and what was too much are close enough: within an eighth
AGAIN = 16, 128  # rounds until what was too much is tried once more: at first, and at most; twice as many each time


@define
class Window:
    """A fixed number of pages."""

    size: int

    def answered(self, seconds: float) -> int:  # noqa: ARG002  it does not matter here
        """An answer took so long. The window from here on."""
        return self.size

    def pushed_back(self) -> bool:
        """The server said that it was too much. Whether that is because so many were never asked for before."""
        return False


@define
class AutoWindow(Window):
    """As many as help, from ``FIRST`` to ``LARGEST``."""

    size: int = FIRST
    _round: list[float] = field(factory=list[float], init=False)
    _fastest: float = field(default=float("inf"), init=False)  # median of the fastest round, in seconds
    _good: int = field(default=1, init=False)  # the largest window that went well
    _bad: int = field(default=LARGEST + 1, init=False)  # the smallest that was pushed back
    _stale: int = field(default=0, init=False)  # answers to come, to what was sent before the window shrank
    _tried: bool = field(default=False, init=False)  # what was pushed back last was more than went well
    _quiet: int = field(default=0, init=False)  # rounds since the last push back
    _patience: int = field(default=AGAIN[0], init=False)

    def answered(self, seconds: float) -> int:
        """An answer took so long, in seconds. The window from here on."""
        if self._stale:
            self._stale -= 1
            if not self._stale:
                self.size = max(self.size, self._good)
            return self.size
        self._round.append(seconds)
        if len(self._round) >= self.size:
            took = _median(self._round)
            self._round.clear()
            self._judge(took)
        return self.size

    def pushed_back(self) -> bool:
        """The server said that it was too much. Whether that is because so many were never asked for before."""
        self._quiet = 0
        if not self._stale:
            self._tried = self.size > self._good
            if not self._tried:  # it bears less than it did
                self._good = max(1, self.size * 3 // 4)
            self._bad = max(2, self.size)
            self._shrink(self.size // 2, self.size // 2)
        return self._tried

    def _shrink(self, size: int, stale: int) -> None:
        self._stale = stale
        self._round.clear()
        self.size = max(1, size)

    def _judge(self, took: float) -> None:
        self._fastest = min(self._fastest, took)
        if took > SLOWER * self._fastest:
            size = min(self.size - 1, round(self.size * SLACK * self._fastest / took))
            self._good = max(1, min(self._good, size))
            self._shrink(size, self.size)
            return
        self._good = max(self._good, self.size)
        self._quiet += 1
        if self._bad <= self._good:  # what was too much is not any more
            self._bad, self._patience = 2 * self._good + 1, AGAIN[0]
        elif self._bad - self._good <= max(1, self._good // CLOSE):
            self.size = self._good
            if self._quiet >= self._patience:
                self._quiet, self._patience = 0, min(2 * self._patience, AGAIN[1])
                self.size = min(LARGEST, self._bad)
            return
        self.size = min(LARGEST, 2 * self.size, max(self._good, (self._good + self._bad) // 2))


def _median(seconds: list[float]) -> float:
    ordered = sorted(seconds)  # statistics takes longer to import than anything here
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
