"""Which operations of a document are lists, and how they page. Pure.

A list is an operation that reads (GET, or a POST that searches), whose success is an array of objects, or an object
with one array of objects that matters, and that gives the rest in other pages: it has a parameter for the position, or
its answer names the next page. What the document leaves open is a doubt; where a wrong guess would lose rows, the
operation is undecided.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from specs.lists import words
from specs.lists.access import access
from specs.lists.conditions import conditions_of
from specs.lists.keys import key_of, list_name
from specs.lists.listing import Doubt, Envelope, Fixed, Listing, Paging, Recognition
from specs.lists.operations import Operation, Operations, Param
from specs.lists.paging import (
    first_page,
    is_about_ids,
    largest,
    last_part,
    matched,
    names_a_row,
    no_position,
    positions_of,
    size_of,
)
from specs.lists.schemas import Flat, Schemas
from specs.lists.words import plain, singular

_LINK = re.compile(
    r"\blink[`'\"]? (response )?header|header[`'\"]? link|\bRFC ?(5988|8288)\b|next[`'\"]? link (header|relation)",
    re.IGNORECASE,
)
_NEXT_LINK = re.compile(r"\bnext\b|\bpagina|\bRFC ?(5988|8288)\b", re.IGNORECASE)
_URL_TEXT = re.compile(r"\b(ur[li]|hyperlink|link)\b", re.IGNORECASE)
_AROUND_ROWS = frozenset({"data", "embedded", "payload", "response", "result", "results"})
_ECHOES = frozenset(
    {"after", "bookmark", "cursor", "last_id", "last_key", "marker", "page_token", "scroll_id", "token"}
)
_USUAL = frozenset({"accept", "accept-language", "authorization", "content-type", "user-agent"})  # headers


def recognise(document: dict[str, Any]) -> Recognition:
    """Return what is recognised of a document.

    Args:
        document: A valid one, as it was published: defaults and descriptions say what names do not.
    """
    found = Recognition(access=access(document))
    schemas = Schemas(document)
    for operation in Operations(document).reading():
        result = _Recogniser(operation, schemas).listing()
        if isinstance(result, Listing):
            found.listings.append(result)
        elif isinstance(result, Doubt):
            found.undecided.append(result)
        elif result:
            found.whole.append(operation.where)
    return found


class _Recogniser:
    """One operation."""

    def __init__(self, operation: Operation, schemas: Schemas) -> None:
        self.operation, self.schemas = operation, schemas
        self.where = operation.where
        self.items: str | None = None
        self.doubts: list[Doubt] = []

    def listing(self) -> Listing | Doubt | bool:
        """Return the list, or why it is not known how to read it; else whether it is a list without pages."""
        rows = self._rows()
        if rows is None:
            return False
        if isinstance(rows, Doubt):
            return rows if self._has_pages() else False
        self.items, schema = rows
        if self.items is not None and "." in self.items and self.operation.path.rstrip("/").endswith("}"):
            return False  # one thing, and what is in it
        if not self._has_pages():
            return self.items is None or self._is_only_rows(self.items)
        decided = self._paging()
        if isinstance(decided, Doubt):
            return decided
        paging, envelope = decided
        row = self.schemas.flat(schema)
        key = key_of(self.operation, self.items, row, self.schemas)
        if isinstance(key, Doubt):
            return key
        self.doubts += key[1]
        needed = [
            each for each in self.operation.params if each.required and each.name not in {paging.param, paging.size}
        ]
        taken = {paging.param, paging.size, *(each.name for each in needed)} - {None}
        conditions, order, doubts = conditions_of(self.operation, row, map(str, taken), self.schemas)
        fixed = (
            *(Fixed("path", name) for name in re.findall(r"{([^}]+)}", self.operation.path)),
            *(Fixed("query", each.name) for each in needed),
            *(Fixed("header", each.name) for each in self.operation.headers
              if each.required and each.name.lower() not in _USUAL),
            *(Fixed("body", each.name, _python_type(each.schema)) for each in self.operation.body
              if paging.where == "body" and each.required and each.name not in {paging.param, paging.size}),
        )  # fmt: skip
        return Listing(
            self.where,
            list_name(self.operation.path),
            paging,
            envelope,
            key[0],
            fixed,
            conditions,
            order,
            (*self.doubts, *doubts),
        )

    # ---- rows

    def _rows(self) -> tuple[str | None, Any] | Doubt | None:
        """Return the path of the rows, and the schema of one."""
        answer = self.operation.answer
        if answer.is_array:
            return (None, answer.items) if self.schemas.flat(answer.items).is_object else None
        arrays = [
            (path, found.items)
            for path, found in self.schemas.members(answer)
            if found.is_array and self.schemas.flat(found.items).is_object
        ]
        arrays = [each for each in arrays if last_part(each[0]) not in words.BESIDE] or arrays
        for depth in range(3):
            if here := [each for each in arrays if each[0].count(".") == depth]:
                return self._dominant(here)
        return None

    def _dominant(self, arrays: list[tuple[str, Any]]) -> tuple[str, Any] | Doubt:
        if len(arrays) == 1:
            return arrays[0]
        name = _parts(list_name(self.operation.path))
        for meant in (
            [each for each in arrays if _parts(last_part(each[0])) == name],
            [each for each in arrays if last_part(each[0]) in words.ROWS],
            [each for each in arrays if _parts(last_part(each[0])) & name],
        ):
            if len(meant) == 1:
                return meant[0]
        paths = " and ".join(repr(path) for path, _ in arrays)
        return Doubt(self.where, f"its answer holds several arrays of objects, {paths}", "choose RowReader(items=)")

    def _is_only_rows(self, path: str) -> bool:
        """Whether an answer without pages holds nothing but rows."""
        outer, _, inner = path.partition(".")
        if inner and plain(outer).strip("_") not in _AROUND_ROWS:
            return False
        is_one = self.operation.path.rstrip("/").endswith("}")
        if not inner and plain(path) in words.ROWS and not is_one:
            return True
        beside = {plain(name) for name in self.operation.answer.properties} - {plain(outer)}
        return beside <= words.AROUND | words.TOTAL | words.MORE

    # ---- pages

    def _has_pages(self) -> bool:
        params = (*self.operation.params, *self.operation.body)
        names = {last_part(each.name) for each in params} | {each.plain for each in params}
        if names & words.NUMBER or (names & words.OFFSET and names & words.SIZE):
            return True
        if names & words.CURSOR and (names & words.SIZE or self.operation.answer.is_array):
            return True
        return bool(self._nexts()) or self._has_link()

    def _has_link(self) -> bool:
        """Whether the next page is named in the Link header, or said to be."""
        paged = [each.text for each in self.operation.params if each.plain in words.CURSOR | words.NUMBER]
        is_declared = any(name.lower() == "link" for name in self.operation.answer_headers)
        return is_declared or any(_LINK.search(text) for text in (self.operation.text, *paged))

    def _has_next_link(self) -> bool:
        """Whether a Link header is declared, and says which page is next."""
        declared = [each for name, each in self.operation.answer_headers.items() if name.lower() == "link"]
        return any(_NEXT_LINK.search(str(self.schemas.whole(each))) for each in declared)

    def _around(self) -> Iterator[tuple[str, Flat]]:
        """Yield the members around the rows."""
        if self.items is not None:
            for path, found in self.schemas.members(self.operation.answer):
                if path != self.items and not path.startswith(f"{self.items}."):
                    yield path, found

    def _nexts(self) -> list[tuple[int, str, bool]]:
        """Return the members that name the next page, the most likely first: rank, path, and whether it is a URL."""
        found = []
        for path, schema in self._around():
            outer, _, last = path.rpartition(".")
            name, above = plain(last), last_part(outer)
            if schema.is_object or schema.is_array or schema.fits("boolean"):
                continue
            if above in {"next", "next_page", "next_link"} and name in words.INSIDE_NEXT:
                found.append((0, path, _is_url(path, schema)))
            elif name in words.NEXT or name in words.NEXT_URL or name.startswith("next_"):
                rank = words.NEXT.index(name) if name in words.NEXT else 3
                found.append((rank, path, _is_url(path, schema)))
        has_better = any(last_part(path).startswith("next") for _, path, is_url in found if not is_url)
        return sorted(each for each in found if not (has_better and last_part(each[1]) in _ECHOES and each[0]))

    def _paging(self) -> tuple[Paging, Envelope] | Doubt:
        params, place = self.operation.params, "query"
        if self.operation.body and not positions_of(params):
            params, place = self.operation.body, "body"
        found, size = positions_of(params), size_of(params)
        nexts = self._nexts()
        urls = [path for _, path, is_url in nexts if is_url]
        cursor = matched(found.cursors, [path for _, path, is_url in nexts if not is_url])
        envelope = self._envelope()
        counted = [each for each in (*found.numbers, *found.offsets) if not each.deprecated]
        needs_token = any(each.plain == "page_token" for each in found.cursors) and bool(urls or cursor)

        def needs_first(param: Param) -> Doubt:
            why = f"{param.name!r} is required, and what the first page has there is not documented"
            return Doubt(self.where, why, "correct the document in the overlay, or see Cursor(start=)")

        def paged(style: Any, param: Param | None, first: int = 1, **where: str) -> tuple[Paging, Envelope]:
            most, why = largest(size)
            if why:
                self._doubt(why, f"largest={most} is assumed")
            paging = Paging(style, param and param.name, size and size.name, most, first, place)  # type: ignore[arg-type]
            return paging, replace(envelope, **where)  # type: ignore[arg-type]

        if counted and not needs_token:
            one = counted[0]
            style = "numbered" if one in found.numbers else "offset"
            if (why := no_position(one, style)) is not None:
                return Doubt(self.where, why, f"see what {one.name!r} means")
            first, doubts = first_page(one, self.operation) if style == "numbered" else (1, [])
            self.doubts += doubts
            if cursor is not None:
                other = cursor[0].name
                self._doubt(f"it pages by {one.name!r} and by {other!r}", f"{one.name!r} is used: it can be read ahead")
            is_flagged = bool(envelope.more or envelope.total or envelope.total_header)
            return paged(style, one, first, **({} if is_flagged or not self._has_next_link() else {"more": "Link"}))
        if cursor is not None:
            if cursor[0].required and not cursor[0].schema.nullable:
                return needs_first(cursor[0])
            return paged("cursor", cursor[0], next=cursor[1])
        if place == "query" and (urls or self._has_link()):
            return paged("url", None, next=urls[0] if urls else "Link")
        last = next((each for each in found.cursors if names_a_row(each)), None)
        if last is not None:
            if not is_about_ids(last):
                self._doubt(
                    f"what {last.name!r} takes is not documented", "the key of the last row is assumed: LastId()"
                )
            return needs_first(last) if last.required and not last.schema.nullable else paged("last-id", last)
        if found.cursors:
            why = f"it takes {found.cursors[0].name!r}, and its answer does not name the next one"
            return Doubt(self.where, why, "see where the next cursor comes from")
        if nexts:
            why = f"its answer has {nexts[0][1]!r}, and no parameter takes it"
            return Doubt(self.where, why, "see how the next page is asked for")
        return Doubt(self.where, "how its pages follow each other is not documented", "see the API's documentation")

    def _doubt(self, why: str, look: str) -> None:
        self.doubts.append(Doubt(self.where, why, look))

    def _envelope(self) -> Envelope:
        """Return what the answer says besides its rows, and besides the next page."""
        total = more = None
        is_last = False
        loose: list[str] = []
        for path, found in self._around():
            name = last_part(path)
            if found.fits("integer", "number") and total is None and name in words.TOTAL | words.MAYBE_TOTAL:
                if re.search(r"\bpages\b", found.text) and not re.search(r"across|all pages", found.text):
                    continue
                if name not in words.MAYBE_TOTAL or _is_total(found.text):
                    total = path
                else:
                    loose.append(path)
            elif found.fits("boolean") and more is None and name in words.MORE | words.NO_MORE:
                more, is_last = path, name in words.NO_MORE
        header = next((name for name in self.operation.answer_headers if name.lower() in words.TOTAL_HEADERS), None)
        if loose and total is None and header is None:
            why = f"whether {loose[0]!r} counts all rows, or those of the page, is not documented"
            self._doubt(why, f"if all, add RowReader(total={loose[0]!r})")
        answer = self.operation.answer
        array = dict(self.schemas.members(answer)).get(self.items or "", answer)
        is_optional = self.items is not None and self.items.partition(".")[0] not in answer.required
        return Envelope(self.items, total, None if total else header, None, more, is_last, array.nullable, is_optional)


def _python_type(schema: Flat) -> str:
    """Return the type of a member of a body, as a binding writes it."""
    plainly = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
    if schema.is_array:
        return "list[Any]"
    names = sorted({plainly[each] for each in schema.types if each in plainly})
    return " | ".join(names) if names and schema.types <= plainly.keys() else "dict[str, Any]"


def _parts(name: str) -> set[str]:
    return {singular(part) for part in name.split("_")}


def _is_total(text: str) -> bool:
    is_of_page = re.search(r"\bpage\b|returned|response|this (list|request)", text, re.IGNORECASE)
    return bool(re.search(r"\btotal\b|\ball\b", text, re.IGNORECASE)) and not is_of_page


def _is_url(path: str, schema: Flat) -> bool:
    if schema.facts.get("format") in {"uri", "uri-reference", "url"}:
        return True
    *above, last = [plain(part).strip("_") for part in path.split(".")]
    if {"link", "links"} & set(above) or last in {"href", "link", "uri", "url"}:
        return True
    if last.endswith(("_href", "_link", "_uri", "_url")):
        return True
    example = str(schema.facts.get("example") or "")
    if example.startswith(("http://", "https://")) or (example.startswith("/") and "?" in example):
        return True
    return bool(_URL_TEXT.search(schema.text)) and not re.search(r"cursor|token", schema.text, re.IGNORECASE)
