"""The source of a binding, from what was recognised of a document and what generated code calls it."""

import builtins
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

from specs.documents.document import SpecError
from specs.documents.names import python_name
from specs.lists.generated import Argument, Model, Module, Package, in_all
from specs.lists.listing import Access, Condition, CredentialFact, Doubt, Envelope, Listing, Order, Paging, Recognition
from specs.lists.words import plain, plural, singular

_WIDTH = 120
_MOST_KINDS = 8  # classes of rows in one list
_MOST_NAMED = 6  # lists in the first line of a module
_STYLES = {"numbered": "PageNumber", "offset": "OffsetLimit", "cursor": "Cursor", "url": "NextURL", "last-id": "LastId"}
_POSITIONS = {"numbered": ("page", "page"), "offset": ("offset", "offset"), "cursor": ("cursor", "cursor"),
              "last-id": ("after", "starting_after")}  # fmt: skip
_SIZES = {"numbered": ("size", "size"), "offset": ("limit", "limit"), "cursor": ("size", "limit"),
          "url": ("size", None), "last-id": ("size", "limit")}  # fmt: skip
_CARRIED = {
    "Choice": {"str"}, "Flag": {"bool"}, "Id": {"int", "str"}, "Number": {"float", "int"}, "PartialMatch": {"str"},
    "Text": {"str"}, "Timestamp": {"datetime.datetime"},
}  # fmt: skip
_TEXTS, _NUMBERS = {"string", "uuid"}, {"integer", "number"}
_SENT = {
    "Choice": {"string"}, "Flag": {"boolean"}, "FullText": {"string"}, "Id": _TEXTS | _NUMBERS, "Number": _NUMBERS,
    "PartialMatch": {"string"}, "Relation": _TEXTS | _NUMBERS, "Text": _TEXTS,
    "Timestamp": {"date", "date-time", "string"} | _NUMBERS,
}  # fmt: skip
_ANNOTATIONS = {"Flag": "bool", "Number": "float", "Id": "str | int", "Timestamp": "datetime"}
_BY_API_ALONE = frozenset({"FullText", "PartialMatch", "Relation"})
_USES = ({"param", "ge", "gt", "le", "lt", "attr"}, {"param"})  # of which a field needs one
_NOT_OFFERED = "it is not offered; see extra_params()"
_OF_QUERY = frozenset(
    {"checked", "conditions", "declared", "keywords", "limit", "order_by", "page_size", "extra_params"}
)
_IMPORTS = {
    "Endpoint": ".endpoint", "Condition": ".filters", "Fields": ".filters", "Client": ".http.client",
    "ClientOptions": ".http.client", "Credential": ".http.credentials", "CredentialSource": ".http.credentials",
    "Header": ".locations", "LinkHeader": ".locations", "Not": ".locations", "OrderBy": ".order",
    "Direction": ".order", "Query": ".query", "Reading": ".reading", "RowReader": ".rows",
    **dict.fromkeys(_STYLES.values(), ".paging"), **dict.fromkeys(_SENT, ".filters"),
}  # fmt: skip


@dataclass
class Written:
    """A binding that was written.

    Attributes:
        text: Its source.
        doubts: What the document does not decide, of the lists that it declares.
        undecided: Lists that it does not declare, and why.
        operations: The operations of those that it declares.
    """

    text: str
    doubts: list[Doubt] = field(default_factory=list)
    undecided: list[Doubt] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)


@dataclass
class _List:
    """A list with all the names that its lines are made of."""

    listing: Listing
    module: Module
    rows: tuple[str, ...]
    model: Model
    name: str
    arguments: list[Argument]
    fields: dict[str, tuple[Condition, dict[str, str]]] = field(default_factory=dict)

    @property
    def one(self) -> str:
        return _camel(singular(self.name))

    @property
    def many(self) -> str:
        name = _camel(self.name)
        return f"{name}List" if name in _IMPORTS or name == self.one else name

    @property
    def asked(self) -> list[tuple[str, Condition]]:
        """The fields that are keywords of `where`."""
        return [(name, condition) for name, (condition, said) in self.fields.items() if "param" in said]


