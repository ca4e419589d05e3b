"""A binding for a new document: written where there is none, else proposed as a diff."""

import difflib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from specs.documents import generate
from specs.documents.document import SpecError
from specs.lists.generated import Package
from specs.lists.listing import Doubt, Listing, Recognition
from specs.lists.recognise import recognise
from specs.lists.write import Written, write


@dataclass
class Bound:
    """What became of a binding.

    Attributes:
        place: Where it is, below the top of the project.
        text: Its source, if it is new.
        diff: What would be written otherwise than from the document before, where there is one already.
        doubts: What the document does not decide.
        undecided: Lists that are not declared, and why.
        lists: How many are declared.
    """

    place: str
    text: str = ""
    diff: str = ""
    doubts: list[Doubt] = field(default_factory=list)
    undecided: list[Doubt] = field(default_factory=list)
    lists: int = 0

    def data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "file": self.place,
            "written": bool(self.text),
            "lists": self.lists,
            "diff": self.diff,
            "not decided": [str(each) for each in self.undecided],
            "to check": [str(each) for each in self.doubts],
        }

    def markdown(self) -> list[str]:
        """Return it as lines of the report."""
        lists = f"{self.lists} {'list' if self.lists == 1 else 'lists'}"
        said = f"`{self.place}` declares {lists}. It is yours now: nothing writes it again."
        lines = ["## Binding", ""]
        if self.text:
            lines += [said, ""]
        elif self.diff:
            lines += [f"`{self.place}` is yours and stays as it is. What would be written otherwise now:", ""]
            lines += ["```diff", *self.diff.splitlines(), "```", ""]
        else:
            lines += [f"`{self.place}` is yours and stays as it is; nothing would be written otherwise now.", ""]
        if self.undecided:
            lines += ["### Lists that are not declared", "", *_grouped(self.undecided), ""]
        if self.doubts and self.text:
            lines += ["### To check", "", *_grouped(self.doubts), ""]
        return lines


def bind(root: Path, api: str, title: str, *, documents: tuple[dict[str, Any] | None, dict[str, Any]],
         described: dict[str, Any], generated: Path) -> Bound:  # fmt: skip
    """Write the binding of an API, or propose changes to the one that it has.

    Args:
        root: The top of the project.
        api: Its name.
        title: What it is called.
        documents: The old and the new document, as they are taken. Proposals come of what differs in these.
        described: The new one with its prose, which decides more.
        generated: The folder of the code that was generated from the new one.

    Raises:
        SpecError: No list can be declared.
    """
    place = Path("wrapper", "readahead", f"{api}.py")
    old, new = documents
    recognition = _of(recognise(described), new)
    written = write(api, title, recognition, Package(generated / generate.PACKAGE / api))
    bound = Bound(
        place.as_posix(), undecided=[*recognition.undecided, *written.undecided], lists=len(written.operations)
    )
    bound.doubts = written.doubts
    path = root / place
    if path.exists():
        before = "" if old is None else _written(root, api, title, old)
        after = (
            written.text
            if old is None
            else write(api, title, recognise(new), Package(generated / generate.PACKAGE / api)).text
        )
        bound.diff = _diff(path.read_text(encoding="utf-8") if old is None else before, after, bound.place)
    elif not written.operations:
        reasons = "; ".join(map(str, bound.undecided[:3])) or "no operation answers with an array of objects in pages"
        raise SpecError(f"no list of the document can be declared: {reasons}")
    else:
        bound.text = written.text
    return bound


def listed(described: dict[str, Any]) -> list[str]:
    """Return the operations of a document that are recognised as lists.

    Raises:
        SpecError: There are none.
    """
    recognition = recognise(described)
    if not recognition.listings:
        reasons = "; ".join(map(str, recognition.undecided[:3]))
        raise SpecError(f"no list is recognised in the document{f': {reasons}' if reasons else ''}")
    return [each.operation for each in recognition.listings]


def entry(api: str, title: str, operations: list[str], described: dict[str, Any]) -> str:
    """Return the tables of `apis.toml` for an API that is bound."""
    names = "".join(f"  {json.dumps(each)},\n" for each in operations)
    text = f"\n[{api}]\ntitle = {json.dumps(title)}\n"
    text += f'document = "{api}.yaml"  # written by scripts/regenerate {api} --from\noperations = [\n{names}]\n'
    listings = [each for each in recognise(described).listings if each.operation in operations]
    counted = Counter(tuple(_paging(each).items()) for each in listings)
    if counted:
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in counted.most_common(1)[0][0]]
        text += f"\n[{api}.paging]\n{''.join(lines)}"
    return text


def _paging(listing: Listing) -> Mapping[str, Any]:
    paging, envelope = listing.paging, listing.envelope
    position = {"numbered": "page", "offset": "offset", "cursor": "cursor", "last-id": "after"}.get(paging.style)
    size = "limit" if paging.style == "offset" else "size"
    said = {
        "style": paging.style,
        position: paging.param,
        size: paging.size,
        "items": envelope.items,
        "total": envelope.total,
    }
    return {key: value for key, value in said.items() if key and value}


def _of(recognition: Recognition, document: dict[str, Any]) -> Recognition:
    """Return what is recognised of the operations that are taken."""
    kept = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    listings = [each for each in recognition.listings if each.operation in kept]
    return Recognition(listings, recognition.undecided, recognition.whole, recognition.access)


def _written(root: Path, api: str, title: str, document: dict[str, Any]) -> str:
    """Return what would have been written from a document, whose code is generated for it."""
    with TemporaryDirectory() as folder:
        generate.clients({api: document}, root / "openapi" / "templates", Path(folder))
        written: Written = write(api, title, recognise(document), Package(Path(folder, generate.PACKAGE, api)))
    return written.text


def _diff(before: str, after: str, place: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{place}", f"b/{place}", lineterm="")
    return "\n".join(lines)


def _grouped(doubts: list[Doubt]) -> list[str]:
    """Return doubts as lines, those for one reason together."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in doubts:
        found.setdefault((each.why, each.look), []).append(each.subject)
    return [f"- {_plain(why)}{f'; {_plain(look)}' if look else ''}: {', '.join(f'`{_plain(one)}`' for one in subjects)}"
            for (why, look), subjects in found.items()]  # fmt: skip


def _plain(text: str) -> str:
    return " ".join(text.replace("`", "'").split())
