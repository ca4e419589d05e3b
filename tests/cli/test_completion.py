"""Shell completion, by the shells themselves."""

import os
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import SECONDS, environment, readahead

SCRIPT = Path(sys.executable).with_name("readahead")
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the script readahead is not installed here")


def with_path(**more):
    return environment(PATH=f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}", **more)


@pytest.fixture(scope="module")
def bash_script(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completion")
    done = readahead("completion", "bash", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    file = folder / "readahead.bash"
    file.write_text(done.stdout)
    return file


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["exp"], {"explain", "export"}),
        (["export", "kin"], {"kintsugi"}),
        (["export", ""], {"kintsugi", "sweetspot"}),
        (["count", "kintsugi", ""], {"customers"}),
        (["export", "kintsugi", "customers", "--wh"], {"--where"}),
        (["export", "kintsugi", "customers", "--on-bad-row", ""], {"raise", "skip"}),
        (["export", "kintsugi", "customers", "--order-by", "str"], {"street_1", "street_2"}),
        (["export", "nonsense", ""], set()),
        (["completion", "f"], {"fish"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bash_completes_commands_options_and_names(words, completed, bash_script, tmp_path):
    """The APIs and their collections are asked for when they are needed."""
    line = " ".join(map(repr, ["readahead", *words]))
    program = (
        f"source {bash_script}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; "
        "complete -p readahead | grep -q -e '-F _readahead readahead' && _readahead; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    command = ["bash", "--norc", "-c", program]
    done = subprocess.run(command, env=with_path(), cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS)
    assert done.stderr == ""
    assert set(done.stdout.split()) == completed


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_a_tab_completes_in_an_interactive_bash(bash_script, tmp_path):
    """On a terminal."""
    master, slave = os.openpty()
    command = ["bash", "--norc", "--noprofile", "-i"]
    with subprocess.Popen(
        command,
        env=with_path(PS1="ready> ", INPUTRC="/dev/null"),
        cwd=tmp_path,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    ) as process:
        os.close(slave)
        shown = ""

        def until(text):
            nonlocal shown
            while text not in shown:
                ready, _, _ = select.select([master], [], [], SECONDS)
                assert ready, shown
                shown += os.read(master, 65_536).decode()
            shown = shown.partition(text)[2]

        try:
            until("ready> ")
            os.write(master, f"source {bash_script}; echo so''urced\n".encode())
            until("sourced\r\n")
            os.write(master, b"readahead expo\t")
            until("readahead export ")
            os.write(master, b"kin\t")
            until("kintsugi ")
        finally:
            process.kill()
            os.close(master)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell, tmp_path):
    """Shells that are installed here read theirs without complaint."""
    done = readahead("completion", shell, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"\bexport\b", done.stdout)
    assert "__complete" in done.stdout
    if shutil.which(shell):
        check = subprocess.run([shell, "-n"], input=done.stdout, capture_output=True, text=True, timeout=SECONDS)
        assert (check.returncode, check.stderr) == (0, "")


def test_it_is_installed_where_the_shell_looks(tmp_path):
    """With a line in the shell's own file."""
    done = readahead("--install-completion", "--shell", "bash", cwd=tmp_path, HOME=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    installed = tmp_path / ".local/share/bash-completion/completions/readahead"
    assert installed.exists()
    assert str(installed) in (tmp_path / ".bashrc").read_text()
