"""What to change in a file, a line at a time."""

from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True)
class Edit:
    """One change.

    Attributes:
        file: Its path from the top of the project.
        line: Where, in the file as it is when all edits below it are made.
        old: The line that is there; None: one is inserted before it.
        new: The line instead; None: it is removed.
    """

    file: str
    line: int
    old: str | None
    new: str | None

    def __str__(self) -> str:
        if self.old is None:
            return f"{self.file}, before line {self.line}: add `{self.new}`"
        if self.new is None:
            return f"{self.file}, line {self.line}: remove `{self.old}`"
        return f"{self.file}, line {self.line}: change `{self.old}` to `{self.new}`"


def edits(file: str, before: str, after: str) -> list[Edit]:
    """Return what makes one text of another, from the bottom up, so that no edit moves the lines of the next."""
    old, new = before.splitlines(), after.splitlines()
    found = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        changed = min(b - a, d - c)
        found += [Edit(file, a + at + 1, old[a + at], new[c + at]) for at in range(changed)]
        found += [Edit(file, at + 1, old[at], None) for at in range(a + changed, b)]
        # several lines before one: the last of them first
        found += [Edit(file, a + changed + 1, None, new[at]) for at in range(d - 1, c + changed - 1, -1)][::-1]
    return found[::-1]
