"""What a query says goes over the wire, exactly and nothing else; and what it asks for comes back."""

import copy
import itertools
import json
from collections import Counter
from urllib.parse import parse_qsl, unquote_to_bytes

import anyio
import pytest
import trio
from attrs import frozen
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from effort import examples
from readahead import DriftWarning, IncompleteWarning, Query
from readahead.errors import FilterError, InvalidRequest, NotFound, UsageError
from readahead.http.libraries import client_for_app
from readahead.kintsugi import Country, CustomerStatus, Kintsugi, Source, fields
from readahead.rows import read_page
from readahead.sandbox import API_KEY, ORGANIZATION_ID, TOKEN, Faults, Sandbox
from readahead.sweetspot import SweetSpot
from readahead.sweetspot import fields as sweetspot_fields

pytestmark = pytest.mark.anyio
apis = pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
SENT_BY_EVERY_CLIENT = {"host", "accept", "accept-encoding", "connection", "user-agent"}


@frozen
class Sent:
    """One request as the server sees it, decoded."""

    method: str
    path: bytes
    params: list
    headers: dict
    body: object


class Together:
    """A latency: requests wait until for some turns of the loop no other came. Then all are answered at once."""

    def __init__(self):
        self.came, self.quiet = 0, anyio.Event()

    async def __call__(self, request):
        self.came += 1
        quiet = self.quiet
        while not quiet.is_set():
            came = self.came
            for _ in range(30):
                await anyio.lowlevel.checkpoint()
            if came == self.came and not quiet.is_set():
                self.quiet = anyio.Event()
                quiet.set()


class Wire:
    """The sandbox, and what came over the wire to it."""

    def __init__(self, rows=0):
        self.box = Sandbox(kintsugi_rows=rows, sweetspot_rows=rows)
        self.sent = []

    def client(self, api, **options):
        options = {"base_url": "http://localhost", **options}
        if api == "kintsugi":
            http = client_for_app(self._recorded(self.box.kintsugi_app))
            return Kintsugi(api_key=API_KEY, organization_id=ORGANIZATION_ID, http_client=http, **options)
        return SweetSpot(token=TOKEN, http_client=client_for_app(self._recorded(self.box.sweetspot_app)), **options)

    def _recorded(self, app):
        async def recorded(scope, receive, send):
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message["body"], message.get("more_body", False)
            self.sent.append(
                Sent(
                    scope["method"],
                    scope["raw_path"].partition(b"?")[0],
                    parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True, strict_parsing=True)
                    if scope["query_string"]
                    else [],
                    {name.decode(): value.decode() for name, value in scope["headers"]},
                    json.loads(body) if body else None,
                )
            )
            read = [{"type": "http.request", "body": body, "more_body": False}]

            async def again():
                return read.pop() if read else await receive()

            await app(scope, again, send)

        return recorded

    @property
    def params(self):
        """The parameters of the one request that was sent since the last look."""
        (sent,) = self.sent
        self.sent.clear()
        return sent.params

    def rows(self, api):
        return self.box.kintsugi_rows() if api == "kintsugi" else self.box.sweetspot_rows()

    def ids(self, api):
        return [row["id"] for row in self.rows(api)]


async def params_of(query, wire):
    await query.first_page()
    return wire.params


# ---- what is sent


KINTSUGI = [
    (lambda query: query, [], "100"),
    (lambda query: query.where(country="US"), [("country", "US")], "100"),
    (lambda query: query.where(country=["US", Country.CA]), [("country", "US"), ("country", "CA")], "100"),
    (lambda query: query.where(country=iter(("CA", "CA", "US"))), [("country", "CA"), ("country", "US")], "100"),
    (lambda query: query.where(source=Source.unlisted("NEW")), [("source__in", "NEW")], "100"),
    (lambda query: query.where(source="SHOPIFY"), [("source__in", "SHOPIFY")], "100"),
    (lambda query: query.where(source=["STRIPE", Source.SAGE_INTACCT]), [("source__in", "STRIPE,SAGE-INTACCT")], "100"),
    (lambda query: query.where(state="CA"), [("state", "CA")], "100"),
    (lambda query: query.where(search="a b"), [("search_query", "a b")], "100"),
    (lambda query: query.order_by("country", "city"), [("order_by", "country,city")], "100"),
    (lambda query: query.order_by("city").order_by("state"), [("order_by", "state")], "100"),
    (lambda query: query.page_size(7), [], "7"),
    (lambda query: query.limit(3), [], "3"),
    (lambda query: query.limit(250), [], "100"),
    (lambda query: query.page_size(50).limit(3), [], "50"),
    (lambda query: query.where(), [], "100"),
    (lambda query: query.extra_params(), [], "100"),
    (lambda query: query.extra_params(status="ACTIVE"), [("status", "ACTIVE")], "100"),
    (
        lambda query: query.extra_params({"a[]": ["x", 1, 2.5, True]}, b=False),
        [("a[]", "x"), ("a[]", "1"), ("a[]", "2.5"), ("a[]", "true"), ("b", "false")],
        "100",
    ),
    (
        lambda query: (
            query.where(country=["US", "CA"], search="x", source=["API", "ETSY"])
            .where(state="NY", country=["CA", "MX"])
            .order_by("created_at")
            .extra_params(later="1")
            .page_size(20)
            .limit(90)
        ),
        [
            ("search_query", "x"),
            ("country", "CA"),
            ("state", "NY"),
            ("source__in", "API,ETSY"),
            ("order_by", "created_at"),
            ("later", "1"),
        ],
        "20",
    ),
]
SWEETSPOT = [
    (lambda query: query, [], "100"),
    (lambda query: query.where(organization_id="org_1"), [("organizationId", "org_1")], "100"),
    (lambda query: query.where(email="@x.org"), [("email", "@x.org")], "100"),
    (lambda query: query.where(name="Ada"), [("name", "Ada")], "100"),
    (lambda query: query.where(user_id="usr_1"), [("userId", "usr_1")], "100"),
    (lambda query: query.where(user_id=17), [("userId", "17")], "100"),
    (
        lambda query: query.where(organization_id="o", email="e").where(name="n", user_id=1).page_size(9),
        [("organizationId", "o"), ("email", "e"), ("name", "n"), ("userId", "1")],
        "9",
    ),
    (lambda query: query.extra_params(status="new").limit(4), [("status", "new")], "4"),
]
CASES = [("kintsugi", *case) for case in KINTSUGI] + [("sweetspot", *case) for case in SWEETSPOT]


