"""The binding that is written for the lists of a document: it reads as by hand, and passes what those pass."""

import asyncio
import importlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import readahead
from readahead.sandbox import Sandbox
from specs.documents import generate
from specs.lists.generated import Package
from specs.lists.recognise import recognise
from specs.lists.write import write
from specs.pipeline.command import ROOT, main

TEXT, WHOLE, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
TIME = {"type": "string", "format": "date-time"}
NUMERAL = {"type": "string", "pattern": "^(0|[1-9][0-9]*)$"}  # as Discord's ids
TOKEN = {"type": "string", "pattern": r"^[a-zA-Z0-9\-_.]+$"}  # as Svix's cursors
LIMIT = {"name": "limit", "in": "query", "schema": {**WHOLE, "minimum": 1, "maximum": 40}}
SCHEMAS = {
    "Ticket": {
        "type": "object",
        "required": ["id", "createdAt", "status"],
        "properties": {
            "id": NUMERAL,
            "createdAt": TIME,
            "status": {"$ref": "#/components/schemas/Status"},
            "group": TEXT,
        },
    },
    "Status": {"type": "string", "enum": ["open", "done"]},
    "Wanted": {"type": "string", "enum": ["open", "done", "all"]},
    "Card": {"type": "object", "required": ["id", "card"], "properties": {"id": TEXT, "card": TEXT}},
    "Account": {"type": "object", "required": ["id", "iban"], "properties": {"id": TEXT, "iban": TEXT}},
}
ONE = {"$ref": "#/components/schemas/Ticket"}


def query(name, schema=WHOLE, **more):
    return {"name": name, "in": "query", "schema": schema, **more}


def listed(operation, rows, *parameters, row=ONE, **around):
    """A list, whose answer is an array or an object around one."""
    array = {"type": "array", "items": row}
    answer = array if rows is None else {"type": "object", "required": [rows], "properties": {rows: array, **around}}
    content = {"application/json": {"schema": answer}}
    return {
        "operationId": operation,
        "tags": ["tickets"],
        "parameters": list(parameters),
        "responses": {"200": {"description": "", "content": content}},
    }


TEAM = {"name": "id", "in": "path", "required": True, "schema": TEXT}
STYLES = {
    "/v1/tickets": listed(
        "list_tickets", "tickets", query("page", {**WHOLE, "default": 0}), LIMIT,
        query("status", {"$ref": "#/components/schemas/Wanted"}), query("created_at[gte]", TIME),
        query("created_at[lt]", TIME), query("group", {"type": "array", "items": TEXT}),
        query("sort", {"type": "string", "enum": ["createdAt", "-createdAt"]}), total=WHOLE,
    ),
    "/v1/logs": listed("list_logs", None, query("offset"), LIMIT),
    "/v1/endpoint": listed("list_endpoints", "data", query("iterator", TOKEN), LIMIT, iterator=TEXT, done=FLAG),
    "/v1/teams/{id}/tickets": listed("list_team_tickets", "data", TEAM, LIMIT, next={**TEXT, "format": "uri"}),
    "/v1/queries": listed(
        "list_queries", "data", query("starting_after", NUMERAL, description="An id."), LIMIT, has_more=FLAG,
    ),
    "/v1/sources": listed(
        "list_sources", "data", query("page", {**WHOLE, "minimum": 1}), LIMIT,
        row={"anyOf": [{"$ref": "#/components/schemas/Card"}, {"$ref": "#/components/schemas/Account"}]}, total=WHOLE,
    ),
    "/v1/readings": listed(
        "list_readings", "data", query("page"), row={"type": "object", "properties": {"value": WHOLE}},
    ),
}  # fmt: skip


def desk(paths=STYLES, **more):
    return {
        "openapi": "3.1.0",
        "info": {"title": "Desk", "version": "1"},
        "servers": [{"url": "https://desk.example/api"}],
        "security": [{"key": []}],
        "paths": {path: {"get": operation} for path, operation in paths.items()},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Desk-Key"}},
        },
        **more,
    }


def written_of(document, folder, name="desk"):
    """The binding of a document, and the folder of the generated code."""
    found = recognise(document)
    kept = {each.operation.partition(" ")[2] for each in found.listings}
    taken = {**document, "paths": {path: item for path, item in document["paths"].items() if path in kept}}
    generate.clients({name: taken}, ROOT / "openapi" / "templates", folder)
    return write(name, "Desk", found, Package(folder / generate.PACKAGE / name))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return written_of(desk(), tmp_path_factory.mktemp("written"))


