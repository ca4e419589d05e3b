"""Servers of others that tests start: on this machine alone, with a data directory of their own, stopped at the end."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

POSTGRES = Path("/usr/lib/postgresql")  # where Debian has its versions


def free_port():
    """A port that nobody uses now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def _postgres_binaries():
    """Where PostgreSQL's programs are, the newest version; the test is skipped where they are not."""
    found = [path.parent for path in POSTGRES.glob("*/bin/initdb")]
    if not found and (initdb := shutil.which("initdb")):
        found = [Path(initdb).resolve().parent]
    if not found:
        pytest.skip("PostgreSQL is not installed: neither /usr/lib/postgresql/*/bin/initdb nor initdb in PATH")
    return max(found, key=lambda path: [int(part) for part in path.parent.name.split(".") if part.isdigit()])


def _as_nobody(folder):
    """What goes before a command, so that it does not run as root: PostgreSQL refuses that."""
    if os.name != "posix" or os.geteuid() != 0:
        return []
    shutil.chown(folder, "nobody")
    return ["setpriv", "--reuid=nobody", "--clear-groups", "--"]


@contextmanager
def postgres_server():
    """Run PostgreSQL while the block runs; it gives the URL of an empty database."""
    binaries = _postgres_binaries()
    with tempfile.TemporaryDirectory(prefix="readahead-pg-", ignore_cleanup_errors=True) as name:
        folder, data = Path(name), Path(name) / "data"
        before = _as_nobody(folder)
        log = folder / "log"

        def run(program, *arguments):
            command = [*before, str(binaries / program), *arguments]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
            if done.returncode:
                said = done.stdout + done.stderr + (log.read_text() if log.exists() else "")
                raise RuntimeError(f"{program} failed: {said}")

        run("initdb", "-D", data, "-A", "trust", "-U", "tests", "-E", "UTF8", "--locale=C", "--no-sync")
        port = free_port()
        options = {
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": folder,
            "port": port,
            "max_connections": 60,
            "shared_buffers": "32MB",
        }
        settings = " ".join(f"-c {option}={value}" for option, value in options.items())
        run("pg_ctl", "-D", data, "-l", log, "-w", "-t", "60", "-o", settings, "start")
        try:
            yield f"postgresql://tests@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


class Nats:
    """A NATS server with JetStream."""

    def __init__(self, program, folder):
        self._folder, self.port = folder, free_port()
        self._command = [program, "--jetstream", "--addr", "127.0.0.1", "--port", str(self.port)]

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    def start(self):
        command = [*self._command, "--store_dir", self._folder / "data"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        said = []
        for line in self._process.stderr:
            said.append(line)
            if "Server is ready" in line:
                break
        else:
            self._process.wait()
            raise RuntimeError(f"nats-server did not start: {''.join(said)}")
        self._rest = threading.Thread(target=self._process.stderr.read, daemon=True)  # so that it never waits to write
        self._rest.start()

    def kill(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._rest.join()
        self._process.stderr.close()


@contextmanager
def nats_server():
    """Run a NATS server while the block runs; it can be killed in it, and started again with its data."""
    program = shutil.which("nats-server", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("NATS is not installed: there is no nats-server in PATH or /usr/sbin")
    with tempfile.TemporaryDirectory(prefix="readahead-nats-") as name:
        server = Nats(program, Path(name))
        server.start()
        try:
            yield server
        finally:
            server.kill()
