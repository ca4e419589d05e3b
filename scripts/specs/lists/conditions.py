"""What rows can be filtered and sorted by: query parameters, and the members of a row. Pure."""

import re
from collections.abc import Iterable

from specs.lists import words
from specs.lists.listing import Condition, Doubt, Order
from specs.lists.operations import Operation, Param
from specs.lists.schemas import Flat, Schemas
from specs.lists.words import plain, singular

_OPS = {
    "gte": "ge", "min": "ge", "from": "ge", "since": "ge", "start": "ge", "starting": "ge", "begin": "ge", "ge": "ge",
    "gt": "gt", "after": "gt", "greater_than": "gt",
    "lte": "le", "max": "le", "to": "le", "until": "le", "end": "le", "ending": "le", "le": "le", "till": "le",
    "lt": "lt", "before": "lt", "less_than": "lt",
}  # fmt: skip
_EXACT = frozenset({"gte", "gt", "lte", "lt", "ge", "le", "min", "max"})
_WORD = "|".join(sorted(_OPS, key=len, reverse=True))
_SUFFIX = re.compile(rf"(?P<base>.+)_(?P<op>{_WORD})(_(?P<kind>date|time|at|datetime|timestamp|date_time))?")
_PREFIX = re.compile(rf"(?P<op>{_WORD})_(?P<base>.+)")
_BARE = re.compile(rf"(?P<op>{_WORD})(_?(date|time|at|datetime|timestamp|date_time|ts))?")
_INCLUSIVE = re.compile(
    r"inclusive|or equal|on or (after|before)|at or (after|before)|≥|≤|>=|<=|no (later|earlier)", re.IGNORECASE
)
_EXCLUSIVE = re.compile(
    r"exclusive|strictly|(?<!or )\b(greater|less|later|earlier|older|newer) than\b(?! or)", re.IGNORECASE
)
_TIME = re.compile(r"\b(ISO.?8601|RFC.?3339|date|datetime|timestamp|time)\b", re.IGNORECASE)
_PART = re.compile(
    r"\b(part\w*|contain\w*|substring|fuzzy|ilike|prefix|starts? with|wildcard|match(es|ing)?)\b", re.IGNORECASE
)
_SEARCH = re.compile(r"q|query|search|keywords?|term|(search|full_?text)_\w+|\w+_search|search\w*|filter_text|text")
_FREE = re.compile(
    r"(.*_)?(name|title|description|email|subject|label|address|phone|url|domain|city|text|comment|reference)"
)
#: Parameters that say what rows hold, or how they are written: not which rows.
_SHOWN = re.compile(
    r"(.*_)?(fields?|expand|expands?|include|includes|embed|select|pretty|format|locale|language|lang|view|exclude"
    r"|additional_fields|with|populate|projection|attributes|columns|response_format|timezone|tz|raw|callback|envelope"
    r"|indent|metadata_only|pass_through|unit_dp)|(fields|include|with|opt|expand)_.*"
)
_CREATED = {
    "created": ("created_at", "created", "date_created", "creation_date", "create_time", "created_time", "created_date",
                "created_on", "creation_time", "createdon", "date_time_created"),
    "updated": ("updated_at", "updated", "date_updated", "modified_at", "modified", "update_time", "last_modified",
                "updated_time", "last_updated", "updated_date", "updated_on", "last_modified_at"),
}  # fmt: skip
_MOST_OF_ROWS = 10
_EVERY = frozenset({"all", "any", "both", "everything"})  # values that bring all rows


def conditions_of(
    operation: Operation, row: Flat, taken: Iterable[str], schemas: Schemas
) -> tuple[tuple[Condition, ...], Order | None, list[Doubt]]:
    """Return what a list can be filtered by, how it is sorted, and what of it is not documented.

    Args:
        operation: The list.
        row: The schema of its rows.
        taken: The parameters of its paging.
        schemas: The schemas of the document.
    """
    return _Conditions(operation, row, set(taken), schemas).find()


