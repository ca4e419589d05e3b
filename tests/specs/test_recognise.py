"""Lists are recognised in a document: how they page, what tells rows apart, what they can be filtered and sorted by."""

import pytest

from specs.lists.recognise import recognise

TEXT, WHOLE, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
TIME, DAY = {"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}
ROW = {"id": TEXT, "name": TEXT, "status": {"type": "string", "enum": ["open", "done"]}, "created_at": TIME}
LINK = {"type": "string", "format": "uri"}


def query(name, schema=WHOLE, text="", **more):
    return {"name": name, "in": "query", "schema": schema, "description": text, **more}


def thing(**properties):
    return {"type": "object", "properties": properties}


def rows(row=None):
    return {"type": "array", "items": thing(**(ROW if row is None else row))}


def document(answer, *parameters, path="/v1/tickets", method="get", body=None, headers=None, text="", **more):
    response = {"description": "", "content": {"application/json": {"schema": answer}}, "headers": headers or {}}
    operation = {"operationId": "list", "parameters": list(parameters), "responses": {"200": response}}
    operation["description"] = text
    if body is not None:
        operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return {"openapi": "3.1.0", "info": {"title": "Desk", "version": "1"}, "paths": {path: {method: operation}}, **more}


def the_list(answer, *parameters, **more):
    """The only list of a document."""
    found = recognise(document(answer, *parameters, **more))
    assert [str(each) for each in found.undecided] == []
    (listing,) = found.listings
    return listing


def paging(answer, *parameters, **more):
    found = the_list(answer, *parameters, **more).paging
    return found.style, found.param, found.size


def undecided(answer, *parameters, **more):
    """Why a list of a document is not decided."""
    found = recognise(document(answer, *parameters, **more))
    assert found.listings == []
    (doubt,) = found.undecided
    return str(doubt)


def doubts(answer, *parameters, **more):
    return [str(each) for each in the_list(answer, *parameters, **more).doubts]


BARE = rows()
DATA = thing(data=rows())
SIZED = query("limit", {**WHOLE, "maximum": 50})

# ---- styles


@pytest.mark.parametrize("name", ["page", "pageNumber", "page[number]", "Page", "page_no", "current_page"])
def test_a_page_number_is_recognised_by_its_name(name):
    assert paging(BARE, query(name), query("per_page")) == ("numbered", name, "per_page")


@pytest.mark.parametrize("name", ["offset", "skip", "startAt", "page[offset]", "$skip", "start"])
def test_an_offset_is_recognised_by_its_name(name):
    assert paging(BARE, query(name), query("limit")) == ("offset", name, "limit")


@pytest.mark.parametrize(
    ("param", "around", "path"),
    [
        ("cursor", {"next_cursor": TEXT}, "next_cursor"),
        ("pageToken", {"nextPageToken": TEXT}, "nextPageToken"),
        ("iterator", {"iterator": TEXT, "done": FLAG}, "iterator"),
        ("after", {"paging": thing(next=thing(after=TEXT, link=TEXT))}, "paging.next.after"),
        ("after", {"cursors": thing(before=TEXT, after=TEXT)}, "cursors.after"),
        ("offset", {"next_page": thing(offset=TEXT, path=TEXT, uri=TEXT)}, "next_page.offset"),
        ("bookmark", {"bookmark": TEXT}, "bookmark"),
        ("marker", {"next_marker": {"type": ["string", "null"]}}, "next_marker"),
    ],
)
def test_a_cursor_is_a_parameter_and_a_member_that_names_the_next_one(param, around, path):
    listing = the_list(thing(data=rows(), **around), query(param, TEXT), query("limit"))
    assert (listing.paging.style, listing.paging.param, listing.envelope.next) == ("cursor", param, path)


@pytest.mark.parametrize(
    ("around", "path"),
    [
        ({"next": LINK}, "next"),
        ({"links": thing(next=TEXT, self=TEXT)}, "links.next"),
        ({"_links": thing(next=thing(href=TEXT))}, "_links.next.href"),
        ({"meta": thing(next_page_url=TEXT, page=WHOLE)}, "meta.next_page_url"),
        ({"next": {**TEXT, "description": "The URL of the next page."}}, "next"),
    ],
)
def test_a_url_is_a_member_that_no_parameter_takes(around, path):
    listing = the_list(thing(data=rows(), **around), query("limit"))
    assert (listing.paging.style, listing.paging.size, listing.envelope.next) == ("url", "limit", path)


def test_a_link_header_is_one_that_is_declared_or_told_of():
    declared = the_list(BARE, query("limit"), headers={"Link": {"schema": TEXT}})
    told = the_list(BARE, query("after", TEXT, "The cursor of the `Link` header."), query("limit"))
    assert [each.envelope.next for each in (declared, told)] == ["Link", "Link"]
    assert [each.paging.style for each in (declared, told)] == ["url", "url"]


def test_pages_by_a_token_have_numbers_that_mean_nothing():
    """The number is for the client; the token alone finds the page."""
    answer = thing(data=rows(), meta=thing(next_page_url=LINK))
    assert paging(answer, query("PageSize"), query("Page"), query("PageToken", TEXT)) == ("url", None, "PageSize")


def test_the_id_of_the_last_row_is_taken_where_nothing_names_the_next_page():
    listing = the_list(thing(data=rows(), has_more=FLAG), query("starting_after", TEXT, "The id of a ticket."), SIZED)
    assert (listing.paging.style, listing.paging.param) == ("last-id", "starting_after")
    assert (listing.envelope.more, listing.doubts) == ("has_more", ())


def test_a_position_that_can_be_counted_is_preferred():
    """Pages with a number can be read ahead, and those with a cursor cannot."""
    listing = the_list(thing(data=rows(), next_cursor=TEXT), query("page"), query("cursor", TEXT), SIZED)
    assert (listing.paging.style, listing.envelope.next) == ("numbered", None)
    assert any("pages by 'page' and by 'cursor'" in str(each) for each in listing.doubts)
    old = query("page", deprecated=True)
    assert paging(thing(data=rows(), next_cursor=TEXT), old, query("cursor", TEXT), SIZED)[0] == "cursor"


def test_a_search_by_post_has_its_position_in_the_body():
    body = thing(filter=thing(name=TEXT), pagination=thing(cursor=TEXT, limit=WHOLE))
    listing = the_list(thing(data=rows(), next_cursor=TEXT), path="/v1/tickets/search", method="post", body=body)
    assert (listing.paging.where, listing.paging.param, listing.paging.size) == (
        "body", "pagination.cursor", "pagination.limit",
    )  # fmt: skip
    assert recognise(document(BARE, path="/v1/tickets", method="post", body=thing(name=TEXT))).listings == []


@pytest.mark.parametrize(
    ("answer", "parameters", "why"),
    [
        (BARE, [query("cursor", TEXT, "From the response."), SIZED], "does not name the next one"),
        (thing(data=rows(), next_cursor=TEXT), [SIZED], "no parameter takes it"),
        (DATA, [query("startIndex", WHOLE, "The 1-based index."), query("count")], "counts rows from 1"),
        (DATA, [query("offset", WHOLE, "Rows with a number greater than it."), SIZED], "does not count rows"),
        (thing(cats=rows(), dogs=rows()), [query("page")], "several arrays of objects, 'cats' and 'dogs'"),
        (thing(data=rows({"colour": TEXT})), [query("page")], "no member of its rows tells them apart"),
        (thing(data=rows({"user": thing(id=TEXT)})), [query("page")], "'user.id' is inside another object"),
        (thing(data={"type": "array", "items": {"type": "object"}}), [query("page")], "is not documented"),
    ],
)
def test_what_cannot_be_decided_is_told_with_its_reason(answer, parameters, why):
    """A wrong guess would lose rows, so none is made."""
    assert why in undecided(answer, *parameters)


# ---- what is no list


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        (thing(**ROW), "/v1/tickets/{id}"),
        (thing(ticket=thing(id=TEXT, notes=rows())), "/v1/tickets/{id}"),
        ({"type": "array", "items": TEXT}, "/v1/tags"),
        (thing(id=TEXT, name=TEXT, notes=rows()), "/v1/ticket"),
    ],
)
def test_one_thing_is_no_list(answer, path):
    found = recognise(document(answer, path=path))
    assert (found.listings, found.undecided, found.whole) == ([], [], [])


