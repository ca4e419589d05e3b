import orjson

from benchmarks import decode


def test_a_row_costs_at_most_twice_its_json():
    """From bytes to rows takes at most twice as long as orjson alone, in the quietest of some rounds."""
    body = orjson.dumps([decode.kintsugi_row(number) for number in range(decode.ROWS)])
    taken = decode.measure(body, decode.decoders("kintsugi", None), rounds=15, pages=10)
    assert min(decode.ratios(taken, "ours")) <= 2.0


def test_the_rows_that_are_measured_are_whole():
    """A case has all declared fields, fewer, more, or both, as its name says."""
    for case, (api, make) in decode.CASES.items():
        declared, row = set(decode.OURS[api]._fields), set(make(1))
        assert bool(declared - row) == ("missing" in case or "both" in case), case
        assert bool(row - declared) == ("unknown" in case or "both" in case), case
