"""``scripts/bench recognise FOLDER``: which lists of published documents are recognised, and list correctly.

Counted is each operation that a person calls a list: one that reads (GET, or a POST that searches) and answers with an
array of objects, or with an object around one such array, to be had in pages. ``lists.csv`` has that judgement for a
sample of operations, made by reading name, description, parameters and answer of each, before the recogniser saw the
document. It says the style of paging too, or:

- ``whole``: a list that comes in one answer. There is nothing to read ahead, so it is counted apart.
- ``unclear``: a list, but the document does not say how it pages.
- ``no``: no list: one thing, a report, an array of texts.

*Recognised* is a list for which a binding is written that passes its checks. *Right* is one of the style that was
noted. *Lists correctly* is one that a client of the written binding reads from a server that is made from the document:
all rows, in their order, and the report says complete.

The documents are not part of this project: a folder of them is the argument. A document that another person brings is
counted too, without judgements.
"""

import argparse
import asyncio
import contextlib
import csv
import datetime as dt
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
JUDGED = Path(__file__).with_name("lists.csv")
API = "recognised"
ROWS = 230  # of each list: three pages of 100, the last one short
LONGEST = 1200.0  # seconds for one document
_LATEST = 60.0  # seconds for one list
_SIZE = 50  # rows in a page, where the API lets a client say so
_VALUES = (
    "any", 1, "1", "0" * 24, "0" * 32, "a" * 20, "00000000-0000-4000-8000-000000000000", "2026-01-02T03:04:05Z",
    "2026-01-02", True, "any@example.com", "https://example.com/", "AB", "US", "00000000000000000000000000",
)  # fmt: skip
_HEAD = (
    "document",
    "operations",
    "lists",
    "undecided",
    "whole",
    "judged",
    "recognised",
    "right",
    "read",
    "correct",
    "s",
)
_PAGED = frozenset({"numbered", "offset", "cursor", "url", "last-id", "unclear"})


