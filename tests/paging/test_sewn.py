"""The sewn chain against hostile servers, in virtual time: no row lost, none twice, few requests, an end always.

What is measured here over a few seeds, ``scripts/bench hostile`` shows over thirty.
"""

import itertools
import math
from statistics import fmean

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from simulator import LATENCY, Server, Writes, read

from effort import examples
from readahead.pages import Fetched
from readahead.paging.checkpoint import Checkpoint
from readahead.paging.grids import NumberGrid, OffsetGrid
from readahead.paging.memory import LANDMARKS, ROWS
from readahead.paging.plan import Start
from readahead.paging.server import ServerModel
from readahead.paging.sewn import AHEAD, SewnPlan
from readahead.paging.styles import OffsetLimit, PageNumber
from readahead.paging.window import AutoWindow

OFFSET, NUMBERED = OffsetLimit(), PageNumber()
STYLES = pytest.mark.parametrize("style", [OFFSET, NUMBERED], ids=["offset", "numbered"])
WINDOWS = [1, 2, 5, 16, "auto"]
ORDERED = pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "as they arrive"])
SEEDS = range(4)

STABLE = {
    "as documented": {},
    "cap of 50": {"cap": 50},
    "cap of 50, size not said": {"cap": 50, "says_size": False},
    "cap of 50, pages trimmed": {"cap": 50, "trims": True, "says_size": False},
    "cap of 30": {"cap": 30},
    "cap of 20": {"cap": 20},
    "cap of 7": {"cap": 7},
    "cap of 50, 10% hidden": {"cap": 50, "hide": 0.1},
    "cap of 50, 30% hidden": {"cap": 50, "hide": 0.3},
    "cap of 30, 30% hidden": {"cap": 30, "hide": 0.3},
    "cap of 50 from the 8th request on": {"cap": 50, "cap_at": 8},
    "pages of 50 always": {"always": 50},
    "pages of 50 always, size not said": {"always": 50, "says_size": False},
    "10% hidden": {"hide": 0.1},
    "30% hidden": {"hide": 0.3},
    "60% hidden": {"hide": 0.6},
    "60% hidden, no total": {"hide": 0.6, "total": None},
    "80 running hidden": {"hole": (400, 480)},
    "last page repeated": {"repeats_last": True},
    "last page repeated, no total": {"repeats_last": True, "total": None},
    "last page repeated, 30% hidden": {"repeats_last": True, "total": None, "hide": 0.3},
    "last page repeated, cap of 50": {"repeats_last": True, "total": None, "cap": 50},
    "limit ignored": {"ignores_limit": True},
    "limit ignored, no total": {"ignores_limit": True, "total": None},
    "no total": {"total": None},
    "total": {"total": "right"},
    "total too low": {"total": 1000},
    "total of 0": {"total": 0},
    "total too high": {"total": 5000},
    "total changing": {"total": "changing"},
    "size not said": {"says_size": False},
    "400 beyond the end": {"deepest": 2100},
    **{f"{count} rows": {"count": count} for count in (0, 1, 37, 99, 100, 101, 200, 2000)},
}


def server(style, seed=1, **how):
    return Server(**{"total": "right" if style is NUMBERED else None, "seed": seed, **how})


def listing(style, window, box, seed, **how):
    return read(style, AutoWindow() if window == "auto" else window, box, seed=seed, **how)


def serial(style, box):
    """Requests that a listing page by page needs, which knows what the server is like."""
    if box.ignores_limit:
        return 2
    proof = 0 if style is NUMBERED and box.total in {"right", "changing"} else 1
    return max(1, math.ceil(box.count / min(box.cap or box.always or 100, 100)) + proof)


def bounded(outcome):
    """What is held of the listing does not grow with it."""
    window, plan = outcome.largest, outcome.plan
    assert outcome.held <= max(window, 2)  # a window of one holds one more while a gap is closed
    assert outcome.peak <= window
    assert outcome.kept <= window + AHEAD + 1
    assert outcome.keys <= ROWS + LANDMARKS + 2 * (window + AHEAD) * plan.server.asked


# ---- quiet lists


