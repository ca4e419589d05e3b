"""The query: what the user builds. Immutable and lazy; every method that changes it answers with a new one."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Generic, Literal, Self, TypeVar

from attrs import evolve, field, frozen

from .client import Client
from .errors import FilterError, UsageError
from .filters import Keyword, checked_extra, checked_order, filter_values, meet
from .pages import Page, Report
from .paging.plans import Ask, Plan, Seen, Style
from .paging.stream import Engine, Fetch, Rows, Stream
from .rows import RowReader, decode_page
from .transport import Request, generated_request

__all__ = ["Listing", "Query"]

T = TypeVar("T")
WINDOW = 8
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

    # ---- what to read

    def filtered(self, given: Mapping[str, object]) -> Self:
        """With more filters, ANDed with those there are. Raises FilterError. The bindings type it as ``where``."""
        filters = dict(self._filters)
        by_name = {keyword.name: keyword for keyword in self._listing.keywords}
        for name, values in filter_values(self._listing.keywords, given).items():
            if any(parameter == by_name[name].parameter for parameter, _ in self._extra):
                raise FilterError(name, given[name], f"not given: extra_params has set {by_name[name].parameter!r}")
            filters[name] = meet(by_name[name], filters[name], values) if name in filters else values
        return evolve(self, filters=filters)

    def order_by(self, *names: str) -> Self:
        """Sorted by these fields, the first first. Replaces an earlier order. Raises FilterError."""
        return evolve(self, order=checked_order(names, self._listing.orders))

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
        window: int = WINDOW,
        *,
        ordered: bool = True,
        on_page: Callable[[Page[T], Report], None] | None = None,
        on_bad_row: Literal["raise", "skip"] = "raise",
    ) -> Stream[T]:
        """Read ahead: ``async with query.prefetch() as rows: async for row in rows: ...``.

        window: pages asked for at once, or read and waiting, 1 to 256.
        ordered: False hands out each page as it arrives: the same rows, sooner.
        on_page: called with each page as it is handed out, and the report so far.
        on_bad_row: "skip" leaves out a row that cannot be read, and notes it in the report.
        """
        _whole("window", window, 1, LARGEST_WINDOW)
        if on_bad_row not in {"raise", "skip"}:
            raise UsageError(f"on_bad_row: {on_bad_row!r} was given; allowed is 'raise' or 'skip'")
        return Stream(self._engine(window, ordered=ordered, on_page=on_page, skip=on_bad_row == "skip"))

    def __aiter__(self) -> Rows[T]:
        return Rows(self._engine(WINDOW))

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Page by page, read ahead like rows."""
        async for page in Rows(self._engine(WINDOW)).pages():
            yield page

    async def first_page(self) -> Page[T]:
        """The first page alone: one request."""
        if self._is_empty:
            return Page((), total=0, status=None, headers={}, request_id=None, position={})
        ask = self._plan(ordered=True).ask()
        assert ask is not None
        page, _ = await self._fetcher(Report(), skip=False)(ask)
        return page if self._limit is None else evolve(page, rows=page.rows[: self._limit])

    async def first(self) -> T | None:
        """The first row, or None if there is none: one request."""
        return next(iter(await self.limit(1).first_page()), None)

    async def count(self) -> int:
        """How many rows there are, at most ``limit``: one request where the API says so, else a listing."""
        if self._listing.reader.total and not self._listing.reader.bare:
            page = await evolve(self, limit=None, page_size=1).first_page()
            if page.total is not None:
                return page.total if self._limit is None else min(page.total, self._limit)
        async with self.prefetch(ordered=False) as stream:
            return sum([len(page) async for page in stream.pages()])

    async def to_list(self) -> list[T]:
        """All rows, in memory."""
        async with self.prefetch() as rows:
            return [row async for row in rows]

    # ---- how it is read

    @property
    def _is_empty(self) -> bool:
        # Filters that contradict each other: no request is needed to know the answer.
        return any(not values for values in self._filters.values())

    def _plan(self, *, ordered: bool) -> Plan:
        largest = self._listing.paging.largest
        size = self._page_size or min(largest, self._limit or largest)
        plan = self._listing.paging.plan(size, limit=self._limit, ordered=ordered)
        if self._is_empty:
            plan.end = 0
        return plan

    def _engine(
        self,
        window: int,
        *,
        ordered: bool = True,
        on_page: Callable[[Page[T], Report], None] | None = None,
        skip: bool = False,
    ) -> Engine[T]:
        report = Report()
        return Engine(
            self._plan(ordered=ordered), self._fetcher(report, skip=skip), report, window, self._limit, on_page
        )

    def _fetcher(self, report: Report, *, skip: bool) -> "Fetch[T]":
        # One frozen request for every page of the listing; only the position changes.
        client, listing, request = self._client, self._listing, self._request()
        skipped = report.bad_rows if skip else None

        async def fetch(ask: Ask) -> tuple[Page[T], Seen]:
            answer = await client.send(evolve(request, position=ask.position), report)
            rows, seen = decode_page(answer, listing.reader, skipped=skipped)
            position = dict(ask.position)
            return Page(rows, seen.total, answer.status, answer.headers, answer.request_id, position), seen

        return fetch

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


def _whole(name: str, given: object, least: int, most: int | None) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < least or (most is not None and given > most):
        allowed = f"a whole number from {least}" + (f" to {most}" if most is not None else "")
        raise FilterError(name, given, allowed)
    return given
