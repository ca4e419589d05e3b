"""Progress: a bar on a terminal, lines in a log, nothing in a pipe."""

import codecs
import fcntl
import json
import os
import re
import select
import struct
import subprocess
import termios
import threading
from contextlib import contextmanager

import anyio
import pytest
from command import COMMAND, SECONDS, credentials, environment, readahead

from readahead.cli.meter import style_for
from readahead.sandbox import Faults, Sandbox

CUSTOMERS = ["kintsugi", "customers"]


class Gate:
    """A sandbox's latency: it takes no time until the n-th request, and then until the gate is opened."""

    def __init__(self, number):
        self.number, self.opened = number, threading.Event()

    async def __call__(self, _request):
        self.number -= 1
        if self.number <= 0:
            await anyio.to_thread.run_sync(self.opened.wait, SECONDS, abandon_on_cancel=True)


class Terminal:
    """What a process shows on a terminal of 100 columns."""

    def __init__(self):
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.shown, self._decode = "", codecs.getincrementaldecoder("utf-8")().decode

    def until(self, pattern):
        """Read until this is shown, and return the match; None: read to the end."""
        while pattern is None or not (found := re.search(pattern, self.shown)):
            ready, _, _ = select.select([self.master], [], [], SECONDS)
            assert ready, self.shown
            try:
                content = os.read(self.master, 65_536)
            except OSError:  # as Linux says that no process has it open any more
                content = b""
            if not content:
                assert pattern is None, self.shown
                return None
            self.shown += self._decode(content)
        return found


@contextmanager
def on_terminal(*arguments, cwd, stdout=None, **more):
    """Run a command whose standard error, and standard output if not given, are a terminal."""
    terminal = Terminal()
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=terminal.slave if stdout is None else stdout,
        stderr=terminal.slave,
    ) as process:
        os.close(terminal.slave)
        try:
            yield process, terminal
        finally:
            process.kill()
            os.close(terminal.master)


def test_a_bar_on_a_terminal_shows_rows_rate_time_left_and_requests(tmp_path):
    """It goes when the command has ended, and one line stays."""
    gate = Gate(20)
    with Sandbox(kintsugi_rows=3_000, latency=gate) as sandbox, sandbox.serve() as url:
        options = ["--to", "c.csv", "--base-url", f"{url}/kintsugi", "--credentials", credentials(tmp_path)]
        with on_terminal("export", *CUSTOMERS, *options, cwd=tmp_path) as (process, terminal):
            terminal.until(r"━")
            terminal.until(r"[\d,]{3,} of 3,000 rows +[\d,]+/s, (\d+:)?\d+( s)? left, \d+ requests")
            assert "\x1b[?25l" in terminal.shown  # the cursor is hidden
            gate.opened.set()
            terminal.until(None)
            assert process.wait(SECONDS) == 0
    last = terminal.shown.rpartition("readahead: ")[2]
    assert re.fullmatch(r"c\.csv: 3,000 rows, \d+ requests, complete\r\n", last)
    assert terminal.shown.rindex("\x1b[?25h") > terminal.shown.rindex("\x1b[?25l")  # and shown again


def test_a_bar_shows_what_is_waited_for(tmp_path):
    """Such as a pause that the API asks for; stopped, it leaves the terminal as it was."""
    with Sandbox(kintsugi_rows=10, faults=Faults(throttled=1, retry_after=50)) as sandbox, sandbox.serve() as url:
        options = ["--to", "c.csv", "--base-url", f"{url}/kintsugi", "--credentials", credentials(tmp_path)]
        with on_terminal("export", *CUSTOMERS, *options, cwd=tmp_path) as (process, terminal):
            terminal.until(r"pause of 50 s, as the API asks|sent again in 50 s")
            process.terminate()
            terminal.until(None)
            assert process.wait(SECONDS) == 143
    assert terminal.shown.rindex("\x1b[?25h") > terminal.shown.rindex("\x1b[?25l")
    assert terminal.shown.endswith("readahead: stopped; run the same command again to go on\r\n")


