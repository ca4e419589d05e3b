"""The command behind scripts/regenerate."""

import argparse
import datetime as dt
import errno
import filecmp
import keyword
import os
import re
import shlex
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from specs.documents import generate
from specs.documents.bundle import Bundle, has_other_files
from specs.documents.document import SpecError, as_spec_error, dump, load, of_version_3, operations, parse
from specs.documents.repair import repair
from specs.pipeline import lock, overlay
from specs.pipeline.advice import Advice, advise
from specs.pipeline.bind import bind, listed
from specs.pipeline.bind import entry as entry_of
from specs.pipeline.commit import alone, commit, finish, is_pending, scratch, settle
from specs.pipeline.fetch import Fetched, fetch
from specs.pipeline.proof import WRAPPER, prove, unfit
from specs.pipeline.report import BREAKING, COMPATIBLE, FAILED, Report
from specs.pipeline.take import lost, only, plainer, take, take_what_can_be, without

_LOCK = f"openapi/{lock.NAME}"
_GENERATED = f"generated/{generate.PACKAGE}"
LONGEST = 2_000  # characters of a line of a message
ROOT = Path(__file__).resolve().parents[3]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # 2 says that something breaks for a caller
        self.exit(FAILED, f"{self.format_usage()}{self.prog}: {message}\n")


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Run the command; return 0, 1 if it failed and wrote nothing, 2 if callers break or a binding does not fit."""
    parser = _Parser("scripts/regenerate", description="Rebuild generated/ from openapi/, offline.")
    parser.add_argument("api", nargs="?", help="the API to take a new upstream document for")
    parser.add_argument("--from", dest="source", metavar="FILE-OR-URL", help="where the upstream document is")
    parser.add_argument(
        "--dated", metavar="DATE", help="date of the upstream document (default: in its name, or today)"
    )
    parser.add_argument("--report", metavar="FILE", help="write the report to FILE as Markdown; - prints it")
    parser.add_argument("--json", metavar="FILE", help="write the report to FILE as JSON; - prints it")
    parser.add_argument("--explain", metavar="API", help="print what the binding of an API does not expose yet")
    parser.add_argument(
        "--binding",
        action="store_true",
        help="write wrapper/readahead/API.py for the lists of the document; where it exists, propose changes as a diff",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if generated/ is not up to date")
    options = parser.parse_args(arguments)
    modes = [options.api is not None, options.check, options.explain is not None]
    if (options.api is None) != (options.source is None) or sum(modes) > 1:
        parser.error("give an API together with --from, or --check alone, or --explain with an API, or nothing")
    if options.binding and options.api is None:
        parser.error("--binding needs an API and --from")
    try:
        _require_writable(options)
        reads_only = options.check or options.explain is not None
        with alone(root, reads_only=reads_only):
            if reads_only:
                _require_finished(root)
                return _check(root) if options.check else _explain(root, options)
            due = finish(root)
            if options.api:
                return _take(root, options, due)
            if due:
                print(due["markdown"], end="")
                settle(root)
            return _rebuild(root)
    except SpecError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{error.filename or 'a file'}: {error.strerror}"
        if is_pending(root):
            problem = f"the results are written, but not the report: {problem}; give the same command again to get it"
    except RecursionError:
        problem = "the document is nested too deeply, or its references are"
    print(f"scripts/regenerate: {_legible(problem)}", file=sys.stderr)
    return FAILED


def _legible(text: str) -> str:
    """Return a message that quotes a document without its control characters, and no line of it without end."""
    text = "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text)
    return "\n".join(line if len(line) <= LONGEST else f"{line[:LONGEST]}…" for line in text.split("\n"))


def _require_finished(root: Path) -> None:
    if is_pending(root):
        raise SpecError("a run was killed while it wrote its results; scripts/regenerate puts the rest in place")


def _rebuild(root: Path) -> int:
    openapi = root / "openapi"
    locked = _locked(openapi)
    documents = _documents(openapi, _apis(openapi))
    _require_taken(locked, openapi)
    now = lock.Lock(generate.tools(), locked.sources, lock.digests(openapi), generate.stock())
    with scratch(root) as folder:
        generate.clients(documents, openapi / "templates", folder / "generated")
        commit(root, folder, {_LOCK: now.text()}, {_GENERATED: folder / "generated" / generate.PACKAGE}, {})
    return _fitting(root, documents)


def _fitting(root: Path, apis: Iterable[str]) -> int:
    """Say which bindings no longer fit what was generated; return the exit status."""
    wrong = [line for api in apis for line in unfit(root / "wrapper", root / "generated", api)]
    for line in wrong:
        print(_legible(line), file=sys.stderr)
    if wrong:
        print("generated/ is up to date, but these bindings do not fit it: change them as it says.", file=sys.stderr)
    return BREAKING if wrong else COMPATIBLE


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
    with tempfile.TemporaryDirectory() as folder:
        generate.clients(_documents(openapi, _apis(openapi)), openapi / "templates", Path(folder, "generated"))
        wrong += _differences(Path(folder, "generated"), root / "generated")
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        print("Run scripts/regenerate to rebuild generated/; put corrections into openapi/.", file=sys.stderr)
    return FAILED if wrong else COMPATIBLE


def _explain(root: Path, options: argparse.Namespace) -> int:
    """Print what the binding does not expose of the document as it was taken."""
    openapi, api = root / "openapi", options.explain
    apis = _apis(openapi)
    if api not in apis:
        near = get_close_matches(api, apis, n=1, cutoff=0.6)
        raise SpecError(f"{api} is not in openapi/apis.toml" + (f"; did you mean {near[0]}?" if near else ""))
    name = apis[api]["document"]
    document = load(openapi / name)
    advice = advise(root, api, apis[api], document, document, everything=True)
    if advice.binding is None:
        raise SpecError(f"{api} has no binding: wrapper/readahead/{api}.py; see docs/guide/your-own-api.md")
    source = _locked(openapi).sources.get(api, {"name": name})
    report = Report(api, source, source, advice.changes, edits=advice.edits)
    report.kept = sum(1 for _ in operations(document))
    wrong = unfit(root / "wrapper", root / "generated", api)
    report.proof = {WRAPPER: wrong}
    report.imports = not wrong and (root / "wrapper/readahead/endpoint.py").exists()
    _publish(options, report, quiet=False)
    return report.status


def _take(root: Path, options: argparse.Namespace, due: Mapping[str, Any]) -> int:
    openapi = root / "openapi"
    api: str = options.api
    locked = _locked(openapi)
    known = locked.sources.get(api, {})
    apis, added = _with_entry(openapi, api, locked)
    as_locked = bool(known) and dict(locked.inputs) == lock.digests(openapi)
    fetched = fetch(options.source, known if as_locked else {})
    bundle = None
    if fetched is not None and has_other_files(fetched.content):
        bundle = Bundle(of_version_3(_parsed(fetched), fetched.name), options.source)
        fetched = replace(fetched, content=fetched.content + bundle.content)  # all of it is the document
    if options.binding and fetched is None:  # it is the one that was taken, and is needed once more
        fetched = fetch(options.source, {})
    if fetched is None or (
        as_locked
        and not options.binding
        and known == {**known, "name": fetched.name, "sha256": lock.digest(fetched.content)}
        and options.dated in {None, known.get("date")}
    ):
        if fetched is not None and any(known.get(name) != said for name, said in fetched.validators.items()):
            renewed = {**locked.sources, api: {**known, **fetched.validators}}
            text = lock.Lock(locked.tools, renewed, locked.inputs, locked.stock).text()
            if not due:
                with scratch(root) as folder:
                    commit(root, folder, {_LOCK: text}, {}, {})
        if due and due["api"] == api:  # an earlier run was killed before it told
            return _publish_due(root, options, due)
        kept = sum(1 for _ in operations(load(openapi / apis[api]["document"])))
        _publish(options, Report(api, known, known, kept=kept))
        return COMPATIBLE

    if due:
        print(due["markdown"], end="")
        settle(root)
    entry = apis[api]
    path = openapi / entry["document"]
    notes: dict[str, str] = {}
    unread: dict[str, str] = {}
    document = bundle.document if bundle else of_version_3(_parsed(fetched), fetched.name)
    with as_spec_error(fetched.name):
        upstream = repair(document, notes, unread)
        dropped = generate.faulty_schemes(upstream)
        for name in dropped:
            del upstream["components"]["securitySchemes"][name]
    old = load(path) if path.exists() else None
    report = Report(api, known, {"name": fetched.name, "date": _date(fetched.name, options.dated)}, notes=notes)
    report.dropped = dropped
    wanted: list[str] | None = entry.get("operations")
    if wanted is None:
        with as_spec_error(fetched.name):
            lists = listed(upstream) if options.binding and added else None
            source = upstream if lists is None else only(upstream, lists)
            taken, invalid = take_what_can_be(source, entry["title"])
            report.left_out = {**unread, **invalid}
            for target, cause in bundle.unread.items() if bundle else ():
                report.left_out |= {name: cause for name, why in report.left_out.items() if target[:100] in why}
        report.notes = {name: note for name, note in notes.items() if lists is None or name in lists}
    else:
        if faults := [f"{name}: {unread[name]}" for name in wanted if name in unread]:
            raise SpecError(f"{fetched.name} is not a valid document: {'; '.join(faults)}")
        here = {f"{method.upper()} {path}" for path, method, _ in operations(upstream)}
        report.notes = {name: note for name, note in notes.items() if name in wanted}
        if here.isdisjoint(wanted) and (old is None or not any(lost(upstream, wanted, old).values())):
            raise SpecError(
                f"{fetched.name} has none of the operations that openapi/apis.toml takes for {api} "
                f"({', '.join(wanted)}): check that it is the document of this API"
            )
        if old is not None and (gone := lost(upstream, wanted, old)):
            there = [place for name in wanted if (place := gone.get(name, name))]
            rest = take(upstream, there, entry["title"])
            report.failed = "openapi/apis.toml lists operations that the new document lacks"
            return _not_taken(options, report, advise(root, api, entry, old, rest, described=upstream, gone=gone))
        taken = take(upstream, wanted, entry["title"])
    advice = None if old is None else advise(root, api, entry, old, taken, described=upstream)
    if advice is not None and advice.uncorrected:
        targets = " and ".join(map(repr, advice.uncorrected))
        report.failed = f"openapi/{entry['overlay']} corrects what the new document lacks ({targets})"
        return _not_taken(options, report, advice)
    with scratch(root) as folder:
        while True:
            try:
                documents = _documents(openapi, apis, {api: taken}, all_match=old is None)
                generate.clients(documents, openapi / "templates", folder / "generated")
                break
            except generate.LeftOutError as error:
                if wanted is not None:
                    raise
                taken, plain = plainer(taken, error.schemas)
                if not plain and not error.operations.keys() - report.left_out.keys():
                    raise
                report.plain |= plain
                if not plain:
                    report.left_out |= error.operations
                    taken = without(taken, error.operations)
                shutil.rmtree(folder / "generated")
        report.kept = sum(1 for _ in operations(documents[api]))
        client, changed = folder / "generated", {}
        if advice is not None:
            report.changes, report.edits = advice.changes, advice.edits
            report.commands = _commands(report, "scripts/regenerate")
            changed = {} if advice.binding is None else {api: advice.binding}
            if advice.is_moved:
                client = folder / "after"
                generate.clients({**documents, api: advice.document}, openapi / "templates", client)
        if options.binding:
            before = None if old is None else _corrected(openapi, entry, old, all_match=False)
            report.binding = bind(root, api, entry["title"], documents=(before, documents[api]), described=upstream,
                                  generated=folder / "generated")  # fmt: skip
            if report.binding.text:
                changed[api] = report.binding.text
            if added:
                names = [f"{method.upper()} {path}" for path, method, _ in operations(documents[api])]
                added = added.rpartition(f"\n[{api}]\n")[0] + entry_of(api, entry["title"], names, upstream)
        report.baseline, report.proof = prove(root, client, folder, changed, api)

        text = dump(taken)
        facts = {**report.after, "sha256": lock.digest(fetched.content), **fetched.validators}
        if "family" in entry:
            facts["family"] = entry["family"]
        instead = {entry["document"]: text.encode(), **({"apis.toml": added.encode()} if added else {})}
        now = lock.Lock(
            generate.tools(), {**locked.sources, api: facts}, lock.digests(openapi, instead), generate.stock()
        )
        texts = {
            f"openapi/{entry['document']}": text,
            **({"openapi/apis.toml": added} if added else {}),
            **({report.binding.place: report.binding.text} if report.binding and report.binding.text else {}),
            _LOCK: now.text(),
        }
        commit(root, folder, texts, {_GENERATED: folder / "generated" / generate.PACKAGE}, _due(report))
    return _publish_due(root, options, _due(report))


def _parsed(fetched: Fetched) -> dict[str, Any]:
    return parse(fetched.content.decode("utf-8-sig", "replace"), fetched.name)


def _not_taken(options: argparse.Namespace, report: Report, advice: Advice) -> int:
    """Report on a document that cannot be taken before files that are written by hand have changed."""
    report.changes, report.edits, report.taken = advice.changes, advice.edits, False
    report.commands = [f"scripts/regenerate {report.api} --from {shlex.quote(options.source)}"]
    _publish(options, report)
    return report.status


def _due(report: Report, *, quiet: bool = True) -> dict[str, Any]:
    is_bound = report.binding is not None and bool(report.binding.text or report.binding.diff)
    quiet = quiet and not is_bound and report.verdict == "unchanged"
    return {
        "api": report.api,
        "status": report.status,
        "markdown": report.markdown(),
        "json": report.json(),
        "quiet": quiet and bool(report.before) and not report.left_out,
    }


def _commands(report: Report, command: str) -> list[str]:
    return [command] if any(each.file.startswith("openapi/") for each in report.edits) else []


def _publish(options: argparse.Namespace, report: Report, *, quiet: bool = True) -> None:
    _publish_made(options, _due(report, quiet=quiet))


def _publish_due(root: Path, options: argparse.Namespace, due: Mapping[str, Any]) -> int:
    _publish_made(options, due)
    settle(root)
    status: int = due["status"]
    return status


def _publish_made(options: argparse.Namespace, due: Mapping[str, Any]) -> None:
    """Write the report to the files that were asked for; to the screen if there are none: a line if nothing changed."""
    for target, text in ((options.report, due["markdown"]), (options.json, due["json"])):
        if target == "-":
            print(text, end="")
        elif target is not None:
            _write(Path(target), text)
    if options.report is None and options.json is None:
        print(f"{due['api']}: unchanged, nothing to do\n" if due["quiet"] else due["markdown"], end="", flush=True)


def _require_writable(options: argparse.Namespace) -> None:
    """Raise SpecError if a report could not be written, before anything is done for it."""
    for target in (options.report, options.json):
        if target in {None, "-"}:
            continue
        path = Path(target)
        try:
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if path.exists():
                path.open("a").close()
            if not path.exists() or path.is_file():
                new = _beside(path)
                new.touch()
                new.unlink()
        except OSError as error:
            raise SpecError(f"cannot write the report to {target}: {error.strerror}; nothing was done") from error


def _apis(openapi: Path) -> dict[str, Any]:
    try:
        apis = tomllib.loads((openapi / "apis.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"openapi/apis.toml: {error}") from error
    for api, entry in apis.items():
        if not _is_name(api) or not {"title", "document"} <= entry.keys():
            raise SpecError(f"openapi/apis.toml: [{api}] must be a Python name and needs title and document")
    return apis


def _is_name(api: str) -> bool:
    return api.isidentifier() and not keyword.iskeyword(api) and api != "runtime" and not api.startswith("_")


def _with_entry(openapi: Path, api: str, locked: lock.Lock) -> tuple[dict[str, Any], str | None]:
    """Return all entries, one for this API included, and the new text of apis.toml if an entry was added.

    A new entry takes every operation.
    """
    apis = _apis(openapi)
    if api in apis:
        if api not in locked.sources and (openapi / apis[api]["document"]).exists():
            raise SpecError(
                f"openapi/{apis[api]['document']}, the document of {api!r}, is written by hand; "
                "edit it, then run scripts/regenerate"
            )
        return apis, None
    if not _is_name(api):
        raise SpecError(
            f"{api!r} cannot be the name of a Python package; use lower-case letters, digits and underscores"
        )
    if near := get_close_matches(api, apis, n=1, cutoff=0.8):
        raise SpecError(f"{api} is not in openapi/apis.toml; did you mean {near[0]}? If not, add an entry for it first")
    title = api.replace("_", " ").title()
    text = (openapi / "apis.toml").read_text(encoding="utf-8").rstrip("\n")
    text += f'\n\n[{api}]\ntitle = "{title}"\ndocument = "{api}.yaml"  # written by scripts/regenerate {api} --from\n'
    return {**apis, api: {"title": title, "document": f"{api}.yaml"}}, text


def _documents(
    openapi: Path,
    apis: dict[str, Any],
    instead: dict[str, dict[str, Any]] | None = None,
    *,
    all_match: bool = True,
) -> dict[str, dict[str, Any]]:
    """Return the corrected document of every API; `instead` replaces documents before they are corrected."""
    instead = instead or {}
    documents = {}
    for api, entry in apis.items():
        path = openapi / entry["document"]
        if api not in instead and not path.exists():
            raise SpecError(f"openapi/{entry['document']} is missing; run scripts/regenerate {api} --from FILE-OR-URL")
        document = instead[api] if api in instead else load(path)
        documents[api] = _corrected(openapi, entry, document, all_match=all_match or api not in instead)
    return documents


def _corrected(
    openapi: Path, entry: dict[str, Any], document: dict[str, Any], *, all_match: bool = True
) -> dict[str, Any]:
    if "overlay" not in entry:
        return document
    try:
        return overlay.apply(document, load(openapi / entry["overlay"]), all_match=all_match)
    except SpecError as error:
        raise SpecError(
            f"openapi/{entry['overlay']}: {error}; remove the action if the document is correct now"
        ) from error


def _locked(openapi: Path) -> lock.Lock:
    locked = lock.read(openapi)
    lock.require_tools(locked, generate.tools(), generate.stock())
    return locked


def _require_taken(locked: lock.Lock, openapi: Path) -> None:
    for api, entry in _apis(openapi).items():
        name = entry["document"]
        if api in locked.sources and lock.digest((openapi / name).read_bytes()) != locked.inputs.get(name):
            raise SpecError(f"openapi/{name} was changed by hand; undo that and put the correction into the overlay")


def _date(name: str, dated: str | None) -> str:
    in_name = re.search(r"\d{4}-\d{2}-\d{2}", name)
    text = dated or (in_name.group() if in_name else dt.datetime.now(dt.UTC).date().isoformat())
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise SpecError(f"{text} is not a date; write it as YYYY-MM-DD") from error


def _differences(wanted: Path, found: Path) -> Iterator[str]:
    names = {path.relative_to(tree).as_posix() for tree in (wanted, found) for path in tree.rglob("*")
             if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip
    for name in sorted(names):
        if not (found / name).exists():
            yield f"generated/{name}: missing"
        elif not (wanted / name).exists():
            yield f"generated/{name}: no document has it"
        elif not filecmp.cmp(wanted / name, found / name, shallow=False):
            yield f"generated/{name}: differs from what is generated"


def _write(path: Path, text: str) -> None:
    if path.exists() and not path.is_file():  # a device or a pipe
        path.write_text(text, encoding="utf-8")
        return
    new = _beside(path)
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".new")
