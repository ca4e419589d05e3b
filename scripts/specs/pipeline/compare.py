"""Compare two documents: what the new one changes for callers of the client generated from the old one."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from specs.documents.document import component, operations
from specs.documents.names import python_name
from specs.documents.normalise import NAME
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
    changes = [*_renamed_classes(before, after)]
    changes += _operations(before, after)
    changes += _classes("field", before.rows, after.rows, _Read(before, after))
    changes += _classes("key", before.bodies, after.bodies, _Sent(before, after))
    changes += _whole("enumeration", before.values, after.values)
    for name in before.values:
        if name in after.values:
            changes += _values(name, before.values[name], after.values[name])
    if _credentials(old) and not _credentials(new):
        why = "the document names none any more; the binding goes on sending its own: remove them if the API takes none"
        changes.append(Change(Level.HAND, "credentials gone", "client", why))
    elif not _credentials(old) <= _credentials(new):
        said = " or ".join(sorted(" and ".join(sorted(each)) or "nothing" for each in _credentials(new)))
        changes.append(Change(Level.BREAKING, "credentials changed", "client", f"the API takes {said}"))
    servers = [[each.get("url", "").rstrip("/") or "/" for each in one.get("servers", [])] for one in (old, new)]
    if servers[0][:1] != servers[1][:1]:
        was, now = map(_first, servers)
        is_kept = bool(servers[0]) and was in servers[1]
        change = Change(Level.HAND, "server changed", "client", f"{was} is now {now}")
        stays = Change(
            Level.NONE, "server new", "client", f"the document names {now} first; the client stays with {was}"
        )
        changes.append(stays if is_kept else change)
    if not changes and old != new:
        changes.append(Change(Level.NONE, "document changed", "document", "nothing that callers use"))
    return in_order(changes)


def in_order(changes: Iterable[Change]) -> list[Change]:
    """Return each change once, by level; what became of parameters comes first."""
    levels, first = list(Level), [("parameter", "renamed"), ("parameter", "gone")]

    def place(each: Change) -> tuple[int, int, str, str]:
        what, _, how = each.kind.partition(" ")
        return levels.index(each.level), first.index((what, how)) if (what, how) in first else 2, each.kind, each.name

    return sorted(dict.fromkeys(changes), key=place)


def _first(servers: list[str]) -> str:
    return servers[0] if servers else "none"


def _credentials(document: dict[str, Any]) -> set[frozenset[str]]:
    """Return the sets of credentials of which a request needs one: by what is sent, not by what it is called."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    needs = [
        each
        for _, _, operation in operations(document)
        for each in operation.get("security", document.get("security", []))
    ]
    return {frozenset(_sent_as(name, schemes.get(name, {})) for name in each) for each in needs}


def _sent_as(name: str, scheme: dict[str, Any]) -> str:
    match scheme.get("type"):
        case "apiKey":
            return f"{scheme.get('name')} in {scheme.get('in')}".casefold()
        case "http":
            return f"Authorization: {str(scheme.get('scheme')).capitalize()}"
        case "oauth2" | "openIdConnect":
            return "Authorization: Bearer"
        case _:
            return name


# --- names that changed


def renamed(gone: Mapping[str, Slot], added: Mapping[str, Slot], *, by_type: bool = False) -> dict[str, str]:
    """Return the new names of what is gone, where one of the added names is like it, or the only one of its type.

    Args:
        gone, added: Places by name.
        by_type: Whether the type alone is enough, where it is of one name on each side.
    """
    found: dict[str, str] = {}
    for old, slot in gone.items():
        free = [name for name in added if name not in found.values()]
        same = [name for name in free if added[name].types == slot.types]
        near = [name for names in (same, free) for name in names if _are_alike(old, name)]
        near = sorted(near, key=lambda name: (added[name].types != slot.types, -_likeness(old, name)))
        alone = [each for each in gone if gone[each].types == slot.types] == [old] and len(same) == 1
        if near or (by_type and alone):
            found[old] = near[0] if near else same[0]
    return found


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _folded(one), _folded(other)).ratio()


def _are_alike(one: str, other: str) -> bool:
    old, new = _folded(one), _folded(other)
    inside = min(len(old), len(new)) >= 4 and (old in new or new in old)
    words = [set(python_name(each).strip("_").split("_")) for each in (one, other)]
    return inside or words[0] < words[1] or words[1] < words[0] or _likeness(one, other) >= 0.75


def _renamed_classes(before: Surface, after: Surface) -> Iterator[Change]:
    """Yield classes under another name, and give them that name in `before`, so that what uses them is not retyped."""
    names: dict[str, str] = {}
    sides: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = [
        ("enumeration", before.values, after.values),
        ("class", before.rows, after.rows),
        ("class", before.bodies, after.bodies),
    ]
    for what, old, new in sides:
        added = [name for name in new if name not in old]
        for name in (each for each in old if each not in new and each not in names):
            near = [each for each in added if each not in names.values() and overlap(old[name], new[each]) > 0.6]
            if near:
                names[name] = max(near, key=lambda each: overlap(old[name], new[each]))
                yield Change(Level.BREAKING, f"{what} renamed", name, f"now {names[name]}")
    if names:
        before.rename(names)


