"""Copies as Parquet. Such a file cannot be appended to, so rows are kept as a stream of Arrow until all are there."""

import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from ..arrow import rows_to_arrow
from ..errors import TargetError, UsageError
from .csv import other_name
from .files import FileTarget, Format, digest

__all__ = ["Parquet"]

_ROWS, _BYTES = 65_536, 1 << 26  # of a row group, whichever is reached first


class Parquet(FileTarget):
    """A Parquet file whose columns have the types that the API's document declares, compressed with zstd inside.

    The columns are those of ``readahead.arrow.rows_to_arrow``, by the API's names, and ``_other``: a JSON object of
    what a row's columns cannot hold. These are undeclared fields, and values that are not of the declared type, such as
    text where an integer is declared: that column is null then. Rows wait in an Arrow stream beside the file until all
    are there, so that a copy can go on; then they become row groups of about 65,536 rows, one at a time.

    Args:
        path: The file. A link is followed.

    Raises:
        UsageError: It is no path, or has a suffix of compression, or the extra ``parquet`` is not installed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        if self.compress is not None:
            raise UsageError(
                f"a Parquet file is compressed inside; name it {self.path.with_suffix('').name}, without "
                f"{self.path.suffix}"
            )
        try:
            import_module("pyarrow.parquet")
        except ModuleNotFoundError:
            raise UsageError("Parquet needs a package: pip install 'readahead[parquet]'") from None

    def format_of(self, row: type) -> Format:
        """Return how rows of a class become a file."""
        other = other_name(cast("Any", row).FIELDS)

        def encode(rows: Sequence[Any]) -> bytes:
            table = rows_to_arrow(rows, row, other=other).combine_chunks()
            return b"".join(batch.serialize().to_pybytes() for batch in table.to_batches())

        schema = rows_to_arrow([], row, other=other).schema
        return Format(f"parquet {digest(str(schema).encode())} ", encode, schema.serialize().to_pybytes(), _build)


def _build(stream: Path, file: Path) -> Iterator[None]:
    """Make the Parquet file, a row group in each step."""
    pa, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    group: list[Any] = []
    try:
        with (
            pa.OSFile(str(stream)) as source,
            pa.ipc.open_stream(source) as batches,
            parquet.ParquetWriter(str(file), batches.schema, compression="zstd") as writer,
        ):
            for batch in batches:
                group.append(batch)
                if sum(one.num_rows for one in group) >= _ROWS or sum(one.nbytes for one in group) >= _BYTES:
                    writer.write_table(pa.Table.from_batches(group))
                    group.clear()
                    yield
            if group:
                writer.write_table(pa.Table.from_batches(group))
    except pa.ArrowInvalid as error:
        raise TargetError(f"{stream} is damaged ({error}); start the copy anew with restart=True") from None
