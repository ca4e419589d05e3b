"""Copies in files are killed for real, at any moment, and started again: each row is in the file once.

A copy runs as a process of its own against a sandbox on a socket. It names each call that changes a file before that
call, and waits for a line that lets it go on; so it is killed exactly there, and nothing waits for a clock.
"""

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager

import anyio
import pytest
from pyarrow import parquet

from readahead.errors import TargetError
from readahead.export import export
from readahead.kintsugi import Kintsugi
from readahead.sandbox import Sandbox

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are killed with signals")
ROWS = 1_000
SLOW = [pytest.param(suffix, marks=pytest.mark.slow) for suffix in (".parquet",)]

# A write stops in its middle too. Descriptors are named by the files that they were opened for.
WORKER = """
import os, sys
import anyio
from readahead.export import export
from readahead.kintsugi import Kintsugi

url, to, stops, limit = sys.argv[1:]
names = {}

def stop(call, path):
    if stops:
        print(call, str(path).partition("customers")[2] or "folder", flush=True)
        sys.stdin.readline()

def stopping(name):
    call = getattr(os, name)
    def stopped(first, *rest, **more):
        path = names.get(first) if isinstance(first, int) else first
        if path is None:
            return call(first, *rest, **more)
        if name == "write" and len(rest[0]) > 1:
            half = len(rest[0]) // 2
            written = call(first, rest[0][:half])
            stop(name, path)
            return written + call(first, rest[0][half:])
        stop(name, path)
        result = call(first, *rest, **more)
        if name == "open":
            names[result] = path
        return result
    setattr(os, name, stopped)

for name in ("open", "write", "fsync", "ftruncate", "replace", "unlink"):
    stopping(name)

if to.endswith(".parquet"):
    from pyarrow import parquet
    write = parquet.ParquetWriter.write_table
    def write_table(self, *args, **options):
        stop("group", "")
        write(self, *args, **options)
        stop("footer", "")
    parquet.ParquetWriter.write_table = write_table

if int(limit):
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))

async def main():
    async with Kintsugi(api_key="key", organization_id="org_sandbox", base_url=url) as kintsugi:
        copied = await export(kintsugi.customers, to, at_once=200, window=2)
        print("copied", copied.rows, copied.runs)

anyio.run(main)
"""


@contextmanager
def worker(path, url, stops="", limit=0):
    """Start a copy. However the block ends, it has ended then."""
    command = [sys.executable, "-W", "error", "-c", WORKER, f"{url}/kintsugi", path, stops, str(limit)]
    streams = dict.fromkeys(["stdin", "stdout", "stderr"], subprocess.PIPE)
    with subprocess.Popen(command, env={**os.environ, "NO_PROXY": "127.0.0.1"}, text=True, **streams) as process:
        try:
            yield process
        finally:
            process.kill()


def until(process, moment, nth=1):
    """Let it run to the n-th moment of this kind, and return the moments until then."""
    seen = []
    while line := process.stdout.readline():
        seen.append(line.strip())
        if seen.count(moment) == nth:
            return seen
        process.stdin.write("\n")
        process.stdin.flush()
    raise AssertionError(f"it ended before {moment}: {Counter(seen)}, {process.stderr.read()}")


def killed(path, url, moment, nth=1):
    """Kill it there."""
    with worker(path, url, "stops") as process:
        until(process, moment, nth)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


def ids_of(path):
    if path.suffix == ".parquet":
        return parquet.read_table(path, columns=["id"])["id"].to_pylist()
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if ".csv" in path.suffixes:
        return [row["id"] for row in csv.DictReader(data.decode().splitlines(keepends=True), strict=True)]
    return [json.loads(line)["id"] for line in data.splitlines()]


def every_id(sandbox):
    return [row["id"] for row in sandbox.kintsugi_rows()]


def ends_whole(path, url, sandbox):
    """Start it once more, without a stop: the file has every row once, and nothing lies beside it."""
    with worker(path, url) as process:
        assert process.wait() == 0, process.stderr.read()
        said = process.stdout.read().split()
    assert ids_of(path) == every_id(sandbox)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    return int(said[-1])


# What happens to which file, and how often before it is killed: the first time it is begun, and later.
MOMENTS = [
    ("open {}.part.lock", 1),
    ("open {}.part.json.tmp", 1),
    ("write {}.part.json.tmp", 1),
    ("replace {}.part.json.tmp", 1),
    ("open {}.part", 1),
    ("ftruncate {}.part", 1),
    ("write {}.part", 1),
    ("fsync {}.part", 1),
    ("write {}.part.json.tmp", 2),
    ("fsync {}.part.json.tmp", 2),
    ("replace {}.part.json.tmp", 2),
    ("write {}.part", 2),
    ("fsync {}.part", 2),
    ("replace {}.part.json.tmp", 3),
]
LAST = [("replace {}.part", 1), ("fsync folder", 1), ("unlink {}.part.json", 1)]
LAST_OF_PARQUET = [
    ("group folder", 1),
    ("footer folder", 1),
    ("replace {}.part.tmp", 1),
    ("unlink {}.part", 1),
    ("unlink {}.part.json", 1),
]


