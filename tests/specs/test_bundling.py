"""A document in several files is one document."""

import json

import pytest

from specs.documents.document import load
from specs.pipeline.command import main

FILES = {
    "api.yaml": """\
openapi: 3.1.0
info: {title: Shop, version: '1'}
x-policies: {$ref: '../policies.yaml'}
paths:
  /orders: {$ref: 'paths/orders.yaml'}
  /orders/{id}:
    get: {$ref: 'paths/order.yaml#/get'}
components:
  schemas:
    Money: {type: object, properties: {cents: {type: integer}}}
    Order: {type: object, properties: {other: {type: string}}}
""",
    "paths/orders.yaml": """\
get:
  operationId: orders
  parameters: [{$ref: '../shared/parameters.yaml#/page'}]
  responses:
    '200': {$ref: '../shared/answers.json#/orders'}
""",
    "paths/order.yaml": """\
get:
  operationId: order
  parameters: [{name: id, in: path, required: true, schema: {type: string}}]
  responses: {'200': {description: one, content: {application/json: {schema: {$ref: '../shared/Order.yaml'}}}}}
""",
    "shared/parameters.yaml": "page: {name: page, in: query, schema: {$ref: '#/number'}}\nnumber: {type: integer}\n",
    "shared/answers.json": json.dumps(
        {
            "orders": {
                "description": "all",
                "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "Order.yaml"}}}},
            }
        }
    ),
    "shared/Order.yaml": """\
type: object
properties:
  total: {$ref: '../api.yaml#/components/schemas/Money'}
  parts: {type: array, items: {$ref: 'Order.yaml'}}
  examples: {$ref: 'parameters.yaml#/number'}
""",
}


@pytest.fixture
def files(tmp_path):
    for name, text in FILES.items():
        (tmp_path / "given" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "given" / name).write_text(text)
    return tmp_path / "given"


def test_files_that_a_document_refers_to_are_part_of_it(project, files, capsys):
    """Paths, operations, parameters, answers and schemas; in themselves and back again, each once."""
    take = ["shop", "--from", str(files / "api.yaml"), "--json", "-"]
    assert main(take, project) == 0
    assert json.loads(capsys.readouterr().out)["operations"] == 2
    taken = load(project / "openapi/shop.yaml")
    schemas = taken["components"]["schemas"]
    assert schemas["Order_2"]["properties"]["parts"]["items"] == {"$ref": "#/components/schemas/Order_2"}
    assert schemas["Order_2"]["properties"]["total"] == {"$ref": "#/components/schemas/Money"}
    assert schemas["Order_2"]["properties"]["examples"] == {"$ref": "#/components/schemas/number"}
    assert taken["components"]["parameters"]["page"]["name"] == "page"

    assert main(take, project) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "unchanged"
    (files / "shared/parameters.yaml").write_text(FILES["shared/parameters.yaml"].replace("integer", "string"))
    main(take, project)
    assert json.loads(capsys.readouterr().out)["verdict"] != "unchanged"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("absent.yaml#/A", "cannot be read"),
        ("../outside.yaml", "outside its folder"),
        ("https://example.com/a.yaml", "bundle it first"),
        ("shared/Order.yaml#/nothing", "has no such place"),
    ],
)
@pytest.mark.parametrize(
    ("place", "lost"),
    [
        ("'paths/orders.yaml'", "every method of /orders"),
        ("'paths/order.yaml#/get'", "GET /orders/{id}"),
        ("'../shared/parameters.yaml#/page'", "GET /orders"),
        ("'../shared/Order.yaml'", "GET /orders/{id}"),
    ],
)
def test_files_that_cannot_be_read_cost_what_needs_them(project, files, capsys, target, said, place, lost):
    """The reason says which file it is, and what to do."""
    up = "../" if place.startswith("'../") and not target.startswith("http") else ""
    for name, text in FILES.items():
        (files / name).write_text(text.replace(place, f"'{up}{target}'"))
    (files.parent / "outside.yaml").write_text("get: {}")
    assert main(["shop", "--from", str(files / "api.yaml"), "--json", "-"], project) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["operations"] == 1
    assert [*report["left out"]] == [lost]
    assert said in report["left out"][lost]
    assert target.partition("#")[0].rpartition("/")[2] in report["left out"][lost]


def test_a_map_that_cannot_be_read_costs_the_document(project, files, capsys):
    """Which of its parts are needed cannot be known; nothing is written."""
    (files / "api.yaml").write_text(
        FILES["api.yaml"].partition("components:")[0] + "components: {schemas: {$ref: no.yaml}}"
    )
    assert main(["shop", "--from", str(files / "api.yaml")], project) == 1
    assert "no.yaml, which cannot be read" in capsys.readouterr().err
    assert not (project / "openapi/shop.yaml").exists()


def test_texts_that_are_not_there_cost_nothing(project, files, capsys):
    """Descriptions and examples are not taken, so the files in which they stand are not needed."""
    text = FILES["api.yaml"].replace("info: {", "tags: [{name: a, description: {$ref: absent/a.md}}]\ninfo: {")
    text = text.replace("version: '1'", "version: '1', description: {$ref: absent/intro.md}")
    (files / "api.yaml").write_text(text)
    order = FILES["paths/order.yaml"].replace("description: one", "description: {$ref: ../absent/one.md}")
    order = order.replace("name: id,", "name: id, description: {$ref: absent/id.md}, example: {$ref: absent/id.json},")
    (files / "paths/order.yaml").write_text(order.replace("get:\n", "get:\n  summary: {$ref: absent/order.md}\n"))
    assert main(["shop", "--from", str(files / "api.yaml"), "--json", "-"], project) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["operations"], report["left out"]) == (2, {})
    assert "absent" not in (project / "openapi/shop.yaml").read_text()
