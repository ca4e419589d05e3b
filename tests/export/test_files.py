"""Copies in files: what is in them, when they appear, what stops one, and how one goes on after it was stopped."""

import csv
import gzip
import json
import os
import re
import stat
import sys
from contextlib import contextmanager

import anyio
import pyarrow as pa
import pytest
from pyarrow import parquet

from readahead.arrow import rows_to_arrow
from readahead.errors import ApiError, TargetError, UsageError
from readahead.export import CSV, NDJSON, Parquet, export, target_of
from readahead.export.copying import job_of
from readahead.kintsugi import Customer, Kintsugi
from readahead.sandbox import Faults, Sandbox

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.anyio
ROWS = 1_234
SUFFIXES = ["ndjson", "jsonl.gz", "ndjson.zst", "csv", "csv.gz", "csv.zst", "parquet"]


@pytest.fixture
def box():
    with Sandbox(kintsugi_rows=ROWS) as box:
        yield box


def every_id(box):
    return [row["id"] for row in box.kintsugi_rows()]


def text_of(path):
    data = path.read_bytes()
    match path.suffix:
        case ".gz":
            return gzip.decompress(data).decode()
        case ".zst":
            return zstd.decompress(data).decode()
        case _:
            return data.decode()


def rows_of(path):
    """The rows of a file of any kind, as dictionaries."""
    if path.suffix == ".parquet":
        return parquet.read_table(path).to_pylist()
    if ".csv" in path.suffixes:
        return list(csv.DictReader(text_of(path).splitlines(keepends=True), strict=True))
    return [json.loads(line) for line in text_of(path).splitlines()]


def ids_of(path):
    return [row["id"] for row in rows_of(path)]


def beside(path):
    return sorted(each.name for each in path.parent.iterdir() if each.name != path.name)


class Odd:
    """Rows that hold what rows rarely hold, as the server would send them."""

    DATA = (
        {"id": "1", "organization_id": "o", "name": 'a "b", c\r\nd', "city": "", "phone": " padded "},
        {"id": "2", "organization_id": "o", "name": "=1+1", "new": {"deep": [1, None]}, "later": 2**70, "city": None},
        {"id": "3", "organization_id": "o", "name": 7, "country": "XX", "city": [1]},
        {
            "id": "4",
            "organization_id": "o",
            "name": "ü€😀",
            "customer_tax_registrations": [{"id": "t", "tax_id": "9", "new": True}, {"id": "u", "is_valid": "maybe"}],
        },
    )
    ROWS = tuple(Customer.from_dict(one) for one in DATA)


def content_of(target, rows):
    """The bytes of a file of these rows."""
    form = target.format_of(Customer)
    return bytes(form.head + form.encode(rows))


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_a_file_holds_every_row_in_order(box, tmp_path, suffix):
    """And nothing is left beside it."""
    path = tmp_path / f"customers.{suffix}"
    async with box.kintsugi() as client:
        copied = await export(client.customers, path, at_once=100)
    assert (copied.rows, copied.runs, copied.complete) == (ROWS, 1, True)
    assert ids_of(path) == every_id(box)
    assert beside(path) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("rows", [0, 1])
async def test_a_file_of_no_row_or_one_is_a_file(tmp_path, suffix, rows):
    """With its header or its schema."""
    path = tmp_path / f"customers.{suffix}"
    with Sandbox(kintsugi_rows=rows) as box:
        async with box.kintsugi() as client:
            assert (await export(client.customers, path)).rows == rows
        assert ids_of(path) == every_id(box)
    if ".csv" in path.suffixes:
        assert text_of(path).startswith("id,organization_id,")
    if suffix == "parquet":
        assert parquet.read_schema(path).names == [*Customer.FIELDS, "_other"]
    assert beside(path) == []


def test_a_line_of_json_is_what_to_json_gives():
    """Undeclared fields, integers over 64 bits and values of other types included."""
    lines = content_of(NDJSON("x.ndjson"), Odd.ROWS).decode().splitlines()
    assert [json.loads(line) for line in lines] == [json.loads(row.to_json()) for row in Odd.ROWS]
    assert json.loads(lines[1])["later"] == 2**70
    surrogate = Customer.from_dict({"id": "\ud800", "organization_id": "o"})
    assert json.loads(content_of(NDJSON("x.ndjson"), [surrogate]))["id"] == "\ud800"


