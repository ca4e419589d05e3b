"""The benches run, whatever their figures: with numbers so small that these say nothing."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import declaring, floor_aiohttp, floor_httpx, rig
from benchmarks.__main__ import main
from benchmarks.benches import BENCHES
from benchmarks.readme import BEGIN, END, write_plot, write_readme
from benchmarks.rig import Line, Result

ROOT = Path(__file__).resolve().parents[2]
ASKED = {"listing": 7, "cpu": 6, "decode": 7, "first": 2, "memory": 2, "scale": 2, "import": 2, "loop": 3, "auto": 3}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Results of every bench, tiny."""
    file = tmp_path_factory.mktemp("bench") / "results.json"
    assert main(["all", "--tiny", "--json", str(file)]) == 0
    return file


@pytest.mark.slow
def test_every_bench_answers_with_lines_that_say_what_was_asked(measured):
    """Each has a line for each thing asked, a figure for each round, and a verdict."""
    found = json.loads(measured.read_text())
    assert [*found] == [*BENCHES]
    for name, one in found.items():
        assert all(len(line["rounds"]) >= rig.TINY.rounds for line in one["lines"]), name
        asked = [line for line in one["lines"] if line["asked"] is not None]
        assert len(asked) == {**ASKED, "small": 4, "window": 0, "export": 2}[name]
        assert all(isinstance(line["reached"], bool) for line in asked)


@pytest.mark.slow
def test_results_become_a_plot_and_tables(measured, tmp_path):
    """Kept results replace the tables of README and docs/performance.md."""
    results = {name: Result.from_json(one) for name, one in json.loads(measured.read_text()).items()}
    write_plot([results["listing"]], tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    pages = [tmp_path / "README.md", tmp_path / "performance.md"]
    for page in pages:
        page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_readme(*pages, measured, tmp_path / "plot.png")
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"before\n{BEGIN}\n| bench |")
        assert text.endswith(f"{END}\nafter\n")
        assert "old" not in text
    for name in ("listing", "auto", "small"):
        assert f"| `{name}` |" in text


def test_the_checks_of_bindings_are_timed(capsys):
    """Each endpoint of a binding has a line, whatever the figures."""
    assert declaring.main(["--rounds", "1", "readahead.sweetspot"]) in {0, 1}
    assert "| readahead.sweetspot | 1 | 21 |" in capsys.readouterr().out


def test_the_pages_show_the_kept_results(tmp_path):
    """The tables of README and docs/performance.md are those of the results that are kept."""
    pages = ["README.md", "docs/performance.md"]
    copies = [tmp_path / Path(page).name for page in pages]
    for page, copy in zip(pages, copies, strict=True):
        copy.write_text((ROOT / page).read_text())
    write_readme(*copies, plot=tmp_path / "plot.png")
    for page, copy in zip(pages, copies, strict=True):
        assert copy.read_text() == (ROOT / page).read_text()


@pytest.mark.slow
def test_results_replace_those_of_the_same_bench_alone(measured, tmp_path):
    """A bench that is run again takes its own place in the file."""
    file = tmp_path / "results.json"
    file.write_text(measured.read_text())
    assert main(["small", "--tiny", "--json", str(file)]) == 0
    before, after = json.loads(measured.read_text()), json.loads(file.read_text())
    assert [*before] == [*after]
    assert {name for name in before if before[name] != after[name]} == {"small"}


@pytest.mark.parametrize("floor", [floor_aiohttp, floor_httpx], ids=["aiohttp", "httpx"])
def test_the_floor_is_bare(floor):
    """At most twenty lines."""
    assert len(Path(floor.__file__).read_text().splitlines()) <= 20


def test_a_line_is_judged_by_its_median():
    """At least, at most, or not at all."""
    assert Line("speed", (7.0, 8.0, 12.0), asked=8).reached
    assert not Line("time", (1.0, 1.3, 1.4), asked=1.25, most=True).reached
    assert Line("either", (1.0,)).reached is None
    assert str(Line("speed", (7.0, 8.0, 12.0), asked=8)) == "8.00x (7.00x to 12.00x)"


@pytest.mark.slow
def test_no_result_tells_of_the_machine_more_than_cores_and_versions(measured):
    """No paths, no host names."""
    assert not re.search(r"/(home|work|tmp|Users)/", measured.read_text())
