"""The same with Starlette alone: a response that owns its listing."""

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from readahead import Page, Pages
from readahead.errors import FilterError, NotFound, ReadaheadError, TimedOut
from readahead.kintsugi import BASE_URL, Customer, CustomerQuery, Kintsugi


class Lines(StreamingResponse):
    """The rows of a query, a JSON object in each line. The listing is open while the response is sent."""

    media_type = "application/x-ndjson"

    def __init__(self, query: CustomerQuery) -> None:
        super().__init__(())
        self.query = query

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self.query.prefetch(window=4) as customers:
            pages = customers.pages()
            first = await anext(pages, None)  # an error here is still answered with a status
            async with aclosing(lines(first, pages)) as self.body_iterator:
                await super().__call__(scope, receive, send)


async def lines(first: Page[Customer] | None, rest: Pages[Customer]) -> AsyncGenerator[str, None]:
    page = first
    while page is not None:
        yield "".join(f"{customer.to_json()}\n" for customer in page)
        page = await anext(rest, None)


async def export(request: Request) -> Response:
    return Lines(request.state.kintsugi.customers.where(**request.query_params))


async def one_customer(request: Request) -> Response:
    customer = await request.state.kintsugi.customers.get(request.path_params["customer_id"])
    return Response(customer.to_json(), media_type="application/json")


async def answer(_request: Request, error: Exception) -> Response:
    status = {FilterError: 422, NotFound: 404, TimedOut: 504}
    return JSONResponse({"detail": str(error)}, next((status[kind] for kind in status if isinstance(error, kind)), 502))


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Kintsugi]]:
    async with Kintsugi(
        api_key=os.environ["KINTSUGI_API_KEY"],
        organization_id=os.environ["KINTSUGI_ORGANIZATION_ID"],
        base_url=os.environ.get("KINTSUGI_URL", BASE_URL),
    ) as kintsugi:
        yield {"kintsugi": kintsugi}


app = Starlette(
    routes=[Route("/export", export), Route("/customers/{customer_id}", one_customer)],
    exception_handlers={ReadaheadError: answer},
    lifespan=lifespan,
)
