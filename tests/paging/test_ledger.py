"""The bookkeeping of a listing, without an event loop: what is emitted of a page, and what the report says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readahead import DriftWarning, IgnoredFilterWarning
from readahead.errors import DecodeError, DriftError
from readahead.pages import Fetched
from readahead.paging.ledger import Ledger
from readahead.paging.plan import Span
from readahead.paging.styles import OffsetLimit

SPAN = Span(0, 10, (("offset", "0"), ("limit", "10")))


def unreadable(row):
    return DecodeError("it is missing or null", request="GET /rows", row=row, field="id")


def page(keys, *, bad=(), left_out=(), ignored=(), total=None):
    """A page of rows that are named like their keys."""
    rows = tuple(unreadable(key) if key in bad else f"row {key}" for key in keys)
    return Fetched(
        tuple(keys),
        rows=rows,
        total=total,
        uncounted=frozenset({*bad, *left_out, *ignored}),
        left_out=frozenset(left_out),
        ignored=dict.fromkeys(ignored, ("country",)),
    )


def plan(**options):
    return OffsetLimit().plan(10, 4, **options)


# ---- what is emitted


@settings(max_examples=300)
@given(
    st.lists(st.integers(0, 30), max_size=40),
    st.sets(st.integers(0, 30)),
    st.sets(st.integers(0, 30)),
    st.sets(st.integers(0, 30)),
    st.none() | st.integers(0, 20),
    st.booleans(),
)
def test_a_page_is_emitted_in_order_each_row_once_within_the_limit(keys, new, bad, left_out, limit, skip):
    """Rows that cannot be decoded stand in their place or are skipped; neither they nor what is left out count."""
    ledger, fetched = Ledger(limit=limit, skip_bad_rows=skip), page(keys, bad=bad, left_out=left_out - bad)
    emitted = ledger.emit(SPAN, frozenset(new & set(keys)), fetched)
    rows, passed, room = [], [], limit
    for key in dict.fromkeys(keys):
        if key in new and room != 0:
            passed.append(key)
            if key in bad:
                rows += [] if skip else [key]
            elif key not in left_out:
                rows.append(key)
                room = None if room is None else room - 1
    good = [key for key in rows if key not in bad]
    assert ledger.rows == len(good)
    assert ledger.report.rows == 0  # none of them is handed out yet
    if emitted is None:
        assert passed == []
        return
    assert emitted.passed == tuple(passed)
    assert emitted.keys == tuple(rows)
    assert emitted.page.rows == tuple(f"row {key}" for key in good)
    assert [isinstance(row, DecodeError) for row in emitted.rows] == [key in bad for key in rows]
    assert ledger.report.left_out == len([key for key in passed if key in left_out and key not in bad])
    assert len(ledger.report.bad_rows) == len([key for key in passed if key in bad])
    assert ledger.report.bad_row_count == len(ledger.report.bad_rows)
    assert ledger.is_full == (limit is not None and len(good) >= limit)


def test_a_page_without_a_new_row_is_not_emitted():
    """It is only read."""
    ledger = Ledger()
    assert ledger.emit(SPAN, frozenset(), page(range(3))) is None
    assert ledger.rows == 0


@pytest.mark.parametrize("how", [{"remember": True}, {"on_drift": "reread"}])
def test_where_keys_are_kept_no_row_is_emitted_twice(how):
    """Whichever listing or sweep brings it again."""
    ledger = Ledger(**how)
    assert ledger.emit(SPAN, frozenset(range(5)), page(range(5))).keys == (0, 1, 2, 3, 4)
    assert ledger.emit(SPAN, frozenset(range(3, 8)), page(range(3, 8))).keys == (5, 6, 7)


def test_a_page_knows_the_place_in_it():
    """Up to the row that was read last, what was left out before it included; closing it keeps the place."""
    emitted = Ledger().emit(SPAN, frozenset(range(6)), page(range(6), left_out={1, 4}))
    assert list(emitted.rows) == ["row 0", "row 2", "row 3", "row 5"]
    assert emitted.passed_so_far == ()
    emitted.rows.popleft()
    emitted.rows.popleft()
    assert emitted.passed_so_far == (0, 1, 2)
    emitted.close()
    assert (emitted.passed_so_far, list(emitted.rows)) == ((0, 1, 2), [])


def test_the_rest_of_a_page_is_read_at_once():
    """Unless a row of it cannot be decoded: that is an error, each time."""
    emitted = Ledger().emit(SPAN, frozenset(range(4)), page(range(4)))
    emitted.rows.popleft()
    assert emitted.rest().rows == ("row 1", "row 2", "row 3")
    assert list(emitted.rows) == []
    spoilt = Ledger().emit(SPAN, frozenset(range(4)), page(range(4), bad={2}))
    for _ in range(2):
        with pytest.raises(DecodeError):
            spoilt.rest()
    assert len(spoilt.rows) == 4


def test_rows_that_contradict_a_filter_are_counted_and_warned_about_once():
    """By field, whatever the number of pages."""
    ledger = Ledger()
    with pytest.warns(IgnoredFilterWarning, match="country") as warned:
        for first in (0, 10):
            ledger.emit(SPAN, frozenset(range(first, first + 4)), page(range(first, first + 4), ignored={first}))
    assert len(warned) == 1
    assert ledger.report.ignored_filters == {"country": 2}
    assert ledger.rows == 6


# ---- what the report says


def test_totals_of_several_listings_add_up():
    """One that changes is listed again; one of another listing is added to what there is."""
    ledger = Ledger()
    for branch, total in ((0, 50), (0, 50), (1, 7), (0, 51), (1, 7)):
        ledger.add_page(Span(0, 10, (), branch=branch), page(range(10), total=total))
    assert ledger.report.totals == [57, 58]
    assert (ledger.report.pages, ledger.report.short_pages) == (5, 0)


def test_drift_is_reported_warned_about_once_or_raised():
    """As ``on_drift`` says; the plan's own error is left in place."""
    drifting = plan()
    drifting.tally.mismatches = 2
    quiet, warning, raising = Ledger(), Ledger(on_drift="warn"), Ledger(on_drift="raise")
    quiet.check_drift(drifting)
    assert (quiet.report.drift, quiet.report.mismatches) == ("seen", 2)
    with pytest.warns(DriftWarning) as warned:
        warning.check_drift(drifting)
        warning.check_drift(drifting)
    assert len(warned) == 1
    raising.check_drift(drifting)
    assert isinstance(drifting.error, DriftError)
    failed = plan()
    failed.tally.mismatches, failed.error = 1, ConnectionError("gone")
    raising.check_drift(failed)
    assert isinstance(failed.error, ConnectionError)


