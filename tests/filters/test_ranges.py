"""Ranges: whatever of a condition the API is asked for, the rows are those of a reading row by row."""

import json
import warnings
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import combinations, pairwise
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranged import Row, Server, State, arguments_of, fields, kinds, meaning, operation, read, written
from reference import among, build, ordered, trees, truth

from effort import examples
from readahead import IgnoredFilterWarning
from readahead.endpoint import Endpoint
from readahead.errors import FilterError, UsageError
from readahead.filters import (
    Choice,
    Date,
    Fields,
    Flag,
    Id,
    Number,
    Text,
    Timestamp,
    read_condition,
    sliced,
    write_condition,
)
from readahead.filters.planner import NormalForm, RowFilter
from readahead.http.client import Client
from readahead.http.libraries import client_for_app
from readahead.paging import Cursor
from readahead.query import Query
from readahead.reading import Reading
from readahead.rows import RowReader

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EAST = timezone(timedelta(hours=9))
TIMES = [
    NOON,
    NOON + timedelta(microseconds=1),
    NOON + timedelta(seconds=0.5),
    NOON + timedelta(seconds=1),
    NOON.astimezone(EAST) + timedelta(hours=11, minutes=59),
    NOON + timedelta(hours=12),
    NOON + timedelta(days=1),
    NOON + timedelta(days=3),
]
WHOLE = [int(time.timestamp()) for time in TIMES]
DAYS = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 5)]
NUMBERS = [-1, 0, 1, 1.5, 2, 7.25]
STATES = ["open", "closed"]

told = st.one_of(
    *(ordered(name, TIMES) for name in ("made", "seen", "paid", "touched")),
    *(st.one_of(ordered(name, NUMBERS), among(name, NUMBERS)) for name in ("price", "size")),
    st.one_of(ordered("day", DAYS), among("day", DAYS)),
    among("state", STATES),
    among("live", [True, False]),
)
ranks = [0, 1, 2, 5]
asked = st.one_of(
    st.tuples(st.sampled_from([">=", "<"]), st.just("rank"), st.sampled_from(ranks)),
    st.just(("==", "state", "all")),
)
any_tree = trees(told)
positive_tree = trees(st.one_of(told, asked), negate=False)


def nullable(values):
    return st.one_of(st.none(), st.sampled_from(values))


rows = st.lists(
    st.tuples(
        nullable(TIMES),
        nullable(TIMES),
        nullable(WHOLE),
        nullable(TIMES),
        nullable(NUMBERS),
        nullable(NUMBERS),
        nullable(DAYS),
        nullable(STATES),
        nullable([True, False]),
        nullable(ranks),
        st.booleans(),
    ),
    max_size=25,
).map(lambda several: [Row(number, *values) for number, values in enumerate(several)])
servers = st.builds(Server, st.integers(-12, 14), st.booleans(), st.booleans())


def select(condition, rows, server):
    """The ids that the planned listings bring; each once by itself, unless the plan says that keys are kept."""
    ids = []
    for branch in NormalForm(fields, kinds).narrowed(condition).branches():
        through = RowFilter.of(branch, fields, kinds)
        for row in server.listed(branch.arguments(fields, kinds), rows):
            assert not through.contradicted(row)
            if through.passes(row) and not (branch.blind and row.id in ids):
                ids.append(row.id)
    assert len(ids) == len(set(ids))
    return set(ids)


def means(tree, row):
    """``truth``, and what the API means by ``all``; 2 equals 2.0."""
    kind, *rest = tree
    if kind in {"and", "or", "not"}:
        parts = [means(part, row) for part in rest]
        return {"and": all(parts), "or": any(parts), "not": not parts[0]}[kind]
    name, value = rest
    if (name, value) == ("state", "all"):
        return not row["draft"]
    if kind in {"==", "!="} and not isinstance(value, str):
        return (row[name] is not None and row[name] == value) == (kind == "==")
    return truth(tree, row)


def reference(tree, rows):
    return {row.id for row in rows if means(tree, meaning(row))}


@settings(max_examples=examples(500), deadline=None)
@given(any_tree, rows, servers)
def test_what_is_asked_with_bounds_selects_what_is_meant(tree, rows, server):
    """Days in any time zone, seconds, whole numbers, bounds that may be exclusive: nothing is missed, nothing added."""
    assert select(build(tree, fields), rows, server) == reference(tree, rows)


