"""Every example in README, CONTRIBUTING and docs/ runs, and prints what the page says.

A fenced block of Python is one of four kinds:

- a *program*, which calls ``asyncio.run`` or ``anyio.run``: it runs as a process of its own;
- *tests*, which define ``test_`` functions: they run under pytest, as a process of its own;
- a *recipe*, which imports a framework that is no dependency: it compiles, and what it imports of ours is there;
- a *snippet*, anything else: the snippets of a page run one after the other in one event loop, with ``await`` allowed
  everywhere. Names stay from one to the next. Ready to use are the names of ``setup``, below; ``Kintsugi`` and
  ``SweetSpot``, imported by a snippet, reach the sandbox.

A ``text`` block that follows directly is what it prints.

A fenced block of ``console`` is a session in a shell: each line that begins with ``$`` is run, and what follows it is
what it shows. The sessions of a page are run in one folder; ``readahead`` is the command line, which reaches the
sandbox, with credentials in the environment.

With ``UPDATE_EXAMPLES=1`` what blocks print is written anew.
"""

import ast
import contextlib
import importlib
import inspect
import io
import os
import re
import runpy
import shlex
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import readahead.kintsugi
import readahead.sweetspot
from readahead.sandbox import API_KEY, ORGANIZATION_ID, TOKEN, Sandbox

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(str(page.relative_to(ROOT)) for page in [ROOT / "README.md", *DOCS.rglob("*.md")])
FENCE = re.compile(
    r"^```(?P<language>[\w-]*)[^\n]*\n(?P<code>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)
INCLUDE = re.compile(r'^--8<-- "(docs/examples/.+)"$', re.MULTILINE)
PROGRAM = re.compile(r"^\s*(asyncio|anyio)\.run\(", re.MULTILINE)
RECIPE = re.compile(r"^(import|from) (arq|celery|prefect)\b", re.MULTILINE)
TESTS = re.compile(r"^\s*(async )?def test_", re.MULTILINE)
LANGUAGES = {"console", "python", "toml", "sh", "text"}  # any other is a misspelling, and would not run
NOT_RUN_HERE = {
    "docs/guide/your-own-api.md": "tests/specs/test_your_own_api.py follows it step by step",
    "docs/ten-questions.md": "tests/filters/test_ten_questions.py compares rows and explanations with a full reading",
}
UPDATE = bool(os.environ.get("UPDATE_EXAMPLES"))


class Block:
    """One fenced block of a page, and what follows it."""

    def __init__(self, page, match):
        text = match.string
        self.language = match["language"]
        self.span, self.output = match.span("output"), match["output"]
        self.code_span = match.span("code")
        self.line = text[: match.start("code")].count("\n") + 1
        self.where = f"{page}:{self.line}"
        self.code = INCLUDE.sub(lambda include: (ROOT / include[1]).read_text().rstrip(), match["code"])

    @property
    def kind(self):
        if RECIPE.search(self.code):
            return "recipe"
        return "program" if PROGRAM.search(self.code) else "tests" if TESTS.search(self.code) else "snippet"


def blocks(page):
    return [Block(page, match) for match in FENCE.finditer((ROOT / page).read_text())]


def has(page, language):
    return any(block.language == language for block in blocks(page))


def environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "KINTSUGI", "SWEETSPOT"))}


def run_program(block, folder):
    command = [sys.executable, "-W", "error", "-c", block.code]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, f"{block.where}\n{done.stderr}"
    return done.stdout


def run_tests(block, folder):
    (folder / "test_example.py").write_text(block.code)
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    plugins = ["-p", "no:cacheprovider", "-p", "pytest_asyncio.plugin", "-p", "pytest_httpx"]  # others are slow to load
    plugins += ["-p", "readahead.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", "-q", *plugins, "test_example.py"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{block.where}\n{done.stdout}{done.stderr}"
    return ""


def check_recipe(block):
    tree = ast.parse(block.code)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "readahead":
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names), block.where
    compile(tree, block.where, "exec")
    return ""


