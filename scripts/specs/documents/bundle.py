"""Make one document of several files."""

import copy
import itertools
import posixpath
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from specs.documents.document import DATA, METHODS, NAMED, PROSE, SpecError, parse

# What a reference below these keys is to; elsewhere it is a schema.
_KINDS = {
    "callbacks": "callbacks",
    "examples": "examples",
    "headers": "headers",
    "links": "links",
    "parameters": "parameters",
    "requestBody": "requestBodies",
    "requestBodies": "requestBodies",
    "responses": "responses",
    "securitySchemes": "securitySchemes",
}
_HOW = "bundle it first, with `npx @redocly/cli bundle {} -o openapi.yaml`, and give the result"


def has_other_files(content: bytes) -> bool:
    """Whether a document may refer to other files."""
    return re.search(rb"""\$ref["']?\s*:\s*["']?[^#"'\s,}]""", content) is not None


class Bundle:
    """A document with those that it refers to.

    Attributes:
        document: All of it: what stands in other files is a component.
        content: The bytes of all files, in the order of reading.
        unread: References to what cannot be read, which stay in the document, and why.
    """

    def __init__(self, document: dict[str, Any], source: str) -> None:
        """Read the files that `document`, which is at `source`, refers to.

        What cannot be read costs the operations that need it, and no others.

        Raises:
            SpecError: A whole map, such as all schemas, cannot be read; the message says what to do.
        """
        self.content = b""
        self.unread: dict[str, str] = {}
        self._source = source
        self._home = Path(source).parent
        self._files: dict[str, Any] = {"": document}
        self._components: dict[tuple[str, str, str], str] = {}  # kind, file and place in it: name
        self._found: dict[str, dict[str, Any]] = {}
        self._document = document
        whole = self._walk(document, "", ())
        if self._found:
            components = whole.setdefault("components", {})
            for kind, found in self._found.items():
                components[kind] = {**components.get(kind, {}), **found}
        self.document: dict[str, Any] = whole

    def _walk(self, node: Any, file: str, above: tuple[str, ...], *, named: bool = False) -> Any:
        if isinstance(node, list):
            return [self._walk(each, file, (*above, "")) for each in node]
        if not isinstance(node, dict):
            return node
        target = node.get("$ref")
        if isinstance(target, str) and named and len(node) == 1:  # a whole map stands elsewhere
            name, place = self._address(target, file)
            return self._walk(self._read(name, place), name, above, named=True) if name else node
        if isinstance(target, str) and not named:
            try:
                new = self._place(target, file, above)
            except SpecError as error:
                new = {"$ref": target if target.partition("#")[0] else f"{file}{target}"}
                self.unread[new["$ref"]] = str(error)
                if above[:1] == ("paths",) and len(above) == 3 and above[2] in METHODS:  # no operation is a reference
                    new = {"responses": {"default": new}}
            beside = {key: each for key, each in node.items() if key != "$ref"}
            return {**new, **self._walk(beside, file, above)} if beside else new
        return {
            key: each
            # what texts, examples and extensions refer to is nothing to us
            if not named and (key in DATA or key in PROSE or key.startswith("x-"))
            else self._walk(each, file, (*above, f"={key}" if named else key), named=not named and key in NAMED)
            for key, each in node.items()
        }

    def _place(self, target: str, file: str, above: tuple[str, ...]) -> dict[str, Any]:
        name, place = self._address(target, file)
        if not name:
            return {"$ref": f"#{place}"}
        at = [key for key in above if key not in {"paths", "pathItems"}]
        if above[:1] == ("paths",) and (len(above) == 2 or (len(above) == 3 and above[2] in METHODS)):
            return self._inlined(name, place, above)
        kind = next((_KINDS[key] for key in reversed(at[-2:]) if key in _KINDS and key != "examples"), "schemas")
        if "schema" in at[-1:]:
            kind = "schemas"
        key = kind, name, place
        if key not in self._components:
            taken = self._document.get("components", {}).get(kind, {}).keys() | self._found.get(kind, {}).keys()
            given = re.sub(r"[^\w.-]+", "_", place.rpartition("/")[2] or Path(name).stem, flags=re.ASCII)
            names = itertools.chain([given], (f"{given}_{number}" for number in itertools.count(2)))
            self._components[key] = next(each for each in names if each not in taken)
            self._found.setdefault(kind, {})[self._components[key]] = {}  # it may refer to itself
            whole = self._walk(self._read(name, place), name, ("components", kind, self._components[key]))
            self._found[kind][self._components[key]] = whole
        return {"$ref": f"#/components/{kind}/{self._components[key]}"}

    def _address(self, target: str, file: str) -> tuple[str, str]:
        """Return the file, empty for the document itself, and the place in it that a reference in a file points to."""
        name, _, place = target.partition("#")
        if urlsplit(name).scheme or name.startswith("/"):
            raise SpecError(f"the document refers to {target[:200]}; " + _HOW.format(self._source))
        name = posixpath.normpath(posixpath.join(posixpath.dirname(file), unquote(name))) if name else file
        return "" if name == Path(self._source).name else name, place

    def _inlined(self, name: str, place: str, above: tuple[str, ...]) -> dict[str, Any]:
        whole = self._walk(copy.deepcopy(self._read(name, place)), name, above)
        if not isinstance(whole, dict):
            raise SpecError(f"{name}#{place} is not what a path or an operation can be")
        return whole

    def _read(self, name: str, place: str) -> Any:
        if name not in self._files:
            path = self._home / name
            if name.startswith("..") or not path.resolve().is_relative_to(self._home.resolve()):
                raise SpecError(f"the document refers to {name}, outside its folder; " + _HOW.format(self._source))
            try:
                content = path.read_bytes()
            except OSError as error:
                raise SpecError(
                    f"the document refers to {name}, which cannot be read ({error.strerror}); give it with the files "
                    "beside it, or " + _HOW.format(self._source)
                ) from error
            self.content += content
            self._files[name] = parse(content.decode("utf-8-sig", "replace"), name)
        node = self._files[name]
        for part in filter(None, unquote(place).split("/")):
            key = part.replace("~1", "/").replace("~0", "~")
            try:
                node = node[int(key) if isinstance(node, list) else key]
            except (LookupError, TypeError, ValueError):
                raise SpecError(f"the document refers to {name}#{place}, and {name} has no such place") from None
        return node
