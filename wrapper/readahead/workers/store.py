"""What is stored of a job: its run, and its parts. All that workers know of each other stands here.

A part is claimed with a token, and the last claim wins: what an earlier one still writes is refused, in the transaction
of its rows. So a message that comes twice changes nothing, whenever it comes, and no clock is asked who is dead.

A run is over when each of its parts is done or has failed. That is read, and not stored: two parts that end at the
same moment do not see each other.
"""

from collections.abc import Sequence
from secrets import token_hex
from typing import Final

from attrs import frozen

from ..errors import TargetError
from ..export.database import Database, Table, Transaction, Upserted
from ..export.target import Progressed

__all__ = ["TABLES", "Claim", "Store", "StoredPart", "StoredRun", "Superseded", "Try"]

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS _readahead_runs (
        job TEXT PRIMARY KEY,
        run BIGINT NOT NULL,
        starts BIGINT NOT NULL,
        state TEXT NOT NULL,
        attempts BIGINT NOT NULL,
        why TEXT NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS _readahead_parts (
        job TEXT NOT NULL,
        part BIGINT NOT NULL,
        partition TEXT NOT NULL,
        state TEXT NOT NULL,
        claim TEXT NOT NULL,
        attempts BIGINT NOT NULL,
        spared BIGINT NOT NULL,
        progressed TEXT NOT NULL,
        new_rows BIGINT NOT NULL,
        changed_rows BIGINT NOT NULL,
        same_rows BIGINT NOT NULL,
        why TEXT NOT NULL,
        PRIMARY KEY (job, part)
    )""",
)


class Superseded(Exception):
    """Another worker has claimed the part, or it has ended. Nothing was stored."""


@frozen
class StoredRun:
    """A run. state: ``planning``, ``planned`` or ``failed``."""

    number: int
    state: str
    why: str


@frozen
class StoredPart:
    """A part of a run. state: ``waiting``, ``done`` or ``failed``."""

    state: str
    progressed: Progressed | None
    upserted: Upserted
    why: str


@frozen
class Try:
    """An attempt. Its number since something succeeded, from 1; and the number of the job's start."""

    number: int
    start: int


@frozen
class Claim:
    """A part that this worker copies until another one claims it. spared: tasks in a row to which no page came."""

    part: int
    token: str
    attempt: Try
    spared: int
    partition: str
    progressed: Progressed | None


@frozen
class Store:
    """The state of one job in an open database."""

    job: str
    database: Database

    async def prepare(self) -> None:
        """Create what is missing of the tables."""
        try:
            await self._prepare()
        except TargetError:
            await self._prepare()  # PostgreSQL refuses the second of two that create a table at the same moment

    async def _prepare(self) -> None:
        async with self.database.transaction() as transaction:
            for statement in TABLES:
                await transaction.execute(statement)

    # ---- the run

    async def begin(self, *, restart: bool = False) -> int:
        """Begin a run, or take up the one that is not over; its failed parts are to be tried again. Return its number.

        Whoever begins at the same time gets the same number. With ``restart`` a run that is not over is thrown away.
        """
        async with self.database.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO _readahead_runs (job, run, starts, state, attempts, why) "
                "VALUES ($1, 1, 0, 'planning', 0, '') "
                "ON CONFLICT (job) DO NOTHING",
                self.job,
            )
            # The row is written first, so that whoever comes second waits here and sees what the first one did.
            ((run, state),) = await transaction.execute(
                "UPDATE _readahead_runs SET attempts = 0, starts = starts + 1 WHERE job = $1 RETURNING run, state",
                self.job,
            )
            ((open_parts,),) = await transaction.execute(
                "SELECT count(*) FROM _readahead_parts WHERE job = $1 AND state <> 'done'", self.job
            )
            if restart or (state == "planned" and not open_parts):
                await transaction.execute("DELETE FROM _readahead_parts WHERE job = $1", self.job)
                run, state = run + 1, "planning"
            elif state == "failed":
                state = "planning"
            await transaction.execute(
                "UPDATE _readahead_runs SET run = $2, state = $3, why = '' WHERE job = $1", self.job, run, state
            )
            await transaction.execute(
                "UPDATE _readahead_parts SET state = 'waiting', attempts = 0, spared = 0, why = '' "
                "WHERE job = $1 AND state = 'failed'",
                self.job,
            )
            return int(run)

    async def run(self) -> StoredRun | None:
        """Return the latest run."""
        async with self.database.transaction() as transaction:
            rows = await transaction.execute("SELECT run, state, why FROM _readahead_runs WHERE job = $1", self.job)
        return StoredRun(*rows[0]) if rows else None

    async def try_plan(self, run: int) -> Try | None:
        """Take that somebody tries to plan this run; None where that is over."""
        async with self.database.transaction() as transaction:
            rows = await transaction.execute(
                "UPDATE _readahead_runs SET attempts = attempts + 1 "
                "WHERE job = $1 AND run = $2 AND state = 'planning' RETURNING attempts, starts",
                self.job,
                run,
            )
        return Try(*map(int, rows[0])) if rows else None

    async def planned(self, run: int, table: Table, partitions: Sequence[str]) -> None:
        """Store the parts of a run, unless it has some, and create the table before many workers look for it."""
        async with self.database.transaction() as transaction:
            await transaction.prepare(table)
            if await transaction.execute(
                "UPDATE _readahead_runs SET state = 'planned', attempts = 0 "
                "WHERE job = $1 AND run = $2 AND state = 'planning' RETURNING run",
                self.job,
                run,
            ):
                for part, partition in enumerate(partitions):
                    await transaction.execute(
                        "INSERT INTO _readahead_parts VALUES ($1, $2, $3, 'waiting', '', 0, 0, '', 0, 0, 0, '')",
                        self.job,
                        part,
                        partition,
                    )

    async def plan_failed(self, run: int, why: str) -> None:
        """Give up planning a run."""
        async with self.database.transaction() as transaction:
            await transaction.execute(
                "UPDATE _readahead_runs SET state = 'failed', why = $3 "
                "WHERE job = $1 AND run = $2 AND state = 'planning'",
                self.job,
                run,
                why,
            )

    async def waiting(self, run: int) -> list[int]:
        """Return the parts of a run that are neither done nor have failed; none if it is not the latest one."""
        async with self.database.transaction() as transaction:
            rows = await transaction.execute(
                "SELECT part FROM _readahead_parts WHERE job = $1 AND state = 'waiting' AND EXISTS "
                "(SELECT 1 FROM _readahead_runs WHERE job = $1 AND run = $2) ORDER BY part",
                self.job,
                run,
            )
        return [int(part) for (part,) in rows]

    async def has_waiting(self) -> bool:
        """Return whether any part is neither done nor has failed."""
        async with self.database.transaction() as transaction:
            [(number,)] = await transaction.execute(
                "SELECT count(*) FROM _readahead_parts WHERE job = $1 AND state = 'waiting'", self.job
            )
        return bool(number)

    async def parts(self) -> list[StoredPart]:
        """Return the parts of the latest run."""
        async with self.database.transaction() as transaction:
            rows = await transaction.execute(
                "SELECT state, progressed, new_rows, changed_rows, same_rows, why FROM _readahead_parts "
                "WHERE job = $1 ORDER BY part",
                self.job,
            )
        return [
            StoredPart(state, _progressed(progressed), Upserted(new, changed, same), why)
            for state, progressed, new, changed, same, why in rows
        ]

    # ---- a part

    async def claim(self, part: int) -> Claim | None:
        """Claim a part, from whoever has it; None if there is nothing to do for it."""
        token = token_hex(8)
        async with self.database.transaction() as transaction:
            rows = await transaction.execute(
                "UPDATE _readahead_parts SET claim = $3, attempts = attempts + 1 "
                "WHERE job = $1 AND part = $2 AND state = 'waiting' RETURNING attempts, spared, partition, progressed",
                self.job,
                part,
                token,
            )
            runs = await transaction.execute("SELECT starts FROM _readahead_runs WHERE job = $1", self.job)
        if not rows or not runs:
            return None
        ((attempts, spared, partition, progressed),) = rows
        attempt = Try(int(attempts), int(runs[0][0]))
        return Claim(part, token, attempt, int(spared), partition, _progressed(progressed))

    async def write(self, claim: Claim, table: Table, rows: Sequence[object], progressed: Progressed) -> None:
        """Store rows, and how far the part is after them. A part that gets on has all its attempts again.

        Raises:
            Superseded: The claim is not the last one.
        """
        async with self.database.transaction() as transaction:
            await self._update(transaction, claim, "progressed = $4", progressed.to_json())
            if rows:  # a copy that fails stores its place, too, and that is no progress
                done = await transaction.upsert(table, rows)
                await self._update(
                    transaction,
                    claim,
                    "attempts = 0, spared = 0, "
                    "new_rows = new_rows + $4, changed_rows = changed_rows + $5, same_rows = same_rows + $6",
                    done.new,
                    done.changed,
                    done.same,
                )

    async def finish(self, claim: Claim, progressed: Progressed) -> None:
        """Store that all rows of the part are in the table. Raises Superseded."""
        async with self.database.transaction() as transaction:
            await self._update(transaction, claim, "state = 'done', progressed = $4", progressed.to_json())

    async def spare(self, claim: Claim) -> None:
        """Take that no page came, because the API says to wait or is slow: no attempt, but noted. Raises Superseded."""
        async with self.database.transaction() as transaction:
            await self._update(transaction, claim, "attempts = attempts - 1, spared = spared + 1")

    async def fail(self, claim: Claim, why: str) -> None:
        """Give up the part. Raises Superseded."""
        async with self.database.transaction() as transaction:
            await self._update(transaction, claim, "state = 'failed', why = $4", why)

    async def _update(self, transaction: Transaction, claim: Claim, changes: str, *values: object) -> None:
        if not await transaction.execute(
            f"UPDATE _readahead_parts SET {changes} "  # noqa: S608  no value is in it
            "WHERE job = $1 AND part = $2 AND claim = $3 AND state = 'waiting' RETURNING part",
            self.job,
            claim.part,
            claim.token,
            *values,
        ):
            raise Superseded


def _progressed(text: str) -> Progressed | None:
    return Progressed.from_json(text) if text else None
