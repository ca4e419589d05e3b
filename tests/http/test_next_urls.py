"""Pages that name the next one by a URL: what is taken of it, where it is sent, and what never follows it."""

import json
from base64 import b64encode
from types import SimpleNamespace
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from attrs import frozen
from servers import Server, answer

from readahead.endpoint import Endpoint
from readahead.errors import UnexpectedAnswer
from readahead.http.client import Client
from readahead.http.credentials import Credential
from readahead.locations import LinkHeader
from readahead.paging import Cursor, NextURL
from readahead.query import Query
from readahead.reading import Reading
from readahead.rows import RowReader

KEY = "a key of nobody 123"
PATH = "/v1/repos/me/it/issues"


@frozen
class Thing:
    """A row."""

    id: str

    @classmethod
    def from_dict(cls, source):
        return cls(source["id"])


class Api(Client):
    """A client of a list whose pages name the next one."""

    def __init__(self, server, paging=None, **options):
        super().__init__({"Authorization": Credential("key", KEY, "NO_KEY")}, base_url=f"{server.url}/v1", **options)
        self.paging = paging or NextURL("per_page")

    def things(self, **params):
        def build_request(**params):
            return {"method": "get", "url": f"/repos/me/it/issues?{urlencode(params)}"}

        operation = SimpleNamespace(OPERATION="GET /repos/{owner}/{repo}/issues", build_request=build_request)
        follows = LinkHeader() if isinstance(self.paging, NextURL) else "next"
        reader = RowReader(
            Thing.from_dict, key="id", items=None if isinstance(follows, LinkHeader) else "data", next=follows
        )
        return Query(Reading(self._sender, Endpoint(operation, reader=reader, paging=self.paging), params))


def page(*ids, link="", **more):
    """One response: rows, and a Link header or other members of the envelope."""
    rows = [{"id": name} for name in ids]
    body = json.dumps({"data": rows, **more} if more else rows).encode()
    return lambda _seen: (answer(body, headers=[f"Link: {link}"] if link else []), "keep")


async def read(query, **options):
    async with query.prefetch(**options) as rows:
        return [row.id async for row in rows], rows


FOREIGN = {
    "another host": "http://localhost:{port}/v1/repos/me/it/issues?page=2",
    "another port": "http://127.0.0.1:{other}/v1/repos/me/it/issues?page=2",
    "https": "https://127.0.0.1:{port}/v1/repos/me/it/issues?page=2",
    "no scheme": "//127.0.0.1:{other}/v1/repos/me/it/issues?page=2",
    "our origin as a user": "http://127.0.0.1:{port}@127.0.0.1:{other}/?page=2",
    "no http": "javascript:alert(1)?page=2",
}


@pytest.mark.parametrize("url", FOREIGN)
@pytest.mark.parametrize("http", ["httpx", "aiohttp"])
@pytest.mark.asyncio
async def test_a_url_of_another_origin_is_an_error_and_the_key_stays(url, http):
    """Behind the rows before it. Nothing goes there, and it is not the end."""
    async with Server() as other, Server() as server:
        target = FOREIGN[url].format(port=server.port, other=other.port)
        server.script.append(page("a", "b", link=f'<{target}>; rel="next"'))
        came = []
        async with Api(server, http=http) as api:
            with pytest.raises(
                UnexpectedAnswer, match="the next page cannot be requested: its URL leads from"
            ) as caught:
                async with api.things().prefetch() as rows:
                    async for row in rows:
                        came.append(row.id)
        assert came == ["a", "b"]
        assert not rows.report.complete
        assert KEY not in str(caught.value)
        assert other.seen == []
        assert len(server.seen) == 1


SAME = {
    "absolute": "{url}/v1/repos/me/it/issues?{query}",
    "another path": "{url}/repositories/1300192/issues?{query}",
    "absolute path": "/v2/elsewhere?{query}",
    "query": "?{query}",
    "capitals, user and fragment": "HTTP://someone@127.0.0.1:{port}/?{query}#there",
    "above the root": "/../../../etc?{query}",
}


@pytest.mark.parametrize("url", SAME)
@pytest.mark.anyio
async def test_the_query_alone_is_taken_and_sent_to_the_path_of_the_listing(url):
    """Wherever on this origin the URL leads."""
    query = "state=open&labels=a%2Cb&page=2&per_page=100&q=%C3%A4+b"
    async with Server() as server:
        target = SAME[url].format(url=server.url, port=server.port, query=query)
        server.script += [page("a", link=f'<{target}>; rel="next"'), page("b")]
        async with Api(server) as api:
            rows, stream = await read(api.things(state="open", labels="a,b"))
        assert rows == ["a", "b"]
        assert stream.report.complete
        first, second = server.seen
        assert first.path == second.path == PATH
        assert dict(parse_qsl(urlsplit(second.target).query)) == dict(parse_qsl(query))
        assert second.headers["authorization"] == KEY


@pytest.mark.asyncio
async def test_what_a_url_leaves_out_is_not_sent():
    """Some APIs refuse a filter beside the token that stands for it."""
    async with Server() as server:
        server.script += [page("a", link="<?page_info=abc&limit=50>; rel=next"), page("b")]
        async with Api(server) as api:
            await read(api.things(status="any", limit="50"))
        assert [seen.query for seen in server.seen] == [
            {"status": ["any"], "limit": ["50"], "per_page": ["100"]},
            {"page_info": ["abc"], "limit": ["50"]},
        ]


