"""Lists in every style of paging: for each a document, a binding, and a sandbox of the two."""

import datetime as dt
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

from attrs import define, frozen

from readahead.collection import Collection
from readahead.endpoint import Endpoint
from readahead.filters import Fields, FullText, Text, Timestamp
from readahead.http.client import Client
from readahead.http.credentials import Credential
from readahead.locations import Header, LinkHeader, Not
from readahead.order import OrderBy
from readahead.paging.styles import Cursor, LastId, NextURL, OffsetLimit, PageNumber, SinglePage, Style
from readahead.query import Query
from readahead.reading import Reading
from readahead.rows import RowReader
from readahead.sandbox import Faults, Sandbox
from readahead_clients.encode import RequestBuilder

LARGEST = 20


@define
class Ticket:
    """A row."""

    FIELDS: ClassVar[Mapping[str, tuple[str, Any]]] = {
        "id": ("id", None),
        "title": ("title", None),
        "status": ("status", None),
        "createdAt": ("created_at", None),
    }

    id: str
    title: str | None
    status: str
    created_at: dt.datetime | None

    @classmethod
    def from_dict(cls, data):
        created = data.get("createdAt")
        return cls(
            data["id"],
            data.get("title"),
            data["status"],
            created and dt.datetime.fromisoformat(created),
        )


class TicketFields(Fields):
    """What conditions are made of."""

    status = Text(param="status", attr="status")
    search = FullText(param="q")
    title = Text(attr="title")
    created_at = Timestamp(attr="created_at")


fields = TicketFields()


class Tickets(Query):
    def where(self, *conditions, **filters):
        return self._where(conditions, filters)


class AllTickets(Collection):
    def where(self, *conditions, **filters):
        return self._query.where(*conditions, **filters)


ROW = {
    "type": "object",
    "required": ["id", "status", "createdAt"],
    "properties": {
        "id": {"type": "string", "example": "tic_2n4kd93"},
        "title": {"type": "string", "nullable": True},
        "status": {"type": "string", "enum": ["open", "waiting", "closed"]},
        "createdAt": {"type": "string", "format": "date-time"},
    },
}
ROWS = {"type": "array", "items": ROW}
INTEGER = {"type": "integer"}
TEXT = {"type": "string"}
NULLABLE = {"type": "string", "nullable": True}
FLAG = {"type": "boolean"}
SIZE = {"type": "integer", "minimum": 1, "maximum": LARGEST}


def envelope(**properties):
    return {"type": "object", "required": list(properties), "properties": properties}


def document(answer, *, method="get", body=None, **parameters):
    """A document of one list: its answer, and its paging parameters in the query."""
    operation = {
        "parameters": [
            {"name": name, "in": "query", "schema": schema}
            for name, schema in {"status": ROW["properties"]["status"], "q": TEXT, "sort": TEXT, **parameters}.items()
        ],
        "responses": {"200": {"description": "", "content": {"application/json": {"schema": answer}}}},
        "security": [{"bearer": []}],
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    team = {"name": "team", "in": "path", "required": True, "schema": TEXT}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Tickets", "version": "1"},
        "paths": {"/v1/{team}/tickets": {"parameters": [team], method: operation}},
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }


def operation(method):
    """What a generated module has, for the list of a document."""

    def build_request(team, **values):
        request = RequestBuilder(method, "/v1/{team}/tickets")
        request.path("team", team)
        for name, value in values.items():
            request.query(name, value)
        parts = request.build()
        return {**parts, "json": {}} if method == "post" else parts

    return SimpleNamespace(OPERATION=f"{method.upper()} /v1/{{team}}/tickets", build_request=build_request)


