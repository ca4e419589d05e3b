"""Arguments of a listing besides its filters: parameters of the path, and the body of a search."""

import json
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from attrs import evolve

from readahead.collection import Collection
from readahead.endpoint import Endpoint
from readahead.errors import CheckpointError, FilterError, ServerError, UsageError
from readahead.http.client import Client
from readahead.http.libraries import client_for_app
from readahead.http.retry import Retry
from readahead.kintsugi import Customer
from readahead.locations import Header
from readahead.paging import Cursor, OffsetLimit, PageNumber
from readahead.query import Query
from readahead.reading import Reading
from readahead.rows import RowReader

READER = RowReader(Customer.from_dict, key="id", items="data", next="next")
ISSUES = Endpoint(
    SimpleNamespace(
        OPERATION="GET /repos/{owner}/{repo}/issues",
        build_request=lambda *, owner, repo: {
            "method": "get",
            "url": f"/repos/{quote(owner, safe='')}/{quote(repo, safe='')}/issues",
        },
    ),
    reader=evolve(READER, next=None),
    paging=OffsetLimit(),
)


def search(**paging):
    """A search by POST, whose position is in its body."""

    def build_request(*, body):
        return {"method": "post", "url": "/search", "json": body}

    operation = SimpleNamespace(OPERATION="POST /search", build_request=build_request)
    return Endpoint(operation, reader=READER, paging=Cursor(where="body", **paging))


class Api(Client):
    """A client of lists with arguments."""

    def __init__(self, app=None, **options):
        http = {} if app is None else {"http_client": client_for_app(app)}
        super().__init__({}, base_url="http://127.0.0.1", **http, **options)

    def issues(self, owner, repo):
        return Collection(Reading(self._sender, ISSUES, {"owner": owner, "repo": repo}), Query)

    def search(self, endpoint, **arguments):
        return Query(Reading(self._sender, endpoint, arguments))


def serving(*answers, seen):
    """An app that gives these statuses and bodies, and keeps the paths and bodies that it was sent."""

    async def app(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        seen.append((scope["raw_path"].decode(), json.loads(body) if body else None))
        status, answer = answers[min(len(seen), len(answers)) - 1]
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    return app


@pytest.mark.asyncio
async def test_parameters_of_the_path_are_arguments_of_the_listing():
    """They are encoded by the generated function."""
    seen = []
    async with Api(serving((200, {"data": []}), seen=seen)) as api:
        await api.issues("me & you", "a/b").limit(3).to_list()
    assert seen[0][0].partition("?")[0] == "/repos/me%20%26%20you/a%2Fb/issues"


@pytest.mark.parametrize("wrong", ["", " ", ".", "..", "a\nb"])
def test_an_argument_that_is_no_id_is_refused(wrong):
    """Before anything is sent, with its name."""
    with pytest.raises(FilterError) as caught:
        Api().issues("me", wrong)
    assert caught.value.field == "repo"


def test_an_argument_that_the_operation_does_not_take_is_refused():
    """And one that is missing, when the listing is made."""
    for arguments, message in (
        ({"owner": "me"}, r"GET /repos/\{owner\}/\{repo\}/issues needs 'repo'; give it"),
        ({"owner": "me", "repo": "it", "isue": "7"}, "'isue' is not among the parameters of GET"),
    ):
        with pytest.raises(UsageError, match=message):
            Api().search(ISSUES, **arguments)


@pytest.mark.asyncio
async def test_arguments_are_part_of_every_fingerprint():
    """Of checkpoints and of partitions."""
    seen, pages = [], [(200, {"data": [{"id": f"c{n}"} for n in range(100)]})]
    async with Api(serving(*pages, (200, {"data": []}), seen=seen)) as api:
        mine, others = api.issues("me", "it"), api.issues("me", "that")
        checkpoint, (part, *_) = mine.prefetch().checkpoint, await mine.page_size(20).partitions(1)
        api.issues("me", "it").prefetch(resume=checkpoint)
        with pytest.raises(CheckpointError):
            others.prefetch(resume=checkpoint)
        assert mine.from_partition(part)
        with pytest.raises(CheckpointError):
            others.from_partition(part)


@pytest.mark.asyncio
async def test_a_search_carries_its_position_in_the_body():
    """Beside what the caller put there; an object on the way is made where it is missing."""
    seen, endpoint = [], search(cursor="page.after", size="page.limit", largest=10)
    async with Api(serving((200, {"data": [], "next": 7}), (200, {"data": []}), seen=seen)) as api:
        await api.search(endpoint, body={"filter": {"name": "x"}, "page": None}).to_list()
        await api.search(endpoint).to_list()
    assert [body for _, body in seen] == [
        {"filter": {"name": "x"}, "page": {"limit": 10}},
        {"filter": {"name": "x"}, "page": {"after": 7, "limit": 10}},
        {"page": {"limit": 10}},
    ]


@pytest.mark.asyncio
async def test_a_search_is_a_read():
    """It is sent again after a failure, and nothing may have been applied; messages show where it was."""
    seen, endpoint = [], search(start=1)
    failing = serving((503, {}), (200, {"data": []}), (500, {"detail": "no"}), seen=seen)
    async with Api(failing, retry=Retry(attempts=2, base=0.0)) as api:
        assert await api.search(endpoint).to_list() == []
        with pytest.raises(ServerError) as caught:
            await api.search(endpoint, body={"secret": "ann"}).to_list()
    assert len(seen) == 4
    assert not caught.value.maybe_applied
    assert "POST /search cursor=1 limit=100" in str(caught.value)
    assert "ann" not in str(caught.value)


def test_two_bodies_are_two_queries():
    """A checkpoint knows them apart, and holds neither."""
    endpoint = search()
    first, second = (Api().search(endpoint, body={"name": name}) for name in ("ann", "bob"))
    checkpoint = first.prefetch().checkpoint
    assert "ann" not in checkpoint.to_json()
    with pytest.raises(CheckpointError):
        second.prefetch(resume=checkpoint)


@pytest.mark.asyncio
async def test_a_body_without_room_for_a_position_is_refused():
    """It would be overwritten."""
    endpoint = search(cursor="page.after", size=None, start="*")
    for body in ({"page": 7}, ["page"]):
        with pytest.raises(UsageError, match=r"page\.after cannot be a member of the body"):
            await Api().search(endpoint, body=body).to_list()


def test_a_size_that_cannot_be_chosen_is_refused():
    """The API has no parameter for it."""
    operation = SimpleNamespace(OPERATION="GET /a", build_request=lambda: {"method": "get", "url": "/a"})
    reader = RowReader(Customer.from_dict, key="id", items=None, total=Header("X-Total"))
    query = Api().search(Endpoint(operation, reader=reader, paging=PageNumber("p", None, 30)))
    with pytest.raises(FilterError, match=r"page_size\(\) cannot be used"):
        query.page_size(10)


def test_explain_says_what_a_style_cannot_do():
    """One page ahead, no parts, no trace of changes."""
    text = str(Api().search(search()))
    assert "pages by cursor, 100 rows each" in text
    assert "one request after another" in text
    assert "partitions() cannot split it" in text
    assert "leaves no trace" in text
    assert "one request" not in str(Api().issues("me", "it").limit(3))
