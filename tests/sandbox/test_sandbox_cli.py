"""`readahead sandbox`: serves until it is told to stop."""

import re
import signal
import subprocess
import sys

import httpx
import pytest
from asking import BEARER, KEYS

from readahead.cli import main

COMMAND = [sys.executable, "-m", "readahead", "sandbox"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_it_serves_both_apis_until_told_to_stop(number, tmp_path):
    """It prints both base URLs, answers on them, and ends with status 0 and without a word when it is stopped."""
    options = ["--rows", "5", "--latency", "0.001", "--path", str(tmp_path / "rows.sqlite")]
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            kintsugi, sweetspot = (re.search(r"http://\S+", process.stdout.readline())[0] for _ in range(2))
            assert httpx.get(f"{kintsugi}/v1/customers", headers=KEYS).json()["total"] == 5
            assert len(httpx.get(f"{sweetspot}/v1/customers", headers=BEARER).json()) == 5
        finally:
            process.send_signal(number)
        assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0
    assert (tmp_path / "rows.sqlite").stat().st_size > 0


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_its_extra_it_says_what_to_install(missing):
    """Where Starlette or uvicorn is not installed it ends with status 1 and one line that helps."""
    program = (
        f"import sys; sys.modules[{missing!r}] = None; from readahead.cli import main; sys.exit(main(['sandbox']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "readahead: the sandbox needs an extra: pip install 'readahead[sandbox]'\n"


@pytest.mark.parametrize(
    "options", [["--port", "65536"], ["--port", "x"], ["--rows", "-1"], ["--latency", "-0.1"], ["--latency", "nan"]]
)
def test_a_wrong_option_is_refused(options, capsys):
    """Ports, rows and seconds out of range end with status 2 and name the option."""
    assert main(["sandbox", *options]) == 2
    assert options[0] in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_named(tmp_path, capsys):
    """A database file in no folder ends with status 1 and one line, without a traceback."""
    path = tmp_path / "missing" / "rows.sqlite"
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    assert main(["sandbox", "--path", str(path)]) == 1
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert str(path) in capsys.readouterr().err


def test_without_a_command_it_says_how_to_call_it(capsys):
    """No command is an error of usage."""
    assert main([]) == 2
    assert "COMMAND" in capsys.readouterr().err