class _Conditions:
    def __init__(self, operation: Operation, row: Flat, taken: set[str], schemas: Schemas) -> None:
        self.operation, self.taken = operation, taken
        self.members = {name: schemas.flat(schema) for name, schema in row.properties.items()}
        self.by_plain = {plain(name): name for name in reversed(self.members)}
        self.schemas = schemas
        self.found: dict[str, Condition] = {}
        self.doubts: list[Doubt] = []

    def find(self) -> tuple[tuple[Condition, ...], Order | None, list[Doubt]]:
        order, of_order = self._order()
        paging = words.NUMBER | words.OFFSET | words.SIZE | words.CURSOR | words.OTHER_PAGING
        for param in self.operation.params:
            if param.name in self.taken or param.name in of_order or param.deprecated:
                continue
            inner = _inner(param.name)
            if _SHOWN.fullmatch(inner) and inner not in self.by_plain:
                continue
            if (bound := self._bound(param, inner)) is not None:
                self._take_bound(param, *bound)
            elif inner not in paging or inner in self.by_plain:
                self._take(param, inner)
        if self.operation.body:
            self.doubts.append(
                Doubt(self.operation.where, "conditions in the body of a search are not offered", "see extra_params()")
            )
        self._of_rows()
        return tuple(self.found.values()), order, self.doubts

    def _doubt(self, param: Param, why: str, look: str = "it is not offered; see extra_params()") -> None:
        self.doubts.append(Doubt(f"{self.operation.where}, {param.name!r}", why, look))

    # ---- bounds

    def _bound(self, param: Param, inner: str) -> tuple[str, str] | None:
        """Return what a parameter bounds, and how, if it is a bound."""
        schema = param.schema
        wire = param.name
        is_time = schema.facts.get("format") in {"date", "date-time"} or (
            schema.fits("string") and "enum" not in schema.facts and bool(_TIME.search(param.text)))  # fmt: skip
        is_number = schema.fits("integer", "number")
        if not (is_time or is_number or (not schema.types and not schema.properties)):
            return None
        sign = re.fullmatch(r"(.+?)(<=|>=|<|>)", wire)
        if sign:
            return plain(sign[1]), {"<=": "le", ">=": "ge", "<": "lt", ">": "gt"}[sign[2]]
        found = re.fullmatch(rf"(?:filter\[)?(?P<base>[\w.-]+?)\]?(?:\[|__|\.)(?P<op>{_WORD})\]?", wire)
        found = found or _SUFFIX.fullmatch(inner) or _PREFIX.fullmatch(inner)
        if found is not None:
            base = plain(found["base"])
            is_of_row = self._attr(base, "Number") or self._attr(base, "Timestamp") or _TIME.search(param.text)
            if is_number and not is_time and found["op"] not in _EXACT and not is_of_row:
                return None
            return base, self._exactly(param, found["op"])
        bare = _BARE.fullmatch(inner)
        if bare is not None and inner not in self.by_plain and (is_time or _TIME.search(param.text)):
            meant = self._meant(param)
            return meant, self._exactly(param, bare["op"]) if meant else _OPS[bare["op"]]
        return None

    def _meant(self, param: Param) -> str:
        """Return the member that a description names, for a bound whose own name does not."""
        times = [name for name in self.by_plain if self._attr(name, "Timestamp")]
        said = plain(param.text)
        named = [name for name in times if re.search(rf"(^|_){re.escape(name)}(_|$)", said)]
        if not named:
            for stem, names in _CREATED.items():
                if re.search(rf"(^|_){stem[:-1]}", said):
                    named += [name for name in times if name in names]
        return named[0] if len(named) == 1 else ""

    def _exactly(self, param: Param, op: str) -> str:
        """Return whether a bound is included; the narrower way where that is not documented."""
        bound = _OPS[op]
        if op in _EXACT:
            return bound
        if _INCLUSIVE.search(param.text):
            return "ge" if bound in {"ge", "gt"} else "le"
        if bound in {"ge", "le"} and not _EXCLUSIVE.search(param.text):
            self._doubt(param, "whether the bound itself is included is not documented", "it is taken as not included")
        return "gt" if bound in {"ge", "gt"} else "lt"

    def _take_bound(self, param: Param, base: str, op: str) -> None:
        if not base:
            self._doubt(param, "which member of a row it bounds is not documented")
            return
        is_time = bool(_TIME.search(param.text)) or param.schema.facts.get("format") in {"date", "date-time"}
        attr = self._attr(base, "Timestamp")
        kind = "Timestamp" if attr or (is_time and not self._attr(base, "Number")) else "Number"
        attr = attr or self._attr(base, kind)
        name = plain(attr) if attr else base
        known = self.found.get(name)
        if known is not None and known.kind != kind:
            self._doubt(param, f"it bounds {name!r}, which another parameter asks for in another way")
            return
        if known is not None and op in known.params:
            return
        params = {**(known.params if known else {}), op: param.name}
        self.found[name] = Condition(name, kind, params, attr)

    # ---- equality

    def _take(self, param: Param, inner: str) -> None:
        schema, many = param.schema, False
        if schema.is_array:
            schema, many = self.schemas.flat(schema.items), True
        if schema.is_object or schema.is_array:
            self._take_members(param, inner, schema)
            return
        choices = tuple(each for each in schema.facts.get("enum") or () if isinstance(each, str))
        name = inner if inner not in self.found else plain(param.name)
        if name in self.found:
            return
        if schema.facts.get("format") in {"date", "date-time"}:
            self._doubt(param, "it takes one point in time")
            return
        one = singular(inner)
        if many and inner not in self.by_plain and one in self.by_plain and one not in self.found:
            name = inner = one  # `ids` is for `id`
        kind, attr = self._kind(param, inner, schema, choices)
        unseen: tuple[str, ...] = ()
        every = None
        if kind == "Choice" and attr:
            carried = self.members[attr].facts.get("enum") or ()
            unseen = tuple(each for each in choices if carried and each not in carried)
            if unseen == choices:
                attr, unseen = None, ()
            if param.schema.facts.get("default") in set(choices) - set(unseen):
                every = next((each for each in unseen if plain(each) in _EVERY), None)
        self.found[name] = Condition(name, kind, {"param": param.name}, attr, many, choices, unseen, every)

    def _take_members(self, param: Param, name: str, schema: Flat) -> None:
        """Take an object with a member for each bound: `created[gte]`."""
        bounds = {wire: _OPS.get(plain(wire)) for wire in schema.properties}
        if not bounds or not all(bounds.values()):
            self._doubt(param, "it takes an object")
            return
        for wire, content in schema.properties.items():
            inner = self.schemas.flat(content)
            member = Param(f"{param.name}[{wire}]", inner, False, f"{param.text} {inner.text}")
            self._take_bound(member, name, self._exactly(member, plain(wire)))

    def _kind(self, param: Param, name: str, schema: Flat, choices: tuple[str, ...]) -> tuple[str, str | None]:
        if choices and schema.fits("string"):
            return "Choice", self._attr(name, "Choice")
        if schema.fits("boolean"):
            return "Flag", self._attr(name, "Flag")
        if schema.fits("integer", "number"):
            is_id = name == "id" or name.endswith("_id")
            return ("Id", self._attr(name, "Id")) if is_id else ("Number", self._attr(name, "Number"))
        if _SEARCH.fullmatch(name) and name not in self.by_plain:
            return "FullText", None
        if name == "id" or name.endswith("_id"):
            attr = self._attr(name, "Id")
            return ("Id" if attr else "Relation"), attr
        attr = self._attr(name, "Text")
        if attr is None or (_FREE.fullmatch(name) and not re.search(r"\bexact", param.text, re.IGNORECASE)):
            return (
                "PartialMatch" if _PART.search(param.text) and "exact" not in param.text.lower() else "Relation"
            ), None
        return ("PartialMatch", None) if _PART.search(param.text) else ("Text", attr)

    def _attr(self, name: str, kind: str) -> str | None:
        """Return the member of a row that a name stands for, if it can be compared as this kind."""
        names = [name, *(each for stem, all_of in _CREATED.items() if name in {stem, *all_of} for each in all_of)]
        names += (
            [f"{name}_at", f"{name}_date", f"{name}_time", f"{name}_on", f"date_{name}"] if kind == "Timestamp" else []
        )
        for each in names:
            wire = self.by_plain.get(each)
            if wire is not None and kind in _kinds(self.members[wire]):
                return wire
        return None

    # ---- rows

    def _of_rows(self) -> None:
        """Add what only rows can be compared by: times, states, and what things are called."""
        covered = {each.attr for each in self.found.values()}
        more = [
            Condition(plain(wire), kind, {}, wire, choices=_texts(found))
            for wire, found in self.members.items()
            if wire not in covered and plain(wire) not in self.found
            for kind in _kinds(found)[:1]
            if kind in {"Timestamp", "Choice"} or plain(wire) in {"name", "title", "email", "id"}
        ]
        for each in more[:_MOST_OF_ROWS]:
            self.found.setdefault(each.name, each)

    # ---- order

    def _order(self) -> tuple[Order | None, set[str]]:
        params = [each for each in self.operation.params if each.name not in self.taken]
        sorts = [each for each in params if each.plain in words.SORT and _direction(each) is None]
        directions = [each for each in params if each.plain in words.DIRECTION and _direction(each) is not None]
        if not sorts:
            return None, set()
        sort = sorts[0]
        used = {sort.name, *(each.name for each in directions[:1])}
        schema = self.schemas.flat(sort.schema.items) if sort.schema.is_array else sort.schema
        values = [each for each in schema.facts.get("enum") or () if isinstance(each, str)]
        several = sort.schema.is_array
        if not values:
            self._doubt(sort, "what it can sort by is not listed", "add order=OrderBy(...), or see extra_params()")
            return None, used
        if directions:
            ascending, descending = _direction(directions[0]) or ("asc", "desc")
            names = tuple(dict.fromkeys(each.lstrip("-") for each in values))
            return Order(sort.name, names, None, (directions[0].name, ascending, descending), several), used
        if any(each.startswith("-") for each in values):
            return Order(
                sort.name, tuple(dict.fromkeys(each.lstrip("-+") for each in values)), "-{name}", None, several
            ), used
        for template in ("{name} desc", "{name}:desc", "{name}.desc", "{name}_desc", "{name} DESC", "{name}_DESC"):
            end = template.removeprefix("{name}")
            bare = [each for each in values if not each.endswith(end)]
            opposite = [each.removesuffix(end) for each in values if each.endswith(end)]
            if opposite and set(opposite) <= set(bare):
                return Order(sort.name, tuple(bare), template, None, several), used
        if any(re.search(r"[\W_]?(desc|DESC|Desc)(ending)?$", each) for each in values):
            return None, used - {sort.name}  # each value is an order of its own: a choice
        return Order(sort.name, tuple(values), None, None, several), used


