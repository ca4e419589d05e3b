import copy
import datetime as dt
import gc
import json
import pickle
import subprocess
import sys
import typing
from uuid import UUID

import pytest

from readahead_clients.kintsugi.models import Country, Customer, NewCustomer
from readahead_clients.sweetspot.models import CreditStatus
from readahead_clients.sweetspot.models import Customer as Leaser

ROW = dict.fromkeys(Customer.FIELDS) | {
    "id": "cust_1",
    "organization_id": "org_1",
    "country": "US",
    "status": "ACTIVE",
    "customer_tax_registrations": [
        {"id": "r", "customer_id": "cust_1", "country_code": "DE", "tax_type": "vat", "tax_id": "1", "is_valid": True}
    ],
}
# as documented; with fields missing; with unknown ones; with both, as many as documented in all
SHAPES = {
    "whole": lambda row: row,
    "short": lambda row: {key: value for key, value in row.items() if key not in {"phone", "email"}},
    "long": lambda row: {**row, "loyalty": {"points": 3}},
    "crossed": lambda row: {"loyalty": 3, **{key: value for key, value in row.items() if key != "phone"}},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_says_what_was_sent(shape):
    """Whatever is missing or added, each value sent is found by its wire name, and what is missing is None."""
    sent = SHAPES[shape](ROW)
    customer = Customer.from_dict(sent)
    assert {name: customer.to_dict()[name] for name in sent} == sent
    assert all(name in customer for name in [*sent, "phone"])
    assert customer.phone is None
    assert customer.country is Country.US
    assert customer.customer_tax_registrations[0].country_code is Country.DE
    assert list(customer) == list(customer.to_dict())


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_compare_copy_and_pickle(shape):
    """A copy, a pickle and a second reading are equal to the row; a row that differs in any field is not."""
    sent = SHAPES[shape](ROW)
    customer = Customer.from_dict(sent)
    assert customer == Customer.from_dict(sent) == copy.copy(customer) == copy.deepcopy(customer)
    assert customer == pickle.loads(pickle.dumps(customer))
    assert customer != Customer.from_dict({**sent, "name": "another"})
    assert customer != Customer.from_dict({**sent, "new": 1})


def test_unknown_fields_are_kept_by_wire_name():
    """A field that the document does not declare is part of the row; one that nobody sent is a KeyError."""
    customer = Customer.from_dict({**ROW, "loyalty": {"points": 3}})
    assert customer["loyalty"] == {"points": 3}
    assert "loyalty" in customer
    for row in (customer, Customer.from_dict(ROW)):
        assert "nothing" not in row
        with pytest.raises(KeyError, match="nothing"):
            row["nothing"]


def test_a_row_without_unknown_fields_carries_no_dictionary():
    """A row costs its slots: there is no dictionary in it unless the server sent unknown fields."""
    customer = Customer.from_dict(ROW)
    assert not hasattr(customer, "__dict__")
    assert not any(type(value) is dict for value in gc.get_referents(customer))
    assert any(type(value) is dict for value in gc.get_referents(Customer.from_dict(ROW | {"new": 1})))


@pytest.mark.parametrize("odd", [None, 7, True, 1.5, "a text", [], [1], {}, {"a": 1}], ids=repr)
def test_odd_values_are_kept_as_they_came(odd):
    """No value in any field makes a row unreadable, and a null or scalar is exactly what was sent."""
    for row in (dict.fromkeys(Customer.FIELDS, odd), dict.fromkeys([*Customer.FIELDS, "new"], odd)):
        customer = Customer.from_dict(row)
        for name in row:
            assert customer[name] == odd
            assert type(customer[name]) is type(odd) or isinstance(odd, str)
    for name in Leaser.FIELDS:
        assert Leaser.from_dict({name: odd})[name] == odd


@pytest.mark.parametrize("odd", [None, 7, "text" * 5, [1] * 21, []], ids=repr)
def test_what_is_no_object_is_no_row(odd):
    """Only what is not an object at all is refused, with the class and what came."""
    with pytest.raises(TypeError, match="Customer must be read from an object"):
        Customer.from_dict(odd)


def test_points_in_time():
    """Nine fractional digits and Z are read; text that names no point in time stays text."""
    row = Leaser.from_dict({"createdAt": "2025-11-22T10:11:12.123456789Z", "updatedAt": "yesterday"})
    assert row.created_at == dt.datetime(2025, 11, 22, 10, 11, 12, 123456, tzinfo=dt.UTC)
    assert row["createdAt"] is row.created_at
    assert row.updated_at == "yesterday"
    assert json.dumps(row.to_dict())


def test_newer_fields_may_be_absent():
    """A row from before a field existed is read, and the field is None."""
    row = Leaser.from_dict({"id": "1", "creditStatus": "passed", "userId": None})
    assert row.credit_status is CreditStatus.PASSED
    assert row.identity_verification_status is None


def test_types_of_rows_are_honest():
    """No attribute is typed with anything of the generator's own."""
    for cls in (Customer, Leaser):
        assert not [name for name, hint in cls.__annotations__.items() if "Unset" in hint]


def test_an_endpoint_imports_only_what_it_needs():
    """Importing the function that gets a customer does not import what is only sent."""
    code = (
        "import sys; import readahead_clients.kintsugi.api.customers.get_customer;"
        "print(*[m for m in sys.modules if m.startswith('readahead_clients.kintsugi.models.')])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "models.customer" in loaded
    assert "new_customer" not in loaded
    with pytest.raises(AttributeError, match="Nobody"):
        from readahead_clients.kintsugi import models

        _ = models.Nobody


def test_bodies_are_dictionaries_in_which_a_key_may_be_absent():
    """A body needs no key that the document does not require, takes null and plain text, and is sent as it is."""
    from readahead_clients.kintsugi.api.customers import update_customer

    body = {"phone": None, "country": Country.CA}
    assert update_customer.build_request("a/b", body=body) == {
        "method": "put",
        "url": "/v1/customers/a%2Fb",
        "json": body,
        "headers": {"Content-Type": "application/json"},
    }
    assert not NewCustomer.__required_keys__
    assert typing.get_type_hints(NewCustomer)["country"] == Country | str | None


def test_keys_of_a_body_are_called_like_attributes():
    """A body has the names that rows have, the wire has its own; absent stays absent, and null null."""
    from readahead_clients.sweetspot.api.customers import update_customer

    made = update_customer.build_request("1", body={"first_name": "A", "last_name": None, "zip": "8010"})
    assert made["json"] == {"firstName": "A", "lastName": None, "zip": "8010"}


# --- every kind of property


def test_every_kind_is_read(kinds):
    """Each kind of property becomes the Python value of its kind."""
    sent = {
        "id": "1",
        "at": "2025-01-02T03:04:05Z",
        "colour": "light-red",
        "day": "2025-01-02",
        "key": "12345678-1234-5678-1234-567812345678",
        "level": 2,
        "kind": "thing",
        "size": 2.5,
        "count": None,
        "anything": {"a": [1]},
        "tag": {"name": "t", "colour": "red"},
        "tags": [{"name": "u"}, {"name": "v", "new": 1}],
        "days": ["2025-01-02", "never"],
        "parent": {"id": "0"},
        "shape": {"side": 2},
        "when": "2025-01-02",
        "shade": "light",
        "labels": {"a": "b"},
        "tagged": {"x": {"name": "w"}},
        "inner": {"depth": 1},
        "class": "first",
        "odd-name": "yes",
        "default": "dark",
    }
    thing = kinds.Thing.from_dict(sent)
    assert thing.at == dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert thing.colour is kinds.Colour.LIGHT_RED
    assert thing.colour == "light-red"
    assert thing.day == dt.date(2025, 1, 2)
    assert thing.key == UUID("12345678123456781234567812345678")
    assert thing.level is kinds.ThingLevel.VALUE_2
    assert thing.tag == kinds.Tag.from_dict({"name": "t", "colour": "red"})
    assert [tag.name for tag in thing.tags] == ["u", "v"]
    assert thing.tags[1]["new"] == 1
    assert thing.days == [dt.date(2025, 1, 2), "never"]
    assert thing.parent.id == "0"
    assert thing.shape == kinds.Square.from_dict({"side": 2})
    assert thing.when == dt.date(2025, 1, 2)
    assert thing.shade is kinds.Grey.LIGHT
    assert thing.labels == {"a": "b"}
    assert thing.tagged["x"].name == "w"
    assert thing.inner.depth == 1
    assert thing.class_ == thing["class"] == "first"
    assert thing.odd_name == thing["odd-name"] == "yes"
    assert thing.default is kinds.Grey.DARK
    absent_inside = {"tag", "tags", "parent", "tagged"}
    assert {k: v for k, v in thing.to_dict().items() if k not in absent_inside} == {
        **{k: v for k, v in sent.items() if k not in absent_inside},
        "at": "2025-01-02T03:04:05+00:00",
    }
    assert json.loads(json.dumps(thing.to_dict()))["tags"][1] == {"name": "v", "colour": None, "new": 1}
    assert pickle.loads(pickle.dumps(thing)) == thing


@pytest.mark.parametrize("odd", [None, 7, True, 1.5, "a text", [], [1], {"a": 1}, [{"a": 1}]], ids=repr)
def test_every_kind_keeps_what_it_cannot_read(kinds, odd):
    """No value of any other kind makes a row unreadable; plain data comes out as it went in."""
    sent = dict.fromkeys(kinds.Thing.FIELDS, odd)
    thing = kinds.Thing.from_dict(sent)
    if not isinstance(odd, list | dict):
        assert thing.to_dict() == sent
    assert json.dumps(thing.to_dict())


def test_a_union_of_rows_is_read_by_its_required_fields(kinds):
    """Of several objects that may stand in a place the one whose required fields came is read, else none."""
    read = kinds.Thing.from_dict
    assert type(read({"shape": {"radius": 1}}).shape) is kinds.Circle
    assert type(read({"shape": {"side": 1}}).shape) is kinds.Square
    assert read({"shape": {"height": 1}}).shape == {"height": 1}


def test_no_value_of_an_enumeration_is_lost(kinds):
    """Values that would have the same name in Python each have a member."""
    assert kinds.Colour.listed() == ("red", "light-red", "light_red", "3rd", "")
    assert [kinds.Colour.RED, kinds.Colour.LIGHT_RED, kinds.Colour.LIGHT_RED_2] == ["red", "light-red", "light_red"]


def test_a_schema_on_both_sides_is_split(kinds):
    """What is sent has types of its own, in which only what is required must be there."""
    assert kinds.ThingInput.__required_keys__ == {"id", "at", "colour"}
    assert kinds.TagInput.__required_keys__ == {"name"}
    assert "name" in kinds.Tag.FIELDS
    assert kinds.TagForm.__required_keys__ == {"name"}


def test_of_several_bodies_json_is_sent(kinds):
    """An operation that takes JSON and a form has one body, JSON, and it is sent as given."""
    from clients_of_every_kind.api.api.things import create_thing, tag_thing

    body = {"id": "1", "at": "now", "colour": "red"}
    assert create_thing.build_request(body=body)["json"] == body
    assert tag_thing.build_request("1", body=[{"name": "x"}])["json"] == [{"name": "x"}]


def test_names_are_put_in_place_at_every_depth(kinds):
    """In objects, lists, maps and unions, and in what is not declared; what is already on the wire's terms stays."""
    from clients_of_every_kind.api.api.things import create_owners, create_thing

    owner = {
        "full_name": "A",
        "zip": "1",
        "from_": None,
        "next_owner": {"full_name": "B", "heirs": [{"full_name": "C"}, None]},
        "by_year": {"1999": {"full_name": "D"}},
        "bank": {"iban_number": "AT", "own_name": "x"},
        "anotherCard": {"number": "1", "expires_on": "2030"},
    }
    sent = {
        "fullName": "A",
        "zip": "1",
        "from": None,
        "next owner": {"fullName": "B", "heirs": [{"fullName": "C"}, None]},
        "byYear": {"1999": {"fullName": "D"}},
        "bank": {"ibanNumber": "AT", "ownName": "x"},
        "anotherCard": {"number": "1", "expiresOn": "2030"},
    }
    assert create_owners.build_request(body=[owner, {"bank": None}])["json"] == [sent, {"bank": None}]
    assert create_owners.build_request(body=[{"bank": {"number": "1", "expires_on": "x"}}])["json"] == [
        {"bank": {"number": "1", "expiresOn": "x"}}
    ]
    assert "json" not in create_owners.build_request()
    assert kinds.Owner.__required_keys__ == {"full_name"}
    assert create_thing.build_request(body={"odd_name": "x", "class_": "y"})["json"] == {"odd-name": "x", "class": "y"}
