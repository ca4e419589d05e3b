"""How a property of a document is written in Python: its type in a row, its type in a body, how a row reads it."""

import builtins
import keyword
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve
from openapi_python_client.parser.openapi import Endpoint, GeneratorData
from openapi_python_client.parser.properties import AnyProperty, EnumProperty, ModelProperty
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.date import DateProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol as Property
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.properties.uuid import UuidProperty
from openapi_python_client.parser.responses import Response

from specs.documents.names import WIRE, class_name
from specs.documents.sending import Sending, others_of, read_by_type, with_others
from specs.documents.types import Said, said_of

# What is strict about its text comes first where several are possible: a date is also a date-time.
_TEXTS: dict[type[Any], str] = {
    UuidProperty: "read_uuid",
    DateProperty: "read_date",
    DateTimeProperty: "read_datetime",
}
_STRICT = {"read_uuid": "uuid_of", "read_date": "date_of", "read_datetime": "datetime_of"}


# More values than these tell no branch of a union apart from another one that is worth their place in the code.
_FEW = 64

# By the names of the branches of a union: the wire names of its discriminators, with the branch for each value of them,
# and the branch for all other values.
Tags = Mapping[frozenset[str], tuple[Mapping[str, Mapping[Any, str]], str | None]]


class Shapes:
    """What the templates need beyond what the generator provides.

    A model is a row, except where it is sent, in a body or as a parameter: there it is a typed dictionary (`sent`). A
    model without properties is a map, and inside others a plain `dict`.
    """

    def __init__(self, openapi: GeneratorData, tags: Tags, sending: Sending, document: dict[str, Any]) -> None:
        self.tags = tags
        self._document = document
        schemas = document.get("components", {}).get("schemas", {})
        self._schemas = {class_name(name): schema for name, schema in schemas.items()}
        self._said: dict[str, dict[str, Said]] = {}
        self.sending = sending
        self.models = {model.class_info.name: model for model in openapi.models}
        self.enums = {enum.class_info.name: enum for enum in openapi.enums}
        endpoints = [each for group in openapi.endpoint_collections_by_tag.values() for each in group.endpoints]
        bodies = [body for endpoint in endpoints for body in endpoint.bodies]
        forms = [body.prop for body in bodies if body.body_type != "json"]
        self._forms = self._below(*forms)
        others = [body.prop for body in bodies if body.body_type == "json"]
        others += [prop for endpoint in endpoints for prop in endpoint.list_all_parameters()]
        self.sent = self._forms | self._below(*others)
        self._reached = self._below(*(prop for each in endpoints for prop in _signature(each)))
        self._chosen: set[str] = set()
        for each in (prop for model in self.models.values() for prop in _properties(model)):
            self.reader(each)  # notes the branches of unions
        for answered in (response.prop for endpoint in endpoints for response in endpoint.responses):
            self.reader(answered)
        self._in_json: dict[int, Property] = {}  # of answers that may be something else, too
        for response in (each for endpoint in endpoints for each in endpoint.responses if others_of(each)):
            if response.source["attribute"] == "response.json()" and not isinstance(response.prop, AnyProperty):
                self._in_json[id(response)] = response.prop
                with_others(response)
        self._in_signatures = {name for each in endpoints for prop in _signature(each) for name in self._names(prop)}

    def met(self, model: ModelProperty) -> bool:
        """Whether anything in the generated code is written with the class of a model.

        Parts of an `allOf` are not, nor are maps: they are merged into what they are parts of, and plain dictionaries.
        """
        name = model.class_info.name
        if name not in self._reached:
            return False
        return not self.is_map(model) or name in self._in_signatures

    # --- types

    def row_type(self, prop: Property) -> str:
        """Return the type of an attribute of a row: what is absent is None."""
        return _union([self._type(prop)] if prop.required else [self._type(prop), "None"])

    def body_type(self, prop: Property, model: ModelProperty) -> str:
        """Return the type of a key of a body, in quotes if it names a class that is imported further below.

        As a whole it cannot be in quotes: a typed dictionary has to see `Required`.
        """
        text = self._type(prop, sent=True, form=model.class_info.name in self._forms)
        text = f'"{text}"' if self.models.keys() & set(self._names(prop)) else text
        said = self.said(model).get(prop.name.get_untrusted_value()) if prop.required else None
        # what is only read is required of answers alone
        return f"Required[{text}]" if prop.required and not (said and said.is_read_only) else text

    def map_type(self, model: ModelProperty) -> str:
        """Return the type that a map is an alias of."""
        return self._type(model, sent=True, form=model.class_info.name in self._forms)

    def _type(self, prop: Property, *, sent: bool = False, form: bool = False) -> str:
        match prop:
            case UnionProperty():
                return _union(self._type(inner, sent=sent, form=form) for inner in prop.inner_properties)
            case ListProperty():
                return f"list[{self._type(prop.inner_property, sent=sent, form=form)}]"
            case EnumProperty() if sent or prop.value_type is int:
                return f"{prop.class_info.name} | {prop.value_type.__name__}"
            case ModelProperty() if self.is_map(prop):
                return f"dict[str, {self._type(self._extra(prop), sent=sent, form=form)}]"
            case AnyProperty():
                return "Any"
            case NoneProperty():
                return "None"
            case ConstProperty() if not sent:  # the server may send another one
                return type(prop.value.raw_value).__name__
            case FileProperty():  # JSON has no bytes
                return "File" if form else "str"
            case DateProperty() | DateTimeProperty() | UuidProperty() if sent:
                return f"{prop.get_type_string(no_optional=True).as_unembedded_code()} | str"
            case _:
                return prop.get_type_string(no_optional=True).as_unembedded_code()

    # --- reading

    def reader(self, prop: Property) -> str | None:
        """Return the expression of a function that reads the property, or None if values are kept unchanged."""
        match prop:
            case UnionProperty():
                return self._union_reader(prop)
            case ListProperty():
                inner = self.reader(prop.inner_property)
                return inner and f"list_of({inner})"
            case ModelProperty() if self.is_map(prop):
                inner = self.reader(self._extra(prop))
                return inner and f"dict_of({inner})"
            case ModelProperty():
                return f"{prop.class_info.name}._read"
            case EnumProperty() if prop.value_type is int:
                return f"int_enum_of({prop.class_info.name})"
            case EnumProperty():
                return f"{prop.class_info.name}.read"
            case _:
                return _TEXTS.get(type(prop))

    def _union_reader(self, prop: UnionProperty) -> str | None:
        found = list(prop.inner_properties)
        if any(isinstance(each, StringProperty) for each in found):  # whatever text it is, it may be plain text
            found = [each for each in found if type(each) not in _TEXTS]
        rows = [each for each in found if isinstance(each, ModelProperty) and not self.is_map(each)]
        lists = [each for each in found if isinstance(each, ListProperty)]
        others = [each for each in found if each not in rows and each not in lists and self.reader(each)]
        others.sort(key=lambda each: [*_TEXTS, type(each)].index(type(each)))
        several_texts = sum(isinstance(each, EnumProperty) and each.value_type is str for each in others) > 1
        readers = [str(self.reader(each)) for each in others]
        if several_texts:  # any text could be an unlisted value of any of them
            readers = [f"{each}_listed" if each.endswith(".read") else each for each in readers]
        if rows:  # before maps, which any object could be
            maps = any(isinstance(each, ModelProperty) and self.is_map(each) for each in found)
            readers.insert(0, self._branches(rows, alone=not maps))
        if lists:  # the branch is chosen for each item
            items = evolve(prop, inner_properties=[each.inner_property for each in lists])
            how = self.reader(items if len(lists) > 1 else lists[0].inner_property)
            readers += [f"list_of({how})"] if how else []
        return f"any_of({', '.join(readers)})" if len(readers) > 1 else next(iter(readers), None)

    def _branches(self, rows: list[ModelProperty], *, alone: bool) -> str:
        names = list(dict.fromkeys(each.class_info.name for each in rows))
        if alone and len(names) == 1:
            return f"{names[0]}._read"
        self._chosen.update(map(str, names), *map(self._parts, rows))
        fields, base = self.tags.get(frozenset(map(str, names)), ({}, None))
        tags = [
            f"({field!r}, {{{', '.join(f'{value!r}: {name}' for value, name in mapping.items())}}})"
            for field, mapping in fields.items()
        ]
        told = f", tag={tags[0]}" if len(tags) == 1 else f", tags=({', '.join(tags)})" if tags else ""
        told += f", base={base}" if tags and base else ""
        return f"branch_of({', '.join(names)}{told})"

    def _parts(self, row: ModelProperty) -> set[str]:
        """Return the names of the rows that stand in fields of a row, or in fields of those."""
        found: set[str] = set()
        waiting = [row]
        while waiting:
            for inner in _own(self._whole(waiting.pop())):
                parts = inner.inner_properties if isinstance(inner, UnionProperty) else [inner]
                rows = [each for each in parts if isinstance(each, ModelProperty) and not self.is_map(each)]
                if len(rows) == 1 and str(rows[0].class_info.name) not in found:
                    found.add(str(rows[0].class_info.name))
                    waiting += rows
        return found

    def said(self, model: ModelProperty) -> dict[str, Said]:
        """Return what the document says of the properties of a model, by their wire names."""
        name = str(model.class_info.name)
        if name not in self._said:
            schema = self._schemas.get(name) or model.data.model_dump(mode="json", by_alias=True, exclude_unset=True)
            wire = self._document.get(WIRE, {})
            found = said_of(self._document, schema)
            self._said[name] = {wire.get(each, each): said for each, said in found.items()}
        return self._said[name]

    def required(self, model: ModelProperty) -> list[Property]:
        """Return the fields that an answer has to have."""
        written = {wire for wire, said in self.said(model).items() if said.is_written_only}
        return [each for each in model.required_properties or [] if each.name.get_untrusted_value() not in written]

    def told(self, model: ModelProperty) -> dict[str, dict[str, Any]]:
        """Return what tells a row from other branches of a union, by attributes of its class, then by wire names.

        That is the one value of a field, the few values of others, and the JSON types of those that are not of any.
        """
        said = self.said(model).items()
        values = {wire: each.values for wire, each in said if each.values and len(each.values) <= _FEW}
        return {
            "_constants": {wire: listed[0] for wire, listed in values.items() if len(listed) == 1},
            "_listed": {wire: list(listed) for wire, listed in values.items() if len(listed) > 1},
            "_kinds": {wire: sorted(each.kinds) for wire, each in said if each.kinds},
        }

    def is_branch(self, model: ModelProperty) -> bool:
        """Whether an object may have to be told apart from other rows, or from a map."""
        return model.class_info.name in self._chosen

    def is_closed(self, model: ModelProperty) -> bool:
        """Whether an object may have no field that is not declared."""
        return self._whole(model).additional_properties is None

    def answer(self, response: Response) -> str | None:
        """Return the expression that reads an answer by its content type, of several branches, or of listed values.

        None: it is none of these.
        """
        by_type = read_by_type(response)
        if by_type is not None:
            return f"{by_type}(response)"
        if response.source["attribute"] != "response.json()":
            return None
        prop: Property = self._in_json.get(id(response), response.prop)
        if id(response) in self._in_json:
            known_kinds = sorted(set(_json_types(prop)))
            expect = "" if "object" in known_kinds else f", {', '.join(known_kinds)}"
            return f"other_of(response, {others_of(response)!r}, {self.reader(prop)}{expect})"
        inner, source = prop, "response.json()"
        while isinstance(inner, ListProperty):
            inner = inner.inner_property
        how = self.reader(prop)
        if not isinstance(inner, UnionProperty | EnumProperty) or how is None:
            return None
        kinds = {kind for each in getattr(prop, "inner_properties", [prop]) for kind in _json_types(each)}
        known = f"expected({source}, {', '.join(sorted(kinds))})" if "object" not in kinds else source
        return f"{how}({known})"

    def from_key(self, prop: Property, source: str) -> str:
        """Return the expression that reads the property from `source`, where nothing is odd."""
        how = self.reader(prop)
        if how is None:
            return source
        if how.endswith(".read"):
            return f"_{prop.python_name}[{source}]"
        # no call for empty lists, which most are, and for texts that are null
        if how.startswith("list_of(") or how in _STRICT:
            return f"(value := {source}) and _{prop.python_name}(value)"
        return f"_{prop.python_name}({source})"

    def helper(self, prop: Property) -> str | None:
        """Return what `from_key` finds under the name of the property: it may raise, where the reader does not."""
        how = self.reader(prop)
        if how and how.endswith(".read"):
            return f"{how.removesuffix('.read')}._readings"
        inner = prop.inner_properties if isinstance(prop, UnionProperty) else [prop]
        # where other texts may stand, a text that is none of these is nothing odd
        is_one = all(type(each) in _TEXTS or isinstance(each, NoneProperty) for each in inner)
        return _STRICT.get(str(how), how) if is_one else how

    # --- writing

    def body_name(self, model: ModelProperty, prop: Property) -> str:
        """Return the key of a property in a body: the name it has in a row.

        A key hides no builtin, so `zip` needs no underscore here; a keyword still does.
        """
        name = str(prop.python_name)
        short = name.removesuffix("_")
        others = {str(each.python_name) for each in _own(model)}
        return short if hasattr(builtins, short) and not keyword.iskeyword(short) and short not in others else name

    def is_renamed(self, model: ModelProperty, prop: Property) -> bool:
        """Whether a key of a body is not the name that is sent."""
        return self.body_name(model, prop) != prop.name.get_untrusted_value()

    def renames(self, model: ModelProperty) -> bool:
        """Whether any key in a body, or below it, is not the name that is sent."""
        found = self._below(model)
        below = [each for name, each in self.models.items() if name in found]
        return any(self.is_renamed(each, prop) for each in below for prop in _own(each))

    def written(self, model: ModelProperty) -> list[Property]:
        """Return the properties that a writer has to know: all of them where it treats those it does not know."""
        extra = model.additional_properties
        knows_all = extra is not None and self.writer(extra) is not None
        return [each for each in _own(model) if knows_all or self.is_renamed(model, each) or self.writer(each)]

    def writer(self, prop: Property) -> str | None:
        """Return the expression of a function that puts wire names in place, or None where a value is sent as it is."""
        match prop:
            case UnionProperty():
                return self._union_writer(prop)
            case ListProperty():
                inner = self.writer(prop.inner_property)
                return inner and f"list_of({inner})"
            case ModelProperty() if self.is_map(prop):
                inner = self.writer(self._extra(prop))
                return inner and f"dict_of({inner})"
            case ModelProperty() if self.renames(prop):
                return f"write_{prop.class_info.module_name}"
            case _:
                return None

    def _union_writer(self, prop: UnionProperty) -> str | None:
        objects = [each for each in prop.inner_properties if isinstance(each, ModelProperty) and not self.is_map(each)]
        others = [each for each in prop.inner_properties if each not in objects]
        found = [how for each in others if (how := self.writer(each))]
        if len(objects) == 1:
            found = [how for each in objects if (how := self.writer(each))] + found
        elif any(map(self.writer, objects)):
            shapes = (f"({each.class_info.name}, {self.writer(each)})" for each in objects)
            found.insert(0, f"one_of({', '.join(shapes)})")
        return f"any_of({', '.join(found)})" if len(found) > 1 else next(iter(found), None)

    def parameter(self, endpoint: Endpoint, location: str, prop: Property) -> str:
        """Return the arguments that a parameter is put into a request with, behind its name."""
        writer = self.writer(prop)
        value = f"{writer}({prop.python_name})" if writer else str(prop.python_name)
        options = self.sending.options(endpoint, location, prop)
        return ", ".join([value, *(f"{name}={option!r}" for name, option in options.items())])

    def arguments(self, endpoint: Endpoint) -> list[tuple[str, Property]]:
        """Return the arguments of the generated function, each with where it is sent."""
        found = [(location.value, each) for location, each in endpoint.iter_all_parameters()]
        return [*found, *(("body", body.prop) for body in endpoint.bodies[:1])]

    def parameter_info(self, endpoint: Endpoint, location: str, prop: Property) -> str:
        """Return the expression that says of an argument what the document does."""
        scalars, lists = _leaves(prop)
        kinds = sorted({kind for each in [*scalars, *lists] for kind in _kinds(each)})
        enums = {each.class_info.name for each in [*scalars, *lists] if isinstance(each, EnumProperty)}
        found: dict[str, str] = {"many": "True"} if lists else {}
        if prop.required:
            found["required"] = "True"
        models = {each.class_info.name for each in scalars if isinstance(each, ModelProperty) and not self.is_map(each)}
        name = "" if location == "body" else prop.name.get_untrusted_value()
        if location != "body":
            limits = self.sending.limits(endpoint, location, prop)
            if not {"integer", "number"} & set(kinds):
                limits = {key: value for key, value in limits.items() if key == "default"}
            options = self.sending.options(endpoint, location, prop)
            found |= {key: repr(value) for key, value in (limits | options).items() if key != "reserved"}
        if len(models) == 1:
            found["model"] = models.pop()
        if len(enums) == 1:
            found["enum"] = enums.pop()
        more = "".join(f", {key}={value}" for key, value in found.items())
        return f"ParameterInfo({location!r}, {name!r}, {' | '.join(kinds) or 'any'!r}{more})"

    def answer_type(self, endpoint: Endpoint) -> str:
        """Return the type of the JSON that an operation answers with if it succeeds; None if there is none, or any."""
        whole = _union(map(self._type, self._answers(endpoint)))
        return "None" if whole == "Any" else whole or "None"

    def answer_imports(self, endpoint: Endpoint) -> list[str]:
        """Return the import lines of the classes that `answer_type` is written with."""
        used = {name for prop in self._answers(endpoint) for name in self._names(prop)}
        found = [*self.models.values(), *self.enums.values()]
        classes = [each.class_info for each in found if each.class_info.name in used]
        return [f"from ...models.{each.module_name} import {each.name}" for each in classes]

    def _answers(self, endpoint: Endpoint) -> list[Property]:
        """Return the JSON that an operation answers with if it succeeds."""
        answers = [each for each in endpoint.responses.patterns if (each.status_code.range or (0,))[0] // 100 == 2]
        if not answers and endpoint.responses.default:
            answers = [endpoint.responses.default]
        # of a list, it is checked to be one: expected(response.json(), list)
        in_json = [each for each in answers if "response.json()" in each.source["attribute"]]
        return [self._in_json.get(id(each), each.prop) for each in in_json]

    def body(self, endpoint: Endpoint) -> str | None:
        """Return the call that puts the body into a request, or None if there is none."""
        if not endpoint.bodies:
            return None
        body = endpoint.bodies[0]  # the document is normalised to one
        writer, content_type = self.writer(body.prop), body.content_type.get_untrusted_value()
        value = f"{writer}(body)" if writer else "body"
        encoding = self.sending.encoding(endpoint)
        match body.body_type:
            case "json":
                return f"json({value}, {content_type!r})"
            case "data":
                return f"form({value}, {encoding!r}, {content_type!r})"
            case "files":
                or_json = self.sending.or_json(endpoint)
                return f"multipart({value}, {encoding!r}{f', or_json={or_json!r}' if or_json else ''})"
            case _:
                return f"content({value}, {content_type!r})"

    def writer_imports(self, prop: Property, home: str) -> list[str]:
        """Return the import lines that `writer` needs in a module from which the package of the models is `home`."""
        if self.writer(prop) is None:
            return []
        lines = [f"from {home[:-6]}.runtime import any_of, dict_of, list_of, one_of"] if home.endswith("models") else []
        used = set(self._names(prop))
        for name, model in self.models.items():
            if name not in used:
                continue
            module = f"{home}.{model.class_info.module_name}"
            lines.append(f"from {module} import {name}")
            if not self.is_map(model) and self.renames(model):
                lines.append(f"from {module} import write_{model.class_info.module_name}")
        return lines

    # --- modules

    def enum_imports(self, model: ModelProperty) -> list[str]:
        """Return the import lines of the enumerations that a model is written with."""
        return self._imports(model, self.enums)

    def model_imports(self, model: ModelProperty) -> list[str]:
        """Return the import lines of the other models that a model is written with."""
        lines = self._imports(model, self.models)
        if model.class_info.name in self.sent:
            lines += [line for prop in _properties(model) for line in self.writer_imports(prop, "")]
        mine = f"from .{model.class_info.module_name} import "
        return sorted({line for line in lines if not line.startswith(mine)})

    def _imports(self, model: ModelProperty, classes: Any) -> list[str]:
        used = {name for prop in _properties(model) for name in self._names(prop)} - {model.class_info.name}
        return [f"from .{classes[name].class_info.module_name} import {name}" for name in sorted(used & classes.keys())]

    # --- structure

    def _whole(self, model: ModelProperty) -> ModelProperty:
        # the generator leaves copies behind that it made before it knew the properties
        return self.models.get(model.class_info.name, model)

    def _extra(self, model: ModelProperty) -> Property:
        extra = self._whole(model).additional_properties
        assert extra is not None
        return extra

    def is_map(self, model: ModelProperty) -> bool:
        """Whether a model has no properties of its own and does not contain itself: any key, values of one type."""
        whole = self._whole(model)
        if whole.required_properties or whole.optional_properties or whole.additional_properties is None:
            return False
        return whole.class_info.name not in self._below(whole.additional_properties)

    def _names(self, prop: Property) -> Iterator[str]:
        """Yield the names of the classes that the type of a property is written with."""
        match prop:
            case UnionProperty():
                for inner in prop.inner_properties:
                    yield from self._names(inner)
            case ListProperty():
                yield from self._names(prop.inner_property)
            case EnumProperty():
                yield prop.class_info.name
            case ModelProperty():
                yield prop.class_info.name
                if self.is_map(prop):
                    yield from self._names(self._extra(prop))

    def _below(self, *props: Property) -> set[str]:
        """Return the names of the models that values of these properties can contain."""
        found: set[str] = set()
        waiting = [*props]
        while waiting:
            match waiting.pop():
                case UnionProperty() as union:
                    waiting.extend(union.inner_properties)
                case ListProperty() as array:
                    waiting.append(array.inner_property)
                case ModelProperty() as model if model.class_info.name not in found:
                    found.add(model.class_info.name)
                    waiting.extend(_properties(self._whole(model)))
        return found


def _leaves(prop: Property) -> tuple[list[Property], list[Property]]:
    """Return what a value may be, besides a list; and what the items of a list may be."""
    match prop:
        case NoneProperty():
            return [], []
        case ListProperty():
            scalars, lists = _leaves(prop.inner_property)
            return [], [*scalars, *lists]
        case UnionProperty():
            found = list(map(_leaves, prop.inner_properties))
            return [each for one, _ in found for each in one], [each for _, one in found for each in one]
        case _:
            return [prop], []


_KINDS: Mapping[type[Any], str] = {
    BooleanProperty: "boolean",
    DateProperty: "date",
    DateTimeProperty: "date-time",
    FileProperty: "file",
    FloatProperty: "number",
    IntProperty: "integer",
    ModelProperty: "object",
    StringProperty: "string",
    UuidProperty: "uuid",
}
_KINDS_OF: Mapping[type[Any], str] = {bool: "boolean", int: "integer", str: "string"}


def _kinds(prop: Property) -> Iterator[str]:
    """Yield what OpenAPI calls the type of a scalar, by its format where that is another class."""
    match prop:
        case EnumProperty():
            yield _KINDS_OF[prop.value_type]
        case ConstProperty():
            yield _KINDS_OF[type(prop.value.raw_value)]
        case _:
            yield _KINDS.get(type(prop), "any")


def _json_types(prop: Property) -> tuple[str, ...]:
    """Return the Python types that JSON of this property is decoded to."""
    match prop:
        case ModelProperty():
            return ("dict",)
        case ListProperty():
            return ("list",)
        case BooleanProperty():
            return ("bool",)
        case IntProperty():
            return ("int",)
        case FloatProperty():
            return ("float", "int")
        case NoneProperty():
            return ("NoneType",)
        case EnumProperty():
            return (prop.value_type.__name__,)
        case ConstProperty():
            return (type(prop.value.raw_value).__name__,)
        case StringProperty() | DateProperty() | DateTimeProperty() | UuidProperty() | FileProperty():
            return ("str",)
        case UnionProperty():
            return tuple(kind for each in prop.inner_properties for kind in _json_types(each))
        case _:
            return ("object",)


def _own(model: ModelProperty) -> list[Property]:
    return [*(model.required_properties or []), *(model.optional_properties or [])]


def _properties(model: ModelProperty) -> list[Property]:
    return [*_own(model), *([] if model.additional_properties is None else [model.additional_properties])]


def _signature(endpoint: Endpoint) -> Iterator[Property]:
    yield from endpoint.list_all_parameters()
    for response in endpoint.responses:
        yield response.prop


def _union(types: Iterable[str]) -> str:
    single = list(dict.fromkeys(part for text in types for part in _parts(text)))
    return "Any" if "Any" in single else " | ".join(sorted(single, key=lambda text: text == "None"))


def _parts(text: str) -> Iterator[str]:
    """Split a union at its own bars, not at those inside brackets."""
    depth, start = 0, 0
    for position, character in enumerate(text):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == "|" and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    yield text[start:].strip()
