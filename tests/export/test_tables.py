"""Copies into tables: the schema made from the row class, values that do not fit it, and who may write there."""

import asyncio
import datetime as dt
import json
import sqlite3
import traceback
import uuid
from asyncio import to_thread
from contextlib import closing
from typing import ClassVar

import asyncpg
import orjson
import pytest
import trio
from attrs import define

from export.rows import execute, other, stored
from readahead.errors import TargetError, UsageError
from readahead.export import Postgres, SQLite
from readahead.export.copying import copy
from readahead.export.database import Upserted
from readahead.export.tables import quoted
from readahead.sandbox import Sandbox
from readahead_clients.runtime import OpenStr, Row, member, read_date, read_datetime, read_uuid
from readahead_clients.sweetspot.models import Customer

pytestmark = pytest.mark.asyncio


class Mood(OpenStr):
    GOOD = member("good")


@define
class Odd(Row):
    """A row with a field of each kind, and names that databases do not love."""

    id: int
    text: str | None = None
    mood: Mood | None = None
    number: float | None = None
    whole: int | None = None
    yes: bool | None = None
    at: dt.datetime | None = None
    on: dt.date | None = None
    uid: uuid.UUID | None = None
    tags: list[str] | None = None
    either: int | str | None = None
    select: str | None = None
    quote: str | None = None
    upper: str | None = None
    long: str | None = None
    ctid: str | None = None
    gone: str | None = None
    empty: str | None = None
    FIELDS: ClassVar = {}


LONG = "a" * 64
Odd.FIELDS = {
    "text": ("text", None),
    "mood": ("mood", Mood.read),
    "number": ("number", None),
    "whole": ("whole", None),
    "yes": ("yes", None),
    "at": ("at", read_datetime),
    "on": ("on", read_date),
    "uid": ("uid", read_uuid),
    "tags": ("tags", None),
    "either": ("either", None),
    "id": ("id", None),
    "select": ("select", None),
    'say "hi"; --': ("quote", None),
    "TEXT": ("upper", None),
    LONG: ("long", None),
    "ctid": ("ctid", None),
    "_gone_at": ("gone", None),
    "": ("empty", None),
}


async def put(target, *rows, of=Odd):
    """Store rows that a server sent, and return what that did."""
    table = target.table_of(of, "id")
    async with target.connect() as database, database.transaction() as transaction:
        await transaction.prepare(table)
        return await transaction.upsert(table, [of.from_dict(row) for row in rows])


async def value(target, column):
    """The value of the only row."""
    [(found,)] = await stored(target, column)
    return found


async def test_a_listing_becomes_a_table(target):
    """Every row with every declared field, and the key tells rows apart."""
    with Sandbox(sweetspot_rows=250) as sandbox:
        async with sandbox.sweetspot() as client:
            copied = await copy(client.customers, target)
            rows = await client.customers.to_list()
    assert (copied.rows, copied.complete, copied.runs) == (250, True, 1)
    found = await stored(target, "id", "zip", "createdAt", "userId", "_other")
    users = [None if row.user_id is None else str(row.user_id) for row in rows]
    expected = [(row.id, row.zip_, row.created_at, user) for row, user in zip(rows, users, strict=True)]
    as_stored = [
        (key, zip_code, at if isinstance(at, dt.datetime) else dt.datetime.fromisoformat(at), user)
        for key, zip_code, at, user, _ in found
    ]
    assert sorted(as_stored) == sorted(expected)
    assert {other for *_, other in found} == {None}


async def test_each_kind_of_value_has_a_column_of_its_kind(target):
    """What databases can do with values depends on it."""
    row = {
        "id": "1",
        "text": "ä",
        "mood": "odd",
        "number": 1,
        "whole": 2**63 - 1,
        "yes": True,
        "at": "2026-01-02T03:04:05.5+02:00",
        "on": "2026-01-02",
        "uid": "8C36C7F5-0B06-4F4C-8A5B-5D1A3C5B1D11",
        "tags": ["a", {"b": None}],
        "either": 7,
        "select": "reserved",
        'say "hi"; --': "quoted",
    }
    assert await put(target, row) == Upserted(1, 0, 0)
    names = ["text", "mood", "number", "whole", "yes", "on", "uid", "tags", "either", "select", 'say "hi"; --']
    [found] = await stored(target, *names)
    is_sqlite = isinstance(target, SQLite)
    assert found[:5] == ("ä", "odd", 1.0, 2**63 - 1, True)
    assert str(found[5]) == "2026-01-02"
    assert found[6] == row["uid"].lower()
    assert orjson.loads(found[7]) == row["tags"]
    assert found[8:] == ("7", "reserved", "quoted")
    at = await value(target, "at")
    assert (at if is_sqlite else at.isoformat()) == "2026-01-02T01:04:05.500000+00:00"
    assert isinstance(found[5], str if is_sqlite else dt.date)
    assert await other(target, "id") == {}


