"""Where a listing is divided, searched without an event loop."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readahead.errors import NotFound, ServerError
from readahead.pages import Fetched
from readahead.paging.parts import AT_ONCE, search_parts
from readahead.paging.styles import OffsetLimit, PageNumber

STYLES = st.sampled_from([OffsetLimit(), PageNumber()])


def answered(search, respond):
    """What a search finds, and how many requests it took; each is answered with ``respond(span)``."""
    spans, requests = next(search), 0
    while True:
        assert 0 < len(spans) <= AT_ONCE
        requests += len(spans)
        try:
            spans = search.send([respond(span) for span in spans])
        except StopIteration as end:
            return end.value, requests


def listing(rows, *, total):
    def respond(span):
        return Fetched(tuple(range(rows))[span.lo : span.hi], total=rows if total else None)

    return respond


def failing(status):
    kind = {404: NotFound, 500: ServerError}[status]
    return kind(f"status {status}", status=status, request="GET /rows")


@settings(max_examples=300)
@given(STYLES, st.integers(0, 2000), st.integers(1, 40), st.integers(1, 100), st.booleans())
def test_parts_begin_behind_the_rows_that_they_name(style, rows, parts, size, total):
    """In order, fewer than the parts; each place is that of the row after its keys."""
    starts, requests = answered(search_parts(style, parts, size), listing(rows, total=total))
    assert len(starts) < max(parts, 1)
    assert [start.at for start in starts] == sorted({start.at for start in starts})
    for start in starts:
        assert start.keys == tuple(range(start.at - len(start.keys), start.at))
        assert start.keys
    assert requests <= parts + 1 if total else requests <= parts + 2 * (rows // size + 2).bit_length() + 3


def test_an_offset_that_is_refused_past_the_end_does_no_harm():
    """What lies there is asked for only to know a last page that is repeated."""

    def respond(span):
        return failing(404) if span.lo >= 100 else listing(100, total=True)(span)

    starts, _ = answered(search_parts(OffsetLimit(), 4, 50), respond)
    assert [start.at for start in starts] == [25, 50, 75]


def test_a_last_page_that_is_repeated_is_no_place_to_begin():
    """A total that is too high leads past the end, where the last rows come again at each place."""

    def respond(span):
        rows = tuple(range(100))[span.lo : span.hi] or tuple(range(100))[-(span.hi - span.lo) :]
        return Fetched(rows, total=400)

    starts, _ = answered(search_parts(OffsetLimit(), 8, 50), respond)
    assert [start.at for start in starts] == [50]


def test_an_error_ends_the_search():
    """It is raised as it is."""
    with pytest.raises(ServerError):
        answered(search_parts(OffsetLimit(), 4, 50), lambda span: failing(500))


@pytest.mark.parametrize("style", [OffsetLimit(), PageNumber()])
def test_parts_know_a_cap(style):
    """It is what positions of numbered pages depend on."""

    def respond(span):
        return Fetched(tuple(range(300))[span.lo : span.hi][:50], total=300)

    starts, _ = answered(search_parts(style, 3, 100), respond)
    assert [start.size for start in starts] == [50, 50]