def write(api: str, title: str, recognition: Recognition, package: Package) -> Written:
    """Return the binding of an API.

    Args:
        api: Its name.
        title: What it is called.
        recognition: What was recognised of its document.
        package: The code that was generated from the same document.
    """
    return _Writer(api, title, recognition, package).write()


class _Writer:
    def __init__(self, api: str, title: str, recognition: Recognition, package: Package) -> None:
        self.api, self.title, self.recognition, self.package = api, title, recognition, package
        self.result = Written("")
        self.used: dict[str, set[str]] = {}  # names by the module that they are imported from
        self.renamed: dict[str, str] = {}  # what generated classes are called here

    def write(self) -> Written:
        lists = [each for listing in self.recognition.listings if (each := self._known(listing)) is not None]
        self._name(lists)
        self._tell_apart(lists)
        self.result.operations = [each.listing.operation for each in lists]
        parts = [part for each in lists for part in self._list(each, alone=len(lists) == 1)]
        parts.append(self._client(lists))
        head = _docstring(f"{self.title}: {_enumerated([each.name.replace('_', ' ') for each in lists])}.", "")
        url = self.recognition.access.base_url
        home = f'BASE_URL = "{url}"' if url else "BASE_URL: str | None = None  # the document names none"
        self.result.text = tidy("\n\n".join(["\n".join(head), self._imports(), home, *parts]) + "\n")
        self.result.doubts += self.recognition.access.doubts
        return self.result

    # ---- what the lines are made of

    def _known(self, listing: Listing) -> _List | None:
        found = self._with_names(listing)
        if isinstance(found, Doubt):
            self.result.undecided.append(found)
            return None
        self._fields(found)
        self.result.doubts += listing.doubts
        return found

    def _with_names(self, listing: Listing) -> _List | Doubt:
        """Return a list with the names that generated code has for it, or why it cannot be declared."""
        where = listing.operation
        module = self.package.modules.get(where)
        if module is None:
            return Doubt(where, "no code is generated for it", "see what scripts/regenerate leaves out")
        models = self.package.rows(module, listing.envelope.items)
        if not models or len(models) > _MOST_KINDS:
            why = f"its rows are of {len(models)} kinds" if models else "what its rows hold is no class"
            return Doubt(where, why, "write a function that reads one: RowReader(read)")
        model = in_all(models)
        key = model.attributes.get(listing.key, ("", ()))[0]
        if not key or (len(models) > 1 and key != listing.key):
            return Doubt(where, f"not all rows have {listing.key!r}", "choose what tells rows apart: RowReader(key=)")
        known = [module.argument(each.place, each.name) for each in listing.fixed if each.place != "body"]
        arguments = [each for each in known if each is not None]
        body = module.arguments.get("body")
        needed = [
            each.name
            for each in module.arguments.values()
            if each.required and each.where != "body" and each not in arguments and not _is_sent(each, listing)
        ]
        if len(arguments) < len(known) or needed or (body and body.required and listing.paging.where == "query"):
            return Doubt(where, f"{module.name}() needs more than its path names", "add the list by hand")
        return _List(listing, module, tuple(each.name for each in models), model, listing.name, arguments)

    def _fields(self, made: _List) -> None:
        """Keep of the conditions what generated code can send and compare."""
        for condition in made.listing.conditions:
            said = dict(self._sent(made, condition))
            attr, types = made.model.attributes.get(condition.attr or "", ("", ()))
            enums = [each for each in types if self.package.is_enum(each)]
            plainly = {"str" if each in enums else each for each in types}
            is_choice = condition.kind == "Choice"
            if plainly and plainly <= _CARRIED.get(condition.kind, set()) and (is_choice or not enums):
                said["attr"] = attr
            if is_choice:
                argument = made.module.argument("query", condition.params.get("param", ""))
                enum = argument.enum if argument is not None and "param" in said else next(iter(enums), None)
                if enum is None:
                    continue
                said["enum"] = enum
            if said.keys() & _USES[condition.kind in _BY_API_ALONE]:
                name = _python(condition.name)
                made.fields[f"{name}_" if name in _OF_QUERY else name] = condition, said

    def _sent(self, made: _List, condition: Condition) -> Iterator[tuple[str, str]]:
        """Yield the arguments of a condition, by what they ask for."""
        for bound, wire in condition.params.items():
            argument = made.module.argument("query", wire)
            outer, _, inner = wire.partition("[")
            whole = made.module.argument("query", outer) if inner else None
            if argument is None and whole is not None and "object" in whole.types:
                yield bound, f"{whole.name}[{inner}"
            elif argument is not None and argument.types <= _SENT[condition.kind] and (
                argument.enum is not None or condition.kind != "Choice"
            ):  # fmt: skip
                yield bound, argument.name
            else:
                doubt = Doubt(f"{made.listing.operation}, {wire!r}", "no kind of field takes its values", _NOT_OFFERED)
                self.result.doubts.append(doubt)

    # ---- names

    def _name(self, lists: list[_List]) -> None:
        """Give lists names of their own: the shortest path keeps the plain one."""
        taken: set[str] = set()
        for each in sorted(lists, key=lambda each: each.listing.operation.count("/")):
            each.name = next(name for name in self._names(each) if name not in taken)
            taken.add(each.name)

    def _names(self, made: _List) -> Iterator[str]:
        parts = [plain(part) for part in made.listing.operation.partition(" ")[2].split("/")
                 if part and not part.startswith("{")]  # fmt: skip
        name = _python(plural(made.listing.name))
        yield name
        above = parts[:-1]
        for count in range(1, len(above) + 1):
            yield _python("_".join([*map(singular, above[-count:]), name]))
        yield made.module.name
        for number in range(2, 1000):
            yield f"{name}_{number}"

    def _tell_apart(self, lists: list[_List]) -> None:
        """Rename generated classes that are called like something else here."""
        own = {*_IMPORTS, "Self", "TypedDict", "Unpack", "Iterable", "cached_property", _camel(self.title)}
        own |= {name for each in lists for name in (each.many, f"{each.one}Fields", f"{each.one}Filters")}
        rows = {name for each in lists for name in each.rows}
        generated = set(rows)
        generated |= {said["enum"] for each in lists for _, said in each.fields.values() if "enum" in said}
        self.renamed = {name: f"{name}Row" if name in rows else f"{name}Value"
                        for name in generated if name in own}  # fmt: skip

    def _local(self, name: str) -> str:
        return self.renamed.get(name, name)

    def _use(self, *names: str) -> None:
        for name in names:
            self.used.setdefault(_IMPORTS[name], set()).add(name)

    def _use_class(self, name: str) -> str:
        local = self._local(name)
        self.used.setdefault(f"readahead_clients.{self.api}.models", set()).add(
            name if local == name else f"{name} as {local}"
        )
        return local

    # ---- one list

    def _list(self, made: _List, *, alone: bool) -> Iterator[str]:
        asked = made.asked
        if asked:
            yield self._filters(made, asked)
        fields = "fields" if alone else f"{_python(singular(made.name))}_fields"
        if made.fields:
            yield self._declared(made)
            yield f"{fields} = {made.one}Fields()"
        yield self._endpoint(made, fields if made.fields else "")
        yield self._query(made)

    def _filters(self, made: _List, asked: list[tuple[str, Condition]]) -> str:
        self.used.setdefault("typing", set()).update({"TypedDict", "Unpack"})
        lines = [f"class {made.one}Filters(TypedDict, total=False):", '    """Keywords of ``where``."""', ""]
        for name, condition in asked:
            kind = _ANNOTATIONS.get(condition.kind, "str")
            if condition.kind == "Choice":
                kind = f"{self._use_class(made.fields[name][1]['enum'])} | str"
            if self._is_many(made, condition):
                self.used.setdefault("collections.abc", set()).add("Iterable")
                kind = f"{kind} | Iterable[{kind}]"
            lines.append(f"    {name}: {kind}")
        return "\n".join(lines)

    def _is_many(self, made: _List, condition: Condition) -> bool:
        argument = made.module.argument("query", condition.params.get("param", ""))
        return argument is not None and argument.many

    def _declared(self, made: _List) -> str:
        self._use("Fields")
        doc = f'    """What conditions on {made.name.replace("_", " ")} are made of."""'
        lines = [f"class {made.one}Fields(Fields):", doc, ""]
        for name, (condition, said) in made.fields.items():
            self._use(condition.kind)
            arguments = [self._use_class(said["enum"])] if "enum" in said else []
            arguments += [f'{key}="{said[key]}"' for key in ("param", "ge", "gt", "le", "lt", "attr") if key in said]
            if "param" in said and self._is_many(made, condition):
                arguments.append("many=True")
            unseen = [each for each in condition.unseen if each != condition.every]
            if unseen and "attr" in said:
                arguments.append(f"unseen={unseen!r}".replace("'", '"'))
            if condition.every and "attr" in said:
                arguments.append(f'every="{condition.every}"')
            lines.append(f"    {name} = {condition.kind}({', '.join(arguments)})")
        return "\n".join(lines)

    def _endpoint(self, made: _List, fields: str) -> str:
        self._use("Endpoint", "RowReader")
        tag, name = made.module.tag, made.module.name
        self.used.setdefault(f"readahead_clients.{self.api}.api.{tag}", set()).add(name)
        rows, listing = [self._use_class(each) for each in made.rows], made.listing
        read = f"{rows[0]}.from_dict"
        if len(rows) > 1:
            self.used.setdefault("readahead_clients.runtime", set()).add("branch_of")
            read = f"branch_of({', '.join(rows)})"
        arguments = [name, f"reader=RowReader({', '.join([read, *self._reader(made)])})",
                     f"paging={self._paging(listing.paging)}"]  # fmt: skip
        if fields:
            arguments.append(f"fields={fields}")
        if listing.order is not None and (order := self._order(made, listing.order)):
            arguments.append(f"order={order}")
        return "\n".join([f"{made.name.upper()} = Endpoint(", *(f"    {each}," for each in arguments), ")"])

    def _reader(self, made: _List) -> Iterator[str]:
        envelope: Envelope = made.listing.envelope
        yield f'key="{made.model.attributes[made.listing.key][0]}"'
        yield "items=None" if envelope.items is None else f'items="{envelope.items}"'
        if envelope.total:
            yield f'total="{envelope.total}"'
        if envelope.total_header:
            self._use("Header")
            yield f'total=Header("{envelope.total_header}")'
        if envelope.next == "Link":
            self._use("LinkHeader")
            yield "next=LinkHeader()"
        elif envelope.next:
            yield f'next="{envelope.next}"'
        if envelope.more == "Link":
            self._use("LinkHeader")
            yield "more=LinkHeader()"
        elif envelope.more and envelope.is_last:
            self._use("Not")
            yield f'more=Not("{envelope.more}")'
        elif envelope.more:
            yield f'more="{envelope.more}"'
        empty = [*(["null"] if envelope.nullable else []), *(["absent"] if envelope.optional else [])]
        if empty:
            yield f"empty={empty!r}".replace("'", '"')

    def _paging(self, paging: Paging) -> str:
        style = _STYLES[paging.style]
        self._use(style)
        arguments = []
        if paging.style in _POSITIONS:
            name, usual = _POSITIONS[paging.style]
            arguments += [f'{name}="{paging.param}"'] if paging.param != usual else []
        name, usual_size = _SIZES[paging.style]
        if paging.size != usual_size:
            arguments.append(f'{name}="{paging.size}"' if paging.size else f"{name}=None")
        arguments += [f"largest={paging.largest}"] if paging.largest != 100 else []
        arguments += [f"first={paging.first}"] if paging.style == "numbered" and paging.first != 1 else []
        arguments += ['where="body"'] if paging.where == "body" else []
        return f"{style}({', '.join(arguments)})"

    def _order(self, made: _List, order: Order) -> str:
        param = made.module.argument("query", order.param)
        if param is None or param.types != {"string"}:
            return ""
        self._use("OrderBy")
        names = ", ".join(f'"{each}"' for each in order.names) + ("," if len(order.names) == 1 else "")
        arguments = [f"({names})", f'param="{param.name}"']
        if order.direction is not None:
            direction = made.module.argument("query", order.direction[0])
            if direction is None:
                return ""
            self._use("Direction")
            arguments.append(
                f'descending=Direction("{direction.name}", "{order.direction[1]}", "{order.direction[2]}")'
            )
        elif order.descending is not None:
            arguments.append(f'descending="{order.descending}"')
        if not order.several:
            arguments.append("several=False")
        return f"OrderBy({', '.join(arguments)})"

    def _query(self, made: _List) -> str:
        self._use("Query", "Condition")
        self.used.setdefault("typing", set()).add("Self")
        row = " | ".join(map(self._local, made.rows))
        lines = [f"class {made.many}(Query[{row}]):", f'    """{_sentence(made.name)}, as a list."""', ""]
        if made.asked:
            lines += [
                f"    def where(self, *conditions: Condition, **filters: Unpack[{made.one}Filters]) -> Self:",
                '        """Keep only rows that match all conditions and keywords."""',
                "        return self._where(conditions, filters)",
            ]
        else:
            lines += [
                "    def where(self, *conditions: Condition) -> Self:",
                '        """Keep only rows that match all conditions."""',
                "        return self._where(conditions, {})",
            ]
        return "\n".join(lines)

    # ---- the client

    def _client(self, lists: list[_List]) -> str:
        access: Access = self.recognition.access
        self._use("Client", "ClientOptions")
        self.used.setdefault("typing", set()).add("Unpack")
        variables = [(each, f"{self.api}_{each.name}".upper()) for each in access.credentials]
        doc = f"The {self.title} API." + "".join(
            f" {_sentence(each.name)}{_form(each)} defaults to the environment variable {variable}."
            for each, variable in variables
        )
        lines = [f"class {_camel(self.title)}(Client):", *_docstring(doc, "    "), ""]
        if access.base_url is None:
            doc = f"{doc} Its address is not documented: pass ``base_url``."
            lines[1:-1] = _docstring(doc, "    ")
        if variables:
            self._use("Credential", "CredentialSource")
            given = ", ".join(f"{each.name}: CredentialSource | None = None" for each, _ in variables)
            lines.append(f"    def __init__(self, *, {given}, **options: Unpack[ClientOptions]) -> None:")
        else:
            lines.append("    def __init__(self, **options: Unpack[ClientOptions]) -> None:")
        made = ", ".join(f'"{each.wire}": {_credential(each, variable)}' for each, variable in variables)
        lines.append(f"        super().__init__({{{made}}}, home=BASE_URL, **options)")
        for each in lists:
            lines += ["", *self._property(each)]
        return "\n".join(lines)

    def _property(self, made: _List) -> Iterator[str]:
        self._use("Reading")
        doc = f'        """{_sentence(made.name)}."""'
        members = [each for each in made.listing.fixed if each.place == "body"]
        if not made.arguments and not members:
            self.used.setdefault("functools", set()).add("cached_property")
            yield "    @cached_property"
            yield f"    def {made.name}(self) -> {made.many}:"
            yield doc
            yield f"        return {made.many}(Reading(self._sender, {made.name.upper()}))"
            return
        names = [_own_name(each.name, made.listing.operation) for each in made.arguments]
        given = [f"{name}: {_annotation(each)}" for name, each in zip(names, made.arguments, strict=True)]
        passed = [f'"{each.name}": {name}' for name, each in zip(names, made.arguments, strict=True)]
        if members:
            inner = [_own_name(_python(each.name), "") for each in members]
            given += [f"{name}: {each.type}" for name, each in zip(inner, members, strict=True)]
            pairs = ", ".join(f'"{each.name}": {name}' for name, each in zip(inner, members, strict=True))
            passed.append(f'"body": {{{pairs}}}')
            if any("Any" in each.type for each in members):
                self.used.setdefault("typing", set()).add("Any")
        yield f"    def {made.name}(self, {', '.join(given)}) -> {made.many}:"
        yield doc
        yield f"        return {made.many}(Reading(self._sender, {made.name.upper()}, {{{', '.join(passed)}}}))"

    def _imports(self) -> str:
        """Return the imports of what the other lines use."""
        groups: tuple[list[str], list[str], list[str]] = ([], [], [])
        for module, names in sorted(self.used.items()):
            at = 1 if module.startswith("readahead_clients") else 2 if module.startswith(".") else 0
            groups[at].append(f"from {module} import {', '.join(sorted(names))}")
        return "\n\n".join("\n".join(group) for group in groups if group)