@pytest.mark.parametrize(("api", "build", "params", "size"), CASES)
async def test_the_first_request_says_what_the_query_says_and_no_more(api, build, params, size):
    """Filters, order and extras under their names on the wire; and the position, explicit also for the first page."""
    wire = Wire()
    position = [("page", "1"), ("size", size)] if api == "kintsugi" else [("offset", "0"), ("limit", size)]
    found = await params_of(build(wire.client(api).customers), wire)
    assert sorted(found) == sorted(params + position)
    assert [pair for pair in found if pair[0] in {"country", "a[]"}] == [
        pair for pair in params if pair[0] in {"country", "a[]"}
    ]


async def test_kintsugi_gets_both_headers_and_a_plain_get():
    """The two that identify the caller, what every client sends, and no body."""
    wire = Wire(1)
    await wire.client("kintsugi", user_agent="billing/3").customers.first()
    (sent,) = wire.sent
    assert (sent.method, sent.path, sent.body) == ("GET", b"/v1/customers", None)
    assert set(sent.headers) == SENT_BY_EVERY_CLIENT | {"x-api-key", "x-organization-id"}
    assert sent.headers["x-api-key"] == API_KEY
    assert sent.headers["x-organization-id"] == ORGANIZATION_ID
    assert sent.headers["accept"] == "application/json"
    assert sent.headers["user-agent"].startswith("readahead/")
    assert sent.headers["user-agent"].endswith(" billing/3")


async def test_sweet_spot_gets_a_bearer_token_and_a_plain_get():
    """The one header that identifies the caller, what every client sends, and no body."""
    wire = Wire(1)
    await wire.client("sweetspot").customers.first()
    (sent,) = wire.sent
    assert (sent.method, sent.path, sent.body) == ("GET", b"/v1/customers", None)
    assert set(sent.headers) == SENT_BY_EVERY_CLIENT | {"authorization"}
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("base_url", "path"), [("http://localhost/", b"/v1/customers"), ("http://localhost/a/b/", b"/a/b/v1/customers")]
)
async def test_a_base_url_may_have_a_path(base_url, path):
    """A gateway in front of the API; a slash at the end makes no difference."""
    wire = Wire()
    client = wire.client("kintsugi", base_url=base_url)

    with pytest.raises(NotFound) if path != b"/v1/customers" else anyio.CancelScope():
        await client.customers.first()
    assert wire.sent[0].path == path


async def test_every_page_of_a_listing_is_asked_for_with_the_same_words():
    """Only the position changes, and it is there each time."""
    wire = Wire(250)

    query = wire.client("kintsugi").customers.where(search="e").order_by("city")
    expected = await query.count()
    wire.sent.clear()
    assert len(await query.page_size(10).to_list()) == expected > 30
    for sent in wire.sent:
        assert Counter(name for name, _ in sent.params) == Counter(["search_query", "order_by", "page", "size"])
        assert {("search_query", "e"), ("order_by", "city")} <= {*sent.params}
    assert len({tuple(sent.params) for sent in wire.sent}) == len(wire.sent)