@settings(max_examples=examples(500), deadline=None)
@given(positive_tree, rows, servers)
def test_and_so_with_ranges_that_only_the_server_can_tell(tree, rows, server):
    """Bounds of what rows do not carry, and values that mean something to the API alone."""
    try:
        condition = NormalForm(fields, kinds).narrowed(build(tree, fields)) and build(tree, fields)
    except FilterError as error:
        assert "cannot both be sent" in str(error)
        return
    assert select(condition, rows, server) == reference(tree, rows)


@settings(max_examples=examples(300), deadline=None)
@given(trees(ordered("made", TIMES).filter(lambda tree: tree[0] != "null"), negate=False))
def test_ranges_of_one_field_are_the_fewest_listings(tree):
    """Those that overlap or touch are one, unless that is all but null, which no API can be asked for."""
    branches = NormalForm(fields, kinds).narrowed(build(tree, fields)).branches()
    for one, other in combinations([branch.pushed["made"] for branch in branches], 2):
        assert one.join(other) is None
        assert one.meet(other).is_empty or ({one.low, other.low} & {one.high, other.high} == {None})


@settings(max_examples=examples(100), deadline=None)
@given(any_tree, rows)
def test_a_server_that_ignores_bounds_adds_no_row(tree, rows):
    """Rows that contradict what was asked for are left out, in one way or another."""
    condition, ids = build(tree, fields), set()
    for branch in NormalForm(fields, kinds).narrowed(condition).branches():
        through = RowFilter.of(branch, fields, kinds)
        ids |= {row.id for row in rows if not through.contradicted(row) and through.passes(row)}
    assert ids == reference(tree, rows)


DIVIDED = {
    **dict.fromkeys(["made", "seen", "paid", "touched"], TIMES),
    **dict.fromkeys(["price", "size"], NUMBERS),
    "day": DAYS,
}


@settings(max_examples=examples(300), deadline=None)
@given(st.data(), rows, servers)
def test_slices_are_exact_at_their_bounds(data, rows, server):
    """Whatever the parameters can say: each row is in the slice that its value lies in, and in no other."""
    name = data.draw(st.sampled_from(sorted(DIVIDED)))
    bounds = sorted(data.draw(st.lists(st.sampled_from(DIVIDED[name]), min_size=2, max_size=5, unique=True)))
    ends = [None] if data.draw(st.booleans()) else []
    bounds = [*ends, *bounds, *(ends if data.draw(st.booleans()) else [])]
    slices = sliced(fields, getattr(fields, name), bounds, None)
    values = {row.id: meaning(row)[name] for row in rows}
    assert [select(each, rows, server) for each in slices] == [
        {
            key
            for key, value in values.items()
            if value is not None and (low is None or low <= value) and (high is None or value < high)
        }
        for low, high in pairwise(bounds)
    ]


def planned(condition, of=fields, of_kinds=kinds):
    """Each listing: what the function is called with, what rows have to meet, what they skip."""
    return [
        (
            branch.arguments(of, of_kinds),
            *(None if each is None else repr(each) for each in (branch.local, branch.skip)),
        )
        for branch in NormalForm(of, of_kinds).narrowed(condition).branches()
    ]