def tidy(text: str) -> str:
    """Return source as the linter and the formatter of this project want it."""
    for command in (["check", "--fix-only", "--select", "I", "--quiet"], ["format", "--quiet"]):
        options = ["--isolated", "--line-length", "120", "--target-version", "py311", "-"]
        ours = ["--config", "lint.isort.known-first-party = ['readahead_clients']"] if command[0] == "check" else []
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *ours, *options],
            input=text, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SpecError(f"ruff cannot read a binding that was written; report this: {done.stderr.strip()[:500]}")
        text = done.stdout
    return text


def _is_sent(argument: Argument, listing: Listing) -> bool:
    """Whether a list gives an argument a value each time."""
    return argument.wire in {listing.paging.param, listing.paging.size}


def _credential(fact: CredentialFact, variable: str) -> str:
    form = ", basic=True" if fact.is_basic else f', prefix="{fact.prefix}"' if fact.prefix else ""
    return f'Credential("{fact.name}", {fact.name}, "{variable}"{form})'


def _form(fact: CredentialFact) -> str:
    return " is ``name:password``, and" if fact.is_basic else ""


def _annotation(argument: Argument) -> str:
    kinds = {"integer": "int", "number": "float", "boolean": "bool"}
    types = sorted({kinds.get(each, "str") for each in argument.types})
    one = " | ".join(types)
    return f"list[{one}]" if argument.many else one


