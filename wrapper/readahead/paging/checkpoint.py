"""A place in a listing, and a part of one, as small JSON. Pure."""

from collections.abc import Hashable, Mapping
from typing import Any, Self, cast

import orjson
from attrs import field, frozen

from ..errors import CheckpointError, Resumable, shown
from .plan import Start

__all__ = ["Checkpoint", "Partition"]

VERSION = 1


@frozen
class Checkpoint:
    """A place in a listing: ``query.prefetch(resume=checkpoint)`` yields the rest, in this process or another.

    It holds a position, the keys of a few rows handed out last, and a fingerprint of the query, which has to be built
    again; neither the credentials nor the value of a filter. ``str()`` and ``to_json()`` give it as text.
    """

    query: str
    at: int
    keys: tuple[str | int, ...]
    given: int
    cursor: str | None = None
    stop: tuple[str | int, ...] = ()
    branch: int = 0

    def to_json(self) -> str:
        """As text."""
        members = {"v": VERSION, "query": self.query, "at": self.at, "keys": list(self.keys), "given": self.given}
        if self.cursor is not None:
            members["cursor"] = self.cursor
        if self.stop:
            members["stop"] = list(self.stop)
        if self.branch:
            members["branch"] = self.branch
        return orjson.dumps(members).decode()

    __str__ = to_json

    @classmethod
    def from_json(cls, text: "Resumable | str | bytes") -> Self:
        """From its text. Raises CheckpointError."""
        if isinstance(text, Checkpoint):
            return cast("Self", text)
        if not isinstance(text, str | bytes):
            raise CheckpointError(f"a checkpoint is text or a Checkpoint, not {shown(text)}")
        members = _members("checkpoint", text)
        made = cls(
            _typed(members, "query", str),
            _typed(members, "at", int),
            _keys(members, "keys"),
            _typed(members, "given", int),
            None if members.get("cursor") is None else _typed(members, "cursor", str),
            _keys(members, "stop") if "stop" in members else (),
            _typed(members, "branch", int) if "branch" in members else 0,
        )
        if made.at < 0 or made.given < 0 or made.branch < 0:
            raise CheckpointError("checkpoint: a negative number is no place in a listing")
        return made

    @property
    def start(self) -> Start:
        """As a plan takes it."""
        return Start(self.at, self.keys, self.cursor, self.stop, self.branch)

    @classmethod
    def of(cls, query: str, start: Start, given: int) -> Self:
        """From what a plan gives."""
        return cls(query, start.at, _plain(start.keys), given, start.cursor, _plain(start.stop), start.branch)


@frozen
class Partition:
    """A part of a listing, for another process or machine: ``client.customers.partition(part)`` is its query.

    It carries the query's filter in clear, because whoever reads it needs it; never the credentials.
    """

    query: Mapping[str, Any] = field(hash=False)
    checkpoint: Checkpoint

    def to_json(self) -> str:
        """As text."""
        return orjson.dumps(
            {"v": VERSION, "query": dict(self.query), "from": orjson.loads(self.checkpoint.to_json())}
        ).decode()

    __str__ = to_json

    @classmethod
    def from_json(cls, text: "str | bytes | Partition") -> Self:
        """From its text. Raises CheckpointError."""
        if isinstance(text, Partition):
            return cast("Self", text)
        members = _members("partition", text)
        query, place = members.get("query"), members.get("from")
        if not isinstance(query, dict) or not isinstance(place, dict):
            raise CheckpointError("partition: it has no query or no place")
        return cls(cast("dict[str, Any]", query), Checkpoint.from_json(orjson.dumps(place)))


def _members(what: str, text: str | bytes) -> dict[str, Any]:
    try:
        found: Any = orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise CheckpointError(f"{what}: this is no {what}: {error}") from None
    if not isinstance(found, dict):
        raise CheckpointError(f"{what}: this is no {what}: it is not an object")
    members = cast("dict[str, Any]", found)
    if what == "checkpoint" and "from" in members:
        raise CheckpointError("checkpoint: this is a partition; it is read as client.customers.partition(part)")
    if "v" not in members:
        raise CheckpointError(f"{what}: this is no {what}: it has no version")
    if members["v"] != VERSION:
        raise CheckpointError(f"{what}: version {members['v']!r} was given; this release reads version {VERSION}")
    return members


def _typed(members: dict[str, Any], name: str, kind: type) -> Any:
    value = members.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise CheckpointError(f"checkpoint: its {name!r} is {value!r}; due is {kind.__name__}")
    return value


def _keys(members: dict[str, Any], name: str) -> tuple[str | int, ...]:
    values = _typed(members, name, list)
    if not all(isinstance(value, str | int) for value in values):
        raise CheckpointError(f"checkpoint: its {name!r} hold something else than text and whole numbers")
    return tuple(values)


def _plain(keys: tuple[Hashable, ...]) -> tuple[str | int, ...]:
    return tuple(key if isinstance(key, int) else str(key) for key in keys)
