"""Runs a plan: requests pages ahead of the consumer, and emits rows.

Two forms, one engine. ``Stream`` (``async with query.prefetch() as rows``) owns a task group, so that nothing outlives
its block. The bare form (``async for row in query``) cannot: a task group must not be left open across the ``yield`` of
an async generator (PEP 789). It is an iterator whose tasks hold no reference to it, so that releasing it ends them.

A page counts against the window from the request until the consumer takes it: the plan sees to that, and only
``Engine.fill`` and, for a page that is waited for alone, ``Engine._fetch_here`` start requests. They start one in each
turn of the loop, responses are read one in each turn, and pages are taken with a turn in between: a window of them
keeps nobody waiting, and the next requests are on their way while responses are still read.

What is emitted and reported is decided in ``ledger``; ``Engine.next_page`` is where a page is emitted.
"""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Hashable
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import anyio
import anyio.abc
from anyio import lowlevel
from attrs import define, field

from ..errors import DecodeError, ReadaheadError, StreamError, UsageError
from ..pages import Fetched, Page, Progress, Report, warn_if_incomplete
from .checkpoint import Checkpoint
from .ledger import Ledger, OpenPage
from .parts import search_parts
from .plan import Plan, Span, Start
from .styles import Style
from .window import Window

if TYPE_CHECKING:
    import asyncio

__all__ = ["Engine", "Fetch", "Pages", "Rows", "Stream", "find_parts"]

T = TypeVar("T")
Fetch = Callable[[Span], Awaitable[Fetched[T]]]
_WHOLE_BLOCK = (
    "read it inside its block; a streamed response is sent inside the block of a dependency: "
    "`async def rows(): async with query.prefetch() as rows: yield rows`"
)
BEFORE = 8  # keys of earlier pages that are kept for a checkpoint


