"""Ctrl-C and SIGTERM stop a command, whatever it is doing, and it says how to go on."""

import array
import fcntl
import itertools
import json
import re
import signal
import socket
import sqlite3
import termios
import threading
from contextlib import closing, contextmanager

import anyio
import pytest
from command import SECONDS, credentials, running

from readahead.sandbox import Faults, Sandbox

CUSTOMERS = ["kintsugi", "customers"]
SIGNALS = [signal.SIGINT, signal.SIGTERM]
by_signal = pytest.mark.parametrize("number", SIGNALS, ids=["Ctrl-C", "SIGTERM"])


@contextmanager
def silent_server():
    """A server that takes requests and answers none. It yields its URL, and an event: it has a request."""
    asked, connections = threading.Event(), []

    def serve():
        try:
            while True:
                connection, _ = server.accept()
                connections.append(connection)
                if connection.recv(1):
                    asked.set()
        except OSError:
            return  # it is closed

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(SECONDS)
            for connection in connections:
                connection.close()


@by_signal
@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["export", *CUSTOMERS, "--to", "c.ndjson"], "stopped; run the same command again to go on"),
        (["export", *CUSTOMERS, "--progress", "bar"], "stopped"),
        (["count", *CUSTOMERS], "stopped"),
        (["get", *CUSTOMERS, "cust_1"], "stopped"),
    ],
    ids=["to a file", "to standard output", "count", "get"],
)
def test_while_a_request_hangs(command, says, number, tmp_path):
    """It does not wait for the response."""
    with silent_server() as (url, asked):
        options = ["--base-url", url, "--credentials", credentials(tmp_path)]
        with running(*command, *options, cwd=tmp_path) as process:
            assert asked.wait(SECONDS)
            process.send_signal(number)
            out, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, out) == (128 + number, "")
    assert errors.endswith(f"readahead: {says}\n")
    assert "Traceback" not in errors
    assert not (tmp_path / "c.ndjson").exists()


@by_signal
def test_while_the_api_asks_for_a_pause(number, tmp_path):
    """Which is shown, for a log as well."""
    with Sandbox(kintsugi_rows=10, faults=Faults(throttled=1, retry_after=50)) as sandbox, sandbox.serve() as url:
        options = ["--base-url", f"{url}/kintsugi", "--credentials", credentials(tmp_path)]
        with running("export", *CUSTOMERS, "--to", "c.csv", *options, cwd=tmp_path) as process:
            line = process.stderr.readline()
            process.send_signal(number)
            _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + number
    assert line.startswith("readahead: ")
    assert "50" in line
    assert errors.endswith("readahead: stopped; run the same command again to go on\n")


class Gate:
    """A sandbox's latency: it takes no time until the n-th request, and then until the gate is opened.

    ``idle`` is set at the 25th request behind it: the first 2,000 rows are written then, or about to be.
    """

    def __init__(self, number):
        self.number, self.reached, self.opened, self.idle = number, *(threading.Event() for _ in range(3))

    async def __call__(self, _request):
        self.number -= 1
        if self.number <= -25:
            self.idle.set()
        if self.number <= 0:
            self.reached.set()
            await anyio.to_thread.run_sync(self.opened.wait, SECONDS, abandon_on_cancel=True)


