import importlib
import json
import shutil
import sys
from pathlib import Path

import pytest

from specs.documents import generate
from specs.documents.document import load
from specs.documents.repair import repair
from specs.pipeline.command import ROOT
from specs.pipeline.take import take_what_can_be

UPSTREAM = ROOT.parent / "shared" / "upstream" / "kintsugi"


@pytest.fixture(scope="session", autouse=True)
def _types_are_checked_once(tmp_path_factory):
    """Of what all generated code has in common: the cache of a project would be new in each test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPY_CACHE_DIR", str(tmp_path_factory.mktemp("types")))
        yield


@pytest.fixture
def project(tmp_path):
    """A copy of what regenerating reads and writes."""
    leave = shutil.ignore_patterns("__pycache__")
    for folder in ("openapi", "generated", "scripts/specs"):
        shutil.copytree(ROOT / folder, tmp_path / "project" / folder, ignore=leave)
    return tmp_path / "project"


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """A document of Kintsugi as one might be published: all that is in it is taken, so it gives what is committed."""
    path = tmp_path_factory.mktemp("published") / "server-2026-06-01-own.json"
    path.write_text(json.dumps(load(ROOT / "openapi/kintsugi.yaml")))
    return path


@pytest.fixture(scope="session")
def older(published, tmp_path_factory):
    """An older document, in which Kintsugi knew three sources less."""
    document = json.loads(published.read_text())
    sources = document["components"]["schemas"]["SourceEnum"]["enum"]
    for source in ("SHOPLINE", "VERTEX_O_SERIES", "DUALENTRY"):
        sources.remove(source)
    path = tmp_path_factory.mktemp("published") / "server-2026-03-05-own.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture(scope="session")
def upstream():
    """The folder of published documents. They are not ours to carry along: other tests do the same with our own."""
    if not UPSTREAM.exists():
        pytest.skip("the published Kintsugi documents are not next to this checkout (../shared/upstream/kintsugi)")
    return UPSTREAM


@pytest.fixture(scope="session")
def kinds(tmp_path_factory):
    """The models of a document with every kind of property, generated, imported."""
    folder = tmp_path_factory.mktemp("kinds")
    document = load(Path(__file__).with_name("kinds.yaml"))
    generate.clients({"api": document}, ROOT / "openapi" / "templates", folder / "generated")
    (folder / "generated" / generate.PACKAGE).rename(folder / "clients_of_every_kind")
    sys.path.insert(0, str(folder))
    try:
        import clients_of_every_kind.api.models as models
    finally:
        sys.path.remove(str(folder))
    return models


@pytest.fixture
def generated(tmp_path, monkeypatch):
    """A function that generates a package of a name of its own, and returns one that imports its modules."""

    def make(name, paths, schemas=None):
        document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}
        document["components"] = {"schemas": schemas or {}}
        taken, left_out = take_what_can_be(repair(document), "t")
        assert left_out == {}
        generate.clients({"api": taken}, ROOT / "openapi" / "templates", tmp_path / "generated")
        (tmp_path / "generated" / generate.PACKAGE).rename(tmp_path / name)
        monkeypatch.syspath_prepend(tmp_path)
        return lambda module: importlib.import_module(f"{name}.api.{module}")

    return make
