"""Conditions that are nested without end: refused when they are made, so nothing else has to bear them."""

import pytest

from readahead.errors import FilterError
from readahead.filters.conditions import MAX_DEPTH, Comparison, Not, compiled

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
