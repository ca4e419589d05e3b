"""Whatever is given: a wrong input never reaches the wire, and what is sent decodes to exactly what was meant.

What is right is written down here by hand, from the vendors' two reference pages, and not taken from the code.
"""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import anyio
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from effort import examples
from readahead.errors import UsageError
from readahead.http.libraries import client_for_app
from readahead.kintsugi import Country, Kintsugi, Source
from readahead.kintsugi import fields as kintsugi_fields
from readahead.sandbox.vocabulary import COUNTRIES, SOURCES
from readahead.sweetspot import SweetSpot
from readahead.sweetspot import fields as sweetspot_fields

# keyword: its name on the wire, how several values are sent, the values that are listed, whether numbers are taken
KINTSUGI = {
    "search": ("search_query", None, None, False),
    "country": ("country", "repeated", COUNTRIES, False),
    "state": ("state", None, None, False),
    "source": ("source__in", "commas", SOURCES, False),
}
SWEETSPOT = {
    "organization_id": ("organizationId", None, None, False),
    "email": ("email", None, None, False),
    "name": ("name", None, None, False),
    "user_id": ("userId", None, None, True),
}
TABLES = {"kintsugi": KINTSUGI, "sweetspot": SWEETSPOT}
PAGING = {"kintsugi": ("page", "size"), "sweetspot": ("offset", "limit")}
ORDERS = {
    "kintsugi": {"created_at", "street_1", "street_2", "city", "state", "postal_code", "country", "status"},
    "sweetspot": set(),
}
CONTROLS = {*map(chr, range(32)), *map(chr, range(127, 160))}


class Wrong(Exception):
    """What the table says of an input that cannot be sent."""


def right_text(value, listed, separated):
    if not isinstance(value, str) or not value.strip():
        raise Wrong
    if any(character in CONTROLS or "\ud800" <= character <= "\udfff" for character in value):
        raise Wrong
    if listed is not None and value not in listed:
        raise Wrong
    if separated and "," in value:
        raise Wrong
    return str.__str__(value)


def meant(api, keyword, value):
    """The pairs that arrive. Raises Wrong."""
    if keyword not in TABLES[api]:
        raise Wrong
    wire, many, listed, numbers = TABLES[api][keyword]
    several = isinstance(value, list | tuple | set | frozenset)
    if several and (many is None or not value):
        raise Wrong
    texts = []
    for one in value if several else [value]:
        by_name = type(one).__name__.lower() == keyword  # Country.unlisted("QQ") lifts the list of countries
        is_number = numbers and isinstance(one, int) and not isinstance(one, bool)
        texts.append(str(one) if is_number else right_text(one, None if by_name else listed, many == "commas"))
    texts = list(dict.fromkeys(texts))
    return [(wire, text) for text in texts] if many == "repeated" else [(wire, ",".join(texts))]


def whole(value, most):
    if type(value) is not int or value < 1 or (most is not None and value > most):
        raise Wrong
    return value


special = st.sampled_from(
    ["&", "=", "+", "%", ",", "%2B", "a&b=c", "?x#y", "é", "e\u0301", "東京", "🧾", "Ω;", "'\"", "\\"]
)
texts = st.one_of(
    st.text(max_size=12),
    special,
    st.lists(special, min_size=1, max_size=4).map("".join),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8),
)
codes = st.sampled_from(
    ["US", "CA", "ZZ_EU", "us", "XX", "usa", "SHOPIFY", "SAGE-INTACCT", "SHOPFIY", "A,B", "US,CA", ""]
)
members = st.sampled_from([Country.US, Country.CA, Source.API, Country.unlisted("QQ"), Source.unlisted("N W"),
                           Source.unlisted("A,B"), Country.unlisted(""), Source.unlisted("a\nb")])  # fmt: skip
single = st.one_of(
    texts, codes, members, st.integers(-2, 200), st.booleans(), st.none(), st.floats(), st.binary(max_size=3),
    st.just({"US": 1}), st.just(datetime(2026, 1, 1, tzinfo=UTC)),
)  # fmt: skip
values = st.one_of(
    single, codes, members, st.lists(st.one_of(codes, members), max_size=4), st.lists(single, max_size=3),
    st.lists(codes, max_size=3).map(tuple), st.frozensets(codes, max_size=3),
    st.lists(st.lists(codes, max_size=1), max_size=1),
)  # fmt: skip
numbers = st.one_of(st.integers(-2, 120), st.booleans(), st.none(), st.floats(), st.just("5"), st.just([5]))
orders = st.lists(st.one_of(st.sampled_from(sorted(ORDERS["kintsugi"])), texts, st.none()), max_size=3)
good_text = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8).map(lambda text: f"a{text}")
good = {
    "country": st.one_of(st.sampled_from(COUNTRIES), st.lists(st.sampled_from(COUNTRIES), min_size=1, max_size=4)),
    "source": st.one_of(st.sampled_from(SOURCES), st.lists(st.sampled_from(SOURCES), min_size=1, max_size=4)),
}


def mostly(right, wrong):
    """Three times out of four the one, else the other: an input is right only if all of it is."""
    return st.integers(0, 3).flatmap(lambda die: right if die else wrong)


