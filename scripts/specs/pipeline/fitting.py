"""The source of a binding, changed to fit a new document."""

import ast
import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specs.documents.document import component, operations
from specs.documents.generate import OF_ROWS
from specs.documents.names import python_name
from specs.pipeline.binding import ORDER, Listing, field_lines, fields_of, keys_of, listings_of, params_of_order
from specs.pipeline.compare import Change, Level, overlap, renamed_members, renamed_parameters
from specs.pipeline.removing import remove_with_users
from specs.pipeline.source import Source, formatted, keyword_of, name_of, text_of
from specs.pipeline.surface import Operation, Slot, Surface, surface

# What the paging of a binding calls its parameters, and what they are called if it does not say
_STYLES = {
    "PageNumber": {"page": "page", "size": "size"},
    "OffsetLimit": {"offset": "offset", "limit": "limit"},
    "Cursor": {"cursor": "cursor", "size": "limit"},
    "LastId": {"after": "starting_after", "size": "limit"},
    "NextURL": {"size": ""},
}
_BY_API_ALONE = {"Relation", "PartialMatch", "FullText"}  # kinds of fields that rows cannot be compared with
_TAKEN = {"checked", "declared", "keywords"}  # what a class of fields has of its own
# How APIs write a descending order
_DESCENDING = ("-{name}", *(f"{{name}}{sign}{word}" for word in ("desc", "DESC") for sign in " :._"))
_PART = re.compile(r"\b(part|partial|contain\w*|substring|fuzzy|ilike)\b", re.IGNORECASE)
_ENDS = ("ge", "gt", "le", "lt")  # of a field, the parameters for bounds
_COMMAS = re.compile(r"\bcommas?\b", re.IGNORECASE)
_SEARCH = re.compile(r"q|query|search|text|keywords?|(search|full_?text)_\w+|\w+_search")
_WORDS = re.compile(r"\b(anywhere|full.?text|several fields|free text)\b", re.IGNORECASE)


@dataclass
class Fit:
    """What a binding becomes.

    Attributes:
        text: Its source.
        changes: What it does not offer, or what no change of a line can do.
        members: New names of paging parameters and members of envelopes, by their keys in `apis.toml` and the old ones.
        first: Number of the first page, where that changed.
    """

    text: str
    changes: list[Change] = field(default_factory=list)
    members: dict[tuple[str, str], str | None] = field(default_factory=dict)
    first: int | None = None


def fit(
    text: str,
    old: dict[str, Any],
    new: dict[str, Any],
    paging: Mapping[str, Any],
    *,
    described: dict[str, Any] | None = None,
    corrected: dict[str, Any] | None = None,
    everything: bool = False,
) -> Fit:
    """Return the binding with every change that a new document makes necessary, or possible.

    Args:
        text: Source of the binding.
        old, new: The documents, normalised.
        paging: What `apis.toml` says of the paging.
        described: The new document with its prose, as it was published.
        corrected: The new document before it was normalised, with its defaults.
        everything: Whether to expose also what the old document has already.
    """
    documents = [new, *(each for each in (described, corrected) if each)]
    return _Fitter(text, surface(old), surface(new), paging, documents, everything=everything).fit()


