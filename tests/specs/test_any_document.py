"""Documents of others, unmodified: every operation becomes a function, and nothing is said but what must be."""

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from effort import EVERY
from specs.documents import generate
from specs.documents.document import load, operations
from specs.documents.names import (
    WIRE,
    distinct_classes,
    distinct_parameters,
    distinct_properties,
    named_parts,
    plain_components,
    read_placeholders,
)
from specs.documents.normalise import (
    empty_answers,
    known_content,
    normalise,
    open_parameters,
    optional_headers,
    readable_as,
)
from specs.documents.repair import repair
from specs.documents.types import (
    named_members,
    no_endless_types,
    nullable_references,
    parts_first,
    readable_enums,
    whole_objects,
)
from specs.pipeline import lock
from specs.pipeline.command import ROOT, main

CORPUS = ROOT.parent / "shared" / "corpus"
WILD = ROOT / "tests" / "specs" / "wild.yaml"
# by hand: operations in the document, and what has to be said of any of them
WANTED = {
    "katana": (223, {}),
    "kintsugi_customer": (41, {}),
    "langevals_fastapi": (23, {}),
    "petstore": (19, {}),
    "svix": (43, {"HEAD /api/v1/health": "the operation id 'v1.health.get' is that of GET /api/v1/health too"}),
    "tickets": (3, {}),
    "twilio_messaging_v1": (58, {}),
    "wild": (20, {"GET /a/b": "without an operation id, its name is that of GET /a/{b} too"}),
}


# takes each document in a project of its own, and says how each ended
TAKE = """
import json, pathlib, sys
from specs.pipeline.command import main
root, *paths = map(pathlib.Path, sys.argv[1:])
names = [path.stem.replace("-", "_").replace(".", "_") for path in paths]
taken = {name: [name, "--from", str(path), "--json", str(root / f"{name}.json")] for name, path in zip(names, paths)}
print(json.dumps({name: main(arguments, root / name) for name, arguments in taken.items()}))
"""
CHECK = "import sys, pathlib, specs.pipeline.command as c; sys.exit(c.main(['--check'], pathlib.Path(sys.argv[1])))"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
# Of our own; and those of others, half of the work each, for two processors. The largest is for --all.
OWN = ["tickets", "wild"]
HALVES = ["katana"], [name for name in WANTED if name not in {"katana", *OWN}]


