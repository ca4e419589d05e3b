"""A run that is killed leaves everything as it was, or the next run completes it."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys

import pytest

from specs.pipeline.command import ROOT, main
from specs.pipeline.commit import alone, finish, is_pending, settle

# Kills itself before the move of that number.
KILLED = """
import os, pathlib, signal, sys
at, moves = int(sys.argv[1]), 0
def counted(real):
    def move(*given):
        global moves
        moves += 1
        if moves == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given)
    return move
pathlib.Path.rename = counted(pathlib.Path.rename)
pathlib.Path.replace = counted(pathlib.Path.replace)
"""
# Sends itself a signal at the change of a file of that number, from the moment on that it says so.
STOPPED = """
import os, pathlib, signal, sys
at, changes = int(sys.argv[1]), None
def stopped(event, given):
    global changes
    writes = event == "open" and isinstance(given[1], str) and set(given[1]) & set("wax+")
    if changes is None or not (writes or event in {"os.rename", "os.remove", "os.mkdir", "os.rmdir"}):
        return
    changes += 1
    if changes == at:
        os.kill(os.getpid(), signal.%s)
sys.addaudithook(stopped)
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
"""
ALL_OF_IT = """
from specs.pipeline.commit import alone, commit, finish, scratch, settle
root = pathlib.Path(sys.argv[2])
with alone(root), scratch(root) as folder:
    (folder / "made").mkdir()
    (folder / "made" / "new").write_text("new")
    changes = 0
    commit(root, folder, {"openapi/a": "new", "openapi/b": "new"}, {"generated/x": folder / "made"}, {"due": "yes"})
    print(finish(root)["due"], flush=True)
    settle(root)
"""
COMMITS = """
from specs.pipeline.commit import alone, commit, scratch
root = pathlib.Path(sys.argv[2])
with alone(root), scratch(root) as folder:
    (folder / "made").mkdir()
    (folder / "made" / "new").write_text("new")
    commit(root, folder, {"openapi/a": "new", "openapi/b": "new"}, {"generated/x": folder / "made"}, {"due": "yes"})
