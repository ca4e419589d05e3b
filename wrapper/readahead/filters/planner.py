"""From a condition to the listings that find its rows. Pure.

The condition is brought into disjunctive normal form, as far as the API can be asked for its parts; what cannot be
pushed down stays whole and is evaluated on rows. Conjunctions that no row can meet are dropped. The others become
*branches*, each one listing, as few as possible:

    covered   a conjunction whose listing lies inside another's joins it, if rows can tell the two apart
    widened   so does one that differs in a single field that takes several values, or whose two intervals meet
    skipped   a branch leaves out the rows of earlier ones, where rows can tell; elsewhere the keys of rows are kept

What is asked of one field is a *region*: values, or an interval. Of two bounds the narrower one is asked. Where a
parameter cannot say a bound exactly, more is asked, and the bound is evaluated on rows as well.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial, reduce
from itertools import chain
from operator import attrgetter
from typing import Any, NoReturn, Self, TypeVar

from attrs import evolve, field, frozen

from ..errors import FilterError
from . import regions
from .conditions import And, Comparison, Compound, Condition, Not, Or, compiled, joined, judged
from .fields import Field, Fields, predicate
from .kinds import UNKNOWN, Kinds
from .regions import Interval, Region, Values, is_empty, meet, within

__all__ = ["Branch", "NormalForm", "RowFilter"]

MOST_LISTINGS = 100
MOST_CONJUNCTIONS = 1_000

Pushed = Mapping[str, Region]
T = TypeVar("T")


@frozen
class Branch:
    """One listing.

    Attributes:
        pushed: What the API is asked for, by field.
        local: What rows must meet besides.
        skip: Rows that meet this come from an earlier branch.
        blind: Rows cannot tell whether they come from an earlier branch, so their keys are kept.
        widened: Fields of the condition that the API is not asked for here: rows with any value of them are wanted.
    """

    pushed: Pushed = field(factory=dict[str, Region])
    local: Condition | None = None
    skip: Condition | None = None
    blind: bool = False
    widened: tuple[str, ...] = ()

    def arguments(self, fields: Fields, kinds: Kinds) -> dict[str, Any]:
        """Return what the generated function is called with."""
        arguments: dict[str, Any] = {}
        declared = fields.declared
        parts = [declared[name].arguments(region, kinds) for name, region in self.pushed.items()]
        for part in (*(declared[name].everything(kinds) for name in self.widened), *parts):
            for param, value in part.items():
                *outer, name = param.replace("]", "").split("[")
                target = arguments
                for member in outer:
                    target = target.setdefault(member, {})
                target[name] = value
        return arguments


@frozen
class RowFilter:
    """What the rows of a branch are checked for.

    Attributes:
        contradictions: By field, its value in a row, and whether that is not what the API was asked for.
        tests: What rows must meet besides.
    """

    contradictions: tuple[tuple[Field, Callable[[object], Any], Callable[[object], bool]], ...]
    tests: tuple[Callable[[object], bool], ...]

    @classmethod
    def of(cls, branch: Branch, fields: Fields, kinds: Kinds = UNKNOWN) -> Self:
        """Return what the rows of a branch are checked for."""
        pushed = [
            (fields.declared[name], region)
            for name, region in branch.pushed.items()
            if not fields.declared[name].is_hidden(region)
        ]
        local = (branch.local, None if branch.skip is None else ~branch.skip)
        return cls(
            tuple(
                (known, attrgetter(str(known.attr)), partial(known.contradicts, known.reach(region, kinds)))
                for known, region in pushed
            ),
            (
                # No interval holds a value that is missing.
                *(_is_there(str(known.attr)) for known, region in pushed if isinstance(region, Interval)),
                *(predicate(condition, fields) for condition in local if condition is not None),
            ),
        )

    @property
    def is_open(self) -> bool:
        """Whether every row passes."""
        return not self.contradictions and not self.tests

    def contradicted(self, row: object) -> tuple[Field, ...]:
        """Return the fields in which a row is not what the API was asked for: the API has ignored them."""
        return tuple(known for known, value_of, contradicts in self.contradictions if contradicts(value_of(row)))

    def passes(self, row: object) -> bool:
        """Return whether a row meets what the API was not asked for. Raises Incomparable if that cannot be told."""
        return judged(self.tests, row, decisive=False)


@frozen
class _Conjunction:
    """What the API can be asked for, by field, and conditions for rows."""

    pushed: Pushed = field(factory=dict[str, Region], hash=False)
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
        kinds: What the parameters of the endpoint take.
        conjunctions: Each row that meets the condition meets at least one of them. Without a condition: an empty one.
        names: The fields that the condition is made of, those included of which no conjunction is left.
    """

    fields: Fields
    kinds: Kinds = field(default=UNKNOWN, repr=False)
    conjunctions: tuple[_Conjunction, ...] = (_Conjunction(),)
    names: frozenset[str] = frozenset()

    def narrowed(self, condition: Condition) -> Self:
        """Return the normal form of both, without planning again what is known.

        Raises:
            FilterError: A part of the condition can be told neither by the API nor by rows.
        """
        planner = _Planner(self.fields, self.kinds)
        added = planner.disjunctive(planner.negations_inside(condition))
        conjunctions = tuple(planner.product(self.conjunctions, added))
        return evolve(self, conjunctions=conjunctions, names=self.names | _names(condition))

    def branches(self) -> tuple[Branch, ...]:
        """Return the listings that find its rows; none, if no row can meet it.

        Raises:
            FilterError: It takes too many listings.
        """
        planner = _Planner(self.fields, self.kinds)
        listings = _merged([_Listing(part.pushed, (part,)) for part in self.conjunctions], planner.union)
        # Listings that rows can tell apart go first: then later ones need not keep keys.
        listings.sort(key=lambda listing: bool(planner.unseen(listing.pushed)))
        if len(listings) > MOST_LISTINGS:
            _refuse_size()
        branches: list[Branch] = []
        for listing in listings:
            branch = planner.skipping(planner.branch(listing), branches)
            branches += [] if branch is None else [branch]
        return tuple(evolve(branch, widened=tuple(sorted(self.names - branch.pushed.keys()))) for branch in branches)