async def test_every_page_of_an_offset_listing_is_asked_for_with_offset_and_limit():
    """Offsets in steps of what the server gives, less the rows that neighbouring pages share."""
    wire = Wire(250)
    assert len(await wire.client("sweetspot").customers.to_list()) == 250
    assert {tuple(sorted(name for name, _ in sent.params)) for sent in wire.sent} == {("limit", "offset")}
    assert sorted(int(dict(sent.params)["offset"]) for sent in wire.sent)[:3] == [0, 95, 190]
    assert {dict(sent.params)["limit"] for sent in wire.sent} == {"100"}


texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(str.strip)


@settings(max_examples=examples(150), deadline=None)
@given(texts, texts)
@example("a&b=c", "+1 (415) 555-0100")
@example("100%", "%2B%26%00")
@example("a,b;c", "Straße 東京 🧾 e\u0301")
@example("?page=2&size=1", "#fragment")
@example("../..", "http://x/?y=z")
@example("'\"<>\\`{}|^[]", " outer spaces ")
def test_any_text_arrives_as_it_was_meant(first, second):
    """Separators, percent signs, plus signs, emoji: the server decodes what was given, and no other parameter."""
    assume(second not in {"offset", "limit", "name"})
    wire = Wire()
    found = anyio.run(params_of, wire.client("kintsugi").customers.where(search=first, state=second), wire)
    assert sorted(found) == sorted([("search_query", first), ("state", second), ("page", "1"), ("size", "100")])
    named = wire.client("sweetspot").customers.where(name=first)
    found = anyio.run(params_of, named.extra_params({second: [first]}), wire)
    assert sorted(found) == sorted([("name", first), (second, first), ("offset", "0"), ("limit", "100")])


# ---- queries are values


STEPS = [
    ("kintsugi", lambda query: query.where(country="US")),
    ("kintsugi", lambda query: query.order_by("city")),
    ("kintsugi", lambda query: query.limit(5)),
    ("kintsugi", lambda query: query.page_size(5)),
    ("kintsugi", lambda query: query.extra_params(later="x")),
    ("sweetspot", lambda query: query.where(email="x")),
    ("sweetspot", lambda query: query.limit(5)),
    ("sweetspot", lambda query: query.page_size(5)),
    ("sweetspot", lambda query: query.extra_params(later="x")),
]


@pytest.mark.parametrize(("api", "step"), STEPS)
async def test_every_step_answers_a_new_query_and_leaves_the_old(api, step):
    """Two branches from one query know nothing of each other."""
    wire = Wire()
    base = wire.client(api).customers
    other = base.extra_params(other="1")
    before, before_other = await params_of(base, wire), await params_of(other, wire)
    one, two = step(base), step(base)
    assert one is not base
    assert one is not two
    assert await params_of(one, wire) == await params_of(two, wire) != before
    assert await params_of(base, wire) == before
    assert await params_of(other, wire) == before_other
    assert type(one) is type(two) is type(other)
    assert isinstance(one, Query)


async def test_a_refused_step_leaves_the_query_as_it_was():
    """After an error the query asks what it asked before."""
    wire = Wire()
    query = wire.client("kintsugi").customers.where(country="US")
    before = await params_of(query, wire)
    for wrong in (
        lambda: query.where(country="XX"),
        lambda: query.where(state="NY", contry="US"),
        lambda: query.order_by("nme"),
        lambda: query.limit(0),
        lambda: query.page_size(0),
        lambda: query.extra_params(later="x", country="CA"),
    ):
        with pytest.raises(FilterError):
            wrong()
    assert await params_of(query, wire) == before


async def test_a_query_keeps_what_it_was_given_then():
    """A list, or a dictionary of extra parameters, that changes later does not change the query."""
    wire = Wire()
    countries, extra = ["US", "CA"], {"later": ["a"]}
    query = wire.client("kintsugi").customers.where(country=countries).extra_params(extra)
    before = await params_of(query, wire)
    countries.clear()
    extra["later"].append("b")
    extra["more"] = "c"
    assert await params_of(query, wire) == before == await params_of(copy.copy(query), wire)


async def test_a_query_can_be_read_again():
    """It is no iterator: each reading is a listing of its own."""
    wire = Wire(30)

    query = wire.client("kintsugi").customers.page_size(10)
    first, second, third = [[row.id async for row in query] for _ in range(3)]
    assert first == second == third == wire.ids("kintsugi")


@pytest.mark.parametrize("name", ["_limit", "_filters", "limit", "new"])
def test_a_query_cannot_be_changed(name):
    """Nor given attributes that it does not have."""
    with pytest.raises(AttributeError):
        setattr(Wire().client("kintsugi").customers, name, 1)


async def test_filters_are_anded():
    """Of countries given twice, those in both; a text may be given again if it is the same."""
    wire = Wire()
    query = wire.client("kintsugi").customers.where(country=["US", "CA", "MX"])
    assert ("country", "CA") in await params_of(query.where(country="CA"), wire)
    found = await params_of(query.where(country=["MX", "FR", "US"]), wire)
    assert [value for name, value in found if name == "country"] == ["US", "MX"]
    sources = query.where(source=["API", "ETSY"]).where(source=Source.ETSY)
    assert ("source__in", "ETSY") in await params_of(sources, wire)
    assert ("state", "NY") in await params_of(query.where(state="NY").where(state="NY"), wire)


