"""The laws of conditions, told by the ids of the rows they select: the planner, a server of ten lines, and rows."""

from datetime import UTC, datetime

import pytest
from attrs import make_class
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import among, build, ordered, trees, truth

from effort import examples
from readahead.errors import FilterError
from readahead.filters import Choice, Fields, FullText, Id, Number, Relation, Text, Timestamp
from readahead.filters.fields import predicate
from readahead.filters.planner import NormalForm, RowFilter
from readahead.kintsugi import Country, CustomerStatus, Source

COUNTRIES, SOURCES, STATES = ["US", "CA", "MX"], ["SHOPIFY", "STRIPE"], ["CA", "NY", "ca"]
DAYS = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
NAMES = ["country", "source", "state", "user", "status", "email", "made", "score", "search", "org"]
Row = make_class("Row", ["id", *NAMES], frozen=True)


class Some(Fields):
    """Every kind of field: what takes several values, one value, none; what rows cannot tell."""

    search = FullText(param="q")
    org = Relation(param="org")
    country = Choice(Country, param="country", many=True, attr="country")
    source = Choice(Source, param="source", many="commas", attr="source")
    state = Text(param="state", attr="state")
    user = Id(param="user", attr="user")
    status = Choice(CustomerStatus, attr="status")
    email = Text(attr="email")
    made = Timestamp(attr="made")
    score = Number(attr="score")


fields = Some()
told = st.one_of(
    among("country", COUNTRIES),
    among("source", SOURCES),
    among("state", STATES, texts=["C", "a"]),
    among("user", [1, "2", "usr_3"]),
    among("status", ["ACTIVE", "ARCHIVED"]),
    among("email", ["ab", "AB"], texts=["a", "B"]),
    among("score", [1, 2.5]),
    ordered("score", [1, 2, 2.5]),
    ordered("made", DAYS),
)
asked = st.one_of(
    st.just(("matches", "search", "x")),
    st.tuples(st.just("related"), st.just("org"), st.just("o1")),
)
any_tree = trees(told)
positive_tree = trees(st.one_of(told, asked), negate=False)


def nullable(values):
    return st.one_of(st.none(), st.sampled_from(values))


rows = st.lists(
    st.tuples(
        nullable([*COUNTRIES, "XX"]),
        nullable([*SOURCES, "ETSY"]),
        nullable([*STATES, "C", "CAN"]),
        nullable([1, 2, "2", "usr_3"]),
        nullable(["ACTIVE", "ARCHIVED", "NEW"]),
        nullable(["ab", "AB", "xaby", "B"]),
        nullable(DAYS),
        nullable([1, 2, 2.5, 3]),
        nullable(["x", "y"]),
        st.sampled_from([(), ("o1",), ("o1", "o2")]),
    ),
    max_size=25,
).map(lambda several: [Row(number, *values) for number, values in enumerate(several)])


def listed(pushed, rows):
    """What the server does with parameters."""
    found = rows
    for name, values in pushed.items():
        if name == "search":
            found = [row for row in found if row.search is not None and values[0] in row.search]
        elif name == "org":
            found = [row for row in found if values[0] in row.org]
        else:
            assert len(values) == 1 or name in {"country", "source"}
            found = [row for row in found if getattr(row, name) is not None and str(getattr(row, name)) in values]
    return found


def select(condition, rows):
    """The ids that the planned listings bring; each once by itself, unless the plan says that keys are kept."""
    ids, read = [], 0
    branches = NormalForm(fields).narrowed(condition).branches()
    for branch in branches:
        through = RowFilter.of(branch, fields)
        for row in listed(branch.pushed, rows):
            read += 1
            assert not through.contradicted(row)
            if through.passes(row) and not (branch.blind and row.id in ids):
                ids.append(row.id)
    assert len(ids) == len(set(ids))
    assert not branches[:1] or not branches[0].blind
    return set(ids)


def reference(tree, rows):
    return {row.id for row in rows if truth(tree, {name: getattr(row, name) for name in NAMES})}


laws = settings(max_examples=examples(150), deadline=None)


@settings(max_examples=examples(500), deadline=None)
@given(any_tree, rows)
def test_what_is_planned_selects_what_is_meant(tree, rows):
    """Whatever is pushed down, merged, split or left to rows: the rows are those of a reading row by row."""
    condition = build(tree, fields)
    assert select(condition, rows) == reference(tree, rows)
    assert {row.id for row in rows if predicate(condition, fields)(row)} == reference(tree, rows)


