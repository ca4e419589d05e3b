"""Which member tells the rows of a list apart. Pure."""

import re
from collections.abc import Mapping

from specs.lists import words
from specs.lists.listing import Doubt
from specs.lists.operations import Operation
from specs.lists.schemas import Flat, Schemas
from specs.lists.words import plain, singular

_ENDS = ("_id", "_uuid", "_guid", "_sid", "_key", "_gid")
_PARENTS = frozenset({"account_id", "account_sid", "organization_id", "parent_id", "tenant_id", "workspace_id"})
_SMALL = 12  # members of a row of which one that is called `name` is likely what it goes by
_CHOOSE = "choose what tells rows apart: RowReader(key=)"


def list_name(path: str) -> str:
    """Return what a list is called, by its path: `/v1/orders/{id}/line-items` is `line_items`."""
    parts = [part for part in path.strip("/").split("/") if part and not part.startswith("{")]
    parts = [part for part in parts if not re.fullmatch(r"v?\d+(\.\d+)*|api|rest|search|list|query|_search", part)]
    return plain(re.sub(r"\.json$|{.*?}", "", parts[-1] if parts else "items")) or "items"


def key_of(operation: Operation, items: str | None, row: Flat, schemas: Schemas) -> tuple[str, list[Doubt]] | Doubt:
    """Return the member that tells rows apart, and what is not documented of it; or why none does.

    Args:
        operation: The list.
        items: Where its rows are.
        row: The schema of one.
        schemas: The schemas of the document.
    """
    where = operation.where
    members = {name: schemas.flat(schema) for name, schema in row.properties.items()}
    usable = {
        name: each
        for name, each in members.items()
        if each.fits("string", "integer", "number")
        and each.facts.get("format") not in {"date", "date-time"}
        and "enum" not in each.facts
    }
    by_plain = {plain(name): name for name in reversed(usable)}
    for name in words.KEYS:
        if name in words.SURE_KEYS and name in by_plain:
            return by_plain[name], []
    own = _own_id(operation, items, row, by_plain, schemas) or _of_path(operation, by_plain, schemas)
    if own is not None:
        return own, []
    parents = {plain(name) for name in re.findall(r"{([^}]+)}", operation.path)} | _PARENTS
    ids = [name for name in by_plain if name.endswith(_ENDS) and name not in parents]
    for name in [*(ids if len(ids) == 1 else ()), *(name for name in words.KEYS if name in by_plain)]:
        if name in ids or by_plain[name] in row.required or len(usable) < _SMALL:
            doubt = Doubt(
                where, f"whether {by_plain[name]!r} is unique among rows is not documented", "see RowReader(key=)"
            )
            return by_plain[name], [doubt]
    if not members:
        return Doubt(where, "what its rows hold is not documented", "add their schema in the overlay")
    inner = [path for path, _ in schemas.members(row, 2) if path.count(".") == 1
             and plain(path.rpartition(".")[2]) in words.SURE_KEYS]  # fmt: skip
    if inner:
        return Doubt(where, f"rows have no id of their own; {inner[0]!r} is inside another object", _CHOOSE)
    return Doubt(where, "no member of its rows tells them apart by its name", _CHOOSE)


def _own_id(
    operation: Operation, items: str | None, row: Flat, by_plain: Mapping[str, str], schemas: Schemas
) -> str | None:
    """Return the member that is called after the rows, such as `invoice_id`, or after the API, such as `lago_id`."""
    last = plain((items or "").rpartition(".")[2])
    things = [singular(each) for each in (list_name(operation.path), last, plain(row.name))]
    things += [part for thing in things for part in (thing.rpartition("_")[2], thing.partition("_")[0])]
    things.append(plain(str((schemas.document.get("info") or {}).get("title") or "")).partition("_")[0])
    for thing in dict.fromkeys(filter(None, things)):
        for end in _ENDS:
            if thing + end in by_plain:
                return by_plain[thing + end]
    return None


def _of_path(operation: Operation, by_plain: Mapping[str, str], schemas: Schemas) -> str | None:
    """Return the member that one row is fetched by: `/domains/{domain_name}` is for `/domains`."""
    for path in schemas.document["paths"]:
        rest = path.removeprefix(operation.path.rstrip("/") + "/")
        if rest == path or not (found := re.fullmatch(r"{([^{}/]+)}/?", rest)):
            continue
        name, thing = plain(found[1]), singular(list_name(operation.path))
        for each in (name, name.removeprefix(f"{thing}_"), name.rpartition("_")[2]):
            if each in by_plain:
                return by_plain[each]
    return None
