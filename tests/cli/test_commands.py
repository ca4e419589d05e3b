"""The commands as processes: what they print, where, and how they end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command import COMMAND, KEYS, SECONDS, credentials, environment, readahead, running

from readahead.cli import main
from readahead.sandbox import API_KEY, Faults, Sandbox

CUSTOMERS = ["kintsugi", "customers"]


def ids(text):
    return [json.loads(line)["id"] for line in text.splitlines()]


def every_id(sandbox, **where):
    return [row["id"] for row in sandbox.kintsugi_rows() if all(row[name] in values for name, values in where.items())]


# ---- what they do


def test_export_writes_a_file_and_says_so_on_standard_error(kintsugi, sandbox, tmp_path):
    """Standard output stays empty, for the shell."""
    done = readahead("export", *CUSTOMERS, "--where", "country=US,CA", "--to", "c.ndjson", *kintsugi, cwd=tmp_path)
    rows = every_id(sandbox, country=["US", "CA"])
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1].startswith(f"readahead: c.ndjson: {len(rows):,} rows, ")
    assert done.stderr.endswith(", complete\n")
    assert ids((tmp_path / "c.ndjson").read_text()) == rows


def test_without_a_target_rows_go_to_standard_output_and_nothing_else_does(kintsugi, sandbox, tmp_path):
    """In a pipe not a word is said."""
    for to in [], ["--to", "-"]:
        done = readahead("export", *CUSTOMERS, *to, *kintsugi, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert ids(done.stdout) == every_id(sandbox)


def test_a_query_has_order_limit_and_page_size(kintsugi, sandbox, tmp_path):
    """They are what the methods of a query are."""
    sandbox.forget()
    options = ["--order-by", "state,city", "--limit", "7", "--page-size", "5", "--window", "1"]
    done = readahead("export", *CUSTOMERS, *options, *kintsugi, cwd=tmp_path)
    assert (done.returncode, len(ids(done.stdout))) == (0, 7)
    assert all(each.query.startswith("order_by=state%2Ccity&") for each in sandbox.requests)
    assert sandbox.requests[0].query.endswith("size=5")


def test_count_prints_a_number_alone(kintsugi, sweetspot, sandbox, tmp_path):
    """Also where the API names no total, and where rows have to be compared."""
    done = readahead("count", *CUSTOMERS, "--where", "country=CA", *kintsugi, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{len(every_id(sandbox, country=['CA']))}\n", "")
    done = readahead("count", "sweetspot", "customers", "--where", "~country.is_null()", *sweetspot, cwd=tmp_path)
    rows = [row for row in sandbox.sweetspot_rows() if row.get("country") is not None]
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{len(rows)}\n", "")


def test_explain_says_what_is_sent(kintsugi, tmp_path):
    """With totals, or without a request and credentials."""
    where = ["--where", 'email.endswith("@gmail.com") | (country == "CA")']
    done = readahead("explain", *CUSTOMERS, *where, *kintsugi, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "evaluated on rows: email.endswith('@gmail.com') | (country == 'CA')" in done.stdout
    assert "1,000 rows" in done.stdout
    done = readahead("explain", *CUSTOMERS, *where, "--offline", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "numbered pages, 100 rows each\n" in done.stdout


def test_get_prints_one_row_as_json(kintsugi, sandbox, tmp_path):
    """A row that is not there is a failure."""
    row = sandbox.kintsugi_rows()[5]
    done = readahead("get", *CUSTOMERS, row["id"], *kintsugi, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["name"] == row["name"]
    done = readahead("get", *CUSTOMERS, "cust_none", *kintsugi, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("readahead: GET /v1/customers/{customer_id}: status 404")


def test_an_api_elsewhere_is_named_with_its_module(kintsugi, sandbox, tmp_path):
    """As uvicorn names applications; the folder that the command runs in counts."""
    (tmp_path / "shop.py").write_text("from readahead.kintsugi import Kintsugi\nclass Shop(Kintsugi):\n    pass\n")
    done = readahead("count", "shop:Shop", "customers", *kintsugi, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "1000\n")
    for name, message in {"shop:Shp": "did you mean 'Shop'?", "shp:Shop": "there is no module 'shp'"}.items():
        done = readahead("count", name, "customers", *kintsugi, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr


def test_the_same_command_over_aiohttp(kintsugi, tmp_path):
    """The HTTP library is a choice."""
    done = readahead("count", *CUSTOMERS, "--http", "aiohttp", *kintsugi, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1000\n", "")


# ---- how they fail


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "kintsgi", "customers"], "there is no API 'kintsgi'; known are kintsugi, sweetspot"),
        (["export", "kintsgi", "customers"], "did you mean 'kintsugi'?"),
        (["export", "errors", "customers"], "there is no API 'errors'"),
        (["export", "../kintsugi", "customers"], "there is no API '../kintsugi'"),
        (["export", "kintsugi", "custmers"], "Kintsugi has no collection 'custmers'; known are customers; did you"),
        (["export", "kintsugi", "aclose"], "Kintsugi has no collection 'aclose'"),
        (["export", "kintsugi"], "parameter COLLECTION requires an argument; see readahead export --help"),
        (["exprt"], 'Did you mean "export"?'),
        ([], "a COMMAND is missing: export"),
        (["export", *CUSTOMERS, "--too", "x.csv"], "Did you mean --to?"),
        (["export", *CUSTOMERS, "--to", "x.prquet"], "did you mean .parquet?"),
        (["export", *CUSTOMERS, "--to", "x.csv", "--table", "t"], "--table is for databases, and 'x.csv' is none"),
        (["export", *CUSTOMERS, "--to", "postgresql://me:hush@h/db"], "set PGPASSWORD"),
        (["export", *CUSTOMERS, "--limit", "0"], "limit must be a whole number of at least 1, not 0"),
        (["export", *CUSTOMERS, "--limit", "x"], 'invalid value for --limit: unable to convert "x" into int'),
        (["export", *CUSTOMERS, "--window", "500"], 'window must be "auto" or a whole number from 1 to 256'),
        (["export", *CUSTOMERS, "--page-size", "101"], "page_size must be a whole number from 1 to 100"),
        (["export", *CUSTOMERS, "--order-by", "nme"], "order_by() cannot sort by 'nme'"),
        (["export", *CUSTOMERS, "--on-bad-row", "warn"], 'Choose from: "raise", "skip"'),
        (["export", *CUSTOMERS, "--base-url", "http://example.com"], "would show the key to the network"),
        (["export", *CUSTOMERS, "--http", "requests"], 'Choose from: "httpx", "aiohttp"'),
        (["count", *CUSTOMERS, "--where", "contry=US"], "unknown filter 'contry'"),
        (["count", *CUSTOMERS, "--where", 'contry == "US"'], '\n  contry == "US"\n  ^^^^^^\n'),
        (["count", *CUSTOMERS, "--where", '~search.matches("x")'], "--where: ~search.matches('x') cannot be evaluated"),
        (["count", *CUSTOMERS, "--where"], "--where"),
        (["get", *CUSTOMERS, ".."], "must be an id, not the path"),
        (["completion", "csh"], 'Choose from: "bash", "zsh", "fish"'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage_ends_with_2_before_anything_is_sent(
    arguments, message, sandbox, url, tmp_path, monkeypatch, capsys
):
    """In one sentence, with the nearest match."""
    sandbox.forget()
    monkeypatch.chdir(tmp_path)
    reached = ["--credentials", str(credentials(tmp_path))] if len(arguments) > 2 else []
    reached += ["--base-url", f"{url}/kintsugi"] if reached and "--base-url" not in arguments else []
    if arguments[:1] == ["completion"]:
        reached = []
    assert main([*arguments, *reached]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("readahead: ")
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert "hush" not in printed.err
    assert sandbox.requests == []
    assert [file.name for file in tmp_path.iterdir()] in ([], ["keys.env"])


def test_a_listing_that_is_not_complete_ends_with_3(tmp_path):
    """It is copied all the same, and the reason is said, also with --quiet."""
    with Sandbox(kintsugi_rows=300, faults=Faults(total=400)) as sandbox, sandbox.serve() as url:
        options = ["--base-url", f"{url}/kintsugi", "--credentials", credentials(tmp_path)]
        done = readahead("export", *CUSTOMERS, "--to", "c.ndjson", "-q", *options, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (3, "")
        assert "not complete: " in done.stderr
        assert len((tmp_path / "c.ndjson").read_text().splitlines()) == 300
        done = readahead("count", *CUSTOMERS, "--where", "~id.is_null()", *options, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (3, "300\n")
        assert done.stderr.startswith("readahead: warning: the listing is not complete: ")


def test_failures_end_with_1_and_one_line(tmp_path):
    """What the server says, a target that cannot be written, a server that is not there."""
    file = credentials(tmp_path)
    with Sandbox(kintsugi_rows=10, api_key="other") as sandbox, sandbox.serve() as url:
        options = ["--base-url", f"{url}/kintsugi", "--credentials", file]
        done = readahead("export", *CUSTOMERS, *options, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("readahead: GET /v1/customers")
        assert "status 401" in done.stderr
        assert done.stderr.count("\n") == 1
        done = readahead("export", *CUSTOMERS, "--to", "none/c.csv", *options, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr.startswith("readahead: ")
        assert "none" in done.stderr
        assert done.stderr.count("\n") == 1
    done = readahead("count", *CUSTOMERS, *options, "--deadline", "0.2", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    done = readahead("count", *CUSTOMERS, *options, "--deadline", "0.2", "--debug", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_full_disk_is_a_failure(kintsugi, tmp_path):
    """What was not written is not passed over."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    for command in (["count"], ["explain"], ["export"]):
        with (
            Path("/dev/full").open("w") as full,
            running(*command, *CUSTOMERS, *kintsugi, cwd=tmp_path, stdout=full) as process,
        ):
            _, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == 1, command
        assert errors == "readahead: No space left on device\n"