def told(*command, **others):
    """What a program says, errors first, and its exit status."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, **others)
    return done.stderr + done.stdout, done.returncode


def taken_and_checked(root, paths):
    """A project of all these documents, each taken by the command on its own; and what is said of it.

    They are taken in one process. In another one the command generates all of it again, and mypy reads it.
    """
    whole = root / "whole"
    for project in (whole, *(root / name for name in paths)):
        shutil.copytree(ROOT / "openapi/templates", project / "openapi/templates")
        (project / "openapi/apis.toml").touch()
    said, status = told("-P", "-c", TAKE, root, *paths.values(), env=ENVIRONMENT)
    assert status == 0, said
    for name in paths:
        shutil.copytree(root / name / "generated", whole / "generated", dirs_exist_ok=True)
        shutil.copy(root / name / f"openapi/{name}.yaml", whole / "openapi")
        with (whole / "openapi/apis.toml").open("a") as entries:
            entries.write((root / name / "openapi/apis.toml").read_text())
    locked = lock.Lock(generate.tools(), {}, lock.digests(whole / "openapi"))
    (whole / "openapi/openapi.lock").write_text(locked.text())
    strict = ["mypy", "--strict", "--config-file=", "--cache-dir", os.devnull]
    return {
        "statuses": json.loads(said),
        "reports": {name: json.loads((root / f"{name}.json").read_text()) for name in paths},
        "generated": whole / "generated",
        "check": told("-P", "-c", CHECK, whole, env={**ENVIRONMENT, "PYTHONHASHSEED": "7", "LC_ALL": "C"}),
        "mypy": told("-m", *strict, "readahead_clients", cwd=whole / "generated"),
    }


@pytest.fixture(scope="session", params=["own", pytest.param("of others", marks=pytest.mark.slow)])
def corpus(request, tmp_path_factory):
    """What became of each part of the documents."""
    if request.param == "own":
        paths = {name: WILD.with_name(f"{name}.yaml") for name in OWN}
        return [taken_and_checked(tmp_path_factory.mktemp("corpus"), paths)]
    if not CORPUS.exists():
        pytest.skip("the documents of others are not next to this checkout (../shared/corpus)")
    paths = {re.sub(r"\W", "_", path.stem): path for path in sorted(CORPUS.iterdir())}
    assert {*paths, *OWN} == WANTED.keys()
    halves = [{name: paths[name] for name in half} for half in HALVES if EVERY or half != ["katana"]]
    with ThreadPoolExecutor(2) as pool:
        roots = [tmp_path_factory.mktemp("corpus") for _ in halves]
        return list(pool.map(taken_and_checked, roots, halves))


@pytest.mark.slow
def test_every_operation_is_kept(corpus):
    """As many operations as the document has are in the client; of those that got another name the report says why."""
    statuses, reports = ({k: v for half in corpus for k, v in half[of].items()} for of in ("statuses", "reports"))
    for name in statuses:
        count, notes = WANTED[name]
        report = reports[name]
        assert (statuses[name], report["verdict"], report["operations"], report["left out"]) == (0, "new", count, {})
        assert report["kept under another name"].keys() == notes.keys()
        assert all(said in report["kept under another name"][where] for where, said in notes.items())


@pytest.mark.slow
def test_the_same_documents_give_the_same_code(corpus):
    """A second run, in another process with another hash seed, differs in no byte."""
    assert [half["check"] for half in corpus] == [("", 0)] * len(corpus)


def test_no_object_of_the_generator_is_printed(corpus):
    """Nothing of a document is lost in a repr, and no address makes two runs differ."""
    for half in corpus:
        for path in half["generated"].rglob("*.py"):
            assert " object at 0x" not in path.read_text(), path


@pytest.mark.slow
def test_all_of_it_type_checks_strictly(corpus):
    """mypy --strict has nothing to say of any of it."""
    for half in corpus:
        said, status = half["mypy"]
        assert status == 0, said


@pytest.mark.slow
def test_every_module_imports(corpus):
    """Every module of every client is imported, warnings being errors, and every class is where it should be."""
    code = (
        "import importlib, pkgutil, readahead_clients as all\n"
        "names = [m.name for m in pkgutil.walk_packages(all.__path__, 'readahead_clients.')]\n"
        "modules = [importlib.import_module(name) for name in names]\n"
        "for module in modules:\n"
        "    for name in getattr(module, '__all__', ()): getattr(module, name)\n"
        "    if '.api.' in module.__name__ and not hasattr(module, '__path__'):\n"
        "        assert module.OPERATION.split()[0].isupper() and callable(module.build_request)\n"
        "print(len(names))"
    )
    for half in corpus:
        said, status = told("-W", "error", "-c", code, cwd=half["generated"])
        assert status == 0, said
        assert int(said) > (500 if len(corpus) > 1 else 50)


def test_an_error_that_refers_to_nothing_costs_no_operation():
    """Of a success something would be lost: that is told."""
    nowhere = {"$ref": "#/components/responses/Nowhere"}
    paths = {"/pets": {"get": {"responses": {"200": nowhere, "404": nowhere}}}}
    responses = repair({"openapi": "3.1.0", "paths": paths})["paths"]["/pets"]["get"]["responses"]
    assert responses == {"200": nowhere, "404": {"description": ""}}


def test_an_operation_that_cannot_be_kept_is_named(tmp_path, capsys):
    """What nothing can be made of is left out with the reason, a schema becomes plain data; nothing is a failure."""
    document = load(WILD)
    document["paths"]["/plain"]["get"]["responses"]["200"] = {"$ref": "#/components/responses/Nowhere"}
    document["paths"]["/form"]["post"]["parameters"] = [{"name": "x", "in": "nowhere", "schema": {}}]
    itself = {"$ref": "#/components/requestBodies/Itself"}
    document["paths"]["/nothing"]["post"]["requestBody"] = document["components"]["requestBodies"]["Itself"] = itself
    status = {"allOf": [{"$ref": "#/components/schemas/Kind"}, {"type": "object"}]}
    document["components"]["schemas"]["Problem"] = status
    (tmp_path / "openapi").mkdir()
    (tmp_path / "openapi/apis.toml").touch()
    shutil.copytree(ROOT / "openapi/templates", tmp_path / "openapi/templates")
    (tmp_path / "wild.json").write_text(json.dumps(document))
    assert main(["wild", "--from", str(tmp_path / "wild.json"), "--json", "-"], tmp_path) == 0
    report = json.loads(capsys.readouterr().out)
    assert "the reference #/components/responses/Nowhere points to nothing" in report["left out"]["GET /plain"]
    assert "nowhere" in report["left out"]["POST /form"]
    assert report["left out"]["POST /nothing"] == "the reference #/components/requestBodies/Itself points to itself"
    assert list(report["kept as plain data"]) == ["Problem"]
    assert "non-object" in report["kept as plain data"]["Problem"]
    assert (report["operations"], len(report["left out"])) == (17, 3)
    assert "object at 0x" not in json.dumps(report)
    document["paths"] = {"/plain": document["paths"]["/plain"]}
    (tmp_path / "nothing.json").write_text(json.dumps(document))
    assert main(["nothing", "--from", str(tmp_path / "nothing.json")], tmp_path) == 1
    assert "no operation of the document can be used; GET /plain: the reference" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("swagger: '2.0'\ninfo: {title: t, version: 1}\npaths: {}\n", "convert it to OpenAPI 3 first"),
        ("swagger: 2.0\ninfo: {title: t, version: 1}\npaths: {}\n", "convert it to OpenAPI 3 first"),
        ("openapi: 3.2.0\ninfo: {title: t, version: 1}\npaths: {}\n", "replace its version by 3.1.1"),
        ("openapi: 3.2\ninfo: {title: t, version: 1}\npaths: {}\n", "replace its version by 3.1.1"),
        ("openapi: 4\ninfo: {title: t, version: 1}\npaths: {}\n", "not an OpenAPI 3 document"),
        ("<html>", "not an OpenAPI document"),
        ("{", "neither JSON nor YAML"),
        ("", "not an OpenAPI document"),
        ("openapi: 3.1.0\n", "no operation"),
        ("openapi: 3.1.0\ninfo: {title: t, version: 1}\npaths: {}\n", "no operation"),
        ("openapi: 3.1.0\ninfo: []\npaths: []\n", "no operation"),
    ],
)
def test_what_is_no_document(project, tmp_path, capsys, text, said):
    """What is no OpenAPI 3 document is refused in words, and nothing is written."""
    (tmp_path / "given").write_text(text)
    assert main(["given", "--from", str(tmp_path / "given")], project) == 1
    assert said in capsys.readouterr().err
    assert not (project / "openapi/given.yaml").exists()


@pytest.mark.parametrize("version", ["3.1", "3.0", "'3.1'", "3"])
def test_a_version_that_yaml_reads_as_a_number(project, tmp_path, version):
    """It is the version that it looks like."""
    (tmp_path / "given").write_text(
        f"openapi: {version}\ninfo: {{title: t, version: 1.10}}\n"
        "paths: {/a: {get: {responses: {204: {description: ok}}}}}\n"
    )
    assert main(["given", "--from", str(tmp_path / "given")], project) == 0


# --- the rules, one by one


def document(schemas=None, **paths):
    return {"openapi": "3.1.0", "info": {}, "paths": paths, "components": {"schemas": schemas or {}}}


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


def test_classes_keep_apart():
    """Two schemas whose classes would have one name, or that of an import or of an inner class, keep apart."""
    inner = {"type": "object", "properties": {"b": {"type": "object"}}}
    found = distinct_classes(document({"a-b": {}, "A_b": ref("a-b"), "Row": {}, "X": inner, "XB": {}, "日本": {}}))
    assert list(found["components"]["schemas"]) == ["a-b", "A_b_2", "Row_2", "X", "XB_2", "Model 日本"]
    assert found["components"]["schemas"]["A_b_2"] == ref("a-b")


def test_fields_keep_apart():
    """Properties that would be one attribute are several; the wire has its own names, and no other one is renamed."""
    found = distinct_properties(
        document(
            {
                "A": {"properties": {"a b": {}, "a-b": {}, "aB": {}}, "required": ["a-b"]},
                "B": {"properties": {"a_b_2": {}}},
            }
        )
    )
    assert list(found["components"]["schemas"]["A"]["properties"]) == ["a b", "a_b_3", "a_b_4"]
    assert found["components"]["schemas"]["A"]["required"] == ["a_b_3"]
    assert list(found["components"]["schemas"]["B"]["properties"]) == ["a_b_2"]
    assert found[WIRE] == {"a_b_3": "a-b", "a_b_4": "aB"}


def test_parameters_keep_apart():
    """Parameters that would be one argument are several, and each is sent under its own name."""
    given = [{"name": name, "in": "query"} for name in ("at", "at<", "at>", "At", "at_2")]
    found = distinct_parameters(document(None, **{"/a": {"parameters": given[:1], "get": {"parameters": given[1:]}}}))
    assert [each["name"] for each in found["paths"]["/a"]["get"]["parameters"]] == ["at lt", "at gt", "At 2", "at_2 2"]
    assert found[WIRE] == {"at lt": "at<", "at gt": "at>", "At 2": "At", "at_2 2": "at_2"}
    one = {"name": "at", "in": "header"}
    assert WIRE not in distinct_parameters(
        document(None, **{"/a": {"parameters": given[:1], "get": {"parameters": [one]}}})
    )


def test_references_lead_to_components():
    """What is referred to elsewhere becomes a component; what is not there stays as it is, to be left out."""
    inside = {"type": "integer"}
    found = named_parts(
        document(
            {
                "A«": {"properties": {"b": inside}},
                "C": ref("A«/properties/b"),
                "D": ref("A%C2%AB"),
                "E": ref("A«/no/b"),
            },
            **{
                "/a": {
                    "get": {"responses": {"200": {}}},
                    "put": {"responses": {"200": {"$ref": "#/paths/~1a/get/responses/200"}}},
                }
            },
        )
    )
    schemas = found["components"]["schemas"]
    assert (schemas["C"], schemas["D"], schemas["E"]) == (ref("schemas_A__properties_b"), ref("A«"), ref("A«/no/b"))
    assert schemas["schemas_A__properties_b"] == inside
    assert found["paths"]["/a"]["put"]["responses"]["200"] == {"$ref": "#/components/responses/a_get_responses_200"}
    assert found["components"]["responses"] == {"a_get_responses_200": {}}


def test_odd_names_are_none_to_the_validator():
    """Names of components that OpenAPI does not allow are replaced where the document is checked, each by its own."""
    found = plain_components(document({"A«": ref("日本"), "A»": {}, "A": {}, "日本": ref("A»")}))["components"][
        "schemas"
    ]
    assert found == {"A_2": ref("part"), "A_3": {}, "A": {}, "part": ref("A_3")}


def test_placeholders_are_read():
    """A placeholder that the generator does not read is called something else, and so is its parameter."""
    get = {"parameters": [{"name": "item.id", "in": "path"}, {"name": "item.id", "in": "query"}]}
    found = read_placeholders(document(None, **{"/a/{item.id}/{1}/{ok}": {"get": get}}))
    assert list(found["paths"]) == ["/a/{item_id}/{part_1}/{ok}"]
    assert [each["name"] for each in found["paths"]["/a/{item_id}/{part_1}/{ok}"]["get"]["parameters"]] == [
        "item_id",
        "item.id",
    ]


@pytest.mark.parametrize(
    ("schema", "read"),
    [
        ({"type": "string", "enum": ["a", 1, True, None]}, {"type": "string", "enum": ["a", "1", "true", None]}),
        ({"type": "integer", "enum": [1, 2]}, {"type": "integer", "enum": [1, 2]}),
        ({"enum": [1.5, 2]}, {"type": "number"}),
        ({"type": "boolean", "enum": [True]}, {"type": "boolean"}),
        ({"enum": [True]}, {"type": "boolean"}),
        ({"enum": ["a", 1]}, {}),
        ({"enum": [{"a": 1}]}, {}),
        ({"enum": [None]}, {"type": "null"}),
        ({"const": "a"}, {"const": "a"}),
        ({"const": 0.5}, {"type": "number"}),
        ({"const": 2**64}, {"type": "integer"}),
        ({"const": [1], "type": "array"}, {"type": "array"}),
    ],
    ids=repr,
)
def test_enumerations_of_one_type(schema, read):
    """An enumeration that the generator cannot make a class of is of the type that its values have."""
    assert readable_enums(document({"A": schema}))["components"]["schemas"]["A"] == read


def test_types_that_never_end():
    """Lists and unions that contain themselves end in anything; objects may contain themselves."""
    found = no_endless_types(
        document(
            {
                "List": {"type": "array", "items": ref("List")},
                "A": {"anyOf": [{"type": "string"}, ref("B")]},
                "B": {"type": "array", "items": ref("A")},
                "Node": {"properties": {"next": ref("Node")}},
                "Nodes": {"type": "array", "items": ref("Node")},
            }
        )
    )["components"]["schemas"]
    assert found["List"]["items"] == {}
    assert found["A"]["anyOf"][1] == ref("B")
    assert found["B"]["items"] == {}
    assert found["Node"]["properties"]["next"] == ref("Node")
    assert found["Nodes"]["items"] == ref("Node")


def test_parts_that_contradict():
    """Of two parts that describe a property differently the last holds; parts that agree are left to the generator."""
    parts = [ref("Base"), {"properties": {"id": {"type": "integer"}}, "required": ["id"]}]
    base = {"properties": {"id": {"type": "string"}, "n": {"type": "string"}}, "required": ["n"]}
    found = whole_objects(
        document({"Base": base, "A": {"allOf": parts}, "B": {"allOf": [ref("Base"), {"type": "object"}]}})
    )
    assert found["components"]["schemas"]["A"] == {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "n": {"type": "string"}},
        "required": ["n", "id"],
    }
    assert "allOf" in found["components"]["schemas"]["B"]


def test_parts_of_a_plain_value():
    """Parts of a value that is no object are one schema; a part that may be null does not make an object null."""
    text = {"allOf": [{"type": "string", "nullable": True}, {"nullable": False}]}
    base = {"type": "object", "nullable": True, "properties": {"id": {"type": "string"}}}
    found = whole_objects(document({"A": text, "Base": base, "B": {"allOf": [ref("Base"), {"type": "object"}]}}))
    assert found["components"]["schemas"]["A"] == {"type": "string", "nullable": False}
    assert found["components"]["schemas"]["B"] == {"type": "object", "properties": base["properties"], "required": []}


def test_a_type_with_annotations_is_that_type():
    """Parts that say nothing of a type leave it as it is, but for null."""
    parts = [ref("B"), {"deprecated": True}, {}]
    given = {"A": {"allOf": parts}, "N": {"allOf": parts, "nullable": True}, "B": {"oneOf": [{"type": "string"}, {}]}}
    found = whole_objects(document(given))["components"]["schemas"]
    assert (found["A"], found["N"]) == (ref("B"), {"anyOf": [ref("B"), {"type": "null"}]})


def test_parts_come_first():
    """Schemas follow those that they refer to, as far as circles allow, and otherwise stay in order."""
    given = {"A": {"items": [ref("C"), ref("B")]}, "B": ref("D"), "C": {}, "D": {"items": ref("A")}, "E": {}}
    assert list(parts_first(document(given))["components"]["schemas"]) == ["C", "D", "B", "A", "E"]


def test_members_of_unions_have_names():
    """Objects inside a named union are called as the generator calls them, unless something is called so."""
    member = {"properties": {"a": {}}}
    given = {"A": {"anyOf": [dict(member), {"type": "string"}], "oneOf": [dict(member)]}, "A_type_0": {}}
    found = named_members(document(given))["components"]["schemas"]
    assert found["A"] == {"anyOf": [member, {"type": "string"}], "oneOf": [ref("A_type_2")]}
    assert found["A_type_2"] == member


def test_what_may_be_null_is_said_where_it_is_meant():
    """A named object is a class; that it may be null is said wherever something refers to it."""
    base = {"type": ["object", "null"], "properties": {"next": ref("Base")}}
    found = nullable_references(document({"Base": base, "A": {"items": ref("Base")}}))["components"]["schemas"]
    or_null = {"anyOf": [ref("Base"), {"type": "null"}]}
    assert found == {"Base": {"type": "object", "properties": {"next": or_null}}, "A": {"items": or_null}}


def test_listed_texts_are_open_in_parameters():
    """A parameter that takes listed texts takes others, under the class name that it would have had."""
    given = [{"name": "a", "in": "query", "schema": ref("E")}, {"name": "b", "in": "query", "schema": {"enum": ["x"]}}]
    found = open_parameters(
        document({"E": {"enum": ["y"]}}, **{"/a": {"get": {"operationId": "g", "parameters": given}}})
    )
    assert [each["schema"]["anyOf"] for each in found["paths"]["/a"]["get"]["parameters"]] == [
        [ref("E"), {"type": "string"}],
        [ref("g_b"), {"type": "string"}],
    ]
    assert found["components"]["schemas"]["g_b"] == {"enum": ["x"]}


def test_content_of_any_type():
    """JSON by any name is read as JSON, text as text, everything else as bytes; what is sent is declared as it was."""
    of = {"application/pdf": {"schema": {}}}, {"text/csv": {"schema": {}}}, {"*/*": {"schema": {}}}
    get = {"responses": dict(zip("123", ({"content": each} for each in of), strict=True))}
    post = {"requestBody": {"content": {"text/plain": {}}}}
    put = {"requestBody": {"content": {"Application/JSON": {}}}, "parameters": [{"in": "query", "content": {}}]}
    found = known_content(document(None, **{"/a": {"get": get, "post": post, "put": put}}))
    assert readable_as(found) == {
        "application/pdf": "application/octet-stream",
        "*/*": "application/json",
        "text/plain; charset=utf-8": "application/octet-stream",
        "Application/JSON": "application/json",
    }
    answers = found["paths"]["/a"]["get"]["responses"]
    assert answers["1"]["content"]["application/pdf"]["schema"] == {"type": "string", "format": "binary"}
    assert answers["2"]["content"]["text/csv"]["schema"] == {"type": "string"}
    assert found["paths"]["/a"]["put"]["parameters"] == [{"in": "query", "schema": {"type": "string"}}]


def test_lists_outside_of_the_query():
    """A list is a list wherever it is, and a parameter that is written as JSON has the schema of that."""
    schema, several = {"type": "array", "items": {"type": "string"}}, {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    given = [{"in": place, "schema": each} for each in (schema, several) for place in ("header", "path", "query")]
    given += [{"in": "query", "content": {kind: {"schema": schema}}} for kind in ("application/json", "text/csv")]
    known_content(document(None, **{"/a": {"get": {"parameters": given}}}))
    assert [each["schema"] for each in given] == [schema] * 3 + [several] * 3 + [schema, {"type": "string"}]


def test_answers_without_content():
    """No body follows 204, 205, 304, or any answer to HEAD, whatever the document says of it."""
    thing = {"description": "", "content": {"application/json": {"schema": {}}}}
    paths = {"/a": {method: {"responses": dict.fromkeys(("200", "204", "304"), thing)} for method in ("get", "head")}}
    found = empty_answers(document(None, **paths))["paths"]["/a"]
    assert [code for code, each in found["get"]["responses"].items() if "content" in each] == ["200"]
    assert not [code for code, each in found["head"]["responses"].items() if "content" in each]


def test_headers_that_openapi_ignores():
    """`Accept`, `Content-Type` and `Authorization` are no required arguments; other headers are as declared."""
    given = [{"in": "header", "name": name, "required": True} for name in ("ACCEPT", "content-type", "Accept-Language")]
    found = optional_headers(document(None, **{"/a": {"parameters": given, "get": {"responses": {}}}}))
    assert [each["required"] for each in found["paths"]["/a"]["parameters"]] == [False, False, True]


def test_forms_are_objects():
    """A form that is described as anything but an object has any fields."""
    form = {"content": {"multipart/form-data": {"schema": {"type": "string"}}}}
    known_content(document(None, **{"/a": {"post": {"requestBody": form}}}))
    assert form["content"]["multipart/form-data"]["schema"] == {"type": "object"}


def test_what_is_wrong_often_is_mended():
    """An operation without answers, parameters that do not fit their path, and words of other versions."""
    given = [{"name": "b", "in": "path", "collectionFormat": "csv"}, {"name": "c", "in": "path"}]
    broken = {"/{a}/{b}": {"get": {"parameters": given}, "put": {"responses": {}}}}
    old = {**document({"A": {"const": 1, "contentEncoding": "base64"}}, **broken), "openapi": "3.0.0"}
    found = repair(old)
    get = found["paths"]["/{a}/{b}"]["get"]
    assert [(each["name"], each["required"], "collectionFormat" in each) for each in get["parameters"]] == [
        ("b", True, False),
        ("a", True, False),
    ]
    assert [each["responses"] for _, _, each in operations(found)] == [{"default": {"description": ""}}] * 2
    assert found["components"]["schemas"]["A"] == {"enum": [1]}
    assert repair(document({"A": {"const": 1}}))["components"]["schemas"]["A"] == {"const": 1}


def test_what_is_answered_by_default_is_a_row():
    """A schema of a body that is that of the answers not listed, too, is split like any other."""
    thing = {"content": {"application/json": {"schema": ref("A")}}}
    post = {"requestBody": thing, "responses": {"default": {"description": "", **thing}}}
    found = normalise(json.loads(json.dumps(document({"A": {"properties": {"b": {}}}}, **{"/a": {"post": post}}))))
    assert list(found["components"]["schemas"]) == ["A", "AInput"]


def test_two_names_in_one():
    """Operations whose functions would be in one file keep apart, and the report is told."""
    notes = {}
    one, other = {"operationId": "getA", "responses": {}}, {"operationId": "get_a", "responses": {}}
    found = repair(document(None, **{"/a": {"get": one}, "/b": {"get": other}}), notes)
    assert [each["operationId"] for _, _, each in operations(found)] == ["getA", "get_a_get"]
    assert list(notes) == ["GET /b"]


@pytest.mark.parametrize("schema", [ref("Both"), {"oneOf": [ref("Both"), {"type": "string"}]}])
def test_the_cause_is_the_schema_that_cannot_be_read(tmp_path, schema):
    """Not the union that it is a branch of; and nothing is said of objects of the generator."""
    branch = {"type": "object", "properties": {"a": {"type": "string"}}}
    schemas = {"A": branch, "Either": {"oneOf": [ref("A"), {"type": "string"}]}, "Both": {"allOf": [ref("A")]}}
    schemas["Both"]["allOf"].append(ref("Either"))
    body = {"content": {"application/json": {"schema": schema}}}
    post = {"requestBody": body, "responses": {"204": {"description": ""}}}
    given = document(schemas, **{"/a": {"post": post}}) | {"info": {"title": "t", "version": "1"}}
    with pytest.raises(generate.LeftOutError) as caught:
        generate.package(given, "api", ROOT / "openapi/templates", tmp_path / "api")
    assert caught.value.operations == {"POST /a": "Both: Cannot take allOf a non-object"}


def test_maps_that_stand_elsewhere_are_written_out():
    """Content and properties by reference are as if they stood there; a property called `$ref` is one."""
    schema = {"properties": {"$ref": "#/components/schemas/A/properties"}}
    mapping = {"$ref": "#/components/schemas/A"}
    odd = {"properties": {"$ref": {"type": "string"}}, "discriminator": {"propertyName": "$ref", "mapping": mapping}}
    get = {"responses": {"200": {"content": {"$ref": "#/components/mediaTypes/a"}}}}
    given = document({"A": {"properties": {"b": {"type": "integer"}}}, "B": schema, "C": odd}, **{"/a": {"get": get}})
    given["components"]["mediaTypes"] = {"a": {"application/json": {"schema": ref("B")}}}
    found = repair(given)
    content = found["paths"]["/a"]["get"]["responses"]["200"]["content"]
    assert content == {"application/json": {"schema": ref("B")}}
    assert found["components"]["schemas"]["B"] == given["components"]["schemas"]["A"]
    assert found["components"]["schemas"]["C"] == odd


def test_a_document_is_normalised_the_same_twice():
    """The rules leave the document that they are given as it was."""
    given = repair(load(WILD))
    before = json.dumps(given)
    normalise(given)
    assert json.dumps(given) == before