ODD_VALUES = {
    "text": [7, 1.5, True, ["a"], {"b": 1}, 2**70],
    "mood": [7],
    "number": ["1.5", True, 2**60 + 1, []],
    "whole": ["7", 7.0, False, 2**63, -(2**63) - 1, 10**40, {}],
    "yes": [1, 0, "true"],
    "at": ["yesterday", "2026-01-02T03:04:05", 7, "0001-01-01T00:00:00+05:00"],
    "on": ["someday", 7],
    "uid": [7, [1]],
}


@pytest.mark.parametrize(("field", "odd"), [(field, odd) for field, values in ODD_VALUES.items() for odd in values])
async def test_a_value_of_another_type_is_kept_beside_its_column(target, field, odd):
    """It stops nothing and is not lost: null in the column, and as it came in _other. So are fields nobody declared."""
    row = {"id": "1", field: odd, "new": {"x": 2**64}}
    assert await put(target, row) == Upserted(1, 0, 0)
    assert await put(target, row) == Upserted(0, 0, 1)
    assert await value(target, field) is None
    assert (await other(target, "id"))["1"].keys() == {field, "new"}
    [(text,)] = await stored(target, "_other")
    assert json.loads(text) == {field: odd, "new": {"x": 2**64}}
    again = {"id": "1", field: None}
    assert await put(target, again) == Upserted(0, 1, 0)
    assert await other(target, "id") == {}


@pytest.mark.parametrize("text", ["text", "either"])
async def test_text_that_a_database_cannot_hold_is_escaped(target, text):
    """Halves of a character have no UTF-8, and PostgreSQL has no NUL. Nothing else of the row changes."""
    odd = "a\0b\ud800c\\u0000"
    row = {"id": "k\ud800", text: odd, "tags": [odd], "new": {odd: odd}, "whole": odd, "select": "ä"}
    assert await put(target, row, {"id": "2", text: "plain"}) == Upserted(2, 0, 0)
    assert await put(target, row) == Upserted(0, 0, 1)
    nul = "\0" if isinstance(target, SQLite) else "\\u0000"
    plain = f"a{nul}b\\ud800c\\u0000"
    found = await stored(target, "id", text, "select")
    assert found == [("2", "plain", None), ("k\\ud800", plain, "ä")]
    if isinstance(target, Postgres):
        assert json.loads(await _json(target, "tags")) == [plain]
        assert json.loads(await _json(target, "_other")) == {"new": {plain: plain}, "whole": plain}
    else:  # JSON has escapes of its own for them
        assert json.loads(await _json(target, "tags")) == [odd]
        assert json.loads(await _json(target, "_other")) == {"new": {odd: odd}, "whole": odd}


async def _json(target, column):
    [(found,)] = await execute(
        target, f"SELECT {quoted(column)} FROM {quoted(target.table)} WHERE {quoted(column)} IS NOT NULL"
    )
    return found


async def test_fields_whose_names_cannot_be_columns_are_kept_in_other(target):
    """Too long, empty, the database's own, ours, or one that differs from another in case alone."""
    row = {"id": "1", "text": "lower", "TEXT": "upper", LONG: "long", "ctid": "c", "_gone_at": "g", "": "e"}
    await put(target, row)
    kept = (await other(target, "id"))["1"]
    assert kept.items() >= {("_gone_at", "g"), ("", "e")}
    if isinstance(target, SQLite):
        assert kept == {"TEXT": "upper", "_gone_at": "g", "": "e"}
        assert await stored(target, "text", LONG, "ctid") == [("lower", "long", "c")]
    else:
        assert kept == {LONG: "long", "ctid": "c", "_gone_at": "g", "": "e"}
        assert await stored(target, "text", "TEXT") == [("lower", "upper")]


async def test_a_key_is_one_key_whatever_its_type(target):
    """As in a listing: 7 and "7" are one row. A long one is exact."""
    assert await put(target, {"id": 7, "text": "a"}, {"id": 10**30}) == Upserted(2, 0, 0)
    assert await put(target, {"id": "7", "text": "b"}, {"id": 7.0, "text": "b"}) == Upserted(0, 1, 0)
    assert await stored(target, "id", "text") == [(str(10**30), None), ("7", "b")]


