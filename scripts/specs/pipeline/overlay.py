"""OpenAPI Overlay 1.0: corrections as data, each with its reason.

Targets are written in the part of JSONPath that corrections need: `$`, `.name`, `['name']`, `.*`, `[*]`, `[0]` and
`[?(@.name == 'text')]`. Anything else is refused, not misread.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

from specs.documents.document import SpecError

_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z_][\w-]*)
      | \[\s*'(?P<quoted>[^']*)'\s*\]
      | \[\s*(?P<index>\d+)\s*\]
      | (?P<any>\.\*|\[\s*\*\s*\])
      | \[\s*\?\s*\(?\s*@\.(?P<key>[\w-]+)\s*==\s*'(?P<text>[^']*)'\s*\)?\s*\]""",
    re.VERBOSE,
)
_ACTION = {"target", "description", "update", "remove"}
_PROSE = {"description", "example", "examples", "externalDocs", "operationId", "summary", "tags", "title"}

# The mapping or list that holds a node, and where in it
Place = tuple[Any, Any]
# Texts, and what they are now
Moves = dict[str, str]


def apply(
    document: dict[str, Any], overlay: dict[str, Any], *, missed: list[str] | None = None, all_match: bool = True
) -> dict[str, Any]:
    """Return the document with every action of the overlay applied, in order.

    An action without a reason, or that matches nothing and is not marked `x-optional: true`, is an error: a
    correction that no longer corrects anything should go. One that only describes, names or orders is passed over.
    Without `all_match`, all such actions are.

    Args:
        document: What is corrected; it stays as it is.
        overlay: The corrections.
        missed: Targets that match nothing are added to it.
        all_match: Whether a correction that matches nothing is an error.
    """
    if not str(overlay.get("overlay", "")).startswith("1.0."):
        raise SpecError("not an OpenAPI Overlay 1.0 document")
    root = {"$": copy.deepcopy(document)}
    for action in overlay.get("actions", []):
        target = action.get("target", "")
        extra = {key for key in action if key not in _ACTION and not key.startswith("x-")}
        if extra or not action.get("description") or not {"update", "remove"} & action.keys():
            raise SpecError(
                f"overlay action {target!r} must have target, description (its reason) and update or remove, "
                "and nothing else"
            )
        places = list(find(root, target))
        if not places and not action.get("x-optional", False):
            if all_match and not is_prose(action):
                raise SpecError(f"overlay action {target!r} matches nothing")
            if missed is not None:
                missed.append(target)
        if action.get("remove", False):
            for holder, key in reversed(places):
                del holder[key]
        else:
            for holder, key in places:
                node = holder[key]
                update = copy.deepcopy(action["update"])
                if isinstance(node, list):
                    node.append(update)
                else:
                    holder[key] = _merged(node, update)
    return root["$"]


def is_prose(action: dict[str, Any]) -> bool:
    """Whether an action only describes, names or orders: without it, what is sent and read is the same."""
    if action.get("remove", False):
        return str(action.get("target", "")).rpartition(".")[2] in _PROSE
    return isinstance(action["update"], dict) and all(key in _PROSE or key.startswith("x-") for key in action["update"])


def holds(overlay: dict[str, Any], text: str) -> bool:
    """Whether an action adds this text, as a value or a key."""
    return with_values(overlay, {text: f"{text} "}) != overlay


def with_values(overlay: dict[str, Any], values: Moves) -> dict[str, Any]:
    """Return the overlay with other texts and keys in what it adds."""

    def changed(node: Any) -> Any:
        if isinstance(node, dict):
            return {values.get(key, key): changed(each) for key, each in node.items()}
        if isinstance(node, list):
            return [changed(each) for each in node]
        return values.get(node, node) if isinstance(node, str) else node

    actions = [
        {**each, "update": changed(each["update"])} if "update" in each and not is_prose(each) else each
        for each in overlay.get("actions", [])
    ]
    return {**overlay, "actions": actions}


def undefined_schemes(document: dict[str, Any], overlay: dict[str, Any]) -> list[str]:
    """Return the security schemes that the overlay requires of a corrected document, which does not define them."""
    defined = document.get("components", {}).get("securitySchemes", {})
    return sorted({name for each in overlay.get("actions", []) for name in _required(each)} - {*defined})


def _required(action: dict[str, Any]) -> set[str]:
    update = action.get("update")
    needs = update.get("security", []) if isinstance(update, dict) else []
    return {name for need in needs for name in need}


def without_schemes(overlay: dict[str, Any], schemes: list[str]) -> dict[str, Any]:
    """Return the overlay without these in the `security` that it adds; None stands for an action that adds nothing."""
    actions: list[Any] = []
    for action in overlay.get("actions", []):
        changed = action
        if not _required(action).isdisjoint(schemes):
            needs = [
                {name: scopes for name, scopes in need.items() if name not in schemes}
                for need in action["update"]["security"]
            ]
            rest = {key: value for key, value in action["update"].items() if key != "security"}
            rest |= {"security": kept} if (kept := [each for each in needs if each]) else {}
            changed = {**action, "update": rest} if rest else None
        actions.append(changed)
    return {**overlay, "actions": actions}


def retargeted(document: dict[str, Any], overlay: dict[str, Any], moves: Moves) -> tuple[dict[str, Any], Moves]:
    """Return the overlay with targets that match again, and those: each that matched nothing, and what it is now.

    Args:
        document: What the overlay does not fit.
        overlay: The corrections.
        moves: Parts of targets, and what they could be now.
    """
    missed: list[str] = []
    apply(document, overlay, missed=missed, all_match=False)
    found: Moves = {}
    for target in missed:
        new = target
        for old, now in moves.items():
            new = new.replace(old, now)
        if new != target and any(find({"$": document}, new)):
            found[target] = new
    actions = [{**each, "target": found.get(each["target"], each["target"])} for each in overlay.get("actions", [])]
    return {**overlay, "actions": actions}, found


def find(root: dict[str, Any], path: str) -> Iterator[Place]:
    """Yield the places of the nodes that match `path`; `root` holds the document under `$`."""
    if not path.startswith("$"):
        raise SpecError(f"{path!r} is not a JSONPath; it must begin with $")
    places: list[Place] = [(root, "$")]
    position = 1
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise SpecError(f"JSONPath {path!r}: cannot read {path[position:]!r}")
        places = [place for holder, key in places for place in _children(holder[key], step)]
        position = step.end()
    yield from places


def _children(node: Any, step: re.Match[str]) -> Iterator[Place]:
    name = step["name"] if step["name"] is not None else step["quoted"]
    if name is not None:
        if isinstance(node, dict) and name in node:
            yield node, name
    elif step["index"] is not None:
        if isinstance(node, list) and int(step["index"]) < len(node):
            yield node, int(step["index"])
    else:
        keys: Any = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            child = node[key]
            if step["any"] or (isinstance(child, dict) and child.get(step["key"]) == step["text"]):
                yield node, key


def _merged(node: Any, update: Any) -> Any:
    if isinstance(node, dict) and isinstance(update, dict):
        return {**node, **{key: _merged(node[key], value) if key in node else value for key, value in update.items()}}
    if isinstance(node, list) and isinstance(update, list):
        return node + update
    return update
