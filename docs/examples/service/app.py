"""A FastAPI service in front of Kintsugi: ``uvicorn app:app``. Its credentials come from the environment."""

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Annotated, TypedDict

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

from readahead import Page
from readahead.errors import (
    FilterError,
    NotFound,
    RateLimited,
    ReadaheadError,
    RetryDelayTooLong,
    ServerError,
    StreamError,
    TimedOut,
    UsageError,
)
from readahead.kintsugi import BASE_URL, Customer, CustomerQuery, Kintsugi


class State(TypedDict):
    kintsugi: Kintsugi


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
    """One client for the whole service: its requests share connections, pauses and the budget."""
    async with Kintsugi(
        api_key=os.environ["KINTSUGI_API_KEY"],
        organization_id=os.environ["KINTSUGI_ORGANIZATION_ID"],
        base_url=os.environ.get("KINTSUGI_URL", BASE_URL),
        timeout=10.0,
    ) as kintsugi:
        yield {"kintsugi": kintsugi}


app = FastAPI(lifespan=lifespan)


def get_query(request: Request, country: str | None = None, state: str | None = None) -> CustomerQuery:
    kintsugi: Kintsugi = request.state.kintsugi
    filters = {"country": country, "state": state}
    return kintsugi.customers.where(**{name: value for name, value in filters.items() if value is not None})


Query = Annotated[CustomerQuery, Depends(get_query)]


@app.get("/customers")
async def first_customers(query: Query) -> Page[Customer]:
    return await query.first_page()


@app.get("/customers/{customer_id}")
async def one_customer(customer_id: str, request: Request) -> Customer:
    kintsugi: Kintsugi = request.state.kintsugi
    return await kintsugi.customers.get(customer_id)


async def open_lines(query: Query) -> AsyncIterator[AsyncIterator[str]]:
    """Keep a listing open until its response is sent, or the caller has gone."""
    async with query.prefetch(window=4) as customers:
        pages = customers.pages()
        first = await anext(pages, None)  # an error here is still answered with a status

        async def lines() -> AsyncGenerator[str, None]:
            if first is not None:
                yield as_lines(first)
            async for page in pages:
                yield as_lines(page)

        async with aclosing(lines()) as body:
            yield body


def as_lines(page: Page[Customer]) -> str:
    return "".join(f"{customer.to_json()}\n" for customer in page)


@app.get("/export", response_class=StreamingResponse)
async def export(lines: Annotated[AsyncIterator[str], Depends(open_lines)]) -> StreamingResponse:
    """All customers, a JSON object in each line. The upstream API is read as fast as the caller reads."""
    return StreamingResponse(lines, media_type="application/x-ndjson")


@app.exception_handler(ReadaheadError)
async def answer(_request: Request, error: ReadaheadError) -> JSONResponse:
    match error:
        case FilterError():  # the caller's parameters
            return reply(422, str(error))
        case UsageError() | StreamError():  # this service is at fault
            raise error
        case NotFound():
            return reply(404, "there is no such customer")
        case RateLimited():
            return reply(429, "too many requests", error.retry_after)
        case RetryDelayTooLong():
            return reply(503, "the tax service asks for a pause", error.delay)
        case ServerError(status=503):
            return reply(503, "the tax service is not available", error.retry_after)
        case TimedOut():
            return reply(504, "the tax service did not answer in time")
        case _:
            return reply(502, "the tax service did not answer as it should")


def reply(status: int, detail: str, retry_after: float | None = None) -> JSONResponse:
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:.0f}"}
    return JSONResponse({"detail": detail}, status, headers)