@st.composite
def inputs(draw):
    """Keywords with values, and perhaps a size, a limit and an order."""
    api = draw(st.sampled_from(["kintsugi", "sweetspot"]))
    names = draw(st.lists(st.sampled_from(sorted(TABLES[api])), min_size=1, max_size=2, unique=True))
    asked = {"api": api, "where": {name: draw(mostly(good.get(name, good_text), values)) for name in names}}
    if draw(st.integers(0, 9)) == 0:
        asked["where"][draw(st.sampled_from([*KINTSUGI, *SWEETSPOT, "page", "contry", "status"]))] = draw(values)
    for name, most in (("page_size", 100), ("limit", 300)):
        if draw(st.booleans()):
            asked[name] = draw(mostly(st.integers(1, most), numbers))
    if api == "kintsugi" and draw(st.booleans()):
        some = st.lists(st.sampled_from(sorted(ORDERS[api])), min_size=1, max_size=3, unique=True)
        asked["order_by"] = draw(mostly(some, orders))
    return asked


def right(asked):
    """Everything that arrives, sorted. Raises Wrong."""
    api, pairs = asked["api"], []
    for keyword, value in asked.get("where", {}).items():
        pairs += meant(api, keyword, value)
    if "order_by" in asked:
        names = asked["order_by"]
        if not names or len({*names}) < len(names) or not {*names} <= ORDERS[api]:
            raise Wrong
        pairs.append(("order_by", ",".join(names)))
    size = whole(asked["page_size"], 100) if "page_size" in asked else None
    limit = whole(asked["limit"], None) if "limit" in asked else 100
    first = {"kintsugi": "1", "sweetspot": "0"}[api]
    return sorted([*pairs, (PAGING[api][0], first), (PAGING[api][1], str(size or min(100, limit)))])


def sent(build, api):
    """What arrives of the first page, sorted; None, if the query is refused and nothing was sent."""
    seen = []

    async def app(scope, receive, send):
        text = scope["query_string"].decode("ascii")
        seen.append(parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict"))
        empty = {"items": [], "total": 0, "page": 1, "size": 1, "pages": 0} if api == "kintsugi" else []
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(empty).encode()})

    async def main():
        http = client_for_app(app)
        if api == "kintsugi":
            client = Kintsugi(api_key="k", organization_id="o", base_url="http://localhost", http_client=http)
        else:
            client = SweetSpot(token="t", base_url="http://localhost", http_client=http)
        try:
            query = build(client.customers)
        except UsageError:
            return None
        await query.first_page()
        return query

    query = anyio.run(main)
    assert len(seen) == (query is not None)
    return sorted(seen[0]) if seen else None


@settings(max_examples=examples(500), deadline=None)
@given(inputs())
@example({"api": "kintsugi", "where": {"search": "a&b=c+d%20e,f;g #?é東京🧾"}})
@example({"api": "kintsugi", "where": {"state": "+"}, "order_by": ["city", "country"], "limit": 3})
@example({"api": "kintsugi", "where": {"source": Country.unlisted("SHOPIFY")}})
@example({"api": "sweetspot", "where": {"email": "a+b%40c@x.org", "user_id": 7}, "page_size": 100})
@example({"api": "sweetspot", "where": {"name": Source.unlisted("A,B")}})
def test_no_wrong_input_reaches_the_wire_and_right_ones_arrive_as_meant(asked):
    """Keywords, sizes, limits and orders of either API, together."""

    def build(query):
        if "where" in asked:
            query = query.where(**asked["where"])
        for name in ("page_size", "limit"):
            query = getattr(query, name)(asked[name]) if name in asked else query
        return query.order_by(*asked["order_by"]) if "order_by" in asked else query

    try:
        expected = right(asked)
    except Wrong:
        expected = None
    event("refused" if expected is None else "sent")
    assert sent(build, asked["api"]) == expected


def equal(field, value):
    return field.in_(value) if isinstance(value, list) else field == value


CONDITIONS = {
    "search": lambda value: kintsugi_fields.search.matches(value),
    "country": lambda value: equal(kintsugi_fields.country, value),
    "state": lambda value: kintsugi_fields.state == value,
    "source": lambda value: equal(kintsugi_fields.source, value),
    "organization_id": lambda value: sweetspot_fields.organization_id == value,
    "email": lambda value: sweetspot_fields.email.icontains(value),
    "name": lambda value: sweetspot_fields.name.icontains(value),
    "user_id": lambda value: sweetspot_fields.user_id == value,
}  # fmt: skip


@settings(max_examples=examples(400), deadline=None)
@given(st.sampled_from(sorted(CONDITIONS)), st.one_of(single, st.lists(st.one_of(codes, members), max_size=3)))
@example("state", "a&b=c+d%20e,f;g #?é東京🧾")
@example("email", "a+b@x.org")
def test_conditions_are_held_to_the_same(keyword, value):
    """Their values too are wrong before anything is sent, or arrive as meant."""
    api = "kintsugi" if keyword in KINTSUGI else "sweetspot"
    try:
        expected = right({"api": api, "where": {keyword: value}})
    except Wrong:
        expected = None
    assert sent(lambda query: query.where(CONDITIONS[keyword](value)), api) == expected
