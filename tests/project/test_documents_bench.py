"""``scripts/bench documents``: what it counts of a document."""

import json

from benchmarks.documents import main

DOCUMENT = """\
openapi: 3.1.0
info: {title: Pets, version: '1'}
paths:
  /pets/{id}:
    get:
      operationId: pet
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses:
        '200':
          description: one
          content:
            application/json:
              schema: {type: object, properties: {born: {type: string, format: date}, legs: {type: integer}}}
              examples: {a: {value: {born: '2026-01-02', legs: 4, more: [1]}}, b: {value: {born: yesterday}}}
  /bad: {get: {operationId: bad, responses: {'200': {$ref: '#/components/responses/None'}}}}
"""


def test_operations_and_examples_are_counted(tmp_path, capsys):
    """And what was left out, with its reason."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "pets.yaml").write_text(DOCUMENT)
    assert main([str(tmp_path / "documents"), "--json", str(tmp_path / "counted.json")]) == 0
    (row,) = json.loads((tmp_path / "counted.json").read_text())
    assert (row["in"], row["out"], row["left out"]) == (2, 1, 1)
    assert row["reasons"].keys() == {"GET /bad"}
    assert (row["examples"], row["equal"], row["different"], row["refused"]) == (2, 2, 0, 0)
    assert row["s"] > 0
    assert row["peak MB"] > 0
    assert "| pets.yaml |" in capsys.readouterr().out
