"""Write every result of a run, or none of them, whenever the run is killed.

The results are prepared in a folder of their own. Renaming it to ``PENDING`` decides: from then on they are due, and
what is left to put in place, the next run puts there. The report stays in it until it was printed.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PENDING = ".regenerate_pending_cache"
_SCRATCH = ".regenerate_*_cache"
_SIGNALS = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM}


@contextlib.contextmanager
def alone(root: Path, *, reads_only: bool = False) -> Iterator[None]:
    """Wait until no other run writes, and keep others from it; remove what killed runs have left behind."""
    with contextlib.ExitStack() as stack:
        if (root / "openapi").is_dir():
            folder = os.open(root / "openapi", os.O_RDONLY)
            stack.callback(os.close, folder)
            fcntl.flock(folder, fcntl.LOCK_SH if reads_only else fcntl.LOCK_EX)
            if not reads_only:
                for left in root.glob(_SCRATCH):
                    if left.name != PENDING:
                        shutil.rmtree(left, ignore_errors=True)
        yield


@contextlib.contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """Yield a temporary folder on the same file system, so that its contents can be moved into place."""
    start, end = _SCRATCH.split("*")
    with tempfile.TemporaryDirectory(prefix=start, suffix=end, dir=root) as folder:
        yield Path(folder)


def commit(
    root: Path, prepared: Path, texts: Mapping[str, str], folders: Mapping[str, Path], report: Mapping[str, Any]
) -> None:
    """Put texts and folders in their places.

    Args:
        root: What the names of the places are relative to.
        prepared: A temporary folder on the same file system.
        texts: New content of files, by place.
        folders: New folders, by place; each replaces the whole old one.
        report: What is due once all of it is in place, as JSON; empty if nothing is.
    """
    stage = prepared / "stage"
    stage.mkdir()
    places = {}
    for number, (place, text) in enumerate(texts.items()):
        (stage / f"new_{number}").write_text(text, encoding="utf-8")
        places[f"new_{number}"] = place
    for number, (place, folder) in enumerate(folders.items(), len(places)):
        folder.rename(stage / f"new_{number}")
        places[f"new_{number}"] = place
    (stage / "places.json").write_text(json.dumps({"places": places, "report": report}), encoding="utf-8")
    with _uninterrupted():
        stage.rename(root / PENDING)
        finish(root)
        if not report:
            settle(root)


def is_pending(root: Path) -> bool:
    """Whether a killed run has left results that are not all in place, or a report that was not printed."""
    return (root / PENDING).exists()


def finish(root: Path) -> dict[str, Any]:
    """Put in place what an earlier run had decided; return its report if that is due still."""
    pending = root / PENDING
    if not pending.exists():
        return {}
    with _uninterrupted():
        due = json.loads((pending / "places.json").read_text(encoding="utf-8"))
        for name, place in due["places"].items():
            new, old = pending / name, root / place
            if not new.exists():  # it is in place
                continue
            old.parent.mkdir(parents=True, exist_ok=True)
            if new.is_dir() and old.exists():
                shutil.rmtree(pending / f"old_{name}", ignore_errors=True)
                old.rename(pending / f"old_{name}")
            new.replace(old)
    report: dict[str, Any] = due["report"]
    if not report:
        settle(root)
    return report


def settle(root: Path) -> None:
    """Forget the report: it was printed."""
    pending = root / PENDING
    if pending.exists():
        start, end = _SCRATCH.split("*")
        done = Path(tempfile.mkdtemp(prefix=start, suffix=end, dir=root))
        pending.rename(done / "done")  # at once; removing takes a while
        shutil.rmtree(done, ignore_errors=True)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
