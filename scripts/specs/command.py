"""The command behind scripts/regenerate."""

import argparse
import contextlib
import datetime as dt
import filecmp
import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

from specs import compare, generate, lock, overlay
from specs.document import SpecError, dump, load, parse
from specs.normalise import normalise, repair
from specs.take import take

ROOT = Path(__file__).resolve().parents[2]

_DONE, _FAILED, _BREAKS = 0, 1, 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # 2 says that something breaks for a caller
        self.exit(_FAILED, f"{self.format_usage()}{self.prog}: {message}\n")


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Run the command; return 0, 1 if it failed and wrote nothing, 2 if it wrote what breaks something for callers."""
    parser = _Parser("scripts/regenerate", description="Rebuild generated/ from openapi/, offline.")
    parser.add_argument("api", nargs="?", help="take a new upstream document for this API")
    parser.add_argument("--from", dest="source", metavar="FILE-OR-URL", help="the upstream document")
    parser.add_argument(
        "--dated", metavar="DATE", help="date of the upstream document (default: in its name, or today)"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if anything differs")
    given = parser.parse_args(arguments)
    if (given.api is None) != (given.source is None) or (given.check and given.api):
        parser.error("either --check, or an API with --from, or nothing")
    try:
        if given.check:
            return _check(root)
        if given.api:
            return _take(root, given.api, given.source, given.dated)
        return _rebuild(root)
    except SpecError as error:
        print(f"scripts/regenerate: {error}", file=sys.stderr)
        return _FAILED


def _rebuild(root: Path) -> int:
    openapi = root / "openapi"
    locked = _locked(openapi)
    documents = _documents(openapi)
    _require_taken(locked, openapi)
    now = lock.Lock(generate.tools(), locked.sources, lock.digests(openapi))
    with _scratch(root) as scratch:
        generate.clients(documents, openapi / "templates", scratch / "generated")
        _swap(scratch / "generated" / generate.PACKAGE, root / "generated" / generate.PACKAGE)
    _write(openapi / lock.NAME, now.text())
    return _DONE


def _check(root: Path) -> int:
    openapi = root / "openapi"
    locked = _locked(openapi)
    found = lock.digests(openapi)
    wrong = [
        f"openapi/{name}: " + ("not in" if name not in locked.inputs else "differs from") + f" {lock.NAME}"
        if name in found
        else f"openapi/{name}: missing"
        for name in sorted({*found, *locked.inputs})
        if found.get(name) != locked.inputs.get(name)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        generate.clients(_documents(openapi), openapi / "templates", Path(scratch, "generated"))
        wrong += _differences(Path(scratch, "generated"), root / "generated")
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        print("scripts/regenerate rebuilds generated/; corrections go to openapi/.", file=sys.stderr)
    return _FAILED if wrong else _DONE


def _take(root: Path, api: str, source: str, dated: str | None) -> int:
    openapi = root / "openapi"
    locked = _locked(openapi)
    entry = _apis(openapi).get(api)
    if entry is None or "operations" not in entry:
        raise SpecError(f"openapi/apis.toml lists no operations to take for {api!r}")
    content, name = _fetch(source)
    upstream = repair(parse(content.decode("utf-8", "replace"), name))
    taken = take(upstream, entry["operations"], entry["title"])
    generate.check(taken, entry["document"])

    path = openapi / entry["document"]
    text = dump(taken)
    documents = _documents(openapi, {api: taken})
    changes = []
    if path.exists():
        # the overlay is already that of the new document
        before = _corrected(openapi, entry, load(path), all_match=False)
        changes = compare.compare(normalise(before), normalise(documents[api]))
    facts = {"name": name, "sha256": lock.digest(content), "date": _date(name, dated)}
    if "family" in entry:
        facts["family"] = entry["family"]
    now = lock.Lock(
        generate.tools(),
        {**locked.sources, api: facts},
        lock.digests(openapi, {entry["document"]: text.encode()}),
    )
    with _scratch(root) as scratch:
        generate.clients(documents, openapi / "templates", scratch / "generated")
        complaints = _type_check(root, scratch / "generated")
        _write(path, text)
        _swap(scratch / "generated" / generate.PACKAGE, root / "generated" / generate.PACKAGE)
    _write(openapi / lock.NAME, now.text())

    for change in changes:
        print(change)
    if complaints:
        print("the wrapper does not fit the new code:", complaints, sep="\n")
    return _BREAKS if complaints or any(change.breaks for change in changes) else _DONE


def _apis(openapi: Path) -> dict[str, Any]:
    try:
        apis = tomllib.loads((openapi / "apis.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"openapi/apis.toml: {error}") from error
    for api, entry in apis.items():
        if not api.isidentifier() or not {"title", "document"} <= entry.keys():
            raise SpecError(f"openapi/apis.toml: [{api}] must be a Python name and have title and document")
    return apis


def _documents(openapi: Path, instead: dict[str, dict[str, Any]] | None = None) -> dict[str, dict[str, Any]]:
    """Return the corrected document of every API, made from the one in `instead` where there is one."""
    instead = instead or {}
    documents = {}
    for api, entry in _apis(openapi).items():
        path = openapi / entry["document"]
        if api not in instead and not path.exists():
            raise SpecError(f"openapi/{entry['document']} is missing; scripts/regenerate {api} --from ... takes it")
        documents[api] = _corrected(openapi, entry, instead[api] if api in instead else load(path))
    return documents


def _corrected(
    openapi: Path, entry: dict[str, Any], document: dict[str, Any], *, all_match: bool = True
) -> dict[str, Any]:
    if "overlay" not in entry:
        return document
    return overlay.apply(document, load(openapi / entry["overlay"]), all_match=all_match)


def _locked(openapi: Path) -> lock.Lock:
    locked = lock.read(openapi)
    lock.require_tools(locked, generate.tools())
    return locked


def _require_taken(locked: lock.Lock, openapi: Path) -> None:
    for api, entry in _apis(openapi).items():
        name = entry["document"]
        if api in locked.sources and lock.digest((openapi / name).read_bytes()) != locked.inputs.get(name):
            raise SpecError(f"openapi/{name} was changed by hand; it is taken as it is, corrections go to the overlay")


def _fetch(source: str) -> tuple[bytes, str]:
    """Return what is in the file or at the URL, and a name for it without anything private or local."""
    if not source.startswith(("http://", "https://")):
        try:
            return Path(source).read_bytes(), Path(source).name
        except OSError as error:
            raise SpecError(f"cannot read {source}: {error.strerror}") from error
    try:
        with urllib.request.urlopen(source, timeout=60) as answer:  # noqa: S310  # http and https only, see above
            content: bytes = answer.read()
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise SpecError(f"cannot fetch the document: {error}") from error
    parts = urlsplit(source)
    return content, urlunsplit((parts.scheme, parts.hostname or "", parts.path, "", ""))


def _date(name: str, dated: str | None) -> str:
    in_name = re.search(r"\d{4}-\d{2}-\d{2}", name)
    text = dated or (in_name.group() if in_name else dt.datetime.now(dt.UTC).date().isoformat())
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise SpecError(f"not a date: {text}") from error


def _differences(wanted: Path, found: Path) -> Iterator[str]:
    names = {path.relative_to(tree).as_posix() for tree in (wanted, found) for path in tree.rglob("*")
             if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip
    for name in sorted(names):
        if not (found / name).exists():
            yield f"generated/{name}: missing"
        elif not (wanted / name).exists():
            yield f"generated/{name}: nothing generates it"
        elif not filecmp.cmp(wanted / name, found / name, shallow=False):
            yield f"generated/{name}: differs from what is generated"


def _type_check(root: Path, generated: Path) -> str:
    """Return what mypy says of the wrapper with the new generated code."""
    if not (root / "wrapper" / "readahead").exists():
        return ""
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--no-incremental", "wrapper/readahead"]
    done = subprocess.run(
        command, cwd=root, env={**os.environ, "MYPYPATH": str(generated)}, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""


@contextlib.contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    """Yield a folder on the same file system, so that what is in it can be moved into place."""
    with tempfile.TemporaryDirectory(prefix=".regenerate_", suffix="_cache", dir=root) as folder:
        yield Path(folder)


def _swap(new: Path, place: Path) -> None:
    """Put the folder `new` in the place of another one as a whole, so that nothing stray stays behind."""
    place.parent.mkdir(exist_ok=True)
    old = new.with_name("old")
    if place.exists():
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
