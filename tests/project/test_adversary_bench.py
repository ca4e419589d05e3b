"""``scripts/bench adversary`` and ``hostile``: tables add up; quiet lists are read whole, once, without an alarm."""

import pytest

from benchmarks import hostile
from benchmarks.__main__ import main
from benchmarks.adversary import COLUMNS, measure, summed
from benchmarks.adversary_server import SCENES

QUIET = [name for name in SCENES if name.startswith("quiet")]


@pytest.fixture(scope="module")
def lines():
    """One listing of each class."""
    return [measure(name, range(1)) for name in SCENES]


def test_the_columns_add_up(lines):
    """Of each class, every listing is whole, or lost rows silently, or said so; the last line is the sum."""
    for line in lines:
        assert line.listings == line.counts["whole"] + line.counts["silent"] + line.counts["reported"] == 1
        assert (line.lost > 0) == (line.counts["whole"] == 0)
    last = summed(lines)
    assert last.listings == len(SCENES)
    assert last.lost == sum(line.lost for line in lines)
    for column in COLUMNS:
        assert last.counts[column] == sum(line.counts[column] for line in lines)
        assert last.counts[column] <= last.listings


@pytest.mark.parametrize("name", QUIET)
def test_quiet_honest_lists_are_read_whole_and_without_alarm(name):
    """Nothing is lost, nothing comes twice, and nobody is told of what did not happen."""
    line = measure(name, range(2))
    assert line.counts == {"whole": 2}
    assert line.cases == ()


def test_the_same_seed_is_the_same_listing():
    """A case that fails can be looked at again."""
    assert measure("deletes", range(7, 9)) == measure("deletes", range(7, 9))


def test_the_table_is_printed(capsys):
    """A line for the class and one for all."""
    assert main(["adversary", "--seeds", "1", "--class", "quiet, honest"]) == 0
    heading, line, last, _ = capsys.readouterr().out.splitlines()
    assert line.startswith("quiet, honest")
    assert last.startswith("all")
    assert len(heading) == len(line) == len(last)


@pytest.mark.parametrize("by", ["ours", "serial", "gathered"])
@pytest.mark.parametrize("api", hostile.APIS)
def test_the_hostile_bench_reads_the_same_scenes(api, by):
    """A quiet list in small pages is read whole by everybody."""
    cell = hostile.measure((api, "quiet, small pages", 16, by, 1, True))
    assert (cell.missing, cell.reported, cell.twice, cell.unended) == (0, 0, 0, 0)
    assert cell.requests > 1


@pytest.mark.parametrize("by", ["serial", "gathered"])
def test_who_stops_at_a_short_page_loses_rows(by):
    """The server has pages of its own size: the contenders miss rows and say nothing."""
    assert hostile.measure(("Kintsugi, numbered", "size not echoed, fixed", 16, by, 1, True)).missing
