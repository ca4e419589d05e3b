"""The names that generated code has for what a document says: read as text, since it may be new and not importable."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Argument:
    """An argument of a generated function.

    Attributes:
        name: Its name.
        where: Where it goes: "path", "query", "header", "cookie" or "body".
        wire: Its name there.
        types: The JSON types that it takes; of a list, those of its items.
        many: Whether it is, or may be, a list.
        required: Whether it must be given.
        enum: The class of its values.
    """

    name: str
    where: str
    wire: str
    types: frozenset[str]
    many: bool = False
    required: bool = False
    enum: str | None = None


@dataclass(frozen=True)
class Module:
    """The generated module of an operation.

    Attributes:
        name: Its name.
        tag: The package that it is in.
        arguments: What its function takes, by name.
        answer: The type of the answer, as it is written there.
    """

    name: str
    tag: str
    arguments: Mapping[str, Argument]
    answer: str

    def argument(self, where: str, wire: str) -> Argument | None:
        """Return the argument that is sent under a name."""
        return next((each for each in self.arguments.values() if (each.where, each.wire) == (where, wire)), None)


@dataclass(frozen=True)
class Model:
    """A generated class.

    Attributes:
        name: Its name.
        attributes: The types of its attributes, by the names on the wire: attribute, and the types as they are written.
    """

    name: str
    attributes: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)


class Package:
    """The generated package of one API."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def modules(self) -> Mapping[str, Module]:
        """The modules by method and path."""
        found = {}
        for path in sorted((self.folder / "api").glob("*/*.py")):
            if path.name != "__init__.py" and (read := _module(path)) is not None:
                found[read[0]] = read[1]
        return found

    @cached_property
    def _files(self) -> Mapping[str, Path]:
        found = {}
        for path in (self.folder / "models").glob("*.py"):
            for name in re.findall(r"^class (\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE):
                found[name] = path
        return found

    def is_enum(self, name: str) -> bool:
        """Whether a class is an enumeration of texts."""
        path = self._files.get(name)
        return path is not None and f"class {name}(OpenStr)" in path.read_text(encoding="utf-8")

    def model(self, name: str) -> Model | None:
        """Return a class of objects."""
        path = self._files.get(name)
        if path is None:
            return None
        tree = ast.parse(path.read_text(encoding="utf-8"))
        types: dict[str, tuple[str, ...]] = {}
        wires: dict[str, str] = {}
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                types |= {
                    line.target.id: tuple(_alternatives(line.annotation))
                    for line in node.body
                    if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
                }
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == f"{name}.FIELDS":
                wires |= dict(_wires(node.value))
        return Model(name, {wire: (attr, types[attr]) for wire, attr in wires.items() if attr in types})

    def rows(self, module: Module, items: str | None) -> tuple[Model, ...]:
        """Return the classes of the rows of a list; none if not every row is of a class."""
        names = [name for each in self._at(module.answer, items) for name in _inner(each)]
        models = [self.model(name) for name in dict.fromkeys(names)]
        return tuple(each for each in models if each is not None) if all(models) else ()

    def _at(self, annotation: str, path: str | None) -> list[str]:
        """Return the types at a path of an answer."""
        types = list(_alternatives(ast.parse(annotation, mode="eval").body))
        if not path:
            return types
        found: list[str] = []
        for name in types:
            model = self.model(name)
            for wire, (_, inner) in (model.attributes if model else {}).items():
                if path == wire:
                    found += inner
                elif path.startswith(f"{wire}."):
                    found += [each for one in inner for each in self._at(one, path.removeprefix(f"{wire}."))]
        return found


def _module(path: Path) -> tuple[str, Module] | None:
    where, answer, arguments = "", "Any", dict[str, Argument]()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is None:
            continue
        if node.target.id == "OPERATION":
            where = str(ast.literal_eval(node.value))
        elif node.target.id == "ANSWER":
            answer = ast.unparse(node.value)
        elif node.target.id == "PARAMETERS" and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if key is not None and isinstance(value, ast.Call):
                    name = str(ast.literal_eval(key))
                    arguments[name] = _argument(name, value)
    return (where, Module(path.stem, path.parent.name, arguments, answer)) if where else None


def _argument(name: str, call: ast.Call) -> Argument:
    where, wire, types = (str(ast.literal_eval(each)) for each in call.args[:3])
    said = {each.arg: each.value for each in call.keywords}
    return Argument(
        name,
        where,
        wire,
        frozenset(types.split(" | ")),
        many="many" in said,
        required="required" in said,
        enum=ast.unparse(said["enum"]) if "enum" in said else None,
    )


def _wires(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(value, ast.Tuple):
                yield str(key.value), str(ast.literal_eval(value.elts[0]))


def _alternatives(node: ast.AST) -> Iterator[str]:
    """Yield the types of an annotation, without None and Unset."""
    if isinstance(node, ast.BinOp):
        yield from _alternatives(node.left)
        yield from _alternatives(node.right)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _alternatives(ast.parse(node.value, mode="eval").body)
    elif (text := ast.unparse(node)) not in {"None", "Unset"}:
        yield text


def _inner(annotation: str) -> list[str]:
    """Return the types of what a list holds."""
    node = ast.parse(annotation, mode="eval").body
    is_list = isinstance(node, ast.Subscript) and ast.unparse(node.value) == "list"
    return [*_alternatives(node.slice)] if is_list and isinstance(node, ast.Subscript) else ["object"]


def in_all(models: tuple[Model, ...]) -> Model:
    """Return the attributes that all of several classes have, with the types that any of them has."""
    first, *others = models
    shared = {
        wire: (attr, tuple(dict.fromkeys((*types, *(one for each in others for one in each.attributes[wire][1])))))
        for wire, (attr, types) in first.attributes.items()
        if all(each.attributes.get(wire, ("", ()))[0] == attr for each in others)
    }
    return Model(" | ".join(each.name for each in models), shared)