@pytest.mark.parametrize("table", ['"; DROP TABLE x; --', "select", "a.b", "Ä" * 20, "x" * 63, "naïve ☃"])
async def test_a_table_has_any_name(target, table):
    """It is quoted."""
    if isinstance(target, SQLite):
        named = SQLite(target.path, table=table)
        await put(named, {"id": "1"})
        assert await stored(named, "id") == [("1",)]
    else:
        target.table = f"{target.table}{table}"[:63].encode()[:63].decode(errors="ignore")
        await put(target, {"id": "1"})
        assert await stored(target, "id") == [("1",)]


@pytest.mark.parametrize("table", ["", "a\0b", "\ud800", 7, None, "_readahead_copies", "x" * 64])
async def test_names_that_a_table_cannot_have_are_refused(target, table, tmp_path):
    """Before anything is opened."""
    if table == "x" * 64 and isinstance(target, SQLite):
        return
    with pytest.raises(UsageError, match="table must"):
        SQLite(tmp_path / "x.db", table) if isinstance(target, SQLite) else Postgres("postgresql://x/y", table)


async def test_a_column_that_the_class_gained_is_added(target):
    """And rows that are there get its value when they come again."""
    name = quoted(target.table)
    await execute(target, f"CREATE TABLE {name} (id TEXT PRIMARY KEY, text TEXT, mine TEXT)")
    await execute(target, f"INSERT INTO {name} VALUES ($1, $2, $3)", "1", "a", "own")
    assert await put(target, {"id": "1", "text": "a", "whole": 3}, {"id": "2"}) == Upserted(1, 1, 0)
    assert await stored(target, "id", "text", "whole", "mine") == [("1", "a", 3, "own"), ("2", None, None, None)]


async def test_a_table_with_columns_of_other_types_is_refused(target):
    """They are named, and nothing is changed."""
    await execute(target, f"CREATE TABLE {quoted(target.table)} (id TEXT PRIMARY KEY, whole TEXT, yes SMALLINT)")
    with pytest.raises(
        TargetError, match=r"(?i)columns of other types: .*yes \(smallint, not boolean\).*choose another table"
    ):
        await put(target, {"id": "1"})
    assert await stored(target, "id", "whole", "yes") == []


async def test_a_table_whose_rows_are_told_apart_otherwise_is_refused(target):
    """A copy could not be killed and go on."""
    await execute(target, f"CREATE TABLE {quoted(target.table)} (id TEXT, text TEXT PRIMARY KEY)")
    with pytest.raises(TargetError, match="primary key"):
        await put(target, {"id": "1"})


async def test_rows_that_are_the_same_are_not_written(target):
    """A trigger would see it, and a replica."""
    name = quoted(target.table)
    await put(target, *({"id": str(number), "text": "a", "tags": [1]} for number in range(1500)))
    await execute(target, f"CREATE TABLE {quoted(target.table + ' log')} (id TEXT)")
    if isinstance(target, SQLite):
        await execute(
            target,
            f"CREATE TRIGGER log AFTER UPDATE ON {name} BEGIN "
            f"INSERT INTO {quoted(target.table + ' log')} VALUES (new.id); END",
        )
    else:
        await execute(
            target,
            f"CREATE FUNCTION {quoted(target.table + ' f')}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN "
            f"INSERT INTO {quoted(target.table + ' log')} VALUES (new.id); RETURN NULL; END $body$",
        )
        await execute(
            target,
            f"CREATE TRIGGER log AFTER UPDATE ON {name} FOR EACH ROW EXECUTE FUNCTION {quoted(target.table + ' f')}()",
        )
    rows = [{"id": str(number), "text": "b" if number == 7 else "a", "tags": [1]} for number in range(1501)]
    assert await put(target, *rows) == Upserted(1, 1, 1499)
    assert await execute(target, f"SELECT id FROM {quoted(target.table + ' log')}") == [("7",)]


# ---- copies


async def test_a_finished_copy_is_brought_up_to_date(target):
    """The same call again reads the whole list again, and stores what is different."""
    with Sandbox(kintsugi_rows=120) as sandbox:
        async with sandbox.kintsugi() as client:
            await copy(client.customers, target)
            first = sandbox.kintsugi_rows()[0]["id"]
            await client.customers.update(first, name="Renamed")
            copied = await copy(client.customers, target)
    assert (copied.rows, copied.runs) == (120, 1)
    assert (await execute(target, f"SELECT name FROM {quoted(target.table)} WHERE id = $1", first)) == [("Renamed",)]