@pytest.fixture(scope="module")
def binding(written, tmp_path_factory):
    """The binding, imported: what it declares is checked then."""
    folder = tmp_path_factory.mktemp("binding")
    generated = written_of(desk(), folder, "written_desk")
    (folder / "bindings").mkdir()
    (folder / "bindings" / "written_desk.py").write_text(generated.text)
    import readahead_clients

    readahead_clients.__path__.append(str(folder / generate.PACKAGE))
    readahead.__path__.append(str(folder / "bindings"))
    try:
        yield importlib.import_module("readahead.written_desk")
    finally:
        readahead.__path__.remove(str(folder / "bindings"))
        readahead_clients.__path__.remove(str(folder / generate.PACKAGE))


def block(text, start):
    """The lines of a source from one that starts so to the next empty line."""
    return text[text.index(start) :].partition("\n\n")[0]


def test_a_list_is_declared_as_by_hand(written):
    assert block(written.text, "TICKETS = ") == (
        "TICKETS = Endpoint(\n"
        "    list_tickets,\n"
        '    reader=RowReader(Ticket.from_dict, key="id", items="tickets", total="total"),\n'
        '    paging=PageNumber(size="limit", largest=40, first=0),\n'
        "    fields=ticket_fields,\n"
        '    order=OrderBy(("createdAt",), param="sort", descending="-{name}", several=False),\n'
        ")"
    )
    assert block(written.text, "    status = ") == (
        '    status = Choice(Wanted, param="status", attr="status", unseen=["all"])\n'
        '    created_at = Timestamp(ge="created_atgte", lt="created_atlt", attr="created_at")\n'
        '    group = Text(param="group", attr="group", many=True)\n'
        '    id = Text(attr="id")'
    )


@pytest.mark.parametrize(
    "line",
    [
        'reader=RowReader(Ticket.from_dict, key="id", items=None)',
        "paging=OffsetLimit(largest=40)",
        'items="data", next="iterator", more=Not("done")',
        'paging=Cursor(cursor="iterator", largest=40)',
        'paging=NextURL(size="limit", largest=40)',
        "paging=LastId(largest=40)",
        'reader=RowReader(branch_of(Card, Account), key="id", items="data", total="total")',
        'BASE_URL = "https://desk.example/api"',
        '"X-Desk-Key": Credential("api_key", api_key, "DESK_API_KEY")',
        "def team_tickets(self, team_id: str) -> TeamTickets:",
        'Reading(self._sender, TEAM_TICKETS, {"id": team_id})',
    ],
)
def test_every_style_is_written(written, line):
    assert line in written.text


def test_names_hide_nothing(written):
    """A list that is called like something else here has another class."""
    assert "class Endpoints(Query[Ticket]):" in written.text
    assert "class Queries(Query[Ticket]):" in written.text


def test_what_is_not_declared_is_told():
    """Nothing tells these rows apart."""
    (doubt,) = recognise(desk()).undecided
    assert doubt.subject == "GET /v1/readings"


@pytest.mark.parametrize("endpoint", ["TICKETS", "LOGS", "ENDPOINTS", "TEAM_TICKETS", "QUERIES", "SOURCES"])
def test_every_row_is_read_in_order(binding, endpoint):
    """From a server that is made from the document, by the client of the binding."""
    declared = getattr(binding, endpoint)
    sandbox = Sandbox.from_document(desk(), declared, rows=130)

    async def read():
        async with sandbox.client(binding.Desk, api_key="any") as client:
            listing = getattr(client, endpoint.lower())
            async with (listing("a team") if endpoint == "TEAM_TICKETS" else listing).prefetch(3) as rows:
                return [row.id async for row in rows], rows.report.complete

    keys, is_complete = asyncio.run(read())
    assert keys == [row["id"] for row in sandbox.rows()]
    assert is_complete


ISSUES = listed(
    "list_issues", None, query("page"), LIMIT,
    query("status", {"type": "string", "enum": ["open", "done", "all"], "default": "open"}),
    query("createdAt", {"anyOf": [
        {"type": "object", "properties": {"gte": WHOLE, "gt": WHOLE, "lte": WHOLE, "lt": WHOLE}}, WHOLE,
    ]}, style="deepObject", explode=True, description="A Unix timestamp."),
)  # fmt: skip
LINK = {"description": "", "schema": {**TEXT, "example": '<https://desk.example/api/v1/issues?page=2>; rel="next"'}}
LOGIN = {"key": {"type": "http", "scheme": "basic"}}


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """A list like those of GitHub and Stripe."""
    issues = json.loads(json.dumps(ISSUES))
    issues["responses"]["200"]["headers"] = {"Link": LINK}
    document = desk({"/v1/issues": issues}, components={"schemas": SCHEMAS, "securitySchemes": LOGIN})
    return written_of(document, tmp_path_factory.mktemp("second")).text


