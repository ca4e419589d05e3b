"""Every style of paging, over HTTP: the same rows at any window, the end, and where rows, totals and flags stand."""

import json
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode

import pytest
from attrs import define, field, frozen

from readahead import IncompleteWarning
from readahead.collection import Collection
from readahead.endpoint import Endpoint
from readahead.errors import UnexpectedAnswer, UsageError
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


class Api(Client):
    """A client of any list of an app."""

    def __init__(self, app):
        super().__init__({}, base_url=HOME, http_client=client_for_app(app))

    def query(self, endpoint, arguments):
        return Query(Reading(self._sender, endpoint, arguments))


def listing(app, reader, paging, method="get", **arguments):
    """A query of this endpoint of an app."""

    def get(**params):
        return {"method": "get", "url": f"/things?{urlencode(params)}"}

    def post(*, body):
        return {"method": "post", "url": "/things", "json": body}

    if method == "post":
        arguments = {"body": {"filter": arguments}} if arguments else {}
    operation = SimpleNamespace(OPERATION=f"{method.upper()} /things", build_request=post if method == "post" else get)
    endpoint = Endpoint(operation, reader=reader, paging=paging)
    return Api(app).query(endpoint, arguments)


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
        query, _ = things(style)
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


@styles
@pytest.mark.asyncio
async def test_a_checkpoint_gives_the_rest_at_any_row(style):
    """Also as text, and at the last row; no page that was read to its end is read again, where pages do not overlap."""
    whole, _ = things(style)
    async with whole.prefetch(2) as rows:
        checkpoints = [(0, rows.checkpoint.to_json())]
        async for _ in rows:
            checkpoints.append((rows.report.rows, rows.checkpoint.to_json()))
    for count, checkpoint in checkpoints[::23] + checkpoints[49:52] + checkpoints[-1:]:
        query, _ = things(style)
        rest, report = await read(query, resume=checkpoint)
        assert rest == ROWS[count:]
        assert report.complete
        assert report.drift == "none" or style not in PROVEN
        assert not report.duplicates or style.startswith("numbered")  # where a page cannot begin at the row
    assert max(len(checkpoint) for _, checkpoint in checkpoints) < 2_000


@styles
@pytest.mark.asyncio
async def test_a_limit_ends_a_listing(style):
    """With no request for what lies behind it."""
    query, table = things(style)
    rows, report = await read(query.limit(60), window=1)
    assert rows == ROWS[:60]
    assert (report.complete, report.why) == (True, "the limit was reached")
    assert len(table.requests) <= 3


KEYED = ["cursor", "cursor and flag", "last id", "last id, no flag"]


@pytest.mark.parametrize("style", KEYED)
@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.asyncio
async def test_what_is_there_throughout_comes_while_the_list_changes(style, window):
    """Where a cursor is a key: rows are inserted before it, and read ones are deleted, with each request."""
    query, table = things(style)
    page, gone = table.page, []

    def changing(table, params):
        answer = page(table, params)
        number = len(table.requests)
        table.rows.insert(0, {"id": f"a{number}"})
        gone.append(table.rows.pop(number * 3)["id"])
        return answer

    table.page = changing
    rows, report = await read(query, window=window)
    assert [row for row in rows if row not in gone] == [row for row in ROWS if row not in gone]
    assert (report.drift, report.complete) == ("unverifiable", True)


# ---- what ends a listing, and whether it is complete


def chain(*pages, rows=3, paging=None, how=None):
    """A query of pages of rows of their own; each is what the response holds besides them."""

    def page(table, params):
        number = len(table.requests) - 1
        more = pages[min(number, len(pages) - 1)]
        more = more(params, number) if callable(more) else dict(more)
        count = more.pop("rows", rows)
        return ({"data": [{"id": f"{number}-{n}"} for n in range(count)], **more},)

    table = Table(page)
    return listing(table, how or reader(next="next", more="more"), paging or Cursor(size=None)), table


