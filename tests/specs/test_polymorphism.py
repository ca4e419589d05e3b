"""A schema with a discriminator, which others extend, is read as the one that the tag names."""

import httpx
import pytest

from specs.documents.document import reached
from specs.documents.normalise import NAME, normalise
from specs.documents.types import tags

pytestmark = pytest.mark.asyncio

# "Models with Polymorphism Support" of OpenAPI 3.0 and 3.1, without its defaults.
PET = {"$ref": "#/components/schemas/Pet"}
PETS = {
    "Pet": {
        "type": "object",
        "discriminator": {"propertyName": "petType"},
        "properties": {"name": {"type": "string"}, "petType": {"type": "string"}},
        "required": ["name", "petType"],
    },
    "Cat": {
        "description": "A representation of a cat",
        "allOf": [
            PET,
            {
                "type": "object",
                "properties": {"huntingSkill": {"enum": ["clueless", "lazy", "adventurous"], "type": "string"}},
                "required": ["huntingSkill"],
            },
        ],
    },
    "Dog": {
        "description": "A representation of a dog",
        "allOf": [
            PET,
            {"type": "object", "properties": {"packSize": {"type": "integer", "minimum": 0}}, "required": ["packSize"]},
        ],
    },
}
KITTEN = {"allOf": [{"$ref": "#/components/schemas/Cat"}, {"properties": {"weeks": {"type": "integer"}}}]}
CAT = {"name": "Kitty", "petType": "Cat", "huntingSkill": "lazy"}
DOG = {"name": "Rex", "petType": "Dog", "packSize": 3}


def with_mapping(**mapping):
    return {**PETS, "Pet": {**PETS["Pet"], "discriminator": {"propertyName": "petType", "mapping": mapping}}}


@pytest.fixture
def reading(generated):
    """A function that generates a client with one answer, and returns a function that reads a body of it."""

    def make(name, schema, schemas):
        content = {"content": {"application/json": {"schema": schema}}}
        paths = {"/pets": {"get": {"operationId": "pets", "responses": {"200": {"description": "", **content}}}}}
        module = generated(name, paths, schemas)

        async def read(body):
            transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
            async with module("client").Client(base_url="http://api", httpx_args={"transport": transport}) as client:
                return await module("api.default.pets").asyncio(client=client)

        return read

    return make


def kinds(rows):
    return [type(row).__name__ for row in rows]


async def test_the_example_of_the_specification_wherever_a_pet_is(reading):
    """In an answer, a field, a list, a map, and where a note stands beside the reference."""
    holder = {
        "type": "object",
        "properties": {
            "one": PET,
            "many": {"type": "array", "items": PET},
            "named": {"type": "object", "additionalProperties": PET},
            "noted": {"allOf": [PET], "description": "The oldest."},
            "maybe": {"oneOf": [PET, {"type": "null"}]},
            "alias": {"$ref": "#/components/schemas/Alias"},
        },
    }
    read = reading("clients_of_pets", {"$ref": "#/components/schemas/Home"}, {**PETS, "Home": holder, "Alias": PET})
    data = {"one": CAT, "many": [DOG, CAT], "named": {"a": DOG}, "noted": DOG, "maybe": CAT, "alias": CAT}
    home = await read(data)
    found = [home.one, *home.many, home.named["a"], home.noted, home.maybe, home.alias]
    assert kinds(found) == ["Cat", "Dog", "Cat", "Dog", "Dog", "Cat", "Cat"]
    assert (home.one.hunting_skill, home.noted.pack_size, home.noted.name) == ("lazy", 3, "Rex")
    assert home.to_dict() == data
    assert (await read({"maybe": None})).maybe is None


@pytest.mark.parametrize("tag", [{"petType": "Fish"}, {"petType": None}, {"petType": ["Dog"]}, {"petType": "Pet"}, {}])
async def test_a_tag_that_names_none_is_the_schema_itself(reading, tag):
    """So is a missing one, whatever the other fields are."""
    pet = await reading("clients_of_fish", PET, PETS)({"name": "Nemo", "packSize": 3, **tag})
    assert (type(pet).__name__, pet.name, pet["packSize"]) == ("Pet", "Nemo", 3)


async def test_a_mapping_comes_before_the_names_of_schemas(reading):
    """Whether it refers to a schema or names it, which need not extend this one; others are still found by name."""
    schemas = with_mapping(Dog="#/components/schemas/Cat", wolf="Dog", bot="Robot", lost="#/components/schemas/Lost")
    schemas["Robot"] = {"type": "object", "properties": {"petType": {"type": "string"}}}
    read = reading("clients_of_mapped_pets", {"type": "array", "items": PET}, schemas)
    names = {"Dog": "Cat", "wolf": "Dog", "Cat": "Cat", "bot": "Robot", "lost": "Pet", "Pet": "Pet"}
    assert kinds(await read([{"name": "x", "petType": tag} for tag in names])) == [*names.values()]