def test_values_survive_csv():
    """Quotes, commas and line ends are quoted; what is no text is JSON; undeclared fields have a column."""
    text = content_of(CSV("x.csv"), Odd.ROWS).decode()
    rows = list(csv.DictReader(text.splitlines(keepends=True), strict=True))
    assert list(rows[0]) == [*Customer.FIELDS, "_other"]
    assert rows[0]["name"] == 'a "b", c\r\nd'
    assert rows[0]["phone"] == " padded "
    assert rows[1]["name"] == "=1+1"
    assert json.loads(rows[1]["_other"]) == {"new": {"deep": [1, None]}, "later": 2**70}
    assert (rows[2]["name"], rows[2]["country"], rows[2]["city"], rows[2]["_other"]) == ("7", "XX", "[1]", "")
    assert json.loads(rows[3]["customer_tax_registrations"])[0]["new"] is True
    assert rows[3]["name"] == "ü€😀"
    assert text.count("\r\n") == 5 + 1  # ends of lines, and one in a value


def test_csv_tells_empty_text_from_null():
    """As PostgreSQL's COPY reads it: null is empty, and empty text is quoted."""
    _, first, second, _ = content_of(CSV("x.csv"), [Odd.ROWS[1], Customer("3", "o", city="")]).decode().split("\r\n")
    assert ',"",' not in first and second.count(',"",') == 1


def test_columns_of_parquet_have_declared_types_and_nothing_is_lost():
    """A value that does not fit its column is in ``_other``, and so is what no column is for."""
    stream = pa.ipc.open_stream(content_of(Parquet("x.parquet"), Odd.ROWS))
    rows = stream.read_all().to_pylist()
    other = [None if row["_other"] is None else json.loads(row["_other"]) for row in rows]
    assert rows[0]["name"] == 'a "b", c\r\nd' and rows[0]["city"] == "" and other[0] is None
    assert other[1] == {"new": {"deep": [1, None]}, "later": 2**70}
    assert rows[2]["name"] is None and rows[2]["city"] is None and other[2] == {"name": 7, "city": [1]}
    assert rows[2]["country"] == "XX"
    assert rows[3]["customer_tax_registrations"] is None  # one of them does not fit
    assert [one["new"] for one in other[3]["customer_tax_registrations"][:1]] == [True]
    assert rows[3]["name"] == "ü€😀"


def test_a_column_for_the_rest_must_have_a_name_of_its_own():
    """And without one, a value that fits no column is an error that says where."""
    with pytest.raises(UsageError, match="the API has a field 'name'"):
        rows_to_arrow(Odd.ROWS, other="name")
    with pytest.raises(UsageError, match=r"city of row 2 is an array that is no string; make the table of"):
        rows_to_arrow(Odd.ROWS)


@pytest.mark.parametrize("suffix", ["ndjson.gz", "csv", "parquet"])
@pytest.mark.parametrize("how", ["scope", "task", "error", "interrupt"])
async def test_an_interrupted_copy_goes_on(box, tmp_path, suffix, how, anyio_backend):
    """Cancelled through anyio or asyncio, or ended by an error: no row is lost, and none comes twice."""
    if how == "task" and anyio_backend == "trio":
        pytest.skip("tasks of asyncio")
    path, scope = tmp_path / f"customers.{suffix}", anyio.CancelScope()

    def interrupt(progress):
        if progress.stored < 500:
            return
        if how == "scope":
            scope.cancel()
        elif how == "task":
            import asyncio

            asyncio.current_task().cancel()
        elif how == "error":
            raise RuntimeError("mine")
        else:
            raise KeyboardInterrupt

    async with box.kintsugi() as client:
        try:
            with scope:
                await export(client.customers, path, at_once=100, window=2, on_progress=interrupt)
        except (RuntimeError, KeyboardInterrupt, anyio.get_cancelled_exc_class()) as error:
            assert type(error) is {"error": RuntimeError, "interrupt": KeyboardInterrupt}.get(how, type(error))
        assert not path.exists()
        assert beside(path) == [f"{path.name}.part", f"{path.name}.part.json"]
        before = len(box.requests)
        copied = await export(client.customers, path, at_once=100)
    assert len(box.requests) - before < ROWS / 100 - 3
    assert (copied.rows, copied.runs) == (ROWS, 2)
    assert ids_of(path) == every_id(box)
    assert beside(path) == []


