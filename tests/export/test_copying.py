"""A copy of a listing: what is stored, in which pieces, what a failed run leaves behind, and what the next one does.

The target keeps everything in memory and can fail at any call; files and tables have tests of their own.
"""

from contextlib import asynccontextmanager

import anyio
import pytest

from readahead.errors import CheckpointError, DecodeError, TargetError, UsageError
from readahead.export.copying import copy
from readahead.export.target import Progressed
from readahead.kintsugi import fields
from readahead.sandbox import Faults, Sandbox

pytestmark = pytest.mark.anyio
ROWS = 2_345


class Memory:
    """A target in memory. ``fail_at``: the call of ``write`` that fails."""

    def __init__(self, fail_at=None, fault=None):
        self.rows, self.pieces, self.progressed, self.finished = [], [], None, []
        self.fail_at, self.fault, self.open = fail_at, fault, False

    @asynccontextmanager
    async def begin(self, job):
        assert not self.open
        self.job, self.open = job, True
        try:
            yield self
        finally:
            self.open = False

    async def write(self, rows, progressed):
        if len(self.pieces) == self.fail_at:
            self.fail_at = None
            raise self.fault
        await anyio.lowlevel.checkpoint()
        self.rows.extend(row.id for row in rows)
        self.pieces.append(len(rows))
        self.progressed = Progressed.from_json(progressed.to_json())

    async def finish(self, progressed):
        self.finished.append(progressed)


@pytest.fixture
def box():
    with Sandbox(kintsugi_rows=ROWS) as box:
        yield box


def every_id(box):
    return [row["id"] for row in box.kintsugi_rows()]


async def test_every_row_is_copied_in_order(box):
    target = Memory()
    async with box.kintsugi() as kintsugi:
        copied = await copy(kintsugi.customers, target, at_once=500)
    assert target.rows == every_id(box)
    assert len(target.finished) == 1 and not target.open
    assert (copied.rows, copied.runs, copied.complete, copied.why) == (ROWS, 1, True, "the end was reached")
    assert str(copied) == "2,345 rows, complete"


async def test_a_failed_write_is_raised_as_it_is_and_the_next_run_goes_on(box):
    """At every write of the copy. A piece is read again as a whole, so no row comes twice."""
    fault = TargetError("the disk is full")
    async with box.kintsugi() as kintsugi:
        for nth in range(5):
            target = Memory(nth, fault)
            with pytest.raises(TargetError) as raised:
                await copy(kintsugi.customers, target, at_once=500)
            assert raised.value is fault
            assert not target.finished and not target.open and len(target.pieces) == nth
            copied = await copy(kintsugi.customers, target, at_once=500)
            assert target.rows == every_id(box)
            assert (copied.rows, copied.runs) == (ROWS, 2 if nth else 1)


async def test_rows_before_a_page_that_fails_are_stored():
    """A row cannot be read: what came before its page is in the target, and the error arrives as it is."""
    target = Memory()
    with Sandbox(kintsugi_rows=ROWS, faults=Faults(null_ids=0.002)) as box:
        async with box.kintsugi() as kintsugi:
            with pytest.raises(DecodeError):
                await copy(kintsugi.customers, target, at_once=500, window=4)
            stored = len(target.rows)
            assert 0 < stored < ROWS and target.rows == every_id(box)[:stored]
            copied = await copy(kintsugi.customers, target, at_once=500, on_bad_row="skip")
    assert copied.bad_rows > 0 and copied.runs == 2
    assert copied.rows == len(target.rows) == len(set(target.rows)) == ROWS - copied.bad_rows


@pytest.mark.parametrize("stop_after", [1, 3])
async def test_a_cancelled_copy_leaves_nothing_running_and_goes_on(box, stop_after):
    target = Memory()
    async with box.kintsugi() as kintsugi:
        with anyio.CancelScope() as scope:

            def stop(progress):
                if progress.stored >= 500 * stop_after:
                    scope.cancel()

            await copy(kintsugi.customers, target, at_once=500, on_progress=stop)
        assert scope.cancelled_caught and not target.open and not target.finished
        assert 0 < len(target.rows) < ROWS
        await copy(kintsugi.customers, target, at_once=500)
    assert target.rows == every_id(box)


async def test_nothing_of_another_query_goes_on(box):
    target = Memory(2, TargetError("gone"))
    async with box.kintsugi() as kintsugi:
        with pytest.raises(TargetError):
            await copy(kintsugi.customers, target, at_once=500)
        stored = list(target.rows)
        with pytest.raises(CheckpointError):  # a target refuses it before that, by the fingerprint
            await copy(kintsugi.customers.where(country="US"), target)
    assert target.rows == stored


async def test_a_doubt_of_an_earlier_run_is_not_forgotten(box):
    """A copy that was resumed is complete only if each of its runs was."""
    target = Memory(3, TargetError("gone"))
    async with box.kintsugi() as kintsugi:
        with pytest.raises(TargetError):
            await copy(kintsugi.customers, target, at_once=500)
        doubted = target.progressed.to_json().replace('"doubts":[]', '"doubts":["a gap was not closed"]')
        target.progressed = Progressed.from_json(doubted)
        copied = await copy(kintsugi.customers, target, at_once=500)
    assert copied.report.complete and not copied.complete
    assert copied.why == "a gap was not closed"


async def test_progress_counts_rows_of_earlier_runs(box):
    target, seen = Memory(3, TargetError("gone")), []
    async with box.kintsugi() as kintsugi:
        with pytest.raises(TargetError):
            await copy(kintsugi.customers, target, at_once=500)
        stored = len(target.rows)
        await copy(kintsugi.customers, target, at_once=500, on_progress=seen.append)
    assert seen[0].rows > stored == seen[0].stored
    assert seen[-1].rows == ROWS and seen[-1].total == ROWS
    assert all(one.stored <= one.rows for one in seen)


@pytest.mark.parametrize("damaged", ["", "{}", "[]", "null", '{"checkpoint": 1}', '{"doubts": 3}', b"\xff"])
def test_damaged_state_is_named(damaged):
    with pytest.raises(TargetError, match="restart=True"):
        Progressed.from_json(damaged)


async def test_wrong_arguments_are_refused_before_anything_is_opened(box):
    target = Memory()
    async with box.kintsugi() as kintsugi:
        customers = kintsugi.customers
        blind = customers.where(fields.search.matches("a") | fields.search.matches("b"))
        for wrong in (
            {"query": "customers"},
            {"query": blind},
            {"at_once": 0},
            {"at_once": True},
            {"window": 0},
            {"on_bad_row": "ignore"},
            {"on_progress": 3},
            {"deadline": -1},
            {"restart": "no"},
        ):
            with pytest.raises(UsageError):
                await copy(**{"query": customers, "target": target, **wrong})
    assert not hasattr(target, "job")
