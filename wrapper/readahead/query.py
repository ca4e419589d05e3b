"""The query: what the user builds. Immutable and lazy; every method that changes it answers with a new one."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from inspect import iscoroutinefunction
from typing import Any, Generic, Literal, Self, TypeVar

import anyio
from attrs import evolve, field, frozen

from .errors import CheckpointError, DecodeError, Resumable, UsageError, not_allowed, shown
from .explain import Explanation, ListingExplanation, expected_requests
from .filters import And, Condition, Fields, checked_extra, checked_order, read_condition, write_condition
from .filters.planner import Branch, Sieve, plan_branches, sieve
from .http.client import Sender
from .http.transport import Request, Response, generated_request
from .pages import Fetched, Page, Progress, Report
from .paging.checkpoint import Checkpoint, Partition
from .paging.ledger import Ledger, OnDrift
from .paging.plan import Plan, Span, Start
from .paging.stream import Engine, Fetch, Pages, Rows, Stream, find_parts
from .paging.styles import Style
from .paging.union import UnionPlan
from .paging.window import AutoWindow, Window
from .rows import RowReader, carries, decode_page

__all__ = ["Endpoint", "Query"]

T = TypeVar("T")
LARGEST_WINDOW = 256


@frozen
class Endpoint(Generic[T]):
    """What a binding says of one list endpoint.

    operation: method and path, for messages. request: the generated function that makes a request of parameters.
    fields: what conditions are made of. orders: the names that ``order_by`` takes, sent joined by commas.
    """

    operation: str
    request: Callable[..., dict[str, Any]]
    reader: RowReader[T]
    paging: Style
    fields: Fields = Fields()  # noqa: RUF009  it holds nothing that changes
    orders: tuple[str, ...] = ()


@frozen(eq=False)
class Query(Generic[T]):
    """A listing to be read: which rows, in which order, how many. Nothing is sent until it is read.

    Read it with ``async with query.prefetch() as rows`` (structured: nothing outlives the block) or plainly with
    ``async for row in query``.
    """

    _sender: Sender
    _listing: Endpoint[T] = field(repr=False)
    _condition: Condition | None = None
    _branches: tuple[Branch, ...] = field(default=(Branch(),), repr=False)  # what the condition comes to
    _order: tuple[str, ...] = ()
    _limit: int | None = None
    _page_size: int | None = None
    _extra: tuple[tuple[str, str], ...] = ()
    _place: Checkpoint | None = None  # of a partition

    # ---- what to read

    def filtered(self, conditions: Iterable[object], keywords: Mapping[str, object]) -> Self:
        """With more conditions, ANDed with those there are. Raises FilterError. The bindings type it as ``where``."""
        fields, keywords = self._listing.fields, dict(keywords)
        given = [*map(fields.checked, conditions), *fields.keywords(keywords)]
        if not given:
            return self
        self._is_whole(next(iter(keywords), "where"))
        both = [*([] if self._condition is None else [self._condition]), *given]
        condition = both[0] if len(both) == 1 else And(tuple(both))
        made = evolve(self, condition=condition, branches=plan_branches(condition, fields))
        return self._unambiguous(made, keywords or {"where": given[0]})

    def order_by(self, *names: str) -> Self:
        """Sorted by these fields, the first first. Replaces an earlier order. Raises FilterError."""
        self._is_whole("order_by")
        order = checked_order(names, self._listing.orders)
        return self._unambiguous(evolve(self, order=order), {"order_by": names})

    def limit(self, rows: int) -> Self:
        """At most so many rows in all, 1 or more. Raises FilterError."""
        return evolve(self, limit=_whole("limit", rows, 1, None))

    def page_size(self, rows: int) -> Self:
        """Rows to ask for in a page, from 1 to what the API allows, which is also the default. Raises FilterError."""
        self._is_whole("page_size")
        return evolve(self, page_size=_whole("page_size", rows, 1, self._listing.paging.largest))

    def extra_params(self, params: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """With query parameters that the wrapper does not know yet, sent as they are.

        Values: text, numbers, true or false, or a list of these (a repeated key). Raises FilterError for a paging
        parameter and for one that is set already.
        """
        self._is_whole("extra_params")
        given = {**(params or {}), **more}
        taken = {name for request in self._requests() for name, _ in request.params}
        return evolve(self, extra=self._extra + checked_extra(given, taken, self._listing.paging.parameters))

    # ---- reading

    def prefetch(
        self,
        window: "int | Literal['auto']" = "auto",
        *,
        ordered: bool = True,
        on_drift: OnDrift = "ignore",
        on_page: Callable[[Progress[T]], None] | None = None,
        on_bad_row: Literal["raise", "skip"] = "raise",
        resume: Resumable | str | None = None,
    ) -> Stream[T]:
        """Read ahead: ``async with query.prefetch() as rows: async for row in rows: ...``.

        window: pages asked for at once, or read and waiting, 1 to 256; "auto" looks for the largest that helps.
        ordered: False hands out each page as it arrives: the same rows, sooner.
        on_drift: what to do when rows moved while the list was read, besides saying so in the report: "warn" with a
        DriftWarning, "raise" a DriftError, or "reread": read the list again, at most 4 times in all, until it held
        still, and hand out what is new. That keeps every key in memory.
        on_page: called with the Progress of the listing, each time a page of it is handed out.
        on_bad_row: "skip" leaves out a row that cannot be read, and notes it in the report.
        resume: a checkpoint of the same query, its limit included: the rest of its rows. Raises CheckpointError for
        another's.
        """
        if window != "auto":
            _whole("window", window, 1, LARGEST_WINDOW, or_else='"auto"')
        _plain_function("on_page", on_page)
        _one_of("on_bad_row", on_bad_row, "raise", "skip")
        _one_of("on_drift", on_drift, "ignore", "warn", "raise", "reread")
        place = self._place if resume is None else self._check(Checkpoint.from_json(resume))
        return Stream(self._engine(window, place, ordered, on_drift, on_page, skip_bad_rows=on_bad_row == "skip"))

    def __aiter__(self) -> Rows[T]:
        return Rows(self._engine("auto", self._place))

    def pages(self) -> Pages[T]:
        """Page by page, read ahead like rows: ``async for page in query.pages()``."""
        return aiter(self).pages()

    async def first_page(self) -> Page[T]:
        """The first page alone, one request: those of its rows that match. Of several listings, the first one's."""
        page, _ = await self._first_page()
        return page

    async def _first_page(self) -> tuple[Page[T], Report]:
        ledger = Ledger()
        span = self._plan(1, self._place).next_request()
        if span is None:
            return Page((), total=0, status=None, headers={}, request_id=None, position={}), ledger.report
        fetched = await self._fetcher(ledger.report, Window(1))(span)
        rows: list[T] = []
        for key, row in zip(fetched.keys, fetched.rows, strict=True):
            if isinstance(row, DecodeError):
                raise row
            if ledger.admits(fetched, key):
                rows.append(row)
        return fetched.page(tuple(rows[: self._limit]), dict(span.position)), ledger.report

    async def first(self) -> T | None:
        """The first row, or None if there is none: one request, unless rows have to be looked through for it."""
        one = self.limit(1)
        page, report = await one._first_page()  # noqa: SLF001  it is one of us
        if page.rows or not (report.left_out or report.ignored_filters or len(self._branches) > 1):
            return next(iter(page), None)
        async with one.prefetch() as rows:
            return await anext(rows, None)

    async def count(self) -> int:
        """How many rows there are, at most ``limit``: one request where the API says so, else a listing."""
        if self._is_plain and self._says_total and self._place is None:
            page, report = await evolve(self, limit=None, page_size=1)._first_page()  # noqa: SLF001  it is one of us
            if page.total is not None and not report.ignored_filters:
                return page.total if self._limit is None else min(page.total, self._limit)
        async with self.prefetch(ordered=False) as stream:
            return sum([len(page) async for page in stream.pages()])

    async def explain(self) -> Explanation:
        """How this will be read: listings and their parameters, what is evaluated on rows, how many requests.

        It asks for one row of each listing, where the API says totals; ``str(query)`` says the rest without asking.
        """
        fetch, totals = self._fetcher(Report(), Window(1)), list[int | None]()
        for index in range(len(self._branches)):
            span = self._listing.paging.exactly(0, 1) if self._says_total else None
            totals.append(None if span is None else (await fetch(evolve(span, branch=index))).total)
        return self._explained(totals)

    def __str__(self) -> str:
        return str(self._explained([None] * len(self._branches)))

    async def to_list(self) -> list[T]:
        """All rows, in memory."""
        async with self.prefetch() as rows:
            return [row async for row in rows]

    async def partitions(self, parts: int) -> list[Partition]:
        """The listing in at most so many parts of about the same size, for other processes or machines.

        ``client.customers.partition(part)`` is the query of one. On a quiet list they are disjoint, and together they
        are the listing. It takes a request a part, and where the API names no total, some more to find the end.
        Raises UsageError for a query with a limit or of several listings, and for an API that pages by cursor.
        """
        _whole("parts", parts, 1, 10_000)
        if self._limit is not None or self._place is not None:
            raise UsageError("partitions: a query with a limit, or one that is a part itself, cannot be parted")
        if len(self._branches) > 1:
            raise UsageError(
                f"partitions: this query takes {len(self._branches)} listings, and a part is a stretch of one; make a "
                "query of each side of | and part these"
            )
        fetch = self._fetcher(Report(), Window(1))
        later = await find_parts(self._listing.paging, parts, fetch, self._size()) if not self._is_empty else []
        starts = [Start(), *later]
        stops = [*(start.keys for start in later), ()]
        return [
            Partition(self._described(), self._bound(evolve(start, stop=stop), 0))
            for start, stop in zip(starts, stops, strict=True)
        ]

    def partition(self, part: Partition | str) -> Self:
        """The query of one part that ``partitions`` gave, on this client. Raises CheckpointError.

        A part carries its own filter, order and page size: it is asked for as ``client.customers.partition(part)``.
        """
        built = (self._condition, self._order, self._limit, self._page_size, self._extra, self._place)
        if any(given not in (None, ()) for given in built):
            raise UsageError("partition: a part is a query of its own; write client.customers.partition(part)")
        part = Partition.from_json(part)
        made = self._rebuilt(part.query)
        return evolve(made, place=made._check(part.checkpoint))  # noqa: SLF001  it is one of us

    # ---- how it is read

    @property
    def _is_empty(self) -> bool:
        # Conditions that contradict each other: no request is needed to know the answer.
        return not self._branches

    @property
    def _is_plain(self) -> bool:
        # What the API sends is the answer; a limit is a number of its rows.
        return len(self._branches) < 2 and all(branch.local is None for branch in self._branches)

    @property
    def _says_total(self) -> bool:
        return self._listing.reader.total is not None and not self._listing.reader.bare

    @property
    def _must_remember(self) -> bool:
        return any(branch.blind for branch in self._branches)

    def _size(self) -> int:
        largest = self._listing.paging.largest
        return self._page_size or (min(largest, self._limit or largest) if self._is_plain else largest)

    def _plan(self, window: int, place: Checkpoint | None, *, ordered: bool = True) -> Plan:
        limit = self._limit if self._limit is None or place is None else max(0, self._limit - place.rows)
        start, style = Start() if place is None else place.start, self._listing.paging

        def plan(start: Start) -> Plan:
            # Where rows are left out, a limit says nothing of how many to ask for: the engine sees to it.
            asked = limit if self._is_plain else None
            return style.plan(self._size(), window, limit=asked, ordered=ordered, start=start)

        if len(self._branches) < 2:
            made = plan(start)
        else:
            following = [Start() for _ in self._branches[start.branch + 1 :]]
            made = UnionPlan(window, limit, ordered, start, [plan(each) for each in (start, *following)], start.branch)
        made.ended = made.ended or self._is_empty or limit == 0
        return made

    def _engine(
        self,
        window: "int | Literal['auto']",
        place: Checkpoint | None,
        ordered: bool = True,  # noqa: FBT001, FBT002
        on_drift: OnDrift = "ignore",
        on_page: Callable[[Progress[T]], None] | None = None,
        *,
        skip_bad_rows: bool = False,
    ) -> Engine[T]:
        size = AutoWindow() if window == "auto" else Window(window)
        given = 0 if place is None else place.rows
        ledger = Ledger(
            limit=None if self._limit is None else self._limit - given,
            skip_bad_rows=skip_bad_rows,
            on_drift=on_drift,
            remember=self._must_remember,
        )

        def bind(start: Start, handed_out: int) -> Checkpoint:
            if not ordered:
                raise UsageError("checkpoint: rows that are handed out as they arrive have no place; use ordered=True")
            if self._must_remember:
                raise UsageError(
                    "checkpoint: this query takes several listings whose rows are told apart by the keys handed out so "
                    "far, which a checkpoint does not hold; read each side of | as a query of its own"
                )
            return self._bound(start, given + handed_out)

        return Engine(
            lambda: self._plan(size.size, place, ordered=ordered),
            self._fetcher(ledger.report, size),
            ledger,
            size,
            on_page=on_page,
            bind=bind,
        )

    def _fetcher(self, report: Report, window: Window) -> Fetch[T]:
        # One frozen request for every page of a listing; only the position changes.
        sender, listing, requests = self._sender, self._listing, self._requests()
        sieves = [sieve(branch, listing.fields) for branch in self._branches]
        turn = anyio.Lock()

        async def fetch(span: Span) -> Fetched[T]:
            asked = evolve(requests[span.branch], position=span.position)
            answer = await sender.send(asked, report, pushed_back=window.pushed_back)
            async with turn:  # one page a turn of the loop, and its rows are taken before the next ones are made
                fetched = decode_page(answer, listing.reader)
            through = sieves[span.branch]
            return fetched if through.is_open else _sifted(fetched, through, answer, listing.reader)

        return fetch

    def _explained(self, totals: list[int | None]) -> Explanation:
        listing, size = self._listing, self._size()
        limit = self._limit if self._is_plain else None
        return Explanation(
            tuple(
                ListingExplanation(
                    listing.operation,
                    request.params,
                    branch.local,
                    branch.skip,
                    listing.paging.name,
                    size,
                    total,
                    None if total is None else expected_requests(listing.paging, size, total, limit),
                )
                for request, branch, total in zip(self._requests(), self._branches, totals, strict=True)
            ),
            self._limit,
            self._must_remember,
        )

    # ---- places in it

    def _bound(self, start: Start, given: int) -> Checkpoint:
        return Checkpoint.of(self._fingerprint(), start, given)

    def _check(self, place: Checkpoint) -> Checkpoint:
        if place.query != self._fingerprint():
            raise CheckpointError(
                "checkpoint: it belongs to another query or client: the API and its address, the credentials, the "
                "filters, the order, the limit, the page size and the extra parameters must be the same"
            )
        return place

    def _fingerprint(self) -> str:
        described = self._described()
        return self._sender.fingerprint(self._listing.operation, *(described[name] for name in sorted(described)))

    def _described(self) -> dict[str, Any]:
        return {
            "where": None if self._condition is None else write_condition(self._condition, self._listing.fields),
            "order": list(self._order),
            "size": self._size() if self._limit is None else self._page_size,
            "extra": [list(pair) for pair in self._extra],
        }

    def _rebuilt(self, described: Mapping[str, Any]) -> Self:
        fields = self._listing.fields
        try:
            where = described["where"]
            condition = None if where is None else fields.checked(read_condition(where, fields))
            extra = tuple((str(name), str(value)) for name, value in described["extra"])
            order, size = tuple(map(str, described["order"])), int(described["size"])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise CheckpointError("partition: its query is not one of ours") from None
        branches = plan_branches(condition, fields)
        return evolve(
            self, condition=condition, branches=branches, order=order, page_size=size, extra=extra, limit=None
        )

    def _is_whole(self, asked: str) -> None:
        if self._place is not None:
            raise UsageError(f"{asked}: a part is a stretch of one listing; ask for this before partitions()")

    def _unambiguous(self, query: Self, given: Mapping[str, object]) -> Self:
        """The query, if it can be sent as it is: extra_params sets nothing else again, and one listing has an order."""
        name, value = next(iter(given.items()))
        sent = {name for request in evolve(query, extra=())._requests() for name, _ in request.params}  # noqa: SLF001
        for extra, _ in self._extra:
            if extra in sent:
                raise not_allowed(name, value, f"not given, since extra_params has set {extra!r}")
        listings = len(query._branches)
        if query._order and listings > 1:
            raise not_allowed(
                name,
                value,
                f"not given, since this query takes {listings} listings, and order_by holds within each of them alone; "
                "leave it out and sort the rows, or read each side of | as a query of its own",
            )
        return query

    def _requests(self) -> list[Request]:
        """Of each listing, filters, order and extra parameters as sent, by way of the generated request function."""
        return [self._request(branch) for branch in self._branches]

    def _request(self, branch: Branch) -> Request:
        fields = self._listing.fields.declared
        given = {str(fields[name].param): fields[name].encode(values) for name, values in branch.pushed.items()}
        if self._order:
            given["order_by"] = ",".join(self._order)
        made = generated_request(self._listing.operation, self._listing.request(**given))
        # The generated function sends the document's defaults for page and size; the plan sets them instead.
        params = tuple(pair for pair in made.params if pair[0] not in self._listing.paging.parameters)
        return evolve(made, params=params + self._extra)


