"""What is wrong in a document costs nothing where it is harmless, and what looks odd and is right is read as it is."""

import datetime as dt
import importlib
import sys
from pathlib import Path

import pytest

from specs.documents import generate
from specs.documents.document import load, operations
from specs.documents.repair import repair
from specs.pipeline.command import ROOT
from specs.pipeline.take import take_what_can_be

NAME = "clients_of_harmless_faults"
DAY = "2026-03-04"
NEWER = {
    "openapi": "3.1.0",
    "info": {"title": "Newer", "version": "1"},
    "paths": {
        "/elsewhere": {"$ref": "#/components/pathItems/Elsewhere"},
        "/anything": {
            "get": {
                "operationId": "anything",
                "responses": {
                    "200": {
                        "description": "",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Anything"}}},
                    }
                },
            }
        },
    },
    "components": {
        "pathItems": {
            "Elsewhere": {
                "get": {"operationId": "elsewhere", "responses": {"204": {"description": ""}}},
                "put": {"operationId": "there", "responses": {"204": {"description": ""}}},
            }
        },
        "schemas": {
            "Anything": {
                "type": "object",
                "properties": {"any": True, "none": False, "list": {"type": "array", "items": True}},
            }
        },
    },
}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """The packages of both documents, and what is left out of them."""
    folder = tmp_path_factory.mktemp("faults")
    documents, left_out = {}, {}
    for name, document in (("older", load(Path(__file__).with_name("faults.yaml"))), ("newer", NEWER)):
        documents[name], left_out[name] = take_what_can_be(repair(document), name)
    generate.clients(documents, ROOT / "openapi" / "templates", folder / "generated")
    (folder / "generated" / generate.PACKAGE).rename(folder / NAME)
    sys.path.insert(0, str(folder))
    yield lambda module: importlib.import_module(f"{NAME}.{module}"), documents, left_out
    sys.path.remove(str(folder))


def functions(module, documents):
    """Modules of the operations, by their ids; each is imported."""
    tags = {"doubled": "one"}
    ids = [(api, each["operationId"]) for api, found in documents.items() for _, _, each in operations(found)]
    return {name: module(f"{api}.api.{tags.get(name, 'default')}.{name}") for api, name in ids}


def test_a_harmless_fault_costs_nothing_and_a_real_one_its_operation(client):
    """The one that refers to a schema which is not there is left out, and says so."""
    module, documents, left_out = client
    assert left_out == {
        "older": {"GET /lost": "the reference #/components/schemas/Absent points to nothing"},
        "newer": {},
    }
    assert len(functions(module, documents)) == 16


def test_what_says_nothing_that_can_be_read(client):
    """Types that there are not, texts for booleans, and types in the way of another version."""
    types = client[0]("older.models").Types.from_dict(
        {"text": 1, "maybe": None, "listed": None, "closed": {"a": "b"}, "tree": {"listed": 2}}
    )
    assert (types.text, types.maybe, types.listed, types.closed.a, types.tree.listed) == (1, None, None, "b", 2)


def test_parameters_called_like_what_functions_use(client):
    """They fill their place in the path."""
    found = functions(*client[:2])
    assert found["get_quote"].build_request("a b", "c/d", kind="x")["url"] == "/quotes/a%20b/c%2Fd?kind=x"
    assert found["get_client"].build_request("1", "2", "3")["url"] == "/clients/1/2/3"


def test_properties_called_like_keywords(client):
    """Each is a field with the type that it has."""
    words = client[0]("older.models").Words
    inner = ("const", "default", "enum", "example", "examples", "nullable", "security", "properties")
    days = ("$ref", "title", "description")
    row = words.from_dict({**{name: {"at": DAY} for name in inner}, **dict.fromkeys(days, DAY)})
    assert {name: row[name].at for name in inner} == dict.fromkeys(inner, dt.date(2026, 3, 4))
    assert {name: row[name] for name in days} == dict.fromkeys(days, dt.date(2026, 3, 4))


def test_properties_beside_an_all_of(client):
    """No part and no property beside the parts is lost, in a row and in a body."""
    models = client[0]("older.models")
    data = {"name": "a", "owner": "b", "launched": DAY, "lines": [DAY]}
    ferry = models.Ferry.from_dict(data)
    assert (ferry.name, ferry.owner, ferry.launched, ferry.lines) == ("a", "b", dt.date(2026, 3, 4), [ferry.launched])
    assert (models.Boat.__required_keys__, models.Boat.__annotations__.keys()) == (
        {"name", "launched"},
        {"name", "launched"},
    )


def test_schemas_whose_names_differ_in_case(client):
    """Each has a class, in a file of another name also where case makes no difference."""
    models = client[0]("older.models")
    found = [each for each in models.__all__ if each.lower().startswith("iban")]
    fields = [name for each in found for name in getattr(models, each).FIELDS]
    assert sorted(fields) == ["large", "small"]
    assert len({getattr(models, each).__module__.lower() for each in found}) == 2


def test_schemas_that_are_true_or_false(client):
    """Anything, and nothing at all."""
    row = client[0]("newer.models").Anything.from_dict({"any": {"a": 1}, "list": [1, "x"]})
    assert (row.any_, row.list_) == ({"a": 1}, [1, "x"])


def test_a_path_that_stands_elsewhere(client):
    """All of its methods are there."""
    found = functions(*client[:2])
    assert [found[name].OPERATION for name in ("elsewhere", "there")] == ["GET /elsewhere", "PUT /elsewhere"]