class _Fitter:
    def __init__(
        self,
        text: str,
        old: Surface,
        new: Surface,
        paging: Mapping[str, Any],
        documents: list[dict[str, Any]],
        *,
        everything: bool,
    ) -> None:
        self.source, self.old, self.new = Source(text), old, new
        self.paging, self.documents, self.everything = paging, documents, everything
        self.result = Fit(text)

    def fit(self) -> Fit:
        text = self.source.text
        self._fit_modules()
        self._fit_classes()
        self._drop_lists()
        for at in range(len(listings_of(self.source))):
            listing = listings_of(self.source)[at]
            operation = self._operation(listing.module)
            if operation is None:
                continue
            self._fit_reader(listing, operation)
            self._fit_paging(listing, operation)
            self._fit_orders(listing, operation)
            self._fit_fields(listing, operation)
            self._fit_identities(self._generated(listing.row))
            self._expose(listing, operation)
            self._tell_required(listing, operation)
        self._fit_methods()
        self._drop_unused()
        if self.source.text != text:
            tidy = formatted(self.source.text) if formatted(text) == text else self.source.text
            self.result.text = tidy
        return self.result

    def _tell(self, kind: str, name: str, detail: str) -> None:
        self.result.changes.append(Change(Level.HAND, kind, name, detail))

    # ---- operations

    def _operation(self, module: str) -> Operation | None:
        return next((each for each in self.new.operations.values() if each.name == module), None)

    def _before(self, operation: Operation) -> Operation | None:
        old = self.old.operations
        same = [each for each in old.values() if each.name == operation.name]
        return old.get(operation.where, same[0] if same else None)

    def _renamed(self, operation: Operation) -> dict[str, str]:
        before = self._before(operation)
        moved = renamed_parameters(before, operation) if before else {}
        return {was: now for (_, was), (_, now) in moved.items()}

    # ---- imports of generated code

    def _fit_modules(self) -> None:
        for module, name, local in list(self.source.imported()):
            parts = module.split(".")
            if "readahead_clients" not in module or "api" not in parts or self._operation(name) is None:
                if "api" in parts and module.startswith("readahead_clients"):
                    self._replace_module(module, name, local)
                continue
            tag = self._operation(name).tag  # type: ignore[union-attr]
            if parts[-1] != tag:
                self.source.alias_import(module, name, name, ".".join([*parts[:-1], tag]))

    def _replace_module(self, module: str, name: str, local: str) -> None:
        where = next((each.where for each in self.old.operations.values() if each.name == name), None)
        now = self.new.operations.get(where or "")
        if now is not None:
            self.source.alias_import(module, name, now.name, ".".join([*module.split(".")[:-1], now.tag]))
        elif not any(each.operation == local for each in listings_of(self.source)):
            self._drop_methods(local)
            self.source.remove_import(local)

    def _drop_methods(self, local: str) -> None:
        while methods := self._methods(local):
            first = min([methods[0].lineno, *(each.lineno for each in methods[0].decorator_list)])
            lines = self.source.text.splitlines()
            while first > 1 and not lines[first - 2].strip():
                first -= 1
            self.source.remove_lines(first, methods[0].end_lineno or first)

    def _methods(self, local: str) -> list[ast.AsyncFunctionDef | ast.FunctionDef]:
        found: list[ast.AsyncFunctionDef | ast.FunctionDef] = [*self.source.nodes(ast.AsyncFunctionDef)]
        found += self.source.nodes(ast.FunctionDef)
        return [each for each in found if any(isinstance(n, ast.Name) and n.id == local for n in ast.walk(each))]

    def _drop_lists(self) -> None:
        """Remove lists that the document no longer has, what needs them, and what they alone needed."""
        for listing in reversed(listings_of(self.source)):
            if self._operation(listing.module) is not None:
                continue
            endpoint = ast.dump(self.source.calls("Endpoint")[listing.at])
            made = [each for each in self.source.tree.body if isinstance(each, ast.Assign)]
            names = [name_of(each.targets[0]) for each in made if ast.dump(each.value) == endpoint]
            why = "the document has no such list: remove its Endpoint, and what uses it"
            if names:
                gone = remove_with_users(self.source, names[0])
                why = f"the document has no such list, so the binding cannot have {', '.join(gone)}"
            self._tell("list gone", listing.module, why)

    def _fit_classes(self) -> None:
        """Import classes under the name that the binding knows them by."""
        known = {*self.new.rows, *self.new.bodies, *self.new.values}
        for module, name, _ in list(self.source.imported(".models")):
            if name in known or name not in {*self.old.rows, *self.old.bodies, *self.old.values}:
                continue
            if (now := self._class_now(name)) is not None:
                self.source.alias_import(module, name, now)

    def _class_now(self, name: str) -> str | None:
        for old, new in (
            (self.old.values, self.new.values),
            (self.old.rows, self.new.rows),
            (self.old.bodies, self.new.bodies),
        ):
            if name in old:
                near = {each: overlap(old[name], new[each]) for each in new if each not in old}
                best = max(near, key=near.__getitem__, default=None)
                if best is not None and near[best] > 0.6:
                    return best
        return None

    def _generated(self, local: str) -> str:
        """Return the name of a class in the generated package."""
        return next((name for _, name, each in self.source.imported(".models") if each == local), local)

    def _local(self, name: str) -> str:
        """Return the name of a generated class in the binding."""
        return next((local for _, each, local in self.source.imported(".models") if each == name), name)

    # ---- reader and paging

    def _fit_reader(self, listing: Listing, operation: Operation) -> None:
        row = self._generated(listing.row)
        results = operation.result.types if operation.result else frozenset()
        envelope = next((self.new.rows[each] for each in sorted(results) if each in self.new.rows), {})
        before = self._before(operation)
        was = before.result.types if before and before.result else frozenset()
        known = next((self.old.rows[each] for each in sorted(was) if each in self.old.rows), {})
        moved = renamed_members(known, envelope, by_type=True)
        changes: dict[str, str | None] = {}
        reader = self._reader(listing)
        if f"list[{row}]" in results and not self._is_bare(listing):
            changes |= {"bare": "True"} if envelope else self._without_envelope(reader)
        for role in ("items", "total", "size", "next"):
            name = text_of(keyword_of(reader, role)) if reader else None
            if name is None or name in envelope or not envelope:
                continue
            now = moved.get(name) or self._inside(envelope, known.get(name), name, row if role == "items" else None)
            if now is None and role == "items":
                self._tell(
                    "rows moved", f"{operation.name}()", f"{name!r} is gone, and nothing else holds a list of {row}"
                )
                continue
            changes[role] = f'"{now}"' if now else None
            if role != "size":  # apis.toml calls a parameter so
                self.result.members[role, name] = now
        said = text_of(keyword_of(reader, "items")) if reader else None
        rows, had = envelope.get(moved.get(said or "", said or "")), known.get(said or "")
        if reader and rows and rows.nullable and not (had and had.nullable) and keyword_of(reader, "empty") is None:
            changes["empty"] = '["null"]'
        key = text_of(keyword_of(reader, "key")) if reader else None
        attributes = self._attributes(row)
        if key and attributes and key not in attributes:
            now = self._attributes_now(row).get(key)
            if now:
                changes["key"] = f'"{now}"'
            else:
                self._tell(
                    "key gone",
                    f"{listing.row}.{key}",
                    'choose another field that tells rows apart: RowReader(key="...")',
                )
        if changes and (reader := self._reader(listing)) is not None:
            self.source.set_keywords(reader, **changes)

    def _without_envelope(self, reader: ast.Call | None) -> dict[str, str | None]:
        """Return what changes of a reader where the response is the array itself: nothing stands around it."""
        gone = [
            (role, name)
            for role in ("total", "size", "next")
            if reader is not None and (name := text_of(keyword_of(reader, role)))
        ]
        self.result.members |= {(role, name): None for role, name in gone if role != "size"}
        return {"items": "None", **dict.fromkeys(role for role, _ in gone)}

    def _reader(self, listing: Listing) -> ast.Call | None:
        reader = keyword_of(self.source.calls("Endpoint")[listing.at], "reader")
        return reader if isinstance(reader, ast.Call) else None

    def _is_bare(self, listing: Listing) -> bool:
        reader = self._reader(listing)
        bare = keyword_of(reader, "bare") if reader else None
        return isinstance(bare, ast.Constant) and bool(bare.value)

    def _inside(self, envelope: Mapping[str, Slot], was: Slot | None, name: str, row: str | None) -> str | None:
        """Return the path of a member that lies in an object of the envelope now; of rows: wherever they are."""
        paths = dict(envelope)
        for outer, slot in envelope.items():
            for owner in slot.types & self.new.rows.keys():
                paths |= {f"{outer}.{wire}": inner for wire, inner in self.new.rows[owner].items() if "." not in wire}
        if row is not None:
            return next((path for path, slot in paths.items() if f"list[{row}]" in slot.types), None)
        alike = [path for path in paths if "." in path and python_name(path.rpartition(".")[2]) == python_name(name)]
        return next((path for path in alike if was is None or paths[path].types == was.types), None)

    def _fit_paging(self, listing: Listing, operation: Operation) -> None:
        style = keyword_of(self.source.calls("Endpoint")[listing.at], "paging")
        names = _STYLES.get(name_of(style.func), {}) if isinstance(style, ast.Call) else {}
        if not isinstance(style, ast.Call) or text_of(keyword_of(style, "where")) == "body":
            return
        queries = {name: slot for (place, name), slot in operation.parameters.items() if place == "query"}
        changes: dict[str, str | None] = {}
        before = self._before(operation)
        for role, default in names.items():
            given = keyword_of(style, role)
            name = (text_of(given) or "") if given is not None else default
            if not name:  # the API has no such parameter
                continue
            now = name if name in queries else self._renamed(operation).get(name)
            if now is None and (now := self._alone_alike(operation, name)) is not None:
                self._tell("paging moved", f"{operation.name}({python_name(name)})", f"it is {now} now, by its type")
            if now is None:
                self._tell(
                    "paging gone",
                    f"{operation.name}({python_name(name)})",
                    "choose another style of paging: see docs/reference/bindings.md",
                )
                continue
            if now != name:
                changes[role] = f'"{now}"'
                self.result.members[role, name] = now
            if role == "page" and name_of(style.func) == "PageNumber":
                self._fit_first(style, operation, now, changes)
            old = before.parameters.get(("query", name)) if before else None
            limit, was = queries[now].limits.get("maximum"), old.limits.get("maximum") if old else None
            if role == list(names)[-1] and isinstance(limit, int) and limit != was:
                changes["largest"] = str(limit)
        present = keyword_of(style, "largest")
        if "largest" in changes and present is not None and ast.unparse(present) == changes["largest"]:
            del changes["largest"]
        if "largest" in changes:
            has = f"has largest={ast.unparse(present)} in its paging; " if present is not None else ""
            said = f"{operation.name}({python_name(list(names)[-1])})"
            self._tell("page size", said, f"the binding {has}set largest={changes['largest']}")
        if changes:
            self.source.set_keywords(style, **changes)

    def _fit_first(self, style: ast.Call, operation: Operation, name: str, changes: dict[str, str | None]) -> None:
        """Begin with the page that the document begins with."""
        given = keyword_of(style, "first")
        if given is not None and not ast.unparse(given).isdecimal():
            return
        first = 1 if given is None else int(ast.unparse(given))
        begins = self._default(operation, python_name(name))
        least = operation.parameters["query", name].limits.get("minimum")
        if begins is None and isinstance(least, int) and least > first:
            begins = least
        if begins is None or begins == first:
            return
        changes["first"] = None if begins == 1 else str(begins)
        self.result.first = begins
        said = f"the first page was {first} and is {begins}; the binding has to begin there"
        self.result.changes.append(
            Change(Level.BREAKING, "first page moved", f"{operation.name}({python_name(name)})", said)
        )

    def _default(self, operation: Operation, argument: str) -> int | None:
        """Return the default of a parameter that is a whole number."""
        for at in reversed(range(len(self.documents))):  # normalised documents have none
            parameter, document = self._parameter(operation, argument, at), self.documents[at]
            schema = parameter.get("schema", {})
            schema = component(document, schema["$ref"])[2] if "$ref" in schema else schema
            default = schema.get("default")
            if isinstance(default, int) and not isinstance(default, bool):
                return default
        return None

    def _alone_alike(self, operation: Operation, name: str) -> str | None:
        """Return the one new parameter that can be this one under another name."""
        before = self._before(operation)
        was = before.parameters.get(("query", name)) if before else None
        if before is None or was is None:
            return None
        known = {*before.parameters, *(("query", now) for now in self._renamed(operation).values())}
        new = {key[1]: slot for key, slot in operation.parameters.items() if key[0] == "query" and key not in known}
        alike = [each for each, slot in new.items() if slot.types == was.types]
        same = [each for each in alike if new[each].limits == was.limits]
        return same[0] if len(same) == 1 else alike[0] if len(alike) == 1 else None

    def _fit_orders(self, listing: Listing, operation: Operation) -> None:
        endpoint = self.source.calls("Endpoint")[listing.at]
        order = next((each for each in endpoint.keywords if each.arg == "order"), None)
        if order is None:
            return
        call = order.value if isinstance(order.value, ast.Call) else None
        param = params_of_order(order.value)[0]
        now = param if param in operation.queries else self._argument_now(operation, param)
        if now is not None:
            if call is not None:
                self._fit_order(call, operation, param, now)
            return
        lines, first = self.source.text.splitlines(), order.lineno
        if lines[first - 1].lstrip().startswith("order="):
            while lines[first - 2].lstrip().startswith("#"):
                first -= 1
            self.source.remove_lines(first, order.end_lineno or first)
        else:
            self.source.set_keywords(endpoint, order=None)
        self._tell(
            "order gone", f"{operation.name}({param})", "remove order= from the Endpoint; order_by() is refused then"
        )

    def _argument_now(self, operation: Operation, argument: str) -> str | None:
        """Return the new name of a query parameter that changed its name, both as arguments."""
        moved = {python_name(was): python_name(now) for was, now in self._renamed(operation).items()}
        return moved.get(argument)

    def _fit_order(self, call: ast.Call, operation: Operation, param: str, now: str) -> None:
        """Let an order be sent as this parameter, by the names that the document lists."""
        changes: dict[str, str | None] = {} if now == param else {"param": f'"{now}"'}
        slot, before = operation.queries[now], self._before(operation)
        listed = [str(each) for name in sorted(_inner(slot) & self.new.texts) for each in self.new.values[name]]
        was = before.queries.get(param) if before else None
        old = (
            [str(each) for name in sorted(_inner(was) & self.old.texts) for each in self.old.values[name]]
            if was
            else []
        )
        if listed and listed != old:
            names, descending = _names_of_order(listed)
            given = keyword_of(call, "names") or (call.args[0] if call.args else None)
            present = ast.literal_eval(given) if isinstance(given, ast.Tuple | ast.List) else ()
            kept = [each for each in present if each in names]  # in the order that the binding has them
            ordered = [*kept, *(each for each in names if each not in kept)]
            written = ", ".join(f'"{each}"' for each in ordered) + ("," if len(ordered) == 1 else "")
            if given is not None and ordered != list(present):
                self.source.replace(given, f"({written})")
                call = self._order_at(call)
            if keyword_of(call, "descending") is None or text_of(keyword_of(call, "descending")) is not None:
                changes["descending"] = f'"{descending}"' if descending else None
            several = any(each.startswith("list[") for each in slot.types)
            changes["several"] = None if several else "False"
            said = f"{operation.name}({now})"
            self._tell("order lists its names", said, f"order_by() takes {', '.join(ordered)}")
        if changes:
            self.source.set_keywords(call, **changes)

    def _order_at(self, call: ast.Call) -> ast.Call:
        return next(each for each in self.source.calls(name_of(call.func)) if each.lineno == call.lineno)

    # ---- rows

    def _attributes(self, row: str) -> dict[str, Slot]:
        return {_attribute(wire): slot for wire, slot in self.new.rows.get(row, {}).items() if "." not in wire}

    def _attributes_now(self, row: str) -> dict[str, str]:
        """Return the new names of attributes of a row."""
        old = self.old.rows.get(row, {})
        moved = renamed_members(old, self.new.rows.get(row, {}), by_type=False)
        return {_attribute(was): _attribute(now) for was, now in moved.items()}

    def _kind(self, slot: Slot, name: str, *, sent: bool = False) -> tuple[str, str] | None:
        """Return the kind of field for a value, and the enumeration that it takes; None: no kind fits."""
        if not sent and any(each.startswith(("list[", "dict[")) for each in slot.types):
            return None
        inner = _inner(slot)
        choices = sorted(inner & self.new.texts)
        if choices and inner <= {choices[0], "string", "null"}:
            return "Choice", choices[0]
        inner = {"integer" if each in self.new.values and each not in self.new.texts else each for each in inner} - {
            "null"
        }
        if inner <= {"integer"}:
            return ("Id" if name == "id" or name.endswith("_id") else "Number"), ""
        if inner <= {"integer", "number"}:
            return "Number", ""
        if inner == {"boolean"}:
            return "Flag", ""
        if inner <= {"integer", "string"} and len(inner) == 2:
            return "Id", ""
        if inner <= {"string"}:
            return "Text", ""
        if sent and inner <= {"string", "date", "date-time", "uuid", "integer", "number"}:
            return "Relation", ""
        return ("Timestamp", "") if inner == {"date-time"} else None

    # ---- fields

    def _fit_fields(self, listing: Listing, operation: Operation) -> None:
        row, queries = self._generated(listing.row), operation.queries
        attributes, attributes_now = self._attributes(row), self._attributes_now(row)
        now_called = {python_name(was): python_name(now) for was, now in self._renamed(operation).items()}
        before = self._before(operation)
        for name, call in fields_of(self.source, listing.fields).items():
            param, attr = text_of(keyword_of(call, "param")), text_of(keyword_of(call, "attr"))
            kind, changes = name_of(call.func), {}
            asks = param if param in queries else now_called.get(param or "")
            carried = attr if attr in attributes else attributes_now.get(attr or "")
            if attr and not attributes:
                carried = attr  # rows of another class than the document's
            if asks != param:
                changes["param"] = f'"{asks}"' if asks else None
            if carried != attr:
                changes["attr"] = f'"{carried}"' if carried else None
            bounded = False
            for end in _ENDS:
                argument, bracket, member = (text_of(keyword_of(call, end)) or "").partition("[")
                bound = argument if argument in queries else now_called.get(argument)
                bounded |= bound is not None
                if bound != argument and argument:
                    changes[end] = f'"{bound}{bracket}{member}"' if bound else None
            slot = attributes.get(carried or "")
            wanted = self._kind(slot, name) if slot else None
            sent = self._kind(queries[asks], name, sent=True) if asks else None
            first = self._generated(name_of(call.args[0])) if call.args else ""
            if carried and slot and not _compares(kind, first, wanted):
                if wanted is None or (sent and not _compares(wanted[0], "", sent)):
                    carried, changes["attr"], wanted = None, None, None
                else:
                    kind, first = wanted
            if not carried and kind not in _BY_API_ALONE and sent and not _compares(kind, first, sent):
                kind, first = sent
            elif carried and asks and sent and not _compares(kind, first, sent):
                kind, first = ("Id", "") if {kind, sent[0]} <= {"Text", "Id", "Number"} else (kind, first)
            was = before.queries.get(param or "") if before else None
            if asks and (was is None or was.types != queries[asks].types):
                many = self._many(operation, asks, queries[asks])
                if many != _many_in(call) and was is not None:
                    changes["many"] = many
            if param and not asks:
                self._set_key(listing, name, None)
                changes["many"] = None
            if (
                (not asks and not carried and not bounded)
                or (not carried and kind == "Timestamp" and not bounded)
                or (not asks and kind in _BY_API_ALONE)
            ):
                self._remove_field(listing, name)
                continue
            self._set_field(listing, name, kind, first, changes)
            if asks and (changes or was is None or was.types != queries[asks].types):
                present = fields_of(self.source, listing.fields)[name]
                if was is not None and was.types != queries[asks].types:
                    annotation = self._annotation(kind, first, queries[asks], _many_in(present))
                    self._set_key(listing, name, annotation)

    def _fit_identities(self, row: str) -> None:
        """Check rows by the attribute that carries what was asked for, where one does."""
        attributes, moved = self._attributes(row), self._attributes_now(row)
        if not attributes:
            return
        while stale := [
            call
            for call in self.source.calls("_one_with")
            if call.args and (text_of(call.args[0]) or next(iter(attributes))) not in attributes
        ]:
            call = stale[0]
            now = moved.get(text_of(call.args[0]) or "")
            if now:
                self.source.replace(call.args[0], f'"{now}"')
            else:
                parts = [*map(self.source.segment, call.args[2:]), *map(self.source.segment, call.keywords)]
                self.source.replace(call, f"self._one({', '.join(parts)})")

    def _set_field(self, listing: Listing, name: str, kind: str, first: str, changes: Mapping[str, str | None]) -> None:
        call = fields_of(self.source, listing.fields)[name]
        present = self._generated(name_of(call.args[0])) if call.args else ""
        self.source.set_keywords(call, **changes)
        if (name_of(call.func), present) == (kind, first):
            return
        call = fields_of(self.source, listing.fields)[name]
        rest = ", ".join(self.source.segment(each) for each in call.keywords)
        self.source.replace(call, f"{kind}({', '.join(filter(None, [self._import(kind, first), rest]))})")

    def _import(self, kind: str, first: str) -> str:
        """Import what a field needs; return the name of its enumeration in the binding."""
        filters = next((module for module, name, _ in self.source.imported("filters") if name), ".filters")
        self.source.add_import(filters, kind)
        if not first:
            return ""
        return self._import_class(first)

    def _import_class(self, name: str) -> str:
        models = next((module for module, _, _ in self.source.imported(".models")), None)
        if models is not None and self._local(name) == name:
            self.source.add_import(models, name)
            self.source.offer(name)
        return self._local(name)

    def _remove_field(self, listing: Listing, name: str) -> None:
        line = field_lines(self.source, listing.fields)[name]
        self.source.remove_lines(line.lineno, line.end_lineno or line.lineno)
        self._set_key(listing, name, None)

    def _set_key(self, listing: Listing, name: str, annotation: str | None) -> None:
        """Declare a keyword of `where`; None: there is none any more."""
        shape = self.source.class_named(listing.filters)
        if shape is None:
            return
        keys = dict(keys_of(shape))
        if name in keys and annotation is None:
            self.source.remove_lines(keys[name].lineno, keys[name].end_lineno or keys[name].lineno)
            if len(shape.body) == 1:
                self.source.insert(keys[name].lineno, "    pass")
        elif name in keys:
            self.source.replace(keys[name].annotation, annotation or "")
        elif annotation is not None:
            self.source.insert((shape.end_lineno or shape.lineno) + 1, f"    {name}: {annotation}")
        if annotation and "Iterable" in annotation:
            self.source.add_import("collections.abc", "Iterable")

    def _annotation(self, kind: str, first: str, slot: Slot, many: str | None) -> str:
        is_whole = all("number" not in each for each in slot.types)
        one = {
            "Choice": f"{self._local(first)} | str",
            "Id": "str | int",
            "Number": "int" if is_whole else "float",
            "Flag": "bool",
        }.get(kind, "str")
        return f"{one} | Iterable[{one}]" if many else one

    # ---- what is new

    def _expose(self, listing: Listing, operation: Operation) -> None:
        style = keyword_of(self.source.calls("Endpoint")[listing.at], "paging")
        names = _STYLES.get(name_of(style.func), {}) if isinstance(style, ast.Call) else {}
        paged = {text_of(keyword_of(style, role)) or name for role, name in names.items()} if style else set()  # type: ignore[arg-type]
        paged |= {str(each) for each in self.paging.values()}
        before = self._before(operation)
        asked = {
            (text_of(keyword_of(call, role)) or "").partition("[")[0]
            for call in fields_of(self.source, listing.fields).values()
            for role in ("param", *_ENDS)
        }
        for (place, wire), slot in operation.parameters.items():
            argument = python_name(wire)
            is_new = before is None or (place, wire) not in before.parameters
            if place != "query" or wire in paged or argument in asked or not (is_new or self.everything):
                continue
            if argument in params_of_order(keyword_of(self.source.calls("Endpoint")[listing.at], "order")):
                continue
            self._expose_parameter(listing, operation, argument, slot)
        self._expose_fields(listing)

    def _tell_required(self, listing: Listing, operation: Operation) -> None:
        """Tell what every query has to give from now on."""
        before = self._before(operation)
        known = {name for name, slot in before.queries.items() if slot.required} if before else set()
        known |= {python_name(self._renamed(operation).get(name, name)) for name in known}
        fields = fields_of(self.source, listing.fields)
        asked = {text_of(keyword_of(call, "param")): name for name, call in fields.items()}
        endpoint = self.source.calls("Endpoint")[listing.at]
        made = self.source.nodes(ast.Assign, lambda each: ast.dump(each.value) == ast.dump(endpoint))
        called = name_of(made[0].targets[0]) if made else "ENDPOINT"
        for argument, slot in operation.queries.items():
            if not slot.required or argument in known or argument in self._paged(listing):
                continue
            once = f'Reading(self._sender, {called}, {{"{argument}": ...}})'
            said = f"give it in the binding, where the list is made: {once}"
            if argument in asked:
                said = f"callers write where({asked[argument]}=...); if it is the same for all of them, {said}"
            name = f"{operation.name}({argument})"
            self.result.changes.append(Change(Level.BREAKING, "every query needs a parameter", name, said))

    def _paged(self, listing: Listing) -> set[str]:
        """Return the arguments that the paging gives."""
        style = keyword_of(self.source.calls("Endpoint")[listing.at], "paging")
        names = _STYLES.get(name_of(style.func), {}) if isinstance(style, ast.Call) else {}
        paged = {text_of(keyword_of(style, role)) or name for role, name in names.items()} if style else set()  # type: ignore[arg-type]
        return {python_name(each) for each in paged}

    def _expose_parameter(self, listing: Listing, operation: Operation, argument: str, slot: Slot) -> None:
        said = f"{operation.name}({argument})"
        kind = self._kind(slot, argument, sent=True)
        fields = fields_of(self.source, listing.fields)
        attributes = self._attributes(self._generated(listing.row))
        if kind is None or argument == ORDER:
            why = "its order is not known" if argument == ORDER else "no kind of field sends such a value"
            how = "" if slot.required else "; callers send it with extra_params"
            self._tell("parameter not exposed", said, f"{why}{how}")
            return
        prose = self._prose(operation, argument)
        many = self._many(operation, argument, slot)
        base = argument.removesuffix("_in") if many else argument
        base = base if base in attributes or base in fields else argument
        name = base.rstrip("_") if not keyword.iskeyword(base.rstrip("_")) else base
        name = f"{name}_" if name in _TAKEN else name
        there = fields.get(name)
        carried = attributes.get(base)
        of_row = self._kind(carried, base) if carried else None
        is_part = bool(_PART.search(prose)) and kind[0] == "Text"
        is_search = kind[0] == "Text" and not carried and (_SEARCH.fullmatch(argument) or _WORDS.search(prose))
        if there is not None and keyword_of(there, "param") is not None:
            asks = text_of(keyword_of(there, "param"))
            self._tell(
                "parameter not exposed",
                said,
                f"`{name}` asks with {asks} already; callers send this one with extra_params",
            )
            return
        new, first = kind
        attr: str | None = None
        if is_search or is_part or (not carried and kind[0] == "Text"):
            new = "FullText" if is_search else "PartialMatch" if is_part else "Relation"
        elif of_row and (_compares(of_row[0], "", kind) or of_row[0] == "Choice") and of_row[0] != "Timestamp":
            (new, first), attr = of_row, base
        elif kind[0] == "Text":
            new = "Relation"
        if there is not None and attr is None:
            name = f"{name}_filter"  # rows are compared by the present one
        parts = [f'param="{argument}"', *([f"many={many}"] if many else []), *([f'attr="{attr}"'] if attr else [])]
        call = f"{new}({', '.join(filter(None, [self._import(new, first), *parts]))})"
        if there is not None and attr is not None:
            self.source.replace(fields_of(self.source, listing.fields)[name], call)
        else:
            self._add_field(listing, name, call)
        self._set_key(listing, name, self._annotation(new, first, slot, many))
        how = "add" if there is None or attr is None else "change it to"
        self._tell("parameter not exposed", said, f"{how} {name} = {call}")

    def _expose_fields(self, listing: Listing) -> None:
        row = self._generated(listing.row)
        old = {_attribute(wire) for wire in self.old.rows.get(row, {})}
        moved = self._attributes_now(row).values()
        carried = {text_of(keyword_of(call, "attr")) for call in fields_of(self.source, listing.fields).values()}
        for attribute, slot in self._attributes(row).items():
            kind = self._kind(slot, attribute)
            is_new = attribute not in old and attribute not in moved
            if (
                kind is None
                or attribute in carried
                or not (is_new or self.everything)
                or not field_lines(self.source, listing.fields)
            ):
                continue
            stripped = attribute.rstrip("_")
            name = attribute if keyword.iskeyword(stripped) or stripped in _TAKEN else stripped
            if name in fields_of(self.source, listing.fields):
                continue
            arguments = filter(None, [self._import(*kind), f'attr="{attribute}"'])
            call = f"{kind[0]}({', '.join(arguments)})"
            self._add_field(listing, name, call)
            self._tell("field not exposed", f"{listing.row}.{attribute}", f"add {name} = {call}")

    def _add_field(self, listing: Listing, name: str, call: str) -> None:
        lines = list(field_lines(self.source, listing.fields).values())
        if lines:
            self.source.insert((lines[-1].end_lineno or lines[-1].lineno) + 1, f"    {name} = {call}")

    def _many(self, operation: Operation, argument: str, slot: Slot) -> str | None:
        if any(each.startswith("list[") for each in slot.types):
            return "True"
        if slot.types <= {"string"} and (_COMMAS.search(self._prose(operation, argument)) or argument.endswith("_in")):
            return '"commas"'
        return None

    def _prose(self, operation: Operation, argument: str) -> str:
        found = [self._parameter(operation, argument, at) for at in range(len(self.documents))]
        return " ".join(str(part.get("description", "")) for each in found for part in (each, each.get("schema", {})))

    def _parameter(self, operation: Operation, argument: str, at: int = 0) -> dict[str, Any]:
        document = self.documents[at]
        for path, method, each in operations(document):
            if f"{method.upper()} {path}" != operation.where:
                continue
            for given in [*document["paths"][path].get("parameters", []), *each.get("parameters", [])]:
                parameter: dict[str, Any] = component(document, given["$ref"])[2] if "$ref" in given else given
                if python_name(parameter.get("name", "")) == argument:
                    return parameter
        return {}

    # ---- methods for a single row

    def _fit_methods(self) -> None:
        lists = {each.operation for each in listings_of(self.source)}
        modules = [(name, local) for module, name, local in self.source.imported() if ".api." in f"{module}."]
        for name, local in modules:
            operation = self._operation(name)
            if operation is None or local in lists:
                continue
            before = self._before(operation)
            known = before.parameters if before else {}
            moved = renamed_parameters(before, operation) if before else {}
            for place in known:
                if place not in operation.parameters:
                    now = moved.get(place)
                    self._pass(local, python_name(place[1]), python_name(now[1]) if now else None)
            for where, slot in operation.parameters.items():
                is_new = where not in known and where not in moved.values()
                if is_new or (self.everything and where[0] == "query"):
                    self._take(local, operation, where[0], python_name(where[1]), slot)

    def _pass(self, local: str, old: str, new: str | None) -> None:
        """Pass an argument of a method under a new name, or no longer."""
        for method in self._methods(local):
            for call in (each for each in ast.walk(method) if isinstance(each, ast.Call)):
                value = keyword_of(call, old)
                if value is not None and any(name_of(each) == local for each in call.args):
                    shown = self.source.segment(value)
                    self.source.set_keywords(call, **{old: None, **({new: shown} if new else {})})
                    return

    def _take(self, local: str, operation: Operation, place: str, name: str, slot: Slot) -> None:
        said = f"{operation.name}({name})"
        if place not in {"path", "query"}:
            if slot.required:
                self._tell(
                    "parameter not exposed",
                    said,
                    f"it is a {place} parameter: send it with the credentials of the client",
                )
            return
        kind = self._kind(slot, name, sent=True)
        first = self._import_class(kind[1]) if kind is not None and kind[1] and self._methods(local) else ""
        methods = self._methods(local)
        if not methods or kind is None:
            self._tell("parameter not exposed", said, "no method of the binding takes it")
            return
        method = methods[0]
        if name in {each.arg for each in [*method.args.args, *method.args.kwonlyargs, *method.args.posonlyargs]}:
            return
        calls = [each for each in ast.walk(method) if isinstance(each, ast.Call)]
        call = next(each for each in calls if any(name_of(one) == local for one in each.args))
        many = any(each.startswith("list[") for each in slot.types)
        one = {"Choice": f"{first} | str", "Id": "int", "Number": "int", "Flag": "bool"}.get(kind[0], "str")
        one = "float" if kind[0] == "Number" and any("number" in each for each in slot.types) else one
        annotation = f"list[{one}]" if many else one
        value = name if slot.required or slot.nullable else f"UNSET if {name} is None else {name}"
        line = method.lineno
        self.source.set_keywords(call, **{name: value})
        method = next(each for each in self._methods(local) if each.lineno >= line)
        arguments = method.args
        if slot.nullable or not slot.required:
            arguments.kw_defaults.append(None if slot.required else ast.Constant(None))
            annotation += " | None"
        else:
            arguments.kw_defaults.append(None)
        arguments.kwonlyargs.append(ast.arg(name, ast.parse(annotation, mode="eval").body))
        text = self.source.segment(method)
        head = re.match(r"(async )?def \w+\(.*?\)(?= ->|:)", text, re.DOTALL)
        if head is not None:
            sync = "" if isinstance(method, ast.FunctionDef) else "async "
            self.source.replace(method, f"{sync}def {method.name}({ast.unparse(arguments)}){text[head.end() :]}")
        if value != name:
            types = next(module.split(".api.")[0] for module, _, each in self.source.imported() if each == local)
            self.source.add_import(f"{types}.types", "UNSET")
        self._tell("parameter not exposed", said, f"add {name}: {annotation} to the arguments of {method.name}")

    # ---- the rest

    def _drop_unused(self) -> None:
        known = {*self.new.rows, *self.new.bodies, *self.new.values}
        old = {*self.old.rows, *self.old.bodies, *self.old.values}
        for _, name, local in list(self.source.imported(".models")):
            if (name in old or self.everything) and name not in known and not self.source.uses(local):
                self.source.remove_import(local)
                self.source.no_longer_offer(local)
        for module, _, local in list(self.source.imported()):
            # an import that the binding never used has a reason that is not known here
            is_ours = (
                module.endswith("filters") or "readahead_clients" in module or Source(self.result.text).uses(local)
            )
            offered = f'"{local}"' in self.source.text
            if is_ours and not offered and not self.source.uses(local):
                self.source.remove_import(local)