def test_hidden_rows_make_drift_unverifiable_unless_it_was_seen():
    """Evidence says more than the lack of it."""
    hiding, ledger = plan(), Ledger()
    hiding.tally.hides_rows = True
    ledger.check_drift(hiding)
    assert ledger.report.drift == "unverifiable"
    hiding.tally.mismatches = 1
    ledger.check_drift(hiding)
    assert ledger.report.drift == "seen"


def test_a_list_is_read_again_while_it_drifts_four_times_at_most():
    """And only where that was asked for; then the report says that it still changed."""
    drifting, ledger = plan(), Ledger(on_drift="reread")
    assert not ledger.needs_sweep(drifting)
    drifting.tally.mismatches = 1
    assert not Ledger().needs_sweep(drifting)
    assert [ledger.needs_sweep(drifting) for _ in range(4)] == [True, True, True, False]
    ledger.conclude(drifting)
    assert (ledger.report.sweeps, ledger.report.complete) == (4, False)
    assert "still changed" in ledger.report.why


@pytest.mark.parametrize(
    ("limit", "gaps", "error", "complete", "why"),
    [
        (None, 0, None, True, "the end was reached"),
        (0, 0, ConnectionError("gone"), True, "the limit was reached"),
        (0, 2, ConnectionError("gone"), False, "2 gaps between pages could not be closed; rows may be missing there"),
        (None, 2, ConnectionError("gone"), False, "ConnectionError: gone"),
        (None, 2, None, False, "2 gaps between pages could not be closed; rows may be missing there"),
        (None, 1, None, False, "1 gap between pages could not be closed; rows may be missing there"),
    ],
)
def test_the_report_says_what_ended_the_listing(limit, gaps, error, complete, why):
    """It is complete only if nothing contradicts that."""
    ended, ledger = plan(), Ledger(limit=limit)
    ended.tally.gaps_open, ended.error = gaps, error
    ledger.check_drift(ended)
    ledger.conclude(ended)
    assert (ledger.report.complete, ledger.report.why) == (complete, why)


def test_a_report_reads_as_plain_english():
    """What did not happen is not mentioned."""
    ledger = Ledger()
    assert str(ledger.report) == "0 rows in 0 pages, 0 requests, not complete: not finished"
    report = ledger.report
    report.rows, report.pages, report.requests, report.retries = 1200, 13, 15, 2
    report.drift, report.mismatches, report.gaps_closed, report.gaps_open, report.duplicates = "seen", 1, 2, 1, 3
    report.totals, report.why = [1200, 1201], "rows may be missing"
    assert str(report) == (
        "1,200 rows in 13 pages, 15 requests (2 repeated), the list changed while it was read (1 mismatch), "
        "2 gaps closed, 1 gap not closed, 3 duplicates dropped, totals 1,200 → 1,201, "
        "not complete: rows may be missing"
    )


def test_progress_says_how_far_it_is():
    """By the rows read, also those left out, towards the total; or towards the limit, whichever comes first."""
    ledger = Ledger(limit=20)
    ledger.began = 100.0
    fetched = page(range(10), left_out={0, 1, 2, 3, 4}, total=100)
    ledger.add_page(SPAN, fetched)
    emitted = ledger.emit(SPAN, frozenset(range(10)), fetched)
    progress = ledger.progress(emitted.page, plan(), 3, 102.0)
    assert (progress.rows, progress.total, progress.in_flight, progress.rate) == (5, 100, 3, 2.5)
    assert progress.left == 6.0  # 15 rows to the limit, not 90 to the total


def test_a_report_keeps_the_first_hundred_bad_rows_and_counts_all():
    """A million bad rows are no leak."""
    ledger, keys = Ledger(skip_bad_rows=True), list(range(250))
    ledger.emit(SPAN, frozenset(keys), page(keys, bad=set(keys)))
    assert (len(ledger.report.bad_rows), ledger.report.bad_row_count) == (100, 250)
    assert "250 rows that could not be read" in str(ledger.report)
