"""A place in a listing, and a part of one, as small JSON. Pure."""

from collections.abc import Hashable, Mapping
from typing import Any, Self, cast

import orjson
from attrs import field, frozen

from ..errors import CheckpointError, Resumable
from ..pages import Scalar
from .plan import Start

__all__ = ["Checkpoint", "Partition"]

VERSION = 3


@frozen
class Checkpoint:
    """A place in a listing: ``query.prefetch(resume=checkpoint)`` reads the rest, in this process or another.

    It holds neither credentials nor the value of a filter: the query has to be built again. ``str()`` and ``to_json()``
    give it as text.

    Attributes:
        query: A fingerprint of the query.
        at: The position of the next row.
        keys: Keys of the last rows before it.
        rows: Rows emitted before it.
        cursor: The page it lies on, where each page names the next.
        stop: Of a part, the keys of its last rows.
        branch: Of a query that takes several listings, the one it lies in.
        older: Keys of a few rows before those, each with the number of rows behind it.
        total: Rows in the list, as the API said last.
        size: Rows in a page, where the API gives fewer than are requested.
        within: How many of the keys lie on the page of ``cursor``.
    """

    query: str
    at: int
    keys: tuple[str | int, ...]
    rows: int
    cursor: Scalar | None = None
    stop: tuple[str | int, ...] = ()
    branch: int = 0
    older: tuple[tuple[int, str | int], ...] = ()
    total: int | None = None
    size: int | None = None
    within: int = 0

    def to_json(self) -> str:
        """Return it as text."""
        members = {"v": VERSION, "query": self.query, "at": self.at, "keys": self.keys, "rows": self.rows}
        optional = {
            "cursor": self.cursor,
            "stop": self.stop,
            "branch": self.branch,
            "older": self.older,
            "total": self.total,
            "size": self.size,
            "within": self.within,
        }
        given = {name: value for name, value in optional.items() if value or (name == "cursor" and value is not None)}
        return orjson.dumps(members | given).decode()

    __str__ = to_json

    @classmethod
    def from_json(cls, text: str | bytes | Resumable) -> Self:
        """Read one from its text.

        Args:
            text: What ``to_json()`` gave, or a checkpoint.

        Raises:
            CheckpointError: It is not a checkpoint, or of another version.
        """
        if isinstance(text, cls):
            return text
        return cls.of_members(_members("checkpoint", text))

    @classmethod
    def of_members(cls, members: dict[str, Any]) -> Self:
        """Read one from its decoded text."""
        _check_version("checkpoint", members)
        optional: dict[str, Any] = {"stop": [], "branch": 0, "older": [], "within": 0, **members}
        at, rows, branch, within = (_typed(optional, name, int) for name in ("at", "rows", "branch", "within"))
        cursor = None if members.get("cursor") is None else _typed(members, "cursor", str, int, float)
        total, size = (None if members.get(name) is None else _typed(members, name, int) for name in ("total", "size"))
        if min(at, rows, branch, within, total or 0) < 0 or (size is not None and size < 1):
            raise CheckpointError("the checkpoint is damaged: it holds a number that is too small")
        return cls(
            _typed(members, "query", str),
            at,
            _keys(members, "keys"),
            rows,
            cursor,
            _keys(optional, "stop"),
            branch,
            _older(optional),
            total,
            size,
            within,
        )

    @property
    def start(self) -> Start:
        """The place, as a plan takes it."""
        is_seam = self.rows == 0 and self.at > 0
        return Start(
            self.at,
            self.keys,
            self.cursor,
            self.within,
            self.stop,
            self.branch,
            self.older,
            self.total,
            self.size,
            is_seam,
        )

    @classmethod
    def of(cls, query: str, start: Start, rows: int) -> Self:
        """Make one of a place that a plan gives, after ``rows`` emitted rows."""
        older = tuple((distance, _plain((key,))[0]) for distance, key in start.older)
        return cls(
            query,
            start.at,
            _plain(start.keys),
            rows,
            start.cursor,
            _plain(start.stop),
            start.branch,
            older,
            start.total,
            start.size,
            start.within,
        )


