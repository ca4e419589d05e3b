"""``scripts/bench documents FOLDER``: take every document of a folder, and count what comes of it.

A table: operations in and out, answers that the documents publish as examples and that come back equal from the
generated classes, objects in them of which one branch of a union alone is valid and those that are read as another one
(``benchmarks/branches.py``), seconds, and peak memory. ``--tree`` does it with another checkout, to compare the two.
"""

import argparse
import asyncio
import contextlib
import datetime as dt
import importlib
import inspect
import json
import os
import pkgutil
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
API = "taken"
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]")
LONGEST = 1800.0  # seconds for one document
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_HEAD = (
    "document",
    "MB",
    "in",
    "out",
    "left out",
    "examples",
    "equal",
    "different",
    "refused",
    "of unions",
    "wrong branches",
    "s",
    "CPU s",
    "peak MB",
)


def main(arguments: list[str]) -> int:
    """Run the bench; the exit status tells whether every document could be taken."""
    parser = argparse.ArgumentParser(prog="scripts/bench documents", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="documents, or folders of them")
    parser.add_argument("--tree", type=Path, default=ROOT, help="the checkout that takes them (default: this one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was counted, with reasons, to FILE")
    options = parser.parse_args(arguments)
    files = [file for each in options.folders for file in ([each] if each.is_file() else _documents(each))]
    rows = []
    print("| " + " | ".join(_HEAD) + " |\n|" + " --- |" * len(_HEAD), flush=True)
    for file in files:
        row = _taken_apart(file, options.tree.resolve())
        rows.append(row)
        cells = (row.get(key, "") for key in _HEAD)
        print("| " + " | ".join(f"{each:.1f}" if isinstance(each, float) else str(each) for each in cells) + " |")
        sys.stdout.flush()
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    return int(any("failed" in row for row in rows))


def _documents(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in {".json", ".yaml", ".yml"} and path.is_file())


def _taken_apart(file: Path, tree: Path) -> dict[str, Any]:
    """Return the row of one document, which processes of their own take and read."""
    row: dict[str, Any] = {"document": file.name, "MB": file.stat().st_size / 1e6}
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        shutil.copytree(tree / "openapi" / "templates", project / "openapi" / "templates")
        (project / "openapi" / "apis.toml").touch()
        for step in ("take", "read"):
            command = [sys.executable, "-P", __file__, step, str(file.resolve()), str(project)]
            folders = (tree / "scripts", project / "generated", ROOT / "scripts")
            path = os.pathsep.join(map(str, folders))
            try:
                done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
                                      timeout=LONGEST, check=False)  # fmt: skip
                row |= json.loads(done.stdout.splitlines()[-1])
            except (subprocess.TimeoutExpired, LookupError, ValueError):
                row["failed"] = row.get("failed") or f"{step}: no result"
            if "failed" in row:
                break
    return row


def take(file: Path, project: Path) -> dict[str, Any]:
    """Take a document, as scripts/regenerate does."""
    command = importlib.import_module("specs.pipeline.command")
    began = time.perf_counter()
    report = project / "report.json"
    status = command.main([API, "--from", str(file), "--json", str(report)], project)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    row = {
        "in": sum(1 for _ in _operations(_plain(file))),
        "s": time.perf_counter() - began,
        "CPU s": sum(each.ru_utime + each.ru_stime for each in used),
        "peak MB": max(each.ru_maxrss for each in used) // 1024,
    }
    if status == 1:
        return {**row, "out": 0, "failed": "take"}
    told = json.loads(report.read_text())
    reasons = told.get("left out", {})
    return {**row, "out": told["operations"], "left out": len(reasons), "reasons": reasons, "proof": told.get("proof")}


