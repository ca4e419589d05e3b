"""Runs a plan: asks for pages ahead of the consumer, and hands out rows.

Two forms, one engine. ``Stream`` (``async with query.prefetch() as rows``) owns a task group, so that nothing outlives
its block. The bare form (``async for row in query``) cannot: a task group must not be left open across the ``yield`` of
an async generator (PEP 789). It is an iterator whose tasks hold no reference to it, so that releasing it ends them.

A page counts against the window from the request until the consumer takes it: the plan sees to that, and only
``Engine.fill`` and, for a page that is waited for alone, ``Engine._fetch_here`` ask. Requests leave one a turn of the
loop, answers are read one a turn, and pages are taken with a turn in between: nobody is kept waiting for a window of
them, and the next requests are on their way while answers are still read.
"""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Literal, Self, TypeVar, cast

import anyio
import anyio.abc
from anyio.lowlevel import checkpoint
from attrs import define, evolve, field, frozen

from ..errors import DecodeError, DriftError, ReadaheadError, StreamError, UsageError
from ..pages import DriftWarning, IgnoredFilterWarning, Page, Progress, Report, warn
from .checkpoint import Checkpoint
from .plan import Plan, Seen, Span, Start
from .window import Window

if TYPE_CHECKING:
    import asyncio

__all__ = ["Engine", "Fetch", "Fetched", "Pages", "Rows", "Stream"]

T = TypeVar("T")
OnDrift = Literal["ignore", "warn", "raise", "reread"]
SWEEPS = 4  # how often on_drift="reread" reads the list at most


@frozen
class Fetched(Generic[T]):
    """One answer: the page without its rows, the rows in their order, a DecodeError where one could not be read.

    left_out: keys of rows that do not meet a condition. ignored: by key, the fields in which a row contradicts what the
    API was asked for. Neither is handed out.
    """

    page: Page[T]
    rows: "tuple[T | DecodeError, ...]"
    seen: Seen
    seconds: float = 0.0
    left_out: frozenset[Hashable] = frozenset()
    ignored: Mapping[Hashable, tuple[str, ...]] = field(factory=dict[Hashable, tuple[str, ...]])

    def count(self, key: Hashable, report: Report) -> bool:
        """Whether the row with this key is handed out; one that is not is counted, and perhaps warned about."""
        if key in self.ignored:
            if not report.ignored_filters:
                names = ", ".join(self.ignored[key])
                message = f"the API ignored a filter ({names}): it sent rows that contradict it, which are left out"
                warn(message, IgnoredFilterWarning)
            for name in self.ignored[key]:
                report.ignored_filters[name] = report.ignored_filters.get(name, 0) + 1
            return False
        report.left_out += key in self.left_out
        return key not in self.left_out

    def pick(
        self, keys: tuple[Hashable, ...], rows: "tuple[T | DecodeError, ...]", report: Report, room: int | None
    ) -> "tuple[tuple[Hashable, ...], tuple[Hashable, ...], tuple[T | DecodeError, ...]]":
        """Where some rows do not count: the keys gone through until there is no more room, and what is handed out."""
        passed = 0
        picked: dict[Hashable, T | DecodeError] = {}
        for key, row in zip(keys, rows, strict=True):
            if room == 0:
                break
            passed += 1
            if self.count(key, report):
                picked[key] = row
                room = room if room is None or isinstance(row, DecodeError) else room - 1
        return keys[:passed], tuple(picked), tuple(picked.values())


Fetch = Callable[[Span], Awaitable[Fetched[T]]]


