"""What the parameters of pages mean: which one is a position, where it begins, how large a page can be. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from specs.lists import words
from specs.lists.listing import Doubt
from specs.lists.operations import Operation, Param
from specs.lists.words import plain

_FEW = 20  # rows in a page where nothing is documented
_MANY = 1000  # rows in a page where the document allows any number
_MAXIMUM = (
    r"max(?:imum)?[^.\d]{0,60}?(\d[\d,_]*)",
    r"between\s+`?\d+`?\s+(?:and|to)\s+`?(\d[\d,]*)",
    r"\b[01]\s*(?:-|\u2013|\.\.|to)\s*(\d[\d,]*)",
    r"up to (?:a maximum of )?(\d[\d,]*)",
    r"(?:exceed|more than|at most|less than or equal to|<=|limit(?:ed)? (?:of|to))\s*`?(\d[\d,]*)",
    r"(\d[\d,]*)(?: is the|,? which is the)? max",
)
_ZERO = re.compile(
    r"\b(zero|0)[- ]?(based|indexed)|(start|begin)\w*( page)?( number)? (at|from|with) `?(0|zero)\b"
    r"|first page (is|=|has)( number)? (0|zero)\b|default(s)?( is| to|:|=)? *`?0\b|\b0\b (is|for|=) the first",
    re.IGNORECASE,
)
_ONE = re.compile(
    r"\b(one|1)[- ]?(based|indexed)|(start|begin)\w*( page)?( number)? (at|from|with) `?(1|one)\b"
    r"|first page (is|=|has)( number)? (1|one)\b|default(s)?( is| to|:|=| value:?)? *`?1\b|\b1\b (is|for|=) the first"
    r"|page=1\b|minimum( is|:|=)? *1\b|\bpage 1\b|e\.?g\.?,? *1\b",
    re.IGNORECASE,
)
_IDS = re.compile(
    r"\bids?\b|\bgids?\b|\bidentifiers?\b|\buuids?\b|snowflake|last (item|row|record|element|result)", re.IGNORECASE
)
_TOKENS = re.compile(r"\bcursors?\b|\btokens?\b|\bopaque\b", re.IGNORECASE)
_OF_ANSWERS = re.compile(r"next page|previous (response|page|request)|returned|response", re.IGNORECASE)
_A_NUMBER = re.compile(
    r"page number|number of (the )?page|number of \w+ to skip|page to (return|fetch|get)", re.IGNORECASE
)
_AS_TEXT = frozenset(
    {"from", "offset", "page", "page_offset", "start"}
)  # positions that are cursors where they are text
_LOOSE_SIZES = frozenset({"count", "first", "length", "max", "num", "rows", "top"})


@dataclass
class Positions:
    """The parameters that say where a page begins, by what they count."""

    numbers: list[Param] = field(default_factory=list)
    offsets: list[Param] = field(default_factory=list)
    cursors: list[Param] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.numbers or self.offsets or self.cursors)


def last_part(name: str) -> str:
    """Return the last part of a path in one spelling: `pagination.page_size` is `page_size`."""
    return plain(name.rpartition(".")[2])


def positions_of(params: Iterable[Param]) -> Positions:
    """Return the parameters that say where a page begins."""
    found = Positions()
    for each in params:
        known = words.NUMBER | words.OFFSET | words.CURSOR
        name = each.plain if each.plain in known else last_part(each.name)
        if not each.is_scalar or each.schema.facts.get("format") in {"date", "date-time"}:
            continue
        if name in words.NUMBER and (each.is_whole or _is_number(each)):
            found.numbers.append(each)
        elif name in words.OFFSET and (each.is_whole or (_is_number(each) and name not in {"from", "start"})):
            found.offsets.append(each)
        elif name in words.CURSOR or name in _AS_TEXT:
            found.cursors.append(each)
    return found


def size_of(params: Iterable[Param]) -> Param | None:
    """Return the parameter with the number of rows in a page."""
    found = [
        each for each in params if each.is_scalar and (each.plain in words.SIZE or last_part(each.name) in words.SIZE)
    ]
    sure = [each for each in found if last_part(each.name) not in _LOOSE_SIZES]
    return next(iter(sure or found), None)


def matched(cursors: Iterable[Param], nexts: Iterable[str]) -> tuple[Param, str] | None:
    """Return the cursor, and the member of the answer that holds the next one."""
    cursors, nexts = list(cursors), list(nexts)
    for each in cursors:
        last = last_part(each.name)
        alike = {f"next_{each.plain}", f"next_{last}", f"next_page_{last}"}
        same = [path for path in nexts if not alike.isdisjoint({plain(path), last_part(path)})]
        own = [path for path in nexts if last_part(path) in {each.plain, last} and "." in path]
        if same or own:
            return each, (same or own)[0]
    likely = [each for each in cursors if each.plain not in {"token", "next", "from", "start", "position"}] or cursors
    return (likely[0], nexts[0]) if likely and nexts else None


def names_a_row(param: Param) -> bool:
    """Whether a parameter takes the id of the last row that was seen."""
    if _IDS.search(param.text) and not _TOKENS.search(param.text):
        return param.plain in words.LAST_ID | {"cursor", "marker", "from", "offset"}
    return param.plain in words.LAST_ID and not _OF_ANSWERS.search(param.text)


def is_about_ids(param: Param) -> bool:
    """Whether its description says that it takes an id."""
    return bool(_IDS.search(param.text))


def no_position(param: Param, style: str) -> str | None:
    """Return why a parameter that is called like a position is none, if so."""
    if style != "offset":
        return None
    if re.search(r"number (is )?greater than|id greater|unix|timestamp|epoch", param.text, re.IGNORECASE):
        return f"{param.name!r} does not count rows"
    if param.schema.facts.get("minimum") == 1 or re.search(r"\b(1|one)-(based|index)", param.text, re.IGNORECASE):
        return f"{param.name!r} counts rows from 1"
    return None


def first_page(param: Param, operation: Operation) -> tuple[int, list[Doubt]]:
    """Return the number of the first page, and what is not documented of it."""
    facts = param.schema.facts
    for value in (facts.get("default"), facts.get("minimum")):
        if str(value) in {"0", "1", "0.0", "1.0"}:
            is_above = facts.get("minimum") == 0 and facts.get("exclusiveMinimum") is True
            return (1 if is_above else int(float(str(value)))), []
    if facts.get("exclusiveMinimum") == 0 and facts.get("exclusiveMinimum") is not False:
        return 1, []
    if _ZERO.search(param.text):
        return 0, []
    if _ONE.search(param.text) or str(param.example) == "1":
        return 1, []
    if str(param.example) == "0":
        return 0, []
    first = 0 if param.plain == "page_index" else 1
    why = f"whether the first {param.name!r} is 0 or 1 is not documented"
    return first, [Doubt(operation.where, why, f"{first} is assumed: PageNumber(first=)")]


def largest(size: Param | None) -> tuple[int, str]:
    """Return the most rows in a page, and what is not documented of it."""
    if size is None:
        return _FEW, "how many rows a page has is not documented"
    facts = size.schema.facts
    values = [each for each in facts.get("enum") or () if isinstance(each, int) and not isinstance(each, bool)]
    if values:
        return max(values), ""
    maximum = facts.get("maximum")
    if isinstance(maximum, int | float) and maximum >= 1:
        return int(min(maximum, _MANY)), ""
    for pattern in _MAXIMUM:
        found = re.search(pattern, size.text, re.IGNORECASE)
        if found and (number := int(re.sub(r"\D", "", found[1]))) > 1:
            return min(number, _MANY), ""
    said = re.search(r"default[^.\d]{0,40}(\d+)", size.text, re.IGNORECASE)
    default = facts.get("default", said[1] if said else None)
    if str(default).isdecimal() and int(str(default)) > 0:
        return min(int(str(default)), _MANY), f"the largest {size.name!r} is not documented"
    return _FEW, f"the largest {size.name!r} is not documented"


def _is_number(param: Param) -> bool:
    """Whether text is a number all the same."""
    if _TOKENS.search(param.text) or _IDS.search(param.text):
        return False
    if not param.schema.fits("string", "integer", "number"):
        return bool(_A_NUMBER.search(param.text))
    said = (param.schema.facts.get("default"), param.example)
    return any(str(each).isdecimal() for each in said) or bool(_A_NUMBER.search(param.text))
