# ruff: noqa: E501  tables of messages, which are not broken
"""What a binding declares fits the generated code, or it cannot be declared (C21)."""

import asyncio
import datetime as dt
import importlib
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from readahead.checks import given_by
from readahead.endpoint import Endpoint
from readahead.errors import FilterError, UsageError
from readahead.filters import (
    Choice,
    Date,
    Field,
    Fields,
    Flag,
    FullText,
    Id,
    Number,
    PartialMatch,
    Relation,
    Text,
    Timestamp,
)
from readahead.http.client import Client
from readahead.locations import Header, LinkHeader, Not
from readahead.order import Direction, OrderBy
from readahead.paging import Cursor, LastId, NextURL, OffsetLimit, PageNumber, SinglePage
from readahead.query import Query
from readahead.reading import Reading
from readahead.rows import RowReader
from specs.documents import generate
from specs.documents.document import load
from specs.pipeline.command import ROOT

NUMBERED = PageNumber(page="page", size="per_page", largest=50)


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    """The generated package of ``things.yaml``: its operations, models, and what declares an endpoint of them."""
    folder = tmp_path_factory.mktemp("things")
    document = load(Path(__file__).with_name("things.yaml"))
    generate.clients({"api": document}, ROOT / "openapi" / "templates", folder / "generated")
    (folder / "generated" / generate.PACKAGE).rename(folder / "clients_of_things")
    sys.path.insert(0, str(folder))
    try:
        models = importlib.import_module("clients_of_things.api.models")
        names = ("list_things", "list_pages", "scroll_things", "search_things", "get_status")
        operations = {name: importlib.import_module(f"clients_of_things.api.api.things.{name}") for name in names}
    finally:
        sys.path.remove(str(folder))
    return SimpleNamespace(**operations, **{name: getattr(models, name) for name in models.__all__})


def declare(
    things, operation="list_things", fields=(), *, key="id", items="data", paging=NUMBERED, order=None, **reader
):
    """An endpoint of these fields, which are of their names."""
    body = dict(fields)
    read = reader.pop("read", things.Thing.from_dict)
    return Endpoint(
        getattr(things, operation),
        reader=RowReader(read, key=key, items=items, **reader),
        paging=paging,
        fields=type("ThingFields", (Fields,), body)(),
        order=order,
    )


def field(kind, *args, **kwargs):
    """What declares an endpoint with one field, ``a``; of enumerations the name is given."""
    return lambda things: declare(things, fields={"a": kind(*(getattr(things, name) for name in args), **kwargs)})


def reader(operation="list_things", **kwargs):
    return lambda things: declare(things, operation, **kwargs)


def array(**kwargs):
    return lambda things: declare(things, "list_pages", **{"items": None, "paging": PageNumber(first=0), **kwargs})


def searched(paging):
    following = "meta.next" if isinstance(paging, Cursor) else None
    return lambda things: declare(things, "search_things", paging=paging, next=following)


