"""Rows and pages as the data they are: mappings, patterns, copies, JSON, tables."""

import copy
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Hashable, Mapping

import attrs
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from effort import examples
from readahead.arrow import rows_to_arrow
from readahead.errors import UsageError
from readahead.kintsugi import Country, Customer, TaxRegistration
from readahead.sandbox import Sandbox
from readahead.sweetspot import Customer as Tenant

REGISTRATION = {
    "id": "r",
    "customer_id": "1",
    "country_code": "DE",
    "tax_type": "vat",
    "tax_id": "1",
    "is_valid": True,
}
CUSTOMER = {"id": "1", "organization_id": "o", "country": "CA", "customer_tax_registrations": [REGISTRATION]}
TENANT = {
    "id": "1",
    "createdAt": "2025-01-02T03:04:05.123456Z",
    "updatedAt": "2025-01-02T03:04:05Z",
    "creditStatus": "passed",
    "userId": 7,
}
EXAMPLES = pytest.mark.parametrize(
    ("cls", "sent"),
    [
        (Customer, CUSTOMER),
        (Customer, CUSTOMER | {"country": "XX", "loyalty": {"points": None}}),
        (Customer, {"id": 7, "name": [1], "status": None, "customer_tax_registrations": [3]}),
        (Tenant, TENANT),
        (Tenant, TENANT | {"createdAt": "yesterday", "tags": [{"a": 1}]}),
        (TaxRegistration, REGISTRATION),
    ],
)


# --- rows


@EXAMPLES
def test_a_row_is_a_mapping_of_wire_names(cls, sent):
    """It has every declared field, None where it was not sent, and those that no document declares."""
    row = cls.from_dict(sent)
    assert isinstance(row, Mapping)
    data = dict(row)
    assert data == {**row} == dict(row.items())
    assert list(data) == list(row.keys()) == list(row)
    assert set(data) == {*cls.FIELDS, *sent}
    assert all(data[name] is row[name] for name in data)
    assert all(data[name] is None for name in data.keys() - sent.keys())
    assert len(row) == len(data)


