"""The sandbox as a whole: the same rows each time, both APIs on one port, and a record of what was asked."""

import gc
import socket
import subprocess
import sys
import threading

import anyio
import httpx
import pytest
from asking import BEARER, KEYS, anonymous, ask, client

from readahead.sandbox import Sandbox

pytestmark = pytest.mark.anyio
CUSTOMERS = "/v1/customers"

DIGEST = """
import hashlib, orjson
from readahead.sandbox import Sandbox
box = Sandbox(kintsugi_rows=500, sweetspot_rows=500)
print(hashlib.sha256(orjson.dumps([box.kintsugi_rows(), box.sweetspot_rows()])).hexdigest())
"""


def test_every_run_has_the_same_rows():
    """Another process, with another hash seed and in another time zone, makes the same customers to the byte."""
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={"PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(digests) == 1


def test_a_small_sandbox_is_the_beginning_of_a_large_one():
    """The number of rows changes how many there are, not what they are."""
    small, large = Sandbox(kintsugi_rows=20, sweetspot_rows=20), Sandbox(kintsugi_rows=90, sweetspot_rows=90)
    assert small.kintsugi_rows() == large.kintsugi_rows()[:20]
    assert small.sweetspot_rows() == large.sweetspot_rows()[:20]


def test_both_apis_are_served_on_one_port():
    """One URL serves Kintsugi and Sweet Spot under their names, on a real socket."""
    box = Sandbox(kintsugi_rows=3, sweetspot_rows=3)
    with box.serve() as url, httpx.Client(base_url=url) as http:
        assert url.startswith("http://127.0.0.1:")
        assert http.get(f"/kintsugi{CUSTOMERS}", headers=KEYS).json()["items"] == box.kintsugi_rows()
        assert http.get(f"/sweetspot{CUSTOMERS}", headers=BEARER).json() == box.sweetspot_rows()
        assert http.get(CUSTOMERS).status_code == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2", "::1"])
def test_it_listens_where_it_is_told_to(host):
    """The URL has the host that was asked for, and an address of IPv6 in brackets."""
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with Sandbox(sweetspot_rows=3).serve(host=host) as url:
        assert url.startswith("http://[::1]:" if host == "::1" else f"http://{host}:")
        assert len(httpx.get(f"{url}/sweetspot/v1/customers", headers=BEARER).json()) == 3


def test_two_sandboxes_serve_side_by_side():
    """Each takes a port of its own and has rows of its own."""
    one, two = Sandbox(kintsugi_rows=1), Sandbox(kintsugi_rows=2)
    with one.serve() as first, two.serve() as second:
        assert first != second
        assert httpx.get(f"{first}/kintsugi{CUSTOMERS}", headers=KEYS).json()["total"] == 1
        assert httpx.get(f"{second}/kintsugi{CUSTOMERS}", headers=KEYS).json()["total"] == 2


def test_the_server_is_gone_after_the_block():
    """Nothing listens any more once the block is left; a second block serves again."""
    box = Sandbox(kintsugi_rows=1)
    with box.serve() as url:
        port = int(url.rpartition(":")[2])
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    with box.serve(port) as again:
        assert again == url
        assert httpx.get(f"{url}/kintsugi{CUSTOMERS}", headers=KEYS).status_code == 200


def test_a_taken_port_is_an_error():
    """A port that somebody else listens on raises OSError."""
    box = Sandbox(kintsugi_rows=0, sweetspot_rows=0)
    with box.serve() as url, pytest.raises(OSError, match="in use"), box.serve(int(url.rpartition(":")[2])):
        pass


async def test_it_answers_in_process():
    """No socket is needed: an ASGI transport calls it, latency included."""
    box = Sandbox(kintsugi_rows=7, sweetspot_rows=7, latency=0.001)
    assert (await ask(box.kintsugi_app, CUSTOMERS)).json()["items"] == box.kintsugi_rows()
    assert (await ask(box.sweetspot_app, CUSTOMERS)).json() == box.sweetspot_rows()


async def test_it_counts_what_is_in_flight():
    """With answers held until five requests are there, five were in flight, and afterwards none."""
    everybody = anyio.Event()

    async def until_five_are_there(request):
        if box.in_flight["kintsugi"] == 5:
            everybody.set()
        await everybody.wait()

    box = Sandbox(kintsugi_rows=1, latency=until_five_are_there)
    async with client(box.kintsugi_app) as http, anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(http.get, CUSTOMERS)
    assert box.peak == {"kintsugi": 5, "sweetspot": 0}
    assert box.in_flight == {"kintsugi": 0, "sweetspot": 0}
    box.forget()
    assert (box.peak, box.requests) == ({"kintsugi": 0, "sweetspot": 0}, [])


async def test_a_client_that_goes_away_is_not_in_flight():
    """On a socket too, a request that its client gave up is over, and has no status in the log."""
    answering = threading.Event()

    async def never(request):
        answering.set()
        await anyio.sleep_forever()

    box = Sandbox(kintsugi_rows=1, latency=never)
    with box.serve() as url:
        async with httpx.AsyncClient(headers=KEYS, timeout=None) as http, anyio.create_task_group() as group:
            group.start_soon(http.get, f"{url}/kintsugi{CUSTOMERS}")
            while not answering.is_set():
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        while box.in_flight["kintsugi"]:
            await anyio.lowlevel.checkpoint()
    assert [request.status for request in box.requests] == [None]


async def test_the_log_tells_what_was_asked_and_no_secret():
    """Method, path, query and status of each request are kept; of the headers only the names."""
    box = Sandbox(kintsugi_rows=1, sweetspot_rows=1)
    answer = await ask(box.app, f"/kintsugi{CUSTOMERS}?page=2&state=CA")
    await ask(box.app, f"/sweetspot{CUSTOMERS}/none", "PUT", json={})
    await anonymous(box.app, f"/sweetspot{CUSTOMERS}", {"authorization": "Bearer very-secret"})
    assert [(r.api, r.method, r.path, r.query, r.status) for r in box.requests] == [
        ("kintsugi", "GET", CUSTOMERS, "page=2&state=CA", 200),
        ("sweetspot", "PUT", f"{CUSTOMERS}/none", "", 404),
        ("sweetspot", "GET", CUSTOMERS, "", 200),
    ]
    assert box.requests[0].request_id == answer.headers["x-request-id"]
    assert "authorization" in box.requests[2].header_names
    assert "secret" not in repr(box.requests)


async def test_a_file_keeps_its_rows(tmp_path):
    """Rows written to a file are there in the next sandbox over it, whatever number of rows that one asks for."""
    path = tmp_path / "customers.sqlite"
    with Sandbox(kintsugi_rows=5, sweetspot_rows=5, path=path) as box:
        await ask(box.kintsugi_app, CUSTOMERS, "POST", json={"name": "Kept"})
        await ask(box.sweetspot_app, f"{CUSTOMERS}/{box.sweetspot_rows()[0]['id']}", "PUT", json={"city": "Kept"})
        rows = box.kintsugi_rows(), box.sweetspot_rows()
    with Sandbox(kintsugi_rows=50, sweetspot_rows=50, path=path) as box:
        assert (box.kintsugi_rows(), box.sweetspot_rows()) == rows
        assert (await ask(box.kintsugi_app, f"{CUSTOMERS}?search_query=kept")).json()["total"] == 1


async def test_an_application_keeps_its_rows_alive():
    """The database stays open for as long as an application of the sandbox is held."""
    app = Sandbox(kintsugi_rows=3).kintsugi_app
    gc.collect()
    assert (await ask(app, CUSTOMERS)).json()["total"] == 3


async def test_it_hands_out_clients_of_its_own():
    """`kintsugi()` and `sweetspot()` are clients connected in process, with credentials that the sandbox takes."""
    box = Sandbox(kintsugi_rows=120, sweetspot_rows=120, api_key="k", organization_id="o", token="t")
    async with box.kintsugi() as kintsugi, box.sweetspot() as sweetspot:
        assert [row.id async for row in kintsugi.customers] == [row["id"] for row in box.kintsugi_rows()]
        assert [row.id async for row in sweetspot.customers] == [row["id"] for row in box.sweetspot_rows()]