def test_rows_on_a_terminal_are_not_disturbed(kintsugi, tmp_path):
    """There is no bar between them."""
    options = ["export", *CUSTOMERS, "--limit", "5", *kintsugi]
    with on_terminal(*options, cwd=tmp_path) as (process, terminal):
        terminal.until(None)
        assert process.wait(SECONDS) == 0
    assert len([json.loads(line) for line in terminal.shown.splitlines()]) == 5


def test_rows_in_a_pipe_have_a_bar_beside_them_on_a_terminal(kintsugi, tmp_path):
    """And nothing of it in the pipe."""
    with on_terminal("export", *CUSTOMERS, *kintsugi, cwd=tmp_path, stdout=subprocess.PIPE) as (process, terminal):
        rows = [json.loads(line) for line in process.stdout]
        terminal.until(None)
        assert process.wait(SECONDS) == 0
    assert len(rows) == 1_000
    assert "━" in terminal.shown


def test_no_color_means_none(kintsugi, tmp_path):
    """NO_COLOR, as https://no-color.org says."""
    options = ["export", *CUSTOMERS, "--to", "c.csv", *kintsugi]
    colors = r"\x1b\[[\d;]*[1-9][\d;]*m"
    shown = []
    for more in {}, {"NO_COLOR": "1"}:
        with on_terminal(*options, cwd=tmp_path, **more) as (process, terminal):
            terminal.until(None)
            assert process.wait(SECONDS) == 0
            shown.append(bool(re.search(colors, terminal.shown)))
    assert shown == [True, False]


def test_quiet_shows_nothing_on_a_terminal_either(kintsugi, tmp_path):
    """Unless something is wrong."""
    with on_terminal("export", *CUSTOMERS, "--to", "c.csv", "-q", *kintsugi, cwd=tmp_path) as (process, terminal):
        terminal.until(None)
        assert process.wait(SECONDS) == 0
    assert terminal.shown == ""


@pytest.mark.parametrize(("progress", "says"), [("auto", True), ("plain", True), ("none", False)])
def test_a_log_has_lines_without_control_characters(progress, says, kintsugi, tmp_path):
    """A short command says what it did, and no more."""
    done = readahead("export", *CUSTOMERS, "--to", "c.csv", "--progress", progress, *kintsugi, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert [line.startswith("readahead: c.csv: 1,000 rows, ") for line in done.stderr.splitlines()[-1:]] == [
        True
    ] * says
    assert "\x1b" not in done.stderr


class Stream:
    def __init__(self, terminal):
        self._terminal = terminal

    def isatty(self):
        return self._terminal


@pytest.mark.parametrize(
    ("rows_on_stdout", "stdout", "stderr", "term", "style"),
    [
        (False, True, True, "xterm", "bar"),
        (False, False, True, "xterm", "bar"),
        (False, False, True, "dumb", "plain"),
        (False, False, False, "xterm", "plain"),
        (False, True, False, "xterm", "plain"),
        (True, True, True, "xterm", "none"),
        (True, False, True, "xterm", "bar"),
        (True, False, False, "xterm", "none"),
        (True, False, True, "dumb", "none"),
    ],
)
def test_how_progress_is_shown(rows_on_stdout, stdout, stderr, term, style, monkeypatch):
    """It depends on where the rows go, and on what is a terminal."""
    monkeypatch.setattr("sys.stdout", Stream(stdout))
    monkeypatch.setattr("sys.stderr", Stream(stderr))
    monkeypatch.setenv("TERM", term)
    assert style_for("auto", quiet=False, rows_on_stdout=rows_on_stdout) == style
    assert style_for("auto", quiet=True, rows_on_stdout=rows_on_stdout) == "none"
    assert style_for("bar", quiet=False, rows_on_stdout=rows_on_stdout) == "bar"
