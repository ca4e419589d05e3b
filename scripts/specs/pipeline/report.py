"""The report on a new document: what changes for callers, as Markdown and as JSON."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from specs.pipeline.bind import Bound
from specs.pipeline.compare import Change, Level
from specs.pipeline.edits import Edit

COMPATIBLE, FAILED, BREAKING = 0, 1, 2

# What callers see, by kind
_SEEN = {
    "parameter renamed": "the server no longer knows the old name",
    "parameter gone": "the server no longer looks at it",
    "parameter newly required": "a call without it fails",
    "parameter takes listed values": "the server may refuse others",
    "parameter default changed": "calls without it get something else",
    "key default changed": "what is not sent gets another value",
    "key renamed": "the old name is refused",
    "key gone": "it is refused",
    "key takes listed values": "the server may refuse others",
    "credentials changed": "a request with the old ones is refused",
    "key newly required": "a request without it fails",
    "field renamed": "the old attribute is gone",
    "field gone": "the attribute is gone",
    "field retyped": "rows have values of the new type",
    "value renamed": "the old constant is gone; its value is still read",
    "value gone": "the constant is gone; its value is still read",
    "class renamed": "the old class is gone from the generated code",
    "enumeration renamed": "the old class is gone from the generated code",
}
_EMPTY = {
    Level.BREAKING: "Code that worked may fail now.",
    Level.NEW: "Callers have nothing to do.",
    Level.HAND: "Files that are written by hand have to say something else; how is below.",
    Level.NONE: "The document changed; callers see no difference.",
}


@dataclass
class Report:
    """The result of taking a document.

    Attributes:
        api: Name of the API.
        before, after: Where the old and the new document come from.
        changes: Differences for callers.
        kept: Number of operations in the client.
        notes: Operations that got another name, and why.
        dropped: Security schemes that are not valid, and why.
        plain: Schemas that could not become classes, and why.
        left_out: Operations that could not be generated, and why.
        proof: Type errors of the wrapper and of the public typing tests, with the new client.
        baseline: The release whose typing tests these are.
        taken: Whether anything was written.
        edits: What to change in files that are written by hand, in this order.
        commands: What to run after that.
        failed: Why the document cannot be taken as it is.
        binding: What became of the binding, where one was asked for.
        imports: Whether the binding, as it is, was imported with the generated code.
    """

    api: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    changes: list[Change] = field(default_factory=list)
    kept: int = 0
    notes: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    plain: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    proof: dict[str, list[str]] = field(default_factory=dict)
    baseline: str = ""
    taken: bool = True
    edits: list[Edit] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    failed: str = ""
    binding: Bound | None = None
    imports: bool = False

    @property
    def status(self) -> int:
        """The exit status: 2 if anything breaks for a caller, 1 if the document cannot be taken as it is."""
        breaks = any(self.proof.values()) or any(change.level is Level.BREAKING for change in self.changes)
        return BREAKING if breaks else FAILED if self.failed else COMPATIBLE

    @property
    def verdict(self) -> str:
        """The result in one word."""
        if self.status == BREAKING:
            return "breaking"
        if not self.before:
            return "new"
        if self.failed:
            return "not taken"
        return "compatible" if self.changes else "unchanged"

    def data(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "api": self.api,
            "verdict": self.verdict,
            "status": self.status,
            "taken": self.taken,
            "from": dict(self.before),
            "to": dict(self.after),
            "operations": self.kept,
            **{
                level.value: [
                    {"kind": each.kind, "name": each.name, "detail": each.detail}
                    for each in self.changes
                    if each.level is level
                ]
                for level in Level
            },
            "kept under another name": self.notes,
            "security schemes dropped": self.dropped,
            "kept as plain data": self.plain,
            "left out": self.left_out,
            "proof": self.proof,
            "baseline": self.baseline,
            "edits": [asdict(each) for each in self.edits],
            "commands": self.commands,
            "failed": self.failed,
            **({"binding": self.binding.data()} if self.binding else {}),
        }

    def json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(self.data(), indent=2, ensure_ascii=False) + "\n"

    def markdown(self) -> str:
        """Return the report as Markdown."""
        names = dict.fromkeys(map(_name, [self.before, self.after] if self.before else [self.after]))
        sources = " → ".join(names)
        counts = [f"{len(found)} {level}" for level in Level if (found := self._at(level))]
        lines = [f"# {self.api}: {sources}", ""]
        lines += [f"**{self.verdict}**" + (f": {', '.join(counts)}" if counts else "")]
        place = f"{self.kept} operations, in `generated/readahead_clients/{self.api}`."
        how = "Call them, or write a binding: docs/guide/your-own-api.md."
        lines += ["", f"{place} {how}", ""] if not self.before else [""]
        if self.verdict == "compatible":
            lines += [f"That is for callers: what they wrote works as before{self._provided()}.", ""]
        if self.imports:
            lines += ["The binding imports, and what it declares fits the generated code.", ""]
        if self.baseline:
            lines += [f"Type-checked with the public typing tests of {_plain(self.baseline)}.", ""]
        if self.failed:
            lines += [f"Nothing was written: {_plain(self.failed)}.", ""]
        for level in Level:
            if found := self._at(level):
                lines += [f"## {level.value.capitalize()}", "", _EMPTY[level], "", *map(_line, found), ""]
        for title, told in (
            ("Kept under another name", self.notes),
            ("Security schemes dropped, which are not valid; no code is made of them", self.dropped),
            ("Kept as plain data", self.plain),
            ("Left out", self.left_out),
        ):
            if told:
                lines += [f"## {title}", "", *(f"- {_code(name)}: {_plain(why)}" for name, why in told.items()), ""]
        for title, errors in self.proof.items():
            if errors:
                lines += [f"## {title}", "", "```", *errors, "```", ""]
        if self.binding:
            lines += self.binding.markdown()
        lines += self._to_do()
        return "\n".join(line for line, before in zip(lines, ["x", *lines], strict=False) if line or before) + "\n"

    def _provided(self) -> str:
        by_hand = self.edits and not self.imports
        return ", once files that are written by hand say what is below" if by_hand else ""

    def _to_do(self) -> list[str]:
        """Return what to change by hand, one change a line."""
        if not self.edits and not self.commands:
            by_hand = self._at(Level.HAND) or any(self.proof.values())
            return [] if by_hand or not self.before else ["Nothing to do: what is written by hand fits.", ""]
        order = "In this order: a line number is that of the file after the changes above it."
        done = [f"- run `{_plain(each)}`" for each in self.commands]
        return ["## What to do", "", order, "", *(f"- {_edit(each)}" for each in self.edits), *done, ""]

    def _at(self, level: Level) -> list[Change]:
        return [change for change in self.changes if change.level is level]


def _name(facts: Mapping[str, str]) -> str:
    return facts.get("name", "nothing")


def _edit(edit: Edit) -> str:
    # with its indentation, so that it can be copied
    old, new = (None if text is None else "".join(c for c in text if c.isprintable()) for text in (edit.old, edit.new))
    return str(replace(edit, old=old, new=new))


def _line(change: Change) -> str:
    # a line of a binding is code
    code = re.fullmatch(r"(add|change it to) (\w+ = .*)", change.detail, re.DOTALL)
    said = f"{code[1]} {_code(code[2])}" if code else _plain(change.detail)
    detail = "; ".join(filter(None, [said, _SEEN.get(change.kind) if change.level is Level.BREAKING else None]))
    return f"- {change.kind}: {_code(change.name)}" + (f", {detail}" if detail else "")


def _code(text: str) -> str:
    # backquotes and line ends come from documents of others
    return f"`{_plain(text).replace('`', chr(39))}`"


def _plain(text: str) -> str:
    return " ".join(text.split())