PARAMETERS = [
    (
        field(Text, param="staet"),
        "fields.a: 'staet' is not among the parameters of GET /of/{account}; did you mean 'state'",
    ),
    (
        field(Number, param="start-index"),
        "fields.a: 'start-index' is not among the parameters of GET /of/{account}; write 'start_index', as the function does",
    ),
    (field(Text, param="account"), "fields.a: parameter 'account' goes into the path; give it to Reading"),
    (field(Number, param="page"), "fields.a: parameter 'page' is set by the paging; remove it here"),
    (
        lambda things: declare(things, "search_things", {"a": Text(param="body")}, paging=SinglePage()),
        "fields.a: parameter 'body' is the whole body; name a member of it, such as 'body[...]'",
    ),
    (
        lambda things: declare(things, fields={"a": Text(param="q"), "b": FullText(param="q")}),
        "fields.b: 'q' is already the parameter of fields.a",
    ),
    (
        field(Flag, param="q"),
        "fields.a: parameter 'q' is text, which a Flag cannot be sent as; use Text(param='q'), or correct the document",
    ),
    (
        field(Flag, param="number"),
        "fields.a: parameter 'number' is an integer, which a Flag cannot be sent as; use Number or Id(param='number')",
    ),
    (
        field(Flag, param="state"),
        "fields.a: parameter 'state' is a value of ListedState, which a Flag cannot be sent as; use Choice(ListedState, param='state')",
    ),
    (
        field(Text, param="active"),
        "fields.a: parameter 'active' is a boolean, which a Text cannot be sent as; use Flag(param='active')",
    ),
    (field(Text, param="number"), "parameter 'number' is an integer, which a Text cannot be sent as"),
    (
        field(Text, param="since"),
        "parameter 'since' is a date-time, which a Text cannot be sent as; use Timestamp(param='since')",
    ),
    (field(Number, param="q"), "parameter 'q' is text, which a Number cannot be sent as"),
    (field(Number, ge="since"), "parameter 'since' is a date-time, which a Number cannot be sent as"),
    (
        field(Timestamp, attr="created_at", ge="since", lt="active"),
        "parameter 'active' is a boolean, which a Timestamp cannot be sent as",
    ),
    (field(Timestamp, ge="state"), "parameter 'state' is a value of ListedState, which a Timestamp cannot be sent as"),
    (field(Timestamp, ge="labels"), "parameter 'labels' is a list, and a bound is one value"),
    (field(Date, ge="price", le="active"), "parameter 'active' is a boolean, which a Date cannot be sent as"),
    (field(PartialMatch, param="price"), "parameter 'price' is a number, which a PartialMatch cannot be sent as"),
    (
        field(FullText, param="day"),
        "parameter 'day' is a date, which a FullText cannot be sent as; use Date(param='day')",
    ),
    (field(Relation, param="active"), "parameter 'active' is a boolean, which a Relation cannot be sent as"),
    (field(Id, param="since"), "parameter 'since' is a date-time, which an Id cannot be sent as"),
    (
        field(Text, param="token"),
        "parameter 'token' is an object, which a Text cannot be sent as; remove param='token'",
    ),
    (
        field(Choice, "Colour", param="state"),
        "fields.a: Colour lists 'red', which parameter 'state' does not take; use Choice(ListedState, ...)",
    ),
    (
        field(Text, param="state", unseen=["al"]),
        "fields.a: unseen names 'al', which parameter 'state' does not take; did you mean 'all'",
    ),
    (
        field(Choice, "ListedState", param="number"),
        "parameter 'number' is an integer, which a Choice cannot be sent as",
    ),
    (
        field(Text, param="q", many=True),
        "fields.a: parameter 'q' takes one value; remove many, or use many=\"commas\" if the API splits text",
    ),
    (field(Number, param="number", many=True), "fields.a: parameter 'number' takes one value; remove many"),
    (
        field(Text, param="labels", many="commas"),
        "fields.a: parameter 'labels' is a list, whose values the function joins itself; use many=True",
    ),
    (
        field(Number, param="number", many="commas"),
        "fields.a: parameter 'number' is an integer, which cannot hold values with commas",
    ),
    (field(Timestamp, ge="created[gt]"), "fields.a: 'gt' is not among the members of 'created'; did you mean 'gte'"),
    (field(Timestamp, ge="number[gte]"), "fields.a: parameter 'number' is an integer, which has no members"),
    (
        field(Timestamp, ge="creatd[gte]"),
        "fields.a: 'creatd' is not among the parameters of GET /of/{account}; did you mean 'created'",
    ),
    (field(Flag, param="token[at]"), "fields.a: parameter 'token[at]' is text, which a Flag cannot be sent as"),
    (
        lambda things: declare(things, "search_things", {"a": Text(param="body[filtr]")}, paging=SinglePage()),
        "fields.a: 'filtr' is not among the members of 'body'; did you mean 'filter'",
    ),
    (
        lambda things: declare(
            things, "search_things", {"a": Flag(param="body[page][page_size]")}, paging=SinglePage()
        ),
        "fields.a: parameter 'body[page][page_size]' is an integer, which a Flag cannot be sent as",
    ),
    (
        lambda things: declare(things, "search_things", {"a": Text(param="body[filter][x]")}, paging=SinglePage()),
        "fields.a: 'filter' is text, which has no members",
    ),
    (field(Text), "fields.a: neither the API nor rows can tell it; name a parameter with param="),
    (field(Text, param=""), "param must be a name, such as 'created_at', not ''"),
    (field(Number, ge=3), "ge must be a name, such as 'created_at', not 3"),
    (
        field(Timestamp, attr="created_at", gt="day", le="day"),
        "fields.a: parameter 'day' cannot be both the lower and the upper bound; give it to one of them",
    ),
    (
        field(Timestamp, attr="created_at", ge="since", format="seconds"),
        "fields.a: parameter 'since' is a date-time, and not of format='seconds'; remove format",
    ),
    (
        field(Timestamp, attr="created_at", ge="from_", format="date"),
        "fields.a: parameter 'from_' is an integer, and not of format='date'; remove format",
    ),
    (field(Choice, "Thing", param="state"), "Choice() takes a generated enumeration, not "),
]
ATTRIBUTES = [
    (field(Text, attr="naem"), "fields.a: 'naem' is not among the attributes of Thing; did you mean 'name'"),
    (
        field(Timestamp, attr="createdAt"),
        "fields.a: 'createdAt' is not among the attributes of Thing; write 'created_at', as rows call it",
    ),
    (
        field(Text, attr="owner.name"),
        "fields.a: 'owner.name' is not among the attributes of Thing; name one of the row itself, not of an object inside it",
    ),
    (
        field(Timestamp, attr="updated"),
        "fields.a: Thing.updated is text, which a Timestamp cannot be compared with; use Text(attr='updated'), or correct the document",
    ),
    (
        field(Timestamp, attr="seen"),
        'fields.a: Thing.seen is an integer, which a Timestamp cannot be compared with; write format="seconds"',
    ),
    (
        field(Timestamp, attr="born"),
        "fields.a: Thing.born is a date, which a Timestamp cannot be compared with; use Date(attr='born')",
    ),
    (
        field(Timestamp, attr="updated", format="seconds"),
        "fields.a: Thing.updated is text, which a Timestamp cannot be compared with",
    ),
    (
        field(Date, attr="created_at"),
        "fields.a: Thing.created_at is a date-time, which a Date cannot be compared with; use Timestamp(attr='created_at')",
    ),
    (field(Text, attr="created_at"), "Thing.created_at is a date-time, which a Text cannot be compared with"),
    (
        field(Text, attr="number"),
        "Thing.number is an integer, which a Text cannot be compared with; use Number or Id(attr='number')",
    ),
    (field(Text, attr="token"), "Thing.token is a UUID, which a Text cannot be compared with; use Id(attr='token')"),
    (
        field(Text, attr="labels"),
        "Thing.labels is a list, which a Text cannot be compared with; remove attr='labels'; only the members",
    ),
    (field(Text, attr="owner"), "Thing.owner is an object (Owner), which a Text cannot be compared with"),
    (field(Number, attr="name"), "Thing.name is text, which a Number cannot be compared with; use Text(attr='name')"),
    (
        field(Number, attr="state"),
        "Thing.state is a value of State, which a Number cannot be compared with; use Choice(State, attr='state')",
    ),
    (
        field(Flag, attr="price"),
        "Thing.price is a number, which a Flag cannot be compared with; use Number(attr='price')",
    ),
    (field(Id, attr="price"), "Thing.price is a number, which an Id cannot be compared with"),
    (
        field(Choice, "State", attr="active"),
        "Thing.active is a boolean, which a Choice cannot be compared with; use Flag(attr='active')",
    ),
    (
        field(Choice, "Colour", attr="state"),
        "Thing.state is a value of State, and Colour lists none of these; use Choice(State, ...)",
    ),
    (
        field(FullText, param="q", attr="name"),
        "fields.a: only the API can tell what FullText finds; remove attr='name'",
    ),
]
READERS = [
    (reader(key="idd"), "reader.key: 'idd' is not among the attributes of Thing; did you mean 'id'"),
    (reader(key="owner.id"), "reader.key: 'owner.id' is not among the attributes of Thing; name one of the row itself"),
    (reader(key="active"), "reader.key: Thing.active is a boolean, which does not tell rows apart"),
    (reader(key="created_at"), "reader.key: Thing.created_at is a date-time, which does not tell rows apart"),
    (
        reader(items="dat"),
        "reader.items: 'dat' is not among the members of ThingPage, the answer of GET /of/{account}; did you mean 'data'",
    ),
    (reader(items="meta"), "reader.items: 'meta' is an object (Meta), not an array"),
    (
        reader(items=None),
        "reader.items: GET /of/{account} answers with an object (ThingPage), not with an array; write items='data' or 'included'",
    ),
    (array(items="data"), "reader.items: GET /pages answers with an array, not with an object; write items=None"),
    (
        reader(items="included"),
        "reader.read: the rows of GET /of/{account} are Owner, not Thing; write Owner.from_dict",
    ),
    (
        reader(total="total"),
        "reader.total: 'total' is not among the members of ThingPage, the answer of GET /of/{account}; did you mean 'meta.total'",
    ),
    (reader(total="count"), "reader.total: 'count' is text, not a number"),
    (reader(total="meta.totl"), "did you mean 'meta.total'"),
    (reader(size="hasMore"), "reader.size: 'hasMore' is a boolean, not a number"),
    (
        reader(paging=Cursor(largest=50, size="per_page"), next="next"),
        "reader.next: 'next' is not among the members of ThingPage, the answer of GET /of/{account}; did you mean 'meta.next'",
    ),
    (
        reader(paging=Cursor(largest=50, size="per_page"), next="meta"),
        "reader.next: 'meta' is an object (Meta), not text or a number",
    ),
    (
        reader(paging=Cursor(largest=50, size="per_page"), next="meta.next.url"),
        "reader.next: 'meta.next.url' is not among the members",
    ),
    (
        reader(more="has_more"),
        "reader.more: 'has_more' is not among the members of ThingPage, the answer of GET /of/{account}; did you mean 'hasMore'",
    ),
    (reader(more=Not("count")), "reader.more: 'count' is text, not a boolean; did you mean 'hasMore'"),
    (reader(paging=Cursor(largest=50, size="per_page")), "Cursor needs to know where the next one is"),
    (
        reader(paging=NextURL("per_page", 50), next="meta.total"),
        "reader.next: 'meta.total' is an integer, not a URL",
    ),
    (array(total="total"), "reader.total: 'total' is not among the members of a list, the answer of GET /pages"),
    (array(paging=NextURL(), next="next"), "reader.next: 'next' is not among the members of a list"),
    (
        lambda things: declare(things, read=things.Thing),
        "read must be what makes a row, such as Customer.from_dict, not <class",
    ),
    (lambda things: declare(things, read=3), "read must be what makes a row, such as Customer.from_dict, not 3"),
    (lambda _: Header("X Total"), "Header() takes the name of a header, such as 'X-Total-Count', not 'X Total'"),
    (lambda _: Header(""), "Header() takes the name of a header"),
    (lambda _: LinkHeader(""), "LinkHeader() takes one relation, such as 'next', not ''"),
]
PAGING = [
    (
        lambda _: PageNumber(page="per_page", size="per_page"),
        "PageNumber has 'per_page' twice; name a parameter for each",
    ),
    (lambda _: PageNumber(page=None), "PageNumber takes names of parameters, not None"),
    (lambda _: Cursor(start=""), "start must be the cursor of the first page, text or a number, not ''"),
    (lambda _: Cursor(start=["*"]), "start must be the cursor of the first page"),
    (
        reader(paging=Cursor("number", "per_page", 50, start="*"), next="meta.total"),
        "paging.start: parameter 'number' is a number, not '*'; give its first value, such as 0",
    ),
    (
        reader("scroll_things", paging=LastId("cursor", None)),
        "paging.after: parameter 'cursor' must be sent with the first page, too, which has no last row",
    ),
    (reader(paging=PageNumber), "paging must be a style such as PageNumber(...), not <class"),
    (reader(order=("created",)), "order must be OrderBy(...) or None, not ('created',)"),
    (
        lambda things: Endpoint(things.list_things, reader=things.Thing.from_dict, paging=NUMBERED),
        "reader must be a RowReader(...), not <",
    ),
    (
        lambda things: Endpoint(
            things.list_things.build_request,
            reader=RowReader(things.Thing.from_dict, "id", "data"),
            paging=NUMBERED,
        ),
        "operation must be a generated module, such as",
    ),
    (
        lambda things: Endpoint(
            things.list_things,
            reader=RowReader(things.Thing.from_dict, "id", "data"),
            paging=NUMBERED,
            fields=Fields,
        ),
        "fields must be an instance of a class of Fields, such as CustomerFields(), not <class",
    ),
    (
        lambda things: declare(things, fields={"a": Text(param="q")}, order=OrderBy(("x",), param="q", several=False)),
        "order.param: 'q' is already the parameter of fields.a; give it to one of the two",
    ),
    (
        reader(order=OrderBy(("x",), param="account", several=False)),
        "order.param: parameter 'account' goes into the path; give it to Reading",
    ),
    (
        reader(paging=PageNumber(page="pgae", size="per_page", largest=50)),
        "paging.page: 'pgae' is not among the query parameters of GET /of/{account}; did you mean 'page'",
    ),
    (reader(paging=PageNumber(size="size", largest=50)), "paging.size: 'size' is not among the query parameters"),
    (
        reader(paging=OffsetLimit(offset="start_index", limit=None)),
        "paging.offset: 'start_index' is not among the query parameters of GET /of/{account}; write 'start-index', as it is sent",
    ),
    (reader(paging=PageNumber(page="account", size=None)), "paging.page: 'account' is not among the query parameters"),
    (
        reader(paging=PageNumber(size="per_page", largest=100)),
        "paging.largest: parameter 'per_page' is at most 50, not 100; write largest=50",
    ),
    (
        reader(paging=PageNumber(size="per_page", largest=1)),
        "paging.largest: parameter 'per_page' is at least 5, not 1; write largest=5",
    ),
    (
        array(paging=PageNumber(largest=101, first=0)),
        "paging.largest: parameter 'size' is at most 100, not 101; write largest=100",
    ),
    (array(paging=PageNumber()), "paging.first: the default of 'page' is 0, so the first page is; write first=0"),
    (
        reader(paging=PageNumber(size="per_page", largest=50, first=0)),
        "paging.first: the default of 'page' is 1, so the first page is; write first=1",
    ),
    (
        reader(paging=PageNumber(page="start-index", size=None, first=0)),
        "paging.first: parameter 'start-index' is at least 1, not 0; write first=1",
    ),
    (
        reader(paging=OffsetLimit(offset="start-index", limit=None)),
        "paging.offset: parameter 'start-index' is at least 1, and rows are counted from 0",
    ),
    (
        reader(paging=PageNumber(page="cursor", size=None)),
        "paging.page: parameter 'cursor' is text, not a number; if a response says what comes next, use Cursor(cursor='cursor')",
    ),
    (
        reader(paging=PageNumber(page="ids", size=None)),
        "paging.page: parameter 'ids' is a list, which cannot be paged by",
    ),
    (reader(paging=PageNumber(size="active")), "paging.size: parameter 'active' is a boolean, not a number of rows"),
    (
        reader(paging=Cursor(cursor="token", size=None), next="meta.next"),
        "paging.cursor: parameter 'token' is an object, which no cursor can be sent as",
    ),
    (
        lambda things: declare(things, "scroll_things", paging=Cursor(size=None), next="meta.next"),
        "paging.cursor: parameter 'cursor' must be sent with the first page, too; give its first value with start=",
    ),
    (
        reader(paging=LastId(after="cursor", size=None, key="idd")),
        "paging.key: 'idd' is not among the attributes of Thing; did you mean 'id'",
    ),
    (reader(paging=LastId(after="after", size=None)), "paging.after: 'after' is not among the query parameters"),
    (
        reader(paging=NextURL(size="per-page"), next=LinkHeader()),
        "paging.size: 'per-page' is not among the query parameters of GET /of/{account}; did you mean 'per_page'",
    ),
    (
        reader(paging=Cursor(cursor="cursor", size=None, where="body"), next="meta.next"),
        'paging.where: GET /of/{account} has no body; write where="query"',
    ),
    (
        searched(Cursor("page.start_at", "page.pageSize", where="body")),
        "paging.cursor: 'page.start_at' is not in the body of POST /search; did you mean 'page.startAt'",
    ),
    (
        searched(Cursor("page.startAt", "page.isLast", where="body")),
        "paging.size: parameter 'page.isLast' is a boolean, not a number of rows",
    ),
    (
        searched(PageNumber("page.startAt", None, where="body")),
        "paging.page: parameter 'page.startAt' is text, not a number",
    ),
]
ORDERS = [
    (
        reader(order=OrderBy(["created"], param="srot")),
        "order.param: 'srot' is not among the parameters of GET /of/{account}; did you mean 'sort'",
    ),
    (
        reader(order=OrderBy(["creation"], param="sort", several=False)),
        "order.names: 'creation' is not among the values of 'sort'; did you mean 'created'",
    ),
    (
        reader(order=OrderBy(["created"], param="sort", descending="{name}:desc", several=False)),
        "order.descending: 'created:desc' is not among the values of 'sort'; did you mean 'created'",
    ),
    (
        reader(order=OrderBy(["created"], param="sort")),
        "order.several: parameter 'sort' takes one of its values; write several=False",
    ),
    (
        reader(order=OrderBy(["created"], param="active")),
        "order.param: parameter 'active' is a boolean, which no order can be sent as",
    ),
    (
        reader(order=OrderBy(["created"], param="sort", descending=Direction("dir"), several=False)),
        "order.descending: 'dir' is not among the parameters",
    ),
    (
        reader(order=OrderBy(["created"], param="sort", descending=Direction(descending="descending"), several=False)),
        "order.descending: 'descending' is not among the values of 'direction'; did you mean 'asc' or 'desc'",
    ),
    (
        reader(order=OrderBy(["created"], param="sort", descending=Direction("backwards"), several=False)),
        "order.descending: 'asc' is not among the values of 'backwards'",
    ),
    (
        reader(order=OrderBy(["created"], param="sort", descending=Direction("number"), several=False)),
        "order.descending: parameter 'number' is an integer, which no order can be sent as",
    ),
    (
        reader(paging=PageNumber(size="per_page"), next="meta.next"),
        "PageNumber goes to the next page by itself, so RowReader(next=...) has no use; leave it out",
    ),
]
WRONG = [*PARAMETERS, *ATTRIBUTES, *READERS, *PAGING, *ORDERS]