def _sifted(fetched: Fetched[T], through: Sieve, answer: Response, reader: RowReader[T]) -> Fetched[T]:
    """An answer, and which of its rows are not handed out."""
    left_out: set[Hashable] = set()
    ignored: dict[Hashable, tuple[str, ...]] = {}
    for index, (key, row) in enumerate(zip(fetched.keys, fetched.rows, strict=True)):
        if isinstance(row, DecodeError):
            continue
        # A row that does not say contradicts nothing; a null does.
        names = [
            known.name for known in through.contradicted(row) if carries(answer, reader, index, row, known.attr or "")
        ]
        if names:
            ignored[key] = tuple(names)
        elif not through.passes(row):
            left_out.add(key)
    uncounted = fetched.uncounted | left_out | ignored.keys()
    return evolve(fetched, uncounted=uncounted, left_out=frozenset(left_out), ignored=ignored)


def _one_of(name: str, given: object, *allowed: str) -> None:
    if given not in allowed:
        raise UsageError(f"{name}: {given!r} was given; allowed is {' or '.join(map(repr, allowed))}")


def _plain_function(name: str, given: object) -> None:
    if given is not None and (not callable(given) or iscoroutinefunction(given)):
        raise UsageError(f"{name}: {shown(given)} was given; allowed is a plain function, not a coroutine function")


def _whole(name: str, given: object, least: int, most: int | None, *, or_else: str = "") -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < least or (most is not None and given > most):
        allowed = f"a whole number from {least} to {most}" if most is not None else f"a whole number, at least {least}"
        raise not_allowed(name, given, f"{or_else} or {allowed}" if or_else else allowed)
    return given