@frozen
class Case:
    """A list in one style.

    chained: each page names the next, so that one request is in flight. total: the API says how many rows there are.
    ends: it says where the list ends, by a total, a flag, or a next page that is missing.
    """

    name: str
    document: dict[str, Any]
    endpoint: Endpoint[Ticket]
    chained: bool
    total: bool
    ends: bool

    @property
    def goes_round(self):
        """Whether the last page can name itself, and nothing else says that it is the last."""
        return self.chained and self.endpoint.reader.more is None and not self.single

    @property
    def single(self):
        """Whether all rows come in one response."""
        return isinstance(self.endpoint.paging, SinglePage)

    @property
    def overlaps(self):
        """Whether pages can share rows, which is what shows that a list has changed."""
        return not self.chained and self.endpoint.paging.page_size is not None

    def sandbox(self, rows=250, faults=None, **options):
        if isinstance(faults, dict):
            faults = Faults(**faults)
        return Sandbox.from_document(self.document, self.endpoint, rows=rows, faults=faults, **options)

    def tickets(self, sandbox, *, token="any", team="a team", **options):
        """A query of all rows of a sandbox, by a client of its own."""
        endpoint = self.endpoint

        class Desk(Client):
            def __init__(self, *, token, **options):
                credential = Credential("token", token, "DESK_TOKEN", prefix="Bearer ")
                super().__init__({"Authorization": credential}, home="https://desk.example", **options)
                self._tickets = AllTickets(Reading(self._sender, endpoint, {"team": team}), Tickets)

            @property
            def tickets(self):
                return self._tickets

        return sandbox.client(Desk, token=token, **options).tickets


def case(name, answer, paging: Style, *, method="get", body=None, parameters=None, **reader):
    chained = isinstance(paging, Cursor | LastId | NextURL | SinglePage)
    endpoint = Endpoint(
        operation(method),
        reader=RowReader(Ticket.from_dict, key="id", **reader),
        paging=paging,
        fields=fields,
        order=OrderBy(("createdAt", "status"), param="sort", descending="-{name}"),
    )
    described = document(answer, method=method, body=body, **(parameters or {}))
    ends = "total" in reader or "more" in reader or "next" in reader or isinstance(paging, SinglePage)
    return Case(name, described, endpoint, chained, "total" in reader, ends)


NUMBERED = {"page": {"type": "integer", "minimum": 1}, "size": SIZE}
FROM_ZERO = {"page": {"type": "integer", "minimum": 0}, "size": SIZE}
OFFSET = {"offset": {"type": "integer", "minimum": 0}, "limit": SIZE}
CURSOR = {"cursor": TEXT, "limit": SIZE}
PAGING = {"type": "object", "properties": {"offset": {"type": "integer"}, "limit": SIZE}}

