"""What a generated module builds becomes a request of ours, or is refused."""

from types import SimpleNamespace

import pytest

from readahead.endpoint import Endpoint, request_for
from readahead.errors import UsageError
from readahead.filters import Fields, Text
from readahead.kintsugi import CUSTOMERS, Customer
from readahead.paging import PageNumber
from readahead.rows import RowReader


def operation(**parts):
    """A generated module whose request has these parts."""
    return SimpleNamespace(
        OPERATION="PUT /v1/things/{id}",
        build_request=lambda key: {"method": "put", "url": f"/v1/things/{key}", **parts},
    )


def test_a_request_is_carried_whole():
    """Method, path, parameters and body; a list is a repeated parameter, and booleans are written as JSON has them."""
    params = {"a": [1, "x"], "b": True, "c": [False]}
    headers = {"Content-Type": "application/json"}
    request = request_for(operation(params=params, json={"name": None}, headers=headers), "7")
    assert (request.method, request.path, request.operation) == ("PUT", "/v1/things/7", "PUT /v1/things/{id}")
    assert request.params == (("a", "1"), ("a", "x"), ("b", "true"), ("c", "false"))
    assert request.body == b'{"name":null}'
    assert request_for(operation(headers={}), "7").body is None


@pytest.mark.parametrize(
    "part",
    [
        {"headers": {"X-Mode": "fast"}},
        {"headers": {"Content-Type": "application/merge-patch+json"}, "json": {}},
        {"cookies": {"a": "b"}},
        {"files": []},
        {"data": {"a": 1}},
        {"content": b"x"},
    ],
    ids=lambda part: next(iter(part)),
)
def test_what_cannot_be_carried_is_refused(part):
    """Nothing is dropped: the error names the operation and the part."""
    with pytest.raises(UsageError, match=rf"PUT /v1/things/{{id}} sends {next(iter(part))}, which"):
        request_for(operation(**part), "7")


@pytest.mark.parametrize(
    ("field", "key", "message"),
    [
        (
            Text(param="stat", attr="state"),
            "id",
            "city: 'stat' is not among the parameters of GET /v1/customers; did you mean 'state'",
        ),
        (Text(attr="citty"), "id", "city: 'citty' is not among the attributes of Customer; did you mean 'city'"),
        (Text(attr="city"), "idd", "key: 'idd' is not among the attributes of Customer; did you mean 'id'"),
    ],
    ids=["parameter", "attribute", "key"],
)
def test_a_misspelt_name_fails_where_it_is_declared(field, key, message):
    """A binding's names are those of the generated function and row class; the nearest one is named."""

    class CustomerFields(Fields):
        city = field

    with pytest.raises(UsageError) as caught:
        Endpoint(
            CUSTOMERS.operation,
            reader=RowReader(Customer.from_dict, key=key, items="items"),
            paging=PageNumber(),
            fields=CustomerFields(),
        )
    assert message in str(caught.value)


def test_an_order_needs_its_parameter():
    """order_by is sent as a parameter of that name; an operation without it has no orders."""
    with pytest.raises(UsageError, match="'order_by' is not among the parameters of PUT /v1/things"):
        Endpoint(
            operation(),
            reader=RowReader(Customer.from_dict, key="id", items="items"),
            paging=PageNumber(),
            orders=("name",),
        )