@pytest.mark.parametrize("answer", [BARE, DATA, thing(tickets=rows(), count=WHOLE)])
def test_a_list_without_pages_has_nothing_to_read_ahead(answer):
    found = recognise(document(answer, query("status", TEXT)))
    assert (found.listings, found.whole) == ([], ["GET /v1/tickets"])


# ---- where things stand


@pytest.mark.parametrize(
    ("answer", "items"),
    [
        (BARE, None),
        (DATA, "data"),
        (thing(tickets=rows(), included=rows(), errors=rows()), "tickets"),
        (thing(result=thing(tickets=rows()), status=TEXT), "result.tickets"),
        (thing(tickets=rows(), users=rows()), "tickets"),
        (thing(users=rows(), results=rows()), "results"),
        ({"allOf": [{"$ref": "#/components/schemas/Page"}, thing(items=rows())]}, "items"),
        ({"anyOf": [DATA, {"type": "null"}]}, "data"),
    ],
)
def test_rows_are_the_array_that_matters(answer, items):
    components = {"schemas": {"Page": thing(total=WHOLE)}}
    assert the_list(answer, query("page"), query("limit"), components=components).envelope.items == items


def test_a_total_is_of_all_rows_and_not_of_one_page():
    def total(**around):
        envelope = the_list(thing(data=rows(), **around), query("page")).envelope
        return envelope.total or envelope.total_header

    assert total(meta=thing(pagination=thing(total_entries=WHOLE))) == "meta.pagination.total_entries"
    assert total(count={**WHOLE, "description": "The total number of tickets."}) == "count"
    assert total(total={**WHOLE, "description": "How many pages there are."}) is None
    assert total(count=WHOLE) is None
    told = doubts(thing(data=rows(), count=WHOLE), query("page"))
    assert any("counts all rows, or those of the page" in each for each in told)
    assert the_list(BARE, query("page"), headers={"X-Total-Count": {"schema": WHOLE}}).envelope.total_header