LATER = NOON + timedelta(hours=1)
PLANNED = {
    "both bounds, as the API has them": (
        (fields.made >= NOON) & (fields.made < LATER),
        [({"made_from": NOON, "made_before": LATER}, None, None)],
    ),
    "the narrower of two": (
        (fields.made >= NOON) & (fields.made >= LATER),
        [({"made_from": LATER}, None, None)],
    ),
    "a bound that the API includes, and the user does not": (
        fields.made > NOON,
        [({"made_from": NOON}, "made > 2026-03-01T12:00:00+00:00", None)],
    ),
    "a bound that it leaves out, and the user does not": (
        fields.size >= 2,
        [({"size_gt": 1}, "size >= 2", None)],
    ),
    "a range that is empty": ((fields.made < NOON) & (fields.made >= NOON), []),
    "ranges that meet": (
        ((fields.made >= NOON) & (fields.made < LATER)) | (fields.made >= LATER),
        [({"made_from": NOON}, None, None)],
    ),
    "ranges that are all but null": (
        (fields.made < LATER) | (fields.made >= NOON),
        [
            ({"made_before": LATER}, None, None),
            ({"made_from": NOON}, None, "made < 2026-03-01T13:00:00+00:00"),
        ],
    ),
    "ranges apart": (
        (fields.made < NOON) | (fields.made >= LATER),
        [({"made_before": NOON}, None, None), ({"made_from": LATER}, None, None)],
    ),
    "seconds since 1970, in an object": (
        fields.paid.between(NOON, LATER),
        [({"paid": {"gte": 1772366400, "lte": 1772370000}}, None, None)],
    ),
    "a part of a second": (
        fields.paid > NOON + timedelta(seconds=0.5),
        [({"paid": {"gt": 1772366400}}, "paid > 2026-03-01T12:00:00.500000+00:00", None)],
    ),
    "a day, wherever it begins": (
        fields.seen <= NOON,
        [({"seen_until": date(2026, 3, 3)}, "seen <= 2026-03-01T12:00:00+00:00", None)],
    ),
    "another time zone is UTC": (
        fields.made < LATER.astimezone(EAST),
        [({"made_before": LATER}, None, None)],
    ),
    "text, where the parameter is text": (
        fields.touched < NOON,
        [({"until": "2026-03-01T12:00:00+00:00"}, "touched < 2026-03-01T12:00:00+00:00", None)],
    ),
    "a whole number": (fields.price >= 1.5, [({"min_price": 1}, "price >= 1.5", None)]),
    "a part of one is between two": (fields.price == 1.5, [({"min_price": 1, "max_price": 2}, "price == 1.5", None)]),
    "equality has a parameter": (fields.price == 2, [({"price": 2}, None, None)]),
    "or two bounds": (fields.day == date(2026, 3, 1), None),
    "several values between two bounds": (
        fields.size.in_([2, 7]),
        [({"size_gt": 1, "size_lt": 8}, "size.in_([2, 7])", None)],
    ),
    "a value within a range": ((fields.price == 2) & (fields.price < 3), [({"price": 2}, None, None)]),
    "a value outside of it": ((fields.price == 2) & (fields.price < 2), []),
    "null is in no range": ((fields.made >= NOON) & fields.made.is_null(), []),
    "not in a range may be null": (
        ~(fields.made >= NOON),
        [({}, "~(made >= 2026-03-01T12:00:00+00:00)", None)],
    ),
    "true or false": (fields.live == True, [({"live": True}, None, None)]),  # noqa: E712
    "all": (fields.state == "all", [({"state": "all"}, None, None)]),
    "all, and one of them": (
        (fields.state == "all") & (fields.state == "open"),
        [({"state": "all"}, "state == 'open'", None)],
    ),
    "all, or one of them": (
        (fields.state == "all") | (fields.state == "open"),
        [({"state": "open"}, None, None), ({"state": "all"}, None, "state == 'open'")],
    ),
    "what overlaps in two fields": (
        (fields.made >= NOON) | (fields.size < 3),
        [
            ({"made_from": NOON}, None, None),
            ({"size_lt": 3}, None, "made >= 2026-03-01T12:00:00+00:00"),
        ],
    ),
    "what rows cannot tell": (
        (fields.rank >= 1) & (fields.rank < 5) & (fields.rank >= 2),
        [({"rank_min": 2, "rank_below": 5}, None, None)],
    ),
}


@pytest.mark.parametrize(("condition", "expected"), PLANNED.values(), ids=PLANNED)
def test_a_range_comes_to_parameters(condition, expected):
    """What is sent, what is left to rows, and what later listings skip."""
    if expected is None:
        ((arguments, local, _),) = planned(condition)
        assert (arguments["day_from"], arguments["day_until"]) == (
            datetime(2026, 2, 28, tzinfo=UTC),
            datetime(2026, 3, 3, tzinfo=UTC),
        )
        assert local == "day == 2026-03-01"
    else:
        assert planned(condition) == expected