def test_a_value_for_all_rows_is_sent_where_some_are_the_default(second):
    assert 'status = Choice(ListIssuesStatus, param="status", attr="status", every="all")' in second


def test_a_link_header_ends_numbered_pages(second):
    assert 'reader=RowReader(Ticket.from_dict, key="id", items=None, more=LinkHeader())' in second


def test_an_object_of_bounds_is_a_range(second):
    """Also where the parameter takes a single value as well."""
    said = " ".join(block(second, "    created_at = ").split())
    bounds = 'ge="created_at[gte]", gt="created_at[gt]", le="created_at[lte]", lt="created_at[lt]"'
    assert f'Timestamp( {bounds}, attr="created_at" )' in said


def test_a_name_and_a_password_are_passed_as_they_are(second):
    assert 'Credential("login", login, "DESK_LOGIN", basic=True)' in second
    assert "Login is ``name:password``, and defaults to the environment variable DESK_LOGIN." in second


# ---- the command


def of(project, document, *options):
    path = project.parent / "desk-2026-01-02.json"
    path.write_text(json.dumps(document))
    return main(["desk", "--from", str(path), "--binding", *options], project)


def test_the_command_writes_the_binding_and_the_entry(project, capsys):
    assert of(project, desk()) == 0
    text = (project / "wrapper/readahead/desk.py").read_text()
    assert text.startswith('"""Desk: ')
    apis = (project / "openapi/apis.toml").read_text().partition("[desk]")[2]
    assert '"GET /v1/tickets",' in apis
    assert "/v1/readings" not in apis  # nothing is generated for what is not declared
    assert '[desk.paging]\nstyle = "' in apis
    told = capsys.readouterr().out
    assert "`wrapper/readahead/desk.py` declares 6 lists" in told
    assert "no member of its rows tells them apart by its name; choose what tells rows apart" in told
    assert main(["--check"], project) == 0


def test_a_binding_is_never_written_again(project, capsys):
    """Not by the same document, and not by a new one: what that changes is proposed, as a diff."""
    assert of(project, desk()) == 0
    path = project / "wrapper/readahead/desk.py"
    mine = path.read_text() + "\n# mine\n"
    path.write_text(mine)
    capsys.readouterr()
    assert of(project, desk()) == 0
    assert capsys.readouterr().out == "desk: unchanged, nothing to do\n"
    new = json.loads(json.dumps(desk()))
    new["paths"]["/v1/tickets"]["get"]["parameters"][1]["schema"]["maximum"] = 25
    of(project, new)
    told = capsys.readouterr().out
    assert '-    paging=PageNumber(size="limit", largest=40, first=0),' in told
    assert '+    paging=PageNumber(size="limit", largest=25, first=0),' in told
    assert path.read_text() == mine


def test_a_document_without_lists_is_refused(project, capsys):
    """And nothing is written."""
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert of(project, desk({"/v1/readings": STYLES["/v1/readings"]})) == 1
    assert "no list is recognised in the document: GET /v1/readings: no member" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_it_needs_an_api(project, capsys):
    with pytest.raises(SystemExit):
        main(["--check", "--binding"], project)
    assert "--binding needs an API and --from" in capsys.readouterr().err


@pytest.mark.slow
def test_it_passes_what_our_own_bindings_pass(written, tmp_path):
    """The linter, the formatter and mypy, as strictly as the project says."""
    root = tmp_path / "clone"
    leave = shutil.ignore_patterns("__pycache__", ".*_cache")
    for folder in ("generated", "wrapper"):
        shutil.copytree(ROOT / folder, root / folder, ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", root)
    written_of(desk(), tmp_path / "code")
    (tmp_path / "code" / generate.PACKAGE / "desk").rename(root / "generated" / generate.PACKAGE / "desk")
    (root / "wrapper/readahead/desk.py").write_text(written.text)

    def run(*command):
        command = [sys.executable, "-m", *command, "wrapper/readahead/desk.py"]
        environment = {**os.environ, "MYPYPATH": ""}
        return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(3) as pool:
        tools = [("mypy", "--no-error-summary"), ("ruff", "check"), ("ruff", "format", "--check")]
        for done in pool.map(lambda command: run(*command), tools):
            assert done.returncode == 0, done.stdout + done.stderr


def test_the_binding_of_a_document_that_was_taken_before(project, capsys):
    """It is written, and told of, though the document has not changed."""
    assert of(project, desk()) == 0
    path = project / "wrapper/readahead/desk.py"
    first = path.read_text()
    path.unlink()
    capsys.readouterr()
    assert of(project, desk()) == 0
    assert path.read_text() == first
    assert "`wrapper/readahead/desk.py` declares 6 lists" in capsys.readouterr().out