class Stop(Exception):
    pass


def stop_at(rows):
    def stop(progress):
        if progress.stored >= rows:
            raise Stop

    return stop


async def test_an_unfinished_copy_goes_on_and_is_no_other_querys(target):
    """Neither one with another condition, nor one with other credentials."""
    with Sandbox(kintsugi_rows=1000, api_key="one") as sandbox, Sandbox(kintsugi_rows=10, api_key="two") as elsewhere:
        async with sandbox.kintsugi() as client, elsewhere.kintsugi() as stranger:
            with pytest.raises(Stop):
                await copy(client.customers, target, window=1, at_once=100, on_progress=stop_at(300))
            before = await stored(target, "id")
            assert 0 < len(before) < 1000
            for other_query in (client.customers.where(state="CA"), stranger.customers):
                with pytest.raises(TargetError, match=r"unfinished copy of another query.*restart=True"):
                    await copy(other_query, target)
            assert await stored(target, "id") == before
            sandbox.forget()
            copied = await copy(client.customers, target)
            assert (copied.rows, copied.runs, copied.complete) == (1000, 2, True)
            assert len(sandbox.requests) < 11
            assert len(await stored(target, "id")) == 1000
            await copy(stranger.customers, target)  # that one is finished


async def test_restart_throws_an_unfinished_copy_away(target):
    """Whatever it was of. The rows stay; they are upserted."""
    with Sandbox(kintsugi_rows=500) as sandbox:
        async with sandbox.kintsugi() as client:
            with pytest.raises(Stop):
                await copy(client.customers, target, window=1, at_once=100, on_progress=stop_at(200))
            copied = await copy(client.customers.order_by("created_at"), target, restart=True)
    assert (copied.rows, copied.runs) == (500, 1)
    assert len(await stored(target, "id")) == 500


async def test_two_copies_at_once_are_refused(target):
    """The second is told so before a request is sent, and the first goes on."""
    errors = []
    with Sandbox(kintsugi_rows=300) as sandbox:
        async with sandbox.kintsugi() as client:
            table = target.table_of(type(await client.customers.first()), "id")
            async with target.connect() as database, database.alone(table.name):
                sandbox.forget()
                with pytest.raises(TargetError, match="another copy into table") as info:
                    await copy(client.customers, target)
                errors.append(str(info.value))
                assert sandbox.requests == []
            copied = await copy(client.customers, target)
    assert copied.rows == 300


# ---- SQLite


@pytest.mark.parametrize("path", ["", ":memory:", 7, None])
async def test_a_path_that_is_none_is_refused(path):
    with pytest.raises(UsageError, match="path must be that of a file"):
        SQLite(path)


async def test_a_file_that_is_no_database_says_so(tmp_path):
    """And is left as it is."""
    path = tmp_path / "notes.db"
    path.write_text("not a database" * 100)
    with pytest.raises(TargetError, match=r"notes\.db: SQLite says: file is not a database"):
        await put(SQLite(path), {"id": "1"})
    assert path.read_text() == "not a database" * 100


async def test_no_file_is_left_beside_the_database(tmp_path):
    """Neither a lock nor a log."""
    with Sandbox(kintsugi_rows=10) as sandbox:
        async with sandbox.kintsugi() as client:
            await copy(client.customers, SQLite(tmp_path / "x.db"))
    assert [path.name for path in tmp_path.iterdir()] == ["x.db"]


# ---- PostgreSQL


def ours(error):
    """The frames of ours in a traceback, with their variables."""
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    found = [f"{frame.line} {frame.locals}" for frame in frames if "/readahead/" in frame.filename]
    assert found
    return found


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@127.0.0.1:1/db",
        "postgresql://me:s3c@ret@127.0.0.1:1/db",
        "postgresql://me:12/s3cret@127.0.0.1:1/db",
        "postgresql://127.0.0.1:1/db?user=me&password=s3cret",
        "postgresql://me:1#s3cret@127.0.0.1:1/db",
        "postgresql://me:s3cret@127.0.0.1:port/db",
    ],
)
async def test_a_password_is_shown_nowhere(url):
    """Neither in what it looks like, nor in an error that says there is no connection."""
    target = Postgres(url)
    with pytest.raises(TargetError) as info:
        async with target.connect():
            pass
    assert info.value.__suppress_context__
    for shown in (repr(target), str(info.value), *ours(info.value)):
        assert "s3c" not in shown
        assert "ret@" not in shown


