"""What a new document means: for callers, and for the files that are written by hand."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specs.documents.document import load, operations
from specs.documents.normalise import normalise
from specs.pipeline import overlay
from specs.pipeline.compare import Change, Level, changed_defaults, compare, in_order
from specs.pipeline.edits import Edit, edits
from specs.pipeline.fitting import Fit, fit
from specs.pipeline.moves import headers, moves, values
from specs.pipeline.surface import surface
from specs.pipeline.take import lost


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
    # where `apis.toml` lists the new places already, too
    moved = lost(new, [f"{method.upper()} {path}" for path, method, _ in operations(old)], old)
    places = {was: now for was, now in {**moved, **gone}.items() if now}
    corrections: dict[str, Any] = load(openapi / entry["overlay"]) if "overlay" in entry else {"overlay": "1.0.0"}
    # after what the last report said was done, the overlay is that of the new document, and the old one moves back
    known, was_found = overlay.retargeted(old, corrections, moves(new, old, {now: was for was, now in places.items()}))
    known = overlay.with_values(known, values(new, old) | (headers(new, old) if was_found else {}))
    fitted, found = overlay.retargeted(new, corrections, moves(old, new, places))
    texts = values(old, new) | (headers(old, new) if found else {})
    valued = overlay.with_values(fitted, texts)
    is_valued, fitted = valued != fitted, valued
    missed: list[str] = []
    before = overlay.apply(old, known, all_match=False)
    after = overlay.apply(new, fitted, missed=missed, all_match=False)
    undefined = overlay.undefined_schemes(after, fitted)
    useless: set[int] = set()
    if undefined:
        kept = overlay.without_schemes(fitted, undefined)["actions"]
        useless = {at for at, each in enumerate(kept) if each is None}
        fitted = {**fitted, "actions": [each for each in kept if each is not None]}
        after = overlay.apply(new, fitted, all_match=False)
    normal = normalise(before), normalise(after)
    advice = Advice(compare(*normal))
    apart = _header_actions(*normal, after) if "overlay" in entry else []
    if apart:
        after = overlay.apply(after, {"overlay": "1.0.0", "actions": apart})
        normal = normal[0], normalise(after)
    advice.document = after
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
    if is_valued:
        named = ", ".join(f"{was} is {now} now" for was, now in texts.items() if overlay.holds(corrections, was))
        advice.changes.append(Change(Level.HAND, "overlay action refers to another name", entry["overlay"], named))
        advice.uncorrected.append(named)
    if undefined:
        named = " and ".join(undefined)
        why = f"it requires {named}, which the document no longer defines"
        advice.changes.append(Change(Level.HAND, "overlay action requires other credentials", entry["overlay"], why))
        advice.uncorrected.append(named)
    for each in apart:
        why = "callers give it to the client, with headers="
        advice.changes.append(Change(Level.HAND, "header of every call", each["x-header"], why))
    advice.is_moved = bool(found or apart)
    if found or missed or is_valued or apart or undefined:
        said = texts if is_valued else {}
        added = "".join(map(_action, apart))
        advice.edits += _file(
            openapi / entry["overlay"],
            root,
            lambda text: _overlay(_secured(text, undefined, useless), found, missed, said) + added,
        )

    path = root / "wrapper" / "readahead" / f"{api}.py"
    done = Fit("")
    if path.exists():
        text = path.read_text(encoding="utf-8")
        paging = entry.get("paging", {})
        done = fit(text, *normal, paging, described=described, corrected=after, everything=everything)
        advice.changes += done.changes
        advice.binding = done.text
        url = _url(after)
        if any(each.kind == "server changed" for each in advice.changes) and url:
            advice.binding = re.sub(r'^(BASE_URL = )"[^"]*"', rf'\1"{url}"', done.text, flags=re.MULTILINE)
        advice.binding = _with_headers(advice.binding, _sent_headers(before), _sent_headers(after))
        advice.edits += edits(path.relative_to(root).as_posix(), text, advice.binding)
    advice.edits[:0] = _file(openapi / "apis.toml", root, lambda text: _apis(text, api, gone, done.members, done.first))
    advice.changes = in_order(advice.changes)
    return advice


def _url(document: dict[str, Any]) -> str:
    urls = [each.get("url", "") for each in document.get("servers", [])]
    return urls[0].rstrip("/") if urls and urls[0].startswith("https://") else ""


def _header_actions(old: dict[str, Any], new: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return overlay actions that leave it to the client to send a header that calls have to have now."""
    before, found = surface(old).operations, {}
    for where, operation in surface(new).operations.items():
        known = before[where].parameters if where in before else operation.parameters
        for (place, name), slot in operation.parameters.items():
            target = f"$.paths.*.*.parameters[?(@.name == '{name}')]"
            is_new = place == "header" and slot.required and (place, name) not in known
            if is_new and "'" not in name and any(overlay.find({"$": document}, target)):
                found[name] = target
    why = "It belongs to the client, which sends it with every call; it is not an argument of each."
    return [{"target": target, "description": why, "remove": True, "x-header": name} for name, target in found.items()]