def test_a_flag_may_say_the_opposite():
    said = {
        name: the_list(thing(data=rows(), **{name: FLAG}), query("page")).envelope for name in ("hasMore", "is_last")
    }
    assert [(each.more, each.is_last) for each in said.values()] == [("hasMore", False), ("is_last", True)]


@pytest.mark.parametrize(
    ("row", "key"),
    [
        ({"id": WHOLE, "uuid": TEXT}, "id"),
        ({"sid": TEXT, "account_sid": TEXT}, "sid"),
        ({"ticketId": TEXT, "ownerId": TEXT}, "ticketId"),
        ({"desk_id": TEXT, "owner_id": TEXT}, "desk_id"),  # after the API, which is called Desk
        ({"batch_id": TEXT, "organization_id": TEXT}, "batch_id"),
        ({"name": TEXT, "color": TEXT}, "name"),
    ],
)
def test_the_key_is_the_id_of_the_row_itself(row, key):
    assert the_list(thing(data=rows(row)), query("page")).key == key


def test_the_key_is_what_one_row_is_fetched_by():
    described = document(
        thing(data=rows({"domain": TEXT, "owner": TEXT, "hash": TEXT})), query("page"), path="/domains"
    )
    described["paths"]["/domains/{domain}"] = {"get": {"responses": {"200": {"description": ""}}}}
    (listing,) = recognise(described).listings
    assert (listing.key, [each for each in listing.doubts if "unique" in str(each)]) == ("domain", [])


# ---- numbers and sizes


@pytest.mark.parametrize(
    ("param", "first"),
    [
        (query("page", {**WHOLE, "default": 0}), 0),
        (query("page", {**WHOLE, "minimum": 1}), 1),
        (query("page", WHOLE, "Zero-based number of the page."), 0),
        (query("page", WHOLE, "Starts at 1."), 1),
        (query("page", {**WHOLE, "example": 1}), 1),
    ],
)
def test_the_first_page_is_zero_or_one_as_documented(param, first):
    listing = the_list(BARE, param, SIZED)
    assert (listing.paging.first, listing.doubts) == (first, ())