CIRCLE = "names a page as the next one that was read before"
ENDS = {  # pages; rows; complete, or why not
    "no next": ([{"next": "b", "more": True}, {"next": None, "more": False}], 6, None),
    "absent next": ([{"next": "b", "more": True}, {"more": False}], 6, None),
    "empty next": ([{"next": "b", "more": True}, {"next": "", "more": False}], 6, None),
    "no more, and a next": ([{"next": "b", "more": True}, {"next": "c", "more": False}], 6, None),
    "an empty page in between": (
        [{"next": "b", "more": True}, {"next": "c", "more": True, "rows": 0}, {"more": False}],
        6,
        None,
    ),
    "more, and no next": ([{"next": "b", "more": True}, {"more": True}], 6, "more rows follow, and names no next page"),
    "a flag that is no flag": ([{"next": "b", "more": "yes"}, {"more": "no"}], 6, "received text"),
    "a flag that is missing": ([{"next": 2}, {}], 6, "expected true or false in 'more', received nothing"),
    "the same cursor": ([{"next": "b", "more": True}], 6, CIRCLE),
    "two cursors in turn": ([lambda _, n: {"next": "ab"[n % 2], "more": True}], 9, CIRCLE),
    "a long circle": ([lambda _, n: {"next": n % 300, "more": True}], 903, CIRCLE),
    "empty pages without an end": ([lambda _, n: {"next": n + 1, "more": True, "rows": 0}], 0, "500 pages"),
    "rows, then empty pages without an end": (
        [lambda _, n: {"next": n + 1, "more": True, "rows": 3 * (n < 2)}],
        6,
        "500 pages",
    ),
    "empty pages and old ones in turn": (
        [lambda _, n: {"next": n + 1, "more": True, "data": [{"id": "x"}] if n % 2 == 0 else []}],
        1,
        "pages brought no new row",
    ),
    "the first page again and again": (
        [lambda _, n: {"next": n + 1, "more": True, "data": [{"id": "x"}, {"id": "y"}]}],
        2,
        "10 pages brought no new row",
    ),
}


@pytest.mark.parametrize("case", ENDS)
@pytest.mark.asyncio
async def test_a_listing_always_ends_and_is_complete_only_if_nothing_speaks_against_it(case):
    """Each row comes once, and what ended the listing is said."""
    pages, count, reason = ENDS[case]
    query, table = chain(*pages)
    rows, report = await read(query)
    assert len(rows) == len(set(rows)) == count
    assert report.complete == (reason is None)
    assert (reason or "the end was reached") in report.why
    assert len(table.requests) <= 520


@pytest.mark.asyncio
async def test_whoever_sees_no_report_is_warned():
    """That what follows is not known."""
    with pytest.warns(IncompleteWarning, match=CIRCLE):
        await chain({"next": "b", "more": True})[0].to_list()


@pytest.mark.asyncio
async def test_empty_pages_are_read_on_from_a_checkpoint():
    """What was read of them is not read again."""
    query, table = chain(lambda _, n: {"next": n + 1, "more": True, "rows": 3 * (n < 2)})
    async with query.prefetch() as rows:
        _ = [row async for row in rows]
    assert table.requests[-1][1] == {"cursor": "501"}
    again, table = chain({"rows": 0, "more": False})
    await read(again, resume=rows.checkpoint)
    assert table.requests == [("/things", {"cursor": "502"})]


UNREADABLE = {
    "true": True,
    "an object": {"cursor": "b"},
    "a list": ["b"],
}


@pytest.mark.parametrize("case", UNREADABLE)
@pytest.mark.asyncio
async def test_a_next_that_cannot_be_read_is_an_error_behind_the_rows_before_it(case):
    """Neither the end nor a guess."""
    query, _ = chain({"next": "b", "more": True}, {"next": UNREADABLE[case], "more": True})
    came = []
    with pytest.raises(UnexpectedAnswer, match="expected text, a number or null in 'next', received") as caught:
        async with query.prefetch() as rows:
            async for row in rows:
                came.append(row.id)
    assert len(came) == 6
    assert not rows.report.complete
    assert caught.value.checkpoint is not None
    assert (await read(chain({"next": UNREADABLE[case], "more": False})[0]))[1].complete  # nothing follows anyway


