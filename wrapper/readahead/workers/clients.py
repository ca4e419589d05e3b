"""The clients of a worker process: one for each job, from its first task until none of its parts is left."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from attrs import define, field

from ..http.client import Client

__all__ = ["Clients", "Opens"]

Opens = Callable[[], AbstractAsyncContextManager[Any]]


@define(eq=False)
class _Open:
    """A client that is open, or about to be. The task that opens it closes it, as task groups in it need."""

    of: int
    client: asyncio.Future[Client]
    borrowers: int = 0
    is_retired: bool = False
    unused: asyncio.Event = field(factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    async def keep(self, opens: Opens) -> None:
        try:
            async with opens() as client:
                self.client.set_result(client)
                await self.unused.wait()
        except Exception as error:
            if self.client.done():
                raise  # it could not be closed
            self.client.set_exception(error)

    def release(self) -> None:
        if self.is_retired and not self.borrowers:
            self.unused.set()


@define(eq=False)
class Clients:
    """The clients of a process, by the name of their job."""

    _open: dict[str, _Open] = field(factory=dict[str, _Open])

    @asynccontextmanager
    async def lent(self, job: str, of: int, opens: Opens) -> AsyncGenerator[Client]:
        """Lend the client of a job, which stays open for the next task.

        Args:
            job: The name of the job.
            of: The start it belongs to. Another start opens another one, which may have new credentials.
            opens: Opens it.
        """
        if job in self._open and self._open[job].of != of:
            self._retire(job)
        if job not in self._open:
            opened = self._open[job] = _Open(of, asyncio.get_running_loop().create_future())
            opened.task = asyncio.create_task(opened.keep(opens))
        opened = self._open[job]
        opened.borrowers += 1
        try:
            yield await asyncio.shield(opened.client)
        finally:
            opened.borrowers -= 1
            if opened.client.done() and opened.client.exception() and self._open.get(job) is opened:
                self._retire(job)  # the next task tries again
            opened.release()

    async def close(self, job: str) -> None:
        """Close the client of a job as soon as nobody has it, and wait for that if it is now."""
        opened = self._retire(job)
        if opened is not None and opened.task is not None and not opened.borrowers:
            await opened.task

    async def close_all(self, _state: object = None) -> None:
        """Close all. Who still has one is about to be stopped with the process."""
        for job in list(self._open):
            await self.close(job)

    def _retire(self, job: str) -> _Open | None:
        opened = self._open.pop(job, None)
        if opened is not None:
            opened.is_retired = True
            opened.release()
        return opened
