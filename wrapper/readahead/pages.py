"""What the user holds of a listing: its pages, and the report of how it went."""

import inspect
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Generic, TypeVar

from attrs import define, field, frozen

__all__ = ["DriftWarning", "IgnoredFilterWarning", "Page", "Progress", "Report"]

T = TypeVar("T")
_HERE = str(Path(__file__).parent)


class DriftWarning(UserWarning):
    """Rows moved while a list was read, and ``on_drift="warn"`` was given."""


class IgnoredFilterWarning(UserWarning):
    """The API was asked for some rows and sent others as well: it has ignored the filter."""


def warn(message: str, category: type[Warning]) -> None:
    """Warn of it where the caller of this package is."""
    level = 1
    frame: FrameType | None = inspect.currentframe()  # warnings can do this by itself from 3.12 on
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


@frozen
class Page(Generic[T]):
    """One answer of a listing.

    rows: those of its rows that belong to the listing. total: rows in the whole listing, where the API says so.
    status, headers (lower-case names), request_id: of the answer; status is None where no
    request was needed. position: the paging parameters asked with.
    """

    rows: tuple[T, ...]
    total: int | None
    status: int | None
    headers: Mapping[str, str] = field(repr=False, eq=False)
    request_id: str | None
    position: Mapping[str, str]

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@define
class Report:
    """How a listing went; it counts while the listing runs.

    rows: handed out. pages: read. requests: sent, repeats included. retries: the repeats among them. waited: seconds
    that requests were held back, for the budget, a pause the API asked for, its rate, or a retry, summed over requests.
    short_pages: pages with fewer rows than asked for. duplicates: rows that came again and were dropped, besides those
    that pages share on purpose. mismatches: answers at odds with one another: an overlap of pages that is not what it
    should be, another total than before. mended: pages asked for because neighbours did not join. unproven: joints
    that could not be made, so that rows may lie between. totals: every total that the API named, by first sight.
    bad_rows: what was wrong with rows that could not be read. sweeps: times the list was read.
    left_out: rows that the API sent and a condition on rows left out. ignored_filters: by field, rows that contradict
    what the API was asked for; they are left out too, and an IgnoredFilterWarning says so.
    drift: "none" was seen; "seen": rows moved while the list was read; "unverifiable": the API leaves rows out of its
    pages, so that moves may leave no trace.
    complete: whether the listing reached its end with nothing that speaks against it; why: what ended it, or does.
    """

    rows: int = 0
    pages: int = 0
    requests: int = 0
    retries: int = 0
    waited: float = 0.0
    short_pages: int = 0
    duplicates: int = 0
    mismatches: int = 0
    mended: int = 0
    unproven: int = 0
    totals: list[int] = field(factory=list[int])
    bad_rows: list[str] = field(factory=list[str])
    left_out: int = 0
    ignored_filters: dict[str, int] = field(factory=dict[str, int])
    sweeps: int = 1
    drift: str = "none"
    complete: bool = False
    why: str = "not finished"

    def __str__(self) -> str:
        parts = [
            f"{_count(self.rows, 'row')} in {_count(self.pages, 'page')}",
            _count(self.requests, "request") + (f" ({self.retries} repeated)" if self.retries else ""),
        ]
        if self.waited >= 0.0005:
            parts.append(f"held back for {self.waited:.2f} s in all")
        if self.drift == "seen":
            times = f" ({_count(self.mismatches, 'mismatch', 'mismatches')})" if self.mismatches else ""
            parts.append(f"the list changed while it was read{times}")
        elif self.drift == "unverifiable":
            parts.append("changes could not be verified")
        if self.mended:
            parts.append(f"{_count(self.mended, 'gap')} closed")
        if self.unproven:
            parts.append(f"{_count(self.unproven, 'gap')} not proven closed")
        if self.duplicates:
            parts.append(f"{_count(self.duplicates, 'row')} that came again left out")
        if len(self.totals) > 1:
            shown = [f"{total:,}" for total in self.totals]
            parts.append("totals " + " → ".join(shown if len(shown) < 4 else [shown[0], "…", shown[-1]]))
        if self.bad_rows:
            parts.append(f"{_count(len(self.bad_rows), 'row')} that could not be read")
        if self.left_out:
            parts.append(f"{_count(self.left_out, 'row')} that did not match left out")
        for name, rows in self.ignored_filters.items():
            parts.append(f"{name} was ignored by the API: {_count(rows, 'row')} left out")
        if self.sweeps > 1:
            parts.append(f"read {self.sweeps} times")
        parts.append("complete" if self.complete else f"not complete: {self.why}")
        return ", ".join(parts)


@frozen
class Progress(Generic[T]):
    """How far a listing is, as a page of it is handed out: what ``prefetch(on_page=...)`` is called with.

    rows: handed out so far, this page included. report: goes on counting.
    total: rows of the whole listing, as the API said last, conditions that it does not know left aside; None where it
    does not say. in_flight: requests at this moment. rate: rows handed out a second, since the first was asked for.
    left: seconds until the end, or the limit, if it goes on like this; None where the end is not known.
    """

    page: Page[T]
    rows: int
    report: Report
    total: int | None
    in_flight: int
    rate: float
    left: float | None


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
