"""One request budget and one pause for all processes that send for an account, kept in a database they share.

A budget is one row. Its columns are a ring of buckets, each with the requests that were reserved in a fraction of the
period; a request counts from its reservation until a little more than a period later. So a reservation is one
``UPDATE … RETURNING``, whose time is the database's clock, and it serves all requests that wait in the process: while
one is on its way, others gather for the next. Nothing has to be given back: a process that is killed leaves what it
reserved, which counts as if it had been sent, and lapses by itself.

At most ``Pace.requests`` are reserved in any ``per + reach`` seconds, where ``reach`` is the width of a bucket. So a
request that arrives at the server within ``reach`` of its reservation is within the budget, whatever others do. One
whose response came later may have arrived later, so the next reservation of its process moves it to when it ended. What
is left: requests that arrive later than ``reach``, and are older than ``per``, of a process that died, or given up by
their client, may exceed the budget, by their own number. So may all, if the database's clock is set forward.
"""
# ruff: noqa: S608  statements are made of numbers and names of this module; values are parameters

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Self, cast

import anyio
from anyio import lowlevel
from attrs import define

from ..errors import GateError, TargetError, UsageError, shown
from ..export.database import Database, DatabaseTarget
from ..http.pacing import Pace

__all__ = ["SharedPace"]

BUCKETS = 48
IN_PERIOD = BUCKETS - 2  # one is the reach, and the oldest lapses as a whole
LEAST = 0.05  # seconds; a shorter period is no longer than the way to the database
RINGS = [f"c{index}" for index in range(BUCKETS)]
TABLE = f"""CREATE TABLE IF NOT EXISTS _readahead_budgets (
    account text PRIMARY KEY, width integer NOT NULL, granted integer NOT NULL, now bigint NOT NULL,
    bucket bigint NOT NULL, paused_until bigint NOT NULL, {", ".join(f"{ring} integer NOT NULL" for ring in RINGS)})"""
ADD = f"""INSERT INTO _readahead_budgets VALUES ($1, $2, 0, 0, {BUCKETS}, 0, {", ".join("0" for _ in RINGS)})
    ON CONFLICT (account) DO NOTHING"""
# In microseconds.
POSTGRES_CLOCK = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
SQLITE_CLOCK = "CAST((julianday('now') - 2440587.5) * 86400000000 AS bigint)"


def _reserve(clock: str) -> str:
    """Return the statement that carries a pause, moves late requests, and reserves as many as there is room for.

    Its values: account, requests per period, asked for, late ones, how long ago these were reserved, the pause, and how
    long ago the late ones ended; times in microseconds.

    It is a chain of subqueries over the row that is updated, from the inside: the time; the bucket of now; what is live
    in each bucket; how many are granted. Where two processes update the row at once, the second one's are evaluated
    again, on what the first one left and at the time of then. A clock that was set back by more than a period makes all
    of it void; by less, time stands still meanwhile. ``LIMIT 1`` keeps PostgreSQL from merging them, which
    would make the sum of all buckets part of each. The text stays below 15 kB, above which asyncpg prepares it anew
    each time.
    """
    live = [
        f"CASE WHEN last - (last - {index}) % {BUCKETS} > b - {BUCKETS} THEN {ring} ELSE 0 END AS {ring}"
        for index, ring in enumerate(RINGS)
    ]
    # A bucket early, since its age is not known to the last moment: what is taken from there lapses sooner.
    source = "(clock - CAST($5 AS bigint)) / width - 1"
    moved = [
        f"{ring} + CASE WHEN ended = {index} THEN late ELSE 0 END"
        f" - CASE WHEN source = {index} THEN late ELSE 0 END AS {ring}"
        for index, ring in enumerate(RINGS)
    ]
    added = [f"{ring} + CASE WHEN slot = {index} THEN pass ELSE 0 END" for index, ring in enumerate(RINGS)]
    ended = "(clock - CAST($7 AS bigint)) / width"
    pause = "clock + CAST($6 AS bigint)"  # without one, $6 is 0, and a pause that ends now is none
    rings, known = ", ".join(RINGS), "clock, b, slot, pause"
    return f"""UPDATE _readahead_budgets SET (granted, now, bucket, paused_until, {rings}) = (
SELECT pass, clock, b, pause, {", ".join(added)} FROM (
SELECT CASE WHEN pause > clock OR room <= 0 THEN 0 WHEN room < asked THEN room ELSE asked END AS pass, {known}, {rings}
FROM (
SELECT CAST($2 AS bigint) - ({" + ".join(RINGS)}) AS room, CAST($3 AS bigint) AS asked, {known}, {rings} FROM (
SELECT {known}, {", ".join(moved)} FROM (
SELECT clock, b, b % {BUCKETS} AS slot, CAST($4 AS bigint) AS late,
CASE WHEN {source} > b - {BUCKETS} THEN ({source}) % {BUCKETS} ELSE -1 END AS source,
CASE WHEN {ended} > b - {BUCKETS} THEN ({ended}) % {BUCKETS} ELSE -1 END AS ended,
CASE WHEN {pause} > paused THEN {pause} ELSE paused END AS pause,
{", ".join(live)} FROM (
SELECT clock, CASE WHEN clock / width > last THEN clock / width ELSE last END AS b, last,
paused_until - (bucket - last) * width AS paused FROM (
SELECT clock, CASE WHEN bucket - clock / width > {BUCKETS}
THEN bucket - (bucket - clock / width) / {BUCKETS} * {BUCKETS} ELSE bucket END AS last
FROM (SELECT {clock} AS clock LIMIT 1) AS t0 LIMIT 1) AS t LIMIT 1) AS t1 LIMIT 1) AS t2 LIMIT 1) AS t3
LIMIT 1) AS t4 LIMIT 1) AS t5)
WHERE account = $1 RETURNING width, granted, now, bucket, paused_until, {rings}"""