async def test_what_extends_those_that_extend_it(reading):
    """Is a kind of both."""
    home = {"type": "object", "properties": {"pets": {"type": "array", "items": PET}, "cat": KITTEN["allOf"][0]}}
    read = reading("clients_of_kittens", home, {**PETS, "Kitten": KITTEN})
    kitten = {**CAT, "petType": "Kitten", "weeks": 7}
    found = await read({"pets": [kitten, CAT, DOG], "cat": kitten})
    assert kinds([*found.pets, found.cat]) == ["Kitten", "Cat", "Dog", "Kitten"]
    assert (found.cat.weeks, found.cat.hunting_skill, found.cat.name) == (7, "lazy", "Kitty")
    assert kinds([(await read({"cat": DOG})).cat]) == ["Cat"]  # no dog is a cat


async def test_pets_inside_pets(reading):
    """The schema may refer to itself, and to its kinds, which have that from it."""
    pet = {**PETS["Pet"], "properties": {**PETS["Pet"]["properties"], "friends": {"type": "array", "items": PET}}}
    dog = {"allOf": [*PETS["Dog"]["allOf"], {"properties": {"prey": {"$ref": "#/components/schemas/Cat"}}}]}
    read = reading("clients_of_friends", PET, {**PETS, "Pet": pet, "Dog": dog})
    rex = await read({**DOG, "friends": [{**CAT, "friends": [DOG]}], "prey": CAT})
    assert kinds([rex, *rex.friends, *rex.friends[0].friends, rex.prey]) == ["Dog", "Cat", "Dog", "Cat"]


async def test_kinds_that_add_nothing_and_a_schema_without_fields(reading):
    """Are classes nevertheless."""
    bare = {"Pet": {"type": "object", "discriminator": {"propertyName": "petType"}}, "Cat": {"allOf": [PET]}}
    read = reading("clients_of_bare_pets", {"type": "array", "items": PET}, bare)
    assert kinds(await read([CAT, {"name": "Nemo"}])) == ["Cat", "Pet"]


async def test_a_schema_that_may_be_null(generated):
    """Of OpenAPI 3.1, where it is a type."""
    schemas = {**PETS, "Pet": {**PETS["Pet"], "type": ["object", "null"]}}
    home = {"type": "object", "properties": {"pet": PET}}
    content = {"content": {"application/json": {"schema": home}}}
    paths = {"/pets": {"get": {"operationId": "pets", "responses": {"200": {"description": "", **content}}}}}
    row = generated("clients_of_no_pets", paths, schemas)("models").PetsResponse200
    assert kinds([row.from_dict({"pet": DOG}).pet, row.from_dict({"pet": None}).pet]) == ["Dog", "NoneType"]


async def test_a_union_that_lists_kinds_means_the_schema_itself(reading):
    """Its discriminator says which it is."""
    union = {
        "oneOf": [PET, {"$ref": "#/components/schemas/Dog"}],
        "discriminator": {"propertyName": "petType", "mapping": {"any": PET["$ref"], "dog": "Dog"}},
    }
    read = reading("clients_of_listed_pets", {"type": "array", "items": union}, PETS)
    found = await read([{**CAT, "petType": "any"}, {**DOG, "petType": "dog"}, CAT])
    assert kinds(found) == ["Pet", "Dog", "dict"]


async def test_a_class_under_another_name_has_its_old_tag():
    """An overlay renames the class, not what the server sends."""
    content = {"content": {"application/json": {"schema": PET}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/pets": {"get": {"operationId": "pets", "responses": {"200": {"description": "", **content}}}}},
        "components": {"schemas": {**PETS, "Dog": {**PETS["Dog"], NAME: "Hound"}}},
    }
    (tag,) = tags(normalise(document)).values()
    assert tag == ({"petType": {"Cat": "Cat", "Dog": "Hound", "Pet": "Pet"}}, "Pet")


async def test_what_is_taken_with_a_schema():
    """All of its kinds where a value may be any of them, and none where it is a part of another schema only."""
    schemas = {**PETS, "Kitten": KITTEN, "Alias": PET}
    for name, expected in (("Pet", {*PETS, "Kitten"}), ("Alias", {*schemas}), ("Cat", {"Cat", "Kitten", "Pet"}),
                           ("Dog", {"Dog", "Pet"})):  # fmt: skip
        start = {"$ref": f"#/components/schemas/{name}"}
        assert {*reached({"components": {"schemas": schemas}}, start)["schemas"]} == expected


async def test_a_pet_in_a_body(generated):
    """Is sent with what its kind has, under the names that the document has."""
    cat = {"allOf": [PET, {"type": "object", "properties": {"nine-lives": {"type": "integer"}}}]}
    content = {"required": True, "content": {"application/json": {"schema": PET}}}
    operation = {"operationId": "add", "requestBody": content, "responses": {"204": {"description": ""}}}
    module = generated("clients_that_send_pets", {"/pets": {"post": operation}}, {**PETS, "Cat": cat})
    build = module("api.default.add").build_request
    assert build(body={"name": "Rex", "pet_type": "Dog", "pack_size": 3})["json"] == DOG
    written = {"name": "Kitty", "petType": "Cat", "nine-lives": 9}
    assert build(body={"name": "Kitty", "pet_type": "Cat", "nine_lives": 9})["json"] == written
