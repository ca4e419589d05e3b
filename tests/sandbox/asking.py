"""One request to an application in this process, and its response."""

from typing import Any

import httpx

from readahead.sandbox import API_KEY, ORGANIZATION_ID, TOKEN

KEYS = {"X-API-KEY": API_KEY, "x-organization-id": ORGANIZATION_ID}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def client(app: Any, **more: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers={**KEYS, **BEARER}, **more)


async def ask(app: Any, url: str, method: str = "GET", **more: Any) -> httpx.Response:
    """The response to one request with the sandbox's credentials."""
    async with client(app) as http:
        return await http.request(method, url, **more)


async def anonymous(app: Any, url: str, headers: dict[str, str], method: str = "GET") -> httpx.Response:
    """Like `ask`, with these headers instead of the sandbox's credentials."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        return await http.request(method, url, headers=headers)