@pytest.mark.parametrize(("declaration", "message"), WRONG, ids=[message[:60] for _, message in WRONG])
def test_what_does_not_fit_cannot_be_declared(things, declaration, message):
    """The error says which declaration it is, what is wrong, and the nearest name or what to write instead."""
    with pytest.raises(UsageError) as caught:
        declaration(things)
    assert message in str(caught.value)


RIGHT = [
    field(Number, param="start_index", attr="number"),
    field(Id, param="number", attr="number"),
    field(Id, param="ids", attr="number", many=True),
    field(Id, attr="token"),
    field(Text, param="labels", many=True),
    field(Text, param="labels"),
    field(Text, param="names", attr="name", many="commas"),
    field(Text, param="state", attr="state"),
    field(Text, param="state", unseen=["all"]),
    field(Text, attr="anything"),
    field(Timestamp, attr="anything"),
    field(Flag, param="active", attr="active"),
    field(Flag, param="archived"),
    field(Choice, "ListedState", param="state", attr="state", unseen=["all"]),
    field(Choice, "State", param="state", attr="state"),
    field(Choice, "State", param="q", attr="state"),
    field(Timestamp, attr="created_at", ge="since", lt="from_"),
    field(Timestamp, attr="created_at", gt="day", lt="since"),
    field(Timestamp, attr="seen", format="seconds", ge="created[gte]", lt="created[lt]"),
    field(Timestamp, param="created"),
    field(Date, param="day", attr="born"),
    field(Number, param="price", attr="price"),
    field(Field, param="token", attr="owner"),
    reader(key="number"),
    reader(key="token"),
    reader(items="data", total="meta.total", size="meta.total.pages", more="hasMore"),
    reader(items="meta.last.labels", read=lambda row: row),
    reader(items=lambda answer: answer["data"], total=lambda answer: len(answer["data"])),
    reader(items="extra.rows", total="extra.total", paging=Cursor(largest=50, size="per_page"), next="extra.next"),
    reader(total=Header("X-Total-Count"), more=Not("hasMore")),
    reader(paging=NextURL(size="per_page", largest=50), next=LinkHeader()),
    reader(paging=LastId(after="cursor", size="per_page", largest=50, key="number"), more="hasMore"),
    reader(paging=OffsetLimit(limit="per_page", largest=20)),
    reader(paging=SinglePage()),
    array(paging=PageNumber(first=0, largest=100)),
    array(items="data", bare=True),
    lambda things: declare(things, "scroll_things", paging=Cursor(size=None, start="*"), next="meta.next"),
    searched(Cursor("page.startAt", "page.pageSize", where="body")),
    lambda things: declare(things, "search_things", {"a": Text(param="body[filter]")}, paging=SinglePage()),
    lambda things: declare(things, "search_things", {"a": Flag(param="body[page][is_last]")}, paging=SinglePage()),
    lambda things: declare(things, "get_status", items="rows", total="n", paging=SinglePage()),
    reader(order=OrderBy(["created"], param="sort", descending="-{name}", several=False)),
    reader(order=OrderBy(["name"], param="labels", descending="{name} desc")),
    reader(order=OrderBy(["name"], param="sort", descending=Direction(), several=False)),
    reader(order=OrderBy(["name"], param="q", descending=Direction("backwards", "false", "true"))),
]


