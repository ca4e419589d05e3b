"""Checkpoints are bound to the credentials by a key that is slow to derive: once, and only where one is needed."""

import hashlib
import subprocess
import sys
import uuid

import pytest
from attrs import evolve
from servers import Server

from readahead.errors import CheckpointError
from readahead.http.fingerprint import Fingerprint
from readahead.http.secret import Secret
from readahead.kintsugi import Kintsugi
from readahead.paging.checkpoint import Checkpoint

pytestmark = pytest.mark.anyio
URL = "https://api.example.com"


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


@pytest.fixture
def derived(monkeypatch):
    """The derivations, each the bytes of memory that it takes."""
    seen, scrypt = [], hashlib.scrypt

    def noted(password, *, salt, n, r, p, maxmem, dklen):
        seen.append(128 * n * r)
        return scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=maxmem, dklen=dklen)

    monkeypatch.setattr(hashlib, "scrypt", noted)
    return seen


def of(token, base_url=URL, **headers):
    return Fingerprint(base_url, [Secret(token), *(one for one in headers.values() if isinstance(one, Secret))])


def test_it_depends_on_credentials_address_and_parts_alone():
    """Not on what else is sent."""
    one = of("a")("checkpoint", 1)
    assert one == of("a")("checkpoint", 1) == of("a", **{"User-Agent": "y"})("checkpoint", 1)
    others = [
        of("b")("checkpoint", 1),
        of("a")("checkpoint", 2),
        of("a", "https://api.example.com/v2")("checkpoint", 1),
    ]
    others += [of("a", "https://example.com")("checkpoint", 1), of("a", X=Secret("b"))("checkpoint", 1)]
    assert len({one, *others}) == len(others) + 1


def test_it_is_the_same_in_another_process():
    """A checkpoint is read there."""
    program = (
        "from readahead.http.fingerprint import Fingerprint as F\nfrom readahead.http.secret import Secret\n"
        f"print(F({URL!r}, [Secret('a')])('checkpoint', 1))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == of("a")("checkpoint", 1)


def test_it_is_derived_once_for_all_clients_of_a_process(derived):
    """With 16 MB at least, so that few are tried at once."""
    token = uuid.uuid4().hex
    for _ in range(3):
        fingerprint = of(token)
        fingerprint("a")
        fingerprint("b")
    (memory,) = derived
    assert memory >= 16_000_000


async def test_a_listing_without_a_checkpoint_derives_nothing(http, derived):
    """Nor do calls."""
    key = uuid.uuid4().hex
    async with Server() as server, Kintsugi(api_key=key, organization_id="o", base_url=server.url, http=http) as client:
        assert len(await client.customers.limit(250).to_list()) == 250
        await client.customers.get("cust_1")
    assert derived == []


@pytest.mark.parametrize("earlier", ["0123456789abcdef0123456789abcdef", "1:0123456789abcdef0123456789abcdef"])
def test_one_of_another_release_is_refused_as_such(http, earlier):
    """It is no sign of other credentials."""
    client = Kintsugi(api_key="k", organization_id="o", http=http)
    checkpoint = Checkpoint(earlier, 0, (), 0)
    with pytest.raises(CheckpointError, match="or to another release"):
        client.customers.prefetch(resume=checkpoint)
    current = client.customers.prefetch().checkpoint
    with pytest.raises(CheckpointError, match="belongs to another query, partition or client"):
        client.customers.limit(7).prefetch(resume=evolve(current))
