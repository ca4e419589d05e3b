"""The report on a new document: what changes for callers, as Markdown and as JSON."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specs.pipeline.compare import Change, Level

COMPATIBLE, FAILED, BREAKING = 0, 1, 2

_EMPTY = {
    Level.BREAKING: "Code that worked may fail now.",
    Level.NEW: "Nothing to do.",
    Level.HAND: "Nothing breaks, but the wrapper does not offer these until the binding is changed.",
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
        plain: Schemas that could not become classes, and why.
        left_out: Operations that could not be generated, and why.
        proof: Type errors of the wrapper and of the public typing tests, with the new client.
        baseline: The release whose typing tests these are.
        taken: Whether anything was written.
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
        """The result in one word."""
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
        sources = f"{_name(self.before)} → {_name(self.after)}" if self.before else _name(self.after)
        counts = [f"{len(found)} {level}" for level in Level if (found := self._at(level))]
        lines = [f"# {self.api}: {sources}", ""]
        lines += [f"**{self.verdict}**" + (f": {', '.join(counts)}" if counts else "")]
        lines += ["", f"{self.kept} operations.", ""] if not self.before else [""]
        if self.baseline:
            lines += [f"Type-checked with the public typing tests of {_plain(self.baseline)}.", ""]
        if not self.taken:
            lines += ["Nothing was written: openapi/apis.toml lists operations that the new document lacks.", ""]
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
