"""A NATS server with JetStream, started by the test on a free port, with a data directory of its own."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

PROGRAM = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin")
GUARD = 30  # seconds until a server that does not come up fails the test


class Nats:
    """A NATS server. ``restart`` kills it and starts it again on the same port with the same data."""

    def __init__(self, folder):
        self._folder = folder
        self._process = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    def start(self):
        command = [PROGRAM, "--jetstream", "--addr", "127.0.0.1", "--port", str(self.port)]
        log = self._folder / "nats.log"
        self._process = subprocess.Popen([*command, "--store_dir", self._folder, "--log", log])
        give_up = time.monotonic() + GUARD
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                pytest.fail(f"nats-server did not start:\n{log.read_text() if log.exists() else ''}")
            time.sleep(0.02)

    def _answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False

    def kill(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def restart(self):
        self.kill()
        self.start()


@contextmanager
def nats_server(folder):
    """Run a NATS server while the block runs, or skip the test where none is installed."""
    if PROGRAM is None:
        pytest.skip("nats-server is not installed: apt-get install nats-server")
    server = Nats(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        print((folder / "nats.log").read_text()[-2000:], file=sys.stderr)
