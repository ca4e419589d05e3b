"""The fields as declared, against the OpenAPI documents and the rows."""

from pathlib import Path
from urllib.parse import parse_qsl

import attrs
import pytest
from ruamel.yaml import YAML

from readahead import kintsugi, sweetspot

ROOT = Path(__file__).parent.parent.parent
LEFT_OUT = {
    "kintsugi": {"page": "the listing's", "size": "the listing's"},
    "sweetspot": {"offset": "the listing's", "limit": "the listing's"},
}
NOT_A_FIELD = {
    "kintsugi": {"customer_tax_registrations": "a list of objects"},
    "sweetspot": {},
}
both = pytest.mark.parametrize(("name", "binding"), [("kintsugi", kintsugi), ("sweetspot", sweetspot)])


def documented(name):
    document = YAML(typ="safe").load(ROOT / "openapi" / f"{name}.yaml")
    return [each for each in document["paths"]["/v1/customers"]["get"]["parameters"] if each["in"] == "query"]


def wire_names(binding):
    """For every field with a parameter, its name on the wire; and for the order."""
    fields, paging = binding.fields.declared.values(), binding.CUSTOMERS.paging.parameters
    parameters = {field.name: {field.param: field.encode(("x",))} for field in fields if field.param}
    parameters |= {"order_by": {"order_by": "city"}} if binding.CUSTOMERS.order else {}
    names = {}
    for name, parameter in parameters.items():
        sent = binding.CUSTOMERS.operation.build_request(**parameter)["url"]
        (names[name],) = {wire for wire, _ in parse_qsl(sent.partition("?")[2])} - set(paging)
    return names


@both
def test_every_documented_parameter_is_reachable_or_left_out_on_purpose(name, binding):
    """And no field is sent as a parameter that is not documented."""
    reachable = wire_names(binding).values()
    assert len(set(reachable)) == len(reachable)
    assert {each["name"] for each in documented(name)} == {*reachable} | LEFT_OUT[name].keys()
    assert binding.CUSTOMERS.paging.parameters == tuple(LEFT_OUT[name])


@both
def test_a_parameter_takes_several_values_where_the_document_says_so(name, binding):
    """A list is a repeated key; ``__in`` is the API's way to say that commas separate."""
    by_wire = {wire: binding.fields.declared.get(word) for word, wire in wire_names(binding).items()}
    for each in documented(name):
        if (field := by_wire.get(each["name"])) is not None:
            expected = "array" in str(each["schema"])
            assert field.many == ("commas" if each["name"].endswith("__in") else expected)


@both
def test_every_attribute_of_a_row_is_a_field_and_every_field_an_attribute_or_a_parameter(name, binding):
    """Nothing that rows carry is out of reach, and nothing is declared that does not exist."""
    attributes = {each.name for each in attrs.fields(binding.Customer) if not each.name.startswith("_")}
    declared = {field.attr for field in binding.fields.declared.values() if field.attr is not None}
    assert declared == attributes - NOT_A_FIELD[name].keys()
    assert all(field.attr or field.param for field in binding.fields.declared.values())
    for word, field in binding.fields.declared.items():
        assert field.name == word
        assert field.attr in {None, word, f"{word}_"}
        assert getattr(binding.fields, word) is field


@both
def test_every_keyword_is_a_parameter(name, binding):
    """The typed dictionary of ``where`` and the fields that the API can be asked for are the same."""
    keywords = binding.CustomerFilters.__annotations__.keys()
    assert keywords == {word for word, field in binding.fields.declared.items() if field.param is not None}


@both
def test_a_field_is_declared_in_one_line(name, binding):
    """Type, parameter and attribute."""
    lines = Path(binding.__file__).read_text().splitlines()
    for word, field in binding.fields.declared.items():
        (line,) = [line for line in lines if line.startswith(f"    {word} = ")]
        assert type(field).__name__ in line
        assert line.endswith(")")
