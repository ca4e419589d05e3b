"""What the benches share: the server, a process for each contender, paired rounds, and lines of results."""

import json
import os
import platform
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from attrs import asdict, define, field, frozen

from .contenders import CONTENDERS, SIZE
from .decode import stock_folder

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


@frozen
class Sizes:
    """How much to measure."""

    rounds: int = 5
    pages: int = 1000
    serial_pages: int = 100
    slow_pages: int = 256  # of contenders that take seconds for 1,000, at windows of their own
    gathered_pages: int = 512  # of the same, at the window that all share
    cpu_pages: int = 500
    few: int = 100  # pages of 100 rows
    many: int = 10_000
    tries: int = 10
    auto_pages: int = 3000
    small: int = 100
    shared: tuple[int, ...] = (8, 16, 64)  # the windows at which clients are compared
    windows: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256)


TINY = Sizes(
    rounds=1,
    pages=4,
    serial_pages=2,
    slow_pages=4,
    gathered_pages=4,
    cpu_pages=3,
    few=2,
    many=6,
    tries=1,
    auto_pages=6,
    small=2,
    shared=(2, 3, 4),
    windows=(1, 4),
)


@frozen
class Line:
    """One line of a table: a figure of every round.

    Attributes:
        what: What the figure is.
        rounds: The figure of each round.
        asked: The goal for the median, if there is one.
        most: Whether the goal is an upper bound.
        unit: The unit of the figure.
        digits: Decimals to show.
    """

    what: str
    rounds: tuple[float, ...]
    asked: float | None = None
    most: bool = False
    unit: str = "x"
    digits: int = 2

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches the goal; None without a goal."""
        if self.asked is None:
            return None
        return self.median <= self.asked if self.most else self.median >= self.asked

    def __str__(self) -> str:
        spread = "" if len(self.rounds) == 1 else f" ({self._said(min(self.rounds))} to {self._said(max(self.rounds))})"
        return self._said(self.median) + spread

    @property
    def said_asked(self) -> str:
        """The goal, in words."""
        if self.asked is None:
            return ""
        return f"at {'most' if self.most else 'least'} {self._said(self.asked)}"

    def _said(self, number: float) -> str:
        return f"{number:,.{self.digits}f}{'' if self.unit in {'x', ''} else ' '}{self.unit}"


@define
class Result:
    """The result of one bench.

    Attributes:
        data: Figures for plots and further tables.
        notes: The conditions of the measurement.
    """

    name: str
    title: str
    lines: list[Line] = field(factory=list[Line])
    notes: list[str] = field(factory=list[str])
    data: dict[str, Any] = field(factory=dict[str, Any])
    rounds: int = 0

    def line(self, what: str, rounds: Iterable[float], **more: Any) -> None:
        self.lines.append(Line(what, tuple(rounds), **more))

    def table(self) -> str:
        """The lines, aligned."""
        cells = [("", "measured: median (least to most)", "asked", "")]
        cells += [(line.what, str(line), line.said_asked, _verdict(line)) for line in self.lines]
        widths = [max(len(row[column]) for row in cells) for column in range(4)]
        text = [f"{self.name}: {self.title}"]
        text += ["  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells]
        return "\n".join(line.rstrip() for line in [*text, *(f"  - {note}" for note in self.notes)])

    def as_json(self) -> dict[str, Any]:
        found = asdict(self)
        for line, made in zip(self.lines, found["lines"], strict=True):
            made |= {
                "median": line.median,
                "least": min(line.rounds),
                "greatest": max(line.rounds),
                "reached": line.reached,
            }
        return {**found, "environment": environment()}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        lines = [
            Line(line["what"], tuple(line["rounds"]), line["asked"], line["most"], line["unit"], line["digits"])
            for line in found["lines"]
        ]
        return cls(found["name"], found["title"], lines, found["notes"], found["data"], found["rounds"])


def _verdict(line: Line) -> str:
    return {None: "", True: "reached", False: "NOT REACHED"}[line.reached]


def environment() -> dict[str, Any]:
    """Return the versions and the number of cores that figures depend on."""
    packages = ("aiohttp", "httpx", "kintsugi-tax-platform-sdk", "openapi-python-client", "orjson")
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "packages": {name: version(name) for name in packages},
    }


class Worker:
    """A process in which one contender runs jobs."""

    def __init__(self, name: str, stock: Path) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchmarks.contenders", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=child_environment(stock),
        )

    def do(self, job: str, **parameters: Any) -> dict[str, Any]:
        """Run a job and return its result."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": job, **parameters}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} failed at {job}; see above")
        found: dict[str, Any] = json.loads(answer)
        return found

    def close(self) -> None:
        self._process.communicate()