async def run_snippet(block, page, names):
    code = "\n" * (block.line - 1) + block.code  # a traceback then names the line of the page
    compiled = compile(code, str(ROOT / page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        result = eval(compiled, names)
        if inspect.isawaitable(result):
            await result
    return printed.getvalue()


@contextlib.asynccontextmanager
async def setup(folder, monkeypatch):
    """The names that snippets may use without a word."""
    for name, value in {
        "KINTSUGI_API_KEY": API_KEY,
        "KINTSUGI_ORGANIZATION_ID": ORGANIZATION_ID,
        "SWEETSPOT_TOKEN": TOKEN,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    with (
        Sandbox() as sandbox,
        sandbox.serve() as url,
        contextlib.closing(sqlite3.connect(":memory:")) as database,
    ):

        class Kintsugi(readahead.kintsugi.Kintsugi):
            def __init__(self, **options):
                here = {"api_key": API_KEY, "organization_id": ORGANIZATION_ID, "base_url": f"{url}/kintsugi"}
                super().__init__(**{**here, **options})

        class SweetSpot(readahead.sweetspot.SweetSpot):
            def __init__(self, **options):
                super().__init__(**{"token": TOKEN, "base_url": f"{url}/sweetspot", **options})

        monkeypatch.setattr(readahead.kintsugi, "Kintsugi", Kintsugi)
        monkeypatch.setattr(readahead.sweetspot, "SweetSpot", SweetSpot)

        async def store(rows):
            """What a user does with rows."""

        database.executescript(runpy.run_path(str(DOCS / "examples" / "worker.py"))["TABLES"])
        async with Kintsugi() as kintsugi, SweetSpot() as sweetspot:
            names = {
                "Sandbox": Sandbox,
                "SweetSpot": SweetSpot,
                "__name__": "example",
                "database": database,  # with the tables of docs/examples/worker.py
                "fields": readahead.kintsugi.fields,
                "path": folder / "checkpoint.json",
                "query": kintsugi.customers.where(country="CA"),
                "sandbox": sandbox,
                "saved": None,
                "store": store,
            }
            yield names, {"kintsugi": kintsugi, "sweetspot": sweetspot}


@pytest.mark.asyncio
@pytest.mark.parametrize("page", [page for page in PAGES if page not in NOT_RUN_HERE and has(page, "python")])
async def test_the_examples_of_a_page_run_and_print_what_it_says(page, tmp_path, monkeypatch):
    """In their order; a block that prints something has its output below it."""
    outputs = []
    async with setup(tmp_path, monkeypatch) as (names, clients):
        for block in blocks(page):
            if block.language != "python":
                continue
            own = tmp_path / f"line-{block.line}"
            own.mkdir()
            if block.kind == "program":
                printed = run_program(block, own)
            elif block.kind == "recipe":
                printed = check_recipe(block)
            elif block.kind == "tests":
                printed = run_tests(block, own)
            else:
                names |= clients  # a snippet before this one may have closed its own
                printed = await run_snippet(block, page, names)
            if UPDATE and block.output is not None:
                outputs.append((block.span, printed))
            else:
                assert printed == (block.output or ""), block.where
    if outputs:
        update(ROOT / page, outputs)


READAHEAD = """\
#!/bin/sh
case "$2" in kintsugi|sweetspot) set -- "$@" --base-url "$SANDBOX/$2" --send-credentials ;; esac
exec "$PYTHON" -c "$MAIN" "$@"
"""
# Lines that come every few seconds would come on a slow machine alone.
MAIN = "import sys; from readahead.cli import main, meter; meter.INTERVAL = 1e9; sys.exit(main())"


def run_session(block, folder, url):
    """Run each command of a session in one shell, and return the session as it went."""
    commands = [line[2:] for line in block.code.splitlines() if line.startswith("$ ")]
    assert block.code.startswith("$ "), block.where
    lines = []
    for command in commands:
        lines += ["status=$?", f"printf '%s\\n' {shlex.quote('$ ' + command)}", "(exit $status)", command]
    commands_here = folder / ".bin"
    commands_here.mkdir(exist_ok=True)
    (commands_here / "readahead").write_text(READAHEAD)
    (commands_here / "readahead").chmod(0o755)
    ours = {"KINTSUGI_API_KEY": API_KEY, "KINTSUGI_ORGANIZATION_ID": ORGANIZATION_ID, "SWEETSPOT_TOKEN": TOKEN}
    ours |= {
        "SANDBOX": url,
        "PYTHON": sys.executable,
        "MAIN": MAIN,
        "PATH": f"{commands_here}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
    }
    done = subprocess.run(
        ["bash", "--norc", "-c", "\n".join(lines)],
        cwd=folder,
        env=environment() | ours,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("page", [page for page in PAGES if has(page, "console")])
def test_the_sessions_of_a_page_go_as_it_says(page, tmp_path):
    """In their order; commands may use files that an earlier one has written."""
    sessions = []
    for block in blocks(page):
        if block.language == "console":
            with Sandbox() as sandbox, sandbox.serve() as url:  # of its own: requests are numbered
                shown = run_session(block, tmp_path, url)
            if UPDATE:
                sessions.append((block.code_span, shown))
            else:
                assert shown == block.code, block.where
    if sessions:
        update(ROOT / page, sessions)


def update(page, outputs):
    text = page.read_text()
    for (begin, end), printed in reversed(outputs):
        text = text[:begin] + printed + text[end:]
    page.write_text(text)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_of_a_known_language(page):
    """A fence that is misspelt, indented or of no language would not run and nobody would know."""
    text = (ROOT / page).read_text()
    found = blocks(page)
    assert {block.language for block in found} <= LANGUAGES
    fences = len(re.findall(r"^\s*(?:```|~~~)", text, re.MULTILINE))
    assert fences == 2 * sum(1 + (block.output is not None) for block in found)


def test_every_program_in_examples_is_shown_on_a_page():
    """So that it runs; the bindings in apis/ have tests of their own."""
    shown = {name for page in PAGES for name in INCLUDE.findall((ROOT / page).read_text())}
    programs = {file for file in (DOCS / "examples").rglob("*.py") if file.parent.name != "apis"}
    assert shown == {str(file.relative_to(ROOT)) for file in programs}


def test_every_page_is_in_the_navigation():
    """The builder says nothing of a page that is missing there, nor of an entry without a page."""
    listed = re.findall(r"^ +- .+?: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_link_to_a_file_leads_somewhere(page):
    """Links within docs/ are checked when it is built."""
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text()):
        assert (ROOT / target).exists(), target


def test_the_commands_exist_and_can_be_run():
    """Each script that a page names exists and is executable."""
    text = "".join((ROOT / page).read_text() for page in [*PAGES, "CONTRIBUTING.md"])
    named = set(re.findall(r"scripts/(\w+)\b(?!/)", text)) - {"specs", "benchmarks"}
    assert {"bench", "check", "demo", "docs", "regenerate", "setup", "test"} <= named
    for name in named:
        assert os.access(ROOT / "scripts" / name, os.X_OK), name


def test_the_readme_is_read_in_five_minutes():
    """The rest is in docs/."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 170