CASES = [
    case(
        "numbered-from-1-total",
        envelope(items=ROWS, total=INTEGER, size=INTEGER),
        PageNumber(largest=LARGEST),
        parameters=NUMBERED,
        items="items",
        total="total",
        size="size",
    ),
    case(
        "numbered-from-0-total-in-header",
        ROWS,
        PageNumber(largest=LARGEST, first=0),
        parameters=FROM_ZERO,
        items=None,
        total=Header("X-Total-Count"),
    ),
    case(
        "numbered-link-header",
        ROWS,
        PageNumber(largest=LARGEST),
        parameters=NUMBERED,
        items=None,
        more=LinkHeader("next"),
    ),
    case(
        "numbered-last-flag",
        envelope(content=ROWS, last=FLAG),
        PageNumber(largest=LARGEST, first=0),
        parameters=FROM_ZERO,
        items="content",
        more=Not("last"),
    ),
    case(
        "numbered-no-size-no-end",
        envelope(data=ROWS),
        PageNumber(size=None, largest=LARGEST),
        parameters={"page": NUMBERED["page"]},
        items="data",
    ),
    case(
        "offset-no-end",
        ROWS,
        OffsetLimit(largest=LARGEST),
        parameters=OFFSET,
        items=None,
    ),
    case(
        "offset-total-in-meta",
        envelope(data=envelope(items=ROWS), meta=envelope(page=envelope(total=INTEGER))),
        OffsetLimit(largest=LARGEST),
        parameters=OFFSET,
        items="data.items",
        total="meta.page.total",
    ),
    case(
        "offset-in-body",
        envelope(results=ROWS, total=INTEGER),
        OffsetLimit(offset="paging.offset", limit="paging.limit", largest=LARGEST, where="body"),
        method="post",
        body={"type": "object", "properties": {"paging": PAGING}, "additionalProperties": False},
        items="results",
        total="total",
    ),
    case(
        "cursor-text",
        envelope(data=ROWS, next_cursor=NULLABLE),
        Cursor(largest=LARGEST),
        parameters=CURSOR,
        items="data",
        next="next_cursor",
    ),
    case(
        "cursor-empty-text-at-the-end",
        envelope(data=ROWS, response_metadata=envelope(next_cursor=TEXT)),
        Cursor(largest=LARGEST),
        parameters=CURSOR,
        items="data",
        next="response_metadata.next_cursor",
    ),
    case(
        "cursor-number",
        envelope(data=ROWS, next_page={"type": "object", "nullable": True, "properties": {"offset": INTEGER}}),
        Cursor(cursor="offset", size="limit", largest=LARGEST),
        parameters={"offset": INTEGER, "limit": SIZE},
        items="data",
        next="next_page.offset",
    ),
    case(
        "cursor-in-header",
        ROWS,
        Cursor(largest=LARGEST),
        parameters=CURSOR,
        items=None,
        next=Header("X-Next-Cursor"),
    ),
    case(
        "cursor-that-must-be-sent",
        envelope(data=ROWS, next=NULLABLE, total=INTEGER),
        Cursor(largest=LARGEST, start="*"),
        parameters=CURSOR,
        items="data",
        next="next",
        total="total",
    ),
    case(
        "cursor-with-flag",
        envelope(data=ROWS, iterator=NULLABLE, done=FLAG),
        Cursor(cursor="iterator", largest=LARGEST),
        parameters={"iterator": TEXT, "limit": SIZE},
        items="data",
        next="iterator",
        more=Not("done"),
    ),
    case(
        "cursor-in-body",
        envelope(results=ROWS, next_cursor=NULLABLE, has_more=FLAG),
        Cursor(cursor="start_cursor", size="page_size", largest=LARGEST, where="body"),
        method="post",
        body={"type": "object", "properties": {"start_cursor": TEXT, "page_size": SIZE}, "additionalProperties": False},
        items="results",
        next="next_cursor",
        more="has_more",
    ),
    case(
        "next-url",
        envelope(results=ROWS, links=envelope(next=NULLABLE), total=INTEGER),
        NextURL(size="limit", largest=LARGEST),
        parameters={"limit": SIZE},
        items="results",
        next="links.next",
        total="total",
    ),
    case(
        "next-url-without-size",
        envelope(results=ROWS, next=NULLABLE),
        NextURL(largest=LARGEST),
        items="results",
        next="next",
    ),
    case(
        "next-link",
        ROWS,
        NextURL(size="limit", largest=LARGEST),
        parameters={"limit": SIZE, "after": TEXT},
        items=None,
        next=LinkHeader("next"),
    ),
    case(
        "last-id-has-more",
        envelope(data=ROWS, has_more=FLAG),
        LastId(largest=LARGEST),
        parameters={"starting_after": TEXT, "limit": SIZE},
        items="data",
        more="has_more",
    ),
    case(
        "last-id-no-flag",
        ROWS,
        LastId(after="after", largest=LARGEST),
        parameters={"after": TEXT, "limit": SIZE},
        items=None,
    ),
    case(
        "single-page",
        envelope(data=ROWS),
        SinglePage(),
        items="data",
    ),
    case(
        "empty-is-null",
        envelope(items={**ROWS, "nullable": True}, total=INTEGER),
        PageNumber(largest=LARGEST),
        parameters=NUMBERED,
        items="items",
        total="total",
        empty=["null"],
    ),
    case(
        "empty-is-absent",
        {"type": "object", "properties": {"items": ROWS, "next": NULLABLE}},
        Cursor(largest=LARGEST),
        parameters=CURSOR,
        items="items",
        next="next",
        empty=["absent"],
    ),
    case(
        "empty-is-204",
        ROWS,
        OffsetLimit(largest=LARGEST),
        parameters=OFFSET,
        items=None,
        empty=["nothing"],
    ),
]
