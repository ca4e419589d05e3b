"""From text to a target: a file by its suffix, a database by its URL."""

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import cast

from ..errors import UsageError, nearest, shown
from .compression import SUFFIXES
from .target import Target

__all__ = ["target_of"]

_FILES = {".ndjson": "NDJSON", ".jsonl": "NDJSON", ".csv": "CSV", ".parquet": "Parquet"}
_SQLITE = (".db", ".sqlite", ".sqlite3")
_POSTGRES = ("postgresql://", "postgres://")
_KNOWN = f"{', '.join(_FILES)} (the first three also with {' or '.join(SUFFIXES)}), {', '.join(_SQLITE)}"


def target_of(to: str | os.PathLike[str] | Target, table: str | None = None) -> Target:
    """Return a target: a file or a SQLite database by the suffix of its name, PostgreSQL by its URL.

    Args:
        to: A path, such as ``"customers.ndjson.zst"`` or ``"shop.db"``; a URL, such as ``"postgresql://..."``; or a
            target.
        table: The table, where ``to`` names a database. A file has none.

    Raises:
        UsageError: It is none of these, or needs a package that is not installed.
    """
    if not isinstance(to, str | os.PathLike):
        if not callable(getattr(cast("object", to), "begin", None)):
            raise UsageError(f"a listing is copied to a path, a URL or a target such as NDJSON(path), not {shown(to)}")
        return to
    text = os.fspath(to)
    if text.startswith(_POSTGRES):
        return _made("postgres", "Postgres", text, table)
    if "://" in text:
        raise UsageError(f"{text.partition('://')[0]}:// is no URL to copy to; use postgresql:// or the path of a file")
    path = Path(text)
    suffix = path.suffix.lower()
    if suffix in _SQLITE:
        return _made("sqlite", "SQLite", text, table)
    if suffix in SUFFIXES:
        suffix = path.with_suffix("").suffix.lower()
    if suffix not in _FILES:
        near = " or ".join(nearest(suffix, [*_FILES, *_SQLITE]))
        hint = f"; did you mean {near}?" if near else ", or use a target such as NDJSON(path)"
        what = f"{path.name!r} has the suffix {suffix!r}, which" if suffix else f"{path.name!r} has no suffix, so it"
        raise UsageError(f"{what} does not say what to write: {_KNOWN}{hint}")
    return _class(_FILES[suffix].lower(), _FILES[suffix])(text)


def _made(module: str, name: str, to: str, table: str | None) -> Target:
    if not table:
        raise UsageError(f"a database needs the name of a table: {name}(..., table='customers')")
    return _class(module, name)(to, table=table)


def _class(module: str, name: str) -> "Callable[..., Target]":
    found: Callable[..., Target] = getattr(import_module(f"{__package__}.{module}"), name)
    return found
