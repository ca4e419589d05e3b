"""The floor of aiohttp: what its wire and the JSON cost. It builds no objects and checks nothing."""

import asyncio

import aiohttp
import orjson


async def floor(url: str, pages: int, window: int) -> int:
    rows, todo = list[int](), iter(range(1, pages + 1))

    async def ask() -> None:
        for page in todo:
            async with session.get(f"{url}?page={page}&size=100") as answer:
                rows.append(len(orjson.loads(await answer.read())["items"]))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(ask() for _ in range(window)))
    return sum(rows)
