"""A page of a listing as it is decoded and as the user gets it, and the report of the whole. Pure.

A response becomes a ``Fetched``, which the listing's plan and ledger work with; what is emitted of it becomes a
``Page``. There is no other form between the HTTP layer and the user.
"""

import inspect
import warnings
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from types import FrameType, GenericAlias
from typing import Any, Generic, TypeAlias, TypeVar, cast, get_args

from attrs import define, evolve, field, frozen

from .errors import DecodeError, ReadaheadError

__all__ = ["DriftWarning", "Fetched", "IgnoredFilterWarning", "IncompleteWarning", "Page", "Progress", "Report"]
__all__ += ["Scalar"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Scalar: TypeAlias = str | int | float  # a paging parameter: a number stays one in a JSON body
_BAD_ROWS_KEPT = 100
_HERE = str(Path(__file__).parent)


class DriftWarning(UserWarning):
    """Rows moved while a list was read with ``on_drift="warn"``."""


class IgnoredFilterWarning(UserWarning):
    """The API ignored a filter: it sent rows that contradict it. They are left out."""


class IncompleteWarning(UserWarning):
    """A listing has ended and is not complete, and its caller has no report that says so.

    ``to_list``, ``count``, ``first`` where it returns None, and ``async for row in query`` warn; ``prefetch`` does not.
    """


def warn(message: str, category: type[Warning]) -> None:
    """Issue a warning that points at the caller of this package."""
    level = 1
    frame: FrameType | None = inspect.currentframe()  # warnings can do this by itself from 3.12 on
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def warn_if_incomplete(report: "Report") -> None:
    """Warn about a listing that has ended and is not complete."""
    if not report.complete:
        warn(f"the listing is not complete: {report.why}; read it with prefetch() to see its report", IncompleteWarning)


@frozen(repr=False)
class Page(Generic[T]):
    """One page of a listing.

    FastAPI and pydantic take ``Page[Customer]`` as an object with ``rows`` and ``total``; what else a page knows is
    between this process and the API.

    Attributes:
        rows: The rows of the response that belong to the listing.
        total: Rows in the whole listing, where the API says so.
        status: HTTP status of the response; None where no request was needed.
        headers: Headers of the response, names in lower case.
        request_id: The API's id of the request, where it sends one.
        position: The paging parameters of the request.
    """

    rows: tuple[T, ...]
    total: int | None
    status: int | None
    headers: Mapping[str, str] = field(eq=False)
    request_id: str | None
    position: Mapping[str, str]

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:  # short, and without customers' data
        total = "" if self.total is None else f" of {self.total:,}"
        place = "".join(f", {name}={value}" for name, value in self.position.items())
        return f"<{type(self).__name__}: {_count(len(self.rows), 'row')}{total}{place}>"

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the rows as JSON data, each as its ``to_dict`` does: undeclared fields included, times as text.

        ``pandas.DataFrame(page.rows)`` and ``polars.DataFrame(page.rows)`` work without it, and keep times as times.
        """
        return [cast("Any", row).to_dict() for row in self.rows]

    def to_arrow(self) -> Any:
        """Return the rows as a ``pyarrow.Table`` with the types of the API's document; see ``rows_to_arrow``.

        Raises:
            ModuleNotFoundError: pyarrow is not installed.
            UsageError: A row has a value that is not of the declared type.
        """
        from .arrow import rows_to_arrow  # noqa: PLC0415  for those who have pyarrow

        return rows_to_arrow(self.rows)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema  # noqa: PLC0415  of those who use pydantic

        row: Any = next(iter(get_args(source)), Any)
        many: Any = GenericAlias(tuple, (row, ...))
        members = {
            "rows": core_schema.typed_dict_field(handler.generate_schema(many)),
            "total": core_schema.typed_dict_field(
                core_schema.nullable_schema(core_schema.int_schema(ge=0)), required=False
            ),
        }
        content = core_schema.typed_dict_schema(members, cls=cls)

        def read(value: Any, validate: Any) -> Page[Any]:
            if isinstance(value, Page):
                page = cast("Page[Any]", value)
                return evolve(page, rows=validate({"rows": page.rows})["rows"])
            given = validate(value)
            return Page(given["rows"], given.get("total"), None, {}, None, {})

        def write(page: Any, select: Any) -> Any:
            return select({"rows": page.rows, "total": page.total})

        reference = f"{cls.__module__}.{cls.__qualname__}:{id(cls)}"
        if isinstance(row, type):
            reference += f"[{row.__module__}.{row.__qualname__}:{id(row)}]"
        return core_schema.no_info_wrap_validator_function(
            read,
            content,
            ref=reference,
            serialization=core_schema.wrap_serializer_function_ser_schema(write, schema=content),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        found: dict[str, Any] = handler(schema)
        handler.resolve_ref_schema(found)["description"] = "One page of a listing."
        return found


@frozen(kw_only=True)
class Fetched(Generic[T_co]):
    """One response of a listing, decoded."""

    keys: tuple[Hashable, ...] = field(kw_only=False)  # one for each row, in order
    rows: "tuple[T_co | DecodeError, ...]" = ()  # an error stands in the place of a row that cannot be decoded
    total: int | None = None
    size: int | None = None  # rows in a full page as the server sees it, where it says so
    next: Scalar | None = None  # the cursor of the next page
    more: bool | None = None  # whether rows follow, where the response says so
    unclear: str = ""  # why it cannot be read whether rows follow, where the API should say so
    failure: ReadaheadError | None = None  # what follows this page cannot be requested
    uncounted: frozenset[Hashable] = frozenset()  # by a limit: what cannot be decoded, is left out or ignored
    unreadable: frozenset[Hashable] = frozenset()  # keys of rows that cannot be decoded: made up of what is around
    left_out: frozenset[Hashable] = frozenset()  # rows that do not meet a condition
    ignored: Mapping[Hashable, tuple[str, ...]] = field(factory=dict[Hashable, tuple[str, ...]])  # filters, by row
    status: int | None = None
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    request_id: str | None = None
    seconds: float = 0.0

    def page(self, rows: tuple[T, ...], position: Mapping[str, str]) -> Page[T]:
        """Return the page that the user gets: these rows of it."""
        return Page(rows, self.total, self.status, self.headers, self.request_id, position)


@define
class Report:
    """How a listing went. It is updated while the listing runs.

    Attributes:
        rows: Rows handed out.
        pages: Pages read.
        requests: Requests sent, retries included.
        retries: Requests that were sent again.
        waited: Seconds that requests were held back for a connection, the request budget, a pause the API asked for,
            its rate, or a retry; summed over all requests.
        short_pages: Pages with fewer rows than were requested.
        duplicates: Rows that came again and were dropped, apart from those that overlapping pages share on purpose.
        mismatches: Contradictions between responses: pages that do not overlap as they should, or a changed total.
        gaps_closed: Requests sent to close a gap between two pages that should overlap and did not.
        gaps_open: Gaps that could not be closed: rows may be missing there.
        totals: Every total the API named, in order of first appearance.
        bad_rows: What was wrong with each row that could not be decoded; of the first hundred.
        bad_row_count: Rows that could not be decoded.
        sweeps: How often the list was read.
        left_out: Rows that the API sent and a condition evaluated on rows left out.
        ignored_filters: By field, rows that contradict a filter that was sent; they are left out.
        drift: "none"; "seen" if rows moved while the list was read; "unverifiable" if moves may leave no trace, because
            the API leaves rows out of its pages, its pages cannot overlap, each of them only names the next one, or
            several listings were read.
        complete: Whether the listing reached its end, and nothing that was seen contradicts it: no gap, no other order
            of rows, no total that promises more than came.
        why: What ended the listing, or why it is not complete.
        doubt: What was seen so far that speaks against a complete listing; empty if nothing was.
    """

    rows: int = 0
    pages: int = 0
    requests: int = 0
    retries: int = 0
    waited: float = 0.0
    short_pages: int = 0
    duplicates: int = 0
    mismatches: int = 0
    gaps_closed: int = 0
    gaps_open: int = 0
    totals: list[int] = field(factory=list[int])
    bad_rows: list[str] = field(factory=list[str])
    bad_row_count: int = 0
    left_out: int = 0
    ignored_filters: dict[str, int] = field(factory=dict[str, int])
    sweeps: int = 1
    drift: str = "none"
    complete: bool = False
    why: str = "not finished"
    doubt: str = ""

    def add_bad_row(self, fault: str) -> None:
        """Count a row that could not be decoded, and keep what was wrong with it if it is one of the first."""
        self.bad_row_count += 1
        if len(self.bad_rows) < _BAD_ROWS_KEPT:
            self.bad_rows.append(fault)

    def __str__(self) -> str:
        times = f" ({_count(self.mismatches, 'mismatch', 'mismatches')})" if self.mismatches else ""
        drift = {
            "seen": f"the list changed while it was read{times}",
            "unverifiable": "changes may leave no trace",
        }
        totals = [f"{total:,}" for total in self.totals]
        totals = totals if len(totals) < 4 else [totals[0], "…", totals[-1]]
        parts = [
            f"{_count(self.rows, 'row')} in {_count(self.pages, 'page')}",
            _count(self.requests, "request") + (f" ({self.retries} repeated)" if self.retries else ""),
            f"held back for {self.waited:.2f} s in all" if self.waited >= 0.0005 else "",
            drift.get(self.drift, ""),
            f"{_count(self.gaps_closed, 'gap')} closed" if self.gaps_closed else "",
            f"{_count(self.gaps_open, 'gap')} not closed" if self.gaps_open else "",
            f"{_count(self.duplicates, 'duplicate')} dropped" if self.duplicates else "",
            "totals " + " → ".join(totals) if len(totals) > 1 else "",
            f"{_count(self.bad_row_count, 'row')} that could not be read" if self.bad_row_count else "",
            f"{_count(self.left_out, 'row')} that did not match left out" if self.left_out else "",
            *(
                f"{name} was ignored by the API: {_count(rows, 'row')} left out"
                for name, rows in self.ignored_filters.items()
            ),
            f"read {self.sweeps} times" if self.sweeps > 1 else "",
            "complete" if self.complete else f"not complete: {self.why}",
        ]
        return ", ".join(filter(None, parts))


@frozen
class Progress(Generic[T]):
    """How far a listing is when a page of it is emitted: the argument of ``prefetch(on_page=...)``.

    Attributes:
        page: The page.
        rows: Rows of the pages emitted so far, those of this page included. The report counts them when they are handed
            out, which this page's are not yet.
        report: The report, which is updated further.
        total: Rows in the whole listing, as the API said last, without regard to conditions it does not evaluate; None
            where it does not say.
        in_flight: Requests that are running.
        rate: Rows emitted per second since the first page was requested.
        left: Seconds until the end or the limit at this rate; None where the end is not known.
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
