"""Reads tables back, of each database."""

import orjson

from readahead.export.tables import quoted


async def stored(target, *columns):
    """The rows of a table by key: the values of these columns, JSON read."""
    names = ", ".join(map(quoted, columns))
    async with target.connect() as database, database.transaction() as transaction:
        return await transaction.execute(f"SELECT {names} FROM {quoted(target.table)} ORDER BY 1")


async def execute(target, statement, *values):
    """Run one statement."""
    async with target.connect() as database, database.transaction() as transaction:
        return await transaction.execute(statement, *values)


async def other(target, key):
    """The undeclared and the odd fields of each row that has some."""
    rows = await stored(target, key, "_other")
    return {name: orjson.loads(text) for name, text in rows if text is not None}