@define(eq=False)
class Engine(Generic[T]):
    """Plan, window and what has arrived. ``spawn`` starts a task; without one, pages are read one by one, in place.

    plans: makes the plan of a sweep. bind: makes a checkpoint of a place in the listing. remember: keep the keys of all
    rows handed out, so that none goes out twice.
    """

    plans: Callable[[], Plan]
    fetch: Fetch[T]
    report: Report
    window: Window
    limit: int | None = None
    skip_bad_rows: bool = False
    on_drift: OnDrift = "ignore"
    on_page: "Callable[[Progress[T]], None] | None" = None
    bind: "Callable[[Start, int], Checkpoint] | None" = None
    remember: bool = False
    spawn: "Callable[[Span], None] | None" = None
    stopped: bool = False
    plan: Plan = field(init=False)
    _pages: dict[Span, Fetched[T]] = field(factory=dict[Span, Fetched[T]], init=False)
    _scopes: dict[Span, anyio.CancelScope] = field(factory=dict[Span, anyio.CancelScope], init=False)
    _news: anyio.Event = field(factory=anyio.Event, init=False)
    _seen: set[Hashable] | None = field(default=None, init=False)  # all keys handed out, where a second sweep may come
    _totals: dict[int, int] = field(factory=dict[int, int], init=False)  # what each listing said last
    _warned: bool = field(default=False, init=False)
    _began: float | None = field(default=None, init=False)  # of the clock of the event loop

    def __attrs_post_init__(self) -> None:
        self.plan = self.plans()
        if self.remember or self.on_drift == "reread":
            self._seen = set()

    def fill(self) -> None:
        """Ask for a page, if there is room and the plan wants one. Its task begins by asking for the next: one a turn
        of the loop, so that a whole window of requests keeps nobody waiting.
        """
        if self.spawn and (span := self._ask()) is not None:
            self.spawn(span)

    def _ask(self) -> Span | None:
        span = None if self.stopped else self.plan.ask()
        if span is not None:
            self._scopes[span] = anyio.CancelScope()
        return span

    async def run(self, span: Span) -> None:
        """One page, from the request to the plan."""
        if self.stopped:
            return
        self.fill()
        plan, scope = self.plan, self._scopes[span]
        with scope:
            try:
                fetched = await self.fetch(span)
            except Exception as error:  # noqa: BLE001  it is handed to the consumer, in its turn
                plan.failed(span, error)
            else:
                self._pages[span] = fetched
                self._count(span, fetched)
                plan.got(span, fetched.seen)
                self.plan.window = self.window.answered(fetched.seconds)
        if scope.cancelled_caught and not self.stopped:
            plan.failed(span, StreamError("this page is not wanted any more"))  # so that it counts as in flight no more
        del self._scopes[span]
        self._drop_unwanted()
        self._news.set()  # the consumer's turn comes before that of the next request
        self.fill()

    async def page(self) -> "Taken[T] | None":
        """The next page, as soon as it is there; perhaps all of its rows are left out. None at the end.

        Raises what ended the listing early.
        """
        if self._began is None:
            self._began = anyio.current_time()
        if len(self.plan.ready) > 1:
            await checkpoint()  # whoever else waits has a turn, however many pages are there
        while True:
            self._look_for_drift()
            if self._enough:
                self.stop()
                self._conclude()
                return None
            if (taken := self.plan.take()) is not None:
                span, fresh = taken
                passed, keys, rows = self._select(span, fresh)
                self.fill()
                if passed:
                    break
            elif self.plan.error is not None:
                self.stop()
                self.report.why = f"{type(self.plan.error).__name__}: {self.plan.error}"
                raise self.plan.error
            elif self.plan.over:
                if not self._again():
                    self.stop()
                    self._conclude()
                    return None
            else:
                await self._more()
        good = cast("tuple[T, ...]", rows)
        if span.bad:
            self.report.bad_rows += [str(row) for row in rows if isinstance(row, DecodeError)]
            good = tuple(row for row in rows if not isinstance(row, DecodeError))
            if self.skip_bad_rows:
                keys = tuple(key for key in keys if key not in span.bad)
                rows = good
        page = evolve(self._pages.pop(span).page, rows=good)
        self.report.rows += len(page)
        if self._enough:
            self.stop()
        if rows and self.on_page is not None:
            self.on_page(self._progress(page))
        return Taken(span, page, passed, keys, rows)

    @property
    def _enough(self) -> bool:
        return self.limit is not None and self.report.rows >= self.limit

    def _select(
        self, span: Span, fresh: frozenset[Hashable]
    ) -> "tuple[tuple[Hashable, ...], tuple[Hashable, ...], tuple[T | DecodeError, ...]]":
        """Of a page the keys gone through, and those of the rows that are to go out: each once, no more than the limit
        leaves room for; and these rows.
        """
        fetched = self._pages[span]
        keys, rows = span.keys or (), fetched.rows
        if self._seen is not None:
            fresh -= self._seen
        if len(fresh) < len(keys):
            found = {key: row for key, row in zip(reversed(keys), reversed(rows), strict=True) if key in fresh}
            keys, rows = tuple(reversed(found)), tuple(reversed(found.values()))
        room = None if self.limit is None else self.limit - self.report.rows
        if span.bad:
            passed, keys, rows = fetched.pick(keys, rows, self.report, room)
        else:
            passed = keys = keys[:room]
            rows = rows[:room]
        if self._seen is not None:
            self._seen.update(keys)
        return passed, keys, rows

    async def _more(self) -> None:
        if self.stopped:
            raise StreamError("the listing was closed")
        if not self._scopes:
            await self._fetch_here()
            return
        self.fill()
        if self._news.is_set():
            self._news = anyio.Event()
        await self._news.wait()

    async def _fetch_here(self) -> None:
        """A page that is asked for alone, as the first one is: a task would do nothing but be waited for."""
        if (span := self._ask()) is None:  # nothing is in flight, so the plan must know what it wants
            raise StreamError("the plan waits for nothing")
        try:
            await self.run(span)
        except anyio.get_cancelled_exc_class():
            if self.spawn:  # the consumer has given up waiting, and may come again
                self._scopes[span] = anyio.CancelScope()
                self.spawn(span)
            raise

    def stop(self) -> None:
        """Cancel what is in flight. Nothing is asked from here on."""
        self.stopped = True
        self.spawn = None  # it leads back here: pages and rows go with the last who holds them, not with the collector
        for scope in self._scopes.values():
            scope.cancel()

    def _count(self, span: Span, fetched: Fetched[T]) -> None:
        self.report.pages += 1
        self.report.short_pages += len(fetched.seen.keys) < span.hi - span.lo
        total, totals = fetched.seen.total, self.report.totals
        if total is None or self._totals.get(span.branch) == total:
            return
        first = span.branch not in self._totals
        self._totals[span.branch] = total
        total = sum(self._totals.values())
        if first and totals:
            totals[-1] = total  # of another listing: they add up
        elif total not in totals:
            totals.append(total)

    def _progress(self, page: Page[T]) -> Progress[T]:
        report, start = self.report, self.plan.start
        seconds = anyio.current_time() - (self._began or 0.0)
        total = None
        if len(self._totals) == self.plan.listings and not start.stop:
            total = sum(self._totals.values())
        read = report.rows + report.left_out + len(report.bad_rows)
        ends = [(self.limit, report.rows), (None if total is None else total - start.at, read)]
        left = [max(0, end - so_far) * seconds / so_far for end, so_far in ends if end is not None and so_far]
        rate = report.rows / seconds if seconds > 0 else 0.0
        return Progress(page, report.rows, report, total, len(self._scopes), rate, min(left, default=None))

    def _drop_unwanted(self) -> None:
        if not self.plan.over and len(self._pages) + len(self._scopes) <= self.plan.held:
            return  # the plan still knows each of them
        wanted = {span for span, _ in self.plan.ready}
        for span in [span for span in self._pages if span not in wanted and not self.plan.wants(span)]:
            del self._pages[span]
        for span, scope in self._scopes.items():
            if not self.plan.wants(span):
                scope.cancel()

    def _look_for_drift(self) -> None:
        plan, report = self.plan, self.report
        report.mended, report.unproven = plan.mends, plan.unproven
        report.duplicates, report.mismatches = plan.repeated, plan.drift
        if plan.drift:
            report.drift = "seen"
            if self.on_drift == "warn" and not self._warned:
                self._warned = True
                warn("rows moved while the list was read; see the report", DriftWarning)
            if self.on_drift == "raise" and plan.error is None:
                plan.error = DriftError("rows moved while the list was read")
        elif plan.hides and report.drift == "none":
            report.drift = "unverifiable"

    def _again(self) -> bool:
        """Whether the list is read once more: rows moved, and that is what on_drift="reread" is for."""
        if self.on_drift != "reread" or not self.plan.drift or self.report.sweeps >= SWEEPS:
            return False
        self.report.sweeps += 1
        window = self.plan.window
        self.plan = self.plans()
        self.plan.window = window
        self._pages.clear()
        self.fill()
        return True

    def _conclude(self) -> None:
        report = self.report
        if self.limit is not None and report.rows >= self.limit:
            report.complete, report.why = True, "the limit was reached"
        elif report.unproven:
            report.why = f"{report.unproven} times neighbouring pages could not be joined; rows may lie between them"
        elif self.on_drift == "reread" and self.plan.drift:
            report.why = f"the list still changed after it was read {report.sweeps} times"
        else:
            report.complete, report.why = True, "the end was reached"


