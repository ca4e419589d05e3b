"""A gate: each attempt asks it first, it hears of each that is over, and of each pause that the API asks for."""

import anyio
import pytest
from servers import Server, answer, raw, reset

from readahead import Retry
from readahead.errors import DeadlineExceeded, GateError, RateLimited, UsageError
from readahead.kintsugi import Kintsugi

pytestmark = pytest.mark.anyio
TOO_MANY = raw(answer(b"{}", "429 Too Many Requests", ["Retry-After: 1"]))


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


class Gate:
    """Answers by a script, then lets all pass; an exception in it is raised."""

    def __init__(self, *script):
        self.script, self.entered, self.over, self.pauses = list(script), 0, [], []

    async def enter(self):
        await anyio.lowlevel.checkpoint()
        step = self.script.pop(0) if self.script else 0.0
        if isinstance(step, Exception):
            raise step
        self.entered += step == 0
        return step

    def left(self, seconds):
        self.over.append(seconds)

    async def pause(self, seconds):
        self.pauses.append(seconds)


async def test_each_attempt_asks_until_it_may_pass_and_says_when_it_is_over(kintsugi):
    gate = Gate(0.01, 0.02)
    async with Server(reset) as server, kintsugi(server, gate=gate, retry=Retry(attempts=2, base=0.0)) as client:
        async with client.customers.page_size(10).limit(10).prefetch(1) as stream:
            rows = [row async for row in stream]
        assert len(rows) == 10
        assert gate.entered == len(gate.over) == len(server.seen) == stream.report.requests
        assert stream.report.waited >= 0.03
        assert gate.pauses == []


async def test_nothing_is_sent_that_the_gate_does_not_let_pass(kintsugi):
    """Its error ends the call at once, also one that writes, and says that nothing was applied."""
    gate = Gate(GateError("gone"), GateError("gone"))
    async with Server() as server, kintsugi(server, gate=gate, retry=Retry(attempts=5)) as client:
        with pytest.raises(GateError, match="gone") as caught:
            await client.customers.get("cust_1")
        assert not caught.value.maybe_applied
        with pytest.raises(GateError):
            await client.customers.first_page()
        assert server.seen == []
        assert gate.over == []


async def test_a_wait_that_ends_after_the_deadline_fails_at_once(kintsugi):
    async with Server() as server, kintsugi(server, gate=Gate(60.0), deadline=30.0) as client:
        began = anyio.current_time()
        with pytest.raises(DeadlineExceeded, match="past the deadline"):
            await client.customers.first_page()
        assert anyio.current_time() < began + 30
        assert server.seen == []


async def test_a_gate_that_never_answers_ends_with_the_deadline(kintsugi):
    class Stuck(Gate):
        async def enter(self):
            await anyio.sleep_forever()

    async with Server() as server, kintsugi(server, gate=Stuck(), deadline=0.05) as client:
        with pytest.raises(DeadlineExceeded):
            await client.customers.first_page()
        assert server.seen == []


async def test_a_pause_is_told(kintsugi):
    """Also where the call is not repeated, and where the gate cannot be told: then its own error comes out."""

    class Gone(Gate):
        async def pause(self, seconds):
            await super().pause(seconds)
            raise GateError("gone")

    for gate in (Gate(), Gone()):
        async with Server(TOO_MANY) as server, kintsugi(server, gate=gate) as client:
            with pytest.raises(RateLimited):
                await client.customers.first_page()
        assert len(gate.pauses) == 1
        assert 0 < gate.pauses[0] <= 1.0


async def test_a_pause_that_begins_while_the_gate_is_asked_is_kept(kintsugi):
    """A second request is let pass in the moment in which the first one's response asks for a pause."""
    paused = anyio.Event()

    class Slow(Gate):
        async def enter(self):
            if self.entered == 1 and not paused.is_set():
                await paused.wait()
            return await super().enter()

        async def pause(self, seconds):
            await super().pause(seconds)
            paused.set()

    gate = Slow()
    async with Server(TOO_MANY) as server, kintsugi(server, gate=gate) as client:
        began = anyio.current_time()

        async def first():
            with pytest.raises(RateLimited):
                await client.customers.get("cust_1")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await server.until(lambda it: it.counts["seen"] == 1)
            await client.customers.get("cust_2")
        assert anyio.current_time() >= began + 1.0
        assert len(server.seen) == 2


@pytest.mark.parametrize("wrong", [object(), "gate", 1, lambda: None])
async def test_what_is_no_gate_is_refused(wrong):
    with pytest.raises(UsageError, match="gate must be"):
        Kintsugi(api_key="key", organization_id="org", gate=wrong)


async def test_options_keep_the_gate(kintsugi):
    gate = Gate()
    async with Server() as server, kintsugi(server, gate=gate) as client:
        await client.with_options(timeout=5.0).customers.get("cust_1")
        assert gate.entered == len(server.seen) == 1