def child_environment(*folders: Path) -> dict[str, str]:
    """Return the environment of a child process: import paths, and no proxies."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return kept | {"PYTHONPATH": os.pathsep.join(map(str, (HERE.parent, *folders)))}


class Rig(ExitStack):
    """Server and workers, started on first use and stopped when the block exits."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self._workers: dict[str, Worker] = {}
        self._stock: Path | None = None
        self._port: int | None = None
        self.kept: dict[str, Any] = {}  # results that two benches share

    def worker(self, name: str) -> Worker:
        """Return the process of a contender."""
        if name not in self._workers:
            self._workers[name] = self.fresh(name)
        return self._workers[name]

    def fresh(self, name: str) -> Worker:
        """Start a new process of a contender."""
        worker = Worker(name, self.stock() if name.startswith("stock") else HERE)
        self.callback(worker.close)
        return worker

    def stock(self) -> Path:
        """Return the folder of the generated stock client."""
        if self._stock is None:
            self._stock = self.enter_context(stock_folder())
        return self._stock

    def base(self, api: str, rows: int, latency: float, capacity: int = 0) -> str:
        """Return the base URL of a list."""
        if self._port is None:
            process = subprocess.Popen(
                [sys.executable, "-P", str(HERE / "server.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self.callback(process.communicate)
            assert process.stdout is not None
            self._port = int(process.stdout.readline())
        return f"http://127.0.0.1:{self._port}/{rows}-{latency}-{capacity}/{api}"

    def spent(self) -> dict[str, float]:
        """Return the number of requests that the server received, and its CPU seconds."""
        origin = self.base("", 0, 0).partition("/0-")[0]
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{origin}/spent") as answer:
            found: dict[str, float] = json.loads(answer.read())
            return found

    def listing(self, name: str, pages: int, window: int, latency: float, capacity: int = 0) -> dict[str, float]:
        """Run one listing by one contender; return its wall and CPU seconds."""
        url = self.base(api_of(name), pages * SIZE, latency, capacity)
        return self.worker(name).do("listing", url=url, pages=pages, window=window)

    def paired(self, runs: Mapping[str, Callable[[], Any]], rounds: int = 0) -> dict[str, list[Any]]:
        """Execute every run once in each round, in rotating order, so that none always follows the slowest."""
        found: dict[str, list[Any]] = {name: [] for name in runs}
        for turn in range(rounds or self.sizes.rounds):
            names = [*runs][turn % len(runs) :] + [*runs][: turn % len(runs)]
            for name in names:
                found[name].append(runs[name]())
        return found


def api_of(name: str) -> str:
    """Return the part of the server's path that a contender can read."""
    if name.startswith("official"):
        return "listed"
    return "sweetspot" if name.endswith("Sweet Spot") else "kintsugi"


def per(ours: list[float], others: list[float]) -> list[float]:
    """Return the ratio of each round."""
    return [one / other for one, other in zip(ours, others, strict=True)]


__all__ = ["CONTENDERS", "ROOT", "SIZE", "TINY", "Line", "Result", "Rig", "Sizes", "api_of", "environment", "per"]