@pytest.mark.parametrize("declaration", RIGHT, ids=range(len(RIGHT)))
def test_what_fits_can_be_declared(things, declaration):
    """Types that agree, places that the document leaves open, and what is not in any document: headers, functions."""
    declaration(things)


def test_all_that_does_not_fit_is_named_at_once(things):
    """By number, so that a binding is put right in one go."""
    with pytest.raises(UsageError) as caught:
        declare(things, fields={"a": Text(param="qq"), "b": Text(attr="idd")}, key="x", total="total")
    assert re.findall(r"\(\d\) ([a-z.]+):", str(caught.value)) == ["fields.a", "fields.b", "reader.key", "reader.total"]


def test_a_hand_written_operation_is_checked_by_its_signature():
    """Without what a document says: names of arguments, and nothing where it takes any."""

    def build_request(*, q=None):
        return {"method": "get", "url": "/things"}

    class ThingFields(Fields):
        a = Text(param="qq")

    def endpoint(build_request):
        operation = SimpleNamespace(OPERATION="GET /things", build_request=build_request)
        paging = PageNumber(largest=1_000)
        return Endpoint(operation, reader=RowReader(dict, key="id", items="x"), paging=paging, fields=ThingFields())

    with pytest.raises(
        UsageError, match=r"fields.a: 'qq' is not among the parameters of GET /things; did you mean 'q'"
    ):
        endpoint(build_request)
    endpoint(lambda **params: build_request())


