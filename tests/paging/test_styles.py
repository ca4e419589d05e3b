"""Every style of paging, over HTTP: the same rows at any window, the end, and where rows, totals and flags stand."""

import json
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode

import pytest
from attrs import define, field, frozen

from readahead.endpoint import Endpoint
from readahead.http.client import Client
from readahead.http.libraries import client_for_app
from readahead.locations import Header, LinkHeader, Not
from readahead.paging import Cursor, LastId, NextURL, OffsetLimit, PageNumber, SinglePage
from readahead.query import Query
from readahead.reading import Reading
from readahead.rows import RowReader

HOME = "http://127.0.0.1"
ROWS = [f"r{n:04}" for n in range(237)]


@frozen
class Thing:
    """A row."""

    id: str

    @classmethod
    def from_dict(cls, source):
        return cls(**source)


@define
class Table:
    """Rows 'r0000' to 'r0236' behind one path, paged in some way."""

    page: object  # of the table and the parameters: rows, envelope, headers
    rows: list = field(factory=lambda: [{"id": name} for name in ROWS])
    requests: list = field(factory=list)

    async def __call__(self, scope, receive, send):
        params = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        if scope["method"] == "POST":
            params = json.loads((await receive())["body"])
        self.requests.append((scope["path"], params))
        body, *headers = self.page(self, params)
        headers = [(b"content-type", b"application/json"), *((n.encode(), v.encode()) for n, v in headers)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def listing(app, reader, paging, method="get", **arguments):
    """A query of this endpoint of an app."""

    def build_request(**params):
        if method == "post":
            return {"method": "post", "url": "/things", "json": params["body"]}
        return {"method": "get", "url": f"/things?{urlencode(params)}"}

    operation = SimpleNamespace(OPERATION=f"{method.upper()} /things", build_request=build_request)
    endpoint = Endpoint(operation, reader=reader, paging=paging)
    client = Client({}, base_url=HOME, http_client=client_for_app(app))
    return Query(Reading(client._sender, endpoint, arguments))


def reader(items="data", **more):
    return RowReader(Thing.from_dict, key="id", items=items, **more)


def at(table, lo, size):
    return table.rows[lo : lo + size]


def numbered(first):
    def page(table, params):
        lo = (int(params["page"]) - first) * int(params["size"])
        return {"data": at(table, lo, int(params["size"]))}

    return page


STYLES = {
    "numbered from 1": (PageNumber(largest=50), reader(), numbered(1)),
    "numbered from 0": (PageNumber(largest=50, first=0), reader(), numbered(0)),
    "offset": (
        OffsetLimit(largest=50),
        reader(total=Header("X-Total-Count"), items=None),
        lambda table, p: (at(table, int(p["offset"]), int(p["limit"])), ("X-Total-Count", str(len(table.rows)))),
    ),
}