@EXAMPLES
def test_a_row_can_be_made_of_what_it_gives(cls, sent):
    """Of its mapping, its JSON data and its JSON text; also where values are not as documented."""
    row = cls.from_dict(sent)
    assert cls.from_dict(dict(row)) == cls.from_dict(row) == row
    assert cls.from_dict(row.to_dict()) == cls.from_dict(json.loads(row.to_json())) == row
    assert json.loads(row.to_json()) == row.to_dict()
    assert json.loads(json.dumps(row, default=dict) if cls is not Tenant else row.to_json())["id"] == sent["id"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.one_of(
    st.tuples(st.just(cls), st.dictionaries(st.sampled_from([*cls.FIELDS, "new"]) | st.text(), JSON))
    for cls in (Customer, Tenant, TaxRegistration)
)


@settings(max_examples=examples(300), deadline=None)
@given(OBJECTS)
def test_any_object_is_a_row_that_can_be_made_again(sent):
    """Of its mapping, of its data, and of its text, whatever a server puts where."""
    cls, data = sent
    row = cls.from_dict(data)
    assert dict(row).keys() == {*cls.FIELDS, *data}
    assert cls.from_dict(dict(row)) == cls.from_dict(row.to_dict()) == row
    assert json.loads(row.to_json()) == row.to_dict()
    assert json.loads(TypeAdapter(cls).dump_json(row)) == row.to_dict()


def test_values_that_json_has_trouble_with():
    """Integers of any size stay exact, half a character pair is escaped, and what is no number is null."""
    row = Customer.from_dict(CUSTOMER | {"points": 2**70, "half": "\ud800", "odd": [float("nan"), -float("inf"), 1.5]})
    text = row.to_json()
    assert "\n" not in text
    assert "NaN" not in text
    data = json.loads(text)
    assert (data["points"], data["half"], data["odd"]) == (2**70, "\ud800", [None, None, 1.5])
    plain = Customer.from_dict(CUSTOMER | {"odd": float("nan"), "name": "Žoë"})
    assert json.loads(plain.to_json())["odd"] is None
    assert "Žoë" in plain.to_json()


def test_rows_match_patterns():
    """By attribute and class, and by wire name as a mapping."""
    row = Tenant.from_dict(TENANT | {"new": {"a": 1}})
    match row:
        case Tenant(credit_status="passed", user_id=int(user)):
            assert user == 7
        case _:
            pytest.fail("the class pattern does not match")
    match row:
        case {"creditStatus": "passed", "new": {"a": one}, **rest}:
            assert one == 1
            assert "id" in rest
        case _:
            pytest.fail("the mapping pattern does not match")
    match row:
        case {"nothing": _} | Customer() | []:
            pytest.fail("another pattern matches")


@EXAMPLES
def test_a_copy_with_changes_keeps_the_rest(cls, sent):
    """Fields that no document declares are among it."""
    row = cls.from_dict(sent)
    changed = attrs.evolve(row, id="another")
    assert changed == cls.from_dict({**row, "id": "another"})
    assert changed != row
    assert attrs.evolve(row) == row
    if sys.version_info >= (3, 13):
        assert copy.replace(row, id="another") == changed


def test_rows_have_no_hash():
    """They can be changed, and are equal by value."""
    row = Customer.from_dict(CUSTOMER)
    assert not isinstance(row, Hashable)
    with pytest.raises(TypeError, match="unhashable type: 'Customer'"):
        hash(row)
    row.name = "Ada"
    assert row == Customer.from_dict(CUSTOMER | {"name": "Ada"})


def test_nothing_of_it_is_imported_before_it_is_used():
    """Neither pydantic nor pyarrow, nor what describes rows to them."""
    code = """
import sys
import readahead.kintsugi, readahead.sweetspot
print(*({"pydantic", "pydantic_core", "pyarrow", "pandas", "polars", "readahead.arrow",
         "readahead_clients.pydantic_schema"} & set(sys.modules)))
"""
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_without_pydantic_nothing_of_it_is_there():
    """Whoever looks for it on a row finds that it is absent."""
    code = """
import sys
sys.modules["pydantic"] = sys.modules["pydantic_core"] = None
from readahead.kintsugi import Customer
print(hasattr(Customer.from_dict({"id": "1"}), "__pydantic_serializer__"))
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"


# --- pages


@pytest.fixture
def pages():
    """The first pages of both APIs."""

    async def read():
        with Sandbox(kintsugi_rows=1234, sweetspot_rows=30) as box:
            async with box.kintsugi() as kintsugi, box.sweetspot() as sweetspot:
                query = kintsugi.customers.page_size(40)
                return await query.first_page(), await sweetspot.customers.first_page()

    import asyncio

    return asyncio.run(read())


def test_the_repr_of_a_page_is_short(pages):
    """How many rows and where; no customer's data and no headers."""
    assert list(map(repr, pages)) == [
        "<Page: 40 rows of 1,234, page=1, size=40>",
        "<Page: 30 rows, offset=0, limit=100>",
    ]


def test_pages_become_tables(pages):
    """With columns, one for each field; pandas and polars take rows as they are, and find times in them."""
    for page in pages:
        names = list(page.rows[0])
        for table in (pd.DataFrame(page.rows), pd.DataFrame(page.to_dicts())):
            assert (list(table), len(table)) == (names, len(page))
            assert list(table["id"]) == [row.id for row in page]
        for table in (pl.DataFrame(page.rows), pl.DataFrame(page.to_dicts()), pl.DataFrame(page.to_arrow())):
            assert (table.columns, table.height) == (names, len(page))
            assert table["id"].to_list() == [row.id for row in page]
    assert str(pd.DataFrame(pages[1].rows).createdAt.dtype) == "datetime64[us, UTC]"
    assert pl.DataFrame(pages[1].rows)["createdAt"].to_list() == [row.created_at for row in pages[1]]
    assert pages[0].to_dicts() == [row.to_dict() for row in pages[0]]


def test_an_arrow_table_has_the_types_of_the_document(pages):
    """Whatever the rows hold, so that tables of several pages fit together."""
    table = pages[1].to_arrow()
    types = {field.name: field.type for field in table.schema}
    assert types["createdAt"] == pa.timestamp("us", "UTC")
    assert types["creditStatus"] == types["userId"] == types["zip"] == pa.string()
    assert table["createdAt"].to_pylist() == [row.created_at for row in pages[1]]
    rows = [Customer.from_dict(CUSTOMER | {"country": "XX", "new": 1}), Customer.from_dict({"id": "2"})]
    nested = rows_to_arrow(rows)
    assert nested.schema == pages[0].to_arrow().schema == rows_to_arrow([], Customer).schema
    assert nested["customer_tax_registrations"].to_pylist() == [[REGISTRATION], None]
    assert nested["country"].to_pylist() == ["XX", None]
    assert "new" not in nested.column_names
    assert pa.concat_tables([nested, pages[0].to_arrow()]).num_rows == 42
    assert rows_to_arrow([]).num_columns == 0


def test_of_several_types_the_table_has_text():
    """An id that is a number or text is text."""
    rows = [Tenant.from_dict(TENANT | {"userId": user}) for user in (7, "usr_7", None)]
    assert rows_to_arrow(rows)["userId"].to_pylist() == ["7", "usr_7", None]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([Tenant.from_dict(TENANT), Tenant.from_dict(TENANT | {"createdAt": "soon"})], "createdAt of row 1 is text"),
        ([Tenant.from_dict(TENANT | {"createdAt": "2025-01-02T03:04:05"})], "createdAt of row 0 is a datetime"),
        ([Customer.from_dict(CUSTOMER | {"name": 3})], "name of row 0 is a number"),
        ([Customer.from_dict(CUSTOMER | {"customer_tax_registrations": [3]})], "customer_tax_registrations of row 0"),
        ([Customer.from_dict(CUSTOMER), Tenant.from_dict(TENANT)], "row 1 is of Customer"),
        ([{"id": "1"}], "needs generated rows, not dict"),
    ],
)
def test_a_value_of_another_type_is_not_put_into_a_table(rows, message):
    """Neither lost nor converted: the error says where it is and what takes it."""
    with pytest.raises(UsageError, match=message):
        rows_to_arrow(rows)


def test_known_values_are_told_from_others():
    """A row of a table, a mapping or JSON has the same open strings."""
    assert Customer.from_dict(dict(Customer.from_dict(CUSTOMER))).country is Country.CA
    assert not Customer.from_dict(
        json.loads(Customer.from_dict(CUSTOMER | {"country": "XX"}).to_json())
    ).country.is_listed
    assert Tenant.from_dict(dict(Tenant.from_dict(TENANT))).created_at.tzinfo is dt.UTC