def test_a_first_page_that_is_not_documented_is_told():
    assert any("0 or 1 is not documented" in each for each in doubts(BARE, query("page"), SIZED))


@pytest.mark.parametrize(
    ("size", "largest"),
    [
        (query("limit", {**WHOLE, "maximum": 250}), 250),
        (query("limit", WHOLE, "Between 1 and 40."), 40),
        (query("limit", WHOLE, "Maximum: 200, default 10."), 200),
        (query("limit", WHOLE, "Up to 30 rows."), 30),
        (query("limit", {**WHOLE, "enum": [10, 25, 60]}), 60),
        (query("limit", {**WHOLE, "maximum": 2147483647}), 1000),
    ],
)
def test_the_largest_page_is_what_the_document_allows(size, largest):
    listing = the_list(BARE, query("offset"), size)
    assert (listing.paging.largest, listing.doubts) == (largest, ())


def test_a_size_that_is_not_documented_is_the_default_or_small():
    for size, largest in ((query("limit", {**WHOLE, "default": 35}), 35), (query("limit"), 20)):
        listing = the_list(BARE, query("offset"), size)
        assert listing.paging.largest == largest
        assert any("is assumed" in str(each) for each in listing.doubts)


# ---- conditions


def conditions(*parameters, row=None):
    listing = the_list(thing(data=rows(row)), query("page"), *parameters)
    return {each.name: each for each in listing.conditions}


@pytest.mark.parametrize(
    ("names", "params"),
    [
        (("created[gte]", "created[lt]"), {"ge": "created[gte]", "lt": "created[lt]"}),
        (("created_at__gte", "created_at__lte"), {"ge": "created_at__gte", "le": "created_at__lte"}),
        (("min_created_at", "max_created_at"), {"ge": "min_created_at", "le": "max_created_at"}),
        (("created_after", "created_before"), {"gt": "created_after", "lt": "created_before"}),
        (("createdAt>", "createdAt<"), {"gt": "createdAt>", "lt": "createdAt<"}),
        (("created:min", "created:max"), {"ge": "created:min", "le": "created:max"}),
    ],
)
def test_a_range_is_a_pair_of_parameters(names, params):
    found = conditions(*(query(name, TIME) for name in names))["created_at"]
    assert (found.kind, dict(found.params), found.attr) == ("Timestamp", params, "created_at")


def test_a_bound_is_included_where_the_document_says_so():
    """Where it does not, it is taken as not included: that loses no row."""
    said = conditions(query("created_after", TIME, "Created on or after this time."))["created_at"]
    assert dict(said.params) == {"ge": "created_after"}
    told = the_list(DATA, query("page"), query("created_since", TIME))
    assert any("bound itself is included" in str(each) for each in told.doubts)


def test_a_bound_without_a_name_is_of_the_member_that_its_description_names():
    found = conditions(query("since", TIME, "Only those whose created_at is greater than this."))
    assert dict(found["created_at"].params) == {"gt": "since"}
    told = the_list(DATA, query("page"), query("since", TIME, "A time."))
    assert any("which member of a row it bounds" in str(each) for each in told.doubts)


def test_values_have_the_kind_of_their_parameter():
    found = conditions(
        query("status", {"type": "string", "enum": ["open", "done", "all"]}),
        query("archived", FLAG),
        query("owner_id", WHOLE),
        query("q", TEXT),
        query("name", TEXT),
        query("group", TEXT),
        query("ids", {"type": "array", "items": TEXT}),
        row={**ROW, "archived": FLAG, "owner_id": WHOLE, "group": TEXT},
    )
    kinds = {name: (each.kind, each.attr) for name, each in found.items() if "param" in each.params}
    assert kinds == {
        "status": ("Choice", "status"),
        "archived": ("Flag", "archived"),
        "owner_id": ("Id", "owner_id"),
        "q": ("FullText", None),
        "name": ("Relation", None),  # whether it is compared as a whole is not documented
        "group": ("Text", "group"),
        "id": ("Id", "id"),
    }
    assert found["status"].unseen == ("all",)
    assert found["id"].many


def test_what_only_changes_how_rows_look_is_no_condition():
    assert {"fields", "expand", "include_totals", "before"}.isdisjoint(
        conditions(*(query(name, TEXT) for name in ("fields", "expand", "include_totals", "before")))
    )


