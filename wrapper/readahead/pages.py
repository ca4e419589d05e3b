"""What the user holds of a listing: its pages, and the report of how it went."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from attrs import define, field, frozen

__all__ = ["Page", "Report"]

T = TypeVar("T")


@frozen
class Page(Generic[T]):
    """One answer of a listing.

    rows: those of its rows that belong to the listing. total: rows in the whole listing, where the API says so.
    status, headers (lower-case names), request_id: of the answer; status is None where no
    request was needed. position: the paging parameters asked with.
    """

    rows: tuple[T, ...]
    total: int | None
    status: int | None
    headers: Mapping[str, str] = field(repr=False, eq=False)
    request_id: str | None
    position: Mapping[str, str]

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@define
class Report:
    """How a listing went; it counts while the listing runs.

    rows: handed out. pages: read. requests: sent, repeats included. retries: the repeats among them. waited: seconds
    that requests were held back, for the budget, a pause the API asked for, or a retry. totals: every total the API
    named, in order of its first sight. complete: whether the listing reached its end; why: what ended it.
    """

    rows: int = 0
    pages: int = 0
    requests: int = 0
    retries: int = 0
    waited: float = 0.0
    totals: list[int] = field(factory=list[int])
    bad_rows: list[str] = field(factory=list[str])
    complete: bool = False
    why: str = "not finished"

    def __str__(self) -> str:
        parts = [
            f"{self.rows:,} rows in {self.pages:,} pages",
            f"{self.requests:,} requests" + (f" ({self.retries} repeated)" if self.retries else ""),
        ]
        if self.waited >= 0.0005:
            parts.append(f"held back {self.waited:.2f} s")
        if len(self.totals) > 1:
            parts.append(f"totals {' → '.join(f'{total:,}' for total in self.totals)}")
        if self.bad_rows:
            parts.append(f"{len(self.bad_rows)} rows that could not be read")
        parts.append("complete" if self.complete else f"not complete: {self.why}")
        return ", ".join(parts)
