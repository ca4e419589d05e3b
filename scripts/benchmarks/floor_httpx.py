"""The floor of httpx: what its wire and the JSON cost. It builds no objects and checks nothing."""

import asyncio

import httpx
import orjson


async def floor(url: str, pages: int, window: int) -> int:
    rows, todo = list[int](), iter(range(1, pages + 1))

    async def ask() -> None:
        for page in todo:
            response = await client.get(f"{url}?page={page}&size=100")
            rows.append(len(orjson.loads(response.content)["items"]))

    limits = httpx.Limits(max_connections=window, max_keepalive_connections=window)
    async with httpx.AsyncClient(limits=limits, verify=False) as client:  # noqa: S501  no TLS here, nor its set-up
        await asyncio.gather(*(ask() for _ in range(window)))
    return sum(rows)