@pytest.mark.asyncio
async def test_a_checkpoint_holds_neither_filters_nor_the_key():
    """Though the URL holds both; the rest is read as before."""
    async with Server() as server:
        url = f"?email=ann%40example.com&email=bob%40example.com&page=2&token={urlencode({'': KEY})[1:]}"
        server.script += [page("a", link=f"<{url}>; rel=next"), page("b", "c"), page("b", "c")]
        async with Api(server) as api:
            query = api.things(email="ann@example.com")
            async with query.prefetch(1) as rows:
                _ = [await anext(rows), await anext(rows)]
                checkpoint = rows.checkpoint.to_json()
            rest, _ = await read(query, resume=checkpoint)
        assert rest == ["c"]
        assert "ann" not in checkpoint.replace("bob", "")
        assert KEY.split(maxsplit=1)[0] + "%20key" not in checkpoint
        assert "nobody" not in checkpoint
        assert server.seen[1].target == server.seen[2].target
        assert "token" not in server.seen[1].target


@pytest.mark.asyncio
async def test_a_filter_in_a_url_is_kept_by_its_name_alone():
    """The value is that of the query, which is built again."""
    async with Server() as server:
        server.script += [
            page("a", link="<?email=ann%40example.com&page=2>; rel=next"),
            page("b", "c"),
            page("b", "c"),
        ]
        async with Api(server) as api:
            query = api.things(email="ann@example.com")
            async with query.prefetch(1) as rows:
                _ = [await anext(rows), await anext(rows)]
                checkpoint = rows.checkpoint.to_json()
            assert (await read(query, resume=checkpoint))[0] == ["c"]
        assert "ann" not in checkpoint
        assert server.seen[2].query == {"email": ["ann@example.com"], "page": ["2"]}


BAD = {
    "no query": ("<{url}/v1/repos/me/it/issues/page/2>; rel=next", "its URL has no query"),
    "only the key": ("<?token=a%20key%20of%20nobody%20123>; rel=next", "its URL has no query"),
    "backslashes": (r"<http:\\127.0.0.1\?page=2>; rel=next", "expected a URL"),
    "spaces": ("<?page=2 3>; rel=next", "expected a URL"),
    "a port that is none": ("<http://127.0.0.1:port/?page=2>; rel=next", "expected a URL"),
    "no link": ("?page=2; rel=next", "the header Link is none as in RFC 8288"),
    "half a link": ("<?page=2; rel=next", "the header Link is none as in RFC 8288"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.asyncio
async def test_what_is_no_url_is_an_error(case):
    """Never the end."""
    link, reason = BAD[case]
    async with Server() as server:
        server.script += [page("a", link=link.format(url=server.url))]
        async with Api(server) as api:
            with pytest.raises(UnexpectedAnswer, match=reason) as caught:
                await api.things().to_list()
        assert "nobody" not in str(caught.value)
        assert len(server.seen) == 1


LINKS = {  # headers; the page that is requested next
    "quoted commas": (['<https://x.example/,a>; title="b, <c>; rel=next", <?page=2>; rel="next"'], "2"),
    "several relations": (['<?page=9>; rel="last prefetch", <?page=2>; rel="archives NEXT"'], "2"),
    "the first of two relations": (["<?page=9>; rel=last; rel=next, <?page=2>; rel=next"], "2"),
    "about something else": (['<?page=9>; rel=next; anchor="#foo", <?page=2>; rel=next'], "2"),
    "two headers": (["<?page=1>; rel=prev", "<?page=2>; rel=next"], "2"),
    "spaces and empty parts": ([' , <?page=2> ;rel = "next" ; x,, '], "2"),
    "escapes": ([r'<?page=9>; title="a \" , <?page=8>; rel=next"; rel=last, <?page=2>; rel=next'], "2"),
    "no next": (["<?page=1>; rel=prev, <?page=1>; rel=nextish"], None),
    "none": ([], None),
}


@pytest.mark.parametrize("case", LINKS)
@pytest.mark.parametrize("http", ["httpx", "aiohttp"])
@pytest.mark.asyncio
async def test_links_are_read_as_rfc_8288_says(case, http):
    """Also where they come in several headers, whatever sends them."""
    headers, number = LINKS[case]
    async with Server() as server:
        first = answer(b'[{"id": "a"}]', headers=[f"Link: {header}" for header in headers])
        server.script += [lambda _: (first, "keep"), page("b")]
        async with Api(server, http=http) as api:
            rows, stream = await read(api.things())
        assert rows == ["a", "b"][: 1 + (number is not None)]
        assert stream.report.complete
        assert [seen.query.get("page") for seen in server.seen][1:] == ([[number]] if number else [])


FORMS = [f"x{KEY}y", quote(KEY), KEY.upper(), KEY.encode().hex(), b64encode(f"1:{KEY}".encode()).decode()]


@pytest.mark.parametrize("cursor", FORMS, ids=["plain", "percent-encoded", "capitals", "hex", "base64"])
@pytest.mark.asyncio
async def test_a_cursor_that_holds_the_key_is_refused(cursor):
    """A checkpoint would keep it, and a message show it."""
    async with Server() as server:
        server.script += [page("a", next=cursor)]
        async with Api(server, Cursor()) as api:
            with pytest.raises(UnexpectedAnswer, match="holds a credential") as caught:
                await api.things().to_list()
        assert "nobody" not in str(caught.value)