class Things(Query):
    """Of a server with 200 rows, which pages by cursor; ``deaf``: it takes no parameter to heart."""

    def where(self, *conditions):
        return self._where(conditions, {})

    @classmethod
    def of(cls, rows, server, asked, *, deaf=False):
        async def app(scope, receive, send):
            params = dict(parse_qsl(scope["query_string"].decode()))
            first, size = int(params.pop("cursor", 0)), int(params.pop("limit"))
            asked.append(params)
            listed = rows if deaf else server.listed(arguments_of(params.items()), rows)
            following = str(first + size) if first + size < len(listed) else None
            body = {"data": [written(row) for row in listed[first : first + size]], "next": following}
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": json.dumps(body).encode()})

        return Api(app).things


THINGS = Endpoint(
    operation,
    reader=RowReader(read, key="id", items="data", next="next"),
    paging=Cursor(largest=50),
    fields=fields,
)


class Api(Client):
    """A client of such a server."""

    def __init__(self, app):
        super().__init__({}, base_url="http://127.0.0.1", http_client=client_for_app(app))
        self.things = Things(Reading(self._sender, THINGS))


ALL_ROWS = [
    Row(f"r{number}", *(values[(7 * number + number // step) % len(values)] for step, values in enumerate([
        [*TIMES, None], TIMES[::-1], [*WHOLE, None], TIMES, [*NUMBERS, None], NUMBERS[::-1], [*DAYS, None], STATES,
        [True, False, None], ranks, [False, True]], 3)))
    for number in range(200)
]  # fmt: skip
SENT = [
    (("and", (">=", "made", NOON), ("<", "made", TIMES[5])),
     {"made_from": "2026-03-01T12:00:00+00:00", "made_before": "2026-03-02T00:00:00+00:00"}),
    ((">", "paid", NOON), {"paid[gt]": "1772366400"}),
    (("<=", "seen", NOON), {"seen_until": "2026-03-03"}),
    (("in", "price", [1, 2]), None),
    (("==", "price", 2.0), {"price": "2"}),
    (("==", "live", True), {"live": "true"}),
    (("between", "size", (0, 7.25)), {"size_gt": "-1", "size_lt": "8.25"}),
    (("or", ("<", "touched", NOON), ("==", "day", DAYS[1])), None),
    (("not", (">=", "made", NOON)), {}),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("tree", "sent"), SENT)
async def test_ranges_arrive_as_the_document_says(tree, sent):
    """And the listing has the rows that are meant, in windows of any size; so it has where the server is deaf."""
    asked, server = [], Server(9)
    query = Things.of(ALL_ROWS, server, asked).where(build(tree, fields))
    expected = reference(tree, ALL_ROWS)
    rows = await query.to_list()
    assert {row.id for row in rows} == expected
    assert len(rows) == len(expected)
    assert await query.count() == len(expected)
    assert sent is None or all(params == sent for params in asked)
    deaf = Things.of(ALL_ROWS, server, [], deaf=True).where(build(tree, fields))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IgnoredFilterWarning)
        async with deaf.prefetch(ordered=False) as stream:
            found = [row.id async for row in stream]
    assert {*found} == expected
    exact = sent is None or (sent and not {"size_gt", "seen_until"} & sent.keys())
    assert bool(stream.report.ignored_filters) == bool(exact)  # rows near a bound that was sent loosely may be there


REFUSED = {
    "a bound that the API leaves out": (
        fields.rank > 1,
        "rank",
        "parameter cannot say it exactly, and rows carry no rank",
    ),
    "a part of a whole number": (fields.rank >= 1.5, "rank", "parameter cannot say it exactly, and rows carry no rank"),
    "the opposite of a range": (~(fields.rank >= 1), "rank", "list all rows and leave out those that rank >= 1 lists"),
    "an end without a parameter": (fields.rank == 1, "rank", "rows carry no rank; leave it out"),
    "not all": (fields.state != "all", "state", "rows do not carry this value, and only the API knows what it means"),
    "and so inside": (~((fields.state == "all") | (fields.live == True)), "state", "rows do not carry this value"),  # noqa: E712
}


@pytest.mark.parametrize(("condition", "field", "says"), REFUSED.values(), ids=REFUSED)
def test_a_range_that_neither_side_can_tell_is_refused(condition, field, says):
    """With the reason, and with what to do instead."""
    with pytest.raises(FilterError, match=says) as caught:
        NormalForm(fields, kinds).narrowed(condition).branches()
    assert caught.value.field == field