def read(file: Path) -> dict[str, Any]:
    """Answer every generated function with each example of its answers, and compare what it makes of them."""
    httpx, document = importlib.import_module("httpx"), _plain(file)
    package = importlib.import_module(f"readahead_clients.{API}")
    modules = {
        module.OPERATION: module
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if ".api." in info.name and hasattr(module := importlib.import_module(info.name), "OPERATION")
    }
    examples = [
        (modules[name], status, example, schema)
        for name, status, example, schema in _examples(document)
        if name in modules and _is_answer(example)
    ]
    branches = importlib.import_module("benchmarks.branches").Branches(document)
    counted: Counter[str] = Counter()
    wrong: list[str] = []

    async def all_of_them() -> None:
        for module, status, example, schema in examples:
            answer = httpx.Response(status, json=example)
            async with httpx.AsyncClient(
                base_url="http://example.invalid", transport=httpx.MockTransport(lambda _, answer=answer: answer)
            ) as http:
                client = package.Client(base_url="http://example.invalid")
                client.set_async_httpx_client(http)
                try:
                    parsed = await module.asyncio(**_arguments(module.build_request), client=client)
                    result, why = ("equal", "") if _as_json(parsed) == _as_json(example) else ("different", "differs")
                    for place, is_right in branches.judged(schema, example, parsed):
                        counted["of unions"] += 1
                        counted["wrong branches"] += not is_right
                        if not is_right:
                            wrong.append(f"{module.OPERATION} {status}: branch of {place}")
                except Exception as error:  # noqa: BLE001  # whatever it is, it is counted
                    result, why = "refused", f"{type(error).__name__}: {str(error)[:200]}"
                if why:
                    wrong.append(f"{module.OPERATION} {status}: {why}")
                counted[result] += 1

    asyncio.run(all_of_them())
    return {
        "examples": len(examples),
        **{key: counted[key] for key in ("equal", "different", "refused", "of unions", "wrong branches")},
        "wrong": wrong,
    }


def _is_answer(example: Any) -> bool:
    return isinstance(example, dict | list)


def _arguments(function: Any) -> dict[str, Any]:
    required = [each for each in inspect.signature(function).parameters.values() if each.default is each.empty]
    return {each.name: _argument(each.name, str(each.annotation)) for each in required}


def _argument(name: str, annotation: str) -> Any:
    if name == "body":
        return "x" if {"str", "bytes"} & set(re.findall(r"\w+", annotation)) else {}
    return 1 if "int" in annotation else "x"


def _as_json(value: Any) -> Any:
    """Return plain data without what `to_dict` changes, as it says: nulls, and how a date-time is written."""
    if hasattr(value, "to_dict"):
        return _as_json(value.to_dict())
    if isinstance(value, dict):
        return {key: _as_json(each) for key, each in value.items() if each is not None}
    if isinstance(value, str) and _DATE_TIME.match(value):
        with contextlib.suppress(ValueError):
            return dt.datetime.fromisoformat(value).isoformat()
    return [_as_json(each) for each in value] if isinstance(value, list) else value


def _plain(file: Path) -> dict[str, Any]:
    document = importlib.import_module("specs.documents.document")
    plain: dict[str, Any] = document.load(file)
    return plain


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in (document.get("paths") or {}).items():
        for method in _METHODS:
            if isinstance(item, dict) and isinstance(item.get(method), dict):
                yield f"{method.upper()} {path}", item[method]


def _examples(document: dict[str, Any]) -> Iterator[tuple[str, int, Any, str]]:
    """Yield operation, status and content of every example of an answer in JSON, and where its schema is."""
    for name, operation in _operations(document):
        for code, response in (operation.get("responses") or {}).items():
            whole = _resolved(document, response)
            method, _, path = name.partition(" ")
            given = response.get("$ref") if isinstance(response, dict) else None
            where = given[1:] if given else f"/paths/{_escaped(path)}/{method.lower()}/responses/{code}"
            for content_type, media in (whole.get("content") or {}).items():
                if "json" not in content_type or not isinstance(media, dict) or not str(code).isdigit():
                    continue
                found = [_resolved(document, each).get("value") for each in (media.get("examples") or {}).values()]
                found += [media.get("example"), _resolved(document, media.get("schema")).get("example")]
                for example in found:
                    if example is not None:
                        yield name, int(code), example, f"{where}/content/{_escaped(content_type)}/schema"


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _resolved(document: dict[str, Any], node: Any) -> dict[str, Any]:
    for _ in range(20):
        if not isinstance(node, dict) or not isinstance(node.get("$ref"), str):
            break
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        node = found
    return node if isinstance(node, dict) else {}


if __name__ == "__main__":
    given, folder = map(Path, sys.argv[2:])
    print("\n" + json.dumps(take(given, folder) if sys.argv[1] == "take" else read(given)))
