"""The query: what the user builds, and the verbs that read it. Immutable and lazy: each verb returns something new."""

from collections.abc import Callable, Iterable, Mapping
from inspect import iscoroutinefunction
from typing import Any, Generic, Literal, Self, TypeVar, cast

from attrs import evolve, frozen

from .errors import FilterError, Resumable, UsageError, shown
from .explain import Explanation
from .filters import Ordered, checked_extra, sliced
from .pages import Page, Progress, Report, warn_if_incomplete
from .paging.checkpoint import Checkpoint, Partition
from .paging.ledger import OnDrift
from .paging.plan import Start
from .paging.stream import Pages, Rows, Stream, find_parts
from .paging.window import Window
from .reading import Reading

__all__ = ["Listing", "Query"]

T = TypeVar("T")
V = TypeVar("V")
LARGEST_WINDOW = 256


@frozen(eq=False, repr=False)
class Listing(Generic[T]):
    """Rows that can be read: a query, or all rows of a collection. Nothing is sent until it is read.

    Read it with ``async with listing.prefetch() as rows`` (structured: nothing outlives the block) or plainly with
    ``async for row in listing``.
    """

    _reading: Reading[T]

    @property
    def reading(self) -> Reading[T]:
        """What it is made of, for code that builds on listings, such as exports."""
        return self._reading

    def prefetch(
        self,
        window: "int | Literal['auto']" = "auto",
        *,
        ordered: bool = True,
        on_drift: OnDrift = "ignore",
        on_page: Callable[[Progress[T]], None] | None = None,
        on_bad_row: Literal["raise", "skip"] = "raise",
        resume: Resumable | str | None = None,
        deadline: float | None = None,
    ) -> Stream[T]:
        """Read ahead: ``async with query.prefetch() as rows: async for row in rows: ...``.

        Args:
            window: Pages that are requested or buffered at once, 1 to 256. ``"auto"`` looks for the largest that helps.
            ordered: False hands out each page as it arrives: the same rows, sooner.
            on_drift: What to do when rows moved while the list was read, besides saying so in the report: ``"warn"``
                with a DriftWarning, ``"raise"`` a DriftError, or ``"reread"`` the list, at most 4 times in all, until
                it held still, and hand out what is new. That keeps every key in memory.
            on_page: Called with the progress of the listing, each time a page of it is handed out.
            on_bad_row: ``"skip"`` leaves out a row that cannot be read, or compared with a condition, and notes it
                in the report.
            resume: A checkpoint of the same query, to read the rest of its rows.
            deadline: Seconds for the whole listing, from its first request on: retries, pauses and waiting included.
                Rows that came in time are handed out; then DeadlineExceeded is raised, with a checkpoint. None: the
                ``deadline`` of the client.

        Raises:
            UsageError: An argument is not one of these.
            CheckpointError: The checkpoint is malformed, or belongs to another query.
        """
        if window != "auto":
            _check_whole("window", window, 1, LARGEST_WINDOW, or_else='"auto" or ')
        if on_page is not None and (not callable(cast("object", on_page)) or iscoroutinefunction(on_page)):
            raise UsageError(f"on_page must be a plain function, not {shown(on_page)}")
        _check_one_of("on_bad_row", on_bad_row, "raise", "skip")
        _check_one_of("on_drift", on_drift, "ignore", "warn", "raise", "reread")
        checkpoint = self._reading.start if resume is None else self._reading.check(Checkpoint.from_json(resume))
        reading = self._reading if deadline is None else self._reading.timed(deadline)
        return Stream(
            reading.engine(
                window,
                checkpoint,
                ordered=ordered,
                on_drift=on_drift,
                on_page=on_page,
                skip_bad_rows=on_bad_row == "skip",
            )
        )

    def __aiter__(self) -> Rows[T]:
        return Rows(self._reading.engine("auto", self._reading.start))

    def pages(self) -> Pages[T]:
        """Read page by page, ahead like rows: ``async for page in query.pages()``."""
        return aiter(self).pages()

    async def first_page(self) -> Page[T]:
        """Read the first page alone, in one request, and keep those of its rows that match.

        Where a condition takes several listings, it is the first page of the first one.
        """
        if self._reading.start is None:
            page, *_ = await self._reading.first_page()
            return page
        async with self.prefetch(1) as rows:  # the first page of a partition overlaps the partition before it
            async for page in rows.pages():
                return page
        return Page((), total=None, status=None, headers={}, request_id=None, position={})

    async def first(self) -> T | None:
        """Return the first row, or None: one request, unless rows have to be searched for it.

        Where the search found none and was not complete, an IncompleteWarning says so.
        """
        reading = self._reading.timed().select(evolve(self._reading.selection, limit=1))
        if reading.start is None:
            page, _, more = await reading.first_page()
            if page.rows or not more:
                return next(iter(page), None)
        async with Listing(reading).prefetch() as rows:
            async for row in rows:
                return row
        warn_if_incomplete(rows.report)
        return None

    async def count(self) -> int:
        """Count the rows, at most ``limit``: one request where the API says a total, else a listing.

        A listing that is not complete is an IncompleteWarning.
        """
        reading = self._reading.timed()
        if reading.is_plain and reading.has_total and reading.start is None:
            limit, least = reading.selection.limit, reading.endpoint.smallest
            page, report, _ = await reading.select(evolve(reading.selection, limit=None, page_size=least)).first_page()
            if page.total is not None and not report.ignored_filters:
                return page.total if limit is None else min(page.total, limit)
        async with Listing(reading).prefetch(ordered=False) as stream:
            async for _ in stream.pages():
                pass
        warn_if_incomplete(stream.report)
        return stream.report.rows

    async def explain(self) -> Explanation:
        """Say how it will be read: what is sent, what is evaluated on rows, how many requests it takes.

        It requests one row of each listing, where the API says totals; ``str(query)`` says the rest without a request.
        """
        return self._reading.explain(await self._reading.totals())

    def __str__(self) -> str:
        return str(self._reading.explain())

    def __repr__(self) -> str:
        selection, reading = self._reading.selection, self._reading
        parts = [f"{type(self).__name__}: {reading.endpoint.operation.OPERATION}"]
        parts += [] if selection.condition is None else [repr(selection.condition)]
        parts += [
            f"{name}={value!r}" for name, value in (("order", selection.order), ("limit", selection.limit)) if value
        ]
        return f"<{', '.join(parts)}>"

    async def to_list(self) -> list[T]:
        """Read all rows into memory. A listing that is not complete is an IncompleteWarning."""
        async with self.prefetch() as stream:
            rows = [row async for row in stream]
        warn_if_incomplete(stream.report)
        return rows

    async def partitions(self, parts: int) -> list[Partition]:
        """Split the listing into parts of about the same size, for other processes or machines.

        ``client.customers.from_partition(part)`` is the query of one. On a quiet list they are disjoint, and together
        they are the listing. It takes one request a part, and more where the API says no total.

        Args:
            parts: How many at most, 1 to 10,000. There are fewer where rows are few.

        Raises:
            UsageError: The query has a limit or takes several listings, or the API pages by cursor.
        """
        reading = self._reading
        _check_whole("parts", parts, 1, 10_000)
        if reading.selection.limit is not None or reading.start is not None:
            raise UsageError("partitions() cannot split a query with a limit, or one that is a partition itself")
        if reading.slices:
            raise UsageError("partitions() cannot split slices; make a query of each range, and pass these on")
        if len(reading.branches) > 1:
            raise UsageError(
                f"partitions() cannot split {len(reading.branches)} listings; make a query of each side of | and "
                "split these"
            )
        later: list[Start] = []
        if not reading.is_empty:
            fetch = reading.fetcher(Report(), Window(1))
            later = await find_parts(reading.endpoint.paging, parts, fetch, reading.page_size)
        starts = [Start(), *later]
        stops = [*(start.keys for start in later), ()]
        query = {**reading.selection.to_json(), "size": reading.page_size}
        return [
            Partition(query, reading.part(evolve(start, stop=stop))) for start, stop in zip(starts, stops, strict=True)
        ]


