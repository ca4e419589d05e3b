"""Databases for tests of copies."""

import itertools

import pytest

from readahead.export.postgres import Postgres
from readahead.export.sqlite import SQLite

NUMBERS = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgres"])
def target(request, tmp_path):
    """A table of each database that is not there yet."""
    if request.param == "sqlite":
        return SQLite(tmp_path / "rows.db", table="customers")
    return Postgres(request.getfixturevalue("postgres_url"), table=f"customers_{next(NUMBERS)}")