def test_a_reader_that_leaves_ends_it_without_a_word(kintsugi, tmp_path):
    """As head does. The status is that of a program that SIGPIPE ended."""
    with running("export", *CUSTOMERS, *kintsugi, cwd=tmp_path) as process:
        json.loads(process.stdout.readline())
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(SECONDS) == 141
    with running("--help", cwd=tmp_path) as process:
        process.stdout.close()
        assert process.stderr.read() == ""


# ---- credentials


def test_credentials_of_the_environment_go_to_the_api_alone(url, tmp_path):
    """To another address they are sent if the user says so."""
    options = ["count", *CUSTOMERS, "--base-url", f"{url}/kintsugi"]
    done = readahead(*options, cwd=tmp_path, **KEYS)
    assert (done.returncode, done.stdout) == (2, "")
    assert "belongs to https://api.trykintsugi.com" in done.stderr
    assert "--send-credentials sends it there" in done.stderr
    done = readahead(*options, "--send-credentials", cwd=tmp_path, **KEYS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1000\n", "")


def test_a_missing_credential_is_named(url, tmp_path):
    """With the variable that holds it."""
    done = readahead("count", *CUSTOMERS, "--base-url", f"{url}/kintsugi", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "readahead: api_key is missing; set KINTSUGI_API_KEY in the environment, or in --credentials FILE\n"
    )


def test_a_file_of_credentials_comes_before_the_environment(url, tmp_path):
    """Quotes, comments, `export` and dollar signs are understood as in a shell, but nothing is replaced."""
    file = tmp_path / "my.env"
    file.write_text("# the sandbox\nexport KINTSUGI_API_KEY='a$HOME'\n\nKINTSUGI_ORGANIZATION_ID=org_sandbox\n")
    file.chmod(0o600)
    with Sandbox(kintsugi_rows=3, api_key="a$HOME") as sandbox, sandbox.serve() as there:
        options = ["--base-url", f"{there}/kintsugi", "--credentials", "my.env"]
        done = readahead("count", *CUSTOMERS, *options, cwd=tmp_path, **KEYS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")


def test_a_file_that_others_can_read_is_a_warning(url, tmp_path):
    """Not an error: secrets that are mounted into containers are readable to all."""
    file = credentials(tmp_path)
    file.chmod(0o644)
    options = ["--base-url", f"{url}/kintsugi", "--credentials", file]
    done = readahead("count", *CUSTOMERS, *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "1000\n")
    assert done.stderr == f"readahead: warning: {file} can be read by other users; chmod 600 {file}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file or directory"), (b"", "has no credentials"), (b"\xff", "it is not text in UTF-8")],
)
def test_a_file_without_credentials_is_refused(content, message, tmp_path, capsys):
    """It is named."""
    file = tmp_path / "my.env"
    if content is not None:
        file.write_bytes(content)
    assert main(["count", *CUSTOMERS, "--credentials", str(file)]) == 2
    printed = capsys.readouterr().err
    assert str(file) in printed
    assert message in printed


