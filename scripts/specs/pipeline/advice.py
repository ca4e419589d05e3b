"""What a new document means: for callers, and for the files that are written by hand."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specs.documents.document import load
from specs.documents.normalise import normalise
from specs.pipeline import overlay
from specs.pipeline.compare import Change, Level, changed_defaults, compare, in_order
from specs.pipeline.edits import Edit, edits
from specs.pipeline.fitting import Fit, fit
from specs.pipeline.moves import moves


@dataclass
class Advice:
    """What a new document means.

    Attributes:
        changes: Differences for callers, and what needs a hand.
        edits: What to change in files that are written by hand; after that everything fits.
        document: The new document, corrected as it will be after that.
        binding: The source of the binding after that; None: there is no binding.
        is_moved: Whether the overlay has to be changed before the client is what it will be.
        uncorrected: Targets of corrections that the overlay makes in vain.
    """

    changes: list[Change]
    edits: list[Edit] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)
    binding: str | None = None
    is_moved: bool = False
    uncorrected: list[str] = field(default_factory=list)


def advise(
    root: Path,
    api: str,
    entry: Mapping[str, Any],
    old: dict[str, Any],
    new: dict[str, Any],
    *,
    described: dict[str, Any] | None = None,
    gone: Mapping[str, str | None] | None = None,
    everything: bool = False,
) -> Advice:
    """Return what a new document means.

    Args:
        root: The top of the project.
        api: Name of the API.
        entry: What `apis.toml` says of it.
        old, new: The documents, as they are taken.
        described: The new one with its prose.
        gone: Operations of `apis.toml` that the new one lacks, and where each moved to.
        everything: Whether to expose also what the old one has.
    """
    gone = gone or {}
    openapi = root / "openapi"
    places = {was: now for was, now in gone.items() if now}
    corrections: dict[str, Any] = load(openapi / entry["overlay"]) if "overlay" in entry else {"overlay": "1.0.0"}
    # after what the last report said was done, the overlay is that of the new document, and the old one moves back
    known, _ = overlay.retargeted(old, corrections, moves(new, old, {now: was for was, now in places.items()}))
    fitted, found = overlay.retargeted(new, corrections, moves(old, new, places))
    missed: list[str] = []
    before = overlay.apply(old, known, all_match=False)
    after = overlay.apply(new, fitted, missed=missed, all_match=False)
    advice = Advice([], document=after)
    normal = normalise(before), normalise(after)
    advice.changes = compare(*normal)
    advice.changes += changed_defaults(before, after, entry.get("paging", {}).values())

    actions: dict[str, dict[str, Any]] = {each["target"]: each for each in corrections.get("actions", [])}
    for target in missed:
        is_prose = overlay.is_prose(actions[target])
        why = "it only describes or names" if is_prose else "what it corrects is gone"
        advice.changes.append(Change(Level.HAND, "overlay action not needed", target, f"matches nothing, and {why}"))
        if not is_prose and not actions[target].get("remove", False):
            advice.uncorrected.append(target)
    for target, now in found.items():
        advice.changes.append(Change(Level.HAND, "overlay action moved", target, f"it is about {now}"))
        if not overlay.is_prose(actions[target]):
            advice.uncorrected.append(target)
    advice.is_moved = bool(found)
    if found or missed:
        advice.edits += _file(openapi / entry["overlay"], root, lambda text: _overlay(text, found, missed))

    path = root / "wrapper" / "readahead" / f"{api}.py"
    done = Fit("")
    if path.exists():
        text = path.read_text(encoding="utf-8")
        paging = entry.get("paging", {})
        done = fit(text, *normal, paging, described=described, everything=everything)
        advice.changes += done.changes
        advice.binding = done.text
        url = _url(after)
        if any(each.kind == "server changed" for each in advice.changes) and url:
            advice.binding = re.sub(r'^(BASE_URL = )"[^"]*"', rf'\1"{url}"', done.text, flags=re.MULTILINE)
        advice.edits += edits(path.relative_to(root).as_posix(), text, advice.binding)
    advice.edits[:0] = _file(openapi / "apis.toml", root, lambda text: _apis(text, api, gone, done.members))
    advice.changes = in_order(advice.changes)
    return advice


def _url(document: dict[str, Any]) -> str:
    urls = [each.get("url", "") for each in document.get("servers", [])]
    return urls[0].rstrip("/") if urls and urls[0].startswith("https://") else ""


def _file(path: Path, root: Path, change: Any) -> list[Edit]:
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return edits(path.relative_to(root).as_posix(), text, change(text))


def _overlay(text: str, found: Mapping[str, str], missed: list[str]) -> str:
    lines: list[str] = []
    is_dropped = False
    for line in text.splitlines():
        target = re.match(r"\s*-\s+\{?\s*target:\s*(.*)", line)
        if target:
            is_dropped = any(target[1].strip("\"'").startswith(each) for each in missed if _is_whole(target[1], each))
        elif not line.strip() or line.lstrip().startswith("#"):
            is_dropped = False
        if is_dropped:
            continue
        for old, now in found.items():
            if target and _is_whole(target[1], old):
                line = line.replace(old, now)  # noqa: PLW2901
                break
        lines.append(line)
    return "\n".join(lines) + "\n"


def _is_whole(said: str, target: str) -> bool:
    return re.fullmatch(rf"[\"']?{re.escape(target)}[\"']?(\s*,.*)?", said.strip()) is not None


def _apis(text: str, api: str, gone: Mapping[str, str | None], members: Mapping[str, str | None]) -> str:
    return "".join(_apis_lines(text, api, gone, members))


def _apis_lines(
    text: str, api: str, gone: Mapping[str, str | None], members: Mapping[str, str | None]
) -> Iterator[str]:
    table = ""
    for line in text.splitlines(keepends=True):
        changed: str | None = line
        if line.startswith("["):
            table = line.strip().strip("[]")
        if table == api:
            for name in (each for each in gone if f'"{each}"' in line):
                now = gone[name]
                changed = line.replace(f'"{name}"', f'"{now}"') if now else None
        elif table == f"{api}.paging" and (value := re.match(r'(\w+ = )"([^"]*)"', line)) and value[2] in members:
            now = members[value[2]]
            changed = line.replace(f'"{value[2]}"', f'"{now}"', 1) if now else None
        if changed is not None:
            yield changed