@settings(max_examples=examples(300), deadline=None)
@given(positive_tree, rows)
def test_and_so_with_what_only_the_server_can_tell(tree, rows):
    """Searches and relations, under & and |; several listings may bring a row, and it comes once."""
    assert select(build(tree, fields), rows) == reference(tree, rows)


@laws
@given(positive_tree, positive_tree, positive_tree, rows)
def test_association_commutation_distribution_absorption(one, two, three, rows):
    """Of & and |, whatever rows can tell."""
    a, b, c = (build(tree, fields) for tree in (one, two, three))

    def same(left, right):
        assert select(left, rows) == select(right, rows)

    same((a & b) & c, a & (b & c))
    same((a | b) | c, a | (b | c))
    same(a & b, b & a)
    same(a | b, b | a)
    same(a & (b | c), (a & b) | (a & c))
    same(a | (b & c), (a | b) & (a | c))
    same(a | (a & b), a)
    same(a & (a | b), a)
    same(a & a, a)
    same(a | a, a)


@laws
@given(any_tree, any_tree, rows)
def test_double_negation_de_morgan_and_the_excluded_middle(one, two, rows):
    """Of ~, with nulls: logic is two-valued, so a row meets a condition or its opposite, and never both."""
    a, b = build(one, fields), build(two, fields)
    everything = {row.id for row in rows}
    assert select(~~a, rows) == select(a, rows)
    assert select(~(a & b), rows) == select(~a | ~b, rows)
    assert select(~(a | b), rows) == select(~a & ~b, rows)
    assert select(~a, rows) == everything - select(a, rows)
    assert select(a | ~a, rows) == everything
    assert select(a & ~a, rows) == set()


@laws
@given(any_tree, any_tree)
def test_narrowing_step_by_step_is_planning_the_whole(left, right):
    """where(a).where(b) takes the listings of where(a & b)."""
    a, b = build(left, fields), build(right, fields)
    steps = NormalForm(fields).narrowed(a).narrowed(b).branches()
    whole = NormalForm(fields).narrowed(a & b).branches()
    assert [branch.pushed for branch in steps] == [branch.pushed for branch in whole]
    assert [branch.blind for branch in steps] == [branch.blind for branch in whole]


@settings(max_examples=examples(300), deadline=None)
@given(positive_tree)
def test_no_listing_lies_inside_another(tree):
    """Where rows can tell them apart, the two are one; and two do not differ in one parameter that takes several."""
    branches = NormalForm(fields).narrowed(build(tree, fields)).branches()
    for one in branches:
        for other in branches:
            hidden = [{name: each.pushed.get(name) for name in ("search", "org")} for each in (one, other)]
            if one is other or hidden[0] != hidden[1]:
                continue
            inside = all({*other.pushed.get(name, ())} & {*values} == {*other.pushed.get(name, ())} != set()
                         for name, values in one.pushed.items())  # fmt: skip
            assert not inside
            differ = [name for name in one.pushed.keys() | other.pushed.keys()
                      if {*one.pushed.get(name, ())} != {*other.pushed.get(name, ())}]  # fmt: skip
            assert (
                len(differ) != 1
                or differ[0] in {"state", "user"}
                or not (one.pushed.get(differ[0]) and other.pushed.get(differ[0]))
            )


@pytest.mark.parametrize("tree", [("not", ("matches", "search", "x")), ("not", ("related", "org", "o1"))])
@settings(max_examples=examples(30), deadline=None)
@given(other=any_tree)
def test_what_neither_side_can_tell_is_refused_wherever_it_stands(tree, other):
    """Beside anything, and under as many ~ as one likes."""
    refused, other = build(tree, fields), build(other, fields)
    for condition in (refused, refused | other, other & refused, ~(~refused & other), ~(other | ~refused)):
        with pytest.raises(FilterError, match=r"rows carry no (search|org); list all rows and leave out those that"):
            NormalForm(fields).narrowed(condition).branches()


@laws
@given(any_tree, any_tree)
def test_conditions_are_values(one, two):
    """Equal if built alike, hashable, not changed by being joined; and their names are not compared by the fields."""
    a, again, b = build(one, fields), build(one, fields), build(two, fields)
    before = repr(a), hash(a)
    assert a == again
    assert hash(a) == hash(again)
    _ = (a & b, a | b, ~a)
    assert (repr(a), hash(a)) == before
    assert {a: 1}[again] == 1
    if repr(a) != repr(b):
        assert a != b