async def test_a_url_of_something_else_is_refused_and_not_shown():
    """Also in the locals of a traceback."""
    with pytest.raises(UsageError, match="postgresql://") as info:
        Postgres("mysql://me:s3cret@127.0.0.1/db")
    assert "s3cret" not in "".join([str(info.value), *ours(info.value)])


async def test_a_connection_that_is_lost_says_how_to_go_on(postgres_url):
    """The server ends it while rows come; the same call goes on."""
    target, killed = Postgres(postgres_url, table="lost"), []
    with Sandbox(kintsugi_rows=2000) as sandbox:
        async with sandbox.kintsugi() as client:
            other_connection = await asyncpg.connect(postgres_url)

            async def kill():
                statement = (
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> "
                    "pg_backend_pid()"
                )
                killed.append(await other_connection.fetch(statement))

            tasks = []

            def progress(so_far):
                if so_far.stored >= 500 and not tasks:
                    tasks.append(asyncio.ensure_future(kill()))

            with pytest.raises(TargetError, match=r"127\.0\.0\.1.*goes on where it was"):
                while True:
                    await copy(client.customers, target, window=1, at_once=100, on_progress=progress)
                    tasks.clear()
                    await execute(target, "DROP TABLE lost")
            await tasks[0]
            copied = await copy(client.customers, target)
            await other_connection.close()
    assert copied.runs == 2
    assert len(await stored(target, "id")) == 2000


async def test_a_ready_pool_or_connection_is_used_and_not_closed(postgres_url):
    """Also one that reads and writes JSON by itself."""

    async def init(connection):
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=orjson.dumps, decoder=orjson.loads)

    row = {"id": "1", "tags": ["a"], "new": 1}
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=2) as pool:
        assert await put(Postgres(pool, "ready"), row) == Upserted(1, 0, 0)
        async with pool.acquire() as connection:
            await connection.set_type_codec(
                "jsonb", schema="pg_catalog", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads
            )
            assert await put(Postgres(connection, "ready"), row) == Upserted(0, 0, 1)
            assert await connection.fetchrow("SELECT tags, _other FROM ready") == (["a"], {"new": 1})


async def test_a_schema_of_its_own(postgres_url):
    """The table and what is known of it are there; the connection looks elsewhere again afterwards."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute('CREATE SCHEMA "my schema"')
    with Sandbox(kintsugi_rows=10) as sandbox:
        async with sandbox.kintsugi() as client:
            await copy(client.customers, Postgres(connection, "t", schema="my schema"))
    assert await connection.fetchval('SELECT count(*) FROM "my schema".t') == 10
    assert await connection.fetchval('SELECT count(*) FROM "my schema"._readahead_copies') == 1
    assert await connection.fetchval("SELECT current_schema()") == "public"
    await connection.close()


async def test_on_trio_postgres_says_what_to_use(postgres_url):
    """asyncpg knows asyncio alone."""

    async def main():
        async with Postgres(postgres_url).connect():
            pass

    with pytest.raises(UsageError, match="needs asyncio"):
        await to_thread(trio.run, main)


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_many_begin_at_once(postgres_url, at):
    """Tables that are created by several at once are created once."""
    with Sandbox(kintsugi_rows=20) as sandbox:
        async with sandbox.kintsugi() as client:
            targets = [Postgres(postgres_url, f"many_{at}_{number}") for number in range(8)]
            copies = await asyncio.gather(*(copy(client.customers, target) for target in targets))
    assert [copied.rows for copied in copies] == [20] * 8


async def test_rows_are_of_a_generated_class_with_a_key_that_can_be_a_column(target):
    """Where the key cannot, it says so."""

    @define
    class Keyed(Row):
        id: str
        FIELDS: ClassVar = {"": ("id", None)}

    with pytest.raises(TargetError, match="its key"):
        target.table_of(Keyed, "id")
    assert target.table_of(Customer, "id").key.wire == "id"


@pytest.mark.asyncio
async def test_a_table_of_sqlite_without_row_ids_is_refused(tmp_path):
    """New rows are counted by them."""
    path = tmp_path / "rows.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE customers (id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID")
    async with SQLite(path, "customers").connect() as database, database.transaction() as transaction:
        with pytest.raises(TargetError, match="WITHOUT ROWID"):
            await transaction.prepare(SQLite(path, "customers").table_of(Customer, "id"))
