# ruff: noqa: INP001, PLC0415, SLF001  not a package; imported if pydantic asks; filling rows in __init__ is slower
"""What generated classes share: open string enumerations, rows, and functions that read values.

Reading is lenient: a value that the document does not list, or describes differently, is kept as the server sent it.
Only something that is not an object is refused as a row.
"""

import datetime as dt
import difflib
import enum
import json
import uuid
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import TYPE_CHECKING, Any, ClassVar, Self

import orjson
from attrs import define, field

new = object.__new__
Reader = Callable[[Any], Any]
Writer = Callable[[Any], Any]


class Member:
    """A listed value in the body of an `OpenStr` class."""

    def __init__(self, value: str) -> None:
        self.value = value


def member(value: str) -> Any:
    """Declare a listed value in the body of an `OpenStr` class, which turns it into an instance of itself."""
    return Member(value)


class Readings(dict[Any, Any]):
    """Maps a value of the server to the one that a row has: one lookup if listed, `__missing__` otherwise."""

    def __init__(self, unlisted: Callable[[str], Any]) -> None:
        super().__init__({None: None})
        self.unlisted = unlisted

    def __missing__(self, value: Any) -> Any:
        return self.unlisted(value) if isinstance(value, str) else value


class OpenStr(str):
    """A string with a list of known values that may grow at any time.

    `Country.CA` is a listed value, and `Country("CA")` is the same object. `Country("XX")` raises ValueError; use
    `Country.unlisted("XX")` for a value that the document does not list.
    """

    __slots__ = ()
    _readings: ClassVar[Readings]

    def __init_subclass__(cls) -> None:
        cls._readings = Readings(lambda value: str.__new__(cls, value))
        for name, value in list(vars(cls).items()):
            if isinstance(value, Member):
                instance = cls._readings.setdefault(value.value, str.__new__(cls, value.value))
                setattr(cls, name, instance)

    def __new__(cls, value: str) -> Self:
        known: Self | None = cls._readings.get(value)
        if known is not None:
            return known
        if not isinstance(value, str):
            raise TypeError(f"{cls.__name__} must be a string, not {type(value).__name__}")
        by_folded = {listed.casefold(): str(listed) for listed in cls.listed()}
        near = difflib.get_close_matches(value.casefold(), by_folded, n=1)
        hint = f"; did you mean {by_folded[near[0]]!r}?" if near else ""
        way_out = f"use {cls.__name__}.unlisted({value!r}) to send it anyway"
        raise ValueError(f"{value!r} is not a listed {cls.__name__}{hint} ({way_out})")

    @classmethod
    def listed(cls) -> tuple[Self, ...]:
        """Return the listed values, in the order of the document."""
        return tuple(value for value in cls._readings.values() if value is not None)

    @classmethod
    def unlisted(cls, value: str) -> Self:
        """Return `value` as an instance of this class, whether it is listed or not."""
        if not isinstance(value, str):
            raise TypeError(f"{cls.__name__} must be a string, not {type(value).__name__}")
        instance: Self = cls._readings[value]
        return instance

    @classmethod
    def read(cls, value: Any) -> Any:
        """Return a string as an instance of this class, and any other value unchanged."""
        try:
            return cls._readings[value]
        except TypeError:  # not hashable
            return value

    @classmethod
    def read_listed(cls, value: Any) -> Any:
        """Return the listed value that equals `value`, or else `value` unchanged."""
        return cls._readings.get(value, value) if isinstance(value, str) else value

    @property
    def value(self) -> str:
        """The value as a plain str."""
        return str(self)

    @property
    def is_listed(self) -> bool:
        """Whether the document lists this value."""
        return self in self._readings

    def __repr__(self) -> str:
        for name, value in vars(type(self)).items():
            if value is self:
                return f"{type(self).__name__}.{name}"
        return f"{type(self).__name__}.unlisted({str(self)!r})"

    def __reduce__(self) -> tuple[Callable[[str], Self], tuple[str]]:
        return type(self).unlisted, (str(self),)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from . import pydantic_schema

        return pydantic_schema.of_text(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        from . import pydantic_schema

        return pydantic_schema.json_of_text(cls)


class _Serializer:
    """What pydantic looks for on a value in a place of any type; made when it does."""

    def __get__(self, row: object, cls: "type[Row]") -> Any:
        try:
            from . import pydantic_schema
        except ImportError:  # somebody else looks
            raise AttributeError("__pydantic_serializer__ needs pydantic") from None
        return pydantic_schema.serializer_of(cls)


@define
class Row:
    """An object that the server sent. Declared fields are attributes; `row["createdAt"]` takes any field's wire name.

    Fields that the document does not declare are kept too. A row is a mapping of wire names to values: `dict(row)`,
    `{**row}` and `case {"country": "CA"}` work, and tables are made of rows as of dictionaries. A declared field that
    the server did not send is in it as None. Rows are equal by value and can be changed, so they have no hash.
    """

    # Of the constructor too, so that a copy with changes has it.
    _unknown: dict[str, Any] | None = field(default=None, kw_only=True, repr=False, alias="_unknown")

    # Wire name: (attribute, its reader). No attribute of a row has a name in capitals.
    FIELDS: ClassVar[Mapping[str, tuple[str, Reader | None]]] = {}
    # What tells it from other branches of a union, by wire names.
    _required: ClassVar[frozenset[str]] = frozenset()
    _constants: ClassVar[Mapping[str, Any]] = {}
    _listed: ClassVar[Mapping[str, Sequence[Any]]] = {}
    _kinds: ClassVar[Mapping[str, Sequence[str]]] = {}
    _closed: ClassVar[bool] = False
    _read_unknown: ClassVar[Reader | None] = None
    __pydantic_serializer__: ClassVar[_Serializer] = _Serializer()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return a row of decoded JSON. A missing field is None.

        Raises:
            TypeError: `data` is not a mapping.
        """
        return cls._from_any(data)

    @classmethod
    def _from_any(cls, data: Mapping[str, Any]) -> Self:
        if not isinstance(data, Mapping):
            raise TypeError(f"{cls.__name__} must be read from an object, not from {type(data).__name__}")
        row = cls.__new__(cls)
        for wire, (name, reader) in cls.FIELDS.items():
            value = data.get(wire)
            setattr(row, name, value if reader is None else reader(value))
        rest = {wire: value for wire, value in data.items() if wire not in cls.FIELDS}
        row._unknown = cls._read_rest(rest) if rest else None
        return row

    @classmethod
    def _read_rest(cls, rest: Mapping[str, Any]) -> dict[str, Any]:
        read = cls._read_unknown
        return {**rest} if read is None else {wire: read(value) for wire, value in rest.items()}

    @classmethod
    def _read(cls, value: Any) -> Any:
        return cls.from_dict(value) if isinstance(value, Mapping) else value

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON data by wire names, undeclared fields included.

        It equals what the server sent, but for this: a missing field is None, a date-time is formatted anew (`+00:00`
        instead of `Z`, `T` between date and time, at most microseconds), and a UUID has small letters. Texts that are
        no date, date-time or UUID as OpenAPI writes them, or that may be any text, stay as they are.
        """
        data = {}
        for wire, (name, _) in self.FIELDS.items():
            value = getattr(self, name)
            data[wire] = value if type(value) in _PLAIN else plain(value)
        for wire, value in (self._unknown or {}).items():
            data[wire] = plain(value)
        return data

    def to_json(self) -> str:
        """Return what `to_dict` does as JSON text, in one line. A number that JSON cannot express is null."""
        data = self.to_dict()
        try:
            return orjson.dumps(data).decode()
        except TypeError:  # integers over 64 bits, lone surrogates
            return json.dumps(_finite(data), separators=(",", ":"))

    def __getitem__(self, wire: str) -> Any:
        if wire in self.FIELDS:
            return getattr(self, self.FIELDS[wire][0])
        if self._unknown is None:
            raise KeyError(wire)
        return self._unknown[wire]

    def __contains__(self, wire: object) -> bool:
        return wire in self.FIELDS or (self._unknown is not None and wire in self._unknown)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the wire names."""
        yield from self.FIELDS
        yield from self._unknown or ()

    def __len__(self) -> int:
        return len(self.FIELDS) + len(self._unknown or ())

    def get(self, wire: str, default: Any = None) -> Any:
        """Return the value of a field by its wire name, or `default` if there is no such field."""
        try:
            return self[wire]
        except KeyError:
            return default

    def keys(self) -> KeysView[str]:
        """Return the wire names."""
        return dict.fromkeys(self).keys()

    if not TYPE_CHECKING:  # a field may have one of these names, and is then what the attribute is

        def items(self) -> ItemsView[str, Any]:
            return ItemsView(self)

        def values(self) -> ValuesView[Any]:
            return ValuesView(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from . import pydantic_schema

        return pydantic_schema.of_row(cls, handler)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        from . import pydantic_schema

        return pydantic_schema.json_of_row(cls, schema, handler)


# Registered, not inherited: the metaclass of `Mapping` would make every `isinstance` with a class of rows slower.
Mapping.register(Row)


_PLAIN = frozenset({str, int, float, bool, type(None)})


def plain(value: Any) -> Any:
    """Return `value` as JSON data."""
    match value:
        case Row():
            return value.to_dict()
        case OpenStr():
            return str(value)
        case enum.Enum():
            return value.value
        case list():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case dt.date():  # and datetime
            return value.isoformat()
        case uuid.UUID():
            return str(value)
        case _:
            return value


def _finite(data: Any) -> Any:
    match data:
        case float() if data - data != 0:  # NaN, or an infinity
            return None
        case list():
            return [_finite(item) for item in data]
        case dict():
            return {key: _finite(item) for key, item in data.items()}
        case _:
            return data


def key_objects(names: Iterable[str]) -> tuple[str, ...]:
    """Return `names` as the string objects that orjson caches for its keys.

    Looking up a key that is the same object is faster; decoding a row takes a third less time.
    """
    return tuple(orjson.loads(orjson.dumps(dict.fromkeys(names))))


def datetime_of(text: str) -> dt.datetime:
    """Return a date-time text as datetime. A date alone is none, for it would come back as another text."""
    if len(text) < _SHORTEST_TIME or text[4] != "-" or text[7] != "-":
        raise ValueError(text)
    return dt.datetime.fromisoformat(text)


def date_of(text: str) -> dt.date:
    """Return a date text as date, if it is written with hyphens."""
    if len(text) != _DATE or text[4] != "-" or text[7] != "-":
        raise ValueError(text)
    return dt.date.fromisoformat(text)


def uuid_of(text: str) -> uuid.UUID:
    """Return a UUID text as UUID, if it is written with its four hyphens alone."""
    if len(text) != _UUID:
        raise ValueError(text)
    return uuid.UUID(text)


_SHORTEST_TIME, _DATE, _UUID = len("2020-01-01T00:00"), len("2020-01-01"), 36


def _leniently(read: Reader) -> Reader:
    def lenient(value: Any) -> Any:
        try:
            return read(value)
        except (AttributeError, TypeError, ValueError):
            return value

    return lenient


# Each returns a text as what it stands for, and any other value unchanged.
read_datetime, read_date, read_uuid = map(_leniently, (datetime_of, date_of, uuid_of))


def int_enum_of(cls: type[enum.IntEnum]) -> Reader:
    """Return a function that reads listed integers as members of `cls`."""
    members = {item.value: item for item in cls}

    def read(value: Any) -> Any:
        return members.get(value, value) if type(value) is int else value

    return read


def list_of(reader: Reader) -> Reader:
    """Return a function that reads every item of a list."""

    def read(value: Any) -> Any:
        return list(map(reader, value)) if isinstance(value, list) else value

    return read


def dict_of(reader: Reader) -> Reader:
    """Return a function that reads every value of a map."""

    def read(value: Any) -> Any:
        return {key: reader(item) for key, item in value.items()} if isinstance(value, dict) else value

    return read


def any_of(*readers: Reader) -> Reader:
    """Return a function that tries `readers` in turn until one changes the value."""

    def read(value: Any) -> Any:
        for reader in readers:
            result = reader(value)
            if result is not value:
                return result
        return value

    return read


Tag = tuple[str, Mapping[Any, type[Row]]]


def branch_of(
    *branches: type[Row], tag: Tag | None = None, tags: Sequence[Tag] = (), base: type[Row] | None = None
) -> Reader:
    """Return a function that reads an object as one of several rows, and leaves any other value unchanged.

    `tag`, a discriminator, is the wire name of a field and the branch for each of its values. Where the value is not
    among them it is `base`, also if there is no such field; without a base the plain data stays. `tags` are those of
    several unions of the same branches: what one of them lists counts, unless they contradict each other. Without a
    tag, branches go out that require a field which the object lacks, or have another constant; then, if any is left,
    those that are closed and do not declare all of its fields, and those of which it has a field, or an object in one,
    with a value that is not listed or of another JSON type. Of the others it is the one with most constants in the
    object, then with most of its fields, then with most of those of the objects in it; of equals the first. Where none
    is left for the lack of fields that all branches require, which tell nothing, they are not looked at; otherwise the
    plain data stays.
    """

    def choose(value: Mapping[str, Any]) -> type[Row] | None:
        if tag is not None and (tag[0] in value or base is not None):
            try:
                return tag[1].get(value.get(tag[0]), base)
            except TypeError:  # not hashable
                return base
        there = [(values, value[name]) for name, values in tags if isinstance(value.get(name), str)]
        named = {cls for values, said in there if (cls := values.get(said)) is not None}
        if there and len(named) < 2:
            return next(iter(named), base)
        fitting = [each for each in branches if each._required <= value.keys() and _agrees(each, value)]
        if not fitting:
            common = frozenset[str].intersection(*(each._required for each in branches))
            fitting = [each for each in branches if each._required - common <= value.keys() and _agrees(each, value)]
            fitting = [each for each in fitting if any(_likeness(each, value)[:2])]
        whole = [each for each in fitting if not each._closed or value.keys() <= each.FIELDS.keys()] or fitting
        typed = [each for each in whole if _is_typed(each, value)] if len(whole) > 1 else whole
        return max(typed or whole, key=lambda each: _likeness(each, value), default=None)

    def read(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        branch = choose(value)
        return value if branch is None else branch.from_dict(value)

    return read


def expected(value: Any, *kinds: type) -> Any:
    """Return an answer if it is of one of these types, or raise a TypeError."""
    if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
        return value
    raise TypeError(f"expected {' or '.join(kind.__name__ for kind in kinds)}, not {type(value).__name__}")


def _agrees(branch: type[Row], value: Mapping[str, Any]) -> bool:
    return all(wire not in value or _same(value[wire], const) for wire, const in branch._constants.items())


def _is_typed(branch: type[Row], value: Mapping[str, Any]) -> bool:
    """Whether all fields have listed values and JSON types that the document says."""
    for wire, kinds in branch._kinds.items():
        if wire in value and not any(isinstance(value[wire], _TYPES[kind]) for kind in kinds):
            return False
        if wire in value and isinstance(value[wire], bool) and "boolean" not in kinds:
            return False
    listed = branch._listed.items()
    if not all(any(_same(value[wire], each) for each in values) for wire, values in listed if wire in value):
        return False
    return all(_agrees(inner, part) and _is_typed(inner, part) for inner, part in _inner(branch, value))


def _inner(branch: type[Row], value: Mapping[str, Any]) -> Iterator[tuple[type[Row], Mapping[str, Any]]]:
    """Yield the objects in fields of `value`, each with the class that the branch has for it."""
    for wire, (_, reader) in branch.FIELDS.items():
        cls = getattr(reader, "__self__", None)
        if isinstance(cls, type) and issubclass(cls, Row) and isinstance(value.get(wire), Mapping):
            yield cls, value[wire]


_TYPES: Mapping[str, Any] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "number": int | float,
    "object": Mapping,
    "string": str,
}


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)  # JSON's 1 is not true


def _likeness(branch: type[Row], value: Mapping[str, Any]) -> tuple[int, ...]:
    """Return constants and fields of a branch in an object, and what the objects in it lack and have of theirs."""
    found = [len(branch._constants.keys() & value.keys()), len(branch.FIELDS.keys() & value.keys()), 0, 0]
    for inner, part in _inner(branch, value):
        _, fields, lacking, more = _likeness(inner, part)
        found[2] += lacking - len(inner._required - part.keys())
        found[3] += fields + more
    return tuple(found)


def by_wire_names(body: Any, names: Mapping[str, tuple[str, Writer | None]], extra: Writer | None) -> Any:
    """Return an object under wire names: `names` has wire name and writer of each key, `extra` writes other values."""
    if not isinstance(body, Mapping):
        return body
    written = {}
    for key, value in body.items():
        wire, write = names.get(key, (key, extra))
        written[wire] = value if write is None else write(value)
    return written


def one_of(*shapes: tuple[Any, Writer | None]) -> Writer:
    """Return a function that writes an object as the first of `shapes` that fits its keys."""

    def write(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        required = [each for each in shapes if each[0].__required_keys__ <= value.keys()]
        whole = [each for each in required if value.keys() <= each[0].__annotations__.keys()]
        for _, write_it in [*whole, *required]:
            return dict(value) if write_it is None else write_it(value)
        return value

    return write
