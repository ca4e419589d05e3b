"""Checkpoints and partitions that somebody changed, through the public API: a short CheckpointError, or a valid one."""

import copy
import random

import orjson
import pytest

from readahead.errors import CheckpointError
from readahead.http.libraries import client_for_app
from readahead.kintsugi import Kintsugi
from readahead.sandbox import API_KEY, ORGANIZATION_ID, TOKEN, Sandbox
from readahead.sweetspot import SweetSpot

pytestmark = pytest.mark.asyncio

LONGEST = 500  # characters of a message
DEEP = object()
WRONG = [
    None, True, False, -1, 0, 2**63, -(2**63), 2**64 - 1, 1.5, 1e300, "", "x", "\0", "3", "x" * 100_000, [], {}, [[]],
    [None], [True], [1, "a"], {"v": 3}, [[1, 2]], [[-1, "a"]], [[True, "a"]], ["x" * 100_000], [{}] * 10_000, DEEP,
]  # fmt: skip


def client(api):
    box = Sandbox(kintsugi_rows=300, sweetspot_rows=300)
    if api == "kintsugi":
        http = client_for_app(box.kintsugi_app)
        return Kintsugi(api_key=API_KEY, organization_id=ORGANIZATION_ID, base_url="http://localhost", http_client=http)
    return SweetSpot(token=TOKEN, base_url="http://localhost", http_client=client_for_app(box.sweetspot_app))


def spots(node, path=()):
    yield path
    if isinstance(node, dict | list):
        for key in node if isinstance(node, dict) else range(len(node)):
            yield from spots(node[key], (*path, key))


def changed(node, path, value):
    if not path:
        return value
    node = copy.deepcopy(node)
    place = node
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return node


def mutations(text):
    """Every value replaced by every wrong one or left out, and the text cut and scrambled."""
    members, chance = orjson.loads(text), random.Random(1)
    for path in spots(members):
        for value in [*WRONG, *([...] if path else [])]:
            if value is DEEP:
                for levels in (200, 300, 900, 5000):
                    mark = orjson.dumps(changed(members, path, "deep mark"))
                    yield mark.replace(b'"deep mark"', b"[" * levels + b"]" * levels).decode()
                    yield mark.replace(b'"deep mark"', b'{"not":' * levels + b"1" + b"}" * levels).decode()
            else:
                yield orjson.dumps(changed(members, path, value)).decode()
    for name in ("older", "total", "stop", "cursor", "branch", "keys", "at", "rows"):
        for value in WRONG:
            if value is not DEEP:
                yield orjson.dumps({**members, name: value}).decode()
                if isinstance(members.get("from"), dict):
                    yield orjson.dumps({**members, "from": {**members["from"], name: value}}).decode()
    for _ in range(200):
        place = chance.randrange(len(text))
        yield text[:place] + chance.choice(["", "\ud800", "\0", '"', "9", "[", "é"]) + text[place + 1 :]


def refused(act, text):
    """Whether the text is refused; only ever as a short CheckpointError."""
    try:
        act(text)
    except CheckpointError as error:
        assert len(str(error)) <= LONGEST
        return True
    return False


@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
async def test_a_changed_checkpoint_is_a_short_checkpoint_error(api):
    """Whatever was changed; what is still valid is taken."""
    async with client(api) as me:
        query = me.customers.page_size(50)
        async with query.prefetch(window=2) as rows:
            async for _ in rows:
                if rows.report.rows == 120:
                    break
            text = str(rows.checkpoint)
        results = [refused(lambda text: query.prefetch(resume=text), changed) for changed in mutations(text)]
    assert sum(results) > 100


@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
async def test_a_changed_partition_is_a_short_checkpoint_error(api):
    """The same of a part of a listing."""
    async with client(api) as me:
        parts = await me.customers.partitions(3)
        results = [
            refused(lambda text: me.customers.from_partition(text).prefetch(), changed)
            for changed in mutations(str(parts[1]))
        ]
    assert sum(results) > 100