def _inner(name: str) -> str:
    """Return the name of a parameter without what only says that it is a filter."""
    found = re.fullmatch(r"filters?\[([^\]]+)\]", name)
    return plain(found[1] if found else name)


def _direction(param: Param) -> tuple[str, str] | None:
    """Return the values for the two directions, if a parameter is one."""
    values = [each for each in param.schema.facts.get("enum") or () if isinstance(each, str)]
    up = [each for each in values if each.lower() in {"asc", "ascending"}]
    down = [each for each in values if each.lower() in {"desc", "descending"}]
    return (up[0], down[0]) if up and down else None


def _texts(schema: Flat) -> tuple[str, ...]:
    return tuple(each for each in schema.facts.get("enum") or () if isinstance(each, str))


def _kinds(schema: Flat) -> tuple[str, ...]:
    """Return the kinds of fields that a member of a row can be compared as, the best first."""
    if schema.fits("string"):
        form = schema.facts.get("format")
        if form == "date-time":
            return ("Timestamp",)
        if form == "date":
            return ()
        if _texts(schema):
            return ("Choice",)
        return ("Text", "Id", "Choice") if form != "uuid" else ("Id",)
    if schema.fits("integer", "number"):
        return ("Number", "Id") if schema.fits("integer") else ("Number",)
    if schema.fits("boolean"):
        return ("Flag",)
    return ("Id",) if schema.fits("integer", "string") else ()