def main(arguments: list[str]) -> int:
    """Run the bench; the exit status tells whether every document could be read."""
    parser = argparse.ArgumentParser(prog="scripts/bench recognise", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="documents, or folders of them")
    parser.add_argument("--judged", type=Path, default=JUDGED, metavar="FILE", help="what a person calls a list")
    parser.add_argument("--most", type=int, default=1000, help="lists to read of each document (default: all)")
    parser.add_argument("--names-only", action="store_true", help="recognise only: generate nothing, read nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was counted, with reasons, to FILE")
    options = parser.parse_args(arguments)
    files = [file for each in options.folders for file in ([each] if each.is_file() else _documents(each))]
    if not files:
        print(
            "scripts/bench recognise: no documents there; give a folder of published OpenAPI documents (.json, .yaml)"
        )
        return 0
    judged = _judged(options.judged)
    rows = []
    print("| " + " | ".join(_HEAD) + " |\n|" + " --- |" * len(_HEAD), flush=True)
    for file in files:
        rows.append(_measured(file, judged.get(file.name, {}), options))
        print(_line(rows[-1]), flush=True)
    print(_line(_sum(rows)))
    print(_told(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    return int(any("failed" in row for row in rows))


def _documents(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in {".json", ".yaml", ".yml"} and path.is_file())


def _judged(file: Path) -> dict[str, dict[str, str]]:
    """Return what a person calls a list, by document and operation."""
    found: dict[str, dict[str, str]] = {}
    with file.open(newline="") as lines:
        for line in csv.DictReader(lines):
            found.setdefault(line["document"], {})[line["operation"]] = line["list"]
    return found


def _line(row: dict[str, Any]) -> str:
    cells = (row.get(key, "") for key in _HEAD)
    return "| " + " | ".join(f"{each:.1f}" if isinstance(each, float) else str(each) for each in cells) + " |"


def _sum(rows: list[dict[str, Any]]) -> dict[str, Any]:
    taken = [row for row in rows if "lists" in row]
    return {"document": f"{len(taken)} documents"} | {key: sum(row.get(key, 0) for row in taken) for key in _HEAD[1:]}


def _told(rows: list[dict[str, Any]]) -> str:
    total = _sum(rows)

    def share(part: int, whole: int) -> str:
        return f"{part} of {whole}" + (f" ({part / whole:.1%})" if whole else "")

    whole = [sum(row.get(key, 0) for row in rows) for key in ("whole found", "whole judged")]
    mistaken, other = (sum(row.get(key, 0) for row in rows) for key in ("mistaken", "no"))
    lines = [
        "",
        f"{share(total['recognised'], total['judged'])} of what a person calls a list with pages are recognised.",
        f"{share(total['right'], total['recognised'])} of these are of the style that was noted.",
        f"{share(total['correct'], total['read'])} of the lists of all bindings list correctly.",
        f"{share(*whole)} of those without pages are told apart; {share(mistaken, other)} others are taken for a list.",
    ]
    reasons = Counter(reason for row in rows for reason in row.get("wrong", {}).values())
    lines += [f"- {count} times: {reason}" for reason, count in reasons.most_common()]
    return "\n".join(lines)


def _measured(file: Path, judged: dict[str, str], options: argparse.Namespace) -> dict[str, Any]:
    """Return the row of one document, which a process of its own reads."""
    began = time.perf_counter()
    row: dict[str, Any] = {"document": file.name}
    with tempfile.TemporaryDirectory() as folder:
        most = 0 if options.names_only else options.most
        command = [sys.executable, "-P", __file__, str(file.resolve()), folder, str(most)]
        path = os.pathsep.join([str(ROOT / "scripts"), folder, str(ROOT / "wrapper")])
        environment = {**os.environ, "PYTHONPATH": path}
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
            )
            row |= json.loads(done.stdout.splitlines()[-1])
        except subprocess.TimeoutExpired:
            row["failed"] = f"it took over {LONGEST:.0f} s"
        except (LookupError, ValueError):
            row["failed"] = (done.stderr.strip().splitlines() or ["no result"])[-1]
    return row | _compared(row, judged) | {"s": time.perf_counter() - began}


def _compared(row: dict[str, Any], judged: dict[str, str]) -> dict[str, Any]:
    """Return how a document's lists compare with a person's judgement."""
    styles: dict[str, str] = row.get("styles", {})
    paged = {name for name, style in judged.items() if style in _PAGED}
    whole = {name for name, style in judged.items() if style == "whole"}
    other = {name for name, style in judged.items() if style == "no"}
    return {
        "judged": len(paged),
        "recognised": len(paged & styles.keys()),
        "right": sum(styles.get(name) in {judged[name], "unclear"} for name in paged),
        "whole judged": len(whole),
        "whole found": len(whole & set(row.get("whole lists", ()))),
        "no": len(other),
        "mistaken": len(other & styles.keys()),
        "missed": sorted(paged - styles.keys()),
        "another style": sorted(name for name in paged & styles.keys() if styles[name] != judged[name]),
    }


# ---- one document, in a process of its own


def read(file: Path, folder: Path, most: int) -> dict[str, Any]:
    """Recognise the lists of a document, write their binding, and read each from a server made from the document.

    Args:
        file: The document.
        folder: An empty folder, in which modules are found.
        most: How many lists to read; 0: none, and nothing is generated.
    """
    documents = importlib.import_module("specs.documents.document")
    generate = importlib.import_module("specs.documents.generate")
    take = importlib.import_module("specs.pipeline.take")
    parsed = documents.of_version_3(documents.parse(file.read_text("utf-8-sig", "replace"), file.name), file.name)
    document = importlib.import_module("specs.documents.repair").repair(parsed)
    found = importlib.import_module("specs.lists.recognise").recognise(document)
    styles = {each.operation: each.paging.style for each in found.listings}
    row = {
        "operations": sum(1 for _ in documents.operations(document)),
        "lists": len(styles),
        "undecided": len(found.undecided),
        "whole": len(found.whole),
        "styles": styles,
        "whole lists": found.whole,
        "reasons": {each.subject: f"{each.why}; {each.look}" for each in found.undecided},
        "read": 0,
        "correct": 0,
    }
    if not most or not styles:
        return row
    wanted = take.only(document, styles)
    taken, _ = take.take_what_can_be(wanted, API)
    while True:
        try:
            generate.clients({API: taken}, ROOT / "openapi" / "templates", folder / "generated")
            break
        except generate.LeftOutError as error:
            taken, plain = take.plainer(taken, error.schemas)
            if not plain and not error.operations:
                raise
            taken = taken if plain else take.without(taken, error.operations)
            shutil.rmtree(folder / "generated", ignore_errors=True)
    (folder / "generated" / "readahead_clients").rename(folder / "readahead_clients")
    package = importlib.import_module("specs.lists.generated").Package(folder / "readahead_clients" / API)
    written = importlib.import_module("specs.lists.write").write(API, "Recognised", found, package)
    given_up = {each.subject: f"{each.why}; {each.look}" for each in written.undecided}
    row["reasons"] |= given_up
    row["styles"] = {name: style for name, style in styles.items() if name not in given_up}
    row["lists"], row["undecided"] = len(row["styles"]), len(row["reasons"])
    bindings = folder / "bindings"
    bindings.mkdir()
    (bindings / f"{API}.py").write_text(written.text)
    importlib.import_module("readahead").__path__.append(str(bindings))
    binding = importlib.import_module(f"readahead.{API}")
    wrong = asyncio.run(_wrong(binding, document, most))
    row |= {"read": len(wrong), "correct": sum(not each for each in wrong.values())}
    return row | {"wrong": {name: why for name, why in wrong.items() if why}, "lines": written.text.count("\n")}


async def _wrong(binding: Any, document: dict[str, Any], most: int) -> dict[str, str]:
    """Return what is wrong with each list as it is read; nothing where it is right."""
    endpoint_type = importlib.import_module("readahead.endpoint").Endpoint
    endpoints = [each for each in vars(binding).values() if isinstance(each, endpoint_type)][:most]
    client = binding.Recognised
    credentials = {name: "any:any" for name, each in inspect.signature(client.__init__).parameters.items()
                   if each.kind is each.KEYWORD_ONLY}  # fmt: skip
    found = {}
    for endpoint in endpoints:
        try:
            why = await asyncio.wait_for(_why(endpoint, client, credentials, document), _LATEST)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is counted
            why = f"{type(error).__name__}: {str(error)[:300]}"
        found[endpoint.operation.OPERATION] = why
    return found


async def _why(endpoint: Any, client: Any, credentials: dict[str, str], document: dict[str, Any]) -> str:
    make = importlib.import_module("readahead.sandbox").Sandbox.from_document
    query, reading = (importlib.import_module(f"readahead.{name}") for name in ("query", "reading"))
    arguments = dict(_arguments(endpoint, document))
    # What every request has to filter by, rows have: else there are none.
    known = endpoint.operation.PARAMETERS
    wanted = {
        known[name].name: value for name, value in arguments.items() if name in known and known[name].where == "query"
    }
    made = make(document, endpoint, rows=ROWS).rows()
    rows = [{key: wanted.get(key, value) for key, value in row.items()} for row in made]
    sandbox = make(document, endpoint, rows=rows)
    async with sandbox.client(client, **credentials) as connected:
        listing = query.Query(reading.Reading(connected._sender, endpoint, arguments))  # noqa: SLF001
        if endpoint.paging.page_size is not None:
            listing = listing.page_size(min(endpoint.paging.largest, _SIZE))
        async with listing.prefetch(4) as stream:
            keys = [str(getattr(row, endpoint.reader.key)) async for row in stream]
    expected = [str(row[endpoint.reader.wire_key]) for row in sandbox.rows()]
    if keys != expected:
        return f"{len(keys)} rows instead of {len(expected)}" if len(keys) != len(expected) else "another order"
    return "" if stream.report.complete else f"not complete: {stream.report.why}"


def _arguments(endpoint: Any, document: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Yield what the document requires of every request, by the names of arguments."""
    whole = importlib.import_module("readahead.sandbox.document").Document.read(document)
    described = {
        (each.where, each.name): each.schema for each in whole.operation(endpoint.operation.OPERATION).parameters
    }
    for name, each in endpoint.operation.PARAMETERS.items():
        is_paging = each.where == "query" and each.name in endpoint.paging.parameters
        if each.where == "path" or (each.required and each.where in {"query", "header"} and not is_paging):
            schema = described.get((each.where, each.name), {})
            value: Any = _value(whole, whole.schema(schema["items"]) if each.many and "items" in schema else schema)
            yield name, [value] if each.many else value
    if endpoint.paging.where == "body":
        body = whole.operation(endpoint.operation.OPERATION).body or {}
        members = {each: whole.member(body, each) or {} for each in body.get("required", ())}
        yield (
            "body",
            {each: _value(whole, schema) for each, schema in members.items() if each not in endpoint.paging.parameters},
        )


def _value(document: Any, schema: Any) -> Any:
    """Return a value that a schema allows."""
    complaint = importlib.import_module("readahead.sandbox.checking").complaint
    made = [_matching(str(schema["pattern"]))] if "pattern" in schema else []
    examples = [
        schema.get("example"),
        schema.get("default"),
        *(schema.get("examples") or ()),
        *(schema.get("enum") or ()),
    ]
    for value in (*examples, *made, *_VALUES):
        if value is not None and not isinstance(value, dict | list) and complaint(document, schema, value) is None:
            read = {"date": dt.date.fromisoformat, "date-time": dt.datetime.fromisoformat}.get(schema.get("format"))
            return read(value) if read and isinstance(value, str) else value
    others: tuple[Any, ...] = ({}, ["any"], ["US"], [{}])
    return next((each for each in others if complaint(document, schema, each) is None), "any")


def _matching(pattern: str) -> str | None:
    """Return a short text that matches a pattern."""
    hypothesis = importlib.import_module("hypothesis")
    with contextlib.suppress(Exception):  # of another language, or nothing matches it
        text = hypothesis.strategies.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)
        return str(hypothesis.find(text, lambda _: True))
    return None


if __name__ == "__main__":
    given, target, number = sys.argv[1:]
    print("\n" + json.dumps(read(Path(given), Path(target), int(number))))
