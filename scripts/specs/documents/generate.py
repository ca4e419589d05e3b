"""Write `readahead_clients` from documents: the generator, our few templates, and the formatter, all pinned."""

import contextlib
import copyreg
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any, cast

from jinja2 import BytecodeCache, ChoiceLoader, FileSystemLoader, PackageLoader, PrefixLoader
from jinja2.bccache import Bucket
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]
from jsonschema.validators import validator_for  # type: ignore[import-untyped]
from openapi_python_client import Project
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError
from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import PythonIdentifier
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from openapi_spec_validator.schemas import schema_v30, schema_v31

from specs.documents.document import METHODS, SpecError, as_spec_error, operations, pointer, reached
from specs.documents.names import WIRE, ShortClasses, is_repeated, plain_components, unrepeated
from specs.documents.normalise import forget, normalise, readable_as, with_defaults
from specs.documents.sending import Content, Sending, nothing
from specs.documents.shapes import Shapes
from specs.documents.types import tags

PACKAGE = "readahead_clients"
_SHARED = ("encode.py", "pydantic_schema.py", "runtime.py")  # by all packages, as they stand among the templates
TOOLS = ("openapi-python-client", "ruff")

# Arguments of these names would hide what the functions of an endpoint use themselves.
_OF_FUNCTIONS = {
    "any_of",
    "asyncio_detailed",
    "body",
    "build_request",
    "client",
    "dict_of",
    "list_of",
    "one_of",
    "send",
}
OF_ROWS = {"from_dict", "get", "keys", "to_dict", "to_json"}

# The formatter's defaults change between releases, and it reads the nearest pyproject: set every option here.
_RUFF_CHECK = ["check", "--isolated", "--no-cache", "--quiet", "--fix-only", "--select", "F401,I001"]
_RUFF_FORMAT = ["format", "--isolated", "--no-cache", "--quiet"]
_RUFF_OPTIONS = ["--target-version", "py311", "--config", "line-length = 120"]
_RUFF_STYLE = [
    "format.quote-style = 'double'",
    "format.indent-style = 'space'",
    "format.line-ending = 'lf'",
    "format.skip-magic-trailing-comma = false",
    "format.docstring-code-format = false",
]


class LeftOutError(SpecError):
    """The generator leaves out operations or schemas.

    Attributes:
        operations: Which, and why.
        schemas: Which, and why.
    """

    def __init__(self, told: str, operations: dict[str, str], schemas: dict[str, str]) -> None:
        super().__init__(told)
        self.operations = operations
        self.schemas = schemas


