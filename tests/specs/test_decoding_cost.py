import orjson
import pytest

from benchmarks import decode

# Rows as documented are what the limit is for. Others cost about as much, but have less JSON, or a dictionary of
# their own for what is not declared.
LIMITS = {case: 2.0 if case in {"Kintsugi", "Sweet Spot"} else 2.6 for case in decode.CASES}


@pytest.mark.parametrize("case", decode.CASES)
@pytest.mark.slow
def test_a_row_costs_at_most_so_many_times_its_json(case):
    """From bytes to rows takes at most so many times as long as orjson alone, both in their quietest round."""
    api, make = decode.CASES[case]
    body = orjson.dumps([make(number) for number in range(decode.ROWS)])
    compared = {name: each for name, each in decode.decoders(api, None).items() if name in {"orjson.loads", "ours"}}
    taken = decode.measure(body, compared, rounds=12, pages=10)
    assert min(taken["ours"]) / min(taken["orjson.loads"]) <= LIMITS[case]


def test_the_rows_that_are_measured_are_whole():
    """A case has all declared fields, fewer, more, or both, as its name says."""
    for case, (api, make) in decode.CASES.items():
        declared, row = set(decode.OURS[api].FIELDS), set(make(1))
        assert bool(declared - row) == ("missing" in case or "both" in case), case
        assert bool(row - declared) == ("unknown" in case or "both" in case), case
