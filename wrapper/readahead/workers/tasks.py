"""The tasks of taskiq. They belong to its shared broker: the application chooses the broker that carries them.

A message names a job and a part, and is acknowledged when nothing more is to be done for it. A worker that dies, or
whose database is away, has not acknowledged it, so the broker delivers it again. Each task copies its part for a while
and sends a message that goes on, so that it ends long before the broker takes its worker for dead.
"""

from typing import Final

import anyio
from taskiq import AsyncBroker, Context, TaskiqDepends, TaskiqEvents, async_shared_broker

from ..errors import UsageError
from .clients import Clients
from .parts import Declared, copy_part, plan_run
from .stopping import notice_signals

__all__ = ["JOBS", "part_task", "plan_task"]

JOBS: Final = dict[str, Declared]()
_CLIENTS: Final = "readahead.clients"


@async_shared_broker.task("readahead.plan", ack_type="manual")
async def plan_task(job: str, run: int, context: Context = TaskiqDepends()) -> None:  # noqa: B008  it is how taskiq is told
    """Divide the listing of a job into parts, and send a message for each."""
    parts = await plan_run(_declared(job), _clients_of(context.broker), run)
    if isinstance(parts, list):
        for part in parts:
            await part_task.kiq(job, part)
    else:
        await anyio.sleep(parts)
        await plan_task.kiq(job, run)
    await _acknowledge(context)


@async_shared_broker.task("readahead.part", ack_type="manual")
async def part_task(job: str, part: int, context: Context = TaskiqDepends()) -> None:  # noqa: B008
    """Copy a part for a while."""
    later = await copy_part(_declared(job), _clients_of(context.broker), part)
    if later is not None:
        await anyio.sleep(later)
        await part_task.kiq(job, part)
    await _acknowledge(context)


def _declared(job: str) -> Declared:
    if job not in JOBS:
        raise UsageError(
            f"this worker does not know the job {job!r}; name the module that declares it: taskiq worker app:broker app"
        )
    return JOBS[job]


def _clients_of(broker: AsyncBroker) -> Clients:
    """Return the clients of this process. Those that are open are closed with the broker."""
    if _CLIENTS not in broker.state:
        broker.state[_CLIENTS] = Clients()
        if broker.is_worker_process:
            notice_signals()
        broker.add_event_handler(TaskiqEvents.WORKER_SHUTDOWN, broker.state[_CLIENTS].close_all)
    clients: Clients = broker.state[_CLIENTS]
    return clients


async def _acknowledge(context: Context) -> None:
    if context.is_ackable:
        await context.ack()
