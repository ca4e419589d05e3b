"""``scripts/bench soak``: a long list read again and again over a network on which everything goes wrong at random.

httpx on asyncio, httpx on trio, and aiohttp read at the same time, each in a process of its own: one listing of all
rows after another, and beside it short ones, ones that are left half-way, and single customers. Every row is compared.
Memory, tasks and file descriptors are sampled; they have to be flat.
"""

import argparse
import json
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from attrs import define, field

__all__ = ["Lane", "main", "sent"]

HERE = Path(__file__).resolve().parent
LANES = (("httpx", "asyncio"), ("httpx", "trio"), ("aiohttp", "asyncio"))
GROWTH = 1.1  # times the memory of the middle third, in the last one
SLACK = 8.0  # MB more
CONNECTIONS = 64  # of each client
OTHERS = 8  # files that a loop has open by itself
TASKS = 64  # of listings under way: two windows, and what belongs to them


@define
class Lane:
    """What a worker tells.

    Attributes:
        resident: Megabytes of each sample.
        files, tasks: The same, beyond those at the beginning.
        end: What is left after the client was closed, and what was read.
    """

    name: str
    resident: list[float] = field(factory=list[float])
    files: list[int] = field(factory=list[int])
    tasks: list[int] = field(factory=list[int])
    end: dict[str, Any] = field(factory=dict[str, Any])

    def listen(self, lines: IO[str]) -> None:
        """Take what it prints, to the end."""
        for line in lines:
            told = json.loads(line)
            if "end" in told:
                self.end = told
            else:
                self.resident.append(told["resident"])
                self.files.append(told["files"])
                self.tasks.append(told["tasks"])

    @property
    def faults(self) -> list[str]:
        """What is wrong."""
        if not self.end:
            return ["it did not reach its end"]
        middle, last = self._third(1), self._third(2)
        checks = {
            f"{self.end['wrong']} wrong rows": self.end["wrong"],
            "no row was read": not self.end["counts"].get("rows"),
            f"memory grew from {middle:.0f} to {last:.0f} MB": last > GROWTH * middle + SLACK,
            f"{max(self.tasks, default=0)} tasks at once": max(self.tasks, default=0) > TASKS,
            f"{max(self.files, default=0)} files open": max(self.files, default=0) > CONNECTIONS + OTHERS,
            f"{self.end['tasks']} tasks left": self.end["tasks"] > 0,
            f"{self.end['files']} files left": self.end["files"] > OTHERS,
        }
        return [what for what, is_wrong in checks.items() if is_wrong]

    def _third(self, which: int) -> float:
        size = max(1, len(self.resident) // 3)
        return statistics.median(self.resident[which * size : (which + 1) * size] or [0.0])

    def __str__(self) -> str:
        counts = self.end.get("counts", {})
        told = ", ".join(f"{counts[name]:,} {name}" for name in sorted(counts))
        memory = " → ".join(f"{self._third(which):.0f}" for which in range(3))
        return (
            f"{self.name}: {memory} MB by thirds, at most {max(self.tasks, default=0)} tasks and "
            f"{max(self.files, default=0)} files more than at the beginning; {self.end.get('files', '?')} files left\n"
            f"  {told}\n  {'; '.join(self.faults) or 'rows right, everything flat'}"
        )


def sent(counts: dict[str, int]) -> str:
    """Say which faults the server sent."""
    rarest = min(counts, key=lambda name: counts[name])
    total = sum(counts.values())
    return f"faults sent: {total:,} of {len(counts)} kinds; the rarest, {rarest!r}, {counts[rarest]:,} times"


def main(arguments: list[str]) -> int:
    """Print what came of each lane; the exit status says whether anything was wrong."""
    parser = argparse.ArgumentParser(prog="scripts/bench soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="how long (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the list (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which faults come when (default: %(default)s)")
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        server = stack.enter_context(_process("soak_server", given.rows, given.seed, stdin=subprocess.PIPE))
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        seconds = given.minutes * 60
        workers = [
            stack.enter_context(_process("soak_worker", url, *lane, given.rows, seconds, given.seed + number))
            for number, lane in enumerate(LANES)
        ]
        lanes = [Lane(" on ".join(lane)) for lane in LANES]
        for lane, worker in zip(lanes, workers, strict=True):
            assert worker.stdout is not None
            lane.listen(worker.stdout)
            print(lane, flush=True)
        counts, _ = server.communicate()  # it ends with its standard input
        print(sent(json.loads(counts)))
    return int(any(lane.faults for lane in lanes))


def _process(module: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", str(HERE / f"{module}.py"), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
