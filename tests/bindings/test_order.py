"""How a list is sorted: the names that order_by takes, and what is sent for them."""

from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode

import pytest

from readahead.endpoint import Endpoint
from readahead.errors import CheckpointError, FilterError, UsageError
from readahead.http.client import Client
from readahead.kintsugi import Customer
from readahead.order import Direction, OrderBy
from readahead.paging import OffsetLimit
from readahead.query import Query
from readahead.reading import Reading
from readahead.rows import RowReader

READER = RowReader(Customer.from_dict, key="id", items="items")


class Api(Client):
    """A client of any list."""

    def __init__(self):
        super().__init__({}, base_url="http://127.0.0.1")

    def query(self, endpoint):
        return Query(Reading(self._sender, endpoint))


def in_text(*, sort: str = "", direction: str = "", **more):
    return {"method": "get", "url": f"/things?{urlencode({'sort': sort, 'direction': direction, **more})}"}


def in_list(*, sort: "list[str] | None" = None):
    return {"method": "get", "url": f"/things?{urlencode({'sort': sort or []}, doseq=True)}"}


def things(order, build_request=in_text, paging=None):
    """A query of a list that is sorted so."""
    operation = SimpleNamespace(OPERATION="GET /things", build_request=build_request)
    endpoint = Endpoint(operation, reader=READER, paging=paging or OffsetLimit(), order=order)
    return Api().query(endpoint)


def sent(query):
    (request,) = query.reading.requests
    return [pair for pair in request.params if pair[1]]


NAMES = ("created", "name")
FORMS = {
    "joined": (OrderBy(NAMES, "sort"), ("created", "name"), [("sort", "created,name")]),
    "minus": (OrderBy(NAMES, "sort", "-{name}"), ("-created", "name"), [("sort", "-created,name")]),
    "suffix": (OrderBy(NAMES, "sort", "{name}:desc"), ("-created", "name"), [("sort", "created:desc,name")]),
    "word": (OrderBy(NAMES, "sort", "{name} desc"), ("-name",), [("sort", "name desc")]),
    "direction": (
        OrderBy(NAMES, "sort", Direction()),
        ("-created", "-name"),
        [("sort", "created,name"), ("direction", "desc")],
    ),
    "ascending": (
        OrderBy(NAMES, "sort", Direction("direction", "ASC", "DESC"), several=False),
        ("name",),
        [("sort", "name"), ("direction", "ASC")],
    ),
    "names of the API with a minus": (OrderBy(["name", "-name"], "sort"), ("-name",), [("sort", "-name")]),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_order_is_written_as_the_api_wants_it(form):
    """The user writes names, and '-' before those whose largest value comes first."""
    order, names, params = FORMS[form]
    assert sent(things(order).order_by(*names)) == params


def test_several_names_are_a_list_where_the_function_takes_one():
    """Which it writes in the document's style."""
    query = things(OrderBy(NAMES, "sort", "-{name}"), in_list).order_by("-created", "name")
    assert sent(query) == [("sort", "-created"), ("sort", "name")]


WRONG = {
    "unknown": (OrderBy(NAMES, "sort", "-{name}"), ("-craeted",), "order_by() cannot sort by '-craeted'"),
    "no descending order": (OrderBy(NAMES, "sort"), ("-created",), "this API documents no descending order"),
    "one name": (OrderBy(NAMES, "sort", several=False), NAMES, "order_by() takes one name"),
    "two directions": (OrderBy(NAMES, "sort", Direction()), ("-created", "name"), "one direction for all names"),
    "twice": (OrderBy(NAMES, "sort", "-{name}"), ("-created", "created"), "order_by() has 'created' twice"),
    "two minus": (OrderBy(NAMES, "sort", "-{name}"), ("--created",), "cannot sort by '--created'"),
    "SQL": (OrderBy(NAMES, "sort", "-{name}"), ("created desc",), "write '-' before a known name"),
    "nothing": (OrderBy(NAMES, "sort"), (), "order_by() needs at least one name; known are created, name"),
    "no text": (OrderBy(NAMES, "sort", "-{name}"), (7,), "cannot sort by 7"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_order_that_the_api_does_not_have_is_refused(case):
    """Before anything is sent."""
    order, names, message = WRONG[case]
    with pytest.raises(FilterError) as caught:
        things(order).order_by(*names)
    assert message in str(caught.value)
    assert caught.value.field == "order_by"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OrderBy(()), "names must be what the API sorts by"),
        (lambda: OrderBy("created"), "names must be what the API sorts by"),
        (lambda: OrderBy(("",)), "names must be what the API sorts by"),
        (lambda: OrderBy(NAMES, descending="desc"), "descending must hold {name} once"),
        (lambda: things(OrderBy(NAMES, "order"), in_list), "'order' is not among the parameters of GET /things"),
        (lambda: things(OrderBy(NAMES, descending=Direction("dir")), in_list), "is not among the parameters"),
    ],
    ids=["empty", "text", "empty name", "no place", "parameter", "direction"],
)
def test_a_wrong_declaration_fails_at_once(make, message):
    """Where the binding is imported."""
    with pytest.raises(UsageError) as caught:
        if not isinstance(made := make(), Query):
            things(made)
    assert message in str(caught.value)


def test_an_order_is_part_of_a_partition_and_of_a_fingerprint():
    """A checkpoint of one order is none of another."""
    query = things(OrderBy(NAMES, "sort", "-{name}"))
    first, second = query.order_by("created"), query.order_by("-created")
    checkpoint = first.prefetch().checkpoint
    first.prefetch(resume=checkpoint)
    with pytest.raises(CheckpointError):
        second.prefetch(resume=checkpoint)
    assert parse_qsl(first.reading.requests[0].target.partition("?")[2])[0] == ("sort", "created")
