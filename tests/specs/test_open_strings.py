import copy
import json
import pickle

import orjson
import pytest

from readahead_clients.kintsugi.models import Country, Source
from readahead_clients.runtime import OpenStr


def test_a_listed_value_is_one_object():
    """However a listed value is come by, it is the same object, and equal to its text."""
    assert Country("CA") is Country.CA
    assert Country.unlisted("CA") is Country.CA
    assert Country.read("CA") is Country.CA
    assert Country.CA == "CA"
    assert hash(Country.CA) == hash("CA")
    assert {"CA": 1}[Country.CA] == 1


def test_a_wrong_value_is_an_error_that_helps():
    """A value that is not listed is refused with its name, the nearest listed ones and the way to insist."""
    with pytest.raises(
        ValueError, match=r"'SHOPFIY' is not a listed Source; did you mean 'SHOPIFY'\? \(use Source.unlisted"
    ) as caught:
        Source("SHOPFIY")
    assert "SHOPIFY" in str(caught.value)
    with pytest.raises(ValueError, match=r"did you mean 'SHOPIFY'\?"):
        Source("shopify")
    with pytest.raises(TypeError):
        Source(7)


def test_an_unlisted_value_is_of_the_class_and_says_so():
    """What the document does not list yet is still a Country, equal to its text, and known as unlisted."""
    new = Country.unlisted("XX")
    assert isinstance(new, Country)
    assert new == "XX"
    assert (new.is_listed, Country.CA.is_listed) == (False, True)
    assert new not in Country.listed()
    with pytest.raises(TypeError):
        Country.unlisted(None)


def test_what_is_no_string_is_read_as_it_came():
    """Nulls, numbers, objects and arrays where a country was due stay what they are."""
    for odd in (None, 7, True, {"a": 1}, ["CA"]):
        assert Country.read(odd) is odd


def test_values_are_listed_in_the_order_of_the_document():
    """`listed()` has every value once, in the document's order."""
    assert Country.listed()[:3] == ("AF", "AX", "AL")
    assert Country.listed()[-1] is Country.ZZ_EU
    assert len(Country.listed()) == len(set(Country.listed())) == 251


def test_names_of_members_are_names():
    """A value that is no Python name has a member all the same."""
    assert Source.SAGE_INTACCT == "SAGE-INTACCT"


@pytest.mark.parametrize("value", [Country.CA, Country.unlisted("XX")])
def test_copies_and_pickles(value):
    """Copies and pickles are the same value of the same class; a listed one is the same object."""
    for made in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert type(made) is Country
        assert made == value
        assert (made is value) or not value.is_listed


def test_texts():
    """`str`, `format`, `value` and JSON give the bare text; `repr` gives what makes the value."""
    assert type(str(Country.CA)) is str
    assert f"{Country.CA}|{Country.CA:>3}|{Country.CA.value}" == "CA| CA|CA"
    assert json.dumps([Country.CA]) == '["CA"]'
    assert orjson.dumps([Country.CA]) == b'["CA"]'
    assert repr(Country.CA) == "Country.CA"
    assert repr(Country.unlisted("XX")) == "Country.unlisted('XX')"


def test_a_value_takes_no_more_room_than_its_text():
    """Values have no dictionary of their own."""
    assert not hasattr(Country.CA, "__dict__")
    assert issubclass(Country, OpenStr)