@pytest.mark.parametrize(
    ("api", "field"),
    [("kintsugi", "search")] + [("sweetspot", name) for name in ("organization_id", "email", "name")],
)
def test_two_searches_in_one_query_are_refused(api, field):
    """The API takes one; sending the last would forget the first."""
    wire = Wire()
    with pytest.raises(FilterError, match=f"^{field} takes one value in a query: 'a' and 'b' cannot") as caught:
        wire.client(api).customers.where(**{field: "a"}).where(**{field: "b"})
    assert caught.value.field == field


@pytest.mark.parametrize(
    "build",
    [
        lambda query: query.where(country="US").where(country="CA"),
        lambda query: query.where(source=["API", "ETSY"]).where(state="NY").where(source="STRIPE").limit(3),
        lambda query: query.where(country="US").where(country="CA").where(country="US").order_by("city"),
        lambda query: query.where(state="NY").where(state="CA"),
    ],
)
async def test_a_contradiction_has_no_rows_and_sends_nothing(build):
    """However it is read."""
    wire = Wire(20)

    query = build(wire.client("kintsugi").customers)
    assert [row async for row in query] == []
    async with query.prefetch() as rows:
        assert [row async for row in rows] == []
    assert rows.report.complete
    assert (rows.report.rows, rows.report.pages, rows.report.requests) == (0, 0, 0)
    async with query.prefetch(ordered=False) as rows:
        assert [page async for page in rows.pages()] == []
    assert [page async for page in query.pages()] == []
    page = await query.first_page()
    assert (page.rows, page.total, page.status) == ((), 0, None)
    assert await query.first() is None
    assert await query.count() == 0
    assert await query.to_list() == []
    assert wire.sent == []


# ---- extra parameters


@pytest.mark.parametrize(
    ("api", "extra", "build"),
    [
        ("kintsugi", "source__in", lambda query: query.where(source="SHOPIFY")),
        ("kintsugi", "order_by", lambda query: query.order_by("city")),
        ("sweetspot", "organizationId", lambda query: query.where(organization_id="org_1")),
        ("sweetspot", "userId", lambda query: query.where(user_id=1)),
    ],
)
def test_a_parameter_set_by_hand_under_another_name_is_not_set_again(api, extra, build):
    """Whatever the keyword is called, one parameter is sent once."""
    with pytest.raises(FilterError):
        build(Wire().client(api).customers.extra_params({extra: "x"}))


@pytest.mark.parametrize(
    ("api", "extra", "build"),
    [
        ("kintsugi", "country", lambda query: query.where(country="US")),
        ("kintsugi", "search_query", lambda query: query.where(search="x")),
        ("kintsugi", "state", lambda query: query.where(state="NY")),
        ("sweetspot", "email", lambda query: query.where(email="x")),
    ],
)
def test_a_parameter_set_by_hand_is_not_set_again(api, extra, build):
    """Neither order of the two calls sends both."""
    with pytest.raises(FilterError):
        build(Wire().client(api).customers.extra_params({extra: "x"}))


# ---- what comes back


@apis
async def test_every_way_of_reading_gives_the_same_rows(api):
    """Blocks, bare loops, pages and lists: all rows, in the order of the listing."""
    wire = Wire(250)

    async with wire.client(api) as client:
        query = client.customers
        async with query.prefetch() as rows:
            block = [row.id async for row in rows]
        async with query.prefetch(window=1) as rows:
            serial = [row.id async for row in rows]
        async with query.prefetch(ordered=False) as rows:
            unordered = sorted([row.id async for row in rows])
        bare = [row.id async for row in query]
        paged = [row.id async for page in query.pages() for row in page]
        listed = [row.id for row in await query.to_list()]
        *ordered, unordered = block, serial, bare, paged, listed, unordered
    for found in ordered:
        assert found == wire.ids(api)
    assert unordered == sorted(wire.ids(api))