def _attribute(wire: str) -> str:
    name = python_name(wire)
    return f"{name}_" if name in OF_ROWS else name


def _inner(slot: Slot) -> set[str]:
    """Return the types of a slot, those inside lists among them."""
    return {part for each in slot.types for part in re.sub(r"^list\[(.*)\]$", r"\1", each).split(" | ")}


def _names_of_order(values: list[str]) -> tuple[list[str], str | None]:
    """Return what can be sorted by, of the listed values of a parameter, and how a descending order is written."""
    for template in _DESCENDING:
        pattern = re.escape(template).replace(re.escape("{name}"), "(.+)")
        falling = {match[1]: each for each in values if (match := re.fullmatch(pattern, each))}
        names = [each for each in values if each not in falling.values()]
        if falling and falling.keys() == {*names}:
            return names, template
    return values, None


def _compares(kind: str, first: str, wanted: tuple[str, str] | None) -> bool:
    """Whether a field of this kind can be compared with values that another one is made for."""
    if wanted is None:
        return False
    new, choices = wanted
    if kind == new:
        return first in {"", choices} or not choices
    texts = {"Text", "Relation", "PartialMatch", "FullText"}
    if kind == "Choice":
        return False
    if kind in texts:
        return new in texts | {"Choice"}
    return kind == "Id" and new in {"Text", "Number"}


def not_exposed(path: Path, old: dict[str, Any], new: dict[str, Any], paging: Mapping[str, Any]) -> Iterator[Change]:
    """Yield what the binding does not expose of a new document."""
    yield from fit(path.read_text(encoding="utf-8"), old, new, paging).changes


def _many_in(call: ast.Call) -> str | None:
    """Return what a field's ``many`` is, as it is written."""
    node = keyword_of(call, "many")
    return None if node is None else "True" if ast.unparse(node) == "True" else '"commas"'