@pytest.mark.asyncio
async def test_a_function_that_fails_is_an_error_that_says_so():
    """It may meet the last page, which is shaped in another way."""
    query, _ = chain({"links": {"next": "b"}}, {"links": {}}, how=reader(next=lambda answer: answer["links"]["next"]))
    with pytest.raises(UnexpectedAnswer, match="failed with KeyError; let it return None"):
        await query.to_list()


@pytest.mark.asyncio
async def test_numbers_stay_exact():
    """A cursor of more than 64 bits is sent as it came."""
    query, table = chain({"next": 2**70 + 1}, {}, how=reader(next="next"))
    await read(query)
    assert table.requests[-1][1] == {"cursor": str(2**70 + 1)}


# ---- totals, and rows that come again


TOTALS = {  # the total of each page of three rows; drift, and whether it is complete
    "held still": ([9, 9, 9], "unverifiable", None),
    "grew": ([9, 10, 10], "seen", None),
    "fell": ([10, 9, 9], "seen", "the list changed, and the pages of this server cannot overlap"),
    "promises more": ([12, 12, 12], "unverifiable", "3 of these rows did not come"),
    "of the page": ([3, 3, 3], "unverifiable", None),
    "of what is left": ([9, 6, 3], "seen", "the list changed"),
}


@pytest.mark.parametrize("case", TOTALS)
@pytest.mark.asyncio
async def test_a_total_says_what_a_cursor_does_not(case):
    """Where rows went, others may have moved past a cursor that is a position."""
    totals, drift, reason = TOTALS[case]
    pages = [{"next": n, "total": total} for n, total in enumerate(totals[:-1])]
    query, _ = chain(*pages, {"total": totals[-1]}, how=reader(next="next", total="total"))
    rows, report = await read(query)
    assert len(rows) == 9
    assert (report.drift, report.complete) == (drift, reason is None)
    assert (reason or "") in report.why


@pytest.mark.asyncio
async def test_a_total_that_falls_changes_nothing_where_the_last_id_leads_on():
    """The next page begins behind a row, wherever it is."""
    how = reader(total="total", more="more")
    query, _ = chain({"more": True, "total": 10}, {"more": False, "total": 6}, paging=LastId(), how=how)
    _, report = await read(query)
    assert (report.drift, report.complete) == ("seen", True)


@pytest.mark.asyncio
async def test_rows_that_came_before_the_checkpoint_meanwhile_are_not_missed():
    """Its total is that of the list before the pause."""
    how = reader(next="next", total="total")
    query, _ = chain({"next": "b", "total": 6}, how=how)
    async with query.prefetch(1) as rows:
        for _ in range(3):
            await anext(rows)
    later, _ = chain({"total": 8, "data": [{"id": name} for name in "xyz"]}, how=how)
    rest, report = await read(later, resume=rows.checkpoint)
    assert (len(rest), report.drift, report.complete) == (3, "seen", True)


AGAIN = {  # ids of three pages; how many come again, drift, why it is not complete
    "pages that overlap": (["ab", "bc", "cd"], 2, "none", None),
    "rows inserted before": (["abcd", "cdef", "g"], 2, "unverifiable", None),
    "a row that moved to the end": (["abc", "def", "gb"], 1, "seen", "the order is not stable"),
    "a row that moved down": (["abc", "dbe", "f"], 1, "seen", "the order is not stable"),
}


