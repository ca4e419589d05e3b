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
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message["body"], message["more_body"]
            params = json.loads(body)
        self.requests.append((scope["path"], params))
        body, *headers = self.page(self, params)
        headers = [(b"content-type", b"application/json"), *((n.encode(), v.encode()) for n, v in headers)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def listing(app, reader, paging, method="get", **arguments):
    """A query of this endpoint of an app."""

    def get(**params):
        return {"method": "get", "url": f"/things?{urlencode(params)}"}

    def post(*, body):
        return {"method": "post", "url": "/things", "json": body}

    if method == "post":
        arguments = {"body": {"filter": arguments}} if arguments else {}
    operation = SimpleNamespace(
        OPERATION=f"{method.upper()} /things", build_request=post if method == "post" else get
    )
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
        return ({"data": at(table, lo, int(params["size"]))},)

    return page


def offset(table, params):
    lo, size = int(params["offset"]), int(params["limit"])
    return at(table, lo, size), ("X-Total-Count", str(len(table.rows)))


def after(table, key, size):
    """The rows behind one, as an index finds them, whether the row is there any more or not."""
    return [row for row in table.rows if row["id"] > key][:size]


def by_cursor(table, params):
    rows = after(table, params.get("cursor", ""), int(params["limit"]))
    more = bool(rows) and bool(after(table, rows[-1]["id"], 1))
    return ({"data": rows, "meta": {"next": rows[-1]["id"] if more else None}},)


def by_number(table, params):
    """A search: the cursor is a number, which stays one, and both parameters are members inside the body."""
    page = params["page"]
    assert isinstance(page["count"], int)
    assert isinstance(page.get("from", 0), int)
    lo = page.get("from", 0)
    end = lo + page["count"]
    return ({"data": at(table, lo, page["count"]), "next_page": {"offset": end} if end < len(table.rows) else {}},)


def by_star(table, params):
    """The first cursor has to be sent; the last one comes as empty text."""
    lo = 0 if params["cursor"] == "*" else int(params["cursor"])
    end = lo + 40
    return at(table, lo, 40), ("X-Next-Cursor", str(end) if end < len(table.rows) else "")


def by_done(table, params):
    """There is always a cursor, and a flag for the end."""
    rows = after(table, params.get("iterator", ""), int(params["limit"]))
    last = rows[-1]["id"] if rows else params.get("iterator")
    return ({"data": rows, "iterator": last, "done": not after(table, last or "", 1)},)


def by_last_id(table, params):
    rows = after(table, params.get("starting_after", ""), int(params["limit"]))
    return ({"data": rows, "has_more": bool(rows) and bool(after(table, rows[-1]["id"], 1))},)


def by_last_id_alone(table, params):
    """No flag: the end is where a page is empty."""
    return (after(table, params.get("after", ""), 50),)


def linked(url):
    """Pages whose Link header leads on, among links to other things."""

    def page(table, params):
        lo, size = int(params.get("at", 0)), int(params["per_page"])
        links = ['<https://example.org/a,b>; title="so, <x>; rel=next"; rel="help"']
        if lo + size < len(table.rows):
            links.append(f"<{url}?at={lo + size}&per_page={size}&state=open>; foo=bar; rel='n'; rel=\"prefetch\"")
            links.append(f'<{url}?at={lo + size}&per_page={size}&state=open>; rel="last NEXT"')
        return at(table, lo, size), ("Link", ", ".join(links))

    return page


def next_url(table, params):
    lo = int(params.get("Page", 0)) * 50
    following = f"/v2/elsewhere?Page={lo // 50 + 1}&state=open" if lo + 50 < len(table.rows) else None
    return ({"data": at(table, lo, 50), "links": {"pages": {"next": following}} if following else {}},)


def flagged_pages(table, params):
    """Numbered pages without a size, and a flag that says the opposite."""
    lo = int(params["p"]) * 30
    return ({"data": at(table, lo, 30), "is_last": lo + 30 >= len(table.rows)},)


META = reader(next="meta.next")
LAST = LastId(largest=50), reader(more="has_more"), by_last_id
STYLES = {
    "numbered from 1": (PageNumber(largest=50), reader(), numbered(1)),
    "numbered from 0": (PageNumber(largest=50, first=0), reader(), numbered(0)),
    "numbered, no size": (PageNumber("p", None, 30, first=0), reader(more=Not("is_last")), flagged_pages),
    "offset": (OffsetLimit(largest=50), reader(None, total=Header("X-Total-Count")), offset),
    "offset in the body": (OffsetLimit(largest=50, where="body"), reader(None, total=Header("x-total-count")), offset),
    "cursor": (Cursor(largest=50), META, by_cursor),
    "number in the body": (
        Cursor("page.from", "page.count", 50, where="body"),
        reader(next="next_page.offset"),
        by_number,
    ),
    "first cursor": (Cursor(size=None, start="*"), reader(None, next=Header("X-Next-Cursor")), by_star),
    "cursor and flag": (Cursor("iterator", largest=50), reader(next="iterator", more=Not("done")), by_done),
    "last id": LAST,
    "last id, no flag": (LastId("after", None, 50), reader(None), by_last_id_alone),
    "link": (NextURL("per_page", 50), reader(None, next=LinkHeader()), linked("http://127.0.0.1/by-number/7")),
    "relative link": (NextURL("per_page", 50), reader(None, next=LinkHeader()), linked("")),
    "next URL": (NextURL(), reader(next="links.pages.next"), next_url),
    "next URL by a function": (
        NextURL(),
        reader(next=lambda answer: answer["links"].get("pages", {}).get("next"), total=lambda _: 237),
        next_url,
    ),
    "single page": (SinglePage(), reader(), lambda table, _: ({"data": table.rows},)),
}
PROVEN = {"numbered from 1", "numbered from 0", "offset", "offset in the body", "single page"}  # their pages overlap
styles = pytest.mark.parametrize("style", STYLES)


def things(style, **more):
    """A query of 237 rows that are paged in this style, and the table."""
    paging, how, page = STYLES[style]
    table = Table(page, **more)
    return listing(table, how, paging, "post" if paging.where == "body" else "get", state="open"), table


async def read(query, **options):
    async with query.prefetch(**options) as rows:
        return [row.id async for row in rows], rows.report


@styles
@pytest.mark.anyio
async def test_every_window_gives_what_one_page_after_another_gives(style):
    """All rows, once, in order, and nothing to doubt; a listing of one page costs one request."""
    for window in (1, 2, 5, "auto"):
        query, table = things(style)
        rows, report = await read(query, window=window)
        assert rows == ROWS, window
        assert (report.complete, report.why, report.duplicates) == (True, "the end was reached", 0)
        assert report.drift == ("none" if style in PROVEN else "unverifiable")
    query, _ = things(style)
    rows, report = await read(query, window=4, ordered=False)
    assert sorted(rows) == ROWS
    assert report.complete


@styles
@pytest.mark.asyncio
async def test_an_empty_list_is_complete(style):
    """One request, or two where nothing says that it is the end."""
    query, table = things(style, rows=[])
    assert (await read(query))[0] == []
    assert len(table.requests) <= 2
