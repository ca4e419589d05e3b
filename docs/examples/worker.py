"""Copies a long list into a database. Killed at any moment and started again, it stores each row once."""

import asyncio
import sqlite3
from contextlib import closing

from readahead import Query, Report
from readahead.kintsugi import Customer
from readahead.sandbox import Sandbox

TABLES = """
CREATE TABLE IF NOT EXISTS customers (id TEXT PRIMARY KEY, name TEXT);
CREATE TABLE IF NOT EXISTS jobs (name TEXT PRIMARY KEY, checkpoint TEXT);
"""


async def copy(query: Query[Customer], database: sqlite3.Connection) -> Report:
    """Store the rows that are not stored yet."""
    database.executescript(TABLES)
    jobs = dict(database.execute("SELECT name, checkpoint FROM jobs"))
    async with query.prefetch(resume=jobs.get("copy")) as customers:
        async for page in customers.pages():
            rows = [(customer.id, customer.name) for customer in page]
            with database:  # one transaction: the rows of a page and the place after it, or neither
                database.executemany("INSERT OR REPLACE INTO customers VALUES (?, ?)", rows)
                database.execute("INSERT OR REPLACE INTO jobs VALUES ('copy', ?)", [str(customers.checkpoint)])
    return customers.report


async def main() -> None:
    async with Sandbox().kintsugi() as kintsugi:
        with closing(sqlite3.connect("customers.db")) as database:
            print(await copy(kintsugi.customers.where(source="SHOPIFY"), database))
            print(*database.execute("SELECT count(*) FROM customers").fetchone(), "customers are stored")


if __name__ == "__main__":
    asyncio.run(main())
