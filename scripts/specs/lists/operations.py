"""The operations of a document that may be lists, with what is known of their requests and answers. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from specs.documents.document import operations
from specs.lists import words
from specs.lists.schemas import Flat, Schemas
from specs.lists.words import plain

_SEARCH = re.compile(r"(^|[/_:.-])(search|list|query|filter|find|scroll|get)(?![a-z])|[a-z](Search|Query|List|Find)\b")
_FEW = 6  # members of a body that does nothing but page
_JSON = re.compile(r"^(application|text)/([\w.+-]+\+)?json\b|^\*/\*")


@dataclass(frozen=True)
class Param:
    """A parameter, of the query or of a body."""

    name: str
    schema: Flat
    required: bool = False
    text: str = ""
    example: Any = None
    deprecated: bool = False

    @property
    def plain(self) -> str:
        """Its name in one spelling."""
        return plain(self.name)

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole number."""
        return self.schema.fits("integer", "number")

    @property
    def is_scalar(self) -> bool:
        """Whether it may be text or a number."""
        return not (self.schema.is_object or self.schema.is_array or self.schema.fits("boolean"))


@dataclass(frozen=True)
class Operation:
    """One operation, with what is known of its requests and of its answer."""

    where: str
    path: str
    node: Mapping[str, Any]
    params: tuple[Param, ...]
    body: tuple[Param, ...]
    headers: tuple[Param, ...]
    answer: Flat
    answer_headers: Mapping[str, Any]
    text: str


class Operations:
    """The operations of one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document, self.schemas = document, Schemas(document)

    def reading(self) -> Iterator[Operation]:
        """Yield the operations that may be lists."""
        for path, method, node in operations(self.document):
            if method not in {"get", "post"}:
                continue
            where = f"{method.upper()} {path}"
            body = tuple(self._body(node)) if method == "post" else ()
            if method == "post" and not self._is_search(path, node, body):
                continue
            answer, headers = self._answer(node)
            if answer is None:
                continue
            params = list(self._parameters(path, node))
            yield Operation(
                where,
                path,
                node,
                tuple(each for place, each in params if place == "query"),
                body,
                tuple(each for place, each in params if place == "header"),
                answer,
                headers,
                f"{node.get('summary', '')} {node.get('description', '')}",
            )

    def _is_search(self, path: str, node: Mapping[str, Any], body: tuple[Param, ...]) -> bool:
        names = {plain(each.name.rpartition(".")[2]) for each in body}
        if names.isdisjoint(words.CURSOR | words.OFFSET | words.NUMBER):
            return False
        is_named_so = bool(_SEARCH.search(f"{path} {node.get('operationId', '')}"))
        return is_named_so or (len(names) <= _FEW and not names.isdisjoint(words.SIZE))

    def _parameters(self, path: str, node: Mapping[str, Any]) -> Iterator[tuple[str, Param]]:
        given = {}
        for each in [*(self.document["paths"][path].get("parameters") or ()), *(node.get("parameters") or ())]:
            whole = self.schemas.whole(each)
            if "name" in whole and "in" in whole:
                given[whole["in"], whole["name"]] = whole
        for (place, name), whole in given.items():
            content: Any = next(iter((whole.get("content") or {}).values()), {})
            schema = self.schemas.flat(whole.get("schema", content.get("schema", {})))
            text = f"{whole.get('description') or ''} {schema.text}"
            example = whole.get("example", schema.facts.get("example"))
            deprecated = bool(whole.get("deprecated") or schema.facts.get("deprecated"))
            yield place, Param(str(name), schema, bool(whole.get("required")), text, example, deprecated)

    def _body(self, node: Mapping[str, Any]) -> Iterator[Param]:
        content = self.schemas.whole(node.get("requestBody")).get("content") or {}
        media = next((each for name, each in content.items() if _JSON.match(name)), None)
        if not isinstance(media, dict):
            return
        schema = self.schemas.flat(media.get("schema", {}))
        for path, found in self.schemas.members(schema, 2):
            yield Param(path, found, path in schema.required, found.text, found.facts.get("example"))

    def _answer(self, node: Mapping[str, Any]) -> tuple[Flat | None, Mapping[str, Any]]:
        responses = node.get("responses") or {}
        for code in sorted(map(str, responses)):
            if code not in {"200", "201", "202", "203", "206", "2XX", "default"}:
                continue
            response = self.schemas.whole(responses.get(code))
            content = response.get("content") or {}
            media = next((each for name, each in content.items() if _JSON.match(name)), None)
            if isinstance(media, dict) and media.get("schema") is not None:
                return self.schemas.flat(media["schema"]), response.get("headers") or {}
        return None, {}
