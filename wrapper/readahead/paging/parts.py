"""Where a listing can be parted: positions, and the rows just before them."""

from collections.abc import Hashable
from contextlib import suppress

import anyio

from ..errors import ApiError, UsageError
from .plan import Span, Start
from .stream import Fetch, T
from .styles import Style

__all__ = ["find_seams"]

SEAM = 5  # rows that say where a part begins


async def find_seams(style: Style, parts: int, fetch: Fetch[T], size: int) -> list[Start]:
    """At most ``parts - 1`` places, in order, about as far from each other. Fewer where rows are few or hidden."""
    rows = await _length(style, fetch, size)
    places = sorted({rows * part // parts // SEAM * SEAM for part in range(1, parts)} - {0})
    found: dict[int, Start] = {}
    failed: list[Exception] = []

    async def look(place: int) -> None:
        try:
            fetched = await fetch(_page(style, place - SEAM, SEAM))
        except Exception as error:  # noqa: BLE001  raised below, not inside a group
            failed.append(error)
        else:
            if keys := fetched.seen.keys[:SEAM]:
                found[place] = Start(place - SEAM + len(keys), keys)  # behind them, if the list ends there

    # Ten at a time: a part is as good as its seam, and finding them is not worth a burst.
    for tens in range(0, len(places), 10):
        async with anyio.create_task_group() as tasks:
            for place in places[tens : tens + 10]:
                tasks.start_soon(look, place)
        if failed:
            raise failed[0]
    again = await _past(style, fetch, rows) if found else ()
    return [found[place] for place in sorted(found) if found[place].keys != again]


async def _past(style: Style, fetch: Fetch[T], rows: int) -> tuple[Hashable, ...]:
    """Keys of a page past the end, where there should be none: the last page may come again, for each place there."""
    with suppress(ApiError):  # an offset too large is refused
        return (await fetch(_page(style, -(-rows // SEAM) * SEAM, SEAM))).seen.keys
    return ()


async def _length(style: Style, fetch: Fetch[T], size: int) -> int:
    """The number of rows: as the API says, or where a doubling search finds the last page that holds any."""

    async def keys(page: int) -> tuple[Hashable, ...]:
        return (await fetch(_page(style, page * size, size))).seen.keys

    first = (await fetch(_page(style, 0, size))).seen
    if first.total is not None or not first.keys:
        return first.total or 0
    low, high, held = 0, 1, first.keys  # pages: low holds rows, high does not
    while (past := await keys(high)) and past != held:
        low, high, held = high, 2 * high, past
    if past:  # the last page comes again past the end, and came so the time before
        low, high = low // 2, low
    while high - low > 1:
        middle = (low + high) // 2
        if (found := await keys(middle)) and found != past:
            low = middle
        else:
            high = middle
    return high * size


def _page(style: Style, lo: int, rows: int) -> Span:
    span = style.exactly(lo, rows)
    if span is None:
        raise UsageError("partitions: this API pages by cursor, and only its last page knows where the next begins")
    return span