"""
TAKES = """
from specs.pipeline.command import main
sys.exit(main(sys.argv[3:], pathlib.Path(sys.argv[2])))
"""
PETS = """
openapi: 3.1.0
info: {title: Pets, version: '1'}
paths: {/pets: {get: {operationId: pets, responses: {'204': {description: none}}}}}
"""
MOVES = 6  # the folder aside, the decision, two files, the old folder, the new one


def killed(script, at, *arguments, by=KILLED):
    command = [sys.executable, "-P", "-c", by + script, str(at), *map(str, arguments)]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    )


def written(root):
    names = [path for path in root.rglob("*") if path.is_file() and "_cache" not in str(path.relative_to(root))]
    return {path.relative_to(root).as_posix(): path.read_text() for path in names}


@pytest.fixture
def place(tmp_path):
    (tmp_path / "openapi").mkdir()
    (tmp_path / "generated" / "x").mkdir(parents=True)
    for name in ("openapi/a", "openapi/b", "generated/x/old"):
        (tmp_path / name).write_text("old")
    return tmp_path


OLD = {"openapi/a": "old", "openapi/b": "old", "generated/x/old": "old"}
NEW = {"openapi/a": "new", "openapi/b": "new", "generated/x/new": "new"}


@pytest.mark.parametrize("at", range(1, MOVES + 2))
def test_all_or_nothing_whenever_it_is_killed(place, at):
    """What was decided is completed, and its report is due until it was printed."""
    done = killed(COMMITS, at, place)
    assert done.returncode == (-signal.SIGKILL if at <= MOVES else 0)
    decided = at > 2
    assert is_pending(place) == decided
    assert finish(place) == ({"due": "yes"} if decided else {})
    assert written(place) == (NEW if decided else OLD)
    assert finish(place) == ({"due": "yes"} if decided else {})
    settle(place)
    assert finish(place) == {}
    assert not is_pending(place)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_nothing_is_half_written_wherever_it_is_stopped(place, tmp_path_factory, name):
    """At each call that changes a file: all is as it was, or the next run has all of it, with the report."""
    outcomes = []
    for at in range(1, 100):
        root = tmp_path_factory.mktemp("stopped") / "root"
        shutil.copytree(place, root)
        done = killed(ALL_OF_IT, at, root, by=STOPPED % name)
        told = done.stdout.strip()
        if is_pending(root):
            told = finish(root)["due"]
            settle(root)
        with alone(root):  # as the next run begins
            pass
        assert not list(root.glob(".regenerate_*"))
        assert (written(root), told) in ((OLD, ""), (NEW, "yes")), f"stopped at change {at}: {done.stderr}"
        outcomes.append((done.returncode, told))
        if done.returncode == 0:
            break
    stopped = {code for code, _ in outcomes}
    assert stopped == ({-signal.SIGKILL, 0} if name == "SIGKILL" else {128 + signal.SIGTERM, 0})
    assert len(outcomes) > 20
    assert {told for code, told in outcomes if code} == {"", "yes"}


def test_a_killed_take_that_is_repeated_prints_its_report(project, tmp_path, capsys):
    """Once; then there is nothing new."""
    document = tmp_path / "pets-2026-05-01.yaml"
    document.write_text(PETS)
    take = ["pets", "--from", str(document)]
    assert killed(TAKES, 4, project, *take).returncode == -signal.SIGKILL
    assert main(["--check"], project) == 1
    assert "a run was killed while it wrote" in capsys.readouterr().err
    assert main(take, project) == 0
    assert "# pets" in capsys.readouterr().out
    assert main(["--check"], project) == 0
    assert main([*take, "--json", "-"], project) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "unchanged"
    assert not list(project.glob(".regenerate_*"))


def test_a_run_that_is_terminated_leaves_nothing_behind(project, tmp_path):
    """It ends when it reads its document, which never comes."""
    document = tmp_path / "slow.yaml"
    os.mkfifo(document)
    before = written(project)
    script = "import pathlib, runpy, sys; import specs.pipeline.command as command\n"
    script += "command.main.__defaults__ = (pathlib.Path(sys.argv.pop(1)),)\n"
    script += "runpy.run_module('specs', run_name='__main__')"
    command = [sys.executable, "-P", "-c", script, str(project), "slow", "--from", str(document)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    # the pipe opens once the command has opened it
    with subprocess.Popen(command, env=environment) as running, document.open("wb"):
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 128 + signal.SIGTERM
    assert written(project) == before
    assert not list(project.glob(".regenerate_*"))


@pytest.mark.parametrize("option", ["--json", "--report"])
@pytest.mark.parametrize("target", ["", "missing/report"])
def test_a_report_that_cannot_be_written_stops_everything(project, tmp_path, capsys, option, target):
    """Before the document is read."""
    before = written(project)
    assert main(["pets", "--from", str(tmp_path / "absent"), option, str(tmp_path / target)], project) == 1
    assert f"cannot write the report to {tmp_path / target}" in capsys.readouterr().err
    assert written(project) == before


@pytest.fixture
def full(project):
    """A limit of the size of files, as a full disk has it: writing fails in the middle of a file."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, old)
    signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("size", [0, 100, 2_000, 20_000])
def test_a_disk_that_is_full_changes_nothing(project, full, published, capsys, size):
    """The message says so, and the command works again once there is space."""
    before = written(project)
    take = ["other", "--from", str(published)]
    full(size)
    try:
        status = main(take, project)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert status == 1
    assert capsys.readouterr().err
    assert written(project) == before
    assert not list(project.glob(".regenerate_*"))


def test_a_folder_that_cannot_be_written_changes_nothing(project, tmp_path, capsys):
    """Not as root, who may write anywhere."""
    document = tmp_path / "pets-2026-05-01.yaml"
    document.write_text(PETS)
    before = written(project)
    project.chmod(0o500)
    try:
        if os.access(project, os.W_OK):
            pytest.skip("this user may write anywhere")
        assert main(["pets", "--from", str(document)], project) == 1
    finally:
        project.chmod(0o700)
    assert "Permission denied" in capsys.readouterr().err
    assert written(project) == before
