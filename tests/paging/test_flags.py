"""An explicit end flag beside numbered pages and offsets saves requests, and is believed unless something denies it."""

import random

import pytest
from attrs import define, evolve
from simulator import Server, Writes, read

from readahead.paging.ledger import Ledger
from readahead.paging.styles import OffsetLimit, PageNumber

both = pytest.mark.parametrize("style", [PageNumber(), OffsetLimit()], ids=["numbered", "offset"])


@define(eq=False)
class Flagged(Server):
    """A server that says whether rows follow; ``lies``: what it says whatever is true, or None for an honest one."""

    lies: bool | str | None = None

    def answer(self, position):
        page = super().answer(position)
        if self.lies == "not at all":
            return page
        if self.lies is not None:
            return evolve(page, more=bool(self.lies))
        if page.keys:
            behind = self.rows[self.rows.index(page.keys[-1]) + 1 :]
        elif "page" in position:
            behind = self.rows[(int(position["page"]) - 1) * int(position["size"]) :]
        else:
            behind = self.rows[int(position["offset"]) :]
        return evolve(page, more=any(map(self.shows, behind)))


def judged(plan):
    """What the report says of drift, and why the listing is not complete."""
    ledger = Ledger()
    ledger.report.totals.append(0)
    ledger.check_drift(plan)
    ledger.conclude(plan)
    return ledger.report.drift, "" if ledger.report.complete else ledger.report.why


@both
@pytest.mark.parametrize("window", [1, 5])
@pytest.mark.parametrize(("rows", "requests"), [(0, 1), (1, 1), (99, 1), (100, 1)])
def test_a_list_of_one_page_takes_one_request(style, window, rows, requests):
    """Also where that is full, and an empty list."""
    done = read(style, window, Flagged(rows))
    assert (len(done.rows), done.requests, judged(done.plan)) == (rows, requests, ("none", ""))


@both
@pytest.mark.parametrize("window", [1, 2, 5, 16])
def test_a_flag_saves_the_requests_that_prove_the_end(style, window):
    """The same rows, and never more requests than without it."""
    for rows in (101, 190, 250, 1000, 2037):
        flagged, plain = (read(style, window, Flagged(rows, lies=lies)) for lies in (None, "not at all"))
        assert flagged.rows == plain.rows == list(range(rows))
        assert judged(flagged.plan) == ("none", "")
        assert flagged.requests <= plain.requests


@both
@pytest.mark.parametrize("kind", ["insert", "append", "delete", "mixed", "balanced"])
def test_what_is_there_throughout_comes_while_the_list_changes(style, kind):
    """With any window, whatever a server hides or cuts besides, or the report says that it may not have."""
    for seed in range(12):
        draw = random.Random(seed)
        server = Flagged(
            draw.choice([99, 250, 1037]),
            cap=draw.choice([None, None, 50]) if isinstance(style, OffsetLimit) else None,
            hide=draw.choice([0, 0, 0.2]),
            total=draw.choice([None, "right"]),
            seed=seed,
        )
        done = read(style, draw.choice([1, 4, 16]), server, writes=Writes(kind, every=0.05), seed=seed)
        drift, why = judged(done.plan)
        assert done.ended
        assert not done.missing or why or drift == "unverifiable", (seed, why)


@both
@pytest.mark.parametrize("window", [1, 5])
def test_a_flag_that_always_says_that_rows_follow_ends_and_is_not_complete(style, window):
    """Behind the last row something is looked for as far as for a total."""
    for rows in (0, 37, 100, 537):
        done = read(style, window, Flagged(rows, lies=True))
        assert done.rows == list(range(rows))
        assert judged(done.plan)[1] == "the API says that more rows follow, and none came"
        assert done.requests <= rows // 80 + 25


@both
@pytest.mark.parametrize("window", [1, 5])
def test_a_flag_that_denies_rows_which_a_total_promises_ends_nothing(style, window):
    """The total decides: the rows are there."""
    for rows in (101, 537):
        done = read(style, window, Flagged(rows, total="right", lies=False))
        assert done.rows == list(range(rows))
        assert judged(done.plan)[1] == ""


@both
def test_a_short_page_that_rows_follow_is_not_the_last(style):
    """Hidden rows make it short."""
    done = read(style, 4, Flagged(1037, hole=(300, 690)))
    assert done.rows == [*range(300), *range(690, 1037)]
    plain = read(style, 4, Flagged(1037, hole=(300, 690), lies="not at all"))
    assert len(plain.rows) < len(done.rows) or plain.requests >= done.requests