@frozen
class Partition:
    """A part of a listing, for another process or machine: ``client.customers.from_partition(part)`` is its query.

    It carries the query's filter in clear, because whoever reads it needs it; never the credentials. ``str()`` and
    ``to_json()`` give it as text.
    """

    query: Mapping[str, Any] = field(hash=False)
    checkpoint: Checkpoint

    def to_json(self) -> str:
        """Return it as text."""
        place = orjson.loads(self.checkpoint.to_json())
        return orjson.dumps({"v": VERSION, "query": dict(self.query), "from": place}).decode()

    __str__ = to_json

    @classmethod
    def from_json(cls, text: "str | bytes | Partition") -> Self:
        """Read one from its text.

        Args:
            text: What ``to_json()`` gave, or a partition.

        Raises:
            CheckpointError: It is not a partition, or of another version.
        """
        if isinstance(text, cls):
            return text
        members = _members("partition", text)
        query, place = members.get("query"), members.get("from")
        if not isinstance(query, dict) or not isinstance(place, dict):
            raise CheckpointError("the partition is damaged: it lacks a query or a place")
        return cls(cast("dict[str, Any]", query), Checkpoint.of_members(cast("dict[str, Any]", place)))


def _members(what: str, text: object) -> dict[str, Any]:
    if not isinstance(text, str | bytes):
        raise CheckpointError(f"a {what} is text or a {what.capitalize()}, not {type(text).__name__}")
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise CheckpointError(f"this is not a {what}: {'it is not JSON' if text else 'it is empty'}") from None
    if not isinstance(value, dict):
        raise CheckpointError(f"this is not a {what}: a JSON object was expected")
    members = cast("dict[str, Any]", value)
    if what == "checkpoint" and "from" in members:
        raise CheckpointError(
            "this is a partition, not a checkpoint; read it with client.customers.from_partition(part)"
        )
    _check_version(what, members)
    return members


def _check_version(what: str, members: dict[str, Any]) -> None:
    if "v" not in members:
        raise CheckpointError(f"this is not a {what}: it has no version")
    version = members["v"]
    if not isinstance(version, int) or isinstance(version, bool):
        raise CheckpointError(f"the {what} is damaged: its version must be int, not {type(version).__name__}")
    if version != VERSION:
        raise CheckpointError(
            f"the {what} has version {version}, and this release reads version {VERSION}; make a new one"
        )


def _typed(members: dict[str, Any], name: str, *kinds: type) -> Any:
    value = members.get(name)
    if not isinstance(value, kinds) or isinstance(value, bool):
        allowed = " or ".join(kind.__name__ for kind in kinds)
        raise CheckpointError(f"the checkpoint is damaged: {name!r} must be {allowed}, not {type(value).__name__}")
    return value


def _keys(members: dict[str, Any], name: str) -> tuple[str | int, ...]:
    values = _typed(members, name, list)
    if not all(isinstance(value, str | int) and not isinstance(value, bool) for value in values):
        raise CheckpointError(f"the checkpoint is damaged: {name!r} must hold only text and whole numbers")
    return tuple(values)


def _older(members: dict[str, Any]) -> tuple[tuple[int, str | int], ...]:
    pairs = [cast("list[Any]", pair) if isinstance(pair, list) else [] for pair in _typed(members, "older", list)]
    distances = [pair[0] if len(pair) == 2 else None for pair in pairs]
    if not all(isinstance(distance, int) and not isinstance(distance, bool) and distance > 0 for distance in distances):
        raise CheckpointError("the checkpoint is damaged: 'older' must hold pairs of a number and a key")
    keys = _keys({"older": [pair[1] for pair in pairs]}, "older")
    return tuple(zip(cast("list[int]", distances), keys, strict=True))


def _plain(keys: tuple[Hashable, ...]) -> tuple[str | int, ...]:
    return tuple(key if isinstance(key, int) else str(key) for key in keys)
