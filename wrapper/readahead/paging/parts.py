"""Where a listing can be divided into parts: positions, and the rows just before each. Pure.

A search yields the requests to send next, and is sent their responses or errors in that order. It returns a result.
"""

from collections.abc import Generator, Hashable
from typing import TypeAlias, TypeVar

from ..errors import ApiError, UsageError
from ..pages import Fetched
from .plan import NO_MORE, Span, Start
from .styles import Style

__all__ = ["Search", "search_parts"]

T = TypeVar("T")
Search: TypeAlias = Generator[list[Span], list[Fetched[object] | Exception], T]
ATTEMPTS = 3  # while the total changes
PROBE = 5  # rows that say where a part begins
AT_ONCE = 10  # requests: where the parts begin is not worth a burst


def search_parts(style: Style, parts: int, size: int) -> Search[list[Start]]:
    """Search at most ``parts - 1`` places, in order, about as far from each other. Fewer where rows are few or hidden.

    Args:
        style: How the API pages.
        parts: Parts to make at most.
        size: Rows in a page.
    """
    starts: list[Start] = []
    _ = _page(style, 0, PROBE)  # a style that cannot be split is refused before anything is sent
    for _ in range(ATTEMPTS):
        starts, is_still = yield from _search_once(style, parts, size)
        if is_still:
            break
    return starts


def _search_once(style: Style, parts: int, size: int) -> Search[tuple[list[Start], bool]]:
    """Search the places, and say whether the total held still meanwhile: else they may not follow each other."""
    rows, given = yield from _length(style, size)
    totals: set[int | None] = set()
    places = sorted({rows * part // parts // PROBE * PROBE for part in range(1, parts)} - {0})
    starts: list[Start] = []
    for first in range(0, len(places), AT_ONCE):
        batch = places[first : first + AT_ONCE]
        pages = yield [_page(style, place - PROBE, PROBE) for place in batch]
        for place, page in zip(batch, pages, strict=True):
            if isinstance(page, Fetched):
                totals.add(page.total)
            if keys := _keys(page)[:PROBE]:
                starts.append(Start(place - PROBE + len(keys), keys, size=given))  # behind them, if the list ends there
    if not starts:
        return [], True
    # A last page that comes again past the end comes again at each place there, which is no place to begin.
    (page,) = yield [_page(style, -(-rows // PROBE) * PROBE, PROBE)]
    repeated = _keys(page)
    return [start for start in starts if start.keys != repeated], len(totals) == 1


def _length(style: Style, size: int) -> Search[tuple[int, int | None]]:
    """Search the number of rows: as the API says, or by doubling and halving up to the last page that holds any.

    Returns also how many rows a page has, where fewer are given than were requested and a total promises more.
    """

    def keys_of(number: int) -> Search[tuple[Hashable, ...]]:
        (page,) = yield [_page(style, number * size, size)]
        return _keys(page)

    (first,) = yield [_page(style, 0, size)]
    if isinstance(first, Exception):
        raise first
    before = first.keys
    if first.total is not None or not before:
        return first.total or 0, len(before) if 0 < len(before) < min(size, first.total or 0) else None
    low, high = 0, 1  # pages: low holds rows, high does not
    while (past := (yield from keys_of(high))) and past != before:
        low, high, before = high, 2 * high, past
    if past:  # the last page is repeated past the end, and was so the time before
        low, high = low // 2, low
    while high - low > 1:
        middle = (low + high) // 2
        if (keys := (yield from keys_of(middle))) and keys != past:
            low = middle
        else:
            high = middle
    return high * size, None


def _keys(page: Fetched[object] | Exception) -> tuple[Hashable, ...]:
    if isinstance(page, ApiError) and page.status in NO_MORE:
        return ()  # it lies behind the end
    if isinstance(page, Exception):
        raise page
    return page.keys


def _page(style: Style, lo: int, rows: int) -> Span:
    span = style.exactly(lo, rows)
    if span is None:
        raise UsageError(
            "partitions() needs numbered pages or offsets, and a size of pages that can be chosen; "
            f"this list has {style.name}"
        )
    return span
