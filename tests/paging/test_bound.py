"""Every listing by position ends, whatever the server does, and the number of its requests is bounded.

The server is drawn: a script of responses and errors that has nothing to do with a list, in any order, and then one
answer for ever. Nothing is asked of the rows here but that none comes twice while the server is of sound mind; see
test_sewn.py for that. The plan is driven as the stream drives it, through the interface of ``Plan``.
"""

import itertools
import math

from attrs import define, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from effort import examples
from readahead.errors import ApiError, ConnectionLost
from readahead.pages import Fetched
from readahead.paging.plan import Start
from readahead.paging.styles import OffsetLimit, PageNumber

KINDS = ("slice", "fresh", "again", "alphabet", "reversed", "empty")
STATUSES = (400, 401, 404, 416, 422, 500, 503, None)  # None: the connection is lost


def bound(emitted, size, window):
    """Return how many requests a listing takes at most.

    Args:
        emitted: Rows that it handed out.
        size: Rows that the server gives in a page; 1 where that is any number.
        window: Pages in flight.
    """
    return 3 * math.ceil(emitted / size) + 4 * window + 100


@frozen
class Answer:
    """One response. kind: where its keys are from; many: how many of them, at most; or an error with a status."""

    kind: str
    many: int = 100
    total: int | None = None
    size: int | None = None
    status: int | None = None


def failure(status):
    """Return the error of a response with this status."""
    if status is None:
        return ConnectionLost("the connection is lost")
    return ApiError.of(status)("no", status=status, request="GET /")


def answers(totals, sizes, largest):
    """Return a strategy for responses."""
    pages = st.builds(Answer, st.sampled_from(KINDS), st.integers(0, largest), totals, sizes)
    errors = st.builds(Answer, st.just("error"), status=st.sampled_from(STATUSES))
    return st.one_of(pages, pages, pages, errors)


@define
class Server:
    """Answers by a script, then by its last answer for ever."""

    script: list[Answer]
    last: Answer
    rows: int
    requests: int = 0
    before: tuple = ()  # the keys of the response before
    fresh: int = 1_000_000

    def answer(self, span):
        """Return a page, or an error."""
        answer = self.script[self.requests] if self.requests < len(self.script) else self.last
        self.requests += 1
        if answer.kind == "error":
            return failure(answer.status)
        self.before = self._keys(answer, span)[: answer.many]
        return Fetched(self.before, total=answer.total, size=answer.size)

    def _keys(self, answer, span):
        there = range(span.lo, min(span.hi, self.rows))
        if answer.kind == "fresh":
            self.fresh += answer.many
            return tuple(range(self.fresh - answer.many, self.fresh))
        return {
            "slice": tuple(there),
            "reversed": tuple(reversed(there)),
            "again": self.before,
            "alphabet": tuple((span.lo + step) % 7 for step in range(7)),
            "empty": (),
        }[answer.kind]


@define
class Outcome:
    """How a listing went."""

    requests: int = 0
    emitted: int = 0
    stuck: bool = False


def run(plan, server, turns, most):
    """Drive the plan to its end, or to ``most(emitted)`` requests; ``turns`` says which response arrives next."""
    outcome, flying, turns = Outcome(), [], itertools.cycle(turns)
    while True:
        while (ready := plan.next_page()) is not None:
            outcome.emitted += len(ready[1])
        if plan.finished or outcome.requests > most(outcome.emitted):
            return outcome
        while len(flying) < 64 and (span := plan.next_request()) is not None:
            outcome.requests += 1
            flying.append((span, server.answer(span)))
        if not flying:
            outcome.stuck = not plan.ready
            if outcome.stuck:
                return outcome
            continue
        span, response = flying.pop(next(turns) % len(flying))
        if isinstance(response, Exception):
            plan.add_error(span, response)
        else:
            plan.add_response(span, response)


SIZES = st.sampled_from([1, 2, 3, 10, 20, 50, 100])
STYLES = st.sampled_from([OffsetLimit(), PageNumber()])
WINDOWS = st.sampled_from([1, 2, 5, 16])
TURNS = st.lists(st.integers(0, 7), min_size=1, max_size=8)
STARTS = st.sampled_from(
    [None, Start(at=40, keys=(37, 38, 39)), Start(at=500, keys=(1, 2)), Start(at=5, keys=(2, 3, 4), stop=(57, 58, 59))]
)
QUICK = settings(
    deadline=None, max_examples=examples(1500), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@QUICK
@given(
    script=st.lists(
        answers(st.one_of(st.none(), st.integers(0, 300)), st.one_of(st.none(), st.integers(1, 120)), 120), max_size=40
    ),
    last=answers(st.one_of(st.none(), st.integers(0, 300)), st.one_of(st.none(), st.integers(1, 120)), 120).filter(
        lambda answer: answer.kind != "fresh"  # a list without an end
    ),
    rows=st.integers(0, 300),
    size=SIZES,
    window=WINDOWS,
    ordered=st.booleans(),
    limit=st.one_of(st.none(), st.none(), st.integers(1, 200)),
    start=STARTS,
    style=STYLES,
    turns=TURNS,
)
def test_every_listing_ends_whatever_the_server_answers(
    script, last, rows, size, window, ordered, limit, start, style, turns
):
    """Three requests for each row handed out, and a number besides; the plan raises nothing and is never stuck."""
    plan = style.plan(size, window, limit=limit, ordered=ordered, start=start)
    outcome = run(plan, Server(script, last, rows), turns, lambda emitted: bound(emitted, 1, window))
    assert not outcome.stuck
    assert plan.finished
    assert outcome.requests <= bound(outcome.emitted, 1, window)
    assert plan.next_request() is None


@QUICK
@given(
    failing=st.dictionaries(st.integers(0, 60), st.sampled_from(STATUSES), max_size=30),
    last=st.one_of(st.none(), st.sampled_from(STATUSES)),
    after=st.integers(0, 60),
    rows=st.integers(0, 1000),
    total=st.one_of(st.none(), st.just("right"), st.integers(0, 1200)),
    cap=SIZES,
    size=SIZES,
    window=WINDOWS,
    ordered=st.booleans(),
    style=STYLES,
    turns=TURNS,
)
def test_a_quiet_list_takes_few_requests_whatever_fails(
    failing, last, after, rows, total, cap, size, window, ordered, style, turns
):
    """Pages as requested or capped, some of which fail, and from one on all of them: no row comes twice."""
    given, keys = min(cap, size), list(range(rows))

    @define
    class Quiet:
        requests: int = 0

        def answer(self, span):
            self.requests += 1
            status = failing.get(self.requests, last if self.requests > after and last else 0)
            if status != 0:
                return (
                    ConnectionLost("gone") if status is None else ApiError.of(status)("no", status=status, request="")
                )
            position = {name: int(value) for name, value in span.position}
            served = min(cap, position.get("size") or position["limit"])
            lo = (position["page"] - 1) * served if "page" in position else position["offset"]
            return Fetched(tuple(keys[lo : lo + served]), total=rows if total == "right" else total, size=served)

    plan = style.plan(size, window, ordered=ordered)
    outcome = run(plan, Quiet(), turns, lambda emitted: bound(emitted, given, window))
    assert not outcome.stuck
    assert plan.finished
    assert outcome.emitted <= rows
    assert outcome.requests <= bound(outcome.emitted, given, window)