def test_the_ends_of_the_calendar():
    """Python's first and last moments are asked for as they are, and nothing overflows."""
    for bound in (
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=EAST),
    ):
        for condition in (fields.seen > bound, fields.seen <= bound, fields.touched >= bound, fields.touched <= bound):
            ((_, local, _),) = planned(condition)
            (branch,) = NormalForm(fields, kinds).narrowed(condition).branches()
            assert local is not None
            assert not RowFilter.of(branch, fields, kinds).contradicted(Row(1, *[bound] * 11))
    for day in (date.min, date.max):
        assert planned((fields.day >= day) & (fields.day <= day))


@pytest.mark.parametrize(
    "condition",
    [
        fields.made.between(NOON, LATER) & (fields.day == date(2026, 3, 1)),
        (fields.price.in_([1, 2.5]) | (fields.live == False)) & (fields.state == "all"),  # noqa: E712
    ],
)
def test_a_range_goes_through_json(condition):
    """As partitions carry it: of no API, and checked anew."""
    again = fields.checked(read_condition(write_condition(condition), fields))
    assert (again, repr(again)) == (condition, repr(condition))


class Others(Fields):
    """With fields of the same names."""

    made = Timestamp(attr="made")
    state = Text(attr="state")


class More(Others):
    """Of a second listing, with one field more."""

    city = Text(attr="city")


def test_fields_of_another_listing_are_refused():
    """Also where that one has a field of the same name; those of a base class are fields of both."""
    message = (
        r"made is a field of test_ranges.Others, and the rows of this query have ranged.Things; import fields from"
    )
    with pytest.raises(FilterError, match=message):
        fields.checked(~(Others().made > NOON) | (fields.made < NOON))
    with pytest.raises(FilterError, match=r"state is a field of ranged\.Things"):
        More().checked(fields.state == "open")
    assert More().checked(Others().made > NOON) == (More().made > NOON)
    assert list(More.declared) == ["made", "state", "city"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Number(param="at", many="repeated"), "many must be True, False or \"commas\", not 'repeated'"),
        (lambda: Timestamp(ge="since", format="unix"), "format must be one of date-time, date, seconds, milliseconds"),
        (lambda: Choice(State, attr="state", unseen=["all"]), "are for a parameter; name it with param="),
        (lambda: Text(attr="state", every="all"), "are for a parameter; name it with param="),
        (lambda: Choice(State, param="state", unseen=["al"]), "did you mean 'all'"),
    ],
)
def test_a_wrong_declaration_is_refused(wrong, says):
    """Before there is a query."""
    with pytest.raises(UsageError, match=says):
        wrong()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: fields.paid > 1772366400, "paid must be a datetime with a time zone, such as"),
        (lambda: fields.day > NOON, "day must be a date, such as date"),
        (lambda: fields.day == "2026-03-01", "day must be a date"),
        (lambda: fields.made >= NOON.replace(tzinfo=None), "made must be a datetime with a time zone"),
    ],
)
def test_a_bound_of_another_type_is_refused(wrong, says):
    """Numbers are for parameters and rows; conditions take times."""
    with pytest.raises(FilterError, match=says):
        wrong()


WRITTEN = [
    (Flag(param="at"), True, "boolean", True),
    (Flag(param="at"), False, "integer", 0),
    (Flag(param="at"), True, "text", "true"),
    (Flag(param="at"), False, "", "false"),
    (Number(param="at"), 2.0, "integer", 2),
    (Number(param="at"), 1e22, "text", "1" + 22 * "0"),
    (Number(param="at", many=True), [1, 2.5], "number", [1, 2.5]),
    (Number(param="at", many="commas"), [1, 2.5], "text", "1,2.5"),
    (Text(param="at", many=True), ["a,b", "c"], "text", ["a,b", "c"]),
    (Date(param="at"), date(2026, 3, 1), "date", date(2026, 3, 1)),
    (Date(param="at"), date(2026, 3, 1), "text", "2026-03-01"),
    (Timestamp(param="at"), NOON.astimezone(EAST), "date-time", NOON),
    (Timestamp(param="at"), NOON.astimezone(EAST), "text", "2026-03-01T12:00:00+00:00"),
    (Timestamp(param="at"), NOON, "integer", 1772366400),
    (Timestamp(param="at"), NOON.astimezone(EAST) + timedelta(hours=11), "date", date(2026, 3, 1)),
    (Timestamp(param="at", format="milliseconds"), TIMES[2], "integer", 1772366400500),
    (Timestamp(param="at", format="seconds"), NOON, "text", "1772366400"),
    (Timestamp(param="at", format="date"), NOON, "text", "2026-03-01"),
]