def _own_name(name: str, operation: str) -> str:
    """Return the name of an argument, which hides nothing: `/users/{id}/roles` takes a `user_id`."""
    if not hasattr(builtins, name):
        return name
    found = re.search(rf"/([^/{{}}]+)/{{{name}}}", operation)
    return f"{_python(singular(plain(found[1])))}_{name}" if found and name == "id" else f"{name}_"


def _docstring(text: str, indent: str) -> list[str]:
    """Return the lines of a docstring, its first sentence by itself where they are too long for one line."""
    if len(text) + len(indent) + 6 <= _WIDTH:
        return [f'{indent}"""{text}"""']
    first, _, rest = text.partition(". ")
    first = first if not rest else f"{first}."
    if len(first) + len(indent) + 3 > _WIDTH:
        first = f"{first[: _WIDTH - len(indent) - 6].rpartition(',')[0]}, and more."
    body = textwrap.wrap(rest, _WIDTH - len(indent))
    return [f'{indent}"""{first}', *(["", *(indent + line for line in body)] if body else []), f'{indent}"""']


def _sentence(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _camel(name: str) -> str:
    camel = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))
    return camel if camel[:1].isalpha() else f"The{camel}"


def _python(name: str) -> str:
    return python_name(name)


def _enumerated(names: list[str]) -> str:
    names = list(dict.fromkeys(names))
    if len(names) > _MOST_NAMED:
        more = len(names) - _MOST_NAMED
        return f"{', '.join(names[:_MOST_NAMED])} and {more} more {'lists' if more > 1 else 'list'}"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "no lists"
