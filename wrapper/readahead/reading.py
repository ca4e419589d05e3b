"""How a selection of an endpoint is read: its requests, its plan, which rows belong to it, what it will cost.

One selection may take several listings, one a branch of its condition. ``requests`` are built once; a page adds only
its position to one of them.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property, reduce
from operator import itemgetter
from typing import Any, Generic, Literal, Self, TypeVar

import anyio
from attrs import Factory, evolve, field, frozen

from .endpoint import Endpoint, checked_id, request_for
from .errors import CheckpointError, ComparisonError, DecodeError, FilterError, UsageError, kind_of
from .explain import Explanation, ListingExplanation, expected_requests
from .filters import Condition, Incomparable
from .filters.planner import Branch, NormalForm, RowFilter
from .following import Source, follow, place
from .http.deadline import Deadline, checked_deadline
from .http.fingerprint import VERSION
from .http.observe import ListingWatch
from .http.request import Request
from .http.sender import Sender
from .locations import Header
from .pages import Fetched, Page, Progress, Report
from .paging.checkpoint import Checkpoint
from .paging.ledger import OnDrift
from .paging.plan import Plan, Span, Start
from .paging.stream import Engine, Fetch
from .paging.union import UnionPlan
from .paging.window import AutoWindow, Window
from .rows import carries, read_page
from .selection import Selection
from .watching import WatchedLedger

__all__ = ["Reading"]

T = TypeVar("T")
_name = itemgetter(0)
_FINGERPRINT = re.compile(r"(?:(\d+):)?[0-9a-f]{32}")  # the first release that made them named no version


def _checked_arguments(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: checked_id(name, value) if isinstance(value, str) else value for name, value in arguments.items()}


@frozen
class Reading(Generic[T]):
    """One selection of an endpoint, ready to be read.

    Attributes:
        arguments: What the generated function takes besides filters and order, by its names: the parameters of the
            path, such as ``{"owner": owner, "repo": repo}``, or a body. Text is checked as an id is.
        selection: Which rows, in which order, how many.
        form: The condition in the form that one more condition narrows.
        slices: Conditions that exclude each other; rows meet one of them. Without any, they meet ``form`` alone.
        branches: The listings that these take; none if no row can match.
        start: Where a partition begins, and where it stops.
        deadline: Of all that is read of it; without one, each listing has the client's to itself.
    """

    sender: Sender
    endpoint: Endpoint[T] = field(repr=False)
    arguments: Mapping[str, Any] = field(factory=dict[str, Any], converter=_checked_arguments, hash=False, repr=False)
    selection: Selection = field(factory=Selection)
    form: NormalForm = field(
        default=Factory(lambda self: NormalForm(self.endpoint.fields, self.endpoint.kinds), takes_self=True), repr=False
    )
    slices: tuple[Condition, ...] = field(default=(), repr=False)
    branches: tuple[Branch, ...] = field(default=(Branch(),), repr=False)
    start: Checkpoint | None = None
    deadline: Deadline | None = field(default=None, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.endpoint.check_arguments(self.arguments)

    def timed(self, seconds: float | None = None) -> Self:
        """Return this reading with one deadline for all that is read of it, the client's if none is given.

        Raises:
            UsageError: It is no positive number.
        """
        return evolve(self, deadline=Deadline(self.sender.deadline if seconds is None else checked_deadline(seconds)))

    def narrow(self, *conditions: Condition) -> Self:
        """Return the reading of the rows that meet these conditions as well.

        Raises:
            FilterError: The API cannot be asked for it, and rows cannot tell.
        """
        form = reduce(NormalForm.narrowed, conditions, self.form)
        narrowed = evolve(self, form=form, branches=_branches(form, self.slices))
        return narrowed.select(evolve(self.selection, condition=self.selection.narrowed(*conditions)))

    def sliced(self, slices: tuple[Condition, ...]) -> Self:
        """Return the reading of the rows that meet one of these conditions, which exclude each other.

        Raises:
            FilterError: The API cannot be asked for one of them, or it has an order.
        """
        return evolve(self, slices=slices, branches=_branches(self.form, slices)).select(self.selection)

    def select(self, selection: Selection) -> Self:
        """Return the reading of another selection with the same condition.

        Raises:
            FilterError: It cannot be sent.
        """
        if selection.order and len(self.branches) > 1:
            raise FilterError(
                "order_by", f"order_by() cannot span {len(self.branches)} listings; sort the rows or split the query"
            )
        reading = evolve(self, selection=selection)
        if not reading.missing:  # the next call may give it
            _ = reading.requests  # what cannot be sent is refused here
        return reading

    # ---- what is sent

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """The request of each branch, without a position.

        Raises:
            FilterError: A required parameter has no value.
        """
        for name, how in self.missing.items():
            each = " on each side of |" if len(self.branches) > 1 else ""
            message = f"{self.endpoint.operation.OPERATION} needs {name!r}; give it with {how}{each}"
            raise FilterError(name, message)
        return tuple(map(self._request, self.branches))

    @property
    def missing(self) -> Mapping[str, str]:
        """Required arguments that a branch has no value for, and what a query gives each with."""
        found = (self.endpoint.missing(self._arguments(branch)) for branch in self.branches)
        return next(filter(None, found), dict[str, str]())

    def _arguments(self, branch: Branch) -> dict[str, Any]:
        endpoint = self.endpoint
        pushed = branch.arguments(endpoint.fields, endpoint.kinds)
        arguments = {**endpoint.needed, **self.arguments, **pushed}
        if self.selection.order and endpoint.order is not None:
            arguments |= endpoint.order.arguments(
                self.selection.order, takes_list=endpoint.takes_list(endpoint.order.param)
            )
        return arguments

    def _request(self, branch: Branch) -> Request:
        endpoint, extra, arguments = self.endpoint, self.selection.extra, self._arguments(branch)
        request = evolve(request_for(endpoint.operation, **arguments), safe=True)
        # The generated function sends the document's defaults for page and size; the plan sets them instead.
        params = tuple(pair for pair in request.params if pair[0] not in endpoint.paging.parameters)
        if twice := dict(params).keys() & dict(extra).keys():
            name = min(twice)
            raise FilterError(name, f"{name!r} is already set by extra_params(); set it in one place only")
        return evolve(request, params=params + extra)

    # ---- what is known before anything is sent

    @property
    def is_empty(self) -> bool:
        """Whether conditions contradict each other, so that no row can match."""
        return not self.branches

    @property
    def is_plain(self) -> bool:
        """Whether all rows of one listing belong to it, so that a limit is a number of the API's rows."""
        return len(self.branches) < 2 and all(branch.local is None for branch in self.branches)

    @property
    def has_total(self) -> bool:
        """Whether the API is known to say how many rows there are."""
        reader = self.endpoint.reader
        return reader.total is not None and (not reader.bare or isinstance(reader.total, Header))

    @property
    def keeps_keys(self) -> bool:
        """Whether rows cannot tell which branch they belong to, so that the keys of all rows are kept."""
        return any(branch.blind for branch in self.branches)

    @property
    def page_size(self) -> int:
        """Rows to request in a page."""
        largest, limit = self.endpoint.paging.largest, self.selection.limit
        if self.endpoint.paging.page_size is None:
            return largest
        least = max(self.endpoint.smallest, min(largest, limit or largest))
        return self.selection.page_size or (least if self.is_plain else largest)

    def explain(self, totals: "list[int | None] | None" = None) -> Explanation:
        """Return how it is read. ``totals``: rows in the listing of each branch, where known."""
        selection, style = self.selection, self.endpoint.paging
        limit = selection.limit if self.is_plain else None
        return Explanation(
            tuple(
                ListingExplanation(
                    self.endpoint.operation.OPERATION,
                    request.params,
                    branch.local,
                    branch.skip,
                    style.name,
                    self.page_size,
                    total,
                    None if total is None else expected_requests(style, self.page_size, total, limit),
                )
                for request, branch, total in zip(
                    self.requests, self.branches, totals or [None] * len(self.branches), strict=True
                )
            ),
            selection.limit,
            self.keeps_keys,
            len(self.slices),
            style.limits,
        )

    # ---- reading

    def plan(self, window: int, checkpoint: Checkpoint | None, *, ordered: bool = True, sweep: int = 1) -> Plan:
        """Return a plan of all its listings, from a checkpoint on if there is one.

        Each sweep has a page size of its own: where the order depends on offset and limit, other rows come together.
        """
        limit = self.selection.limit
        if limit is not None and checkpoint is not None:
            limit = max(0, limit - checkpoint.rows)
        start, style = Start() if checkpoint is None else checkpoint.start, self.endpoint.paging
        size = self.page_size
        if style.page_size is not None:
            size = max(self.endpoint.smallest, size - (sweep - 1) * size // 7)

        def of_branch(start: Start) -> Plan:
            # Where rows are left out, a limit says nothing about how many to request: the engine sees to it.
            rows = limit if self.is_plain else None
            return style.plan(size, window, limit=rows, ordered=ordered, start=start)

        if len(self.branches) < 2:
            plan = of_branch(start)
        else:
            later = [Start() for _ in self.branches[start.branch + 1 :]]
            plans = list(map(of_branch, (start, *later)))
            plan = UnionPlan(window, limit, ordered, start, plans, start.branch)
        plan.ended = plan.ended or self.is_empty or limit == 0
        return plan

    def engine(
        self,
        window: "int | Literal['auto']",
        checkpoint: Checkpoint | None,
        *,
        ordered: bool = True,
        on_drift: OnDrift = "ignore",
        on_page: Callable[[Progress[T]], None] | None = None,
        skip_bad_rows: bool = False,
    ) -> Engine[T]:
        """Return what runs the plan, from a checkpoint on if there is one."""
        size = AutoWindow() if window == "auto" else Window(window)
        limit, before = self.selection.limit, 0 if checkpoint is None else checkpoint.rows

        def bind(start: Start, rows: int) -> Checkpoint:
            if not ordered:
                raise UsageError("a stream with ordered=False has no checkpoint; use ordered=True")
            if self.keeps_keys:
                raise UsageError(
                    "this query has no checkpoint: it takes several listings whose rows are told apart by all keys so "
                    "far; read each side of | as a query of its own"
                )
            return self.checkpoint(start, before + rows)

        listing = self.listing_watch()
        ledger = WatchedLedger(
            listing.report,
            limit=None if limit is None else limit - before,
            skip_bad_rows=skip_bad_rows,
            on_drift=on_drift,
            remember=self.keeps_keys,
            listing=listing,
        )
        return Engine(
            lambda: self.plan(size.size, checkpoint, ordered=ordered, sweep=ledger.report.sweeps),
            self.fetcher(ledger.report, size, listing),
            ledger,
            size,
            on_page=on_page,
            bind=bind,
        )

    def listing_watch(self) -> ListingWatch:
        """Return what tells log and traces of a listing."""
        return self.sender.watch.listing(self.endpoint.operation.OPERATION)

    def fetcher(self, report: Report, window: Window, listing: ListingWatch | None = None) -> Fetch[T]:
        """Return the function that fetches one page of a plan. ``listing``: what its requests belong to."""
        endpoint, requests, style = self.endpoint, self.requests, self.endpoint.paging
        row_filters = [RowFilter.of(branch, endpoint.fields, endpoint.kinds) for branch in self.branches]
        turn, deadline = anyio.Lock(), self.deadline or Deadline(self.sender.deadline)

        async def fetch(span: Span) -> Fetched[T]:
            request = place(style, requests[span.branch], span)
            if listing is not None:
                listing.window(window.size)
            response = await self.sender.send(
                request, report, pushed_back=window.pushed_back, deadline=deadline, listing=listing
            )
            async with turn:  # one page a turn of the loop, and its rows are taken before the next ones are decoded
                fetched, items = read_page(response, endpoint.reader)
                source = Source(requests[span.branch], response, items, endpoint.reader, self.sender.base_url)
                fetched = follow(style, fetched, source)
            row_filter = row_filters[span.branch]
            return fetched if row_filter.is_open else _sifted(fetched, row_filter, items, request)

        return fetch

    async def first_page(self) -> tuple[Page[T], Report, bool]:
        """Read the first page alone, with the rows that belong to it, its report, and whether there may be others."""
        ledger = WatchedLedger(listing=self.listing_watch())
        span = self.plan(1, None).next_request()
        if span is None:
            return Page((), total=0, status=None, headers={}, request_id=None, position={}), ledger.report, False
        fetched = await self.fetcher(ledger.report, Window(1))(span)
        rows: list[T] = []
        for key, row in zip(fetched.keys, fetched.rows, strict=True):
            if isinstance(row, DecodeError):
                raise row
            if ledger.admits(fetched, key):
                rows.append(row)
        more = (
            len(rows) < len(fetched.rows)
            or bool(fetched.total or fetched.more or fetched.failure)
            or fetched.next is not None
            or len(self.branches) > 1
        )
        position = {name: str(value) for name, value in span.position}
        return fetched.page(tuple(rows[: self.selection.limit]), position), ledger.report, more

    async def totals(self) -> list[int | None]:
        """Ask for one row of each listing, where the API says totals."""
        fetch, totals = self.fetcher(Report(), Window(1)), list[int | None]()
        for index in range(len(self.branches)):
            style = self.endpoint.paging
            least = style.exactly(0, self.endpoint.smallest) or style.exactly(0, style.largest)
            span = least if self.has_total else None
            totals.append(None if span is None else (await fetch(evolve(span, branch=index))).total)
        return totals

    # ---- checkpoints

    @property
    def fingerprint(self) -> str:
        """A text that is the same for the same query of the same client, in any process."""
        return self._fingerprint

    def checkpoint(self, start: Start, rows: int) -> Checkpoint:
        """Return a checkpoint of this reading. ``rows``: handed out so far."""
        return Checkpoint.of(self._fingerprint, start, rows)

    def check(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return the checkpoint, if it is one of this reading.

        Raises:
            CheckpointError: It belongs to another one.
        """
        if checkpoint.query != self._fingerprint:
            _check_release("checkpoint", checkpoint)
            raise CheckpointError(
                "this checkpoint belongs to another query, partition or client; base_url, credentials, filters, order, "
                "limit, page size and extra parameters must be the same"
            )
        return checkpoint

    def part(self, start: Start) -> Checkpoint:
        """Return where a partition of this reading begins, and where it stops."""
        return Checkpoint.of(self._fingerprint_of_parts, start, 0)

    def of_part(self, part: Checkpoint) -> Self:
        """Return the reading of a partition of this one.

        Raises:
            CheckpointError: It is a partition of another one.
        """
        if part.query != self._fingerprint_of_parts:
            _check_release("partition", part)
            raise CheckpointError(
                "this partition belongs to another API or client, or was changed; base_url and credentials must be the "
                "same"
            )
        return evolve(self, start=part)

    @cached_property
    def _fingerprint(self) -> str:
        return self.sender.fingerprint("checkpoint", *self._identity)

    @cached_property
    def _fingerprint_of_parts(self) -> str:
        return self.sender.fingerprint("partition", *self._identity)

    @property
    def _identity(self) -> tuple[object, ...]:
        """What tells this reading from any other: its requests as they are sent, and which of their rows it takes."""
        style, start = self.endpoint.paging, self.start
        return (
            # The order of parameters is that of the calls that added them, and changes nothing.
            [_identity_of(request) for request in self.requests],
            [[repr(branch.local), repr(branch.skip)] for branch in self.branches],
            [style.name, style.where, style.parameters, self.page_size],
            self.selection.limit,
            None if start is None else start.to_json(),
        )


def _identity_of(request: Request) -> tuple[object, ...]:
    return (
        request.method,
        request.path,
        # The order of parameters is that of the calls that added them, and changes nothing.
        tuple(sorted(request.params, key=_name)),
        (request.body or b"").decode(errors="replace"),
        request.headers,
        request.plain,
    )


def _branches(form: NormalForm, slices: Sequence[Condition]) -> tuple[Branch, ...]:
    if not slices:
        return form.branches()
    return tuple(branch for condition in slices for branch in form.narrowed(condition).branches())


def _check_release(what: str, checkpoint: Checkpoint) -> None:
    release = _FINGERPRINT.fullmatch(checkpoint.query)
    if release is not None and release[1] != VERSION:
        raise CheckpointError(
            f"this {what} belongs to another query, or to another release of readahead, which made fingerprints in "
            "another way; make a new one"
        )


def _sifted(fetched: Fetched[T], row_filter: RowFilter, items: Sequence[Any], request: Request) -> Fetched[T]:
    """Mark the rows that are not handed out. A row that a condition cannot be compared with gives way to an error."""
    left_out: set[Hashable] = set()
    ignored: dict[Hashable, tuple[str, ...]] = {}
    errors: dict[Hashable, ComparisonError] = {}
    for index, (key, row) in enumerate(zip(fetched.keys, fetched.rows, strict=True)):
        if isinstance(row, DecodeError):
            continue
        contradicted = row_filter.contradicted(row)
        # A missing field contradicts nothing; a null does.
        names = [known.name for known in contradicted if carries(items[index], row, known.attr or "")]
        try:
            if names:
                ignored[key] = tuple(names)
            elif not row_filter.passes(row):
                left_out.add(key)
        except Incomparable as fault:
            errors[key] = _comparison_error(fault, request, index)
    rows = fetched.rows
    if errors:
        rows = tuple(errors.get(key, row) for key, row in zip(fetched.keys, rows, strict=True))
    uncounted = fetched.uncounted | left_out | ignored.keys() | errors.keys()
    return evolve(fetched, rows=rows, uncounted=uncounted, left_out=frozenset(left_out), ignored=ignored)


def _comparison_error(fault: Incomparable, request: Request, row: int) -> ComparisonError:
    kind = kind_of(fault.value)
    message = (
        f"a condition cannot be compared with it: expected {fault.expected}, received {kind}; compare it in your own "
        "code instead, or leave such rows out with on_bad_row='skip'"
    )
    return ComparisonError(message, request=str(request), row=row, field=fault.field, kind=kind)