@define(eq=False)
class Engine(Generic[T]):
    """The tasks of a listing, and the pages that have arrived."""

    plans: Callable[[], Plan]  # makes the plan of each sweep
    fetch: Fetch[T]
    ledger: Ledger
    window: Window
    on_page: "Callable[[Progress[T]], None] | None" = None
    bind: "Callable[[Start, int], Checkpoint] | None" = None  # of a place and the rows before it
    spawn: "Callable[[Span], None] | None" = None  # starts a task; without it pages are fetched one by one, in place
    stopped: bool = False
    plan: Plan = field(init=False)
    _pages: dict[Span, Fetched[T]] = field(factory=dict[Span, Fetched[T]], init=False)
    _scopes: dict[Span, anyio.CancelScope] = field(factory=dict[Span, anyio.CancelScope], init=False)
    _arrival: anyio.Event = field(factory=anyio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.plan = self.plans()

    def fill(self) -> None:
        """Request a page, if there is room and the plan wants one. Its task begins by requesting the next: one in each
        turn of the loop, so that a whole window of requests keeps nobody waiting.
        """
        if self.spawn and (span := self._next_request()) is not None:
            self.spawn(span)

    def _next_request(self) -> Span | None:
        span = None if self.stopped else self.plan.next_request()
        if span is not None:
            self._scopes[span] = anyio.CancelScope()
        return span

    async def run(self, span: Span) -> None:
        """Fetch one page, and give it to the plan."""
        if self.stopped:
            return
        self.fill()
        plan, scope = self.plan, self._scopes[span]
        with scope:
            try:
                page = await self.fetch(span)
            except Exception as error:  # noqa: BLE001  it is raised to the consumer, in its turn
                plan.add_error(span, error)
            else:
                self._pages[span] = page
                self.ledger.add_page(span, page)
                plan.add_response(span, page)
                self.plan.window = self.window.answered(page.seconds, end_known=page.total is not None)
        if scope.cancelled_caught and not self.stopped:
            # So that it does not count as in flight any more.
            plan.add_error(span, StreamError("this page is not needed any more"))
        del self._scopes[span]
        self._drop_unneeded()
        self._arrival.set()  # the consumer's turn comes before that of the next request
        self.fill()

    async def next_page(self) -> OpenPage[T] | None:
        """Emit the next page as soon as it is there; perhaps all of its rows are left out. None at the end.

        Raises what ended the listing early.
        """
        ledger = self.ledger
        if ledger.began is None:
            ledger.began = anyio.current_time()
        if len(self.plan.ready) > 1:
            await lowlevel.checkpoint()  # whoever else waits has a turn, however many pages are there
        while True:
            ledger.check_drift(self.plan)
            if ledger.is_full:
                self._conclude()
                return None
            if (ready := self.plan.next_page()) is not None:
                span, new = ready
                page = ledger.emit(span, new, self._pages.pop(span))
                self.fill()
                if page is not None:
                    break
            elif self.plan.error is not None:
                self._conclude()
                raise self.plan.error
            elif not self.plan.finished:
                await self._wait()
            elif ledger.needs_sweep(self.plan):
                self._sweep_again()
            else:
                self._conclude()
                return None
        if ledger.is_full:
            self.stop()
        if page.rows and self.on_page is not None:
            self.on_page(ledger.progress(page.page, self.plan, len(self._scopes), anyio.current_time()))
        return page

    async def _wait(self) -> None:
        if self.stopped:
            raise StreamError("the listing is closed; call prefetch() for another")
        if not self._scopes:
            await self._fetch_here()
            return
        self.fill()
        if self._arrival.is_set():
            self._arrival = anyio.Event()
        await self._arrival.wait()

    async def _fetch_here(self) -> None:
        """Fetch a page that is requested alone, as the first one is: a task would do nothing but be waited for."""
        if (span := self._next_request()) is None:  # nothing is in flight, so the plan must know what it needs
            raise StreamError("the listing makes no progress; this is an error in readahead, please report it")
        try:
            await self.run(span)
        except anyio.get_cancelled_exc_class():
            if self.spawn:  # the consumer has given up waiting, and may come again
                self._scopes[span] = anyio.CancelScope()
                self.spawn(span)
            raise

    def stop(self) -> None:
        """Cancel what is in flight. Nothing is requested from here on."""
        self.stopped = True
        self.spawn = None  # it leads back here: pages and rows go with the last who holds them, not with the collector
        for scope in self._scopes.values():
            scope.cancel()

    def _conclude(self) -> None:
        self.stop()
        self.ledger.conclude(self.plan)

    def _sweep_again(self) -> None:
        window = self.plan.window
        self.plan = self.plans()
        self.plan.window = window
        self._pages.clear()
        self.fill()

    def _drop_unneeded(self) -> None:
        if not self.plan.finished and len(self._pages) + len(self._scopes) <= self.plan.occupied:
            return  # the plan still knows each of them
        ready = {span for span, _ in self.plan.ready}
        for span in [span for span in self._pages if span not in ready and not self.plan.needs(span)]:
            del self._pages[span]
        for span, scope in self._scopes.items():
            if not self.plan.needs(span):
                scope.cancel()


class _Consumer(AsyncIterator[T]):
    """Rows one by one, or page by page, for one task at a time."""

    def __init__(self, engine: Engine[T]) -> None:
        self._engine = engine
        self._report = engine.ledger.report
        self._page: OpenPage[T] | None = None
        self._rows: deque[T | DecodeError] = deque()  # of that page
        self._before: tuple[Hashable, ...] = ()  # keys of the pages before it, the last few
        self._busy = False

    @property
    def report(self) -> Report:
        """How the listing went, so far."""
        return self._report

    @property
    def checkpoint(self) -> Checkpoint:
        """The place behind the last row, or page, that was read: ``query.prefetch(resume=...)`` reads the rest.

        Raises:
            UsageError: The stream is not ordered, or its query keeps all keys in memory.
        """
        engine, page = self._engine, self._page
        assert engine.bind is not None
        if page is None:
            return engine.bind(engine.plan.start, 0)
        start = engine.plan.resume_at(page.span, page.passed_so_far, self._before)
        return engine.bind(start, self._report.rows)

    async def __anext__(self) -> T:
        while not self._rows:
            if not await self._open_page():
                raise StopAsyncIteration
        row = self._rows.popleft()
        if isinstance(row, DecodeError):
            raise self._with_checkpoint(row)
        self._report.rows += 1
        return row

    def pages(self) -> "Pages[T]":
        """Iterate over whole pages; the first is what is left of a page that was begun row by row.

        The iterator raises DecodeError where a page holds a row that cannot be decoded, unless bad rows are skipped.
        """
        return Pages(self)

    async def next_page(self) -> Page[T] | None:
        """Return the next whole page, or what is left of one; None at the end."""
        while not self._rows:
            if not await self._open_page():
                return None
        assert self._page is not None
        try:
            page = self._page.rest()
        except DecodeError as error:
            raise self._with_checkpoint(error)  # noqa: B904  the same error
        self._report.rows += len(page)
        return page

    async def _open_page(self) -> bool:
        if self._busy:
            raise StreamError(
                "two tasks iterate over one stream; open a stream for each, or pass rows on from one task"
            )
        self._busy = True
        try:
            page = await self._engine.next_page()
        except ReadaheadError as error:
            raise self._with_checkpoint(error)  # noqa: B904  the same error
        finally:
            self._busy = False
        if page is None:
            return False
        last, self._page, self._rows = self._page, page, page.rows
        same = last is not None and last.span.branch == page.span.branch
        self._before = (*self._before, *last.passed)[-BEFORE:] if last and same else ()
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
    """A listing that is read ahead: an async context manager, and inside its block an async iterator over rows.

    Leaving the block, however that happens, ends every request and task of the listing before the next statement runs;
    an exception raised inside arrives as it is.

    One task enters the block and leaves it; any task may iterate, one at a time.

    In an async generator of your own, a block around a ``yield`` ends only when the generator is closed: iterate over
    such a generator inside ``async with contextlib.aclosing(...)``.
    """

    def __init__(self, engine: Engine[T]) -> None:
        super().__init__(engine)
        self._tasks: anyio.abc.TaskGroup | None = None
        self._opened_by = 0
        self._left = False

    def __repr__(self) -> str:
        state = "not open" if self._tasks is None else "closed" if self._left else "open"
        return f"<{type(self).__name__}, {state}: {self.report}>"

    async def __aenter__(self) -> Self:
        if self._tasks is not None:
            raise StreamError("a stream can be entered once; call prefetch() again for another")
        self._tasks = tasks = anyio.create_task_group()
        self._opened_by = anyio.get_current_task().id
        await tasks.__aenter__()
        self._engine.spawn = self._spawn
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._tasks is not None
        self._left = True
        if self._page is not None:
            self._page.close()
        self._engine.stop()
        if anyio.get_current_task().id != self._opened_by:
            raise StreamError(
                "the stream was opened in one task and is closed in another, as when a generator closes it that a web "
                f"framework iterates over in a task of its own; {_WHOLE_BLOCK}"
            )
        try:
            with _interrupts():
                if kind is not None and issubclass(kind, anyio.get_cancelled_exc_class()):
                    return await self._tasks.__aexit__(kind, error, trace)
                # Told of no error, the group waits for its tasks and wraps nothing: the caller's exception goes on.
                await self._tasks.__aexit__(None, None, None)
        finally:
            self._engine.ledger.leave(error)
        return None

    def _spawn(self, span: Span) -> None:
        assert self._tasks is not None
        self._tasks.start_soon(self._engine.run, span)

    async def _open_page(self) -> bool:
        if self._tasks is None:
            raise StreamError("the stream is not open: write `async with query.prefetch() as rows:`")
        if self._left:
            raise StreamError(f"the stream is closed: its `async with` block has been left; {_WHOLE_BLOCK}")
        return await super()._open_page()


@contextmanager
def _interrupts() -> Generator[None, None, None]:
    """Let Ctrl-C out as it is: where it meets a task of ours, its group wraps it."""
    interrupt: BaseException | None = None
    try:
        yield
    except BaseExceptionGroup as group:
        found, _ = group.split((KeyboardInterrupt, SystemExit))
        if found is None:
            raise
        interrupt = found
        while isinstance(interrupt, BaseExceptionGroup):
            interrupt = interrupt.exceptions[0]
    if interrupt is not None:
        raise interrupt


class Rows(_Consumer[T]):
    """The bare form. Its requests are cancelled when it is released; ``aclose()`` cancels them and waits.

    On trio, where a task needs an owner, it reads one page at a time. At the end it warns where the listing is not
    complete, since nobody may look at its report.
    """

    def __init__(self, engine: Engine[T]) -> None:
        super().__init__(engine)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cancelled = False
        self._ended = False

    async def _open_page(self) -> bool:
        if self._cancelled:
            raise StreamError(
                "the iteration was cancelled, and its requests with it; use prefetch() to go on after that"
            )
        if self._loop is None and self._engine.spawn is None:
            self._start()
        try:
            is_open = await super()._open_page()
        except anyio.get_cancelled_exc_class() as cancelled:
            self._cancelled = True
            self._engine.stop()
            self._engine.ledger.leave(cancelled)
            raise
        if not is_open and not self._ended:
            self._ended = True
            warn_if_incomplete(self._report)
        return is_open

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

        if self._page is not None:
            self._page.close()
        self._engine.stop()
        for task in self._tasks:
            task.cancel()
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        self._engine.ledger.leave(None)

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


async def find_parts(style: Style, parts: int, fetch: Fetch[T], size: int) -> list[Start]:
    """Find where at most so many parts of a listing begin, the first aside, which begins at the beginning.

    Args:
        style: How the API pages.
        parts: Parts to make at most.
        fetch: Sends a request and decodes its response.
        size: Rows in a page.

    Raises:
        UsageError: The API pages by cursor.
    """
    search = search_parts(style, parts, size)
    spans = next(search)
    while True:
        pages: dict[int, Fetched[object] | Exception] = {}

        async def send(index: int, span: Span, pages: dict[int, Fetched[object] | Exception] = pages) -> None:
            try:
                pages[index] = await fetch(span)
            except Exception as error:  # noqa: BLE001  the search raises it, not the group
                pages[index] = error

        with _interrupts():
            async with anyio.create_task_group() as tasks:
                for index, span in enumerate(spans):
                    tasks.start_soon(send, index, span)
        try:
            spans = search.send([pages[index] for index in range(len(spans))])
        except StopIteration as end:
            return list(end.value)
