"""What conditions mean, written a second time: trees of plain tuples, a reading of them row by row, and their spelling.

A tree is ("and", tree, …), ("or", tree, …), ("not", tree), or (operator, field, value).
"""

import functools
import operator

from hypothesis import strategies as st


def truth(tree, row):
    """Whether a row, a dictionary, meets it. Null equals nothing and contains nothing."""
    kind, *rest = tree
    match kind:
        case "and":
            return all(truth(part, row) for part in rest)
        case "or":
            return any(truth(part, row) for part in rest)
        case "not":
            return not truth(rest[0], row)
    name, given = rest
    value = row[name]
    match kind:
        case "null":
            return value is None
        case "==":
            return value is not None and str(value) == str(given)
        case "!=":
            return not (value is not None and str(value) == str(given))
        case "in":
            return value is not None and str(value) in [str(one) for one in given]
        case "matches":
            return value is not None and given.casefold() in value.casefold()
        case "related":
            return given in value
    if value is None:
        return False
    match kind:
        case "contains":
            return given in value
        case "startswith":
            return value[: len(given)] == given
        case "endswith":
            return value[-len(given) :] == given
        case "icontains":
            return given.casefold() in value.casefold()
        case "<":
            return value < given
        case "<=":
            return value <= given
        case ">":
            return value > given
        case ">=":
            return value >= given
        case "between":
            return given[0] <= value <= given[1]
    raise AssertionError(kind)


SIGNS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def build(tree, fields):
    """The same, as a user writes it."""
    kind, *rest = tree
    match kind:
        case "and":
            return functools.reduce(operator.and_, [build(part, fields) for part in rest])
        case "or":
            return functools.reduce(operator.or_, [build(part, fields) for part in rest])
        case "not":
            return ~build(rest[0], fields)
    name, given = rest
    field = getattr(fields, name)
    if kind in SIGNS:
        return SIGNS[kind](field, given)
    match kind:
        case "null":
            return field.is_null()
        case "in":
            return field.in_(given)
        case "between":
            return field.between(*given)
        case "related":
            return field == given
    return getattr(field, kind)(given)


def trees(atoms, *, negate=True, leaves=8):
    """Trees of these atoms."""

    def grown(inner):
        several = st.lists(inner, min_size=2, max_size=3)
        kinds = [several.map(lambda parts: ("and", *parts)), several.map(lambda parts: ("or", *parts))]
        return st.one_of(*kinds, *([inner.map(lambda part: ("not", part))] if negate else []))

    return st.recursive(atoms, grown, max_leaves=leaves)


def among(name, values, *, texts=(), null=True):
    """Comparisons of one field with some of these values."""
    value = st.sampled_from(values)
    kinds = [
        st.tuples(st.sampled_from(["==", "!="]), st.just(name), value),
        st.tuples(st.just("in"), st.just(name), st.lists(value, min_size=1, max_size=3)),
    ]
    if null:
        kinds.append(st.just(("null", name, None)))
    if texts:
        words = st.sampled_from(["contains", "startswith", "endswith", "icontains"])
        kinds.append(st.tuples(words, st.just(name), st.sampled_from(texts)))
    return st.one_of(*kinds)


def ordered(name, values):
    """Comparisons of one ordered field."""
    value = st.sampled_from(values)
    return st.one_of(
        st.tuples(st.sampled_from(["<", "<=", ">", ">="]), st.just(name), value),
        st.tuples(value, value).map(lambda ends: ("between", name, tuple(sorted(ends)))),
        st.just(("null", name, None)),
    )