@STYLES
@ORDERED
@pytest.mark.parametrize("name", STABLE)
def test_every_stable_server_yields_exactly_its_rows(name, style, ordered):
    """All of its rows, once, in order, for 1.5 times the serial requests, the window and what shows the end."""
    for window, seed in itertools.product(WINDOWS, SEEDS):
        box = server(style, seed, **STABLE[name])
        outcome = listing(style, window, box, seed, ordered=ordered)
        visible = [row for row in range(box.count) if box.shows(row)]
        assert outcome.ended
        assert outcome.rows == visible if ordered else sorted(outcome.rows) == visible
        disproof = 3 if isinstance(box.total, int) else 8 if box.hide else 0
        dear = 1.9 if name == "cap of 7" and style is NUMBERED else 1.5  # the edges of such pages often coincide
        assert outcome.requests <= dear * serial(style, box) + outcome.largest + disproof
        assert outcome.plan.tally.gaps_open == 0
        bounded(outcome)


@STYLES
@ORDERED
@pytest.mark.parametrize("name", [name for name in STABLE if name != "total changing"])
def test_a_quiet_list_raises_no_alarm(name, style, ordered):
    """With the settings that see drift, permission filtering and every other fault included."""
    for window, seed in itertools.product(WINDOWS, SEEDS):
        assert (
            listing(style, window, server(style, seed, **STABLE[name]), seed, ordered=ordered).plan.tally.mismatches
            == 0
        )


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_total_that_is_never_the_same_does_not_make_a_short_list_endless(count, window):
    """Nor does a last page that comes again wherever it is looked for: after so many answers there is nothing more."""
    box = Server(count, repeats_last=True, total="changing", hole=(0, 1))
    assert listing(OFFSET, window, box, 1).ended


@STYLES
@pytest.mark.parametrize("hide", [0.1, 0.3, 0.6])
def test_where_rows_are_hidden_the_plan_says_so(style, hide):
    """It is what makes the report "unverifiable" where no drift was seen; a list that hides none never says it."""
    assert all(listing(style, window, server(style, hide=hide), 1).plan.tally.hides_rows for window in WINDOWS)
    assert not any(listing(style, window, server(style), 1).plan.tally.hides_rows for window in WINDOWS)


@pytest.mark.parametrize(
    ("style", "total", "window", "most"),
    [
        *((NUMBERED, "right", window, 24) for window in (1, 8, "auto")),
        *((OFFSET, "right", window, 22) for window in (1, 8, "auto")),
        *((OFFSET, None, window, most) for window, most in ((1, 23), (8, 30), ("auto", 29))),
    ],
)
def test_a_quiet_list_costs_what_the_guide_says(most, window, total, style):
    """2,037 rows, the table of ``docs/guide/changing-lists.md``."""
    assert max(listing(style, window, Server(total=total, seed=s), s).requests for s in range(8)) == most


@STYLES
@pytest.mark.parametrize("window", WINDOWS)
def test_a_quiet_list_costs_one_overlap_more(window, style):
    """2,037 rows: 23 requests instead of 22 by offset, and the window; 24 instead of 21 by number, with a total."""
    counts = [listing(style, window, server(style, seed), seed) for seed in SEEDS]
    for outcome in counts:
        assert outcome.requests <= (24 if style is NUMBERED else 23 + outcome.largest)
    if window == 1 or style is NUMBERED:
        assert {outcome.requests for outcome in counts} == {24 if style is NUMBERED else 23}


@STYLES
def test_a_window_of_eight_is_over_four_times_as_fast(style):
    """10,000 rows in virtual time; one answer in fifty takes three to eight times as long."""
    one, eight = (
        fmean(listing(style, window, server(style, s, count=10_000), s).seconds for s in SEEDS) for window in (1, 8)
    )
    assert one > 4 * eight


# ---- lists that change

KINDS = ["insert", "append", "delete", "mixed", "balanced", "moves", "anywhere"]