class _Compiled(BytecodeCache):
    """Compiled templates, for the next package in this run: compiling takes longer than using them."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key + bucket.checksum in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key + bucket.checksum])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key + bucket.checksum] = bucket.bytecode_to_string()


_COMPILED = _Compiled()
_LEFT_OUT = re.compile(r"WARNING parsing (?P<where>[A-Z]+ \S+) within ")
_NO_SCHEMA = re.compile(r"Unable to (parse|process) schema /components/schemas/(?P<name>[^:\s]+)")


def package(document: dict[str, Any], name: str, templates: Path, target: Path) -> None:
    """Write the package of one API into the folder `target`, unformatted.

    Warnings of the generator are errors, because they say what it leaves out.
    """
    check(document, name)
    with as_spec_error(name):
        seen = normalise(with_defaults(document))
    config = Config.from_sources(
        ConfigFile(
            post_hooks=[],
            package_name_override=name,
            project_name_override=name,
            content_type_overrides=readable_as(seen),
        ),
        MetaType.NONE,
        document_source=Path(),
        file_encoding="utf-8",
        overwrite=False,
        output_path=target,
    )
    config.class_overrides = ShortClasses()
    with as_spec_error(name), _shared_models():
        openapi = GeneratorData.from_dict(seen, config=config)
    if isinstance(openapi, GeneratorError):
        raise SpecError(_told(name, [openapi]))
    shapes = Shapes(openapi, tags(seen), Sending(seen), seen)
    for model in openapi.models:
        for prop in [*(model.required_properties or []), *(model.optional_properties or [])]:
            wire = seen.get(WIRE, {}).get(prop.name.get_untrusted_value())
            if wire is not None:
                prop.name = UntrustedString(wire)
            if prop.python_name in OF_ROWS:  # it would hide a method
                prop.python_name = PythonIdentifier(f"{prop.python_name}_", "", skip_snake_case=True)
    openapi.models = [model for model in openapi.models if shapes.met(model)]
    for collection in openapi.endpoint_collections_by_tag.values():
        for endpoint in collection.endpoints:
            endpoint.path_parameters = [
                each for each in endpoint.path_parameters if not is_repeated(each.name.get_untrusted_value())
            ]
            endpoint.path = UntrustedString(unrepeated(endpoint.path.get_untrusted_value()))
            for location, prop in endpoint.iter_all_parameters():
                wire = seen.get(WIRE, {}).get(prop.name.get_untrusted_value())
                if wire is not None:
                    prop.name = UntrustedString(wire)
                if prop.python_name in _OF_FUNCTIONS:
                    old = prop.python_name
                    prop.set_python_name(UntrustedString(f"{old}_{location}"), config)
                    if location == "path":
                        path = endpoint.path.get_untrusted_value()
                        endpoint.path = UntrustedString(path.replace(f"{{{old}}}", f"{{{prop.python_name}}}"))
                endpoint.relative_imports.update(shapes.writer_imports(prop, "...models"))
            for body in endpoint.bodies:
                endpoint.relative_imports.update(shapes.writer_imports(body.prop, "...models"))
                if body.body_type == "content":
                    body.prop = cast("Any", Content(body.prop))
            endpoint.relative_imports.update(shapes.answer_imports(endpoint))
            for response in endpoint.responses:
                if response.source["attribute"] == "None":
                    nothing(response)
                if isinstance(response.prop, ListProperty) and shapes.answer(response) is None:
                    # an empty object is no list without items
                    source = response.source
                    response.source = {**source, "attribute": f"expected({source['attribute']}, list)"}

    project = Project(openapi=openapi, config=config)
    stock = PackageLoader("openapi_python_client")
    project.env.loader = ChoiceLoader([FileSystemLoader(templates), PrefixLoader({"stock": stock}), stock])
    project.env.bytecode_cache = _COMPILED
    project.env.globals["shapes"] = shapes
    with contextlib.redirect_stdout(StringIO()):
        errors = project.build()
    if errors:
        told = {found["where"]: _why(error) for error in errors if (found := _LEFT_OUT.search(error.header))}
        schemas = {found["name"]: _why(error) for error in errors if (found := _NO_SCHEMA.search(error.header))}
        told = {where: _cause(seen, where, why, schemas) for where, why in told.items()}
        raise LeftOutError(_told(name, errors), told, schemas)
    wanted = sum(1 for _ in operations(seen))
    written = sum(1 for path in (target / "api").glob("*/*.py") if path.name != "__init__.py")
    if wanted != written:
        raise SpecError(f"{name}: the document has {wanted} operations, but the generator wrote {written} modules")


@contextlib.contextmanager
def _shared_models() -> Iterator[None]:
    """Let the generator copy its endpoints without the models in them, which it does not change there.

    It copies each endpoint three times; with the models below it that takes time and memory that grow with the square
    of a document.
    """
    copyreg.pickle(ModelProperty, lambda model: model.class_info.name)  # a text stands for the object itself
    try:
        yield
    finally:
        del copyreg.dispatch_table[ModelProperty]


def check(document: dict[str, Any], name: str) -> None:
    """Raise SpecError if the document is not valid OpenAPI. Titles and defaults, which are dropped, may be wrong."""
    if found := faults(document, name):
        raise SpecError(f"{name} is not a valid document: {found[0].what}")


def faulty(document: dict[str, Any], name: str) -> tuple[dict[str, str], list[str]]:
    """Return what is not valid OpenAPI: the operations that this costs, and why; and what has no place in any."""
    found = faults(document, name)
    costs: dict[str, str] = {}
    others = []
    users: dict[tuple[str, str], list[str]] = {}
    if any(fault.where[:1] == ("components",) for fault in found):
        plain = plain_components(forget(document))
        for path, method, operation in operations(plain):
            above = plain["paths"][path].get("parameters", [])
            for kind, components in reached(plain, [operation, above]).items():
                for each in components:
                    users.setdefault((kind, each), []).append(f"{method.upper()} {path}")
    for fault in found:
        match fault.where:
            case ("paths", str(path), str(key), *_) if path in document["paths"]:
                methods = [key] if key in METHODS else [each for each in METHODS if each in document["paths"][path]]
                named = [f"{method.upper()} {path}" for method in methods]
            case ("components", str(kind), str(each), *_):
                named = users.get((kind, each), [])
            case _:
                named = []
        if not named:
            others.append(fault.what)
        for each in named:
            costs.setdefault(each, f"it is not valid: {fault.what}")
    return costs, others


def faulty_schemes(document: dict[str, Any]) -> dict[str, str]:
    """Return the security schemes of a document that are not valid, and why. No code is made of a scheme."""
    components = document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    if not schemes:
        return {}
    if not isinstance(schemes, dict):
        raise SpecError("the document's securitySchemes are not an object")
    alone = {"openapi": document["openapi"], "info": {"title": "", "version": ""}, "paths": {}}
    try:
        found = faults({**alone, "components": {"securitySchemes": schemes}}, "the document")
    except SpecError as error:
        return dict.fromkeys(schemes, str(error))
    return {str(each.where[2]): each.what for each in reversed(found) if len(each.where) > 2}


@dataclass(frozen=True)
class Fault:
    """What is not valid OpenAPI in a document.

    Attributes:
        where: The keys and positions that lead there; empty if that is not known.
        what: The innermost cause, and its place.
    """

    where: tuple[str | int, ...]
    what: str


def faults(document: dict[str, Any], name: str) -> tuple[Fault, ...]:
    """Return everything in the document that is not valid OpenAPI."""
    with as_spec_error(name):
        return _faults(json.dumps(plain_components(forget(document))))


@lru_cache(maxsize=16)  # slow, and needed twice for each document
def _faults(text: str) -> tuple[Fault, ...]:
    document = json.loads(text)
    found: list[Any] = []
    try:
        found.extend(OpenAPIV30SpecValidator(document).iter_errors() if _is_3_0(document) else
                     OpenAPIV31SpecValidator(document).iter_errors())  # fmt: skip
    except RecursionError:
        # the structure was right: the next step goes round where a base lists its children, and they extend it
        pass
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        if not found:  # later steps expect what the first one has found wrong
            raise
    return tuple(_fault(document, error) for error in found)


def _is_3_0(document: dict[str, Any]) -> bool:
    return str(document.get("openapi", "")).startswith("3.0")


def _fault(document: dict[str, Any], error: ValidationError) -> Fault:
    where = tuple(error.absolute_path)
    if len(where) > 2 and where[0] in {"paths", "components"}:
        error = _innermost(document, where) or error
    place = pointer(error.absolute_path)
    lines = str(error.message).splitlines() or [type(error).__name__]
    return Fault(where, f"{_short(lines[0])} at {place}")


def _short(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:150]} … {text[-150:]}"


def _innermost(document: dict[str, Any], where: tuple[Any, ...]) -> ValidationError | None:
    """Return the error below a place that lies deepest in the document: the fast validator names the outermost."""
    group, name, key = where[0], where[1], where[2]
    part = {group: {name: {key: document[group][name][key]}}}
    small = {"openapi": document["openapi"], "info": {"title": "", "version": ""}, "paths": {}, **part}
    schema = schema_v30 if _is_3_0(document) else schema_v31
    error = next(iter(validator_for(dict(schema))(dict(schema)).iter_errors(small)), None)
    while error is not None and error.context:
        # a branch that wants a reference is not what was meant
        meant = [each for each in error.context if each.validator != "required" or each.validator_value != ["$ref"]]
        error = max(meant or error.context, key=lambda each: len(each.absolute_path))
    return error


def _told(name: str, errors: Any) -> str:
    lines = [f"{name}: the generator cannot read the whole document"]
    lines += [_readable(f"{error.header} {error.detail or ''}") for error in errors]
    return "\n  ".join(lines)


def _why(error: Any) -> str:
    said = _readable(error.detail or "the generator cannot read it").partition(" Failure to process schema")[0]
    data = getattr(error.data, "model_dump_json", None)
    if data is not None and "…" in said:  # it names what it cannot read by an object of its own
        said = f"{said.rstrip(' …')}: {_short(data(by_alias=True, exclude_none=True, exclude_defaults=True))}"
    return said


def _cause(document: dict[str, Any], where: str, why: str, schemas: dict[str, str]) -> str:
    """Return why an operation is left out: the schemas below it that cannot be read, where the generator has one."""
    method, _, path = where.partition(" ")
    used = reached(document, document["paths"].get(path, {}).get(method.lower(), {})).get("schemas", {})
    below = [f"{name}: {schemas[name]}" for name in used if name in schemas and not _SECOND_HAND.search(schemas[name])]
    return "; ".join(below) or why


# of schemas that only contain others which cannot be read
_SECOND_HAND = re.compile(r"find reference|not processed|not found")


def _readable(text: str) -> str:
    # the generator prints some of its own objects
    return re.sub(r"<[^<>]* object at 0x[0-9a-f]+>", "…", " ".join(text.split()))


def clients(packages: dict[str, dict[str, Any]], templates: Path, target: Path) -> None:
    """Write `generated/` into the folder `target`: one package for each document."""
    root = target / PACKAGE
    root.mkdir(parents=True)
    (root / "__init__.py").write_text(
        '"""Clients generated from the documents in openapi/; only scripts/regenerate writes here."""\n',
        encoding="utf-8",
    )
    (root / "py.typed").touch()
    for shared in _SHARED:
        shutil.copyfile(templates / shared, root / shared)
    for name, document in packages.items():
        package(document, name, templates, root / name)
    for arguments in ([*_RUFF_CHECK, *_RUFF_OPTIONS], [*_RUFF_FORMAT, *_RUFF_OPTIONS, *_style()]):
        _ruff([*arguments, str(root)])


def _style() -> list[str]:
    return [part for option in _RUFF_STYLE for part in ("--config", option)]


def _ruff(arguments: list[str]) -> None:
    # of this interpreter, not the first on PATH
    done = subprocess.run([sys.executable, "-m", "ruff", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SpecError(f"ruff failed: {done.stderr.strip() or done.stdout.strip()}")


def tools() -> dict[str, str]:
    """Return the versions of the tools that decide the bytes of the output."""
    return {name: version(name) for name in TOOLS}


def stock() -> dict[str, str]:
    """Return the sha256 of the generator's own templates: those we replace, and those that ours work together with.

    Its templates of whole projects (README, pyproject and so on) are not used.
    """
    folder = Path(str(resources.files("openapi_python_client") / "templates"))
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.jinja")}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in sorted(found.items())
        if not name.startswith(("README", "pyproject", "setup"))
    }
