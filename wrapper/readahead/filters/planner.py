"""From a condition to the listings that find its rows. Pure.

The condition becomes a disjunction of conjunctions, as far as the API can be asked for its parts; what it cannot be
asked for stays whole and is evaluated on rows. Conjunctions that nothing can meet vanish, and the others become
*branches*, each one listing, as few as possible:

    inside   a branch whose listing lies inside another's joins it, if rows can tell the two apart
    beside   so does one that differs in a single parameter that takes several values
    skip     a branch leaves out the rows that an earlier one has brought, where rows can tell; else their keys are kept
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NoReturn

from attrs import evolve, field, frozen

from ..errors import not_allowed
from .conditions import And, Comparison, Condition, Not, Or
from .fields import Field, Fields, predicate

__all__ = ["Branch", "Sieve", "plan_branches", "sieve"]

MOST_LISTINGS = 100
MOST_CONJUNCTIONS = 1_000

Values = tuple[Any, ...]


@frozen
class Branch:
    """One listing.

    pushed: what the API is asked for, by field. local: what rows have to meet besides. skip: rows that meet this come
    from an earlier branch. blind: rows cannot tell whether they come from an earlier branch; their keys are kept.
    """

    pushed: Mapping[str, Values] = field(factory=dict[str, Values])
    local: Condition | None = None
    skip: Condition | None = None
    blind: bool = False


@frozen
class _Conjunction:
    """Fields with the values that the API can be asked for, and conditions for rows."""

    pushed: Mapping[str, Values]
    local: tuple[Condition, ...] = ()


@frozen
class _Group:
    """Conjunctions that one listing brings."""

    pushed: Mapping[str, Values]
    members: tuple[_Conjunction, ...]


def plan_branches(condition: Condition | None, fields: Fields) -> tuple[Branch, ...]:
    """The listings that find the rows of a condition; none, if no row can meet it.

    Raises FilterError for what neither the API nor rows can tell.
    """
    if condition is None:
        return (Branch(),)
    found = _Planner(fields)
    groups = found.merged([_Group(each.pushed, (each,)) for each in found.expand(found.positive(condition))])
    # What rows can tell goes first: then later listings need not keep keys.
    groups.sort(key=lambda group: bool(found.unseen(group.pushed)))
    if len(groups) > MOST_LISTINGS:
        _too_many(condition)
    branches: list[Branch] = []
    for group in groups:
        branch = found.skipping(found.branch(group), branches)
        branches += [branch] if branch is not None else []
    return tuple(branches)


def sieve(branch: Branch, fields: Fields) -> "Sieve":
    """What is to be looked at in the rows of a branch."""
    pushed = [(fields.declared[name], values) for name, values in branch.pushed.items()]
    return Sieve(
        tuple((known, attrgetter(known.attr), values) for known, values in pushed if known.attr is not None),
        tuple(
            predicate(each, fields)
            for each in (branch.local, None if branch.skip is None else ~branch.skip)
            if each is not None
        ),
    )


@frozen
class Sieve:
    """Judges rows. asked: what the API was asked for and rows carry. tests: what they have to meet besides."""

    asked: tuple[tuple[Field, Callable[[object], Any], Values], ...]
    tests: tuple[Callable[[object], bool], ...]

    @property
    def is_open(self) -> bool:
        """Whether every row passes."""
        return not self.asked and not self.tests

    def contradicted(self, row: object) -> tuple[Field, ...]:
        """Fields in which a row is not what the API was asked for: it has ignored that."""
        return tuple(
            known
            for known, value_of, values in self.asked
            if not known.holds("in", values, value_of(row)) and known.comparable(values, value_of(row))
        )

    def passes(self, row: object) -> bool:
        """Whether a row meets what the API was not asked for."""
        return all(test(row) for test in self.tests)


@frozen
class _Planner:
    fields: Fields

    # ---- normal form

    def positive(self, condition: Condition, *, negated: bool = False) -> Condition:
        """The same, with ``~`` on single comparisons only."""
        match condition:
            case And() | Or():
                kind = type(condition) if not negated else Or if isinstance(condition, And) else And
                return kind(tuple(self.positive(part, negated=negated) for part in condition.parts))
            case Not():
                return self.positive(condition.part, negated=not negated)
            case Comparison():
                if not negated:
                    return condition
                if self._field(condition).attr is None:
                    raise not_allowed(
                        condition.field,
                        ~condition,
                        f"{condition!r} without ~: the API finds only what matches, and rows carry no "
                        f"{condition.field} to tell what does not; list both and leave out the ids of what matches",
                    )
                return ~condition
            case _:
                raise TypeError(condition)

    def expand(self, condition: Condition) -> list[_Conjunction]:
        """As a disjunction of conjunctions, split only where the API can be asked for a part."""
        if not self._asks_the_api(condition):
            return self._satisfiable([_Conjunction({}, _flat(condition))])
        match condition:
            case And():
                found = [_Conjunction({})]
                for part in condition.parts:
                    each = self.expand(part)
                    if len(found) * len(each) > MOST_CONJUNCTIONS:
                        _too_many(condition)
                    found = self._satisfiable([self._meet(one, other) for one in found for other in each])
                return found
            case Or():
                return _unique(conjunction for part in condition.parts for conjunction in self.expand(part))
            case Comparison(name, _, values):
                if self._field(condition).many:
                    return [_Conjunction({name: values})]
                return [_Conjunction({name: (value,)}) for value in values]
            case _:
                raise TypeError(condition)

    def _field(self, comparison: Comparison) -> Field:
        return self.fields.declared[comparison.field]

    def _asks_the_api(self, condition: Condition) -> bool:
        match condition:
            case And() | Or():
                return any(map(self._asks_the_api, condition.parts))
            case Comparison():
                known = self._field(condition)
                return known.param is not None and condition.op == known.asks
            case _:
                return False

    def _meet(self, one: _Conjunction, other: _Conjunction) -> _Conjunction:
        """Both. Of two values for one parameter, what both allow; what only the API can tell cannot be sent twice."""
        pushed = dict(one.pushed)
        for name, values in other.pushed.items():
            if name in pushed and pushed[name] != values:
                if self.fields.declared[name].attr is None:
                    allowed = f"one value a query; {pushed[name][0]!r} is already set, and rows carry no {name} to tell"
                    raise not_allowed(name, values[0], allowed)
                pushed[name] = tuple(value for value in pushed[name] if value in values)
            else:
                pushed[name] = values
        return _Conjunction(pushed, tuple(dict.fromkeys(one.local + other.local)))

    def _satisfiable(self, conjunctions: Iterable[_Conjunction]) -> list[_Conjunction]:
        return _unique(met for each in conjunctions if (met := self._narrowed(each)) is not None)

    def _narrowed(self, conjunction: _Conjunction) -> _Conjunction | None:
        """Without values that its other parts exclude; None, if nothing is left that a row could be."""
        pushed, local = dict(conjunction.pushed), list(conjunction.local)
        single = [part for part in local if isinstance(part, Comparison | Not)]
        if any(~part in local for part in single):
            return None
        by_field: dict[str, list[Condition]] = {}
        for part in single:
            by_field.setdefault(_name(part), []).append(part)
        for name, values in pushed.items():
            by_field.setdefault(name, [])
            pushed[name] = self._left(name, values, by_field[name])
            if not pushed[name]:
                return None
            if self.fields.declared[name].attr is not None:
                local = [part for part in local if part not in by_field[name]]
        for name, parts in by_field.items():
            equal = [part for part in parts if isinstance(part, Comparison) and part.op == "in"]
            if name in pushed:
                continue
            if equal:
                values = self._left(name, equal[0].values, parts)
                if not values:
                    return None
                local = [part for part in local if part not in parts] + [Comparison(name, "in", values)]
            elif _is_empty(parts):
                return None
        return _Conjunction(pushed, tuple(sorted(local, key=repr)))

    def _left(self, name: str, values: Values, parts: Sequence[Condition]) -> Values:
        known = self.fields.declared[name]

        def holds(part: Condition, value: Any) -> bool:
            if isinstance(part, Not):
                return not holds(part.part, value)
            assert isinstance(part, Comparison)
            return known.holds(part.op, part.values, value)

        return tuple(value for value in values if all(holds(part, value) for part in parts))

    # ---- listings

    def unseen(self, pushed: Mapping[str, Values]) -> dict[str, Values]:
        """Of what the API is asked for, what rows do not carry."""
        return {name: values for name, values in pushed.items() if self.fields.declared[name].attr is None}

    def merged(self, groups: list[_Group]) -> list[_Group]:
        """As few as can be."""
        done: list[_Group] = []
        for group in groups:
            joined = group
            while (index := next((i for i, other in enumerate(done) if self._join(other, joined)), None)) is not None:
                other = done.pop(index)
                pushed = self._join(other, joined)
                assert pushed is not None
                joined = _Group(pushed[0], other.members + joined.members)
            done.append(joined)
        return done

    def _join(self, one: _Group, other: _Group) -> tuple[dict[str, Values]] | None:
        """What one listing for both asks for, if one brings no row more than two."""
        if self.unseen(one.pushed) != self.unseen(other.pushed):
            return None
        for outer, inner in ((one.pushed, other.pushed), (other.pushed, one.pushed)):
            if all(name in inner and {*inner[name]} <= {*values} for name, values in outer.items()):
                return (dict(outer),)
        differ = [name for name in one.pushed if {*one.pushed[name]} != {*other.pushed.get(name, ())}]
        if one.pushed.keys() == other.pushed.keys() and len(differ) == 1 and self.fields.declared[differ[0]].many:
            both = tuple(dict.fromkeys((*one.pushed[differ[0]], *other.pushed[differ[0]])))
            return ({**one.pushed, differ[0]: both},)
        return None

    def branch(self, group: _Group) -> Branch:
        """What is sent, and what its rows have to meet besides."""
        order = list(self.fields.declared)
        pushed = {name: group.pushed[name] for name in sorted(group.pushed, key=order.index)}
        rests = [frozenset(self._rest(each, pushed)) for each in _simplest(group.members)]
        rests = [rest for rest in dict.fromkeys(rests) if not any(other < rest for other in rests)]
        if frozenset[Condition]() in rests:
            return Branch(pushed)
        return Branch(pushed, _any_of([_all_of(sorted(rest, key=repr)) for rest in rests]))

    def _rest(self, conjunction: _Conjunction, pushed: Mapping[str, Values]) -> Iterable[Condition]:
        """Of a conjunction, what the listing does not see to."""
        yield from conjunction.local
        for name, values in conjunction.pushed.items():
            if name not in pushed or not {*pushed[name]} <= {*values}:
                yield Comparison(name, "in", values)

    def skipping(self, branch: Branch, earlier: Sequence[Branch]) -> Branch | None:
        """A branch that leaves out what earlier ones bring; None, if that is all."""
        unseen = self.unseen(branch.pushed)
        skip: list[Condition] = []
        blind = False
        for other in earlier:
            shared = {name for name in branch.pushed if name in other.pushed and name not in unseen}
            if any({*branch.pushed[name]}.isdisjoint(other.pushed[name]) for name in shared):
                continue
            if any(unseen.get(name) != values for name, values in self.unseen(other.pushed).items()):
                blind = True
                continue
            parts: list[Condition] = [
                Comparison(name, "in", values)
                for name, values in other.pushed.items()
                if name not in unseen and not {*branch.pushed.get(name, (None,))} <= {*values}
            ]
            parts += [] if other.local is None else [other.local]
            if not parts:
                return None
            skip.append(_all_of(parts))
        return evolve(branch, skip=_any_of(skip) if skip else None, blind=blind)


def _flat(condition: Condition) -> tuple[Condition, ...]:
    if isinstance(condition, And):
        return tuple(dict.fromkeys(each for part in condition.parts for each in _flat(part)))
    return (condition,)


def _name(part: Condition) -> str:
    inner = part.part if isinstance(part, Not) else part
    assert isinstance(inner, Comparison)
    return inner.field


def _is_empty(parts: Sequence[Condition]) -> bool:
    """Whether comparisons of one field without ``==`` exclude each other: null and something, or an empty range."""
    there = [part for part in parts if isinstance(part, Comparison)]
    ops = {part.op for part in there}
    if "null" in ops and len(ops) > 1:
        return True
    low = max((part.values[0] for part in there if part.op in {">", ">="}), default=None)
    high = min((part.values[0] for part in there if part.op in {"<", "<="}), default=None)
    if low is None or high is None or low < high:
        return False
    return low > high or any(part.op in {"<", ">"} and part.values[0] == low for part in there)


def _unique(conjunctions: Iterable[_Conjunction]) -> list[_Conjunction]:
    found: list[_Conjunction] = []
    for each in conjunctions:
        if each not in found:
            found.append(each)
    return found


def _simplest(members: Iterable[_Conjunction]) -> list[_Conjunction]:
    """The same rows in fewer conjunctions: one that covers another, or two that differ in the values of one field."""
    done: list[_Conjunction] = []
    for each in members:
        joined = each
        while pair := next(((i, made) for i, other in enumerate(done) if (made := _either(other, joined))), None):
            joined = pair[1]
            del done[pair[0]]
        done.append(joined)
    return done


def _either(one: _Conjunction, other: _Conjunction) -> _Conjunction | None:
    for outer, inner in ((one, other), (other, one)):
        if {*outer.local} <= {*inner.local} and all(
            name in inner.pushed and {*inner.pushed[name]} <= {*values} for name, values in outer.pushed.items()
        ):
            return outer
    differ = [name for name in one.pushed if {*one.pushed[name]} != {*other.pushed.get(name, ())}]
    if one.local != other.local or one.pushed.keys() != other.pushed.keys() or len(differ) != 1:
        return None
    both = tuple(dict.fromkeys((*one.pushed[differ[0]], *other.pushed[differ[0]])))
    return evolve(one, pushed={**one.pushed, differ[0]: both})


def _all_of(parts: Sequence[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else And(tuple(part for each in parts for part in _flat(each)))


def _any_of(parts: Sequence[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _too_many(condition: Condition) -> NoReturn:
    raise not_allowed(
        "where",
        condition,
        f"a condition that takes at most {MOST_LISTINGS} listings; make several queries of it, or list more than is "
        "wanted and choose among the rows",
    )