def overlap(one: Iterable[Any], other: Iterable[Any]) -> float:
    """Return how much of what two hold together both hold, from 0 to 1."""
    one, other = set(one), set(other)
    return len(one & other) / len(one | other) if one else 0.0


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
    moved = renamed_parameters(old, new)
    for key, slot in old.parameters.items():
        if key in moved:
            yield Change(Level.BREAKING, "parameter renamed", names[key], f"now {python_name(moved[key][1])}")
            yield from sent.slot("parameter", names[moved[key]], slot, new.parameters[moved[key]])
        elif key not in new.parameters:
            yield Change(Level.BREAKING, "parameter gone", names[key])
        else:
            yield from sent.slot("parameter", names[key], slot, new.parameters[key])
    for key, slot in new.parameters.items():
        if key not in old.parameters and key not in moved.values():
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


def renamed_parameters(old: Operation, new: Operation) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the new places of parameters of an operation that changed their names."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for place in dict.fromkeys(place for place, _ in old.parameters):
        gone, added = (
            {
                name: slot
                for (where, name), slot in one.parameters.items()
                if where == place and (where, name) not in other
            }
            for one, other in ((old, new.parameters), (new, old.parameters))
        )
        # the part of a path, or a header that every call has to have, is known by its place
        alone = place != "query" and all(slot.required for slot in [*gone.values(), *added.values()])
        found |= {(place, name): (place, now) for name, now in renamed(gone, added, by_type=alone).items()}
    return found


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
        added = {wire for wire in new if wire not in old}
        moved = renamed_members(old, new, by_type=side.is_envelope(owner))
        for wire, slot in old.items():
            name = _public(owner, wire)
            if wire in new:
                yield from side.slot(what, name, slot, new[wire])
            elif wire in moved:
                yield Change(Level.BREAKING, f"{what} renamed", name, f"now {_public(owner, moved[wire])}")
                yield from side.slot(what, _public(owner, moved[wire]), slot, new[moved[wire]])
            elif not _inside(wire, gone):
                yield Change(Level.BREAKING, f"{what} gone", name)
        for wire, slot in new.items():
            if wire in added and not _inside(wire, added) and wire not in moved.values():
                yield _added(side, what, _public(owner, wire), slot)


def renamed_members(old: Mapping[str, Slot], new: Mapping[str, Slot], *, by_type: bool) -> dict[str, str]:
    """Return the new names of members of an object."""
    return renamed(
        {name: slot for name, slot in old.items() if name not in new and "." not in name},
        {name: slot for name, slot in new.items() if name not in old and "." not in name},
        by_type=by_type,
    )


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
        self._results = {name for each in after.operations.values() if each.result for name in each.result.types}

    def is_envelope(self, owner: str) -> bool:
        """Whether this class comes as an answer of its own."""
        return not self.sent and owner in self._results

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
        elif self._chosen(now) and not self._chosen(before) and "string" in _inner(before):
            yield Change(Level.BREAKING, f"{what} takes listed values", name, f"{old} is now {new}")
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

    def _chosen(self, types: frozenset[str]) -> bool:
        return not self._texts.isdisjoint(_inner(types))


def _inner(types: frozenset[str]) -> set[str]:
    """Return types, those inside lists among them."""
    return {part for each in types for part in re.sub(r"^list\[(.*)\]$", r"\1", each).split(" | ")}


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


# --- defaults


def changed_defaults(old: dict[str, Any], new: dict[str, Any], paging: Iterable[str] = ()) -> Iterator[Change]:
    """Yield the defaults that changed of what is sent, in documents that are corrected but not normalised.

    What the binding always sends, as the paging, needs none. A default that was first written down, or is no longer,
    says nothing of what the server does.
    """
    before, after = ({each[0]: each for each in _defaults(one)} for one in (old, new))
    for place, (_, wire, was) in before.items():
        now = after[place][2] if place in after else was
        if was != now and None not in (was, now):
            what = "parameter" if "(" in place else "key"
            level, why = (Level.NONE, "; the binding always sends it") if wire in paging else (Level.BREAKING, "")
            yield Change(level, f"{what} default changed", place, f"{was!r} is now {now!r}{why}")


def _defaults(document: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for path, method, operation in operations(document):
        name = operation.get("operationId", f"{method}_{path}")
        for given in [*document["paths"][path].get("parameters", ()), *operation.get("parameters", ())]:
            parameter = _whole_of(document, given)
            wire = parameter.get("name", "")
            yield f"{name}({python_name(wire)})", wire, _default(document, parameter.get("schema"))
        for media in _whole_of(document, operation.get("requestBody", {})).get("content", {}).values():
            schema = _whole_of(document, media.get("schema", {}))
            reference = media.get("schema", {}).get("$ref", f"{name} body")
            owner = schema.get(NAME, reference.rpartition("/")[2])
            for wire, content in schema.get("properties", {}).items():
                yield f"{owner}.{python_name(wire)}", "", _default(document, content)


def _default(document: dict[str, Any], schema: Any) -> Any:
    if not isinstance(schema, dict):
        return None
    return schema.get("default", _whole_of(document, schema).get("default"))


def _whole_of(document: dict[str, Any], node: Any) -> dict[str, Any]:
    while isinstance(node, dict) and isinstance(node.get("$ref"), str):
        node = component(document, node["$ref"])[2]
    return node if isinstance(node, dict) else {}