def test_a_key_that_a_server_quotes_is_not_shown(tmp_path):
    """Nor is it with --debug, nor in any option: there is none that takes one."""

    async def quoting(scope, receive, send):
        headers = dict(scope["headers"])
        body = json.dumps({"detail": f"no such key: {headers[b'x-api-key'].decode()}"}).encode()
        start = {"type": "http.response.start", "status": 401, "headers": [(b"content-type", b"application/json")]}
        await send(start)
        await send({"type": "http.response.body", "body": body})

    from readahead.sandbox.server import serving

    with serving(quoting) as url:
        options = ["--base-url", url, "--credentials", credentials(tmp_path)]
        for more in [], ["--debug"], ["--progress", "bar"], ["--progress", "plain"]:
            done = readahead("export", *CUSTOMERS, *options, *more, cwd=tmp_path, READAHEAD_LOG="debug")
            assert done.returncode == 1
            assert API_KEY not in done.stdout + done.stderr
            assert "no such key" in done.stderr


# ---- how it starts


def test_help_is_fast():
    """It imports no HTTP library, no database and no Arrow."""
    program = (
        "import sys; from readahead.cli import main; main(['export', '--help']); "
        "heavy = {'aiohttp', 'asyncpg', 'dotenv', 'httpx', 'pyarrow', 'readahead_clients', 'starlette', 'uvicorn'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert "--where" in done.stdout


def test_the_script_and_the_module_are_the_same_command(tmp_path):
    """`readahead` and `python -m readahead`."""
    script = Path(sys.executable).with_name("readahead")
    if not script.exists():
        pytest.skip("readahead is not installed here")
    outputs = [
        subprocess.run([*command, "--help"], env=environment(), capture_output=True, text=True, timeout=SECONDS).stdout
        for command in ([script], COMMAND)
    ]
    assert outputs[0] == outputs[1]
    assert "Usage: readahead COMMAND" in outputs[0]


@pytest.mark.parametrize("missing", ["cyclopts", "rich", "dotenv"])
@pytest.mark.parametrize("start", ["main", "module"])
def test_without_its_extra_it_says_what_to_install(missing, start, tmp_path):
    """In one sentence, with status 1."""
    run = {
        "main": "from readahead.cli import main; sys.exit(main(sys.argv[1:]))",
        "module": "import runpy; runpy.run_module('readahead', run_name='__main__')",
    }
    program = f"import sys; sys.modules[{missing!r}] = None; {run[start]}"
    file = credentials(tmp_path)
    command = [sys.executable, "-c", program, "count", *CUSTOMERS, "--credentials", str(file), "--progress", "bar"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "readahead: the command line needs an extra: pip install 'readahead[cli]'\n"