# ---- what a reading gives


class Things(Query):
    def where(self, *conditions, **filters):
        return self._where(conditions, filters)


class Api(Client):
    """A client without credentials."""

    def __init__(self, base_url="http://127.0.0.1:9"):
        super().__init__({}, base_url=base_url)

    def listing(self, endpoint, arguments):
        return Things(Reading(self._sender, endpoint, arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {},
            "Reading: GET /of/{account} needs 'account'; give it with Reading(sender, ENDPOINT, {'account': ...})",
        ),
        (
            {"acount": "a"},
            "Reading: 'acount' is not among the parameters of GET /of/{account}; did you mean 'account'",
        ),
    ],
    ids=["missing", "misspelt"],
)
def test_a_required_argument_has_to_be_given(things, arguments, message):
    """What neither paging nor a field gives comes with the reading, by the names of the generated function."""
    with pytest.raises(UsageError) as caught:
        Api().listing(declare(things), arguments)
    assert message in str(caught.value)
    Api().listing(declare(things), {"account": "a"})


def test_a_required_parameter_of_a_field_or_of_paging_is_given(things):
    """A field may give it; of the paging it is part of each page."""
    endpoint = declare(things, "list_pages", {"tenant": Text(param="tenant")}, items=None, paging=PageNumber(first=0))
    query = Api().listing(endpoint, {}).where(tenant="t")
    assert "tenant" in str(query)
    with pytest.raises(UsageError, match="needs 'tenant'"):
        Api().listing(declare(things, "list_pages", items=None, paging=PageNumber(first=0)), {})


