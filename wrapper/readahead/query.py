"""The query: what the user builds. Immutable and lazy; every method that changes it answers with a new one."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, Self, TypeVar, cast

from attrs import evolve, field, frozen

from .client import Client
from .errors import CheckpointError, DecodeError, FilterError, UsageError
from .filters import Keyword, checked_extra, checked_order, filter_values, meet
from .pages import Page, Report
from .paging.checkpoint import Checkpoint, Partition
from .paging.parts import find_seams
from .paging.plans import Plan, Span, Start, Style
from .paging.stream import Engine, Fetch, Fetched, OnDrift, Pages, Rows, Stream
from .paging.window import AutoWindow, Window
from .rows import RowReader, decode_page
from .transport import Request, generated_request

__all__ = ["Listing", "Query"]

T = TypeVar("T")
LARGEST_WINDOW = 256


@frozen
class Listing(Generic[T]):
    """What a binding says of one list endpoint.

    operation: method and path, for messages. request: the generated function that makes a request of parameters.
    orders: the names that ``order_by`` takes, sent joined by commas.
    """

    operation: str
    request: Callable[..., dict[str, Any]]
    reader: RowReader[T]
    paging: Style
    keywords: tuple[Keyword, ...] = ()
    orders: tuple[str, ...] = ()


@frozen(eq=False)
class Query(Generic[T]):
    """A listing to be read: which rows, in which order, how many. Nothing is sent until it is read.

    Read it with ``async with query.prefetch() as rows`` (structured: nothing outlives the block) or plainly with
    ``async for row in query``.
    """

    _client: Client
    _listing: Listing[T] = field(repr=False)
    _filters: Mapping[str, tuple[str, ...]] = field(factory=dict[str, tuple[str, ...]])
    _order: tuple[str, ...] = ()
    _limit: int | None = None
    _page_size: int | None = None
    _extra: tuple[tuple[str, str], ...] = ()
    _place: Checkpoint | None = None  # of a partition

    # ---- what to read

    def filtered(self, given: Mapping[str, object]) -> Self:
        """With more filters, ANDed with those there are. Raises FilterError. The bindings type it as ``where``."""
        filters = dict(self._filters)
        by_name = {keyword.name: keyword for keyword in self._listing.keywords}
        for name, values in filter_values(self._listing.keywords, given).items():
            filters[name] = meet(by_name[name], filters[name], values) if name in filters else values
        return self._unambiguous(evolve(self, filters=filters), given)

    def order_by(self, *names: str) -> Self:
        """Sorted by these fields, the first first. Replaces an earlier order. Raises FilterError."""
        order = checked_order(names, self._listing.orders)
        return self._unambiguous(evolve(self, order=order), {"order_by": names})

    def limit(self, rows: int) -> Self:
        """At most so many rows in all, 1 or more. Raises FilterError."""
        return evolve(self, limit=_whole("limit", rows, 1, None))

    def page_size(self, rows: int) -> Self:
        """Rows to ask for in a page, from 1 to what the API allows, which is also the default. Raises FilterError."""
        return evolve(self, page_size=_whole("page_size", rows, 1, self._listing.paging.largest))

    def extra_params(self, params: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """With query parameters that the wrapper does not know yet, sent as they are.

        Values: text, numbers, true or false, or a list of these (a repeated key). Raises FilterError for a paging
        parameter and for one that is set already.
        """
        given = {**(params or {}), **more}
        taken = {name for name, _ in self._request().params}
        return evolve(self, extra=self._extra + checked_extra(given, taken, self._listing.paging.parameters))

    # ---- reading

    def prefetch(
        self,
        window: "int | Literal['auto']" = "auto",
        *,
        ordered: bool = True,
        on_drift: OnDrift = "ignore",
        on_page: Callable[[Page[T], Report], None] | None = None,
        on_bad_row: Literal["raise", "skip"] = "raise",
        resume: Checkpoint | str | None = None,
    ) -> Stream[T]:
        """Read ahead: ``async with query.prefetch() as rows: async for row in rows: ...``.

        window: pages asked for at once, or read and waiting, 1 to 256; "auto" looks for the largest that helps.
        ordered: False hands out each page as it arrives: the same rows, sooner.
        on_drift: what to do when rows moved while the list was read, besides saying so in the report: "warn" with a
        DriftWarning, "raise" a DriftError, or "reread": read the list again, at most 4 times in all, until it held
        still, and hand out what is new. That keeps every key in memory.
        on_page: called with each page as it is handed out, and the report so far.
        on_bad_row: "skip" leaves out a row that cannot be read, and notes it in the report.
        resume: a checkpoint of the same query: the rest of its rows. Raises CheckpointError for another's.
        """
        if window != "auto":
            _whole("window", window, 1, LARGEST_WINDOW)
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
        """The first page alone: one request."""
        span = self._plan(1, self._place).ask()
        if span is None:
            return Page((), total=0, status=None, headers={}, request_id=None, position={})
        fetched = await self._fetcher(Report(), Window(1))(span)
        for row in fetched.rows:
            if isinstance(row, DecodeError):
                raise row
        return evolve(fetched.page, rows=cast("tuple[T, ...]", fetched.rows[: self._limit]))

    async def first(self) -> T | None:
        """The first row, or None if there is none: one request."""
        return next(iter(await self.limit(1).first_page()), None)

    async def count(self) -> int:
        """How many rows there are, at most ``limit``: one request where the API says so, else a listing."""
        if self._listing.reader.total and not self._listing.reader.bare and self._place is None:
            page = await evolve(self, limit=None, page_size=1).first_page()
            if page.total is not None:
                return page.total if self._limit is None else min(page.total, self._limit)
        async with self.prefetch(ordered=False) as stream:
            return sum([len(page) async for page in stream.pages()])

    async def to_list(self) -> list[T]:
        """All rows, in memory."""
        async with self.prefetch() as rows:
            return [row async for row in rows]

    async def partitions(self, parts: int) -> list[Partition]:
        """The listing in at most so many parts of about the same size, for other processes or machines.

        ``client.customers.partition(part)`` is the query of one. On a quiet list they are disjoint, and together they
        are the listing. It takes a request a part, and where the API names no total, some more to find the end.
        Raises UsageError for a query with a limit, and for an API that pages by cursor.
        """
        _whole("parts", parts, 1, 10_000)
        if self._limit is not None or self._place is not None:
            raise UsageError("partitions: a query with a limit, or one that is a part itself, cannot be parted")
        fetch = self._fetcher(Report(), Window(1))
        seams = await find_seams(self._listing.paging, parts, fetch, self._size()) if not self._is_empty else []
        starts = [Start(), *seams]
        stops = [*(seam.keys for seam in seams), ()]
        return [
            Partition(self._described(), self._bound(evolve(start, stop=stop), 0))
            for start, stop in zip(starts, stops, strict=True)
        ]

    def partition(self, part: Partition | str) -> Self:
        """The query of one part that ``partitions`` gave, on this client. Raises CheckpointError."""
        part = Partition.from_json(part)
        made = self._rebuilt(part.query)
        return evolve(made, place=made._check(part.checkpoint))  # noqa: SLF001  it is one of us

    # ---- how it is read

    @property
    def _is_empty(self) -> bool:
        # Filters that contradict each other: no request is needed to know the answer.
        return any(not values for values in self._filters.values())

    def _size(self) -> int:
        largest = self._listing.paging.largest
        return self._page_size or min(largest, self._limit or largest)

    def _plan(self, window: int, place: Checkpoint | None, *, ordered: bool = True) -> Plan:
        limit = self._limit if self._limit is None or place is None else max(0, self._limit - place.given)
        start = Start() if place is None else place.start
        plan = self._listing.paging.plan(self._size(), window, limit=limit, ordered=ordered, start=start)
        plan.done = self._is_empty or limit == 0
        return plan

    def _engine(
        self,
        window: "int | Literal['auto']",
        place: Checkpoint | None,
        ordered: bool = True,  # noqa: FBT001, FBT002
        on_drift: OnDrift = "ignore",
        on_page: Callable[[Page[T], Report], None] | None = None,
        *,
        skip_bad_rows: bool = False,
    ) -> Engine[T]:
        report, size = Report(), AutoWindow() if window == "auto" else Window(window)
        given = 0 if place is None else place.given

        def bind(start: Start, handed_out: int) -> Checkpoint:
            if not ordered:
                raise UsageError("checkpoint: rows that are handed out as they arrive have no place; use ordered=True")
            return self._bound(start, given + handed_out)

        return Engine(
            lambda: self._plan(size.size, place, ordered=ordered),
            self._fetcher(report, size),
            report,
            size,
            limit=None if self._limit is None else self._limit - given,
            skip_bad_rows=skip_bad_rows,
            on_drift=on_drift,
            on_page=on_page,
            bind=bind,
        )

    def _fetcher(self, report: Report, window: Window) -> Fetch[T]:
        # One frozen request for every page of the listing; only the position changes.
        client, listing, request = self._client, self._listing, self._request()

        async def fetch(span: Span) -> Fetched[T]:
            asked = evolve(request, position=span.position)
            answer = await client.send(asked, report, pushed_back=window.pushed_back)
            rows, seen = decode_page(answer, listing.reader)
            position = dict(span.position)
            page = Page[T]((), seen.total, answer.status, answer.headers, answer.request_id, position)
            return Fetched(page, rows, seen, answer.seconds)

        return fetch

    # ---- places in it

    def _bound(self, start: Start, given: int) -> Checkpoint:
        return Checkpoint.of(self._fingerprint(), start, given)

    def _check(self, place: Checkpoint) -> Checkpoint:
        if place.query != self._fingerprint():
            raise CheckpointError(
                "checkpoint: it belongs to another query or client: the API and its address, the credentials, the "
                "filters, the order, the page size and the extra parameters must be the same"
            )
        return place

    def _fingerprint(self) -> str:
        described = self._described()
        return self._client.fingerprint(self._listing.operation, *(described[name] for name in sorted(described)))

    def _described(self) -> dict[str, Any]:
        return {
            "filters": {name: list(values) for name, values in sorted(self._filters.items())},
            "order": list(self._order),
            "size": self._size() if self._limit is None else self._page_size,
            "extra": [list(pair) for pair in self._extra],
        }

    def _rebuilt(self, described: Mapping[str, Any]) -> Self:
        try:
            filters = {str(name): tuple(map(str, values)) for name, values in described["filters"].items()}
            extra = tuple((str(name), str(value)) for name, value in described["extra"])
            order, size = tuple(map(str, described["order"])), int(described["size"])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise CheckpointError("partition: its query is not one of ours") from None
        return evolve(self, filters=filters, order=order, page_size=size, extra=extra, limit=None)

    def _unambiguous(self, query: Self, given: Mapping[str, object]) -> Self:
        """The query, if what was given to make it is not sent by extra_params as well. Raises FilterError."""
        sent = {name for name, _ in evolve(query, extra=())._request().params}  # noqa: SLF001  it is one of us
        for name, _ in self._extra:
            if name in sent:
                keyword, value = next(iter(given.items()))
                raise FilterError(keyword, value, f"not given, since extra_params has set {name!r}")
        return query

    def _request(self) -> Request:
        """Filters, order and extra parameters as they are sent, by way of the generated request function."""
        by_name = {keyword.name: keyword for keyword in self._listing.keywords}
        given = {by_name[name].parameter: by_name[name].send(values) for name, values in self._filters.items()}
        if self._order:
            given["order_by"] = ",".join(self._order)
        made = generated_request(self._listing.operation, self._listing.request(**given))
        # The generated function sends the document's defaults for page and size; the plan sets them instead.
        params = tuple(pair for pair in made.params if pair[0] not in self._listing.paging.parameters)
        return evolve(made, params=params + self._extra)


def _one_of(name: str, given: object, *allowed: str) -> None:
    if given not in allowed:
        raise UsageError(f"{name}: {given!r} was given; allowed is {' or '.join(map(repr, allowed))}")


def _whole(name: str, given: object, least: int, most: int | None) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < least or (most is not None and given > most):
        allowed = f"a whole number from {least}" + (f" to {most}" if most is not None else "")
        raise FilterError(name, given, allowed)
    return given
