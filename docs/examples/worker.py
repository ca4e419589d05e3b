"""Reads a long list, saves its place after each page, and continues there after an interruption."""

import asyncio
from pathlib import Path

from readahead import Query
from readahead.kintsugi import Customer
from readahead.sandbox import Sandbox

STATE = Path("checkpoint.json")


async def work(query: Query[Customer], pages: int | None = None) -> int:
    """Read the list from the saved place on; stop after some pages, as a crash would."""
    resume = STATE.read_text() if STATE.exists() else None
    rows = done = 0
    async with query.prefetch(resume=resume) as customers:
        async for page in customers.pages():
            rows += len(page)  # store the rows here, together with the checkpoint if you can
            STATE.write_text(str(customers.checkpoint))
            done += 1
            if done == pages:
                break
    return rows


async def main() -> None:
    async with Sandbox().kintsugi() as kintsugi:
        query = kintsugi.customers.where(source="SHOPIFY")
        print(await work(query, pages=5), "rows, then interrupted")
        print(await work(query), "more rows, of", await query.count())


asyncio.run(main())