@define(eq=False)
class _Request:
    """A request that waits: for so many seconds, then it asks again; 0: it may be sent; None: it is not known yet."""

    seconds: float | None = None


class SharedPace:
    """A gate for clients of one account in many processes: one budget, and one pause when the API asks for it.

    Each process opens one, and its clients share that: ``Kintsugi(gate=gate)``. Give all processes the same account and
    period. It belongs to one event loop.

    Args:
        database: A connection to the database that all processes share, for this alone; ``connect`` opens one.
        account: Whose budget it is: text that is the same in all processes, and is no key.
        pace: The budget of all of them together. At most 96% of it is used, so that requests which take up to 2% of
            the period to arrive are within it too.

    Raises:
        UsageError: An argument is not valid.
    """

    def __init__(self, database: Database, account: str, pace: Pace) -> None:
        if not isinstance(cast("object", account), str) or not account or "\0" in account:
            raise UsageError(f"account must be text that names the account, not {shown(account)}")
        if not isinstance(cast("object", pace), Pace):
            raise UsageError(f"pace must be Pace, such as Pace(10_000, per=60), not {shown(pace)}")
        if not LEAST <= pace.per <= 86_400 * 366 or pace.requests >= 2**31:
            raise UsageError(f"a shared budget needs a period from {LEAST:g} s to a year, not {pace}")
        self._database, self._account, self._pace = database, account, pace
        self._width = round(pace.per * 1e6 / IN_PERIOD)
        self._statement = ""
        self._waiting = deque[_Request]()
        self._late = deque[tuple[float, float]]()  # begin and end of requests that may have arrived late
        self._paused_until = self._told_until = 0.0
        self._lock = anyio.Lock()

    @classmethod
    @asynccontextmanager
    async def connect(cls, target: DatabaseTarget, account: str, pace: Pace) -> AsyncGenerator[Self]:
        """Connect to a database, and close the connection when the block ends.

        ``async with SharedPace.connect(Postgres(url), "kintsugi", Pace(10_000, per=60)) as gate:``

        Args:
            target: ``Postgres(url)``, or ``SQLite(path)`` for the processes of one machine. Its table is not touched.
            account: Whose budget it is: text that is the same in all processes, and is no key.
            pace: The budget of all of them together.

        Raises:
            TargetError: There is no connection.
            UsageError: An argument is not valid.
        """
        async with target.connect() as database:
            yield cls(database, account, pace)

    def __repr__(self) -> str:
        return f"SharedPace({self._account!r}, {self._pace!r})"

    async def enter(self) -> float:
        """Ask whether a request may be sent now: 0, or the seconds after which to ask again.

        Raises:
            GateError: The database cannot be reached.
            UsageError: The account has a budget with another period.
        """
        request = _Request()
        self._waiting.append(request)
        try:
            async with self._lock:
                if request.seconds is None:
                    await lowlevel.checkpoint()  # others that wake up at the same time come along
                    await self._exchange()
        finally:
            if request in self._waiting:
                self._waiting.remove(request)
        return request.seconds or 0.0

    def left(self, seconds: float) -> None:
        """Take that a request is over, so many seconds after it asked."""
        if seconds * 1e6 > self._width:
            now = anyio.current_time()
            self._late.append((now - seconds, now))

    async def pause(self, seconds: float) -> None:
        """Let nothing of any process pass for so long. A shorter pause never cuts a longer one.

        Raises:
            GateError: The database cannot be reached.
        """
        self._paused_until = max(self._paused_until, anyio.current_time() + seconds)
        async with self._lock:
            if self._paused_until > self._told_until:
                await self._exchange()

    async def _exchange(self) -> None:
        """Tell the database what happened here, reserve for all that wait, and answer them."""
        while len(self._late_together()) < len(self._late):  # of several times: one statement moves those of one
            await self._update(0)
        asked = len(self._waiting)
        granted, then, bucket, paused_until, *counts = await self._update(asked)
        self._answer(asked, granted, then, bucket, paused_until, counts)

    def _late_together(self) -> list[tuple[float, float]]:
        """Return late requests that began and ended together, within the width of a bucket."""
        width = self._width / 1e6
        return [
            late
            for late in self._late
            if all(abs(time - first) < width for time, first in zip(late, self._late[0], strict=True))
        ]

    async def _update(self, asked: int) -> tuple[int, ...]:
        now, until, late = anyio.current_time(), self._paused_until, self._late_together()
        pause = max(0.0, until - now) if until > self._told_until else 0.0
        began, ended = (round((now - time) * 1e6) for time in (late[0] if late else (now, now)))
        row = await self._run(
            self._account, self._pace.requests, asked, len(late), began, round(pause * 1e6), max(0, ended)
        )
        for one in late:
            self._late.remove(one)
        self._told_until = max(self._told_until, until)
        return row[1:]

    def _answer(self, asked: int, granted: int, now: int, bucket: int, paused_until: int, counts: list[int]) -> None:
        """Let pass what was granted, and tell the others when the first of those that count will lapse."""
        for _ in range(min(granted, len(self._waiting))):
            self._waiting.popleft().seconds = 0.0
        if granted == asked:  # there may be room for those that came while the database was asked
            return
        at = paused_until
        if paused_until <= now:
            # When the first lapse, though not for all: whoever waited longer than others would come too late, and the
            # rows of a listing wait for its oldest request.
            buckets = range(bucket - BUCKETS + 1, bucket + 1)
            at = next((each + BUCKETS for each in buckets if counts[each % BUCKETS] > 0), bucket + 1) * self._width
        for request in self._waiting:
            request.seconds = max(1e-3, (at - now) / 1e6)
        self._waiting.clear()

    async def _prepare(self) -> None:
        """Find out which database it is, and make the table and the row of the account."""
        clock = SQLITE_CLOCK
        try:
            async with self._database.transaction() as transaction:
                await transaction.execute("SELECT sqlite_version()")
        except TargetError:
            clock = POSTGRES_CLOCK
            async with self._database.transaction() as transaction:
                # A commit that does not wait for the disk is lost with a server that crashes, with the half second
                # before it. Waiting would hold the row for milliseconds.
                await transaction.execute("SELECT set_config('synchronous_commit', 'off', false)")
        try:
            async with self._database.transaction() as transaction:
                await transaction.execute(TABLE)
        except TargetError:  # another process made it in the same moment, which PostgreSQL reports
            async with self._database.transaction() as transaction:
                await transaction.execute(TABLE)
        async with self._database.transaction() as transaction:
            await transaction.execute(ADD, self._account, self._width)
            found = await transaction.execute("SELECT width FROM _readahead_budgets WHERE account = $1", self._account)
        if found[0][0] != self._width:
            raise UsageError(
                f"account {self._account!r} has a budget for every {found[0][0] * IN_PERIOD / 1e6:g} s in this "
                f"database, not for {self._pace.per:g} s; give all processes the same period, or delete its row in "
                "_readahead_budgets while none of them runs"
            )
        self._statement = _reserve(clock)

    async def _run(self, *values: Any) -> tuple[Any, ...]:
        try:
            if not self._statement:
                await self._prepare()
            async with self._database.transaction() as transaction:
                rows = await transaction.execute(self._statement, *values)
        except (TargetError, RuntimeError) as error:  # the latter of a connection that belongs to another event loop
            raise GateError(
                f"nothing was sent, because the budget of account {self._account!r} is out of reach: {error}"
            ) from None
        if not rows:
            self._statement = ""
            raise GateError(
                f"nothing was sent, because the budget of account {self._account!r} was deleted; the next request "
                "makes a new one"
            )
        return rows[0]
