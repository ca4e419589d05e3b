"""Conditions that are nested without end: refused when they are made, so nothing else has to bear them."""

import copy
import pickle
from functools import reduce
from operator import and_, or_

import pytest

from readahead.errors import FilterError
from readahead.filters.conditions import MAX_DEPTH, Comparison, Not, compiled
from readahead.http.libraries import client_for_app
from readahead.kintsugi import Kintsugi, fields
from readahead.sandbox import API_KEY, ORGANIZATION_ID, Sandbox

A, B = Comparison("a", "in", (1,)), Comparison("b", "in", (2,))


def nested(levels):
    condition = A
    for level in range(levels):
        condition = condition & B if level % 2 else condition | B
    return condition


def inverted(levels):
    condition = A
    for _ in range(levels):
        condition = ~(condition & B)
    return condition


def negated(levels):
    condition = A
    for _ in range(levels):
        condition = Not((condition,))
    return condition


@pytest.mark.parametrize("make", [nested, inverted, negated])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 3000])
def test_too_deep_is_refused_when_it_is_made(make, levels):
    """Never a RecursionError."""
    with pytest.raises(FilterError, match="nested more than 100 deep"):
        make(levels)


@pytest.mark.parametrize(("make", "levels"), [(nested, MAX_DEPTH), (inverted, MAX_DEPTH // 2), (negated, MAX_DEPTH)])
def test_the_deepest_condition_can_be_used(make, levels):
    """Shown, compared, hashed and evaluated."""
    condition = make(levels)
    assert condition == make(levels)
    assert hash(condition) == hash(make(levels))
    assert len(repr(condition)) > levels
    assert compiled(condition, lambda _: lambda _: True)(None) in {True, False}


@pytest.mark.parametrize("sign", ["&", "|"])
def test_3000_side_by_side_are_one_level(sign):
    """Chains are flat."""
    condition = A
    for number in range(3000):
        part = Comparison("a", "in", (number,))
        condition = condition & part if sign == "&" else condition | part
    assert condition.depth == 1
    assert hash(condition) == hash(~~condition)
    assert repr(condition)


# ---- through a query


def opened():
    http = client_for_app(Sandbox(kintsugi_rows=100).kintsugi_app)
    return Kintsugi(api_key=API_KEY, organization_id=ORGANIZATION_ID, base_url="http://localhost", http_client=http)


def equal(number):
    return fields.name == f"n{number}"


def contains(number):
    return fields.name.contains(f"x{number}")


def not_contains(number):
    return ~fields.email.endswith(f"@{number}.example")


@pytest.mark.anyio
@pytest.mark.parametrize("part", [equal, contains, not_contains])
@pytest.mark.parametrize("sign", [and_, or_])
async def test_3000_side_by_side_in_a_query(part, sign):
    """Planned, shown, explained, copied, inverted and read: the rows are those of the condition."""
    condition = reduce(sign, map(part, range(3000)))
    assert pickle.loads(pickle.dumps(condition)) == copy.deepcopy(condition) == condition
    async with opened() as kintsugi:
        everything = await kintsugi.customers.to_list()
        found = {row.id for row in await kintsugi.customers.where(condition).to_list()}
        others = {row.id for row in await kintsugi.customers.where(~condition).to_list()}
        assert found | others == {row.id for row in everything}
        assert not found & others
        query = kintsugi.customers.where(condition)
        assert len(repr(query)) > 3000
        assert str(await query.explain())


@pytest.mark.anyio
@pytest.mark.parametrize("make", [nested, inverted])
async def test_the_deepest_condition_in_a_query(make):
    """Refused one level deeper, before there is a query; at the deepest, planned, shown, copied and read."""

    def grown(levels):
        condition = fields.name.contains("a")
        for level in range(levels):
            other = fields.email.contains(str(level))
            condition = (
                ~(condition & other) if make is inverted else (condition & other if level % 2 else condition | other)
            )
        return condition

    most = MAX_DEPTH if make is nested else MAX_DEPTH // 2
    for levels in (most + 1, 3000):
        with pytest.raises(FilterError, match="nested more than 100 deep"):
            grown(levels)
    condition = grown(most)
    assert pickle.loads(pickle.dumps(condition)) == copy.deepcopy(condition) == condition
    async with opened() as kintsugi:
        query = kintsugi.customers.where(condition)
        assert repr(query)
        assert str(await query.explain())
        assert len(await query.to_list()) <= 100
        with pytest.raises(FilterError, match="nested more than 100 deep"):
            kintsugi.customers.where(condition | fields.city.contains("x") & condition)
