"""An API that filters by ranges, in every form documents have: its parameters, its rows, and what it makes of them."""
# ruff: noqa: F821  annotations that are text, as in generated modules

import datetime as dt
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

from attrs import make_class

from readahead.filters import Choice, Date, Fields, Flag, Number, Timestamp, kinds_of
from readahead_clients.encode import RequestBuilder
from readahead_clients.runtime import OpenStr, member

NAMES = ["made", "seen", "paid", "touched", "price", "size", "day", "state", "live", "rank", "draft"]
Row = make_class("Row", ["id", *NAMES], frozen=True)


class State(OpenStr):
    OPEN = member("open")
    CLOSED = member("closed")
    ALL = member("all")


class Things(Fields):
    """Bounds both inclusive and not, coarse, of unknown meaning, in an object; and what rows cannot tell."""

    made = Timestamp(attr="made", ge="made_from", lt="made_before")
    seen = Timestamp(attr="seen", gt="seen_after", le="seen_until")  # days, of a time zone that nobody tells
    paid = Timestamp(attr="paid", ge="paid[gte]", gt="paid[gt]", le="paid[lte]", lt="paid[lt]", format="seconds")
    touched = Timestamp(attr="touched", ge="since", gt="since", le="until", lt="until")  # inclusive or not
    price = Number(attr="price", param="price", ge="min_price", le="max_price")  # whole numbers
    size = Number(attr="size", gt="size_gt", lt="size_lt")
    day = Date(attr="day", ge="day_from", le="day_until")  # asked with times
    state = Choice(State, attr="state", param="state", unseen=["all"])
    live = Flag(attr="live", param="live")
    rank = Number(ge="rank_min", lt="rank_below")  # no row carries it


fields = Things()


def build_request(
    *,
    made_from: "datetime | Unset" = None,
    made_before: "dt.datetime | Unset" = None,
    seen_after: "datetime.date | Unset" = None,
    seen_until: "datetime.date | Unset" = None,
    paid: "PaidRange | int | Unset" = None,
    since: "datetime.datetime | Unset" = None,
    until: "str | Unset" = None,
    price: "int | Unset" = None,
    min_price: "int | Unset" = None,
    max_price: "int | Unset" = None,
    size_gt: "float | Unset" = None,
    size_lt: "float | Unset" = None,
    day_from: "datetime.datetime | Unset" = None,
    day_until: "datetime.datetime | Unset" = None,
    state: "State | str | Unset" = None,
    live: "bool | Unset" = None,
    rank_min: "int | Unset" = None,
    rank_below: "int | Unset" = None,
    cursor: "str | Unset" = None,
    limit: "int | Unset" = None,
):
    """As a generated function is, with annotations that are text."""
    request = RequestBuilder("get", "/things")
    for name, value in locals().copy().items():
        if name == "paid":
            request.query(name, value, style="deepObject")
        elif name != "request":
            request.query(name, value)
    return request.build()


operation = SimpleNamespace(OPERATION="GET /things", build_request=build_request)
kinds = kinds_of(build_request)


class Server:
    """Filters rows by parameters as they are called with.

    Args:
        hours: The zone in which it counts days, east of UTC.
        inclusive: Whether ``since`` and ``until`` take in their bound.
        midnights: Whether a day is taken for its first moment.
    """

    def __init__(self, hours=0, inclusive=True, midnights=False):
        self.zone, self.inclusive, self.midnights = timezone(timedelta(hours=hours)), inclusive, midnights

    def _start(self, day, days=0):
        return datetime.combine(day, dt.time(), self.zone) + timedelta(days)

    def tests(self, name, value):
        """What rows have to meet for a parameter: the attribute, and a test of its value."""
        match name:
            case "made_from":
                return "made", lambda there: there >= value
            case "made_before":
                return "made", lambda there: there < value
            case "seen_after" if self.midnights:
                return "seen", lambda there: there > self._start(value)
            case "seen_after":
                return "seen", lambda there: there >= self._start(value, 1)
            case "seen_until" if self.midnights:
                return "seen", lambda there: there <= self._start(value)
            case "seen_until":
                return "seen", lambda there: there < self._start(value, 1)
            case "paid":
                return "paid", lambda there: all(
                    {"gte": there >= bound, "gt": there > bound, "lte": there <= bound, "lt": there < bound}[sign]
                    for sign, bound in value.items()
                )
            case "since":
                return "touched", lambda there: there > value or (self.inclusive and there == value)
            case "until":
                bound = datetime.fromisoformat(value)
                return "touched", lambda there: there < bound or (self.inclusive and there == bound)
            case "price":
                return "price", lambda there: there == value
            case "min_price":
                return "price", lambda there: there >= value
            case "max_price":
                return "price", lambda there: there <= value
            case "size_gt":
                return "size", lambda there: there > value
            case "size_lt":
                return "size", lambda there: there < value
            case "day_from":
                return "day", lambda there: self._start(there) >= value
            case "day_until":
                return "day", lambda there: self._start(there) <= value
            case "state":
                return ("draft", lambda there: not there) if value == "all" else ("state", lambda there: there == value)
            case "live":
                return "live", lambda there: there is value
            case "rank_min":
                return "rank", lambda there: there >= value
            case "rank_below":
                return "rank", lambda there: there < value
        raise AssertionError(name)

    def listed(self, arguments, rows):
        """The rows that meet all parameters; a null meets none."""
        for name, value in arguments.items():
            attr, test = self.tests(name, value)
            rows = [row for row in rows if getattr(row, attr) is not None and test(getattr(row, attr))]
        return rows


def _time(text):
    return datetime.fromisoformat(text)


_DECODERS = {
    "made_from": _time,
    "made_before": _time,
    "seen_after": dt.date.fromisoformat,
    "seen_until": dt.date.fromisoformat,
    "since": _time,
    "day_from": _time,
    "day_until": _time,
    "state": str,
    "until": str,
    "live": {"true": True, "false": False}.__getitem__,
}


def arguments_of(pairs):
    """What a function was called with, of the query that it wrote."""
    arguments = {}
    for name, text in pairs:
        argument, _, member_ = name.removesuffix("]").partition("[")
        if member_:
            arguments.setdefault(argument, {})[member_] = int(text)
        else:
            arguments[name] = _DECODERS.get(name, float)(text)
    return arguments


def read(members):
    """A row of its JSON."""
    values = {name: members.get(name) for name in NAMES}
    for name in ("made", "seen", "touched"):
        values[name] = values[name] and _time(values[name])
    values["day"] = values["day"] and dt.date.fromisoformat(values["day"])
    return Row(members["id"], **values)


def written(row):
    """A row as JSON data."""
    values = {name: getattr(row, name) for name in ("id", *NAMES)}
    return {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in values.items()}


def meaning(row):
    """A row as conditions see it."""
    values = {name: getattr(row, name) for name in NAMES}
    return values | {"paid": None if row.paid is None else datetime.fromtimestamp(row.paid, UTC)}