@pytest.mark.parametrize("case", AGAIN)
@pytest.mark.asyncio
async def test_rows_that_come_again(case):
    """They are dropped. At the beginning of a page they show that nothing lies between two; elsewhere rows moved."""
    pages, again, drift, reason = AGAIN[case]
    page = [{"data": [{"id": name} for name in ids], "next": n} for n, ids in enumerate(pages)]
    query, _ = chain(*page[:-1], {**page[-1], "next": None}, how=reader(next="next"))
    rows, report = await read(query)
    assert sorted(rows) == sorted(set("".join(pages)))
    assert (report.duplicates, report.drift, report.complete) == (again, drift, reason is None)
    assert (reason or "") in report.why


@pytest.mark.asyncio
async def test_a_page_that_is_another_one_when_it_is_read_again_is_noticed():
    """None of the rows before the checkpoint is there any more."""
    query, _ = chain({"next": "b"}, {}, how=reader(next="next"))
    async with query.prefetch() as rows:
        for _ in range(4):
            await anext(rows)
    other, _ = chain({"data": [{"id": "new"}]}, how=reader(next="next"))
    _, report = await read(other, resume=rows.checkpoint)
    assert not report.complete
    assert "none of the rows before the checkpoint" in report.why


@pytest.mark.parametrize("where", [0, 1, 2])
@pytest.mark.asyncio
async def test_a_row_that_cannot_be_read_does_not_end_a_list_by_last_id(where):
    """Its id leads on if it has one, else that of the row before."""
    wrong = [{"id": "c", "more": 1}, {"no": "id"}, {"id": ["c"]}][where]
    query, table = chain(
        {"data": [{"id": "a"}, {"id": "b"}, wrong], "more": True},
        {"more": False},
        paging=LastId(),
        how=reader(more="more"),
    )
    rows, report = await read(query, on_bad_row="skip")
    assert rows == ["a", "b", "1-0", "1-1", "1-2"]
    assert report.bad_row_count == 1
    assert table.requests[-1][1]["starting_after"] == ("c" if where == 0 else "b")


@pytest.mark.asyncio
async def test_a_list_by_last_id_without_an_id_is_an_error():
    """It cannot go on, and is not at its end."""
    query, _ = chain({"data": [{"no": "id"}], "more": True}, paging=LastId(), how=reader(more="more"))
    with pytest.raises(UnexpectedAnswer, match="no row has a 'id' that can be sent"):
        await read(query, on_bad_row="skip")


@pytest.mark.asyncio
async def test_a_last_id_with_more_but_no_rows_is_not_complete():
    """Nothing leads on."""
    query, _ = chain({"more": True}, {"more": True, "rows": 0}, paging=LastId(), how=reader(more="more"))
    _, report = await read(query)
    assert "more rows follow, and names no next page" in report.why


@pytest.mark.asyncio
async def test_a_single_page_that_is_not_all_is_not_complete():
    """Its total, or its flag, says so."""
    for more in ({"total": 7}, {"more": True}):
        query, _ = chain(more, paging=SinglePage(), how=reader(total="total", more=None if "total" in more else "more"))
        assert not (await read(query))[1].complete


@pytest.mark.parametrize("style", ["numbered from 1", "numbered from 0", "offset", "offset in the body"])
@pytest.mark.asyncio
async def test_positions_can_be_split(style):
    """Into parts that are the listing together, wherever the numbers begin and the position is sent."""
    query, _ = things(style)
    parts = await query.partitions(3)
    rows = []
    for part in parts:
        one, _ = things(style)
        rows += (await read(Collection(one.reading, Query).from_partition(part)))[0]
    assert (len(parts), rows) == (3, ROWS)


@pytest.mark.parametrize(
    "style", sorted(set(STYLES) - {"numbered from 1", "numbered from 0", "offset", "offset in the body"})
)
@pytest.mark.asyncio
async def test_other_styles_say_that_they_cannot_be_split(style):
    """And why, before anything is sent."""
    query, table = things(style)
    with pytest.raises(UsageError, match=f"this list has {STYLES[style][0].name}"):
        await query.partitions(3)
    assert table.requests == []


