"""What a generated module builds becomes a request of ours, or is refused."""

import datetime as dt
from types import SimpleNamespace

import pytest

from readahead.endpoint import Endpoint, request_for
from readahead.errors import UsageError
from readahead.filters import Field, Fields, Number, Text, Timestamp
from readahead.kintsugi import CUSTOMERS, Customer
from readahead.order import OrderBy
from readahead.paging import PageNumber
from readahead.rows import RowReader
from readahead_clients.encode import RequestBuilder
from readahead_clients.kintsugi.api.customers import get_customer


def operation(query="", **parts):
    """A generated module whose request has these parts."""
    return SimpleNamespace(
        OPERATION="PUT /v1/things/{id}",
        build_request=lambda key: {"method": "put", "url": f"/v1/things/{key}{query}", **parts},
    )


def test_a_request_is_carried_whole():
    """Method, path, parameters, body, headers and cookies; the values are written already."""
    query = "?a=1&a=x%20y&joined=p%2Fq,r&b=true&empty="
    headers = {"Content-Type": "application/json", "X-Mode": "fast"}
    request = request_for(operation(query, json={"name": None}, headers=headers, cookies={"c": "d", "e": "f"}), "7")
    assert (request.method, request.path, request.operation) == ("PUT", "/v1/things/7", "PUT /v1/things/{id}")
    assert request.params == (("a", "1"), ("a", "x y"), ("joined", "p/q,r"), ("b", "true"), ("empty", ""))
    assert request.target == f"/v1/things/7{query}"
    assert request.body == b'{"name":null}'
    assert dict(request.headers) == {"X-Mode": "fast", "Cookie": "c=d; e=f"}
    assert "fast" not in repr(request)
    assert request_for(operation(headers={}), "7").body is None


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/merge-patch+json"])
def test_a_body_of_another_type(content_type):
    """A form, or bytes, is sent under its own content type."""
    request = request_for(operation(content=b"a=1", headers={"Content-Type": content_type}), "7")
    assert (request.body, request.headers) == (b"a=1", (("Content-Type", content_type),))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"files": []}, r"PUT /v1/things/{id} sends files, which this client cannot; call the generated function"),
        ({"data": {"a": 1}}, r"PUT /v1/things/{id} sends data, which"),
        ({"headers": {"Accept": "text/csv"}}, "Accept is set by readahead: responses are read as JSON"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "Transfer-Encoding belongs to the connection"),
    ],
    ids=["files", "data", "accept", "connection"],
)
def test_what_cannot_be_carried_is_refused(part, message):
    """Nothing is dropped: the error names the part."""
    with pytest.raises(UsageError, match=message):
        request_for(operation(**part), "7")


def test_what_cannot_be_written_is_refused():
    """A value that the generated function cannot write is an error of the call, which names operation and parameter."""
    with pytest.raises(
        UsageError, match=r"^GET /v1/customers/{customer_id}: customer_id: '\.\.' cannot be a part of a path"
    ):
        request_for(get_customer, "..")


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
            order=OrderBy(("name",)),
        )


@pytest.mark.parametrize(
    ("field", "value", "written"),
    [
        (Timestamp(param="at"), dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC), ["2026-01-02T03:04:00+00:00"]),
        (Number(param="at"), 1e22, ["1" + 22 * "0"]),
        (Number(param="at", many=True), [1, 1.5e-7], ["1", "0.00000015"]),
        (Number(param="at", many="commas"), [1, 1.5e-7], ["1,0.00000015"]),
        (Text(param="at", many=True), ["a b", "c,d"], ["a b", "c,d"]),
    ],
    ids=lambda part: part if isinstance(part, Field) else "",
)
def test_values_of_a_field_are_written_as_the_document_says(field, value, written):
    """Dates are ISO 8601 and numbers have no exponent, in whatever way a field takes several values."""

    def build_request(at):
        builder = RequestBuilder("get", "/v1/things")
        builder.query("at", at)
        return builder.build()

    field.name = "at"
    values = tuple(value) if isinstance(value, list) else (value,)
    request = request_for(
        SimpleNamespace(OPERATION="GET /v1/things", build_request=build_request), field.encode(values)
    )
    assert [text for _, text in request.params] == written