@pytest.mark.asyncio
async def test_a_query_without_a_required_condition_says_what_to_write(things):
    """It may be given by a later call; where it is not, the error comes before anything is sent."""
    fields = {"tenant": Text(param="tenant"), "name": Text(attr="name")}
    endpoint = declare(things, "list_pages", fields, items=None, paging=PageNumber(first=0))
    query = Api().listing(endpoint, {})
    fields = endpoint.fields
    message = r"GET /pages needs 'tenant'; give it with where\(tenant=\.\.\.\)$"
    with pytest.raises(FilterError, match=message) as caught:
        await query.first_page()
    assert caught.value.field == "tenant"
    for read in (query.to_list, query.count, query.first, query.explain, query.limit(1).page_size(5).to_list):
        with pytest.raises(FilterError, match=message):
            await read()
    assert "tenant" in str(query.limit(1).where(fields.name == "a").where(tenant="t"))
    with pytest.raises(FilterError, match=r"where\(tenant=\.\.\.\) on each side of \|$"):
        await query.where((fields.tenant == "t") | (fields.name == "a")).to_list()


def test_what_a_required_parameter_is_given_with():
    """A condition, a bound, or an order."""

    class ThingFields(Fields):
        tenant = Text(param="tenant_id")
        created = Timestamp(ge="since", attr="created_at")

    given = given_by(ThingFields(), OrderBy(("name",), param="sort"))
    assert given == {
        "tenant_id": "where(tenant=...)",
        "since": "where(fields.created >= ...)",
        "sort": "order_by(...)",
    }