@pytest.mark.parametrize("suffix", [".ndjson", *SLOW])
def test_killed_at_any_moment_before_it_is_whole_it_goes_on(tmp_path, suffix):
    """One file, killed again and again: no run loses what the one before has stored."""
    path = tmp_path / f"customers{suffix}"
    with Sandbox(kintsugi_rows=ROWS) as sandbox, sandbox.serve() as url:
        stored = []
        for moment, nth in MOMENTS:
            killed(path, url, moment.format(suffix), nth)
            assert not path.exists()
            state = path.with_name(f"{path.name}.part.json")
            stored.append(json.loads(state.read_bytes())["copy"]["length"] if state.exists() else 0)
        assert stored == sorted(stored) and 0 == stored[0] < stored[-1]
        assert ends_whole(path, url, sandbox) > 2


@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet"])
def test_killed_while_it_takes_its_name_it_is_whole_or_goes_on(tmp_path, suffix):
    """The name is never that of a part. An earlier file stays until then."""
    path = tmp_path / f"customers{suffix}"
    with Sandbox(kintsugi_rows=ROWS) as sandbox, sandbox.serve() as url:
        for moment, nth in LAST_OF_PARQUET if suffix == ".parquet" else LAST:
            path.write_text("before")
            killed(path, url, moment.format(suffix), nth)
            if path.read_bytes() != b"before":
                assert ids_of(path) == every_id(sandbox)
                assert moment.startswith(("fsync", "unlink"))
            ends_whole(path, url, sandbox)


class Killer:
    """A sandbox's latency: it takes no time, and kills a process when the server has a request of it, the n-th."""

    def __init__(self):
        self.process, self.requests = None, 0

    async def __call__(self, _request):
        self.requests -= 1
        if self.requests == 0:
            self.process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("suffix", [".csv.gz"])
def test_killed_at_any_request_it_goes_on(tmp_path, suffix):
    """Whatever it does when the server has that request."""
    path, killer, statuses = tmp_path / f"customers{suffix}", Killer(), []
    with Sandbox(kintsugi_rows=ROWS, latency=killer) as sandbox, sandbox.serve() as url:
        for killer.requests in (1, 2, 5, 3, 7):
            with worker(path, url) as killer.process:
                statuses.append(killer.process.wait())
        killer.requests = 0
        assert statuses[:3] == [-signal.SIGKILL] * 3  # a later one may have ended before
        ends_whole(path, url, sandbox)


def test_while_one_process_writes_another_is_refused(tmp_path):
    """And the first one ends as if nothing had happened. The lock of a process that was killed holds nobody up."""
    path = tmp_path / "customers.ndjson"

    async def copy_too(url):
        async with Kintsugi(api_key="key", organization_id="org_sandbox", base_url=f"{url}/kintsugi") as kintsugi:
            await export(kintsugi.customers, path, restart=True)

    with Sandbox(kintsugi_rows=ROWS) as sandbox, sandbox.serve() as url:
        killed(path, url, "fsync .ndjson.part", 2)
        assert path.with_name("customers.ndjson.part.lock").exists()
        with worker(path, url, "stops") as process:
            for moment in ("fsync .ndjson.part", "replace .ndjson.part", "unlink .ndjson.part.json"):
                until(process, moment)
                with pytest.raises(TargetError, match="is being written by another copy"):
                    anyio.run(copy_too, url)
                process.stdin.write("\n")
                process.stdin.flush()
            said, fault = process.communicate("\n" * 100)
            assert process.returncode == 0, fault
        assert said.splitlines()[-1] == f"copied {ROWS} 2"
        assert ids_of(path) == every_id(sandbox)
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".ndjson", ".csv.gz"])
def test_a_full_disk_loses_nothing(tmp_path, suffix):
    """The system refuses to write on in the middle of a piece. The error says so, and with room it goes on."""
    path, limit = tmp_path / f"customers{suffix}", 24_000 if suffix.endswith(".gz") else 200_000
    with Sandbox(kintsugi_rows=ROWS) as sandbox, sandbox.serve() as url:
        with worker(path, url, limit=limit) as process:
            _, fault = process.communicate()
            assert process.returncode == 1
        assert "TargetError" in fault and "cannot be written: File too large; rows that are stored are kept" in fault
        assert not path.exists()
        length = json.loads(path.with_name(f"{path.name}.part.json").read_bytes())["copy"]["length"]
        assert 0 < length < limit
        assert ends_whole(path, url, sandbox) == 2
