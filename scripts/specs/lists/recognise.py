"""Which operations of a document are lists, and how they page. Pure.

A list is an operation that reads (GET, or a POST that searches), whose success is an array of objects, or an object
with one array of objects that matters, and that can give the rest in another page: it has a parameter for the position,
or its answer names the next page. What the document leaves open is a doubt; where a wrong guess would lose rows, the
operation is undecided.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from specs.lists import words
from specs.lists.access import access
from specs.lists.conditions import conditions_of
from specs.lists.listing import Doubt, Envelope, Fixed, Listing, Paging, Recognition
from specs.lists.operations import Operation, Operations, Param
from specs.lists.schemas import Flat, Schemas
from specs.lists.words import plain, singular

_FEW = 20  # rows in a page where nothing is documented
_MANY = 1000  # rows in a page where the document allows any number
_MAXIMUM = (
    r"max(?:imum)?(?:imum)?[^.\d]{0,60}?(\d[\d,_]*)",
    r"between\s+`?\d+`?\s+(?:and|to)\s+`?(\d[\d,]*)",
    r"\b[01]\s*(?:-|–|\.\.|to)\s*(\d[\d,]*)",
    r"up to (?:a maximum of )?(\d[\d,]*)",
    r"(?:exceed|more than|at most|less than or equal to|<=|limit(?:ed)? (?:of|to))\s*`?(\d[\d,]*)",
    r"(\d[\d,]*)(?: is the|,? which is the)? max",
)
_ZERO = re.compile(
    r"\b(zero|0)[- ]?(based|indexed)|start(s|ing)?( page)?( number)? (at|from|with) (0|zero)\b|begin\w* (at|with) (0|zero)"
    r"|first page (is|=|has)( number)? (0|zero)\b|default(s)?( is| to|:|=)? *`?0\b|\b0\b (is|for|=) the first",
    re.IGNORECASE,
)
_ONE = re.compile(
    r"\b(one|1)[- ]?(based|indexed)|start(s|ing)?( page)?( number)? (at|from|with) `?(1|one)\b|begin\w* (at|with) (1|one)"
    r"|first page (is|=|has)( number)? (1|one)\b|default(s)?( is| to|:|=| value:?)? *`?1\b|page=1\b|\b1\b (is|for|=) the first"
    r"|minimum( is|:|=)? *1\b|\bpage 1\b|e\.?g\.?,? *1\b",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"\blink[`'\"]? (response )?header|header[`'\"]? link|\bRFC ?(5988|8288)\b|next[`'\"]? link (header|relation)", re.IGNORECASE
)
_ABOUT_IDS = re.compile(r"\bids?\b|\bgids?\b|snowflake|object|last (item|row|record|element|result)", re.IGNORECASE)
_URL_TEXT = re.compile(r"\b(ur[li]|hyperlink|link) ", re.IGNORECASE)


def recognise(document: dict[str, Any]) -> Recognition:
    """Return what is recognised of a document.

    Args:
        document: A valid one, as it was published: defaults and descriptions say what names do not.
    """
    found = Recognition(access=access(document))
    reader = _Reader(document)
    for operation in Operations(document).reading():
        result = reader.listing(operation)
        if isinstance(result, Listing):
            found.listings.append(result)
        elif isinstance(result, Doubt):
            found.undecided.append(result)
        elif result:
            found.whole.append(operation.where)
    return found


class _Reader:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document, self.schemas = document, Schemas(document)

    # ---- one list

    def listing(self, operation: Operation) -> Listing | Doubt | bool:
        """Return a list, why it is not known how to read it, or whether it is a list without pages."""
        where = operation.where
        rows = self._rows(operation)
        if rows is None:
            return False
        if isinstance(rows, Doubt):
            return rows if self._pages_at_all(operation, None) else False
        path, items = rows
        if not self._pages_at_all(operation, path):
            return path is None or self._is_only_rows(operation, path)
        paging = self._paging(operation, path)
        if isinstance(paging, Doubt):
            return paging
        pages, envelope, doubts = paging
        row = self.schemas.flat(items)
        key = self._key(operation, path, row)
        if isinstance(key, Doubt):
            return key
        if row.branches > 1 and not row.name:
            doubts.append(
                Doubt(where, f"rows are of {row.branches} kinds", "one class of row is read; see its attributes")
            )
        taken = {name for name in (pages.param, pages.size) if name}
        conditions, order, more_doubts = conditions_of(operation, row, taken, self.schemas)
        fixed = tuple(Fixed("path", name) for name in re.findall(r"{([^}]+)}", operation.path))
        used = {name for each in conditions for name in each.params.values()} | taken
        fixed += tuple(
            Fixed("query", each.name) for each in operation.params if each.required and each.name not in used
        )
        fixed += tuple(
            Fixed("header", each.name) for each in operation.headers if each.required and not _is_usual(each.name)
        )
        name = self._name(operation.path)
        return Listing(where, name, pages, envelope, key[0], fixed, conditions, order, (*doubts, *key[1], *more_doubts))

    def _name(self, path: str) -> str:
        parts = [part for part in path.strip("/").split("/") if part and not part.startswith("{")]
        parts = [part for part in parts if not re.fullmatch(r"v?\d+(\.\d+)*|api|rest|search|list|query|_search", part)]
        return plain(re.sub(r"\.json$|{.*?}", "", parts[-1] if parts else "items"))

    # ---- rows

    def _rows(self, operation: Operation) -> tuple[str | None, Any] | Doubt | None:
        """Return the path of the rows, and the schema of one."""
        answer = operation.answer
        if answer.is_array:
            return (None, answer.items) if self.schemas.flat(answer.items).is_object else None
        arrays = [
            (path, found.items)
            for path, found in self.schemas.members(answer)
            if found.is_array and self.schemas.flat(found.items).is_object
        ]
        arrays = [each for each in arrays if plain(each[0].rpartition(".")[2]) not in words.BESIDE] or arrays
        for depth in range(3):
            here = [each for each in arrays if each[0].count(".") == depth]
            if here:
                return self._dominant(operation, here)
        return None

    def _dominant(self, operation: Operation, arrays: list[tuple[str, Any]]) -> tuple[str, Any] | Doubt:
        if len(arrays) == 1:
            return arrays[0]
        named = {singular(part) for part in self._name(operation.path).split("_")}
        last = {path: {singular(part) for part in plain(path.rpartition(".")[2]).split("_")} for path, _ in arrays}
        for meant in (
            [each for each in arrays if last[each[0]] == named],
            [each for each in arrays if plain(each[0].rpartition(".")[2]) in words.ROWS],
            [each for each in arrays if last[each[0]] & named],
        ):
            if len(meant) == 1:
                return meant[0]
        paths = " and ".join(repr(path) for path, _ in arrays)
        return Doubt(
            operation.where, f"its answer holds several arrays of objects, {paths}", "choose RowReader(items=)"
        )

    def _is_only_rows(self, operation: Operation, path: str) -> bool:
        """Whether an answer without pages holds nothing but rows."""
        beside = {plain(name) for name in operation.answer.properties} - {plain(path.partition(".")[0])}
        return all(name in words.AROUND or name in words.TOTAL or name in words.MORE for name in beside)

    # ---- paging

    def _pages_at_all(self, operation: Operation, items: str | None) -> bool:
        params = (*operation.params, *operation.body)
        names = {plain(each.name.rpartition(".")[2]) for each in params} | {each.plain for each in params}
        if names & (words.NUMBER | words.OFFSET) and (names & words.SIZE or names & words.NUMBER):
            return True
        if names & words.CURSOR and (names & words.SIZE or self._nexts(operation, items) or operation.answer.is_array):
            return True
        return bool(self._nexts(operation, items)) or self._has_link(operation)

    def _has_link(self, operation: Operation) -> bool:
        if any(name.lower() == "link" for name in operation.answer_headers):
            return True
        texts = [operation.text, *(each.text for each in operation.params if each.plain in words.CURSOR | words.NUMBER)]
        return any(_LINK.search(text) for text in texts)

    def _envelope(self, operation: Operation, items: str | None) -> Iterator[tuple[str, Flat]]:
        """Yield the members around the rows."""
        if items is not None:
            for path, found in self.schemas.members(operation.answer):
                if path != items and not path.startswith(f"{items}."):
                    yield path, found

    def _nexts(self, operation: Operation, items: str | None) -> list[tuple[int, str, bool]]:
        """Return the members that name the next page, the most likely first: rank, path, and whether it is a URL."""
        found = []
        for path, schema in self._envelope(operation, items):
            outer, _, last = path.rpartition(".")
            name, above = plain(last), plain(outer.rpartition(".")[2])
            is_next_object = above in {"next", "next_page", "next_link"} or (above == "next" and outer)
            if schema.is_object or schema.is_array or schema.fits("boolean"):
                continue
            if is_next_object and name in words.INSIDE_NEXT:
                found.append((0, path, _is_url(path, schema)))
            elif name in words.NEXT or name in words.NEXT_URL:
                rank = words.NEXT.index(name) if name in words.NEXT else 3
                if name in {
                    "last_id",
                    "token",
                    "marker",
                    "cursor",
                    "after",
                    "scroll_id",
                    "page_token",
                    "last_key",
                    "bookmark",
                }:
                    rank += 20 if outer and above not in {"cursors", "list_metadata", "paging", "pagination"} else 0
                found.append((rank, path, _is_url(path, schema)))
        return sorted(found)

    def _paging(self, operation: Operation, items: str | None) -> tuple[Paging, Envelope, list[Doubt]] | Doubt:
        where, doubts = operation.where, list[Doubt]()
        place = "query"
        params = operation.params
        if operation.body and not self._positions(params):
            place, params = "body", operation.body
        numbers, offsets, cursors = self._positions_by_kind(params)
        size = self._size(params)
        nexts = self._nexts(operation, items)
        envelope = self._described(operation, items, doubts)
        positional = [each for each in (*numbers, *offsets) if not each.deprecated]
        is_token = any(each.plain in {"page_token"} for each in cursors) and any(
            each.plain == "page" for each in numbers
        )
        urls = [path for _, path, is_url in nexts if is_url]
        plain_nexts = [(rank, path) for rank, path, is_url in nexts if not is_url]
        matched = self._matched(cursors, plain_nexts)

        if positional and not is_token:
            one = positional[0]
            style = "numbered" if one in numbers else "offset"
            if (loose := _not_a_position(one, style)) is not None:
                return Doubt(where, loose, f"see what {one.name!r} means")
            first = 1
            if style == "numbered":
                first, doubt = _first_page(one, operation)
                doubts += doubt
            if cursors and matched:
                doubts.append(
                    Doubt(
                        where,
                        f"pages by {one.name!r} and by {cursors[0].name!r}",
                        f"{one.name!r} is used, for it can be read ahead",
                    )
                )
            paging = Paging(style, one.name, size.name if size else None, 0, first, place)
            more = envelope.more
            return self._sized(paging, size, replace(envelope, next=None, more=more), doubts, where)
        if matched is not None:
            param, path = matched
            paging = Paging("cursor", param.name, size.name if size else None, 0, 1, place)
            if param.required:
                doubts.append(Doubt(where, f"{param.name!r} is required", "give the first cursor: Cursor(start=)"))
            return self._sized(paging, size, replace(envelope, next=path), doubts, where)
        if urls and place == "query":
            paging = Paging("url", None, size.name if size else None, 0)
            return self._sized(paging, size, replace(envelope, next=urls[0]), doubts, where)
        if self._has_link(operation) and place == "query":
            paging = Paging("url", None, size.name if size else None, 0)
            return self._sized(paging, size, replace(envelope, next="Link"), doubts, where)
        last = [each for each in cursors if each.plain in words.LAST_ID]
        if last and (
            _ABOUT_IDS.search(last[0].text)
            or last[0].plain.endswith("_id")
            or last[0].plain.startswith("starting_after")
        ):
            paging = Paging("last-id", last[0].name, size.name if size else None, 0, 1, place)
            return self._sized(paging, size, envelope, doubts, where)
        if cursors:
            return Doubt(
                where,
                f"it takes {cursors[0].name!r}, and its answer does not name the next one",
                "see where the next cursor comes from",
            )
        if plain_nexts:
            return Doubt(
                where,
                f"its answer has {plain_nexts[0][1]!r}, and no parameter takes it",
                "see how the next page is asked for",
            )
        names = ", ".join(repr(each.name) for each in (*numbers, *offsets)) or "nothing"
        return Doubt(
            where, f"how its pages follow each other is not documented: it takes {names}", "see the API's documentation"
        )

    def _positions(self, params: tuple[Param, ...]) -> bool:
        return any(map(len, self._positions_by_kind(params)))

    def _positions_by_kind(self, params: tuple[Param, ...]) -> tuple[list[Param], list[Param], list[Param]]:
        numbers, offsets, cursors = [], [], []
        for each in params:
            name = (
                each.plain
                if each.plain in words.NUMBER | words.OFFSET | words.CURSOR
                else plain(each.name.rpartition(".")[2])
            )
            if each.schema.is_object or each.schema.is_array or each.schema.fits("boolean"):
                continue
            if each.schema.facts.get("format") in {"date", "date-time"}:
                continue
            if name in words.NUMBER and (each.is_whole or _means_number(each)):
                numbers.append(each)
            elif name in words.OFFSET and (
                each.is_whole or (_means_number(each) and name != "from" and name != "start")
            ):
                offsets.append(each)
            elif name in words.CURSOR or name in {"offset", "page", "from", "start", "page_offset"}:
                cursors.append(each)
        return numbers, offsets, cursors

    def _matched(self, cursors: list[Param], nexts: list[tuple[int, str]]) -> tuple[Param, str] | None:
        """Return the cursor and the member that names the next one."""
        for each in cursors:
            bare = each.plain
            last = plain(each.name.rpartition(".")[2])
            alike = {f"next_{bare}", f"next_{last}", f"next_page_{last}"}
            same = [path for _, path in nexts if plain(path) in alike or plain(path.rpartition(".")[2]) in alike]
            own = [path for _, path in nexts if plain(path.rpartition(".")[2]) in {bare, last} and "." in path]
            if same or own:
                return each, (same or own)[0]
        if cursors and nexts:
            likely = [
                each for each in cursors if each.plain not in {"token", "next", "from", "start", "position"}
            ] or cursors
            return likely[0], nexts[0][1]
        return None

    def _size(self, params: tuple[Param, ...]) -> Param | None:
        found = [each for each in params if (each.plain in words.SIZE or plain(each.name.rpartition(".")[2]) in words.SIZE)
                 and not each.schema.is_object and not each.schema.is_array and not each.schema.fits("boolean")]  # fmt: skip
        sure = [
            each
            for each in found
            if plain(each.name.rpartition(".")[2]) not in {"count", "first", "max", "num", "length", "rows", "top"}
        ]
        return next(iter(sure or found), None)

    def _sized(
        self, paging: Paging, size: Param | None, envelope: Envelope, doubts: list[Doubt], where: str
    ) -> tuple[Paging, Envelope, list[Doubt]]:
        largest, why = _largest(size)
        if why:
            doubts.append(Doubt(where, why, f"largest={largest} is assumed"))
        return replace(paging, largest=largest), envelope, doubts

    def _described(self, operation: Operation, items: str | None, doubts: list[Doubt]) -> Envelope:
        """Return what the answer says besides its rows, and besides the next page."""
        total = more = header = None
        is_last = False
        maybe: list[str] = []
        for path, found in self._envelope(operation, items):
            name, above = plain(path.rpartition(".")[2]), plain(path)
            about_pages = re.search(r"\bpages\b", found.text) and not re.search(r"across|all pages", found.text)
            if found.fits("integer", "number") and total is None:
                if (name in words.TOTAL or above in words.TOTAL) and not about_pages:
                    if name in words.MAYBE_TOTAL:
                        maybe.append(path)
                    else:
                        total = path
                elif name in words.MAYBE_TOTAL:
                    if re.search(r"\btotal\b|\ball\b", found.text, re.IGNORECASE) and not re.search(
                        r"page|returned|response", found.text, re.IGNORECASE
                    ):
                        total = path
                    else:
                        maybe.append(path)
            if found.fits("boolean") and more is None:
                if name in words.MORE:
                    more = path
                elif name in words.NO_MORE:
                    more, is_last = path, True
        for name in operation.answer_headers:
            if name.lower() in words.TOTAL_HEADERS:
                header = name
        if total is None and header is None:
            for path in maybe[:1]:
                doubts.append(
                    Doubt(
                        operation.where,
                        f"{path!r} counts all rows, or those of the page",
                        f"if all: RowReader(total={path!r})",
                    )
                )
        array = dict(self.schemas.members(operation.answer)).get(items or "", Flat())
        outer = (items or "").partition(".")[0]
        return Envelope(items, total, None if total else header, None, more, is_last, array.nullable,
                        bool(items) and outer not in operation.answer.required)  # fmt: skip

    # ---- the key

    def _key(self, operation: Operation, items: str | None, row: Flat) -> tuple[str, list[Doubt]] | Doubt:
        where, doubts = operation.where, list[Doubt]()
        members = {name: self.schemas.flat(schema) for name, schema in row.properties.items()}
        usable = {name: each for name, each in members.items() if each.fits("string", "integer", "number")
                  and not each.facts.get("format") == "date-time" and "enum" not in each.facts}  # fmt: skip
        by_plain = {plain(name): name for name in reversed(usable)}
        for name in words.KEYS:
            if name in words.SURE_KEYS and name in by_plain:
                return by_plain[name], doubts
        things = {
            singular(self._name(operation.path)),
            singular(plain((items or "").rpartition(".")[2])),
            singular(plain(row.name)),
        }
        things |= {thing.rpartition("_")[2] for thing in things} - {""}
        for thing in sorted(things - {""}, key=len, reverse=True):
            for suffix in ("id", "uuid", "guid", "sid", "key", "gid"):
                if f"{thing}_{suffix}" in by_plain:
                    return by_plain[f"{thing}_{suffix}"], doubts
        if (name := self._of_path(operation, by_plain)) is not None:
            return name, doubts
        for name in by_plain:
            if (
                name.endswith(("_id", "_uuid", "_sid"))
                and sum(each.endswith(("_id", "_uuid", "_sid")) for each in by_plain) == 1
            ):
                doubts.append(Doubt(where, f"whether {by_plain[name]!r} is unique among rows", "see RowReader(key=)"))
                return by_plain[name], doubts
        for name in words.KEYS:
            if name in by_plain and (by_plain[name] in row.required or len(usable) < 8):
                doubts.append(Doubt(where, f"whether {by_plain[name]!r} is unique among rows", "see RowReader(key=)"))
                return by_plain[name], doubts
        inner = [
            path
            for path, each in self.schemas.members(row, 2)
            if path.count(".") == 1 and plain(path.rpartition(".")[2]) in words.SURE_KEYS
        ]
        if inner:
            return Doubt(
                where,
                f"rows have no id of their own; {inner[0]!r} is inside another object",
                "choose what tells rows apart: RowReader(key=)",
            )
        if not members:
            return Doubt(where, "what its rows hold is not documented", "add their schema in the overlay")
        return Doubt(where, "no member of its rows tells them apart by its name", "choose one: RowReader(key=)")

    def _of_path(self, operation: Operation, by_plain: Mapping[str, str]) -> str | None:
        """Return the member that one row is asked for by: `/domains/{domain_name}` is for `/domains`."""
        for path in self.document["paths"]:
            rest = path.removeprefix(operation.path.rstrip("/") + "/")
            if rest == path or not (found := re.fullmatch(r"{([^{}/]+)}/?", rest)):
                continue
            name = plain(found[1])
            thing = singular(self._name(operation.path))
            for each in (name, name.removeprefix(f"{thing}_"), name.rpartition("_")[2]):
                if each in by_plain:
                    return by_plain[each]
        return None


def _is_usual(header: str) -> bool:
    return header.lower() in {"accept", "accept-language", "authorization", "content-type", "user-agent"}


def _is_url(path: str, schema: Flat) -> bool:
    if schema.facts.get("format") in {"uri", "url", "uri-reference"}:
        return True
    parts = [plain(part) for part in path.split(".")]
    if {"links", "_links", "link"} & {*parts[:-1], path.split(".", maxsplit=1)[0]} or parts[-1] in {"href", "url", "uri", "link"}:
        return schema.fits("string") or not schema.types
    if parts[-1].endswith(("_url", "_uri", "_link", "_href")):
        return True
    example = str(schema.facts.get("example") or "")
    if example.startswith(("http://", "https://")) or (example.startswith("/") and "?" in example):
        return True
    return bool(_URL_TEXT.search(f"{schema.text} ")) and not re.search(r"cursor|token", schema.text, re.IGNORECASE)


def _means_number(param: Param) -> bool:
    """Whether text is a number all the same."""
    default = param.schema.facts.get("default")
    if isinstance(default, int | str) and str(default).isdecimal():
        return True
    if str(param.example or "").isdecimal() and param.schema.fits("string"):
        return not re.search(r"cursor|token|opaque", param.text, re.IGNORECASE)
    return bool(
        re.search(
            r"\b(page number|number of (the )?page|number of \w+ to skip|page to (return|fetch|get))", param.text, re.IGNORECASE
        )
    ) and not re.search(r"cursor|token", param.text, re.IGNORECASE)


def _not_a_position(param: Param, style: str) -> str | None:
    """Return why a parameter that is called like a position is none, if so."""
    if style == "offset" and re.search(r"number (is )?greater than|id greater|unix|timestamp|epoch", param.text, re.IGNORECASE):
        return f"{param.name!r} does not count rows"
    if style == "offset" and (
        param.schema.facts.get("minimum") == 1 or re.search(r"\b(1|one)-based|\b1-index", param.text, re.IGNORECASE)
    ):
        return f"{param.name!r} counts rows from 1"
    return None


def _first_page(param: Param, operation: Operation) -> tuple[int, list[Doubt]]:
    facts, text = param.schema.facts, f"{param.text} "
    for value in (facts.get("default"), facts.get("minimum")):
        if value in {0, 1, "0", "1"} and not isinstance(value, bool):
            return int(value), []
    if facts.get("exclusiveMinimum") == 0 or (facts.get("minimum") == 0 and facts.get("exclusiveMinimum") is True):
        return 1, []
    if _ZERO.search(text):
        return 0, []
    if _ONE.search(text) or param.example in {1, "1"}:
        return 1, []
    if param.example in {0, "0"}:
        return 0, []
    first = 0 if param.plain == "page_index" else 1
    return first, [
        Doubt(
            operation.where,
            f"whether the first {param.name!r} is 0 or 1 is not documented",
            f"{first} is assumed: PageNumber(first=)",
        )
    ]


def _largest(size: Param | None) -> tuple[int, str]:
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
    default = facts.get("default")
    if isinstance(default, str) and default.isdecimal():
        default = int(default)
    if isinstance(default, int) and not isinstance(default, bool) and default > 0:
        return min(default, _MANY), f"the largest {size.name!r} is not documented"
    found = re.search(r"default[^.\d]{0,40}(\d+)", size.text, re.IGNORECASE)
    if found and int(found[1]) > 0:
        return min(int(found[1]), _MANY), f"the largest {size.name!r} is not documented"
    return _FEW, f"the largest {size.name!r} is not documented"
