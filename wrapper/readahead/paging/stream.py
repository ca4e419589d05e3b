"""Runs a plan: asks for pages ahead of the consumer, and hands out rows.

Two forms, one engine. ``Stream`` (``async with query.prefetch() as rows``) owns a task group, so that nothing outlives
its block. The bare form (``async for row in query``) cannot: a task group must not be left open across the ``yield`` of
an async generator (PEP 789). It is an iterator whose tasks hold no reference to it, so that releasing it ends them.

A page counts against the window from the request until the consumer takes it. Only ``Engine.fill`` asks.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

import anyio
import anyio.abc
from attrs import define, evolve, field

from ..errors import StreamError
from ..pages import Page, Report
from .plans import Ask, Plan, Seen

__all__ = ["Engine", "Rows", "Stream"]

T = TypeVar("T")
Fetch = Callable[[Ask], Awaitable[tuple[Page[T], Seen]]]


@define(eq=False)
class Engine(Generic[T]):
    """Plan, window and what has arrived. ``spawn`` starts a task; without one, pages are read one by one, in place."""

    plan: Plan
    fetch: Fetch[T]
    report: Report
    window: int
    limit: int | None
    on_page: "Callable[[Page[T], Report], None] | None" = None
    spawn: "Callable[[Ask], None] | None" = None
    stopped: bool = False
    _held: int = 0  # pages in flight, or read and not taken
    _pages: dict[Ask, Page[T]] = field(factory=dict[Ask, Page[T]])
    _scopes: dict[Ask, anyio.CancelScope] = field(factory=dict[Ask, anyio.CancelScope])
    _news: anyio.Event = field(factory=anyio.Event)

    def fill(self) -> None:
        """Ask for pages until the window is full or the plan wants to wait."""
        while self.spawn and not self.stopped and self._held < self.window and (ask := self.plan.ask()) is not None:
            self._held += 1
            self.spawn(ask)

    async def run(self, ask: Ask) -> None:
        """One page, from the request to the plan."""
        if self.stopped:
            return
        with anyio.CancelScope() as scope:
            self._scopes[ask] = scope
            try:
                page, seen = await self.fetch(ask)
            except Exception as error:  # noqa: BLE001  it is handed to the consumer, in its turn
                self._held -= 1
                self.plan.failed(ask, error)
            else:
                self._count(page)
                self.plan.got(ask, seen)
                if page.rows and self.plan.wants(ask):
                    self._pages[ask] = page
                else:
                    self._held -= 1
        del self._scopes[ask]
        self._drop_unwanted()
        self.fill()
        self._news.set()

    async def page(self) -> Page[T] | None:
        """The next page to hand out, as soon as it is there; None at the end. Raises what ended the listing early."""
        while True:
            if (ask := self.plan.take()) is not None:
                self._held -= 1
                page = self._pages.pop(ask)
                break
            if self.plan.error is not None:
                self.stop()
                self.report.why = f"{type(self.plan.error).__name__}: {self.plan.error}"
                raise self.plan.error
            if self.plan.over:
                self.stop()
                self.report.complete, self.report.why = True, "the end was reached"
                return None
            await self._more()
        room = None if self.limit is None else self.limit - self.report.rows
        if room is not None and len(page) > room:
            page = evolve(page, rows=page.rows[:room])
        self.report.rows += len(page)
        self.fill()
        if self.on_page is not None:
            self.on_page(page, self.report)
        return page

    async def _more(self) -> None:
        if self.spawn is None:
            if (ask := self.plan.ask()) is None:  # nothing is in flight, so the plan must know what it wants
                raise StreamError("the plan waits for nothing")
            self._held += 1
            await self.run(ask)
            return
        self.fill()
        if self._news.is_set():
            self._news = anyio.Event()
        await self._news.wait()

    def stop(self) -> None:
        """Cancel what is in flight. Nothing is asked from here on."""
        self.stopped = True
        for scope in self._scopes.values():
            scope.cancel()

    def _count(self, page: Page[T]) -> None:
        self.report.pages += 1
        if page.total is not None and page.total not in self.report.totals:
            self.report.totals.append(page.total)

    def _drop_unwanted(self) -> None:
        for ask, scope in self._scopes.items():
            if not self.plan.wants(ask):
                scope.cancel()


class _Consumer(AsyncIterator[T]):
    """Rows one by one, or page by page, for one task at a time."""

    def __init__(self, engine: Engine[T]) -> None:
        self._engine = engine
        self._rows: deque[T] = deque()
        self._page: Page[T] | None = None
        self._busy = False

    @property
    def report(self) -> Report:
        """How the listing went, so far."""
        return self._engine.report

    async def __anext__(self) -> T:
        while not self._rows:
            page = await self._next_page()
            if page is None:
                raise StopAsyncIteration
            self._page = page
            self._rows.extend(page.rows)
        return self._rows.popleft()

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Whole pages; of one that was begun row by row, what is left of it."""
        if self._rows and self._page is not None:
            page = evolve(self._page, rows=tuple(self._rows))
            self._rows.clear()
            yield page
        while (following := await self._next_page()) is not None:
            yield following

    async def _next_page(self) -> Page[T] | None:
        if self._busy:
            raise StreamError("two tasks iterate over one stream; give each a stream of its own, or hand rows on")
        self._busy = True
        try:
            return await self._engine.page()
        finally:
            self._busy = False