def _action(action: Mapping[str, Any]) -> str:
    return f"  - target: {action['target']}\n    description: {action['description']}\n    remove: true\n"


def _sent_headers(document: dict[str, Any]) -> dict[str, str]:
    """Return the headers that credentials are sent in, by their lower-case names."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    used = {
        name
        for _, _, operation in operations(document)
        for need in operation.get("security", document.get("security", []))
        for name in need
    }
    found = (schemes.get(name, {}) for name in used)
    names = (each["name"] for each in found if each.get("type") == "apiKey" and each.get("in") == "header")
    return {name.lower(): name for name in names}


def _with_headers(binding: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return the binding with a credential in another header, where one changed its name."""
    gone, new = ([name for key, name in one.items() if key not in other] for one, other in
                 ((before, after), (after, before)))  # fmt: skip
    if len(gone) != 1 or len(new) != 1:
        return binding
    return re.sub(rf'"{re.escape(gone[0])}"(?=: *Credential\()', lambda _: f'"{new[0]}"', binding, flags=re.IGNORECASE)


def _file(path: Path, root: Path, change: Any) -> list[Edit]:
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return edits(path.relative_to(root).as_posix(), text, change(text))


def _overlay(text: str, found: Mapping[str, str], missed: list[str], values: Mapping[str, str]) -> str:
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
        if not target and not re.match(r"\s*(description:|#)", line):
            for old, now in values.items():
                line = now.join(re.split(rf"(?<![\w/#-]){re.escape(old)}(?![\w-])", line))  # noqa: PLW2901
        for old, now in found.items():
            if target and _is_whole(target[1], old):
                line = line.replace(old, now)  # noqa: PLW2901
                break
        lines.append(line)
    return "\n".join(lines) + "\n"


def _secured(text: str, undefined: list[str], useless: set[int]) -> str:
    """Return the text of an overlay that no longer requires these schemes, without the actions that do nothing else."""
    lines: list[str] = []
    at, dash = -1, ""
    for line in text.splitlines():
        at += bool(re.match(r"\s*-\s+\{?\s*target:", line))
        scheme = re.fullmatch(r"(\s*)(- )?[\"']?([\w.-]+)[\"']?: \[.*\]", line)
        if at in useless and line.strip() and not line.lstrip().startswith("#"):
            continue
        if scheme and scheme[3] in undefined:
            dash = scheme[2] or dash
            continue
        if dash and scheme:  # the next one of the same requirement
            line = f"{scheme[1].removesuffix('  ')}{dash}{line.strip()}"  # noqa: PLW2901
        dash = ""
        lines.append(line)
    return "\n".join(lines) + "\n"


def _is_whole(said: str, target: str) -> bool:
    return re.fullmatch(rf"[\"']?{re.escape(target)}[\"']?(\s*,.*)?", said.strip()) is not None


def _apis(
    text: str,
    api: str,
    gone: Mapping[str, str | None],
    members: Mapping[tuple[str, str], str | None],
    first: int | None,
) -> str:
    return "".join(_apis_lines(text, api, gone, members, first))


def _apis_lines(
    text: str,
    api: str,
    gone: Mapping[str, str | None],
    members: Mapping[tuple[str, str], str | None],
    first: int | None,
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
        elif table == f"{api}.paging" and (value := re.match(r'(\w+) = "([^"]*)"', line)):
            if value.groups() in members:
                now = members[value[1], value[2]]
                changed = line.replace(f'"{value[2]}"', f'"{now}"', 1) if now else None
            if changed is not None and value[1] == "page" and first is not None:
                changed = re.sub(r"(# from )\d+", rf"\g<1>{first}", changed)
        if changed is not None:
            yield changed
