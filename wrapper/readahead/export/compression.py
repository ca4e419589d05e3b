"""What a file's suffix says of its compression. Each piece is compressed on its own, so that a file can be cut between.

A gzip file of several members and a zstd file of several frames are what both formats call a file: their tools and most
libraries read them whole.
"""

import gzip
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import UsageError

__all__ = ["SUFFIXES", "compressor"]

Compress = Callable[[bytes | bytearray], bytes | bytearray]
SUFFIXES = (".gz", ".zst")
_ZSTD = ("compression.zstd", "backports.zstd")  # of the standard library from Python 3.14 on


def compressor(path: Path) -> Compress | None:
    """Return what compresses a piece of this file; None where its suffix names no compression.

    Raises:
        UsageError: The package that it needs is not installed.
    """
    match path.suffix.lower():
        case ".gz":
            return partial(gzip.compress, compresslevel=6, mtime=0)
        case ".zst":
            compress: Compress = _zstd(path).compress
            return compress
        case _:
            return None


def _zstd(path: Path) -> Any:
    for name in _ZSTD:
        try:
            return import_module(name)
        except ModuleNotFoundError:
            pass
    raise UsageError(
        f"{path.name} needs a package for zstd: pip install 'readahead[zstd]', or name the file .gz instead of .zst"
    )