class Stream(_Consumer[T]):
    """A listing that is read ahead. An async context manager, and inside its block an async iterator over rows.

    Leaving the block, however that happens, ends every request and task of the listing before the next statement runs;
    an exception raised inside arrives as it is.
    """

    def __init__(self, engine: Engine[T]) -> None:
        super().__init__(engine)
        self._tasks: anyio.abc.TaskGroup | None = None
        self._left = False

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
        self._engine.stop()
        if kind is not None and issubclass(kind, anyio.get_cancelled_exc_class()):
            return await self._tasks.__aexit__(kind, error, trace)
        # Told of no error, the group waits for its tasks and wraps nothing: the caller's exception goes on as it is.
        await self._tasks.__aexit__(None, None, None)
        return None

    def _spawn(self, ask: Ask) -> None:
        assert self._tasks is not None
        self._tasks.start_soon(self._engine.run, ask)

    async def _next_page(self) -> Page[T] | None:
        if self._tasks is None:
            raise StreamError("the stream is not open: write `async with query.prefetch() as rows:`")
        if self._left:
            raise StreamError("the stream is closed: its `async with` block has been left")
        return await super()._next_page()


class Rows(_Consumer[T]):
    """The bare form. Its requests are cancelled when it is released; ``aclose()`` cancels them and waits.

    On trio, where a task needs an owner, it reads one page at a time.
    """

    def __init__(self, engine: Engine[T]) -> None:
        super().__init__(engine)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cancelled = False

    async def _next_page(self) -> Page[T] | None:
        if self._cancelled:
            raise StreamError(
                "the iteration was cancelled, and its requests with it; prefetch() goes on after a timeout"
            )
        if self._loop is None and self._engine.spawn is None:
            self._start()
        try:
            return await super()._next_page()
        except anyio.get_cancelled_exc_class():
            self._cancelled = True
            self._engine.stop()
            raise

    def _start(self) -> None:
        try:
            loop = self._loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._engine.spawn = _spawner(loop, self._engine, self._tasks)

    async def aclose(self) -> None:
        """Cancel the requests in flight and wait until they are gone."""
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
    loop: asyncio.AbstractEventLoop, engine: Engine[T], tasks: set[asyncio.Task[None]]
) -> Callable[[Ask], None]:
    # A function of its own: a closure made in a method of Rows would keep the Rows alive.
    def spawn(ask: Ask) -> None:
        task = loop.create_task(engine.run(ask))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return spawn


def _cancel(engine: Engine[T], tasks: set[asyncio.Task[None]]) -> None:
    engine.stop()
    for task in tasks:
        task.cancel()
