"""Copies in files: rows are appended to a file beside the target, which takes the target's name once it is whole.

Beside ``NAME`` lie, while a copy is not finished:

- ``NAME.part``: the rows so far. What stands behind the committed length was not committed, and is cut off.
- ``NAME.part.json``: the state: how far the copy is, of which query, and that length. It is replaced as a whole, after
  the rows that it speaks of are on the disk; so it is never ahead of them. It is there before the first row is, so that
  a ``NAME.part`` of somebody else is never touched.
- ``NAME.part.lock``: held by the process that writes.

At the end the state says that the rows are whole, then they take the target's name, then the state goes. So a state of
whole rows without rows means that they have their name.
"""

import os
import stat
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any, Self, cast

import orjson
from anyio.to_thread import run_sync
from attrs import asdict, evolve, frozen

from ..errors import TargetError, UsageError, shown
from .compression import compressor
from .locking import locked
from .target import Copy, Job, Progressed

__all__ = ["FileTarget", "Format", "digest"]

_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
_VERSION = 1


@frozen
class Format:
    """How rows of one class become a file.

    Attributes:
        layout: The same text for files that rows can be appended to: the format and its columns.
        encode: Makes the bytes of some rows.
        head: What the file begins with.
        build: Makes the file, the second path, of what was appended, the first one, step by step; None: what was
            appended is the file.
    """

    layout: str
    encode: Callable[[Sequence[Any]], bytes | bytearray]
    head: bytes = b""
    build: Callable[[Path, Path], Iterator[None]] | None = None


class FileTarget(ABC):
    """A file that a listing is copied to. It appears under its name only when it is whole.

    Args:
        path: The file. A suffix ``.gz`` or ``.zst`` says that it is compressed. A link is followed.

    Raises:
        UsageError: It is no path, or the package that its format needs is not installed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(cast("object", path), str | os.PathLike) or not os.fspath(path):
            raise UsageError(f"path must be the path of a file, not {shown(path)}")
        self.path = Path(path)
        self.compress = compressor(self.path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @abstractmethod
    def format_of(self, row: type) -> Format:
        """Return how rows of a class become a file of this kind."""

    @asynccontextmanager
    async def begin(self, job: Job) -> AsyncGenerator[Copy, None]:
        """Open it for a job, and close it when the block ends. No other process opens it in between.

        Raises:
            TargetError: It is in use, holds the unfinished copy of another query, or cannot be written.
        """
        opened = _OpenFile(self, job)
        try:
            await run_sync(opened.open)
            yield opened
        finally:
            opened.close()


@frozen
class _State:
    """What stands in ``NAME.part.json``.

    Attributes:
        length: Bytes of ``NAME.part`` that are committed.
        whole: Whether they are all rows.
        progressed: How far the copy is; empty before the first commit.
    """

    fingerprint: str
    layout: str
    length: int = 0
    whole: bool = False
    progressed: str = ""
    version: int = _VERSION

    def to_json(self) -> bytes:
        members = asdict(self)
        return orjson.dumps({"copy": members, "digest": digest(orjson.dumps(members))})

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Raise ValueError if it is damaged, whatever byte of it is."""
        found: Any = orjson.loads(text)
        try:
            members = found["copy"]
            if found["digest"] != digest(orjson.dumps(members)):
                raise ValueError
            return cls(**members)
        except (KeyError, TypeError):
            raise ValueError from None


