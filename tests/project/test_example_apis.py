"""The bindings in docs/examples/apis: each lists its API, made into a sandbox, also while the list changes."""

import importlib
import sys

import pytest

import readahead_clients
from readahead.errors import CheckpointError, FilterError
from readahead.sandbox import Sandbox
from specs.documents import generate
from specs.documents.document import load
from specs.pipeline.command import ROOT

EXAMPLES = ROOT / "docs/examples/apis"
NAMES = ("github", "stripe", "twilio")
ROWS = 1003
SIZE = 20


@pytest.fixture(scope="module")
def bindings(tmp_path_factory):
    """The modules, over clients that are generated from their documents."""
    folder = tmp_path_factory.mktemp("apis")
    documents = {name: load(EXAMPLES / f"{name}.yaml") for name in NAMES}
    generate.clients(documents, ROOT / "openapi/templates", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readahead_clients, "__path__", [*readahead_clients.__path__, str(folder / generate.PACKAGE)])
        patch.syspath_prepend(str(EXAMPLES))
        yield {name: importlib.import_module(name) for name in NAMES}
    for name in list(sys.modules):
        if name in NAMES or name.startswith(tuple(f"readahead_clients.{each}" for each in NAMES)):
            del sys.modules[name]


def opened(bindings, name, **options):
    """A sandbox of an API, a client of it, and what gives its list."""
    module = bindings[name]
    endpoint, make, arguments, listing = {
        "github": lambda: (module.ISSUES, module.GitHub, {"token": "t"}, lambda c: c.issues("encode", "httpx")),
        "stripe": lambda: (module.CUSTOMERS, module.Stripe, {"key": "sk_test"}, lambda c: c.customers),
        "twilio": lambda: (module.MESSAGES, module.Twilio, {"account": "AC1", "token": "t"}, lambda c: c.messages),
    }[name]()
    sandbox = Sandbox.from_document(EXAMPLES / f"{name}.yaml", endpoint, rows=ROWS, **options)
    client = sandbox.client(make, **arguments)
    return sandbox, client, listing(client).page_size(SIZE), endpoint


@pytest.mark.parametrize("name", NAMES)
def test_a_binding_is_short(name):
    """At most 60 lines."""
    assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) <= 60


@pytest.mark.asyncio
@pytest.mark.parametrize("window", [1, 8])
@pytest.mark.parametrize("name", NAMES)
async def test_all_rows_in_order(bindings, name, window):
    """Every window gives the rows of the server, in its order, and the report says that it is all."""
    sandbox, client, query, endpoint = opened(bindings, name)
    async with client, query.prefetch(window) as rows:
        keys = [str(getattr(row, endpoint.reader.key)) async for row in rows]
    served = sandbox.rows("state=open" if name == "github" else "")  # without a state, the API lists open issues
    assert keys == [str(row[endpoint.reader.wire_key]) for row in served]
    assert len(set(keys)) == len(keys) > SIZE
    assert rows.report.complete


@pytest.mark.asyncio
@pytest.mark.parametrize("name", NAMES)
async def test_no_row_is_lost_while_the_list_changes(bindings, name):
    """Rows that are there from beginning to end are all listed, once; what is deleted and added meanwhile may be."""
    sandbox, client, query, endpoint = opened(bindings, name)
    key = endpoint.reader.wire_key
    if name == "github":
        query = query.where(state="all")
    before = [row[key] for row in sandbox.rows()]
    gone = set()

    def change(progress):
        position = 3 * len(gone) + 1
        gone.add(sandbox.table.row(position)[key])
        sandbox.table.delete_at(position)
        sandbox.table.append()

    async with client, query.prefetch(4, on_page=change) as rows:
        keys = [getattr(row, endpoint.reader.key) async for row in rows]
    assert len(gone) > 20
    assert len(set(keys)) == len(keys)
    lost = set(before) - gone - set(keys)
    if name == "twilio":  # a URL names a position here: what goes before it takes others past it, and nothing shows
        assert rows.report.drift != "none"
    else:
        assert not lost
        assert rows.report.complete


@pytest.mark.asyncio
@pytest.mark.parametrize("name", NAMES)
async def test_the_rest_is_read_from_a_checkpoint(bindings, name):
    """A checkpoint of one list is refused by that of another, where the path names it."""
    _, client, query, endpoint = opened(bindings, name)
    async with client:
        whole = [getattr(row, endpoint.reader.key) for row in await query.to_list()]
        async with query.prefetch() as rows:
            for _ in range(SIZE + 7):
                await anext(rows)
            checkpoint = rows.checkpoint.to_json()
        async with query.prefetch(resume=checkpoint) as rows:
            rest = [getattr(row, endpoint.reader.key) async for row in rows]
        assert rest == whole[SIZE + 7 :]
        if name == "github":
            other = client.issues("encode", "starlette").page_size(SIZE)
            with pytest.raises(CheckpointError):
                other.prefetch(resume=checkpoint)


@pytest.mark.asyncio
async def test_a_state_decided_by_rows_lists_all(bindings):
    """Where rows decide, all issues are asked for; a keyword asks the API."""
    sandbox, client, query, _ = opened(bindings, "github")
    module = bindings["github"]
    served = sandbox.rows("state=all")
    async with client:
        few = await query.where(module.fields.state != "open").to_list()
        closed = await query.where(state="closed").to_list()
        assert [row.id for row in few] == [row["id"] for row in served if row["state"] != "open"]
        assert [row.id for row in closed] == [row["id"] for row in served if row["state"] == "closed"]
        with pytest.raises(FilterError, match="did you mean"):
            query.where(state="opened")
    assert "state=all" in str(query.where(module.fields.state != "open"))


@pytest.mark.asyncio
async def test_a_range_is_sent(bindings):
    """Of customers made from one time to another, the API is asked, and exactly these come."""
    sandbox, client, query, _ = opened(bindings, "stripe")
    fields = bindings["stripe"].fields
    times = sorted(row["created"] for row in sandbox.rows())
    low, high = times[200], times[700]
    async with client:
        rows = await query.where(fields.created >= low, fields.created < high).to_list()
    assert sorted(row.created for row in rows) == [time for time in times if low <= time < high]
    assert all("created%5Bgte%5D" in each.query or "created[gte]" in each.query for each in sandbox.requests)


@pytest.mark.asyncio
async def test_slices_are_read_side_by_side(bindings):
    """A list by last ids is read in parts, divided by a range: the same rows, and several requests at once."""
    _, client, query, _ = opened(bindings, "stripe")
    fields = bindings["stripe"].fields
    async with client:
        whole = await query.to_list()
        times = sorted({row.created for row in whole})
        bounds = [None, *(times[len(times) * part // 4] for part in range(1, 4)), None]
        sliced = query.slices(fields.created, bounds)
        async with sliced.prefetch(8, ordered=False) as rows:
            keys = [row.id async for row in rows]
    assert sorted(keys) == sorted(row.id for row in whole)
    assert "created[gte]" in str(sliced)
