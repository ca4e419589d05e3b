import subprocess
import sys

import pytest

from specs.documents import generate
from specs.pipeline import lock
from specs.pipeline.command import ROOT, main

OPENAPI = ROOT / "openapi"


def test_the_templates_of_the_generator_are_those_that_ours_were_made_for():
    """Another version of the generator fails here, and the message names each template that moved."""
    assert lock.moved(lock.read(OPENAPI), generate.stock()) == []


def test_every_template_we_replace_is_watched():
    """The stock templates that ours replace, and those that ours work together with, are in the lock."""
    watched = lock.read(OPENAPI).stock
    ours = {path.relative_to(OPENAPI / "templates").as_posix() for path in (OPENAPI / "templates").rglob("*.jinja")}
    replaced = {
        *("client", "endpoint_module", "errors", "model", "models_init", "package_init", "str_enum", "types"),
    }
    assert {f"{name}.py.jinja" for name in replaced} == ours & watched.keys()
    assert {"endpoint_module.py.jinja", "endpoint_macros.py.jinja", "helpers.jinja"} <= watched.keys()


@pytest.mark.parametrize("template", ["model.py.jinja", "property_templates/any_property.py.jinja"])
def test_a_template_that_moved_is_named(project, capsys, template):
    """With another generator nothing is written, and the message says which templates to look at."""
    path = project / "openapi/openapi.lock"
    text = path.read_text()
    was = lock.read(project / "openapi").stock[template]
    path.write_text(text.replace(was, "0" * 64))
    assert main([], project) == 1
    assert f"template changed: {template}" in capsys.readouterr().err
    assert path.read_text() == text.replace(was, "0" * 64)


def calls_of(function, *arguments):
    """How many functions are called by calling this one."""
    counted, before = 0, sys.getprofile()

    def count(_frame, event, _argument):
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        function(*arguments)
    finally:
        sys.setprofile(before)
    return counted


def test_the_work_grows_with_the_number_of_operations(tmp_path):
    """Not with its square: as many operations more take as many calls more, though all models refer to each other."""
    counted = []
    for times in (1, 2):  # the first time more is imported and compiled
        for number in (1, 2, 3):
            document = big_document(12 * number)
            schemas = document["components"]["schemas"]
            for at in range(12 * number):
                others = {f"other{each}": (at * 5 + each) % (12 * number) for each in range(3)}
                schemas[f"Model{at}"]["properties"] |= {
                    name: {"$ref": f"#/components/schemas/Model{other}"} for name, other in others.items()
                }
            target = tmp_path / f"{times} {number}"
            counted.append(calls_of(generate.package, document, "big", OPENAPI / "templates", target))
    one, two, three = counted[-3:]
    assert three - two < 1.05 * (two - one), counted


def big_document(models):
    schemas = {
        f"Model{number}": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string"}, "kind": {"$ref": "#/components/schemas/Kind"}},
        }
        for number in range(models)
    }
    schemas["Model0"]["properties"]["other"] = {"$ref": "#/components/schemas/Model1"}
    schemas["Kind"] = {"type": "string", "enum": ["a", "b"]}
    paths = {}
    for number in range(models):
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/Model{number}"}}}
        answer = {"200": {"description": "", "content": content}}
        paths[f"/{number}"] = {"get": {"operationId": f"get_{number}", "tags": ["things"], "responses": answer}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Big", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


@pytest.mark.slow
def test_importing_an_endpoint_of_a_large_client_loads_what_it_needs(tmp_path):
    """Of 200 models one endpoint loads its own, what that contains, and no other."""
    generate.clients({"big": big_document(200)}, OPENAPI / "templates", tmp_path)
    code = (
        "import sys; import readahead_clients.big.api.things.get_0;"
        "print(*sorted(m.rpartition('.')[2] for m in sys.modules if m.startswith('readahead_clients.big.models.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == ["kind", "model_0", "model_1"]
