"""Rows made up from a schema: the same in every run, with examples of the document where it has some.

Row 17 is the same in a list of 20 rows and in one of 10,000. Nothing here reads a clock or draws a random number: what
a value is depends on the number of its row and on where it stands in the row.
"""

import base64
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, cast
from zlib import crc32

from attrs import field, frozen

from .data import EPOCH, instant
from .document import Document, Schema, branches, is_nullable, types_of

__all__ = ["Maker"]

_WORDS: Final = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "island", "juniper", "kestrel", "lagoon",
    "meadow", "north", "ocean", "prairie", "quartz", "river", "summit", "tundra",
)  # fmt: skip
_STEP: Final = 3607  # seconds between the times of two rows: a prime, so that they fall on different minutes
_NULL_EACH: Final = 7  # of so many rows one has null, where null is allowed
_ABSENT_EACH: Final = 5  # and one lacks what is not required
_WHOLE: Final = 2  # objects inside a row have all of their properties down to here, and the required ones below
_DEEPEST: Final = 8
_TIMES: Final = frozenset({"unix-time", "unixtime", "timestamp", "epoch"})
_PREFIX: Final = re.compile(r"([A-Za-z][A-Za-z0-9]*[_-]).*[0-9A-Za-z]{4,}")
_FIRST_KEY: Final = 10_000_000
# One part of a pattern: a set of characters or a single one, and how often it comes.
_PART: Final = re.compile(r"(\[\^?[^\]]+\]|\\.|[^\\()|?*+{}\[\].^$]|\.)(\{(\d+)(?:,\d*)?\}|[+*?])?")
_NO_EXAMPLE: Final = object()