@pytest.mark.parametrize("style", [*STYLES])
@pytest.mark.asyncio
async def test_the_verbs_work(style):
    """The first page, the first row, the count and the explanation, each with few requests."""
    query, table = things(style)
    assert [row.id for row in await query.first_page()][:30] == ROWS[:30]
    assert (await query.first()).id == ROWS[0]
    assert len(table.requests) == 2
    assert await query.count() == 237
    assert STYLES[style][0].name in str(await query.explain())


WRONG = {
    "first": (lambda: PageNumber(first=2), "first must be 0 or 1"),
    "where": (lambda: Cursor(where="json"), "where must be 'query' or 'body', not 'json'"),
    "largest": (lambda: OffsetLimit(largest=0), "largest must be a whole number of at least 1, not 0"),
    "name": (lambda: LastId(""), "LastId takes names of parameters, not ''"),
    "no next": (lambda: things_of(Cursor(), reader()), "Cursor needs to know where the next one is"),
    "no URL": (lambda: things_of(NextURL(), reader()), "NextURL needs to know where the next one is"),
    "a URL for a cursor": (lambda: things_of(Cursor(), reader(next=LinkHeader())), "use NextURL() instead of Cursor()"),
    "a next page of a single one": (lambda: things_of(SinglePage(), reader(next="next")), "SinglePage() has no next"),
    "a total in a link": (
        lambda: reader(total=LinkHeader()),
        "total must be a path, a Header, or a function of the JSON",
    ),
    "an empty path": (lambda: reader(next=""), "next must be a path, a Header, a LinkHeader, or a function"),
    "a flag of a flag": (lambda: reader(more=Not(Not("last"))), "more must be a path, a Header, a LinkHeader, or"),
    "a class": (lambda: reader(more=Header), "more must be a path, a Header, a LinkHeader, a Not, or a function"),
    "items in a header": (lambda: reader(Header("X")), "items must be a path, or a function of the JSON"),
}


def things_of(paging, how):
    return listing(Table(offset), how, paging)


@pytest.mark.parametrize("case", WRONG)
def test_a_declaration_that_cannot_work_fails_where_it_is_made(case):
    """With what would work."""
    make, message = WRONG[case]
    with pytest.raises(UsageError) as caught:
        make()
    assert message in str(caught.value)


# ---- what leaves no trace


@pytest.mark.asyncio
async def test_an_empty_page_says_nothing_of_what_went_before_it():
    """The row that names the next page is deleted, and nothing follows it: whether rows were lost is not known."""

    def page(table, params):
        return ([] if "after" in params else at(table, 0, 2),)

    table = Table(page)
    rows, report = await read(listing(table, reader(None), LastId("after", None, 2)))
    assert rows == ROWS[:2]
    assert len(table.requests) == 2
    assert report.drift == "unverifiable"


@pytest.mark.asyncio
async def test_a_short_last_page_farther_down_than_it_was_is_drift():
    """It begins before the end, so it is no other page again: a row went past those that it holds."""
    names = ROWS[:20]
    pages = {0: names[:10], 9: [*names[9:18], names[19]], 18: [names[17], names[19]]}

    def page(_, params):
        return ([{"id": name} for name in pages.get(int(params["offset"]), [])],)

    _, report = await read(listing(Table(page), reader(None), OffsetLimit(largest=11)), window=4)
    assert report.drift == "seen"


@pytest.mark.asyncio
async def test_a_url_whose_query_cannot_be_sent_as_it_is_ends_the_listing():
    """Bytes that are no UTF-8 would be sent as others, and name another page."""
    table = Table(lambda table, _: ({"data": at(table, 0, 2), "next": "/things?c=%ff"},))
    with pytest.raises(UnexpectedAnswer, match="no UTF-8"):
        await read(listing(table, reader(next="next"), NextURL()))
    assert len(table.requests) == 1