@pytest.mark.parametrize(("field", "value", "kind", "expected"), WRITTEN)
def test_a_value_is_sent_as_its_parameter_takes_it(field, value, kind, expected):
    """Whole numbers without a point, true and false in three ways, times in four."""
    fields = type("F", (Fields,), {"at": field})()
    (condition,) = fields.keywords({"at": value})
    (branch,) = NormalForm(fields, {"at": kind}).narrowed(condition).branches()
    sent = branch.arguments(fields, {"at": kind})["at"]
    assert (sent, type(sent)) == (expected, type(expected))
    assert type(sent) is not list or list(map(type, sent)) == list(map(type, expected))


class Issues(Fields):
    """Whose list brings open ones, unless it is asked for all."""

    state = Choice(State, param="state", attr="state", every="all")
    assignee = Text(param="assignee", attr="assignee", unseen=["*", "none"])
    title = Text(attr="title")
    number = Id(param="number", attr="number")


issues = Issues()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (issues.state == "closed", [({"state": "closed"}, None, None)]),
        (issues.state != "open", [({"state": "all"}, "state != 'open'", None)]),
        (issues.title.contains("x"), [({}, "title.contains('x')", None)]),
        (
            issues.title.contains("x") | (issues.state == "closed"),
            [({"state": "all"}, "title.contains('x') | (state == 'closed')", None)],
        ),
        (
            (issues.assignee == "ada") | (issues.state == "closed"),
            [
                ({"state": "all", "assignee": "ada"}, None, None),
                ({"state": "closed"}, None, "assignee == 'ada'"),
            ],
        ),
        (issues.assignee == "none", [({"assignee": "none"}, None, None)]),
        (
            (issues.assignee == "*") & issues.assignee.startswith("a") & ~(issues.state == "open"),
            [({"state": "all", "assignee": "*"}, "assignee.startswith('a') & (state != 'open')", None)],
        ),
        ((issues.number == "7"), [({"number": 7}, None, None)]),
        (
            issues.title.contains("x") | ((issues.state == "closed") & (issues.state == "open")),
            [({"state": "all"}, "title.contains('x')", None)],
        ),
    ],
)
def test_rows_that_an_api_leaves_out_by_itself_are_asked_for(condition, expected):
    """Wherever a condition says something of them, and the listing does not: else rows would be missed."""
    assert planned(condition, issues, {"number": "integer"}) == expected


def test_a_parameter_may_lie_inside_an_argument():
    """As deep as a search by POST has it; members of one argument come together."""

    class Search(Fields):
        state = Text(param="body[filter][state]", attr="state")
        size = Number(attr="size", ge="body[filter][size][min]", lt="body[filter][size][max]")
        sort = Text(param="body[sort]")

    search = Search()
    condition = (search.state == "open") & (search.size >= 1) & (search.size < 3) & (search.sort == "name")
    body = {"filter": {"state": "open", "size": {"min": 1, "max": 3}}, "sort": "name"}
    assert planned(condition, search) == [({"body": body}, None, None)]


def test_an_id_that_is_no_number_is_refused():
    """Where the parameter takes numbers alone."""
    with pytest.raises(FilterError, match="number must be a whole number, as the API numbers these, not 'usr_7'"):
        planned(issues.number == "usr_7", issues, {"number": "integer"})


def test_a_day_of_an_api_without_a_range():
    """Equality alone has a parameter."""

    class Diary(Fields):
        day = Date(param="day", attr="day")

    diary = Diary()
    assert planned(diary.day == date(2026, 3, 1), diary, {"day": "text"}) == [({"day": "2026-03-01"}, None, None)]
    assert planned(diary.day > date(2026, 3, 1), diary) == [({}, "day > 2026-03-01", None)]
