"""The bookkeeping of a listing that is read: what is emitted of each page, what goes into the report. Pure.

``Ledger.emit`` is the one place where rows pass from a fetched page to the user.
"""

from collections import deque
from collections.abc import Hashable
from typing import Generic, Literal, TypeVar, cast

from attrs import define, evolve, field

from ..errors import DecodeError, DriftError
from ..pages import DriftWarning, Fetched, IgnoredFilterWarning, Page, Progress, Report, warn
from .plan import Plan, Span

__all__ = ["Ledger", "OnDrift", "OpenPage"]

T = TypeVar("T")
OnDrift = Literal["ignore", "warn", "raise", "reread"]
SWEEPS = 4  # how often on_drift="reread" reads the list at most


@define(eq=False)
class OpenPage(Generic[T]):
    """A page that was emitted and is read row by row."""

    span: Span  # the request that brought it
    page: Page[T]
    passed: tuple[Hashable, ...]  # keys of its new rows, those that are left out included
    keys: tuple[Hashable, ...]  # of the rows that can be read
    rows: "deque[T | DecodeError]"  # that are not read yet

    @property
    def passed_so_far(self) -> tuple[Hashable, ...]:
        """Keys of its new rows up to the one read last."""
        if not self.rows:
            return self.passed
        return self.passed[: self.passed.index(self.keys[len(self.keys) - len(self.rows)])]

    def rest(self) -> Page[T]:
        """Read all that is left of it. Raises DecodeError."""
        for row in self.rows:
            if isinstance(row, DecodeError):
                raise row
        rows = tuple(cast("deque[T]", self.rows))
        self.rows.clear()
        return evolve(self.page, rows=rows)

    def close(self) -> None:
        """Let go of the rows that were not read; the place in the page stays known."""
        self.passed = self.passed_so_far
        self.rows.clear()


