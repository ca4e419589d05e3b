"""The report: what a new document means for callers, for people (Markdown) and for programs (JSON)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specs.pipeline.compare import Change, Level

COMPATIBLE, FAILED, BREAKING = 0, 1, 2

_EMPTY = {
    Level.BREAKING: "Code that was right may be wrong now.",
    Level.NEW: "Nothing has to be done.",
    Level.HAND: "Nothing breaks, but something is missing until somebody does this.",
    Level.NONE: "The document changed; callers do not notice.",
}


@dataclass
class Report:
    """What became of taking a document.

    before, after: where the documents come from. kept: operations in the client. notes: what had to be done to
    operations to keep them. plain: schemas that could not be classes, and why. left_out: operations that could not be
    kept, and why. proof: what the type checker says of the previous public typing tests and of the wrapper, with the
    new client. baseline: whose typing tests these are. taken: whether anything was written.
    """

    api: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    changes: list[Change] = field(default_factory=list)
    kept: int = 0
    notes: dict[str, str] = field(default_factory=dict)
    plain: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    proof: dict[str, list[str]] = field(default_factory=dict)
    baseline: str = ""
    taken: bool = True

    @property
    def status(self) -> int:
        """The exit status: 2 if anything breaks for a caller."""
        breaks = any(self.proof.values()) or any(change.level is Level.BREAKING for change in self.changes)
        return BREAKING if breaks else COMPATIBLE

    @property
    def verdict(self) -> str:
        """One word for the exit status."""
        if self.status == BREAKING:
            return "breaking"
        if not self.before:
            return "new"
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
            "kept as plain data": self.plain,
            "left out": self.left_out,
            "proof": self.proof,
            "baseline": self.baseline,
        }

    def json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(self.data(), indent=2, ensure_ascii=False) + "\n"

    def markdown(self) -> str:
        """Return the report as Markdown."""
        came = f"{_name(self.before)} → {_name(self.after)}" if self.before else _name(self.after)
        counts = [f"{len(found)} {level}" for level in Level if (found := self._at(level))]
        lines = [f"# {self.api}: {came}", ""]
        lines += [f"**{self.verdict}**" + (f": {', '.join(counts)}" if counts else "")]
        lines += ["", f"{self.kept} operations.", ""] if not self.before else [""]
        if self.baseline:
            lines += [f"Type-checked with the public typing tests of {_plain(self.baseline)}.", ""]
        if not self.taken:
            lines += ["Nothing was written: openapi/apis.toml lists operations that the document does not have.", ""]
        for level in Level:
            if found := self._at(level):
                lines += [f"## {level.value.capitalize()}", "", _EMPTY[level], "", *map(_line, found), ""]
        for title, told in (
            ("Kept under another name", self.notes),
            ("Kept as plain data", self.plain),
            ("Left out", self.left_out),
        ):
            if told:
                lines += [f"## {title}", "", *(f"- {_code(name)}: {_plain(why)}" for name, why in told.items()), ""]
        for title, errors in self.proof.items():
            if errors:
                lines += [f"## {title}", "", "```", *errors, "```", ""]
        return "\n".join(line for line, before in zip(lines, ["x", *lines], strict=False) if line or before) + "\n"

    def _at(self, level: Level) -> list[Change]:
        return [change for change in self.changes if change.level is level]


def _name(facts: Mapping[str, str]) -> str:
    return facts.get("name", "nothing")


def _line(change: Change) -> str:
    # a line to add is code to copy
    code = re.match(r"(add|change it to) (.*)", change.detail, re.DOTALL)
    detail = f"{code[1]} {_code(code[2])}" if code else _plain(change.detail)
    return f"- {change.kind}: {_code(change.name)}" + (f", {detail}" if detail else "")


def _code(text: str) -> str:
    # backquotes and line ends come from documents of others
    return f"`{_plain(text).replace('`', chr(39))}`"


def _plain(text: str) -> str:
    return " ".join(text.split())