def test_a_page_is_as_small_as_the_document_allows(things):
    """Neither page_size() nor a limit asks for less."""
    query = Api().listing(declare(things), {"account": "a"})
    with pytest.raises(FilterError, match="page_size must be a whole number from 5 to 50, not 4"):
        query.page_size(4)
    assert query.page_size(5).reading.page_size == 5
    assert query.limit(2).reading.page_size == 5


def test_what_a_member_takes_is_known_to_the_field(things):
    """A time inside an object is sent as seconds where the document has an integer."""
    since = Timestamp(attr="created_at", ge="created[gte]")
    query = Api().listing(declare(things, fields={"since": since}), {"account": "a"})
    moment = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    (request,) = query.where(since >= moment).reading.requests
    assert request.params == (("created[gte]", str(int(moment.timestamp()))),)


@pytest.mark.asyncio
async def test_counting_asks_for_no_smaller_page_than_the_document_allows(things):
    """One request, of the smallest page that there is."""
    asked = []

    async def answer(reader, writer):
        asked.append((await reader.readuntil(b"\r\n\r\n")).split()[1].decode())
        body = b'{"data": [], "meta": {"total": 7}}'
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with Api(f"http://127.0.0.1:{port}") as client:
            query = client.listing(declare(things, total="meta.total"), {"account": "a"})
            assert await query.count() == 7
    assert asked == ["/of/a?page=1&per_page=5"]