@STYLES
@ORDERED
@pytest.mark.parametrize("every", [0.02, 0.005], ids=["20 ms", "5 ms"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_row_is_lost_and_none_comes_twice_while_the_list_changes(kind, every, style, ordered):
    """A write each 5 or 20 ms; a request takes 50. Rows there throughout arrive, once, in order; drift is seen."""
    for window, seed in itertools.product(WINDOWS, SEEDS):
        outcome = listing(style, window, server(style, seed), seed, writes=Writes(kind, every), ordered=ordered)
        assert outcome.ended
        assert (outcome.missing, outcome.twice) == (0, 0)
        assert outcome.ordered or not ordered
        assert outcome.plan.tally.mismatches > 0 or not outcome.evidence
        bounded(outcome)


@STYLES
@ORDERED
@pytest.mark.parametrize("many", [50, 150, 500])
@pytest.mark.parametrize("kind", ["insert", "delete"])
def test_no_row_is_lost_when_many_are_written_at_once(kind, many, style, ordered):
    """Early, in the middle or near the end of the listing."""
    for window, seed in itertools.product(WINDOWS, (0, 5, 11, 17)):
        writes = Writes(kind, burst=(2 + seed, many))
        outcome = listing(style, window, server(style, seed), seed, writes=writes, ordered=ordered)
        assert outcome.ended
        assert (outcome.missing, outcome.twice) == (0, 0)
        assert outcome.ordered or not ordered
        assert outcome.plan.tally.mismatches > 0 or not outcome.evidence
        assert outcome.requests <= 1.5 * serial(style, server(style)) + many / 10 + outcome.largest
        bounded(outcome)


@pytest.mark.parametrize("window", WINDOWS)
def test_a_gap_is_closed_with_what_the_server_gives(window):
    """A cap of 30, and a write each 10 ms: what lies about an edge is asked for, and nothing farther off."""
    for seed in SEEDS:
        writes = Writes("insert", 0.01)
        outcome = listing(OFFSET, window, server(OFFSET, seed, count=150, cap=30), seed, writes=writes)
        assert outcome.ended
        assert (outcome.missing, outcome.twice) == (0, 0)


@pytest.mark.parametrize("window", WINDOWS)
def test_more_rows_that_come_again_than_there_are_positions_are_drift(window):
    """Though rows are hidden, so that the pages are not full: 60 rows are inserted before each request."""
    for seed in (1, 2, 3):
        writes = Writes("insert", burst=(2, 60))
        assert listing(OFFSET, window, server(OFFSET, seed, hide=0.3), seed, writes=writes).plan.tally.mismatches


@STYLES
def test_writes_cost_few_requests(style):
    """A write each 20 ms: on average 15% more than without overlap by offset, 19% by number; 32% and 40% each 5 ms."""
    for every, (offset, numbered) in {0.02: (0.15, 0.19), 0.005: (0.32, 0.40)}.items():
        more = []
        for window, kind in itertools.product((1, 2, 5, 16), KINDS):
            plain = [listing(style, window, server(style, s), s, make=without_overlap(style)).requests for s in SEEDS]
            needed = [listing(style, window, server(style, s), s, writes=Writes(kind, every)).requests for s in SEEDS]
            more.append(fmean(needed) / fmean(plain) - 1)
        assert fmean(more) < (numbered if style is NUMBERED else offset)


def without_overlap(style):
    def make(window):
        grid = NumberGrid("page", "size", 100) if style is NUMBERED else OffsetGrid("offset", "limit", 100)
        return SewnPlan(window, None, True, Start(), ServerModel(grid, 0))

    return make


@STYLES
@pytest.mark.parametrize("kind", ["insert", "delete"])
def test_positions_alone_lose_rows(kind, style):
    """What the overlap is for: without it and without sewing, the same listings lose rows or give them twice."""
    lost = 0
    for window, seed in itertools.product((1, 5, 16), SEEDS):
        box = server(style, seed)
        outcome = read(style, window, box, seed=seed, writes=Writes(kind, 0.005), make=without_overlap(style))
        lost += outcome.missing + outcome.plan.tally.duplicates
    assert lost > 10


# ---- what keeps it small


@STYLES
def test_a_slow_consumer_and_a_straggler_do_not_let_it_grow(style):
    """Pages wait for the consumer, or for one that is late, within the window."""
    for window, seed in itertools.product((1, 2, 5, 16), SEEDS):
        outcome = listing(style, window, server(style, seed), seed, consume=20 * LATENCY)
        assert outcome.held <= window
        assert outcome.missing == 0


@STYLES
@ORDERED
def test_memory_does_not_grow_with_the_list(style, ordered):
    """Ten times the rows: as many keys and spans are remembered."""
    for window in (1, 16):
        small, large = (
            listing(style, window, server(style, count=count), 1, ordered=ordered) for count in (6_000, 60_000)
        )
        assert large.rows[-1] and len(large.rows) == 60_000
        assert large.keys <= max(small.keys * 1.1, ROWS + LANDMARKS + (3 * window + AHEAD) * 100)
        assert large.kept <= window + AHEAD + 1


# ---- checkpoints and parts


@settings(max_examples=examples(300), deadline=None)
@given(
    st.data(),
    st.sampled_from([OFFSET, NUMBERED]),
    st.integers(1, 400),
    st.integers(2, 100),
    st.integers(1, 16),
    st.integers(1, 16),
    st.booleans(),
    st.sampled_from([{}, {"cap": 30}, {"always": 50}, {"repeats_last": True}]),
)
def test_a_checkpoint_at_any_row_gives_exactly_the_rest(data, style, rows, size, window, other, total, faults):
    """Through JSON, with another window, on a quiet list: the rows after it, in order."""
    how = {"count": rows, "total": "right" if total else None, **faults}
    after = data.draw(st.integers(0, rows))
    start = stop_after(style, size, window, Server(**how), after)
    text = Checkpoint.of("the query", start, after).to_json()
    rest = read(style, other, Server(**how), size=size, start=Checkpoint.from_json(text).start)
    assert rest.ended
    assert rest.rows == list(range(after, rows))
    assert rest.plan.tally.mismatches == 0


def stop_after(style, size, window, box, rows):
    """Where a listing goes on after so many rows, as the stream asks for it."""
    plan = style.plan(size, window)
    given_out, before, keys, at = 0, (), (), None
    while given_out < rows:
        while (span := plan.next_request()) is not None:
            plan.add_response(span, box.answer(dict(span.position)))
        while given_out < rows and (taken := plan.next_page()) is not None:
            at, fresh = taken
            before = (*before, *keys)[-8:]
            keys = tuple(key for key in at.keys if key in fresh)[: rows - given_out]
            given_out += len(keys)
    return plan.resume_at(at, keys, before) if at else plan.start


@settings(max_examples=examples(200), deadline=None)
@given(
    st.sampled_from([OFFSET, NUMBERED]),
    st.integers(0, 400),
    st.integers(2, 100),
    st.integers(1, 16),
    st.lists(st.integers(1, 399), max_size=6, unique=True).map(sorted),
    st.booleans(),
)
def test_parts_are_complete_and_disjoint(style, rows, size, window, seams, ordered):
    """Wherever a quiet list is cut, the parts together are the list, each row in one of them."""
    seams = [seam for seam in seams if seam < rows]
    keys = [tuple(range(max(0, seam - 5), seam)) for seam in seams]
    starts = [(0, ()), *zip(seams, keys, strict=True)]
    found = []
    for (at, before), stop in zip(starts, [*keys, ()], strict=True):
        part = read(style, window, Server(rows), size=size, start=Start(at, before, stop=stop), ordered=ordered)
        assert part.ended
        found += part.rows if ordered else sorted(part.rows)
    assert found == list(range(rows))


# ---- caps that are guessed, and places that moved


@pytest.mark.parametrize(
    ("style", "window", "size", "burst", "how"),
    [
        (NUMBERED, 8, 100, (2, 20), {"count": 110, "cap": 15, "total": None, "says_size": False}),
        (OFFSET, 8, 100, (3, 300), {"count": 92, "cap": 30}),
        (OFFSET, 1, 50, (6, 50), {"count": 119, "cap": 30, "total": "right"}),
        (OFFSET, 1, 20, (6, 300), {"count": 37, "cap": 10}),
        (NUMBERED, 8, 100, (5, 50), {"count": 111, "cap": 20, "total": "right", "says_size": False}),
    ],
)
def test_a_short_page_after_an_insert_is_not_the_end_where_a_cap_is_only_guessed(style, window, size, burst, how):
    """Many rows are inserted at the head of a short list, whose pages are capped."""
    for seed, ordered in itertools.product(SEEDS, (True, False)):
        box = Server(**how, seed=seed)
        outcome = read(style, window, box, size=size, ordered=ordered, writes=Writes("insert", burst=burst), seed=seed)
        assert outcome.ended
        assert (outcome.missing, outcome.twice) == (0, 0)


@STYLES
@pytest.mark.parametrize(("count", "cap"), [(135, 30), (254, 50), (294, 30)])
def test_a_checkpoint_knows_a_cap_that_no_response_names(count, cap, style):
    """At any row of a quiet list, by numbered pages too, whose positions depend on the cap."""
    how = {"count": count, "cap": cap, "says_size": False, "total": "right"}
    for after in range(0, count + 1, 9):
        start = stop_after(style, 100, 1, Server(**how), after)
        rest = read(
            style, 1, Server(**how), start=Checkpoint.from_json(Checkpoint.of("q", start, after).to_json()).start
        )
        assert rest.rows == list(range(after, count))
        assert (rest.plan.tally.mismatches, rest.plan.tally.gaps_open) == (0, 0)


@STYLES
@pytest.mark.parametrize("inserted", [1, 3, 5])
@pytest.mark.parametrize("place", [46, 48, 49])
def test_a_part_ends_with_its_last_row_though_rows_were_inserted_before_it(place, inserted, style):
    """On whichever page its last row lies now."""
    box = Server(200)
    box.rows[place:place] = range(1_000, 1_000 + inserted)
    part = read(style, 1, box, size=50, start=Start(0, (), stop=tuple(range(45, 50))))
    assert part.ended
    assert [row for row in part.rows if row < 1_000] == list(range(50))


@STYLES
@pytest.mark.parametrize("total", ["right", None])
def test_a_place_is_found_though_all_that_lies_behind_the_end_is_refused(total, style):
    """Thirty rows before it were deleted, so that it is asked for behind the end at first."""
    start = stop_after(style, 100, 1, Server(300, refuses=True, total=total), 290)
    box = Server(300, refuses=True, total=total)
    del box.rows[:30]
    rest = read(style, 1, box, start=start)
    assert (rest.rows, rest.plan.error, rest.plan.tally.gaps_open) == (list(range(290, 300)), None, 0)


@STYLES
def test_a_checkpoint_behind_the_first_row_is_found_again(style):
    """A single row says where it is, whatever stands beside it."""
    start = stop_after(style, 100, 1, Server(300), 1)
    box = Server(300)
    box.write("insert")
    rest = read(style, 1, box, start=start)
    assert ([row for row in rest.rows if row < 300], rest.plan.error) == (list(range(1, 300)), None)


@STYLES
def test_a_checkpoint_that_names_a_row_twice_does_no_harm(style):
    """As one that was changed may."""
    outcome = read(style, 4, Server(6_000), start=Start(5, (3, 4, 4)))
    assert (outcome.rows, outcome.plan.error) == (list(range(5, 6_000)), None)


@STYLES
@pytest.mark.parametrize("how", [{"count": 3, "always": 50}, {"count": 88, "always": 50}, {"hole": (100, 101)}])
def test_what_is_refused_behind_the_end_is_the_end(how, style):
    """Of a server with one page size, and of one that hides a row."""
    outcome = read(style, 1, Server(**{"count": 250, "refuses": True, **how}))
    shown = [row for row in range(how.get("count", 250)) if not 100 <= row < 100 + ("hole" in how)]
    assert (outcome.rows, outcome.plan.error, outcome.plan.tally.gaps_open) == (shown, None, 0)
    assert outcome.requests <= 12


# ---- errors


@STYLES
@pytest.mark.parametrize("window", [1, 2, 5, 16])
@pytest.mark.parametrize("failing", [1, 2, 9, 20])
def test_a_page_that_fails_ends_the_listing_after_the_rows_before_it(failing, window, style):
    """What was handed out is a beginning of the list, without a hole, and the error is the failed page's."""
    boom = ConnectionError("gone")
    outcome = listing(style, window, server(style), 3, fails=lambda request: boom if request == failing else None)
    assert outcome.rows == list(range(len(outcome.rows)))
    assert outcome.plan.error is boom or len(outcome.rows) == 2037
    if failing == 1:
        assert outcome.rows == []


# ---- any order of events


class Listing(RuleBasedStateMachine):
    """A plan and a model of a server; requests are answered, fail or wait in any order, and rows come and go."""

    def __init__(self):
        super().__init__()
        self.plan = None
        self.flying = []
        self.rows = []
        self.given = []
        self.changed = False
        self.fresh = itertools.count(10_000)

    @initialize(
        rows=st.integers(0, 120),
        how=st.sampled_from([(OFFSET, 12), (OFFSET, 20), (OFFSET, 60), (NUMBERED, 40), (NUMBERED, 60)]),
        window=st.integers(1, 6),
        ordered=st.booleans(),
        total=st.booleans(),
    )
    def begin(self, rows, how, window, ordered, total):
        style, size = how  # large enough to overlap
        self.rows, self.total = list(range(rows)), total
        self.there = set(self.rows)
        self.plan = style.plan(size, window, ordered=ordered)
        self.size, self.window, self.ordered = size, window, ordered

    def answer(self, span):
        found = tuple(self.rows[span.lo : span.hi])
        total, size = len(self.rows) if self.total else None, span.hi - span.lo if span.number else None
        return Fetched(found, total=total, size=size)

    @rule()
    def ask(self):
        before = self.plan.finished
        span = self.plan.next_request()
        if span is not None:
            assert not before
            assert span.order >= 0
            assert 0 < span.hi - span.lo <= self.size
            self.flying.append(span)

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def arrive(self, data):
        span = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        self.plan.add_response(span, self.answer(span))

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def fail(self, data):
        if data.draw(st.integers(0, 9)) == 0:
            span = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
            self.plan.add_error(span, ConnectionError())

    @rule(place=st.floats(0, 1))
    def insert(self, place):
        self.rows.insert(int(place * len(self.rows)), next(self.fresh))
        self.changed = True

    @precondition(lambda self: self.rows)
    @rule(place=st.floats(0, 1, exclude_max=True))
    def delete(self, place):
        self.there.discard(self.rows.pop(int(place * len(self.rows))))
        self.changed = True

    @rule()
    def take(self):
        taken = self.plan.next_page()
        if taken is not None:
            span, fresh = taken
            self.given += [key for key in dict.fromkeys(span.keys) if key in fresh]

    @invariant()
    def holds_no_more_than_the_window(self):
        if self.plan is not None:
            assert len(self.flying) <= self.window
            assert self.plan.occupied <= max(self.window, 2)

    @invariant()
    def hands_out_no_row_twice_and_keeps_the_order(self):
        assert len(self.given) == len(set(self.given))
        kept = [row for row in self.given if row in self.there]
        if self.plan is not None and self.ordered:
            assert kept == sorted(kept)

    @invariant()
    def a_quiet_list_raises_no_alarm(self):
        if self.plan is not None and not self.changed:
            assert self.plan.tally.mismatches == 0

    def teardown(self):
        """From here on the list holds still: the listing ends, and nothing that was there throughout is missing."""
        if self.plan is None:
            return
        for _ in range(1000):
            while self.plan.ready:
                self.take()
            while (span := self.plan.next_request()) is not None:
                self.flying.append(span)
            if self.plan.finished or not self.flying:
                break
            self.plan.add_response(span := self.flying.pop(), self.answer(span))
        assert self.plan.finished
        assert self.plan.next_request() is None
        while self.plan.ready:
            self.take()
        self.hands_out_no_row_twice_and_keeps_the_order()
        if self.plan.error is None and not self.plan.tally.gaps_open:
            assert self.there <= set(self.given)


TestListing = Listing.TestCase
TestListing.settings = settings(
    max_examples=examples(250), stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
