"""Compare two documents: what the new one changes for callers of the client generated from the old one."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from specs.documents.names import python_name
from specs.pipeline.surface import Operation, Slot, Surface, surface


class Level(StrEnum):
    """How much a change matters to callers."""

    BREAKING = "breaking"
    NEW = "new"
    HAND = "needs a hand"
    NONE = "no effect"


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        level: How much it matters.
        kind: What changed, such as `field new`.
        name: Public name of what changed, such as `Customer.name`.
        detail: More, such as the old and the new value.
    """

    level: Level
    kind: str
    name: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}" + (f" ({self.detail})" if self.detail else "")


def compare(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Return the differences between two normalised documents, breaking ones first.

    A class that is gone is one change; its fields are not listed.
    """
    before, after = surface(old), surface(new)
    changes = [*_operations(before, after)]
    changes += _classes("field", before.rows, after.rows, _Read(before, after))
    changes += _classes("key", before.bodies, after.bodies, _Sent(before, after))
    changes += _whole("enumeration", before.values, after.values)
    for name in before.values:
        if name in after.values:
            changes += _values(name, before.values[name], after.values[name])
    if [old.get("security"), _schemes(old)] != [new.get("security"), _schemes(new)]:
        changes.append(
            Change(Level.HAND, "credentials changed", "client", "change the credentials that the binding sends")
        )
    if old.get("servers") != new.get("servers"):
        changes.append(Change(Level.HAND, "server changed", "client", "change BASE_URL in the binding"))
    if not changes and old != new:
        changes.append(Change(Level.NONE, "document changed", "document", "nothing that callers use"))
    return sorted(dict.fromkeys(changes), key=lambda each: (list(Level).index(each.level), each.kind, each.name))


def _schemes(document: dict[str, Any]) -> Any:
    return document.get("components", {}).get("securitySchemes")


# --- operations


def _operations(before: Surface, after: Surface) -> Iterator[Change]:
    gone = {where: each for where, each in before.operations.items() if where not in after.operations}
    added = {where: each for where, each in after.operations.items() if where not in before.operations}
    for where, old in before.operations.items():
        new = after.operations.get(where)
        if new is None:
            moved = [each for each in added.values() if each.name == old.name]
            if moved:
                yield Change(Level.BREAKING, "operation moved", old.name, f"{where} is now {moved[0].where}")
                yield from _operation(old, moved[0], before, after)
            else:
                yield Change(Level.BREAKING, "operation gone", old.name, where)
            continue
        if new.name != old.name:
            yield Change(Level.BREAKING, "operation renamed", old.name, f"now {new.name}")
        yield from _operation(old, new, before, after)
    for where, new in added.items():
        if new.name not in {each.name for each in gone.values()}:
            yield Change(Level.NEW, "operation new", new.name, where)


def _operation(old: Operation, new: Operation, before: Surface, after: Surface) -> Iterator[Change]:
    sent, read = _Sent(before, after), _Read(before, after)
    names = {key: f"{old.name}({python_name(key[1])})" for key in [*old.parameters, *new.parameters]}
    for key, slot in old.parameters.items():
        if key not in new.parameters:
            yield Change(Level.BREAKING, "parameter gone", names[key])
        else:
            yield from sent.slot("parameter", names[key], slot, new.parameters[key])
    for key, slot in new.parameters.items():
        if key not in old.parameters:
            yield _added(sent, "parameter", names[key], slot)
    body = f"{old.name}(body)"
    if old.body and new.body:
        yield from sent.slot("body", body, old.body, new.body)
    elif new.body:
        yield _added(sent, "body", body, new.body)
    elif old.body:
        yield Change(Level.BREAKING, "body gone", body)
    if old.result and new.result:
        yield from read.slot("result", f"{old.name}()", old.result, new.result)
    elif old.result:
        yield Change(Level.BREAKING, "result gone", f"{old.name}()", f"was {old.result}")
    elif new.result:
        yield Change(Level.NEW, "result new", f"{old.name}()", str(new.result))
    for status in sorted(old.statuses ^ new.statuses):
        what = "gone" if status in old.statuses else "new"
        yield Change(Level.NONE, f"status {what}", f"{old.name}()", status)


# --- classes


def _whole(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in before:
        if name not in after:
            yield Change(Level.BREAKING, f"{what} gone", name)
    for name in after:
        if name not in before:
            yield Change(Level.NEW, f"{what} new", name)


_Slots = dict[str, dict[str, Slot]]


def _classes(what: str, before: _Slots, after: _Slots, side: "_Side") -> Iterator[Change]:
    yield from _whole("class", before, after)
    for owner in before:
        if owner not in after:
            continue
        old, new = before[owner], after[owner]
        gone = {wire for wire in old if wire not in new}
        for wire, slot in old.items():
            name = _public(owner, wire)
            if wire in new:
                yield from side.slot(what, name, slot, new[wire])
            elif not _inside(wire, gone):
                yield Change(Level.BREAKING, f"{what} gone", name)
        added = {wire for wire in new if wire not in old}
        for wire, slot in new.items():
            if wire in added and not _inside(wire, added):
                yield _added(side, what, _public(owner, wire), slot)


def _added(side: "_Side", what: str, name: str, slot: Slot) -> Change:
    if slot.required and side.sent:
        return Change(Level.BREAKING, f"{what} newly required", name, str(slot))
    return Change(Level.NEW, f"{what} new", name, str(slot))


def _public(owner: str, wire: str) -> str:
    return ".".join([owner, *map(python_name, wire.split("."))])


def _inside(wire: str, wholes: set[str]) -> bool:
    """Whether a path lies inside another one of `wholes`."""
    return any(wire.startswith(f"{whole}.") for whole in wholes)


# --- places for a value


class _Side(ABC):
    """How a place is compared: what is read may become narrower, what is sent may become wider."""

    sent: bool

    def __init__(self, before: Surface, after: Surface) -> None:
        self._texts = before.texts | after.texts

    @abstractmethod
    def slot(self, what: str, name: str, old: Slot, new: Slot) -> Iterator[Change]:
        """Yield what changed in one place."""

    def covers(self, wide: frozenset[str], narrow: frozenset[str]) -> bool:
        """Whether every value of the narrow types is a value of the wide ones."""
        return "any" in wide or all(
            each in wide
            or (each == "integer" and "number" in wide)
            or (each in self._texts and "string" in wide)
            or (each.startswith("dict[") and "dict[any]" in wide)
            for each in narrow
        )


class _Read(_Side):
    sent = False

    def slot(self, what: str, name: str, old: Slot, new: Slot) -> Iterator[Change]:
        if not self.covers(old.types, new.types):
            yield Change(Level.BREAKING, f"{what} retyped", name, f"{old} is now {new}")
        elif old.types != new.types:
            yield Change(Level.NONE, f"{what} narrowed", name, f"{old} is now {new}")
        was, now = old.nullable or not old.required, new.nullable or not new.required
        if now and not was:
            how = "null" if new.nullable else "missing"
            yield Change(Level.BREAKING, f"{what} newly nullable", name, f"may be {how}, which is None")
        elif (old.nullable, old.required) != (new.nullable, new.required):
            yield Change(
                Level.NONE, f"{what} always there" if was and not now else f"{what} may be None as before", name
            )
        yield from _values(name, old.values, new.values)
        yield from _limits(what, name, old, new, lambda _tighter: Level.NONE)


class _Sent(_Side):
    sent = True

    def slot(self, what: str, name: str, old: Slot, new: Slot) -> Iterator[Change]:
        before, now = _as_sent(old.types), _as_sent(new.types)
        if not self.covers(now, before):
            yield Change(Level.BREAKING, f"{what} retyped", name, f"{old} is now {new}")
        elif now != before:
            yield Change(Level.NEW, f"{what} takes more", name, f"{old} is now {new}")
        if new.required and not old.required:
            yield Change(Level.BREAKING, f"{what} newly required", name)
        elif old.required and not new.required:
            yield Change(Level.NONE, f"{what} no longer required", name)
        if old.nullable and not new.nullable:
            yield Change(Level.BREAKING, f"{what} no longer nullable", name)
        elif new.nullable and not old.nullable:
            yield Change(Level.NEW, f"{what} may be null", name)
        yield from _values(name, old.values, new.values)
        yield from _limits(what, name, old, new, lambda tighter: Level.BREAKING if tighter else Level.NONE)


def _as_sent(types: frozenset[str]) -> frozenset[str]:
    # dates are sent as text
    return frozenset("string" if each in {"date", "date-time", "uuid"} else each for each in types)


def _limits(what: str, name: str, old: Slot, new: Slot, level: Any) -> Iterator[Change]:
    for limit in sorted({*old.limits, *new.limits}):
        was, now = old.limits.get(limit), new.limits.get(limit)
        if was == now:
            continue
        numbers = isinstance(was, int | float) and isinstance(now, int | float)
        if now is None:
            tighter = False
        elif was is None or not numbers:
            tighter = True
        else:
            tighter = now < was if "max" in limit.lower() else now > was
        how = "lower" if "max" in limit.lower() else "higher" if "min" in limit.lower() else "stricter"
        kind = f"{what} limit {how if tighter else 'relaxed'}"
        yield Change(level(tighter), kind, name, f"{limit} {_said(was)} is now {_said(now)}")


def _said(value: Any) -> str:
    return "none" if value is None else str(value)


# --- values


def _values(owner: str, before: tuple[Any, ...], after: tuple[Any, ...]) -> Iterator[Change]:
    if bool(before) != bool(after):
        return  # a change of type, reported as such
    gone = [value for value in before if value not in after]
    added = [value for value in after if value not in before]
    for value in gone:
        same = [each for each in added if _folded(each) == _folded(value)]
        if same:
            added.remove(same[0])
            yield Change(Level.BREAKING, "value renamed", owner, f"{value!r} is now {same[0]!r}")
        else:
            yield Change(Level.BREAKING, "value gone", owner, repr(value))
    for value in added:
        yield Change(Level.NEW, "value new", owner, repr(value))


def _folded(value: Any) -> str:
    return re.sub(r"[\W_]", "", str(value)).casefold()