@frozen
class Taken(Generic[T]):
    """A page that was gone through. passed: the keys of all that is new in it. keys, rows: what is handed out of it."""

    span: Span
    page: Page[T]
    passed: tuple[Hashable, ...]
    keys: tuple[Hashable, ...]
    rows: "tuple[T | DecodeError, ...]"


class _Consumer(AsyncIterator[T]):
    """Rows one by one, or page by page, for one task at a time."""

    def __init__(self, engine: Engine[T]) -> None:
        self._engine = engine
        self._rows: deque[T | DecodeError] = deque()
        self._keys: tuple[Hashable, ...] = ()  # of the rows of the page begun last
        self._passed: tuple[Hashable, ...] = ()  # and of those that were left out of it as well
        self._before: tuple[Hashable, ...] = ()  # of the pages before it, the last few
        self._unread = 0  # rows of it that were there when the stream was closed
        self._page: Page[T] | None = None
        self._span: Span | None = None
        self._busy = False

    @property
    def report(self) -> Report:
        """How the listing went, so far."""
        return self._engine.report

    @property
    def checkpoint(self) -> Checkpoint:
        """The place behind the last row, or page, that was handed out: ``query.prefetch(resume=...)`` gives the rest.

        Raises UsageError for a stream that is not ordered.
        """
        assert self._engine.bind is not None
        if self._span is None:
            return self._engine.bind(self._engine.plan.start, 0)
        start = self._engine.plan.after(self._span, self._behind, self._before)
        return self._engine.bind(start, self._engine.report.rows - self._unread - self._waiting)

    @property
    def _behind(self) -> tuple[Hashable, ...]:
        """Keys of the page begun last, up to the row handed out last."""
        if not self._rows:
            return self._passed
        return self._passed[: self._passed.index(self._keys[len(self._keys) - len(self._rows)])]

    @property
    def _waiting(self) -> int:
        return sum(not isinstance(row, DecodeError) for row in self._rows)

    async def __anext__(self) -> T:
        while not self._rows:
            if not await self._begin_page():
                raise StopAsyncIteration
        row = self._rows.popleft()
        if isinstance(row, DecodeError):
            raise self._with_checkpoint(row)
        return row

    def pages(self) -> "Pages[T]":
        """An iterator over whole pages; of one that was begun row by row, what is left of it.

        It raises DecodeError where a page holds a row that cannot be read, unless bad rows are skipped.
        """
        return Pages(self)

    async def next_page(self) -> Page[T] | None:
        """The next whole page, or what is left of one; None at the end."""
        while not self._rows:
            if not await self._begin_page():
                return None
        rows = tuple(self._rows)
        bad = next((row for row in rows if isinstance(row, DecodeError)), None)
        if bad is not None:
            raise self._with_checkpoint(bad)
        self._rows.clear()
        assert self._page is not None
        return evolve(self._page, rows=cast("tuple[T, ...]", rows))

    async def _begin_page(self) -> bool:
        if self._busy:
            raise StreamError("two tasks iterate over one stream; give each a stream of its own, or hand rows on")
        self._busy = True
        try:
            begun = await self._engine.page()
        except ReadaheadError as error:
            raise self._with_checkpoint(error)  # noqa: B904  the same error
        finally:
            self._busy = False
        if begun is None:
            return False
        same = self._span is not None and self._span.branch == begun.span.branch
        self._before = (*self._before, *self._passed)[-8:] if same else ()
        self._span, self._page, self._passed, self._keys = begun.span, begun.page, begun.passed, begun.keys
        self._rows.extend(begun.rows)
        return True

    def _with_checkpoint(self, error: ReadaheadError) -> ReadaheadError:
        if self._engine.bind is not None:
            with suppress(UsageError):  # this listing has none
                error.checkpoint = self.checkpoint
        return error


