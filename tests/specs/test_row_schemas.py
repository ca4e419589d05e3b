"""Generated rows of any document, as pydantic and tables of data see them."""

import datetime as dt
import importlib
import json
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from specs.documents import generate
from specs.pipeline.command import ROOT

THING = {
    "id": "1",
    "at": "2025-01-02T03:04:05+00:00",
    "colour": "light-red",
    "day": "2025-01-02",
    "key": "12345678-1234-5678-1234-567812345678",
    "level": 2,
    "kind": "thing",
    "size": 2.5,
    "anything": {"a": [1]},
    "tag": {"name": "t", "colour": "red"},
    "tags": [{"name": "u"}, {"name": "v", "new": 1}],
    "days": ["2025-01-02"],
    "parent": {"id": "0", "at": "2025-01-02T03:04:05Z", "colour": "beige"},
    "shape": {"side": 2},
    "when": "2025-01-02",
    "shade": "light",
    "labels": {"a": "b"},
    "tagged": {"x": {"name": "w"}},
    "inner": {"depth": 1},
    "odd-name": "yes",
    "new": {"b": None},
}


def test_every_kind_is_validated_to_what_is_read(kinds):
    """What follows the document becomes the row that reading makes of it, with the same classes at every depth."""
    schema = TypeAdapter(kinds.Thing)
    read = kinds.Thing.from_dict(THING)
    for thing in (schema.validate_python(THING), schema.validate_json(json.dumps(THING)), schema.validate_python(read)):
        assert thing == read
        assert thing.to_dict() == read.to_dict()
        assert [type(thing[name]) for name in thing] == [type(read[name]) for name in read]
    assert (
        json.loads(schema.dump_json(read)) == schema.dump_python(read) == read.to_dict() == json.loads(read.to_json())
    )


def test_a_mapping_of_a_row_is_that_row(kinds):
    """Of the values that a row has, not only of their JSON."""
    thing = kinds.Thing.from_dict(THING)
    assert kinds.Thing.from_dict(dict(thing)) == kinds.Thing.from_dict({**thing}) == thing
    assert TypeAdapter(kinds.Thing).validate_python(dict(thing)) == thing
    assert dict(thing.items()) == dict(thing)
    assert list(thing.values()) == [thing[name] for name in thing]
    assert (len(thing), thing.get("new"), thing.get("nothing", 7)) == (len(dict(thing)), {"b": None}, 7)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"id": None}, ("id",)),
        ({"at": "yesterday"}, ("at",)),
        ({"day": "2025-13-01"}, ("day",)),
        ({"count": "many"}, ("count",)),
        ({"tags": [{"name": "u"}, {"colour": "red"}]}, ("tags", 1, "name")),
        ({"tags": [3]}, ("tags", 0)),
        ({"parent": {"id": "0", "at": "2025-01-02T03:04:05Z"}}, ("parent", "colour")),
    ],
    ids=str,
)
def test_what_does_not_follow_the_document_is_not_valid(kinds, change, place):
    """The error names the place, where reading keeps what came."""
    sent = {**THING, **change}
    assert kinds.Thing.from_dict(sent)["id"] == sent["id"]
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kinds.Thing).validate_python(sent)
    assert [error["loc"][: len(place)] for error in caught.value.errors()] == [place]


def test_rows_in_circles_have_one_schema_each(kinds):
    """A row that contains rows of its own class, and many of another one."""
    schema = TypeAdapter(kinds.Thing).json_schema()
    assert set(schema["$defs"]) == {"Thing", "Tag", "Circle", "Square", "Colour", "Grey", "ThingInner", "ThingLevel"}
    properties = schema["$defs"]["Thing"]["properties"]
    assert properties["parent"]["anyOf"] == [{"$ref": "#/$defs/Thing"}, {"type": "null"}]
    assert (properties["at"]["format"], properties["at"]["type"]) == ("date-time", "string")
    assert {"format": "date", "type": "string"} in properties["day"]["anyOf"]
    assert {"format": "uuid", "type": "string"} in properties["key"]["anyOf"]
    assert schema["$defs"]["Thing"]["required"] == ["id", "at", "colour"]
    assert schema["$defs"]["Thing"]["additionalProperties"] is True


def test_listed_values_are_shown_and_any_text_is_valid(kinds):
    """An enumeration that may grow is no `enum`: what is not listed yet would not be valid."""
    schema = TypeAdapter(kinds.Grey)
    assert schema.json_schema()["anyOf"] == [{"type": "string", "enum": ["dark", "light"]}, {"type": "string"}]
    assert schema.validate_json('"dark"') is schema.validate_python(kinds.Grey.DARK) is kinds.Grey.DARK
    assert schema.validate_python("silver") == kinds.Grey.unlisted("silver")
    assert not schema.validate_python("silver").is_listed
    with pytest.raises(ValidationError):
        schema.validate_python(3)


def test_tables_of_pandas_and_polars_have_columns(kinds):
    """Of rows as they are; times stay times."""
    import pandas as pd
    import polars as pl

    rows = [kinds.Thing.from_dict({**THING, "id": str(number)}) for number in range(3)]
    table = pd.DataFrame(tuple(rows))
    assert list(table) == list(rows[0])
    assert list(table["id"]) == ["0", "1", "2"]
    assert table["at"][0] == dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    flat = [kinds.Tag.from_dict({"name": str(number), "colour": "red", "new": number}) for number in range(3)]
    assert pl.DataFrame(tuple(flat)).to_dicts() == [tag.to_dict() for tag in flat]


@pytest.fixture(scope="module")
def odd_names(tmp_path_factory):
    """A row whose fields are called like the methods of a mapping and of a row."""
    folder = tmp_path_factory.mktemp("names")
    names = ["items", "values", "keys", "get", "to_json", "to_dict"]
    properties = {name: {"type": "array", "items": {"type": "integer"}} for name in names}
    content = {"application/json": {"schema": {"type": "object", "title": "Odd", "properties": properties}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Names", "version": "1"},
        "paths": {
            "/odd": {
                "get": {
                    "operationId": "get_odd",
                    "tags": ["x"],
                    "responses": {"200": {"description": "", "content": content}},
                }
            }
        },
    }
    generate.clients({"api": document}, ROOT / "openapi" / "templates", folder / "generated")
    (folder / "generated" / generate.PACKAGE).rename(folder / "clients_of_odd_names")
    sys.path.insert(0, str(folder))
    try:
        models = importlib.import_module("clients_of_odd_names.api.models")
    finally:
        sys.path.remove(str(folder))
    return getattr(models, models.__all__[0]), {name: [1] for name in names}


def test_fields_called_like_methods(odd_names):
    """A row is a mapping all the same; `items` and `values` are common, so that they keep their names."""
    import pandas as pd
    import polars as pl

    cls, sent = odd_names
    row = cls.from_dict(sent)
    assert [getattr(row, name) for name in ("items", "values", "keys_", "get_", "to_json_", "to_dict_")] == [[1]] * 6
    assert dict(row) == {**row} == row.to_dict() == json.loads(row.to_json()) == sent
    assert cls.from_dict(dict(row)) == row == TypeAdapter(cls).validate_python(sent)
    assert json.loads(TypeAdapter(cls).dump_json(row, exclude_none=True)) == sent
    assert list(pd.DataFrame([row])) == pl.DataFrame([row]).columns == list(sent)
