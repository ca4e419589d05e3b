"""From a condition to the listings that find its rows. Pure.

The condition is brought into disjunctive normal form, as far as the API can be asked for its parts; what cannot be
pushed down stays whole and is evaluated on rows. Conjunctions that no row can meet are dropped. The others become
*branches*, each one listing, as few as possible:

    covered   a conjunction whose listing lies inside another's joins it, if rows can tell the two apart
    widened   so does one that differs in a single parameter that takes several values
    skipped   a branch leaves out the rows of earlier ones, where rows can tell; elsewhere the keys of rows are kept
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import chain
from operator import attrgetter
from typing import Any, NoReturn, Self, TypeVar

from attrs import evolve, field, frozen

from ..errors import FilterError
from .conditions import And, Comparison, Compound, Condition, Not, Or, compiled, joined, judged
from .fields import Field, Fields, predicate

__all__ = ["Branch", "NormalForm", "RowFilter"]

MOST_LISTINGS = 100
MOST_CONJUNCTIONS = 1_000

Values = tuple[Any, ...]
Pushed = Mapping[str, Values]
T = TypeVar("T")


@frozen
class Branch:
    """One listing.

    Attributes:
        pushed: The values that the API is asked for, by field.
        local: What rows must meet besides.
        skip: Rows that meet this come from an earlier branch.
        blind: Rows cannot tell whether they come from an earlier branch, so their keys are kept.
    """

    pushed: Pushed = field(factory=dict[str, Values])
    local: Condition | None = None
    skip: Condition | None = None
    blind: bool = False


@frozen
class RowFilter:
    """What the rows of a branch are checked for.

    Attributes:
        pushed: What the API was asked for and rows carry: the field, its value in a row, the values asked for.
        tests: What rows must meet besides.
    """

    pushed: tuple[tuple[Field, Callable[[object], Any], Values], ...]
    tests: tuple[Callable[[object], bool], ...]

    @classmethod
    def of(cls, branch: Branch, fields: Fields) -> Self:
        """Return what the rows of a branch are checked for."""
        pushed = [(fields.declared[name], values) for name, values in branch.pushed.items()]
        local = (branch.local, None if branch.skip is None else ~branch.skip)
        return cls(
            tuple((known, attrgetter(known.attr), values) for known, values in pushed if known.attr is not None),
            tuple(predicate(condition, fields) for condition in local if condition is not None),
        )

    @property
    def is_open(self) -> bool:
        """Whether every row passes."""
        return not self.pushed and not self.tests

    def contradicted(self, row: object) -> tuple[Field, ...]:
        """Return the fields in which a row is not what the API was asked for: the API has ignored them."""
        return tuple(known for known, value_of, values in self.pushed if known.contradicts(values, value_of(row)))

    def passes(self, row: object) -> bool:
        """Return whether a row meets what the API was not asked for. Raises Incomparable if that cannot be told."""
        return judged(self.tests, row, decisive=False)


@frozen
class _Conjunction:
    """Values that the API can be asked for, by field, and conditions for rows."""

    pushed: Pushed = field(factory=dict[str, Values], hash=False)
    local: tuple[Condition, ...] = ()


@frozen
class _Listing:
    """Conjunctions whose rows one listing brings."""

    pushed: Pushed
    conjunctions: tuple[_Conjunction, ...]


@frozen
class NormalForm:
    """A condition as a disjunction of conjunctions: what branches are made of, and what one more condition narrows.

    Attributes:
        fields: What the condition is made of.
        conjunctions: Each row that meets the condition meets at least one of them. Without a condition: an empty one.
    """

    fields: Fields
    conjunctions: tuple[_Conjunction, ...] = (_Conjunction(),)

    def narrowed(self, condition: Condition) -> Self:
        """Return the normal form of both, without planning again what is known.

        Raises:
            FilterError: A part of the condition can be told neither by the API nor by rows.
        """
        planner = _Planner(self.fields)
        added = planner.disjunctive(planner.negations_inside(condition))
        return evolve(self, conjunctions=tuple(planner.product(self.conjunctions, added)))

    def branches(self) -> tuple[Branch, ...]:
        """Return the listings that find its rows; none, if no row can meet it.

        Raises:
            FilterError: It takes too many listings.
        """
        planner = _Planner(self.fields)
        listings = _merged([_Listing(part.pushed, (part,)) for part in self.conjunctions], planner.union)
        # Listings that rows can tell apart go first: then later ones need not keep keys.
        listings.sort(key=lambda listing: bool(planner.unseen(listing.pushed)))
        if len(listings) > MOST_LISTINGS:
            _refuse_size()
        branches: list[Branch] = []
        for listing in listings:
            branch = planner.skipping(planner.branch(listing), branches)
            branches += [] if branch is None else [branch]
        return tuple(branches)


@frozen
class _Planner:
    fields: Fields

    # ---- normal form

    def negations_inside(self, condition: Condition, *, negated: bool = False) -> Condition:
        """Return the negation normal form: ``~`` on comparisons only. Raises FilterError for what cannot be told."""
        if isinstance(condition, Not):
            return self.negations_inside(condition.parts[0], negated=not negated)
        if isinstance(condition, Compound):
            kind = Or if isinstance(condition, And) == negated else And
            return kind(tuple(self.negations_inside(part, negated=negated) for part in condition.parts))
        assert isinstance(condition, Comparison)
        part, name = ~condition if negated else condition, condition.field
        if self.fields.declared[name].attr is None and not self._is_pushed(part):
            instead = f"list all rows and leave out those that {condition!r} lists" if negated else "leave it out"
            raise FilterError(
                name,
                f"{part!r} cannot be evaluated: the API has no parameter for it, and rows carry no {name}; {instead}",
                value=part,
            )
        return part

    def disjunctive(self, condition: Condition) -> list[_Conjunction]:
        """Return the disjunctive normal form, split only where a part can be pushed down."""
        if not self._is_pushed(condition):
            return self._satisfiable([_Conjunction({}, _flat(condition))])
        if isinstance(condition, Comparison):
            name, values = condition.field, condition.values
            several = [values] if self.fields.declared[name].many else [(value,) for value in values]
            return [_Conjunction({name: values}) for values in several]
        assert isinstance(condition, Compound)
        parts = map(self.disjunctive, condition.parts)
        if isinstance(condition, Or):
            return list(dict.fromkeys(chain.from_iterable(parts)))
        return reduce(self.product, parts, [_Conjunction()])

    def product(self, left: Sequence[_Conjunction], right: Sequence[_Conjunction]) -> list[_Conjunction]:
        """Return the conjunctions of two normal forms, without those that no row can meet."""
        if len(left) * len(right) > MOST_CONJUNCTIONS:
            _refuse_size()
        return self._satisfiable(self._both(one, other) for one in left for other in right)

    def _is_pushed(self, condition: Condition) -> bool:
        """Return whether the API can be asked for it, or for a part of it."""
        if isinstance(condition, Comparison):
            known = self.fields.declared[condition.field]
            return known.param is not None and condition.op == known.param_op
        return isinstance(condition, And | Or) and any(map(self._is_pushed, condition.parts))

    def _both(self, left: _Conjunction, right: _Conjunction) -> _Conjunction:
        """Return the conjunction of two; of one parameter, the values that both allow."""
        pushed = dict(left.pushed)
        for name, values in right.pushed.items():
            others = pushed.get(name, values)
            if others != values and self.fields.declared[name].attr is None:
                raise FilterError(
                    name,
                    f"{name} takes one value in a query: {others[0]!r} and {values[0]!r} cannot both be sent, and rows "
                    f"carry no {name}; make a query of each and keep the rows that are in both",
                    value=values[0],
                )
            pushed[name] = values if others == values else tuple(value for value in others if value in values)
        return _Conjunction(pushed, tuple(dict.fromkeys(left.local + right.local)))

    def _satisfiable(self, conjunctions: Iterable[_Conjunction]) -> list[_Conjunction]:
        narrowed = dict.fromkeys(map(self._narrowed, conjunctions))
        return [conjunction for conjunction in narrowed if conjunction is not None]

    def _narrowed(self, conjunction: _Conjunction) -> _Conjunction | None:
        """Return it without the values that its other parts exclude; None, if no row can meet it."""
        pushed, local, every = dict(conjunction.pushed), list(conjunction.local), frozenset(conjunction.local)
        by_field: dict[str, list[Condition]] = {}
        for part in local:
            if ~part in every:
                return None
            comparison = part.parts[0] if isinstance(part, Not) else part
            if isinstance(comparison, Comparison):
                by_field.setdefault(comparison.field, []).append(part)
        for name, parts in by_field.items():
            equal = (part.values for part in parts if isinstance(part, Comparison) and part.op == "in")
            values = pushed.get(name, next(equal, None))
            if values is None:
                if _is_empty(parts):
                    return None
                continue
            # The values are known: what the other parts say of them can be evaluated now.
            values = self._meeting(name, values, parts)
            known = frozenset(parts)
            local = [part for part in local if part not in known]
            if name in pushed:
                pushed[name] = values
            elif values:
                local.append(Comparison(name, "in", values))
            else:
                return None
        return _Conjunction(pushed, tuple(sorted(local, key=repr))) if all(pushed.values()) else None

    def _meeting(self, name: str, values: Values, parts: Sequence[Condition]) -> Values:
        known = self.fields.declared[name]

        def test_of(comparison: Comparison) -> Callable[[Any], bool]:
            return lambda value: known.holds(comparison.op, comparison.values, value)

        tests = [compiled(part, test_of) for part in parts]
        return tuple(value for value in values if all(test(value) for test in tests))

    # ---- listings

    def unseen(self, pushed: Pushed) -> dict[str, Values]:
        """Return, of what is pushed down, what rows do not carry."""
        return {name: values for name, values in pushed.items() if self.fields.declared[name].attr is None}

    def union(self, left: _Listing, right: _Listing) -> _Listing | None:
        """Return one listing for both, if it brings no row besides theirs."""
        if self.unseen(left.pushed) != self.unseen(right.pushed):
            return None
        if _covers(left.pushed, right.pushed):
            pushed: Pushed | None = left.pushed
        elif _covers(right.pushed, left.pushed):
            pushed = right.pushed
        else:
            pushed = _widened(left.pushed, right.pushed, lambda name: self.fields.declared[name].many is not None)
        return None if pushed is None else _Listing(pushed, left.conjunctions + right.conjunctions)

    def branch(self, listing: _Listing) -> Branch:
        """Return what is sent, and what the rows must meet besides."""
        pushed = {name: listing.pushed[name] for name in self.fields.declared if name in listing.pushed}
        rests = [frozenset(_rest(part, pushed)) for part in _merged(listing.conjunctions, _simpler)]
        rests = [rest for rest in dict.fromkeys(rests) if not any(other < rest for other in rests)]
        if frozenset[Condition]() in rests:
            return Branch(pushed)
        return Branch(pushed, joined(Or, [joined(And, sorted(rest, key=repr)) for rest in rests]))

    def skipping(self, branch: Branch, earlier: Sequence[Branch]) -> Branch | None:
        """Return a branch without the rows of earlier ones; None, if they bring all of it."""
        unseen = self.unseen(branch.pushed)
        skip: list[Condition] = []
        blind = False
        for other in earlier:
            shared = [name for name in branch.pushed if name in other.pushed and name not in unseen]
            if any({*branch.pushed[name]}.isdisjoint(other.pushed[name]) for name in shared):
                continue
            if any(unseen.get(name) != values for name, values in self.unseen(other.pushed).items()):
                blind = True
                continue
            rest = list(_rest(_Conjunction(other.pushed), branch.pushed))
            rest += [] if other.local is None else [other.local]
            if not rest:
                return None
            skip.append(joined(And, rest))
        return evolve(branch, skip=joined(Or, skip) if skip else None, blind=blind)


def _rest(conjunction: _Conjunction, pushed: Pushed) -> Iterable[Condition]:
    """Yield what a conjunction asks for besides what is pushed down."""
    yield from conjunction.local
    for name, values in conjunction.pushed.items():
        if name not in pushed or not {*pushed[name]} <= {*values}:
            yield Comparison(name, "in", values)


def _is_empty(parts: Sequence[Condition]) -> bool:
    """Return whether comparisons of one field, none of them ``==``, exclude each other: null, or an empty range."""
    comparisons = [part for part in parts if isinstance(part, Comparison)]
    ops = {part.op for part in comparisons}
    if "null" in ops and len(ops) > 1:
        return True
    low = max((part.values[0] for part in comparisons if part.op in {">", ">="}), default=None)
    high = min((part.values[0] for part in comparisons if part.op in {"<", "<="}), default=None)
    if low is None or high is None or low < high:
        return False
    return low > high or any(part.op in {"<", ">"} and part.values[0] == low for part in comparisons)


def _merged(items: Iterable[T], union: Callable[[T, T], T | None]) -> list[T]:
    """Return the items with those joined that have a union, until no two have one."""
    merged: list[T] = []
    for item in items:
        joined = item
        while unions := [(other, both) for other in merged if (both := union(other, joined)) is not None]:
            other, joined = unions[0]
            merged.remove(other)
        merged.append(joined)
    return merged


def _simpler(left: _Conjunction, right: _Conjunction) -> _Conjunction | None:
    """Return one conjunction for the rows of both, if there is one."""
    for outer, inner in ((left, right), (right, left)):
        if {*outer.local} <= {*inner.local} and _covers(outer.pushed, inner.pushed):
            return outer
    pushed = _widened(left.pushed, right.pushed) if left.local == right.local else None
    return None if pushed is None else _Conjunction(pushed, left.local)


def _covers(outer: Pushed, inner: Pushed) -> bool:
    return all(name in inner and {*inner[name]} <= {*values} for name, values in outer.items())


def _widened(left: Pushed, right: Pushed, takes_several: Callable[[str], bool] = bool) -> Pushed | None:
    """Return what brings the rows of both, if they differ in the values of one field."""
    different = [name for name in left if {*left[name]} != {*right.get(name, ())}]
    if left.keys() != right.keys() or len(different) != 1 or not takes_several(different[0]):
        return None
    return {**left, different[0]: tuple(dict.fromkeys((*left[different[0]], *right[different[0]])))}


def _flat(condition: Condition) -> tuple[Condition, ...]:
    if isinstance(condition, And):
        return tuple(dict.fromkeys(part for parts in map(_flat, condition.parts) for part in parts))
    return (condition,)


def _refuse_size() -> NoReturn:
    raise FilterError(
        "where",
        f"where() takes conditions that need at most {MOST_LISTINGS} listings; make several queries, or list more rows "
        "than you want and choose among them",
    )