@pytest.mark.parametrize(
    ("parameters", "order"),
    [
        ([query("sort", {"type": "string", "enum": ["name", "-name"]})], ("sort", ("name",), "-{name}", None)),
        ([query("sort", {"type": "string", "enum": ["name", "name:desc"]})], ("sort", ("name",), "{name}:desc", None)),
        (
            [
                query("sort", {"type": "string", "enum": ["name"]}),
                query("order", {"type": "string", "enum": ["asc", "desc"]}),
            ],
            ("sort", ("name",), None, ("order", "asc", "desc")),
        ),
        ([query("order_by", {"type": "string", "enum": ["name", "id"]})], ("order_by", ("name", "id"), None, None)),
    ],
)
def test_orders_are_those_that_are_listed(parameters, order):
    found = the_list(DATA, query("page"), *parameters).order
    assert (found.param, found.names, found.descending, found.direction) == order


def test_a_direction_alone_is_a_condition_and_free_text_is_not_guessed():
    found = the_list(DATA, query("page"), query("order", {"type": "string", "enum": ["ascending", "descending"]}))
    assert (found.order, found.conditions[0].name, found.conditions[0].kind) == (None, "order", "Choice")
    told = doubts(DATA, query("page"), query("sort", TEXT))
    assert any("what it can sort by is not listed" in each for each in told)


def test_what_every_request_needs_is_an_argument():
    team = {"name": "team", "in": "path", "required": True, "schema": TEXT}
    version = {"name": "Desk-Version", "in": "header", "required": True, "schema": TEXT}
    region = query("region", TEXT, required=True)
    listing = the_list(DATA, query("page"), team, version, region, path="/teams/{team}/tickets")
    assert [(each.place, each.name) for each in listing.fixed] == [
        ("path", "team"), ("query", "region"), ("header", "Desk-Version"),
    ]  # fmt: skip


def test_what_a_search_needs_in_its_body_is_an_argument():
    body = {**thing(cursor=TEXT, desk=TEXT, query=thing(name=TEXT)), "required": ["desk", "query"]}
    listing = the_list(thing(data=rows(), next_cursor=TEXT), path="/v1/search", method="post", body=body)
    assert [(each.place, each.name, each.type) for each in listing.fixed] == [
        ("body", "desk", "str"), ("body", "query", "dict[str, Any]"),
    ]  # fmt: skip


def test_a_first_cursor_that_must_be_sent_is_not_guessed():
    told = undecided(thing(data=rows(), next_cursor=TEXT), query("cursor", TEXT, required=True), SIZED)
    assert "what the first page has there is not documented" in told


# ---- how the API is reached


@pytest.mark.parametrize(
    ("scheme", "credential"),
    [
        ({"type": "http", "scheme": "bearer"}, ("token", "Authorization", "Bearer ")),
        ({"type": "oauth2", "flows": {}}, ("token", "Authorization", "Bearer ")),
        ({"type": "http", "scheme": "basic"}, ("login", "Authorization", "")),
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, ("api_key", "X-Key", "")),
    ],
)
def test_credentials_are_those_of_the_security_scheme(scheme, credential):
    described = document(DATA, components={"securitySchemes": {"one": scheme}}, security=[{"one": []}])
    (found,) = recognise(described).access.credentials
    assert (found.name, found.wire, found.prefix) == credential


def test_a_key_in_the_query_is_told():
    scheme = {"type": "apiKey", "in": "query", "name": "key"}
    found = recognise(document(DATA, components={"securitySchemes": {"one": scheme}}, security=[{"one": []}])).access
    assert found.credentials == ()
    assert any("not in a header" in str(each) for each in found.doubts)


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ({"url": "https://api.example.com/v1/"}, "https://api.example.com/v1"),
        ({"url": "https://{region}.example.com", "variables": {"region": {"default": "eu"}}}, "https://eu.example.com"),
        ({"url": "/v1"}, None),
    ],
)
def test_the_address_is_that_of_the_first_server(server, url):
    found = recognise(document(DATA, servers=[server])).access
    assert found.base_url == url
    assert url is not None or any("has no host" in str(each) for each in found.doubts)