class Pages(AsyncIterator[Page[T]]):
    """The pages of a listing. A class, because an async generator that is left half-way has to be closed by hand."""

    def __init__(self, consumer: "_Consumer[T]") -> None:
        self._consumer = consumer

    async def __anext__(self) -> Page[T]:
        page = await self._consumer.next_page()
        if page is None:
            raise StopAsyncIteration
        return page


class Stream(_Consumer[T]):
    """A listing that is read ahead. An async context manager, and inside its block an async iterator over rows.

    Leaving the block, however that happens, ends every request and task of the listing before the next statement runs;
    an exception raised inside arrives as it is.

    In an async generator of your own, a block around a ``yield`` ends only when the generator is closed: iterate over
    such a generator inside ``async with contextlib.aclosing(...)``.
    """

    def __init__(self, engine: Engine[T]) -> None:
        super().__init__(engine)
        self._tasks: anyio.abc.TaskGroup | None = None
        self._left = False

    def __repr__(self) -> str:
        state = "not open" if self._tasks is None else "closed" if self._left else "open"
        return f"<{type(self).__name__}, {state}: {self.report}>"

    async def __aenter__(self) -> Self:
        if self._tasks is not None:
            raise StreamError("a stream can be entered once; call prefetch() again for another")
        self._tasks = tasks = anyio.create_task_group()
        await tasks.__aenter__()
        self._engine.spawn = self._spawn
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._tasks is not None
        self._left = True
        self._passed, self._unread = self._behind, self._waiting
        self._rows.clear()
        self._engine.stop()
        if kind is not None and issubclass(kind, anyio.get_cancelled_exc_class()):
            return await self._tasks.__aexit__(kind, error, trace)
        # Told of no error, the group waits for its tasks and wraps nothing: the caller's exception goes on as it is.
        await self._tasks.__aexit__(None, None, None)
        return None

    def _spawn(self, span: Span) -> None:
        assert self._tasks is not None
        self._tasks.start_soon(self._engine.run, span)

    async def _begin_page(self) -> bool:
        if self._tasks is None:
            raise StreamError("the stream is not open: write `async with query.prefetch() as rows:`")
        if self._left:
            raise StreamError("the stream is closed: its `async with` block has been left")
        return await super()._begin_page()