@apis
@pytest.mark.parametrize("limit", [1, 99, 100, 101, 249, 250, 251, 10_000])
async def test_a_limit_is_a_number_of_rows(api, limit):
    """Exactly so many, the first of the listing, and no page more than they need."""
    wire = Wire(250)

    query = wire.client(api).customers.limit(limit)
    listed = [row.id for row in await query.to_list()]
    requests = len(wire.sent)
    assert [row.id async for row in query] == listed
    assert sum([len(page) async for page in query.pages()]) == len(listed)
    assert listed == wire.ids(api)[:limit]
    if limit <= 250:
        assert requests == -(-limit // 100)


@apis
async def test_the_first_row_and_the_first_page_cost_one_request(api):
    """One row, or one page of them; None where there is none."""
    wire, empty = Wire(250), Wire()

    customers = wire.client(api).customers
    first = await customers.first()
    assert wire.params[-1][1] == "1"
    page = await customers.first_page()
    assert len(wire.params) == 2
    short = await customers.page_size(30).limit(7).first_page()
    assert len(wire.params) == 2
    none = await empty.client(api).customers.first()
    ids = wire.ids(api)
    assert first.id == ids[0]
    assert [row.id for row in page] == ids[:100]
    assert [row.id for row in short] == ids[:7]
    assert (len(page), page.status, page.total) == (100, 200, 250 if api == "kintsugi" else None)
    assert page.request_id.startswith("req_")
    assert page.headers["content-type"] == "application/json"
    assert dict(page.position) == (
        {"page": "1", "size": "100"} if api == "kintsugi" else {"offset": "0", "limit": "100"}
    )
    assert none is None
    assert len(empty.sent) == 1


async def test_a_count_is_one_request_where_the_api_says_the_total():
    """Kintsugi: one row is asked for, whatever the page size; a limit cuts the number, not the question."""
    wire = Wire(250)

    customers = wire.client("kintsugi").customers
    assert await customers.count() == 250
    assert Counter(wire.params) == Counter([("page", "1"), ("size", "1")])
    assert await customers.limit(7).page_size(50).count() == 7
    assert Counter(wire.params) == Counter([("page", "1"), ("size", "1")])
    assert await customers.limit(1000).count() == 250
    wire.sent.clear()
    count = await customers.where(country="US").count()
    assert ("country", "US") in wire.params
    assert count == sum(row["country"] == "US" for row in wire.box.kintsugi_rows())


async def test_a_count_without_a_total_is_a_listing():
    """Sweet Spot names none: pages are read, no more than a limit needs."""
    wire = Wire(250)

    customers = wire.client("sweetspot").customers
    assert await customers.count() == 250
    assert len(wire.sent) >= 3
    wire.sent.clear()
    assert await customers.limit(7).count() == 7
    assert Counter(wire.params) == Counter([("offset", "0"), ("limit", "7")])
    assert await customers.limit(1000).count() == 250


async def test_a_count_does_without_a_total_that_is_missing():
    """Older documents of Kintsugi allow null there: pages are counted then."""
    rows = [{"id": f"cust_{n}", "organization_id": "org"} for n in range(250)]

    async def app(scope, receive, send):
        query = dict(parse_qsl(scope["query_string"].decode()))
        page, size = int(query["page"]), int(query["size"])
        body = {"items": rows[(page - 1) * size : page * size], "total": None, "page": None, "size": None}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    http = client_for_app(app)
    kintsugi = Kintsugi(api_key="key", organization_id="org", base_url="http://localhost", http_client=http)
    assert await kintsugi.customers.count() == 250
    assert await kintsugi.customers.limit(120).count() == 120
    assert len(await kintsugi.customers.to_list()) == 250


async def test_pages_carry_what_the_answer_said():
    """Rows, total, status, request id, and the position asked with; all pages together are the listing."""
    wire = Wire(25)

    pages = [page async for page in wire.client("kintsugi").customers.page_size(10).pages()]
    assert [len(page) for page in pages] == [10, 8, 6, 1]
    positions = [(1, 10), (2, 9), (3, 8), (3, 10)]
    assert [dict(page.position) for page in pages] == [{"page": str(q), "size": str(s)} for q, s in positions]
    assert {page.total for page in pages} == {25}
    assert {page.status for page in pages} == {200}
    assert len({page.request_id for page in pages}) == 4


def told(query, rows=1000, **how):
    """What ``on_page`` is told of a listing, and when, of a server that takes 100 ms for an answer."""
    box = Sandbox(kintsugi_rows=rows, sweetspot_rows=rows, latency=0.1)
    seen = []

    async def main():
        async with box.kintsugi() as kintsugi, box.sweetspot() as sweetspot:
            began = anyio.current_time()

            def on_page(progress):
                seen.append((anyio.current_time() - began, progress.rows, progress))
                assert progress.rows == progress.report.rows + len(progress.page)

            async with query(kintsugi, sweetspot).prefetch(on_page=on_page, **how) as found:
                return [row async for row in found]

    rows = trio.run(main, clock=MockClock(autojump_threshold=0))
    return rows, seen


def test_on_page_is_told_how_far_the_listing_is():
    """Each page once, in order; rows, total, requests in flight, rows a second, and the time left at that rate."""
    rows, seen = told(lambda kintsugi, _: kintsugi.customers.page_size(100), window=2)
    assert [row for _, _, progress in seen for row in progress.page] == rows
    assert [count for _, count, _ in seen] == list(itertools.accumulate(len(progress.page) for _, _, progress in seen))
    for seconds, count, progress in seen:
        assert progress.total == 1000
        assert progress.in_flight <= 2
        assert progress.rate == pytest.approx(count / seconds)
        assert progress.left == pytest.approx((1000 - count) * seconds / count)
    assert max(progress.in_flight for _, _, progress in seen) >= 1
    assert seen[-1][2].left == 0


def test_the_time_left_is_that_to_the_limit_where_it_comes_first():
    """And to the end where a limit lies beyond it."""
    for limit, rows in ((250, 250), (5000, 1000)):
        _, seen = told(lambda kintsugi, _, limit=limit: kintsugi.customers.page_size(100).limit(limit), window=2)
        for seconds, count, progress in seen:
            assert progress.total == 1000
            assert progress.left == pytest.approx((rows - count) * seconds / count)


def test_rows_left_out_count_for_the_time_left():
    """A condition on rows: the listing is as far as the rows it has gone through."""
    gmail = fields.email.endswith("@example.com")
    rows, seen = told(lambda kintsugi, _: kintsugi.customers.where(gmail).page_size(100), window=1)
    assert 0 < len(rows) < 1000
    for seconds, _, progress in seen:
        assert progress.left <= 900 * seconds / 100
    assert seen[-1][2].left == 0


def test_without_a_total_no_time_left_is_told():
    """But for a limit."""
    _, seen = told(lambda _, sweetspot: sweetspot.customers)
    assert {(progress.total, progress.left) for _, _, progress in seen} == {(None, None)}
    _, seen = told(lambda _, sweetspot: sweetspot.customers.limit(300))
    assert [progress.left is None for _, _, progress in seen] == [False] * len(seen)


async def test_what_is_asked_for_is_what_comes_back():
    """The sandbox filters as the API documents: every row of the answer matches, and every match is in it."""
    wire = Wire(400)

    customers = wire.client("kintsugi").customers
    found = await customers.where(country=["US", "CA"], source=["SHOPIFY", "STRIPE"]).order_by("city").to_list()
    mail = await wire.client("sweetspot").customers.where(email="@").limit(3).to_list()
    expected = [
        row["id"]
        for row in wire.box.kintsugi_rows()
        if row["country"] in {"US", "CA"} and row["source"] in {"SHOPIFY", "STRIPE"}
    ]
    assert sorted(row.id for row in found) == sorted(expected)
    assert len(found) > 1
    cities = [row.city for row in found if row.city is not None]
    assert cities == sorted(cities)
    assert len(mail) == 3


# ---- one customer


@apis
@pytest.mark.parametrize("verb", ["get", "get_by_external_id", "create", "update", "from_partition"])
def test_a_filtered_query_reads_one_customer_no_more_than_it_writes(api, verb):
    """One customer is found by its id, whatever the filter; so these belong to ``customers`` alone."""
    customers = Wire().client(api).customers
    filtered = [customers.limit(5), customers.page_size(5), customers.extra_params(later="x")]
    filtered += [customers.where(country="US"), customers.order_by("city")] if api == "kintsugi" else []
    assert hasattr(customers, verb) or api == "sweetspot"
    for query in filtered:
        assert not hasattr(query, verb)


async def test_one_customer_by_id():
    """By the API's id, and by one's own; as it is in the listing."""
    wire = Wire(20)

    kintsugi, sweetspot = wire.client("kintsugi"), wire.client("sweetspot")
    listed = next(row for row in await kintsugi.customers.to_list() if row.external_id)
    wire.sent.clear()
    assert await kintsugi.customers.get(listed.id) == listed
    assert await kintsugi.customers.get_by_external_id(listed.external_id) == listed
    other = await sweetspot.customers.first()
    wire.sent.pop()
    assert await sweetspot.customers.get(other.id) == other
    assert [(sent.method, sent.path.decode(), sent.params, sent.body) for sent in wire.sent] == [
        ("GET", f"/v1/customers/{listed.id}", [], None),
        ("GET", f"/v1/customers/external/{listed.external_id}", [], None),
        ("GET", f"/v1/customers/{other.id}", [], None),
    ]


async def test_a_customer_that_is_not_there():
    """NotFound, with the API's words."""
    wire = Wire(1)

    kintsugi, sweetspot = wire.client("kintsugi").customers, wire.client("sweetspot").customers
    for call in (
        lambda: kintsugi.get("cust_x"),
        lambda: kintsugi.get_by_external_id("x"),
        lambda: kintsugi.update("cust_x", name="x"),
        lambda: sweetspot.get("x"),
        lambda: sweetspot.update("x", city="x"),
    ):
        with pytest.raises(NotFound, match="There is no") as caught:
            await call()
        assert caught.value.status == 404


async def test_an_update_sends_what_is_given_and_nothing_else():
    """A key that is not given is not sent, and None is null."""
    wire = Wire(3)

    kintsugi, sweetspot = wire.client("kintsugi").customers, wire.client("sweetspot").customers
    before = await kintsugi.first()
    changed = await kintsugi.update(
        before.id, name="Ünïcode 🧾", email=None, status=CustomerStatus.ARCHIVED, country=Country.unlisted("US")
    )
    assert (changed.name, changed.email, changed.status) == ("Ünïcode 🧾", None, "ARCHIVED")
    assert changed.street_1 == before.street_1
    other = await sweetspot.first()
    moved = await sweetspot.update(other.id, city="Graz", first_name="Ada")
    assert (moved.city, moved.address1) == ("Graz", other.address1)
    one, other = before.id, other.id
    puts = [sent for sent in wire.sent if sent.method == "PUT"]
    assert [(sent.path.decode(), sent.params) for sent in puts] == [
        (f"/v1/customers/{one}", []),
        (f"/v1/customers/{other}", []),
    ]
    assert puts[0].body == {"name": "Ünïcode 🧾", "email": None, "status": "ARCHIVED", "country": "US"}
    assert puts[1].body == {"city": "Graz", "firstName": "Ada"}
    assert {sent.headers["content-type"] for sent in puts} == {"application/json"}


async def test_a_create_sends_what_is_given_and_nothing_else():
    """No default of ours: what is not given is the API's to choose."""
    wire = Wire()

    customers = wire.client("kintsugi").customers
    made = await customers.create(name="New", country=Country.DE, source="API", state=None)
    assert (made.name, made.country, made.country is Country.DE, made.state) == ("New", "DE", True, None)
    assert await customers.get(made.id) == made
    assert (wire.sent[0].method, wire.sent[0].path, wire.sent[0].params) == ("POST", b"/v1/customers", [])
    assert wire.sent[0].body == {"name": "New", "country": "DE", "source": "API", "state": None}


def calls_with_id(wire):
    kintsugi, sweetspot = wire.client("kintsugi").customers, wire.client("sweetspot").customers
    return [
        (kintsugi.get, b"/v1/customers/"),
        (kintsugi.get_by_external_id, b"/v1/customers/external/"),
        (lambda given: kintsugi.update(given, name="x"), b"/v1/customers/"),
        (sweetspot.get, b"/v1/customers/"),
        (lambda given: sweetspot.update(given, city="x"), b"/v1/customers/"),
    ]


@settings(max_examples=examples(60), deadline=None)
@given(texts.filter(lambda text: text not in {".", ".."}))
@example("a/b")
@example("../../other")
@example("a?page=2#x")
@example("100%")
@example("%2e%2e")
@example("%2F..%2F")
@example("a b+c&d=e;f")
@example("...")
@example("Jürgen 🧾")
@example("external")
@example("\\..\\x")
async def test_an_id_is_one_segment_of_the_path(given_id):
    """Slashes, question marks, percent signs: the server decodes exactly the id that was given."""
    wire = Wire()

    for call, prefix in calls_with_id(wire):
        with pytest.raises(NotFound):
            await call(given_id)
        sent = wire.sent.pop()
        assert sent.path.startswith(prefix)
        segment = sent.path.removeprefix(prefix)
        assert b"/" not in segment
        assert unquote_to_bytes(segment).decode() == given_id
        assert sent.params == []


@pytest.mark.parametrize("wrong", ["", " ", ".", "..", "a\nb", "\x00", "\ud800", None, 7, True, b"x", ["x"]], ids=repr)
async def test_an_id_that_is_none_is_refused(wrong):
    """It would name the listing, or another path."""
    wire = Wire()

    for call, _ in calls_with_id(wire):
        with pytest.raises(FilterError) as caught:
            await call(wrong)
        assert caught.value.field in {"customer_id", "external_id", "id"}
        assert caught.value.value == wrong
    assert wire.sent == []


@pytest.mark.parametrize(
    ("api", "changes", "field", "near"),
    [
        ("kintsugi", {"nme": "x"}, "nme", "name"),
        ("kintsugi", {"zip": "x"}, "zip", None),
        ("kintsugi", {"country": "usa"}, "country", "US"),
        ("kintsugi", {"status": "ARCHIVE"}, "status", "ARCHIVED"),
        ("kintsugi", {"source": "SHOPFIY"}, "source", "SHOPIFY"),
        ("kintsugi", {"address_status": "VERIFED"}, "address_status", "VERIFIED"),
        ("kintsugi", {"name": object()}, "name", None),
        ("kintsugi", {"name": {1, 2}}, "name", None),
        ("kintsugi", {"name": "\ud800"}, "name", None),
        ("kintsugi", {"name": b"x"}, "name", None),
        ("kintsugi", {"name": 1 << 70}, "name", None),
        ("sweetspot", {"firstName": "x"}, "firstName", "first_name"),
        ("sweetspot", {"email": "x"}, "email", None),
        ("sweetspot", {"city": object()}, "city", None),
    ],
)
async def test_a_change_that_cannot_be_made_is_refused(api, changes, field, near):
    """Unknown names, unlisted choices, and what JSON cannot carry; nothing is sent."""
    wire = Wire()

    customers = wire.client(api).customers
    calls = [lambda: customers.update("id", **changes)]
    calls += [lambda: customers.create(**changes)] if api == "kintsugi" else []
    for call in calls:
        with pytest.raises(FilterError) as caught:
            await call()
        assert (caught.value.field, caught.value.value) == (field, changes[field])
        assert near is None or near in caught.value.near
    assert wire.sent == []


@apis
async def test_an_update_of_nothing_is_refused(api):
    """It would change nothing, or everything."""
    wire = Wire()

    with pytest.raises(UsageError, match="needs at least one field to change"):
        await wire.client(api).customers.update("id")
    assert wire.sent == []


async def test_answers_that_come_at_once_are_read_one_a_turn(monkeypatch):
    """A window of answers stalls nobody: between any two that are read, the rest of the program runs."""
    box, turns, read = Sandbox(kintsugi_rows=400, latency=Together()), 0, []

    def counted(*given):
        read.append(turns)
        return read_page(*given)

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    monkeypatch.setattr("readahead.reading.read_page", counted)

    async with box.kintsugi() as kintsugi, anyio.create_task_group() as group:
        group.start_soon(others)
        async with kintsugi.customers.page_size(5).prefetch(16) as rows:
            assert len([row async for row in rows]) == 400
        group.cancel_scope.cancel()
    assert box.peak["kintsugi"] == 16
    assert max(Counter(read).values()) <= 2  # trio runs what is ready in no order


async def test_a_warning_points_at_the_caller():
    """At the line that reads the rows, not into the package."""
    box = Sandbox(kintsugi_rows=1500, faults=Faults(deletes=2))
    with pytest.warns(DriftWarning) as caught:
        async with box.kintsugi() as kintsugi, kintsugi.customers.prefetch(on_drift="warn") as rows:
            assert [row async for row in rows]
    assert [warning.filename for warning in caught] == [__file__]


async def rows_one_by_one(query):
    return [row async for row in query]


async def pages_one_by_one(query):
    return [page async for page in query.pages()]


async def first_of_none(query):
    return await query.where(sweetspot_fields.city == "Nowhere").first()


def unstable():
    """A list without a stable order: the neighbours of each page change places."""
    return Sandbox(sweetspot_rows=1500, faults=Faults(ties=50))


@pytest.mark.parametrize(
    "read",
    [Query.to_list, Query.count, rows_one_by_one, pages_one_by_one, first_of_none],
    ids=lambda read: read.__name__,
)
async def test_a_listing_without_a_report_warns_where_it_is_not_complete(read):
    """Once, with the reason, and where the caller stands; the rows come all the same."""
    async with unstable().sweetspot() as sweetspot:
        with pytest.warns(IncompleteWarning, match="not complete: .+; read it with prefetch") as caught:
            await read(sweetspot.customers.limit(10**6))
    assert [warning.filename for warning in caught] == [__file__]


async def test_a_listing_with_a_report_warns_of_nothing():
    """It says so itself."""
    async with unstable().sweetspot() as sweetspot, sweetspot.customers.prefetch() as rows:
        assert [row async for row in rows]
    assert not rows.report.complete


async def test_a_listing_that_is_broken_off_or_limited_warns_of_nothing(anyio_backend):
    """Who breaks off knows that there is more; who sets a limit gets what was asked for, if nothing contradicts it."""
    async with unstable().sweetspot() as sweetspot:
        rows = aiter(sweetspot.customers)
        seen = [await anext(rows) for _ in range(700)]
        if anyio_backend == "asyncio":  # on trio nothing is read ahead here
            await rows.aclose()
        del rows
        assert len(seen) == 700
    async with Sandbox(sweetspot_rows=1500).sweetspot() as sweetspot:
        assert len(await sweetspot.customers.limit(700).to_list()) == 700
        assert await sweetspot.customers.limit(700).count() == 700
        assert await sweetspot.customers.first() is not None
        assert len(await sweetspot.customers.first_page()) == 100


async def test_a_listing_that_ends_in_an_error_warns_of_nothing():
    """The error says it."""
    async with Sandbox(kintsugi_rows=500, faults=Faults(deepest=200)).kintsugi(retry=None) as kintsugi:
        for read in (Query.to_list, rows_one_by_one, pages_one_by_one):
            with pytest.raises(InvalidRequest):
                await read(kintsugi.customers.limit(1000))


@pytest.mark.filterwarnings("error::readahead.IncompleteWarning")
async def test_a_warning_that_is_made_an_error_comes_once():
    """Behind the last row; then the iteration has ended."""
    async with unstable().sweetspot() as sweetspot:
        rows = aiter(sweetspot.customers)
        with pytest.raises(IncompleteWarning):
            while True:
                await anext(rows)
        assert await anext(rows, None) is None


@pytest.mark.parametrize("wrong", [3, "print", anyio.sleep], ids=["number", "text", "coroutine function"])
def test_on_page_takes_a_plain_function(wrong):
    """A coroutine function would never run."""
    with pytest.raises(UsageError, match="plain function"):
        Wire(1).client("kintsugi").customers.prefetch(on_page=wrong)
