"""Small listings in which ``scripts/bench adversary`` has found a fault, of each class and kind of fault.

``scripts/bench adversary --cases`` prints them for what is wrong now. Each is read in virtual time by a real client and
judged as the bench judges it: nothing is lost silently, comes twice, goes on for ever, alarms without need, or crashes.
"""

import pytest
from attrs import evolve

from benchmarks.adversary import FAULTS, judge
from benchmarks.adversary_server import SCENES, Case

LONG = 1000  # rows: read with one window


def case(name, seed, fault, api, rows, size, total, *, window=1, ordered=True, fixed=0, past=None, down=None):
    """Return a case as a parameter; ``fault`` is what was found in it."""
    drawn = Case(f"{name} {seed}", api, rows, size, window, ordered, total, fixed, past, down)
    return pytest.param(name, drawn, id=f"{name}, {rows}: {fault}")


CASES = [
    case("delete and append, small pages", 3, "silent", "kintsugi", 26, 25, "none"),
    case("delete and append, small pages", 16, "silent", "sweetspot", 76, 10, "none", window="auto"),
    case("delete and append, default pages", 1, "silent", "kintsugi", 26, 30, "honest", fixed=25),
    case(
        "delete and append, default pages",
        21,
        "silent",
        "kintsugi",
        115,
        30,
        "honest",
        window=2,
        ordered=False,
        fixed=20,
    ),
    case("delete and append, cap of 11", 7, "silent", "sweetspot", 33, 100, "none"),
    case("delete and append, cap of 11", 22, "silent", "sweetspot", 106, 30, "honest", window=2),
    case("500 inserted at the head", 3, "twice", "sweetspot", 1741, 30, "honest", window=5),
    case("500 inserted at the head", 30, "twice", "kintsugi", 1426, 30, "none", window=16),
    case(
        "150 deleted, default pages", 30, "crashes", "sweetspot", 1931, 50, "honest", window=16, ordered=False, fixed=25
    ),
    case("150 deleted, default pages", 4, "silent", "kintsugi", 176, 100, "none", fixed=25),
    case("150 deleted, default pages", 22, "silent", "kintsugi", 730, 30, "none", window=5, fixed=10),
    case("150 deleted, as they arrive", 2, "silent", "kintsugi", 1401, 50, "honest", fixed=20),
    case("150 deleted, as they arrive", 36, "silent", "sweetspot", 694, 50, "none", ordered=False, fixed=10),
    case("2,000 at the head, as they arrive", 0, "crashes", "kintsugi", 650, 50, "none", window="auto", ordered=False),
    case(
        "2,000 at the head, as they arrive", 36, "crashes", "sweetspot", 698, 30, "honest", window="auto", ordered=False
    ),
    case("2,000 at the head, as they arrive", 3, "twice", "sweetspot", 1, 30, "none"),
    case("2,000 at the head, as they arrive", 15, "twice", "sweetspot", 643, 30, "none", ordered=False),
    case("bulk and moves", 8, "silent", "kintsugi", 145, 100, "none", window=2),
    case("bulk and moves", 38, "silent", "sweetspot", 208, 50, "honest", window=16, ordered=False),
    case("total capped", 6, "silent", "kintsugi", 125, 100, "capped"),
    case("total capped", 32, "silent", "sweetspot", 81, 50, "capped", window=5),
    case("total capped, exact", 4, "silent", "kintsugi", 63, 50, "capped"),
    case("total capped, exact", 26, "silent", "kintsugi", 60, 30, "capped", window=5),
    case("total is the rows of the page", 11, "silent", "kintsugi", 51, 50, "page"),
    case("total is the rows of the page", 13, "silent", "sweetspot", 92, 30, "page", window=5),
    case("total is the number of pages", 3, "alarms", "kintsugi", 51, 30, "pages"),
    case("total is the number of pages", 22, "alarms", "kintsugi", 348, 100, "pages", window="auto"),
    case("total is the number of pages", 2, "silent", "sweetspot", 871, 30, "pages"),
    case("total is the number of pages", 14, "silent", "sweetspot", 876, 30, "pages", window="auto"),
    case("total too low", 1, "silent", "kintsugi", 547, 100, "low"),
    case("total too low", 36, "silent", "sweetspot", 258, 30, "low"),
    case("total counted before an insert", 1, "silent", "sweetspot", 30, 30, "before"),
    case("total counted before an insert", 35, "silent", "sweetspot", 30, 30, "before"),
    case("total capped, deletes", 1, "silent", "kintsugi", 125, 100, "capped"),
    case("total capped, deletes", 27, "silent", "kintsugi", 68, 50, "capped", window=5),
    case("size echoed as requested, capped", 18, "alarms", "kintsugi", 80, 30, "none", window=16),
    case("size echoed as requested, capped", 11, "silent", "kintsugi", 176, 100, "none"),
    case("size echoed as requested, capped", 39, "silent", "kintsugi", 358, 100, "honest", window=5),
    case("size echoed as requested, fixed", 6, "alarms", "kintsugi", 304, 30, "none", window=16, fixed=20),
    case("size echoed as requested, fixed", 37, "alarms", "kintsugi", 725, 50, "honest", window=16, fixed=25),
    case("size echoed as requested, fixed", 7, "silent", "kintsugi", 141, 100, "none", fixed=20),
    case(
        "size echoed as requested, fixed",
        19,
        "silent",
        "kintsugi",
        124,
        50,
        "honest",
        window=5,
        ordered=False,
        fixed=20,
    ),
    case("cap falls, echoed as requested", 3, "silent", "kintsugi", 101, 100, "honest"),
    case("cap falls, echoed as requested", 26, "silent", "kintsugi", 191, 100, "none"),
    case("cap falls later", 35, "alarms", "sweetspot", 858, 100, "honest", window=16, ordered=False),
    case("positions as requested, echoed so", 6, "silent", "kintsugi", 41, 100, "honest"),
    case("positions as requested, echoed so", 36, "silent", "kintsugi", 69, 100, "honest", window=2),
    case("85% hidden", 36, "silent", "sweetspot", 1174, 100, "none", window=16),
    case("85% hidden, deletes", 3, "silent", "sweetspot", 117, 100, "none"),
    case("85% hidden, deletes", 29, "silent", "sweetspot", 233, 100, "none"),
    case("400 hidden in a row", 1, "silent", "kintsugi", 402, 100, "honest"),
    case("400 hidden in a row", 19, "silent", "sweetspot", 902, 30, "honest"),
    case("30 hidden in a row", 34, "alarms", "sweetspot", 334, 100, "none", ordered=False),
    case("refuses past the end, small pages", 0, "crashes", "sweetspot", 2, 10, "none", past=404),
    case("refuses past the end, small pages", 32, "crashes", "sweetspot", 240, 10, "none", past=422),
    case("refuses past the end, small pages", 9, "endless", "kintsugi", 198, 20, "none", past=404),
    case("refuses past the end, small pages", 37, "endless", "sweetspot", 104, 10, "none", window=5, past=400),
    case("refuses past the end, cap of 11", 9, "crashes", "kintsugi", 195, 100, "none", past=400),
    case("refuses past the end, cap of 11", 29, "crashes", "sweetspot", 182, 50, "none", window="auto", past=400),
    case("refuses past the end, cap of 11", 2, "endless", "sweetspot", 18, 100, "none", past=422),
    case(
        "refuses past the end, cap of 11", 16, "endless", "kintsugi", 27, 30, "none", window=16, ordered=False, past=422
    ),
    case(
        "refuses past the end, deletes", 20, "endless", "kintsugi", 77, 100, "none", window=16, ordered=False, past=404
    ),
    case("refuses past the end, one delete", 8, "endless", "sweetspot", 31, 30, "none", past=400),
    case("down near the end", 29, "endless", "sweetspot", 608, 50, "none", window=5, down=401),
    case("down near the end, default pages", 9, "endless", "kintsugi", 1, 100, "none", fixed=20, down=401),
    case(
        "down near the end, default pages",
        18,
        "endless",
        "kintsugi",
        120,
        30,
        "none",
        window=2,
        ordered=False,
        fixed=25,
        down=503,
    ),
    case("result window, list just within", 10, "crashes", "sweetspot", 955, 100, "none", past=422),
    case("result window, list just within", 36, "crashes", "sweetspot", 956, 100, "honest", window=2, past=422),
    case("result window, list just within", 3, "endless", "kintsugi", 961, 50, "none", past=422),
    case("result window, list just within", 33, "endless", "sweetspot", 945, 100, "none", window="auto", past=400),
    case("result window of 10,000", 2, "crashes", "kintsugi", 9964, 100, "none"),
    case("result window of 10,000", 6, "endless", "sweetspot", 9902, 100, "none"),
    case("unreadable rows, 1%", 10, "alarms", "kintsugi", 160, 100, "honest"),
    case("unreadable rows, 1%", 25, "alarms", "kintsugi", 247, 50, "honest", window="auto", ordered=False),
    case("ids as 7 and as '7'", 11, "alarms", "sweetspot", 101, 100, "honest"),
    case("ids as 7 and as '7'", 37, "alarms", "sweetspot", 87, 50, "honest"),
    case("ids over 64 bits", 0, "silent", "sweetspot", 1, 50, "none"),
    case("ids over 64 bits", 35, "silent", "kintsugi", 99, 50, "honest", window=5),
    case("order by status, by window", 10, "silent", "kintsugi", 110, 100, "none"),
    case("order by status, by window", 25, "silent", "kintsugi", 342, 100, "honest", window=5),
    case("order by status, by request", 4, "silent", "kintsugi", 93, 50, "none"),
    case("order by status, by request", 16, "silent", "kintsugi", 307, 50, "honest", window=2),
    case("a join repeats rows", 9, "alarms", "sweetspot", 26, 50, "honest"),
    case("a join repeats rows", 31, "alarms", "kintsugi", 64, 50, "honest", window=5),
    case("resumed, 600 deleted", 3, "silent", "kintsugi", 601, 100, "honest"),
    case("resumed, 600 deleted", 29, "twice", "kintsugi", 1723, 100, "none", window=16),
    case("resumed, 150 at the head", 2, "twice", "kintsugi", 129, 30, "honest"),
    case("resumed, 150 at the head", 19, "twice", "kintsugi", 730, 100, "honest", window=2),
    case("in 4 parts, 150 deleted at once", 14, "twice", "kintsugi", 1071, 30, "none", window=2),
    case("in 4 parts, 150 at the head", 7, "twice", "kintsugi", 101, 50, "honest"),
    case("in 4 parts, 150 at the head", 35, "twice", "sweetspot", 203, 100, "honest", window=2),
    case("resumed, 150 deleted anywhere", 1, "twice", "kintsugi", 257, 50, "honest"),
    case("resumed, 150 deleted anywhere", 22, "twice", "sweetspot", 688, 30, "honest", window="auto"),
]


@pytest.mark.parametrize(("name", "drawn"), CASES)
def test_what_was_wrong_once_is_right(name, drawn):
    """As it was found, and with a wide window."""
    for window in [drawn.window] if drawn.rows > LONG else [drawn.window, 16]:
        verdict = judge(SCENES[name], evolve(drawn, window=window))
        assert not verdict.counts & {*FAULTS}, f"window {window}: {verdict.lost} rows lost; {verdict.words}"