@frozen(eq=False, repr=False)
class Query(Listing[T]):
    """Which rows, in which order, how many. Each method returns a new query."""

    def _where(self, conditions: tuple[object, ...], keywords: Mapping[str, object]) -> Self:
        """Add conditions and keywords; a binding gives its ``where`` the types of the keywords."""
        fields = self._reading.endpoint.fields
        added = (*map(fields.checked, conditions), *fields.keywords(keywords))
        if not added:
            return self
        self._check_whole_listing("where")
        return type(self)(self._reading.narrow(*added))

    def order_by(self, *names: str) -> Self:
        """Sort by these fields, the first one first. It replaces an earlier order.

        Args:
            names: Fields as the API calls them; ``"-created_at"`` puts the largest value first, where the API can.

        Raises:
            FilterError: The API does not document such an order.
        """
        self._check_whole_listing("order_by")
        order = self._reading.endpoint.order
        if order is None:
            message = "order_by() cannot be used, since this API documents no order; sort the rows instead"
            raise FilterError("order_by", message, value=names)
        return self._select(order=order.checked(names))

    def slices(
        self, field: Ordered[V], bounds: "Iterable[V | None] | int", *, between: "tuple[V, V] | None" = None
    ) -> Self:
        """Divide the list by a field, so that its parts are read side by side: for lists by cursor, which are serial.

        The bounds b0 < b1 < … < bn make n slices; one has the rows with ``low <= field < high``. A row at a bound is in
        one slice, the one that begins there. Rows before the first bound, from the last one on, or without a value are
        in none. With ``prefetch(ordered=False)``, and in ``count()``, each slice has a request in flight, as far as the
        window allows; otherwise, or with a ``limit``, they are read one after the other. Within a slice, rows come as
        the API sorts them.

        Args:
            field: A time, a day or a number that rows carry and that the API filters by, with bounds on both sides.
            bounds: 2 to 101 increasing values. None as the first or the last one leaves that end open. Or a number of
                slices, 1 to 100.
            between: Where the first slice begins and the last one ends, divided into slices of about the same length.

        Raises:
            FilterError: Rows or the API cannot tell the slices, or the bounds are not increasing.
            UsageError: The query has slices already.
        """
        self._check_whole_listing("slices")
        if self._reading.slices:
            raise UsageError("slices() can be called once; pass all bounds in one call")
        return type(self)(self._reading.sliced(sliced(self._reading.endpoint.fields, field, bounds, between)))

    def limit(self, rows: int) -> Self:
        """Read at most so many rows in all, 1 or more.

        Raises:
            FilterError: It is not a whole number of at least 1.
        """
        return self._select(limit=_check_whole("limit", rows, 1, None))

    def page_size(self, rows: int) -> Self:
        """Request so many rows in a page, from the least to the most that the API allows, which is also the default.

        Raises:
            FilterError: It is not a whole number in that range, or the API has no parameter for it.
        """
        self._check_whole_listing("page_size")
        endpoint = self._reading.endpoint
        if endpoint.paging.page_size is None:
            message = "page_size() cannot be used, since this API has no parameter for it"
            raise FilterError("page_size", message, value=rows)
        return self._select(page_size=_check_whole("page_size", rows, endpoint.smallest, endpoint.paging.largest))

    def extra_params(self, params: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """Add query parameters that the wrapper does not know yet; they are sent as they are.

        Args:
            params: Text, numbers, true or false, or a list of these, which is sent as a repeated key.
            more: The same, as keywords.

        Raises:
            FilterError: It is a paging parameter, one that is set already, or a value that cannot be sent.
        """
        self._check_whole_listing("extra_params")
        reading = self._reading
        taken = {name for request in reading.requests for name, _ in request.params}
        extra = checked_extra({**(params or {}), **more}, taken, reading.endpoint.paging.parameters)
        return self._select(extra=reading.selection.extra + extra)

    def _select(self, **changes: Any) -> Self:
        return type(self)(self._reading.select(evolve(self._reading.selection, **changes)))

    def _check_whole_listing(self, method: str) -> None:
        if self._reading.start is not None:
            raise UsageError(f"{method}() cannot change a partition; call it before partitions()")


def _check_one_of(name: str, value: object, *allowed: str) -> None:
    if value not in allowed:
        raise UsageError(f"{name} must be {' or '.join(map(repr, allowed))}, not {shown(value)}")


def _check_whole(name: str, value: object, least: int, most: int | None, *, or_else: str = "") -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        within = f"from {least} to {most}" if most is not None else f"of at least {least}"
        raise FilterError(name, f"{name} must be {or_else}a whole number {within}, not {shown(value)}", value=value)
    return value
