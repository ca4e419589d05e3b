"""The clients of a worker process: one for each job, from its first task until none of its parts is left here."""

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

    client: asyncio.Future[Client]
    unused: asyncio.Event = field(factory=asyncio.Event)
    borrowers: int = 0
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


@define(eq=False)
class Clients:
    """The clients of a process, by the name of their job."""

    _open: dict[str, _Open] = field(factory=dict[str, _Open])

    @asynccontextmanager
    async def lent(self, job: str, opens: Opens) -> AsyncGenerator[Client]:
        """Lend the client of a job, which is opened if it is not. It stays open for the next task."""
        if job not in self._open:
            self._open[job] = _Open(asyncio.get_running_loop().create_future())
            self._open[job].task = asyncio.create_task(self._open[job].keep(opens))
        opened = self._open[job]
        opened.borrowers += 1
        try:
            yield await asyncio.shield(opened.client)
        except BaseException:
            if opened.client.done() and opened.client.exception() and self._open.get(job) is opened:
                del self._open[job]  # the next task tries again
            raise
        finally:
            opened.borrowers -= 1

    async def close(self, job: str) -> None:
        """Close the client of a job, unless another task has it."""
        if job in self._open and not self._open[job].borrowers:
            opened = self._open.pop(job)
            opened.unused.set()
            if opened.task is not None:
                await opened.task

    async def close_all(self, _state: object = None) -> None:
        """Close all that nobody has. Who still has one is about to be stopped with the process."""
        for job in list(self._open):
            await self.close(job)
