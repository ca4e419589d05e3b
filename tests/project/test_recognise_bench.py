"""``scripts/bench recognise``: what it counts of a folder of documents."""

import json

from benchmarks.recognise import main

LISTED = {"name": {"type": "string"}, "id": {"type": "string"}}


def listed(*parameters, **around):
    rows = {"type": "array", "items": {"type": "object", "required": ["id"], "properties": LISTED}}
    answer = {"type": "object", "required": ["data"], "properties": {"data": rows, **around}}
    given = [{"name": name, "in": "query", "schema": {"type": "integer"}} for name in parameters]
    content = {"application/json": {"schema": answer}}
    return {"get": {"parameters": given, "responses": {"200": {"description": "", "content": content}}}}


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Pets", "version": "1"},
    "paths": {
        "/pets": listed("offset", "limit"),
        "/owners": listed("page", "size", total={"type": "integer"}),
        "/towns": listed("page_token", "page_size"),  # nothing names the next page
        "/kinds": listed(),
    },
}
JUDGED = """\
document,operation,list
pets.json,GET /pets,offset
pets.json,GET /owners,cursor
pets.json,GET /towns,cursor
pets.json,GET /kinds,whole
pets.json,GET /elsewhere,no
"""


def test_lists_are_counted_compared_and_read(tmp_path, capsys):
    """With the judgement of a person, and from a server that is made from the document."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "pets.json").write_text(json.dumps(DOCUMENT))
    (tmp_path / "judged.csv").write_text(JUDGED)
    judged = ["--judged", str(tmp_path / "judged.csv"), "--json", str(tmp_path / "counted.json")]
    assert main([str(tmp_path / "documents"), *judged]) == 0
    (row,) = json.loads((tmp_path / "counted.json").read_text())
    assert (row["lists"], row["undecided"], row["whole"]) == (2, 1, 1)
    assert (row["judged"], row["recognised"], row["right"]) == (3, 2, 1)
    assert (row["missed"], row["another style"]) == (["GET /towns"], ["GET /owners"])
    assert (row["read"], row["correct"], row["wrong"]) == (2, 2, {})
    told = capsys.readouterr().out
    assert "2 of 3 (66.7%) of what a person calls a list with pages are recognised." in told
    assert "2 of 2 (100.0%) of the lists of all bindings list correctly." in told


def test_a_folder_without_documents_is_told(tmp_path, capsys):
    """They are not part of the project."""
    assert main([str(tmp_path)]) == 0
    assert "no documents there" in capsys.readouterr().out


def test_a_document_that_cannot_be_read_is_told(tmp_path, capsys):
    (tmp_path / "bad.json").write_text('{"swagger": "2.0"}')
    assert main([str(tmp_path), "--names-only", "--json", str(tmp_path / "counted")]) == 1
    assert "Swagger 2.0" in json.loads((tmp_path / "counted").read_text())[0]["failed"]
    assert "| bad.json |" in capsys.readouterr().out
