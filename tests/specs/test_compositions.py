"""Objects that are put together of several schemas keep every property, and every kind of them has a class."""

import pytest

CIRCLE = {"type": "object", "required": ["radius"], "properties": {"radius": {"type": "number"}}}
SQUARE = {"type": "object", "required": ["side"], "properties": {"side": {"type": "number"}}}
DRAWN = {"type": "object", "properties": {"drawn": {"type": "string", "format": "date"}}}
KINDS = [{"$ref": "#/components/schemas/Circle"}, {"$ref": "#/components/schemas/Square"}]
BASE = {"$ref": "#/components/schemas/Shape"}


@pytest.fixture
def reading(generated):
    def read(name, shape, **schemas):
        content = {"application/json": {"schema": {"type": "array", "items": BASE}}}
        paths = {
            "/s": {
                "get": {"operationId": "shapes", "responses": {"200": {"description": "all", "content": content}}},
            }
        }
        found = {"Shape": shape, "Circle": CIRCLE, "Square": SQUARE, "Drawn": DRAWN, **schemas}
        module = generated(name, paths, found)
        return lambda kind, data: getattr(module("models"), kind).from_dict(data)

    return read


@pytest.mark.parametrize("union", ["oneOf", "anyOf"])
def test_properties_beside_a_union_are_those_of_each_branch(reading, union):
    """The classes of the branches elsewhere are as they were."""
    read = reading(f"clients_beside_{union.lower()}", {**DRAWN, "required": ["drawn"], union: KINDS})
    circle = read("ShapeCircle", {"radius": 1.5, "drawn": "2026-01-02"})
    assert (circle.radius, circle.drawn.year) == (1.5, 2026)
    assert read("ShapeSquare", {"side": 2, "drawn": "2026-01-02"}).drawn.day == 2


def test_branches_that_only_say_what_is_required_are_no_classes(reading):
    """The object is one class."""
    properties = {**CIRCLE["properties"], **SQUARE["properties"]}
    wanted = [{"required": ["radius"]}, {"required": ["side"]}]
    read = reading("clients_of_required", {"type": "object", "properties": properties, "anyOf": wanted})
    assert read("Shape", {"side": 3.0}).side == 3.0


def test_a_union_among_the_parts_of_an_object(reading):
    """Each branch has the other parts."""
    read = reading("clients_of_parts", {"allOf": [{"$ref": "#/components/schemas/Drawn"}, {"oneOf": KINDS}]})
    circle = read("ShapeCircle", {"radius": 1.5, "drawn": "2026-01-02"})
    assert (circle.radius, circle.drawn.month) == (1.5, 1)


def test_a_part_that_is_a_text_alone(reading):
    """It makes no other classes of the branches of a union beside it."""
    nothing = {"type": ["object", "null"], "additionalProperties": False}
    inner = {"allOf": [{"oneOf": [*KINDS, nothing]}, {"description": "The shape inside."}]}
    read = reading("clients_of_texts", {"type": "object", "properties": {"inner": inner}})
    assert type(read("Shape", {"inner": {"side": 1}}).inner).__name__ == "Square"
    assert read("Shape", {"inner": None}).inner is None


def test_a_branch_among_the_parts_that_adds_nothing(reading):
    """It is an object of the other parts alone."""
    union = {"oneOf": [{"type": "object"}, *KINDS]}
    read = reading("clients_of_nothing_more", {"allOf": [{"$ref": "#/components/schemas/Drawn"}, union]})
    assert read("ShapeSquare", {"side": 2, "drawn": "2026-01-02"}).drawn.day == 2
    assert read("ShapeType0", {"drawn": "2026-01-02"}).drawn.day == 2


def test_a_part_of_an_object_that_may_be_null(reading):
    """An object is no null, so it has the properties of the other branch."""
    maybe = {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Circle"}]}
    read = reading("clients_of_null_parts", {"allOf": [maybe, DRAWN]})
    shape = read("Shape", {"radius": 1.5, "drawn": "2026-01-02"})
    assert (shape.radius, shape.drawn.month) == (1.5, 1)


def test_what_stands_beside_a_reference_holds_too(reading):
    """In OpenAPI 3.1."""
    read = reading("clients_of_siblings", {"$ref": "#/components/schemas/Circle", **DRAWN, "required": ["drawn"]})
    shape = read("Shape", {"radius": 1.5, "drawn": "2026-01-02"})
    assert (shape.radius, shape.drawn.month) == (1.5, 1)


def test_a_base_that_lists_the_kinds_which_extend_it(reading):
    """Each is a class with what they have in common, and the discriminator tells them apart."""
    shape = {
        **DRAWN,
        "required": ["kind"],
        "properties": {**DRAWN["properties"], "kind": {"type": "string"}},
        "oneOf": KINDS,
        "discriminator": {"propertyName": "kind", "mapping": {"c": KINDS[0]["$ref"], "s": KINDS[1]["$ref"]}},
    }
    extended = {"Circle": {"allOf": [BASE, CIRCLE]}, "Square": {"allOf": [BASE, SQUARE]}}
    read = reading("clients_of_a_base", shape, **extended)
    circle = read("Circle", {"kind": "c", "drawn": "2026-01-02", "radius": 1})
    assert (circle.kind, circle.drawn.day, circle.radius) == ("c", 2, 1)
    assert read("Square", {"kind": "s", "side": 1}).side == 1


@pytest.mark.parametrize("place", ["body", "response"])
def test_properties_beside_a_union_of_unions_are_those_of_each_branch(generated, place):
    """Also where it is written in an operation, and not a schema by itself."""
    schema = {**DRAWN, "oneOf": [{"$ref": "#/components/schemas/Round"}, {"$ref": "#/components/schemas/Square"}]}
    content = {"content": {"application/json": {"schema": schema}}}
    given = {"responses": {"204": {"description": ""}}}
    given |= {"requestBody": content} if place == "body" else {"responses": {"200": {"description": "", **content}}}
    round_ = {"oneOf": [{"$ref": "#/components/schemas/Circle"}, {"$ref": "#/components/schemas/Oval"}]}
    oval = {"type": "object", "required": ["radii"], "properties": {"radii": {"type": "string"}}}
    schemas = {"Round": round_, "Circle": CIRCLE, "Oval": oval, "Square": SQUARE}
    module = generated(f"clients_of_unions_in_a_{place}", {"/s": {"post": {"operationId": "draw", **given}}}, schemas)
    models = module("models")
    found = [getattr(models, name) for name in models.__all__ if name.startswith("Draw")]
    fields = [{*getattr(kind, "FIELDS", kind.__annotations__)} for kind in found]
    assert sorted(map(sorted, fields)) == [["drawn", "radii"], ["drawn", "radius"], ["drawn", "side"]]
