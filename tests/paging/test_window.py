"""The automatic window against servers of a capacity, in virtual time."""

import heapq
import random
from collections import deque
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from readahead.paging.window import FIRST, LARGEST, AutoWindow, Window

LATENCY = 0.05
FIXED = [1, 2, 4, 8, 16, 32, 64]
MODES = pytest.mark.parametrize("refuses", [False, True], ids=["flat", "429 beyond"])


def listing(window, capacities, *, refuses, pages=3000, seed=1):
    """Pages a second, and how many requests were refused.

    A server serves so many at once; what is beyond waits in a queue, or is refused and asked again after up to 250 ms.
    The capacities take turns, for as many pages each.
    """
    chance, events, queue = random.Random(seed), [], deque()
    now = asked = serving = out = refused = order = 0

    def capacity():
        return capacities[min(asked * len(capacities) // pages, len(capacities) - 1)]

    def later(seconds, what, sent):
        nonlocal order
        order += 1
        heapq.heappush(events, (now + seconds, order, what, sent))

    def arrives(sent):
        nonlocal serving
        if serving < capacity():
            serving += 1
            straggles = chance.uniform(3, 8) if chance.random() < 0.01 else 1
            later(LATENCY * chance.uniform(0.9, 1.1) * straggles, "served", sent)
        elif refuses:
            later(LATENCY / 5, "refused", sent)
        else:
            queue.append(sent)

    def fill(size):
        nonlocal out, asked
        while out < size and asked < pages:
            out, asked = out + 1, asked + 1
            arrives(now)

    fill(1)  # the first page goes alone
    while events:
        now, _, what, sent = heapq.heappop(events)
        if what == "served":
            serving, out = serving - 1, out - 1
            while queue and serving < capacity():
                arrives(queue.popleft())
            fill(window.answered(now - sent))
        elif what == "refused":
            refused += 1
            window.pushed_back()
            later(chance.random() * 0.25, "again", now)
        else:
            arrives(now)
    return pages / now, refused


def best(capacities, **how):
    return max(listing(Window(size), capacities, **how)[0] for size in FIXED)


@MODES
@pytest.mark.parametrize("capacity", [2, 8, 32])
def test_it_reaches_nine_tenths_of_the_best_fixed_window(capacity, refuses):
    """Of 3,000 pages, whatever the seed: throughput flat beyond the capacity, or 429."""
    reached = [listing(AutoWindow(), [capacity], refuses=refuses, seed=seed)[0] for seed in range(8)]
    assert min(reached) >= 0.9 * best([capacity], refuses=refuses)


@MODES
@pytest.mark.parametrize("capacity", [2, 8])
def test_it_is_quick_to_find(capacity, refuses):
    """Within 300 pages it has four fifths of the best fixed window on average."""
    reached = fmean(listing(AutoWindow(), [capacity], refuses=refuses, pages=300, seed=seed)[0] for seed in range(8))
    assert reached >= 0.8 * best([capacity], refuses=refuses, pages=300)


@MODES
@pytest.mark.parametrize("capacities", [[32, 4], [4, 32]], ids=["less", "more"])
def test_it_follows_a_server_that_changes(capacities, refuses):
    """Half-way the server bears an eighth of what it did, or eight times as much: four fifths of the best in each."""
    reached = fmean(listing(AutoWindow(), capacities, refuses=refuses, seed=seed)[0] for seed in range(4))
    assert reached >= 0.8 * 2 / sum(1 / best([capacity], refuses=refuses) for capacity in capacities)


@pytest.mark.parametrize("capacity", [2, 8, 32])
def test_few_requests_are_refused(capacity):
    """At most two in a hundred of 3,000 pages, where the window alone finds the limit."""
    assert max(listing(AutoWindow(), [capacity], refuses=True, seed=seed)[1] for seed in range(8)) <= 60


def test_a_push_back_halves_it_at_once():
    """And one burst of push backs halves it once."""
    window = AutoWindow()
    while window.size < 16:
        window.answered(1.0)
    for _ in range(8):
        window.pushed_back()
        assert window.size == 8


@settings(max_examples=examples(300))
@given(st.lists(st.none() | st.floats(0, 100), max_size=500))
def test_it_stays_within_its_bounds(events):
    """Whatever answers take, and whenever the server pushes back."""
    window = AutoWindow()
    assert window.size == FIRST
    for seconds in events:
        if seconds is None:
            window.pushed_back()
        else:
            assert window.answered(seconds) == window.size
        assert 1 <= window.size <= LARGEST


def test_a_fixed_window_is_a_number():
    """Nothing moves it."""
    window = Window(5)
    window.pushed_back()
    assert (window.answered(100.0), window.size) == (5, 5)
