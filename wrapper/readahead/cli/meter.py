"""Shows how far a command is, on standard error: a bar on a terminal, lines in a log, or nothing."""

import logging
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TextIO, cast

from ..errors import escaped
from ..events import RequestFinished, RequestRetried
from ..pages import IncompleteWarning

if TYPE_CHECKING:
    from rich.progress import Progress

    from ..export.copying import CopyProgress

__all__ = ["Meter", "Style", "style_for"]

Style = Literal["bar", "plain", "none"]
INTERVAL = 5.0  # seconds between two lines of a log, at least


def style_for(choice: Literal["auto", "bar", "plain", "none"], *, quiet: bool, rows_on_stdout: bool) -> Style:
    """Return how progress is shown.

    Args:
        choice: What the user wants.
        quiet: Whether nothing but errors is shown.
        rows_on_stdout: Whether rows go to standard output.
    """
    if quiet:
        return "none"
    if choice != "auto":
        return choice
    terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    if rows_on_stdout:  # a bar would stand between the rows on a terminal, and a pipe is not to be disturbed
        return "bar" if terminal and not sys.stdout.isatty() else "none"
    return "bar" if terminal else "plain"


class Meter:
    """How far a command is, for people.

    Args:
        style: How it is shown.
        limit: Rows to read, at most.
        goes_on: Whether the same command goes on where it was stopped.
    """

    def __init__(self, style: Style = "none", *, limit: int | None = None, goes_on: bool = False) -> None:
        self.incomplete = False
        self._style: Style = style
        self._limit, self._goes_on = limit, goes_on
        self._requests, self._said = 0, time.monotonic()
        self._latest: CopyProgress | None = None
        self._bar: Progress | None = None
        self._pauses = _Pauses(self)

    @property
    def hooks(self) -> Mapping[str, Any]:
        """The options of a client that tell of its requests."""
        return {} if self._style == "none" else {"on_response": self._on_response, "on_retry": self._on_retry}

    # ---- what happens

    def update(self, progress: "CopyProgress") -> None:
        """Take how far a copy is."""
        self._latest = progress
        report = progress.report
        done, total = progress.rows + report.left_out, progress.total
        if total is not None and self._limit is not None and not report.left_out:
            total = min(total, self._limit)
        of = "" if total is None else f" of {total:,}"
        rows = f"{progress.rows:,} rows" if report.left_out else f"{progress.rows:,}{of} rows"
        parts = [
            f"{report.left_out:,} left out{of and f', {done:,}{of} read'}" if report.left_out else "",
            f"{progress.rate:,.0f}/s",
            "" if progress.left is None else f"{_duration(progress.left)} left",
            f"{report.requests:,} requests",
            f"held back {_duration(report.waited)}" if report.waited >= 1 else "",
        ]
        self._show(rows, ", ".join(filter(None, parts)), done, total)

    def note(self, text: str) -> None:
        """Show what the command is waiting for."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], more=text)
        elif self._style == "plain":
            self.say(text)

    def _on_response(self, _event: RequestFinished) -> None:
        self._requests += 1
        if self._latest is None:
            self._show("connected", f"{self._requests:,} request{'' if self._requests == 1 else 's'}", None, None)

    def _on_retry(self, event: RequestRetried) -> None:
        if event.wait >= 1:
            status = "" if event.status is None else f", status {event.status}"
            self.note(f"{event.reason}{status}: sent again in {_duration(event.wait)}")

    def _show(self, rows: str, more: str, done: int | None, total: int | None) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], rows=rows, more=more, completed=done, total=total)
        elif self._style == "plain" and time.monotonic() - self._said >= INTERVAL:
            self.say(f"{rows}, {more}")

    # ---- lines

    def say(self, text: str) -> None:
        """Print a line on standard error, above the bar."""
        self._said = time.monotonic()
        if self._bar is not None:
            self._bar.console.print(f"readahead: {text}", markup=False, highlight=False, soft_wrap=True)
        else:
            with suppress(OSError):
                print(f"readahead: {text}", file=sys.stderr, flush=True)

    def conclude(self, text: str, *, always: bool = False) -> None:
        """Say in place of the bar what the command has done.

        Args:
            text: What.
            always: Whether it is said where nothing else is shown.
        """
        self._end_bar()
        if always or self._style != "none":
            self.say(text)

    def show_warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        del filename, lineno, file, line
        self.incomplete = self.incomplete or issubclass(category, IncompleteWarning)
        self.say(f"warning: {escaped(str(message))}")

    def farewell(self) -> None:
        """Say how far a command was that has been stopped, and how to go on."""
        self._end_bar()
        text = "stopped"
        if self._latest is not None:
            text += f" after {self._latest.rows:,} rows"
            text += f"; {self._latest.stored:,} are stored" if self._goes_on else ""
        self.say(text + ("; run the same command again to go on" if self._goes_on else ""))

    # ---- the bar

    def __enter__(self) -> Self:
        if self._style == "bar":
            from rich.console import Console  # noqa: PLC0415  it takes long to import
            from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415
            from rich.table import Column  # noqa: PLC0415

            columns = [  # what there is to read has its room first
                BarColumn(bar_width=None, table_column=Column(ratio=1)),
                TextColumn("{task.fields[rows]}", markup=False, table_column=Column(no_wrap=True)),
                TextColumn("{task.fields[more]}", markup=False, table_column=Column(no_wrap=True)),
            ]
            console = Console(stderr=True)
            self._bar = Progress(
                *columns, console=console, transient=True, refresh_per_second=5, redirect_stdout=False, expand=True
            )
            self._bar.add_task("", total=None, rows="connecting", more="")
            self._bar.start()
        if self._style != "none":
            self._pauses.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pauses.stop()
        self._end_bar()

    def _end_bar(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.stop()


class _Pauses(logging.Handler):
    """Shows the pauses that an API asks for, which are logged."""

    def __init__(self, meter: Meter) -> None:
        super().__init__(logging.INFO)
        self._meter, self._logger = meter, logging.getLogger("readahead.http")
        self._level = logging.NOTSET

    def start(self) -> None:
        self._level = self._logger.level
        if self._logger.getEffectiveLevel() > logging.INFO:
            self._logger.setLevel(logging.INFO)
        self._logger.addHandler(self)

    def stop(self) -> None:
        if self in self._logger.handlers:
            self._logger.removeHandler(self)
            self._logger.setLevel(self._level)

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "event", "") == "client.paused":
            self._meter.note(f"pause of {_duration(cast('Any', record).seconds)}, as the API asks")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}" if minutes else f"{rest} s"
