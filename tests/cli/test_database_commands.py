"""Listings in tables: export and mirror from the command line."""

import asyncio
import sqlite3
from contextlib import closing

import asyncpg
import pytest
from command import readahead

from readahead.sandbox import Sandbox
from services import postgres_server

CUSTOMERS = ["kintsugi", "customers"]


@pytest.fixture
def sandbox():
    """Of one test, which changes its rows."""
    with Sandbox(kintsugi_rows=500) as sandbox:
        yield sandbox


@pytest.fixture
def url(sandbox):
    with sandbox.serve() as url:
        yield url


def ids(file, table="customers", more=""):
    with closing(sqlite3.connect(file)) as database:
        return {name for (name,) in database.execute(f"SELECT id FROM {table}{more}")}


def every_id(sandbox):
    return {row["id"] for row in sandbox.kintsugi_rows()}


def test_export_fills_a_table_that_is_named_like_the_collection_or_as_one_says(kintsugi, sandbox, tmp_path):
    """Of a database file, by its suffix."""
    for more, table in ([], "customers"), (["--table", "people"], "people"):
        done = readahead("export", *CUSTOMERS, "--to", "shop.db", *more, *kintsugi, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert done.stderr.splitlines()[-1].startswith("readahead: shop.db: 500 rows, ")
        assert ids(tmp_path / "shop.db", table) == every_id(sandbox)


def test_mirror_keeps_a_table_equal_and_says_what_it_did(kintsugi, sandbox, tmp_path):
    """Rows that are gone go, or are marked with the time."""
    mirror = ["mirror", *CUSTOMERS, "--to", "shop.db", *kintsugi]
    done = readahead(*mirror, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("requests: 500 new, 0 changed, 0 the same, 0 gone\n")
    first, second = (row["id"] for row in sandbox.kintsugi_rows()[:2])
    sandbox.kintsugi_table.delete(first)
    done = readahead(*mirror, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.endswith("requests: 0 new, 0 changed, 499 the same, 1 gone\n")
    assert ids(tmp_path / "shop.db") == every_id(sandbox)
    sandbox.kintsugi_table.delete(second)
    done = readahead(*mirror, "--gone", "mark", "-q", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert ids(tmp_path / "shop.db", more=" WHERE _gone_at IS NOT NULL") == {second}


def test_mirror_ends_with_3_where_rows_stay_because_that_was_not_proved(kintsugi, sandbox, tmp_path):
    """It says why, also with --quiet, and in terms of its options."""
    mirror = ["mirror", *CUSTOMERS, "--to", "shop.db", "-q", *kintsugi]
    assert readahead(*mirror, cwd=tmp_path).returncode == 0
    for row in sandbox.kintsugi_rows()[:300]:
        sandbox.kintsugi_table.delete(row["id"])
    done = readahead(*mirror, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert "300 kept because 300 of 500 rows are missing, more than --most-gone 0.5 allows" in done.stderr
    assert len(ids(tmp_path / "shop.db")) == 500
    done = readahead(*mirror, "--most-gone", "1", "--confirm", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert ids(tmp_path / "shop.db") == every_id(sandbox)


def test_the_table_of_another_query_is_taken_only_with_adopt(kintsugi, sandbox, tmp_path):
    """It is a failure that names the option."""
    mirror = ["mirror", *CUSTOMERS, "--to", "shop.db", *kintsugi]
    assert readahead(*mirror, cwd=tmp_path).returncode == 0
    done = readahead(*mirror, "--where", "country=US", cwd=tmp_path)
    assert done.returncode == 1
    assert "or take this one with --adopt" in done.stderr
    done = readahead(*mirror, "--where", "country=US", "--adopt", "--most-gone", "1", cwd=tmp_path)
    assert done.returncode == 0
    assert ids(tmp_path / "shop.db") == {row["id"] for row in sandbox.kintsugi_rows() if row["country"] == "US"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "c.csv"], "--to must be a database"),
        (["--to", "-"], "--to must be a database"),
        (["--to", "shop.db", "--limit", "5"], "a mirror needs a whole list"),
        (["--to", "shop.db", "--most-gone", "2"], "must be a number from 0 to 1"),
        (["--to", "shop.db", "--gone", "hide"], 'Choose from: "delete", "mark", "keep"'),
        ([], "parameter --to requires an argument"),
    ],
)
def test_what_cannot_be_a_mirror_is_refused(options, message, kintsugi, sandbox, tmp_path):
    """Before anything is sent or created."""
    done = readahead("mirror", *CUSTOMERS, *options, *kintsugi, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert sandbox.requests == []
    assert [file.name for file in tmp_path.iterdir()] == ["keys.env"]


def test_both_reach_postgresql(kintsugi, sandbox, tmp_path):
    """By its URL; the password is in the environment."""

    async def rows(server):
        connection = await asyncpg.connect(server)
        try:
            return {row["id"] for row in await connection.fetch("SELECT id FROM customers")}
        finally:
            await connection.close()

    with postgres_server() as server:
        for command in (["mirror"], ["export"]):
            done = readahead(*command, *CUSTOMERS, "--to", server, *kintsugi, cwd=tmp_path, PGPASSWORD="hush")
            assert done.returncode == 0, done.stderr
            assert "hush" not in done.stderr
            assert asyncio.run(rows(server)) == every_id(sandbox)