@frozen
class _Planner:
    fields: Fields
    kinds: Kinds

    # ---- normal form

    def negations_inside(self, condition: Condition, *, negated: bool = False) -> Condition:
        """Return the negation normal form: ``~`` on comparisons only. Raises FilterError for what cannot be told."""
        if isinstance(condition, Not):
            return self.negations_inside(condition.parts[0], negated=not negated)
        if isinstance(condition, Compound):
            kind = Or if isinstance(condition, And) == negated else And
            return kind(tuple(self.negations_inside(part, negated=negated) for part in condition.parts))
        assert isinstance(condition, Comparison)
        part, known = ~condition if negated else condition, self.fields.declared[condition.field]
        if negated and condition.op == "in" and known.attr is not None and known.is_hidden(condition.values):
            raise FilterError(
                known.name,
                f"{part!r} cannot be evaluated: rows do not carry this value, and only the API knows what it means; "
                "ask for the values that rows have",
                value=part,
            )
        if known.attr is not None or self._is_pushed(part):
            return part
        each = [Comparison(known.name, "in", (value,)) for value in condition.values]
        if not negated and condition.op == "in" and len(each) > 1 and all(map(self._is_pushed, each)):
            return joined(Or, each)
        instead = f"list all rows and leave out those that {condition!r} lists" if negated else "leave it out"
        reason = "the API has no parameter for it"
        if isinstance(part, Comparison) and part.op[0] in {op[0] for op in known.params}:
            reason = "the API's parameter cannot say it exactly"
        raise FilterError(
            known.name, f"{part!r} cannot be evaluated: {reason}, and rows carry no {known.name}; {instead}", value=part
        )

    def disjunctive(self, condition: Condition) -> list[_Conjunction]:
        """Return the disjunctive normal form, split only where a part can be pushed down."""
        if not self._is_pushed(condition):
            return self._satisfiable([_Conjunction({}, _flat(condition))])
        if isinstance(condition, Comparison):
            name, region = condition.field, self._asked(condition)
            if isinstance(region, Interval):
                # Of several values, all between the least and the greatest one are asked for.
                rest = (condition,) if condition.op == "in" and len(condition.values) > 1 else ()
                return [_Conjunction({name: region}, rest)]
            values = condition.values
            several = [values] if self.fields.declared[name].many else [(value,) for value in values]
            return [_Conjunction({name: each}) for each in several]
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
            return self._asked(condition) is not None
        return isinstance(condition, And | Or) and any(map(self._is_pushed, condition.parts))

    def _asked(self, comparison: Comparison) -> Region | None:
        return self.fields.declared[comparison.field].asked(comparison, self.kinds)

    def _both(self, left: _Conjunction, right: _Conjunction) -> _Conjunction:
        """Return the conjunction of two; of one field, what both allow."""
        pushed, local = dict(left.pushed), dict.fromkeys(left.local + right.local)
        for name, region in right.pushed.items():
            known, other = self.fields.declared[name], pushed.get(name, region)
            hidden = [each for each in (other, region) if known.is_hidden(each) and not isinstance(each, Interval)]
            if other == region:
                pushed[name] = region
            elif not hidden:
                pushed[name] = meet(other, region)
            elif len(hidden) == 1 and known.attr is not None:
                # What is hidden in rows is asked for, and rows are compared with the other.
                pushed[name] = hidden[0]
                seen = region if other is hidden[0] else other
                local |= dict.fromkeys(_comparisons(name, seen))
            else:
                one, two = (each[0] for each in (other, region) if not isinstance(each, Interval))
                raise FilterError(
                    name,
                    f"{name} takes one value in a query: {one!r} and {two!r} cannot both be sent, and rows "
                    f"carry no {name}; make a query of each and keep the rows that are in both",
                    value=two,
                )
        return _Conjunction(pushed, tuple(local))

    def _satisfiable(self, conjunctions: Iterable[_Conjunction]) -> list[_Conjunction]:
        narrowed = dict.fromkeys(map(self._narrowed, conjunctions))
        return [conjunction for conjunction in narrowed if conjunction is not None]

    def _narrowed(self, conjunction: _Conjunction) -> _Conjunction | None:
        """Return it without the values that its other parts exclude; None, if no row can meet it."""
        pushed, local = dict(conjunction.pushed), list(conjunction.local)
        every = frozenset(chain(local, *(_comparisons(name, region) for name, region in pushed.items())))
        by_field: dict[str, list[Condition]] = {}
        for part in local:
            if ~part in every:
                return None
            comparison = part.parts[0] if isinstance(part, Not) else part
            if isinstance(comparison, Comparison):
                by_field.setdefault(comparison.field, []).append(part)
        for name, parts in by_field.items():
            region = pushed.get(name)
            if region is not None and self.fields.declared[name].is_hidden(region):
                continue
            interval = region if isinstance(region, Interval) else Interval()
            equal = (part.values for part in parts if isinstance(part, Comparison) and part.op == "in")
            values = next(equal, None) if region is None or isinstance(region, Interval) else region
            if values is None:
                if _is_empty([*parts, *interval.comparisons(name)]):
                    return None
                continue
            # The values are known: what the other parts say of them can be evaluated now.
            values = self._meeting(name, values, [*parts, *interval.comparisons(name)])
            if not values:
                return None
            known = frozenset(parts)
            local = [part for part in local if part not in known]
            if name not in pushed:
                local.append(Comparison(name, "in", values))
            elif isinstance(region, Interval):
                pushed[name] = Interval.of("in", values)
                local += [Comparison(name, "in", values)] if len(values) > 1 else []
            else:
                pushed[name] = values
        return None if any(map(is_empty, pushed.values())) else _Conjunction(pushed, tuple(sorted(local, key=repr)))

    def _meeting(self, name: str, values: Values, parts: Sequence[Condition]) -> Values:
        known = self.fields.declared[name]

        def test_of(comparison: Comparison) -> Callable[[Any], bool]:
            return lambda value: known.holds(comparison.op, comparison.values, value)

        tests = [compiled(part, test_of) for part in parts]
        return tuple(value for value in values if all(test(value) for test in tests))

    # ---- listings

    def unseen(self, pushed: Pushed) -> Pushed:
        """Return, of what is pushed down, what rows cannot tell."""
        return {name: region for name, region in pushed.items() if self.fields.declared[name].is_hidden(region)}

    def known(self, pushed: Pushed) -> Pushed:
        """Return what is known of the rows of a listing for which so much is pushed down."""
        return {name: self.fields.declared[name].known(region, self.kinds) for name, region in pushed.items()}

    def union(self, left: _Listing, right: _Listing) -> _Listing | None:
        """Return one listing for both, if it brings no row besides theirs."""
        if self.unseen(left.pushed) != self.unseen(right.pushed):
            return None
        if _covers(left.pushed, right.pushed):
            pushed: Pushed | None = left.pushed
        elif _covers(right.pushed, left.pushed):
            pushed = right.pushed
        else:
            pushed = _widened(left.pushed, right.pushed, lambda name: bool(self.fields.declared[name].many))
        return None if pushed is None else _Listing(pushed, left.conjunctions + right.conjunctions)

    def branch(self, listing: _Listing) -> Branch:
        """Return what is sent, and what the rows must meet besides."""
        pushed = {name: listing.pushed[name] for name in self.fields.declared if name in listing.pushed}
        known = self.known(pushed)
        rests = [frozenset(_rest(part, known)) for part in _merged(listing.conjunctions, _simpler)]
        rests = [rest for rest in dict.fromkeys(rests) if not any(other < rest for other in rests)]
        if frozenset[Condition]() in rests:
            return Branch(pushed)
        return Branch(pushed, joined(Or, [joined(And, sorted(rest, key=repr)) for rest in rests]))

    def skipping(self, branch: Branch, earlier: Sequence[Branch]) -> Branch | None:
        """Return a branch without the rows of earlier ones; None, if they bring all of it."""
        unseen, known = self.unseen(branch.pushed), self.known(branch.pushed)
        skip: list[Condition] = []
        blind = False
        for other in earlier:
            hidden = self.unseen(other.pushed)
            shared = (other.pushed.keys() & branch.pushed.keys()) - unseen.keys() - hidden.keys()
            if any(is_empty(meet(branch.pushed[name], other.pushed[name])) for name in shared):
                continue
            if any(unseen.get(name) != region for name, region in hidden.items()):
                blind = True
                continue
            rest = list(_rest(_Conjunction(self.known(other.pushed)), known))
            rest += [] if other.local is None else [other.local]
            if not rest:
                return None
            skip.append(joined(And, rest))
        return evolve(branch, skip=joined(Or, skip) if skip else None, blind=blind)