@define(eq=False)
class Ledger:
    """What one listing has emitted and reported."""

    report: Report = field(factory=Report)
    limit: int | None = None  # rows to emit at most
    skip_bad_rows: bool = False
    on_drift: OnDrift = "ignore"
    remember: bool = False  # keep the keys of all rows, so that none is emitted twice
    began: float | None = field(default=None, init=False)  # by the clock of the event loop
    rows: int = field(default=0, init=False)  # of the pages emitted; the report counts those that were handed out
    _emitted: set[Hashable] = field(factory=set[Hashable], init=False)
    _totals: dict[int, int] = field(factory=dict[int, int], init=False)  # by listing, the latest
    _warned: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.remember |= self.on_drift == "reread"

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached."""
        return self.limit is not None and self.rows >= self.limit

    def add_page(self, span: Span, page: Fetched[object]) -> None:
        """Count a page that was fetched."""
        self.report.pages += 1
        self.report.short_pages += len(page.keys) < span.hi - span.lo
        total, totals = page.total, self.report.totals
        if total is None or self._totals.get(span.branch) == total:
            return
        first = span.branch not in self._totals
        self._totals[span.branch] = total
        total = sum(self._totals.values())
        if first and totals:
            totals[-1] = total  # of another listing: they add up
        elif total not in totals:
            totals.append(total)

    def emit(self, span: Span, new: frozenset[Hashable], page: Fetched[T]) -> OpenPage[T] | None:
        """Hand out those rows of a page that are new, match, and fit the limit; None: nothing in it is new."""
        room = None if self.limit is None else self.limit - self.rows
        passed: dict[Hashable, None] = {}
        emitted: dict[Hashable, T | DecodeError] = {}
        good: list[T] = []
        for key, row in zip(page.keys, page.rows, strict=True):
            if room is not None and len(good) >= room:
                break
            if key not in new or key in passed or key in self._emitted:
                continue
            passed[key] = None
            if key not in page.uncounted:
                emitted[key] = row
                good.append(cast("T", row))
            elif isinstance(row, DecodeError):
                self.report.add_bad_row(str(row))
                emitted[key] = row
            elif self.admits(page, key):
                emitted[key] = row
                good.append(row)
        if not passed:
            return None
        if self.remember:
            self._emitted.update(emitted)
        self.rows += len(good)
        if self.skip_bad_rows and len(good) < len(emitted):
            emitted = {key: row for key, row in emitted.items() if not isinstance(row, DecodeError)}
        position = {name: str(value) for name, value in span.position}
        return OpenPage(span, page.page(tuple(good), position), tuple(passed), tuple(emitted), deque(emitted.values()))

    def admits(self, page: Fetched[object], key: Hashable) -> bool:
        """Whether the row with this key is emitted. One that is not is counted, and may be warned about."""
        if key in page.ignored:
            names, report = page.ignored[key], self.report
            if not report.ignored_filters:
                fields = ", ".join(names)
                message = f"the API ignored a filter ({fields}): it sent rows that contradict it, which are left out"
                warn(message, IgnoredFilterWarning)
            for name in names:
                report.ignored_filters[name] = report.ignored_filters.get(name, 0) + 1
            return False
        self.report.left_out += key in page.left_out
        return key not in page.left_out

    def check_drift(self, plan: Plan) -> None:
        """Report what the plan has seen of moving rows, and do what ``on_drift`` says about it."""
        tally, report = plan.tally, self.report
        report.gaps_closed, report.gaps_open = tally.gaps_closed, tally.gaps_open
        report.duplicates, report.mismatches = tally.duplicates, tally.mismatches
        # Between two listings a row can move from the one that is still to be read to the one that was.
        no_trace = tally.hides_rows or tally.unverifiable or tally.untraced or plan.listings > 1
        report.drift = "unverifiable" if no_trace else "none"
        if tally.mismatches or report.sweeps > 1:
            report.drift = "seen"
        report.doubt = self._doubt(plan) or ""
        if tally.mismatches:
            if self.on_drift == "warn" and not self._warned:
                self._warned = True
                warn("rows moved while the list was read; see the report", DriftWarning)
            if self.on_drift == "raise" and plan.error is None:
                plan.error = DriftError("rows moved while the list was read")

    def needs_sweep(self, plan: Plan) -> bool:
        """Whether the list is to be read once more: rows moved, and ``on_drift`` is "reread"."""
        if self.on_drift != "reread" or not plan.tally.mismatches or self.report.sweeps >= SWEEPS:
            return False
        self.report.sweeps += 1
        return True

    def conclude(self, plan: Plan) -> None:
        """Report what ended the listing, and whether it is complete."""
        report = self.report
        if plan.error is not None and not self.is_full:
            report.why = f"{type(plan.error).__name__}: {plan.error}"
        elif reason := self._doubt(plan):
            report.why = reason
        else:
            report.complete, report.why = True, "the limit was reached" if self.is_full else "the end was reached"

    def _doubt(self, plan: Plan) -> str | None:
        """Return what was seen that speaks against a listing that reached its end."""
        tally, report = plan.tally, self.report
        if tally.broken:
            return tally.broken
        if self.on_drift == "reread" and tally.mismatches:
            if len(report.totals) == 1 and self._counted >= report.totals[0]:
                return None  # the list kept its length, and each of its rows was found in one sweep or another
            return f"the list still changed after it was read {report.sweeps} times"
        if report.gaps_open:
            gaps = f"{report.gaps_open} gap{'s' if report.gaps_open > 1 else ''}"
            return f"{gaps} between pages could not be closed; rows may be missing there"
        if tally.unverifiable and tally.mismatches:
            return "the list changed, and the pages of this server cannot overlap; rows may be missing between them"
        if tally.unstable:
            return "the order is not stable: rows came in another order than before, so some may be missing"
        if tally.missing:
            return (
                f"the API named a total of {report.totals[-1]:,}, and {tally.missing:,} of these rows did not come; "
                "it hides rows, or its total is wrong"
            )
        if tally.overrun:
            return (
                "the end of this part was not found, because its last rows are gone; rows of the next part may follow"
            )
        if tally.unsure:
            return f"the checkpoint's last rows are gone; up to {tally.unsure:,} rows before it may have come again"
        return None

    def leave(self, error: BaseException | None) -> None:
        """Take that the reader has left, with this error if it was one; it may have been at the end."""

    @property
    def _counted(self) -> int:
        """Rows of the API that were emitted, left out or unreadable."""
        report = self.report
        return self.rows + report.left_out + report.bad_row_count + sum(report.ignored_filters.values())

    def progress(self, page: Page[T], plan: Plan, in_flight: int, now: float) -> Progress[T]:
        """Return how far the listing is."""
        report, start = self.report, plan.start
        seconds = now - (self.began or 0.0)
        total = None
        if len(self._totals) == plan.listings and not start.stop:
            total = sum(self._totals.values())
        ends = [(self.limit, self.rows), (None if total is None else total - start.at, self._counted)]
        left = [max(0, end - so_far) * seconds / so_far for end, so_far in ends if end is not None and so_far]
        rate = self.rows / seconds if seconds > 0 else 0.0
        return Progress(page, self.rows, report, total, in_flight, rate, min(left, default=None))