@by_signal
def test_stopped_again_and_again_it_goes_on_and_ends_with_every_row_once(number, tmp_path):
    """It says how many rows it has, and how many of them are stored."""
    said = []
    with Sandbox(kintsugi_rows=6_000) as sandbox:
        for at in (50, 15, None):
            gate = Gate(at if at is not None else 10**9)
            with serving(sandbox, gate) as url:
                options = ["--base-url", url, "--credentials", credentials(tmp_path), "--window", "4"]
                with running("export", *CUSTOMERS, "--to", "c.ndjson", *options, cwd=tmp_path) as process:
                    if at is not None:
                        assert gate.reached.wait(SECONDS)
                        process.send_signal(number)
                    _, errors = process.communicate(timeout=SECONDS)
                    gate.opened.set()
            assert process.returncode == (0 if at is None else 128 + number), errors
            assert (tmp_path / "c.ndjson").exists() == (at is None)
            said.append(errors.splitlines()[-1])
        pattern = r"readahead: stopped after ([\d,]+) rows; ([\d,]+) are stored; run the same command again to go on"
        (rows, stored), (more, still) = (
            [int(text.replace(",", "")) for text in re.fullmatch(pattern, errors).groups()] for errors in said[:2]
        )
        assert 2_000 <= stored <= rows < 6_000
        assert stored <= still <= more < 6_000
        assert re.match(r"readahead: c.ndjson: 6,000 rows, started [23] times, .*, complete", said[2])
        ids = [json.loads(line)["id"] for line in (tmp_path / "c.ndjson").read_text().splitlines()]
        assert ids == [row["id"] for row in sandbox.kintsugi_rows()]


@contextmanager
def serving(sandbox, gate):
    """Serve Kintsugi behind a gate, always at the same address: a copy belongs to it."""
    from readahead.sandbox.server import serving as on_port

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await gate(scope)
        await sandbox.kintsugi_app(scope, receive, send)

    port = getattr(sandbox, "port", 0)
    with on_port(app, port, "127.0.0.1") as url:
        sandbox.port = int(url.rpartition(":")[2])
        try:
            yield url
        finally:
            gate.opened.set()


@by_signal
@pytest.mark.parametrize("times", [1, 2])
def test_while_nobody_reads_what_it_writes(number, times, tmp_path):
    """A write to a pipe that is full cannot be cancelled: the process ends all the same, a second signal at once."""
    with Sandbox(kintsugi_rows=5_000) as sandbox, sandbox.serve() as url:
        options = ["--base-url", f"{url}/kintsugi", "--credentials", credentials(tmp_path)]
        with running("export", *CUSTOMERS, *options, cwd=tmp_path) as process:
            fill(process.stdout)
            for _ in range(times):
                process.send_signal(number)
            assert process.wait(SECONDS) == 128 + number
            errors = process.stderr.read()
    assert re.search(r"^readahead: stopped after [\d,]+ rows\n$", errors, re.MULTILINE)


@by_signal
def test_while_a_write_waits_for_a_lock(number, tmp_path):
    """That another process holds on the database; what was stored before stays, and it goes on from there."""
    gate = Gate(1)
    file = tmp_path / "shop.db"
    with Sandbox(kintsugi_rows=3_000) as sandbox, serving(sandbox, gate) as url:
        options = ["--base-url", url, "--credentials", credentials(tmp_path)]
        export = ["export", *CUSTOMERS, "--to", file, *options]
        with running(*export, cwd=tmp_path) as process:
            assert gate.reached.wait(SECONDS)  # the table is there, and nothing is in it
            with closing(sqlite3.connect(file, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                gate.opened.set()
                assert gate.idle.wait(SECONDS)
                process.send_signal(number)
                _, errors = process.communicate(timeout=SECONDS)
                other.execute("ROLLBACK")
        assert process.returncode == 128 + number
        assert re.search(r"0 are stored; run the same command again to go on\n$", errors)
        with running(*export, cwd=tmp_path) as process:
            assert process.wait(SECONDS) == 0
        with closing(sqlite3.connect(file)) as database:
            rows = [name for (name,) in database.execute("SELECT id FROM customers")]
        assert sorted(rows) == sorted(row["id"] for row in sandbox.kintsugi_rows())


def fill(pipe):
    """Wait until a pipe takes no more: two pages are more than it has room for."""
    room, waiting = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ), array.array("i", [0])
    for _ in itertools.count():
        fcntl.ioctl(pipe, termios.FIONREAD, waiting)
        if waiting[0] >= room - 4_096:
            return