def _rest(conjunction: _Conjunction, known: Pushed) -> Iterable[Condition]:
    """Yield what a conjunction asks for besides what is known of rows."""
    yield from conjunction.local
    listed = {part.field for part in conjunction.local if isinstance(part, Comparison) and part.op == "in"}
    for name, region in conjunction.pushed.items():
        there = known.get(name)
        if there is not None and within(there, region):
            continue
        if not isinstance(region, Interval):
            yield Comparison(name, "in", region)
        elif region.value is not None:
            yield Comparison(name, "in", (region.value,))
        elif name not in listed:  # the interval was made of what is compared already
            yield from region.comparisons(name, there if isinstance(there, Interval) else None)


def _comparisons(name: str, region: Region) -> Iterable[Comparison]:
    """Return what a region of a field comes to."""
    return region.comparisons(name) if isinstance(region, Interval) else [Comparison(name, "in", region)]


def _names(condition: Condition) -> frozenset[str]:
    """Return the fields that a condition is made of."""
    left = [condition]
    for each in left:
        left += each.parts if isinstance(each, Compound) else ()
    return frozenset(each.field for each in left if isinstance(each, Comparison))


def _is_there(attr: str) -> Callable[[object], bool]:
    value_of = attrgetter(attr)
    return lambda row: value_of(row) is not None


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
    return all(name in inner and within(inner[name], region) for name, region in outer.items())


def _widened(left: Pushed, right: Pushed, takes_several: Callable[[str], bool] = bool) -> Pushed | None:
    """Return what brings the rows of both, if they differ in one field, and no other rows."""
    different = [name for name in left if not _is_same(left[name], right.get(name, ()))]
    if left.keys() != right.keys() or len(different) != 1:
        return None
    (name,) = different
    both = regions.joined(left[name], right[name])
    if both is None or not (isinstance(both, Interval) or takes_several(name)):
        return None
    return {**left, name: both}


def _is_same(left: Region, right: Region) -> bool:
    return within(left, right) and within(right, left)


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