class Rows(_Consumer[T]):
    """The bare form. Its requests are cancelled when it is released; ``aclose()`` cancels them and waits.

    On trio, where a task needs an owner, it reads one page at a time.
    """

    def __init__(self, engine: Engine[T]) -> None:
        super().__init__(engine)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cancelled = False

    async def _begin_page(self) -> bool:
        if self._cancelled:
            raise StreamError("the iteration was cancelled, and its requests with it; prefetch() can go on")
        if self._loop is None and self._engine.spawn is None:
            self._start()
        try:
            return await super()._begin_page()
        except anyio.get_cancelled_exc_class():
            self._cancelled = True
            self._engine.stop()
            raise

    def _start(self) -> None:
        import asyncio  # noqa: PLC0415  slow to import, and not needed on trio

        try:
            # Without a task of asyncio, trio runs as the guest of its loop.
            if asyncio.current_task() is None:
                return
            loop = self._loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._engine.spawn = _spawner(loop, self._engine, self._tasks)

    async def aclose(self) -> None:
        """Cancel the requests in flight and wait until they are gone."""
        import asyncio  # noqa: PLC0415

        self._rows.clear()
        self._engine.stop()
        for task in self._tasks:
            task.cancel()
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def __del__(self) -> None:
        if self._loop is not None and self._tasks and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_cancel, self._engine, self._tasks)


def _spawner(
    loop: "asyncio.AbstractEventLoop", engine: Engine[T], tasks: "set[asyncio.Task[None]]"
) -> Callable[[Span], None]:
    # A function of its own: a closure made in a method of Rows would keep the Rows alive.
    def spawn(span: Span) -> None:
        task = loop.create_task(engine.run(span))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return spawn


def _cancel(engine: Engine[T], tasks: "set[asyncio.Task[None]]") -> None:
    engine.stop()
    for task in tasks:
        task.cancel()
