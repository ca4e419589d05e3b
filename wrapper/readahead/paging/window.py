"""How many pages to request at once. Pure: it is told how long responses took, and says how many may be in flight.

A fixed window is a number. The automatic one looks for the largest window that still helps. Responses are judged in
rounds of as many as the window. While a round takes about as long as the fastest one did, more in flight means more
rows a second, and the window doubles. When responses take longer, requests queue somewhere, and the window shrinks in
proportion, to a little more than what is served at once, so that the server never idles.

A push back (429 or 503) halves the window at once. When the requests sent before have been answered, it returns to the
largest window that went well, and then tries the middle between that and the one that was refused, until they meet.
From time to time one more is tried.
"""

from attrs import define, field

__all__ = ["AutoWindow", "Window"]

FIRST = 4
LARGEST = 64
SLOWER = 1.8  # times the fastest round: requests queue
PAST_END = 6  # one page more of the window for so many that were read, where no total says where the end is
SLACK = 1.5  # of what queues, so that the server always has work
CLOSE = 8  # the largest good window and the refused one are close enough: within an eighth
PATIENCE = 16, 128  # rounds until the refused window is tried again: at first, and at most; they double each time


@define
class Window:
    """A fixed number of pages."""

    size: int

    def answered(self, seconds: float, *, end_known: bool = True) -> int:  # noqa: ARG002  of no account here
        """Take how long a response took, and whether it named a total. Returns the window from here on."""
        return self.size

    def pushed_back(self) -> bool:
        """Take that the server refused a request as too much. Returns whether no window was ever larger."""
        return False


@define
class AutoWindow(Window):
    """As many as help, from ``FIRST`` to ``LARGEST``."""

    size: int = FIRST
    _round: list[float] = field(factory=list[float], init=False)
    _answers: int = field(default=0, init=False)
    _fastest_median: float = field(default=float("inf"), init=False)
    _largest_good: int = field(default=1, init=False)
    _smallest_refused: int = field(default=LARGEST + 1, init=False)
    _outdated: int = field(default=0, init=False)  # responses still to come to requests of a larger window
    _untried: bool = field(default=False, init=False)
    _quiet_rounds: int = field(default=0, init=False)
    _patience: int = field(default=PATIENCE[0], init=False)

    def answered(self, seconds: float, *, end_known: bool = True) -> int:
        """Take how long a response took, and whether it named a total. Returns the window from here on.

        Where the end may be near, it is small at first: what is requested past the end is a sixth of the pages, and a
        few.
        """
        self._answers += 1
        self._judge_response(seconds)
        return self.size if end_known else min(self.size, FIRST + self._answers // PAST_END)

    def _judge_response(self, seconds: float) -> None:
        if self._outdated:
            self._outdated -= 1
            if not self._outdated:
                self.size = max(self.size, self._largest_good)
            return
        self._round.append(seconds)
        if len(self._round) >= self.size:
            median = _median(self._round)
            self._round.clear()
            self._judge(median)

    def pushed_back(self) -> bool:
        """Take that the server refused a request as too much. Returns whether no window was ever larger."""
        self._quiet_rounds = 0
        if not self._outdated:
            self._untried = self.size > self._largest_good
            if not self._untried:  # the server bears less than it did
                self._largest_good = max(1, self.size * 3 // 4)
            self._smallest_refused = max(2, self.size)
            self._shrink(self.size // 2, outdated=self.size // 2)
        return self._untried

    def _shrink(self, size: int, outdated: int) -> None:
        self._outdated = outdated
        self._round.clear()
        self.size = max(1, size)

    def _judge(self, median: float) -> None:
        self._fastest_median = min(self._fastest_median, median)
        if median > SLOWER * self._fastest_median:
            size = min(self.size - 1, round(self.size * SLACK * self._fastest_median / median))
            self._largest_good = max(1, min(self._largest_good, size))
            self._shrink(size, outdated=self.size)
            return
        good = self._largest_good = max(self._largest_good, self.size)
        self._quiet_rounds += 1
        if self._smallest_refused <= good:  # what was refused is not any more
            self._smallest_refused, self._patience = 2 * good + 1, PATIENCE[0]
        elif self._smallest_refused - good <= max(1, good // CLOSE):
            self.size = good
            if self._quiet_rounds >= self._patience:
                self._quiet_rounds, self._patience = 0, min(2 * self._patience, PATIENCE[1])
                self.size = min(LARGEST, self._smallest_refused)
            return
        self.size = min(LARGEST, 2 * self.size, max(good, (good + self._smallest_refused) // 2))


def _median(seconds: list[float]) -> float:
    ordered = sorted(seconds)  # statistics takes longer to import than anything here
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