@contextmanager
def stopped(path):
    """Stop a copy after some rows: an error of the callback leaves rows that are stored."""

    def stop(progress):
        if progress.stored:
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        yield stop
    assert not path.exists()
    assert path.with_name(f"{path.name}.part.json").exists()


async def half(client, path, **options):
    """Copy a part of the rows, no more."""
    with stopped(path) as stop:
        await export(client.customers, path, at_once=100, window=2, on_progress=stop, **options)


async def test_another_query_or_other_credentials_are_refused(box, tmp_path):
    """Nothing is sent, what is stored stays, and the message says what to do."""
    path = tmp_path / "customers.csv"
    async with box.kintsugi() as client:
        await half(client, path)
        requests, part = len(box.requests), (tmp_path / "customers.csv.part").read_bytes()
        with pytest.raises(TargetError, match=r"of another query, .* give that copy up with restart=True"):
            await export(client.customers.where(country="US"), path)
        with Sandbox(kintsugi_rows=ROWS, api_key="another") as same:
            async with same.kintsugi() as other:
                with pytest.raises(TargetError, match="made with other credentials"):
                    await export(other.customers, path)
            assert not same.requests
        assert len(box.requests) == requests
        assert (tmp_path / "customers.csv.part").read_bytes() == part
        copied = await export(client.customers.where(country="US"), path, restart=True)
        assert copied.runs == 1
    assert ids_of(path) == [row["id"] for row in box.kintsugi_rows() if row["country"] == "US"]
    assert beside(path) == []


async def test_another_format_is_refused(box, tmp_path):
    """The same name with other columns, or compressed in another way, cannot go on."""
    path = tmp_path / "customers.txt"
    async with box.kintsugi() as client:
        with stopped(path) as stop:
            await export(client.customers, NDJSON(path), at_once=100, window=2, on_progress=stop)
        with pytest.raises(TargetError, match="other columns or in another format"):
            await export(client.customers, CSV(path))
        await export(client.customers, NDJSON(path))
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == every_id(box)