class _OpenFile:
    """A file that is open for one job. All of it runs in worker threads, one at a time, but for closing."""

    def __init__(self, target: FileTarget, job: Job) -> None:
        self._job, self._name, self._compress = job, target.path, target.compress
        self._format = target.format_of(job.row)
        self._whole = Path(os.path.realpath(target.path))
        part = f"{self._whole}.part"
        self._part, self._build, self._lock = Path(part), Path(f"{part}.tmp"), Path(f"{part}.lock")
        self._shown = f"{target.path}.part" if self._whole == target.path.absolute() else part  # a link is elsewhere
        self._state_path, self._new_state = Path(f"{part}.json"), Path(f"{part}.json.tmp")
        self._state = _State(job.fingerprint, f"{self._format.layout}{target.path.suffix.lower()}")
        self._file, self._held = -1, ExitStack()
        self._is_ours = False  # what lies beside the target
        # A task that is cancelled outside of anyio does not wait for its thread, and closing has to.
        self._turn, self._closed = Lock(), False

    @property
    def progressed(self) -> Progressed | None:
        """How far an earlier run came."""
        return Progressed.from_json(self._state.progressed) if self._state.progressed else None

    async def write(self, rows: Sequence[Any], progressed: Progressed) -> None:
        """Append rows and commit them."""
        await run_sync(self._store, rows, progressed, False)

    async def finish(self, progressed: Progressed) -> None:
        """Give the file its name."""
        await run_sync(self._store, (), progressed, True)
        built = self._part
        if self._format.build is not None:
            built = self._build
            steps = self._format.build(self._part, built)
            while await run_sync(self._step, steps):
                pass
        await run_sync(self._rename, built)

    # ---- in a worker thread

    def open(self) -> None:
        with self._working():
            self._check_target()
            if not self._held.enter_context(locked(self._lock)):
                raise TargetError(f"{self._name} is being written by another copy; wait until it has ended")
            known = None if self._job.restart else self._unfinished()
            self._is_ours = True
            if known is None:
                self._commit(self._state)
            else:
                self._state = known
            self._file = os.open(self._part, os.O_RDWR | os.O_CREAT | _BINARY, self._mode() | 0o600)
            os.ftruncate(self._file, self._state.length)
            os.lseek(self._file, 0, os.SEEK_END)

    def _check_target(self) -> None:
        if not self._whole.parent.is_dir():
            raise TargetError(f"{self._name} cannot be written: there is no folder {self._whole.parent}; create it")
        if self._whole.exists() and not self._whole.is_file():
            kind = "a folder" if self._whole.is_dir() else "no regular file"
            raise TargetError(f"{self._name} is {kind}; name a file to copy to")

    def _unfinished(self) -> _State | None:
        """Return the state of a copy to go on with; None: there is nothing to go on with, or to lose."""
        size = self._part.stat().st_size if self._part.exists() else 0
        if not self._state_path.exists():
            if size:
                raise TargetError(
                    f"{self._shown} is there, and is not of an unfinished copy; remove it, or overwrite it with "
                    "restart=True"
                )
            return None
        try:
            known = _State.from_json(self._state_path.read_bytes())
        except ValueError:
            raise TargetError(
                f"{self._shown}.json is damaged, so the unfinished copy cannot go on; start it anew with restart=True"
            ) from None
        if not known.progressed or (known.whole and known.length and not size):
            return None
        if known.version != _VERSION or known.layout != self._state.layout:
            raise TargetError(
                f"{self._shown} is an unfinished copy with other columns or in another format, perhaps by another "
                "release; start it anew with restart=True, or copy into another file"
            )
        if known.fingerprint != self._job.fingerprint:
            raise TargetError(
                f"{self._shown} is the unfinished copy of another query, or was made with other credentials; copy into "
                "another file, or give that copy up with restart=True"
            )
        if size < known.length:
            raise TargetError(
                f"{self._shown} has {size:,} of {known.length:,} bytes, so rows of the unfinished copy are lost; start "
                "it anew with restart=True"
            )
        return evolve(known, whole=False)

    def _mode(self) -> int:
        """Return the permissions of the new file: those of the one that it replaces, or what the umask leaves."""
        return stat.S_IMODE(self._whole.stat().st_mode) if self._whole.exists() else 0o666

    def _store(self, rows: Sequence[Any], progressed: Progressed, whole: bool) -> None:  # noqa: FBT001
        data = self._format.encode(rows) if rows else b""
        if is_first := (data or whole) and not self._state.length:
            data = self._format.head + data
        with self._working():
            if self._compress is not None and (data or is_first):  # nothing, compressed, is not nothing
                data = self._compress(data)
            if data:
                _write(self._file, data)
                os.fsync(self._file)
            length = self._state.length + len(data)
            self._commit(evolve(self._state, length=length, whole=whole, progressed=progressed.to_json()))

    def _commit(self, state: _State) -> None:
        file = os.open(self._new_state, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o666)
        try:
            _write(file, state.to_json())
            os.fsync(file)
        finally:
            os.close(file)
        self._new_state.replace(self._state_path)
        self._state = state

    def _step(self, steps: Iterator[None]) -> bool:
        with self._working():
            return next(steps, self) is None

    def _rename(self, built: Path) -> None:
        with self._working():
            os.close(self._file)
            self._file = -1
            if self._whole.exists():
                built.chmod(self._mode())
            if built != self._part:
                _sync(built)
            built.replace(self._whole)
            _sync(self._whole.parent)
            self._part.unlink(missing_ok=True)
            self._state_path.unlink(missing_ok=True)
            self._is_ours = False

    @contextmanager
    def _working(self) -> Generator[None, None, None]:
        with self._turn:
            if self._closed:
                raise TargetError(f"{self._name} is closed")
            try:
                yield
            except OSError as error:
                raise TargetError(
                    f"{self._name} cannot be written: {error.strerror or error}; rows that are stored are kept, and "
                    "the same call goes on behind them"
                ) from error

    def close(self) -> None:
        """Let go of it. A copy that stored no row leaves nothing behind."""
        with self._turn:
            self._closed = True
            if self._file >= 0:
                os.close(self._file)
            with suppress(OSError):
                if self._is_ours:
                    self._build.unlink(missing_ok=True)
                    self._new_state.unlink(missing_ok=True)
                    if not self._state.length:
                        self._part.unlink(missing_ok=True)
                        self._state_path.unlink(missing_ok=True)
            self._file = -1
            with suppress(OSError):
                self._held.close()


def digest(data: bytes) -> str:
    """Return a text that is another one for other data."""
    return blake2b(data, digest_size=12).hexdigest()


def _write(file: int, data: bytes | bytearray) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    if sys.platform == "win32" and path.is_dir():
        return  # it cannot be opened there
    file = os.open(path, os.O_RDONLY | _BINARY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
