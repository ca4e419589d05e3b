"""What has another name in a new document: what overlay and `apis.toml` then have to say instead."""

from collections.abc import Iterator
from typing import Any

from specs.pipeline.compare import overlap, renamed_members, renamed_parameters
from specs.pipeline.overlay import Moves
from specs.pipeline.surface import surface


def moves(old: dict[str, Any], new: dict[str, Any], places: dict[str, str]) -> Moves:
    """Return parts of overlay targets that name something in the old document, and what names it in the new one.

    Args:
        old, new: Documents as they are published.
        places: Operations that have another method and path, by the old one.
    """
    return dict(_moves(old, new, places))


def values(old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    """Return texts that the updates of an overlay may hold, and what they have to be for the new document."""
    before, after = (document.get("components", {}) for document in (old, new))
    found = {
        f"#/components/schemas/{was}": f"#/components/schemas/{now}"
        for was, now in _schemas(before.get("schemas", {}), after.get("schemas", {}))
    }
    return found | dict(_schemes(before.get("securitySchemes", {}), after.get("securitySchemes", {})))


def headers(old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    """Return the new names of header parameters that every operation of both documents knows by one name."""
    one, other = surface(old).operations, surface(new).operations
    return {
        was: now
        for where, operation in one.items()
        if where in other
        for (place, was), (_, now) in renamed_parameters(operation, other[where]).items()
        if place == "header"
    }


def _schemes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for was, scheme in before.items():
        same = [now for now, each in after.items() if now not in before and each == scheme]
        if was not in after and len(same) == 1:
            yield was, same[0]


def _moves(old: dict[str, Any], new: dict[str, Any], places: dict[str, str]) -> Iterator[tuple[str, str]]:
    for was, now in places.items():
        (method, path), (new_method, new_path) = was.split(" ", 1), now.split(" ", 1)
        yield f"['{path}'].{method.lower()}", f"['{new_path}'].{new_method.lower()}"
    before, after = (document.get("components", {}).get("schemas", {}) for document in (old, new))
    for was, now in _schemas(before, after):
        yield f".schemas.{was}", f".schemas.{now}"
    for was, now in _schemes(*(document.get("components", {}).get("securitySchemes", {}) for document in (old, new))):
        yield f".securitySchemes.{was}", f".securitySchemes.{now}"
    one, other = surface(old), surface(new)
    for where, operation in one.operations.items():
        if (known := other.operations.get(places.get(where, where))) is not None:
            for (_, was), (_, now) in renamed_parameters(operation, known).items():
                yield f"'{was}'", f"'{now}'"
    for owner, slots in {**one.rows, **one.bodies}.items():
        new_slots = {**other.rows, **other.bodies}.get(owner, {})
        for was, now in renamed_members(slots, new_slots, by_type=True).items():
            yield f".properties.{was}", f".properties.{now}"


def _schemas(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, str]]:
    used: set[str] = set()
    for name, schema in before.items():
        if name in after:
            continue
        near = [each for each in after if each not in before and each not in used]
        likeness = {each: overlap(_content(schema), _content(after[each])) for each in near}
        if near and likeness[best := max(near, key=likeness.__getitem__)] > 0.6:
            used.add(best)
            yield name, best


def _content(schema: Any) -> list[str]:
    return [str(each) for key in ("properties", "enum") for each in (schema.get(key) or ())]


def moved_back(places: dict[str, str | None]) -> dict[str, str]:
    """Return the operations that only moved, by their new place."""
    return {now: was for was, now in places.items() if now}