async def test_a_damaged_state_is_refused_whatever_byte_is_damaged(box, tmp_path):
    """Never is a row lost or doubled over it."""
    path, state = tmp_path / "customers.ndjson", tmp_path / "customers.ndjson.part.json"
    async with box.kintsugi() as client:
        await half(client, path)
        good = state.read_bytes()
        requests = len(box.requests)
        damaged = [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in range(0, len(good), 7)]
        damaged += [b"", good[:-1], good[: len(good) // 2], b"null", b"[]", b"{}", b"\xff"]
        for data in damaged:
            state.write_bytes(data)
            with pytest.raises(TargetError, match=r"is damaged, .* start it anew with restart=True"):
                await export(client.customers, path)
        assert len(box.requests) == requests
        state.write_bytes(good)
        copied = await export(client.customers, path)
        assert copied.runs == 2
    assert ids_of(path) == every_id(box)


async def test_rows_that_are_gone_are_noticed(box, tmp_path):
    """A part file that is shorter than its state says, or deleted, is not gone on with."""
    path, part = tmp_path / "customers.ndjson", tmp_path / "customers.ndjson.part"
    async with box.kintsugi() as client:
        await half(client, path)
        with part.open("r+b") as file:
            file.truncate(part.stat().st_size - 1)
        with pytest.raises(TargetError, match=r"bytes, so rows of the unfinished copy are lost; start it anew"):
            await export(client.customers, path)
        part.unlink()
        with pytest.raises(TargetError, match=r"has 0 of [\d,]+ bytes"):
            await export(client.customers, path)
        assert (await export(client.customers, path, restart=True)).runs == 1
    assert ids_of(path) == every_id(box)


async def test_a_damaged_stream_of_parquet_is_an_error(box, tmp_path):
    """Rather than a file that lacks rows."""
    path, part = tmp_path / "customers.parquet", tmp_path / "customers.parquet.part"
    async with box.kintsugi() as client:
        await half(client, path)
        content = bytearray(part.read_bytes())
        content[:200] = bytes(200)
        part.write_bytes(content)
        with pytest.raises(TargetError, match=r"is damaged .* restart=True"):
            await export(client.customers, path)
    assert not path.exists()


async def test_a_part_file_of_somebody_else_is_not_touched(box, tmp_path):
    """A browser's download may have this name."""
    path, part = tmp_path / "customers.ndjson", tmp_path / "customers.ndjson.part"
    part.write_text("mine")
    async with box.kintsugi() as client:
        with pytest.raises(TargetError, match=r"is not of an unfinished copy; remove it, or .* restart=True"):
            await export(client.customers, path)
        assert part.read_text() == "mine"
        assert beside(path) == [part.name]
        await export(client.customers, path, restart=True)
    assert ids_of(path) == every_id(box)


async def test_an_earlier_file_stays_until_the_new_one_is_whole(box, tmp_path):
    """And keeps its permissions."""
    path = tmp_path / "customers.ndjson"
    path.write_text("before")
    path.chmod(0o600)
    async with box.kintsugi() as client:

        def look(progress):
            assert path.read_text() == "before"
            assert stat.S_IMODE((tmp_path / "customers.ndjson.part").stat().st_mode) & 0o077 == 0

        for _ in range(2):
            await export(client.customers, path, at_once=100, on_progress=look)
            assert ids_of(path) == every_id(box)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            path.write_text("before")


@pytest.mark.parametrize("suffix", ["ndjson", "parquet"])
async def test_permissions_follow_the_umask(box, tmp_path, suffix):
    """As those of any file that a program writes."""
    path, before = tmp_path / f"customers.{suffix}", os.umask(0o027)
    try:
        async with box.kintsugi() as client:
            await export(client.customers, path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


async def test_a_link_stays_a_link(box, tmp_path):
    """The file that it names is written, and locked, by either name."""
    (tmp_path / "there").mkdir()
    path, real = tmp_path / "customers.ndjson", tmp_path / "there" / "real.ndjson"
    path.symlink_to(real)
    async with box.kintsugi() as client:
        await export(client.customers, path)
    assert path.is_symlink()
    assert ids_of(real) == every_id(box)
    assert beside(real) == [] and beside(path) == ["there"]


async def test_what_cannot_be_written_is_refused_before_anything_is_sent(box, tmp_path):
    """A folder, a pipe, a folder that is not there."""
    (tmp_path / "folder.csv").mkdir()
    refused = {
        tmp_path / "folder.csv": "is a folder; name a file",
        tmp_path / "missing" / "x.csv": "there is no folder .*missing; create it",
        tmp_path / f"{'n' * 300}.csv": "cannot be written: File name too long",
    }
    async with box.kintsugi() as client:
        for path, message in refused.items():
            with pytest.raises(TargetError, match=message):
                await export(client.customers, path)
        if hasattr(os, "mkfifo"):
            os.mkfifo(tmp_path / "pipe")
            with pytest.raises(TargetError, match="pipe is no regular file"):
                await export(client.customers, NDJSON(tmp_path / "pipe"))
            (tmp_path / "pipe").unlink()
    assert not box.requests
    assert beside(tmp_path / "folder.csv") == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
async def test_a_folder_that_is_not_writable_is_an_error(box, tmp_path):
    """It says so, and sends nothing."""
    tmp_path.chmod(0o500)
    async with box.kintsugi() as client:
        with pytest.raises(TargetError, match="cannot be written: Permission denied"):
            await export(client.customers, tmp_path / "customers.csv")
    assert not box.requests


async def test_two_copies_into_one_file_at_the_same_time(box, tmp_path):
    """The second is refused, and the first one ends as if nothing had happened."""
    path, refused = tmp_path / "customers.ndjson", []
    async with box.kintsugi() as client:
        async with NDJSON(path).begin(job_of(client.customers)):
            for to in (path, tmp_path / "." / "customers.ndjson"):
                with pytest.raises(TargetError, match="is being written by another copy; wait until it has ended"):
                    await export(client.customers, to)
                refused.append(to)
        assert beside(path) == []
        await export(client.customers, path)
    assert len(refused) == 2
    assert ids_of(path) == every_id(box)


async def test_a_copy_that_stored_nothing_leaves_nothing(tmp_path):
    """Such as one with a wrong key."""
    with Sandbox(kintsugi_rows=ROWS, api_key="right") as box, box.serve() as url:
        async with Kintsugi(api_key="wrong", organization_id="org", base_url=f"{url}/kintsugi") as client:
            with pytest.raises(ApiError):
                await export(client.customers, tmp_path / "customers.csv")
    assert list(tmp_path.iterdir()) == []


async def test_bad_rows_are_skipped_and_counted(tmp_path):
    """The file holds the others."""
    path = tmp_path / "customers.parquet"
    with Sandbox(kintsugi_rows=500, faults=Faults(null_ids=0.01)) as box:
        async with box.kintsugi() as client:
            copied = await export(client.customers, path, on_bad_row="skip")
    assert copied.bad_rows > 0
    assert len(ids_of(path)) == copied.rows == 500 - copied.bad_rows


async def test_rows_become_groups_of_parquet(box, tmp_path, monkeypatch):
    """A file of many rows is never in memory as a whole."""
    path = tmp_path / "customers.parquet"
    monkeypatch.setattr("readahead.export.parquet._ROWS", 300)
    async with box.kintsugi() as client:
        await export(client.customers, path, at_once=100)
    metadata = parquet.ParquetFile(path).metadata
    *groups, last = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
    assert len(groups) >= 2 and all(300 <= rows < 500 for rows in groups) and last < 500
    assert ids_of(path) == every_id(box)


def test_suffixes_and_urls_say_what_is_written(tmp_path):
    """In any case, as text or as a path."""
    for name, kind in {"a.ndjson": NDJSON, "a.JSONL.GZ": NDJSON, "a.csv.zst": CSV, "a.b.parquet": Parquet}.items():
        for to in (name, tmp_path / name):
            assert type(target_of(to)) is kind
    target = CSV("anything.txt")
    assert target_of(target) is target


@pytest.mark.parametrize(
    ("to", "message"),
    {
        "customers.cvs": r"'customers.cvs' has the suffix '.cvs', which .*: .ndjson, .*; did you mean .csv\?",
        "customers": r"'customers' has no suffix, so it does not say what to write: .ndjson, .*use a target",
        "customers.gz": r"'customers.gz' has no suffix|has the suffix ''",
        "mysql://host/db": r"mysql:// is no URL to copy to; use postgresql://",
        "customers.parquet.gz": r"a Parquet file is compressed inside; name it customers.parquet, without .gz",
        7: r"copied to a path, a URL or a target .*, not 7",
        "": "has no suffix",
    }.items(),
    ids=str,
)
async def test_what_names_no_target_is_refused_before_anything_is_sent(box, to, message):
    """With what there is, and what was probably meant."""
    async with box.kintsugi() as client:
        with pytest.raises(UsageError, match=message):
            await export(client.customers, to)
    assert not box.requests


@pytest.mark.parametrize("target", [NDJSON, CSV, Parquet])
@pytest.mark.parametrize("path", ["", 7, None], ids=repr)
def test_a_target_needs_a_path(target, path):
    """Text or a path, which is not empty."""
    with pytest.raises(UsageError, match="path must be the path of a file"):
        target(path)


def test_a_package_that_is_missing_is_named(monkeypatch):
    """When the target is made, so before anything is sent."""
    for name in ("compression.zstd", "backports.zstd", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    for path, extra in {"a.ndjson.zst": "zstd", "a.parquet": "parquet"}.items():
        with pytest.raises(UsageError, match=re.escape(f"pip install 'readahead[{extra}]'")):
            target_of(path)