@frozen
class Maker:
    """Makes rows.

    Attributes:
        document: Where schemas are described.
        row: The schema of a row.
        key: The property that tells rows apart.
        times: Properties that hold points in time, whatever their types, and of those that are numbers how many of
            their units a second has.
    """

    document: Document
    row: Schema
    key: Sequence[str]
    times: Mapping[tuple[str, ...], int] = field(factory=dict[tuple[str, ...], int])

    def row_at(self, number: int) -> dict[str, Any]:
        """Return a row. ``number``: from 1 on, and 0 and below for rows that were added before all others."""
        value = self._value(self.row, (), number)
        row: dict[str, Any] = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        member: dict[str, Any] = row
        for name in self.key[:-1]:
            member = member.setdefault(name, {})
        member[self.key[-1]] = self._key(number)
        return row

    def envelope(self, schema: Schema) -> dict[str, Any]:
        """Return what a response has around its rows."""
        return self._object(schema, (), 1)

    def _key(self, number: int) -> int | str:
        """Return a key. Keys increase from row to row; text begins as the document's example does."""
        schema, digits = self.document.at(self.row, self.key), str(_FIRST_KEY + number)
        for branch in branches(self.document, schema):
            types = types_of(branch)
            if "integer" in types or "number" in types:
                return _FIRST_KEY + number
            if branch.get("format") == "uuid":
                return str(uuid.UUID(int=(_FIRST_KEY + number) << 96 | 0x7000 << 64 | 0x8000 << 48))
            if made := _shaped(branch, number + _FIRST_KEY):
                return made
            example = _example(branch, 0)
            if isinstance(example, str) and example.isdecimal():
                return str(10 ** max(6, len(example) - 1) + number)
            found = _PREFIX.fullmatch(example) if isinstance(example, str) else None
            prefix = "row_" if found is None else found[1]
            digits = digits.zfill(branch.get("minLength", 0) - len(prefix))
            return f"{prefix}{digits}"[-branch.get("maxLength", 1_000) :]
        return f"row_{digits}"

    def _value(self, schema: Schema, path: tuple[str, ...], number: int) -> Any:
        lot = _lot(path) + number
        if path and is_nullable(self.document, schema) and lot % _NULL_EACH == 0:
            return None
        choices = list(branches(self.document, schema))
        if not choices:
            return None
        one = choices[lot // _NULL_EACH % len(choices)]
        example = _example(one, lot)
        types = types_of(one)
        kind = types[lot % len(types)] if types else "object" if not path else "string"
        if kind == "array":
            return self._array(one, path, number, example)
        if kind == "object":
            return self._object(one, path, number)
        if "const" in one:
            return one["const"]
        if enum := one.get("enum"):
            values = [value for value in enum if value is not None]
            return values[lot % len(values)] if values else None
        if path in self.times or one.get("format") in {"date-time", *_TIMES}:
            return _time(kind, number, lot, self.times.get(path, 1))
        if kind == "boolean":
            return lot % 3 == 0
        if kind in {"integer", "number"}:
            return _number(one, kind, lot) if not isinstance(example, int | float) else example
        if one.get("format") in {"date", "uuid", "email"}:  # rows differ in them
            return _text(one, path, number, lot)
        if isinstance(example, str):
            return example
        return _shaped(one, number) or _text(one, path, number, lot)

    def _array(self, schema: Schema, path: tuple[str, ...], number: int, example: object) -> list[Any]:
        if isinstance(example, list):
            return cast("list[Any]", example)
        fewest, most = schema.get("minItems", 0), schema.get("maxItems", 3)
        count = max(fewest, min(most, _lot(path) + number, (_lot(path) + number) % 3))
        if len(path) >= _DEEPEST:
            count = 0
        items = self.document.items(schema)
        return [self._value(items, (*path, ""), number + index) for index in range(count)]

    def _object(self, schema: Schema, path: tuple[str, ...], number: int) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema.get("properties", {})
        required = frozenset(schema.get("required", ()))
        if len(path) >= _DEEPEST:
            return {}
        made: dict[str, Any] = {}
        for name, node in properties.items():
            inner = (*path, name)
            if name not in required:
                if len(path) >= _WHOLE:
                    continue
                if (_lot(inner) + number) % _ABSENT_EACH == 1:
                    continue
            made[name] = self._value(self.document.schema(node), inner, number)
        for name in required - made.keys():  # a document may require what it does not describe
            made[name] = self._value({"type": "string"}, (*path, name), number)
        return made


def _lot(path: Sequence[str]) -> int:
    """Return a number of its own for each place in a row."""
    return crc32("/".join(path).encode()) % 1009


def _example(schema: Schema, lot: int) -> Any:
    """Return an example of the document, another one for each number where it has several."""
    examples = schema.get("examples")
    if isinstance(examples, list) and examples:
        found = cast("list[Any]", examples)
        return found[lot % len(found)]
    return schema.get("example", _NO_EXAMPLE)


def _time(kind: str, number: int, lot: int, units: int) -> Any:
    seconds = max(0, number + 10_000) * _STEP
    if kind in {"integer", "number"}:
        return (int(EPOCH.timestamp()) + seconds) * units
    return instant(seconds + lot % 1000 / 1000, 3)


def _number(schema: Schema, kind: str, lot: int) -> Any:
    lowest, highest = schema.get("minimum", 0), schema.get("maximum")
    if not isinstance(schema.get("exclusiveMinimum"), bool):
        lowest = schema.get("exclusiveMinimum", lowest - 1) + 1
    span = 1000 if highest is None else max(1, int(highest - lowest))
    value = lowest + lot * 37 % span
    return int(value) if kind == "integer" else value + 0.5 if highest is None else float(value)


def _text(schema: Schema, path: Sequence[str], number: int, lot: int) -> str:
    word = _WORDS[lot % len(_WORDS)]
    name = next((part for part in reversed(path) if part), "text")
    made = {
        "date": f"{EPOCH + timedelta(seconds=max(0, number + 10_000) * _STEP):%Y-%m-%d}",
        "time": f"{lot % 24:02}:{number % 60:02}:00Z",
        "duration": f"PT{lot % 48 + 1}H",
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{'/'.join(path)}/{number}")),
        "email": f"{word}.{number}@example.com",
        "uri": f"https://example.com/{word}/{number}",
        "url": f"https://example.com/{word}/{number}",
        "uri-reference": f"/{word}/{number}",
        "hostname": f"{word}.example.com",
        "ipv4": f"192.0.2.{lot % 254 + 1}",
        "ipv6": f"2001:db8::{lot % 65535 + 1:x}",
        "byte": base64.b64encode(word.encode()).decode(),
    }.get(str(schema.get("format")), f"{word} {name.replace('_', ' ')} {number}")
    fewest, most = schema.get("minLength", 0), schema.get("maxLength")
    return made.ljust(fewest, "x")[:most]


def _shaped(schema: Schema, number: int) -> str | None:
    """Return text of a simple pattern, such as ``^AC[0-9a-f]{32}$``, that holds a number; None for any other one."""
    pattern = schema.get("pattern")
    if not isinstance(pattern, str):
        return None
    whole = pattern.removeprefix("^").removesuffix("$")
    group = re.fullmatch(r"\((?:\?:)?([^()]*)\)", whole)
    each = [_parts(one, number) for one in (group[1].split("|") if group else [whole])]
    return max((made for made in each if made and re.search(pattern, made)), key=len, default=None)


def _parts(rest: str, number: int) -> str | None:
    """Return text of a pattern without groups and alternatives."""
    made = ""
    while rest:
        part = _PART.match(rest)
        if part is None:
            return None
        one, how, times = part[1], part[2] or "", part[3]
        rest = rest[part.end() :]
        is_long = how == "+" or (how == "*" and _has_digits(one))
        count = int(times) if times else 8 if is_long else 0 if how in {"*", "?"} else 1
        made += one if not how and len(one) == 1 and one != "." else _of_set(one, count, number)
    return made


def _has_digits(one: str) -> bool:
    return bool(re.match(one, "0") and re.match(one, "9"))


def _of_set(one: str, count: int, number: int) -> str:
    """Return so many characters of a set: the last digits of a number, where it has digits."""
    if _has_digits(one):
        return str(abs(number)).zfill(count)[-count:] if count else ""
    return next((character for character in map(chr, range(33, 127)) if re.match(one, character)), "") * count
