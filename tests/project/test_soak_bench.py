"""``scripts/bench soak``: a short form of it, and that it sees what is wrong."""

import io
import json

import pytest

from benchmarks.__main__ import main
from benchmarks.soak import Lane, sent


def test_a_few_seconds_of_everything_that_goes_wrong(capfd):
    """httpx on both loops, and aiohttp: every row is right, and nothing grows or is left."""
    status = main(["soak", "--minutes", "0.1", "--rows", "5000"])
    printed, _ = capfd.readouterr()
    assert status == 0, printed
    assert printed.count("rows right, everything flat") == 3
    assert printed.count("listings left") == 3
    assert "faults sent:" in printed


GOOD = {"resident": 50.0, "files": 10, "tasks": 20}
END = {"end": True, "wrong": 0, "counts": {"rows": 9, "listings": 1}, "tasks": 0, "files": 0}


def lane(samples, end):
    """A lane that was told so."""
    it = Lane("a lane")
    it.listen(io.StringIO("\n".join(map(json.dumps, [*samples, *end]))))
    return it


@pytest.mark.parametrize(
    ("samples", "end", "said"),
    [
        ([GOOD] * 9, [END], ""),
        ([GOOD] * 6 + [{**GOOD, "resident": 70.0}] * 3, [END], "memory grew from 50 to 70 MB"),
        ([GOOD] * 8 + [{**GOOD, "tasks": 100}], [END], "100 tasks at once"),
        ([GOOD] * 8 + [{**GOOD, "files": 100}], [END], "100 files open"),
        ([GOOD] * 9, [{**END, "wrong": 1}], "1 wrong rows"),
        ([GOOD] * 9, [{**END, "tasks": 2}], "2 tasks left"),
        ([GOOD] * 9, [{**END, "files": 20}], "20 files left"),
        ([GOOD] * 9, [{**END, "counts": {}}], "no row was read"),
        ([GOOD] * 9, [], "it did not reach its end"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said(samples, end, said):
    """Each of the things that have to be flat or right."""
    assert "; ".join(lane(samples, end).faults) == said


def test_the_rarest_fault_is_said():
    """A fault that never came would prove nothing."""
    assert sent({"a": 1000, "b": 0}) == "faults sent: 1,000 of 2 kinds; the rarest, 'b', 0 times"
