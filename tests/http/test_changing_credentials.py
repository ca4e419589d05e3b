"""Credentials that change: functions that are asked before each request, and once more after a 401."""

import traceback

import anyio
import anyio.lowlevel
import pytest
from pydantic import SecretStr
from servers import Server, answer, customers

from readahead import Retry
from readahead.errors import AuthenticationFailed, CredentialsError, InvalidRequest
from readahead.kintsugi import Kintsugi
from readahead.sweetspot import SweetSpot

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend(lane):
    """The loop of the lane."""
    return lane[1]


class Tokens:
    """Hands out tokens, and counts how often it is asked."""

    def __init__(self, *tokens):
        self.tokens, self.asked = list(tokens), 0

    def now(self):
        self.asked += 1
        return self.tokens[min(self.asked, len(self.tokens)) - 1]

    async def later(self):
        await anyio.lowlevel.checkpoint()
        return self.now()


def accepting(*tokens):
    """Answer these tokens, and say 401 to all others."""

    def step(seen):
        if seen.headers.get("authorization") in {f"Bearer {token}" for token in tokens}:
            return answer(customers(seen)), "keep"
        return answer(b'{"error": {"message": "expired"}}', "401 Unauthorized"), "keep"

    return step


@pytest.fixture
def sweetspot(http):
    def opened(server, token, **options):
        return SweetSpot(token=token, base_url=server.url, http=http, **options)

    return opened


async def read(client):
    await client.customers.get("cust_1")


def sent(server):
    return [seen.headers["authorization"].removeprefix("Bearer ") for seen in server.seen]


@pytest.mark.parametrize("how", ["now", "later"])
async def test_a_function_is_asked_before_each_request(sweetspot, how):
    tokens = Tokens("one", "two", "three")
    async with Server() as server, sweetspot(server, getattr(tokens, how)) as client:
        assert tokens.asked == 0  # not before it is needed
        for _ in range(4):
            await read(client)
        assert sent(server) == ["one", "two", "three", "three"]


@pytest.mark.parametrize("how", ["now", "later"])
async def test_after_a_401_it_is_asked_once_more(sweetspot, how):
    tokens = Tokens("old", "new")
    async with Server(after=accepting("new")) as server, sweetspot(server, getattr(tokens, how)) as client:
        await read(client)
        assert sent(server) == ["old", "new"]
        assert tokens.asked == 2


async def test_a_create_is_sent_again_too_since_a_401_did_nothing(http):
    tokens = Tokens("old-key", "new-key")

    def step(seen):
        good = seen.headers["x-api-key"] == "new-key"
        return answer(customers(seen) if good else b"{}", "200 OK" if good else "401 Unauthorized"), "keep"

    async with Server(after=step) as server:
        client = Kintsugi(api_key=tokens.now, organization_id="org", base_url=server.url, http=http)
        async with client:
            await client.customers.create(name="Ada")
        assert [seen.headers["x-api-key"] for seen in server.seen] == ["old-key", "new-key"]
        assert {seen.headers["x-organization-id"] for seen in server.seen} == {"org"}


@pytest.mark.parametrize("tokens", [["bad"], ["bad", "worse", "worst"]])
async def test_a_second_401_is_the_error(sweetspot, tokens):
    asked = Tokens(*tokens)
    async with Server(after=accepting("good")) as server, sweetspot(server, asked.now) as client:
        with pytest.raises(AuthenticationFailed) as caught:
            await read(client)
        assert sent(server) == tokens[:2]  # the same token again is not tried
        assert asked.asked == 2
        assert "bad" not in str(caught.value)


async def test_a_fixed_credential_is_not_sent_twice(sweetspot):
    async with Server(after=accepting("good")) as server, sweetspot(server, "bad-token") as client:
        with pytest.raises(AuthenticationFailed):
            await read(client)
        assert sent(server) == ["bad-token"]


async def test_requests_at_the_same_time_ask_once(sweetspot):
    """Those that come while it is asked share the answer; so do those that get a 401 for the same token."""
    gate, asked = anyio.Event(), []

    async def token():
        asked.append(len(asked))
        await gate.wait()
        return "old" if len(asked) == 1 else "new"

    async with Server(after=accepting("new")) as server, sweetspot(server, token) as client:
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(read, client)
            await anyio.wait_all_tasks_blocked()
            assert asked == [0]
            gate.set()
        assert len(asked) == 2
        assert sorted(sent(server)) == ["new"] * 20 + ["old"] * 20


async def test_when_who_asks_is_cancelled_the_next_one_asks(sweetspot):
    asked, gate = [], anyio.Event()

    async def token():
        asked.append(len(asked))
        if len(asked) == 1:
            await gate.wait()
        return "good"

    async with Server(after=accepting("good")) as server, sweetspot(server, token) as client:
        first = anyio.CancelScope()

        async def cancelled():
            with first:
                await read(client)

        async with anyio.create_task_group() as group:
            group.start_soon(cancelled)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(read, client)
            await anyio.wait_all_tasks_blocked()
            first.cancel()
        assert asked == [0, 1]
        assert sent(server) == ["good"]


async def test_a_listing_goes_on_with_the_new_token(sweetspot, http):
    """A token that expires in the middle costs a request, and no row."""
    tokens, numbers = Tokens("one"), []

    def step(seen):
        numbers.append(seen)
        valid = "one" if len(numbers) <= 3 else "two"
        if len(numbers) == 3:
            tokens.tokens = ["two"] * 99
        if seen.headers["x-api-key"] != valid:
            return answer(b"{}", "401 Unauthorized"), "keep"
        return answer(customers(seen)), "keep"

    async with Server(after=step) as server:
        client = Kintsugi(api_key=tokens.now, organization_id="org", base_url=server.url, http=http)
        async with client, client.customers.prefetch(window=2) as rows:
            assert [row.id async for row in rows] == [f"cust_{number}" for number in range(1000)]
        assert rows.report.complete


async def test_what_the_function_raises_arrives_as_it_is(sweetspot):
    class Vault(Exception):
        pass

    def token():
        raise Vault

    async with Server() as server, sweetspot(server, token) as client:
        with pytest.raises(Vault):
            await read(client)
        assert not server.seen
        with pytest.raises(Vault):
            async with client.customers.prefetch() as rows:
                async for _ in rows:
                    pass


WRONG = [
    (None, "what token returned must be text, not NoneType"),
    (b"the-secret", "what token returned must be text, not bytes"),
    ("", "must not be empty"),
    ("   ", "must not be empty"),
    ("the-secret\r\nX: 1", "control or non-ASCII"),
    ("the-secret ", "begin or end with a space"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))  # the text itself would be a variable of the test
@pytest.mark.parametrize("later", [False, True])
async def test_what_it_returns_is_checked_and_never_shown(sweetspot, number, later):
    async def coming():
        return WRONG[number][0]

    async with Server() as server, sweetspot(server, coming if later else lambda: WRONG[number][0]) as client:
        with pytest.raises(CredentialsError, match=WRONG[number][1]) as caught:
            await read(client)
        shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
        assert "the-secret" not in shown
        assert not server.seen


@pytest.mark.parametrize("made", [SecretStr("good-token"), lambda: SecretStr("good-token")])
async def test_a_secret_of_pydantic_is_taken(sweetspot, made):
    async with Server(after=accepting("good-token")) as server, sweetspot(server, made) as client:
        await read(client)
        assert sent(server) == ["good-token"]


@pytest.mark.parametrize("wrong", [1, b"x", ["x"], SecretStr(""), SecretStr("x\n")])
async def test_other_kinds_are_refused_at_once(wrong):
    with pytest.raises(CredentialsError):
        SweetSpot(token=wrong)


async def test_a_checkpoint_outlives_the_token(sweetspot, http):
    """A credential that changes cannot tell whose a checkpoint is; the organisation, which does not, can."""
    tokens = Tokens(*map(str, range(1000)))

    def client(organization):
        return Kintsugi(api_key=tokens.now, organization_id=organization, base_url=server.url, http=http)

    async with Server() as server:
        async with client("org") as one, one.customers.prefetch() as rows:
            async for row in rows:
                if row.id == "cust_149":
                    break
        async with client("org") as other, other.customers.prefetch(resume=rows.checkpoint) as rest:
            assert (await anext(rest)).id == "cust_150"
        async with client("another") as foreign:
            with pytest.raises(Exception, match="belongs to another query"):
                foreign.customers.prefetch(resume=rows.checkpoint)


async def test_retries_ask_again(sweetspot):
    tokens = Tokens("one", "two")
    busy = (answer(b"{}", "429 Too Many Requests"), "keep")
    async with Server(lambda _seen: busy) as server, sweetspot(server, tokens.now, retry=Retry(base=0)) as client:
        await read(client)
        assert sent(server) == ["one", "two"]


async def test_after_a_401_each_further_attempt_asks_again(sweetspot):
    """The answer to the 401 is used for one attempt, not for those after it."""
    tokens = Tokens("old", "new", "newer")
    busy = (answer(b"{}", "429 Too Many Requests"), "keep")
    script = [accepting("new"), lambda _seen: busy]
    async with Server(*script) as server, sweetspot(server, tokens.now, retry=Retry(base=0)) as client:
        await read(client)
        assert sent(server) == ["old", "new", "newer"]


async def test_a_401_with_the_same_credential_is_announced_to_no_hook_as_a_retry(sweetspot):
    told = []
    async with (
        Server(after=accepting("good")) as server,
        sweetspot(server, lambda: "bad", on_retry=told.append) as client,
    ):
        with pytest.raises(AuthenticationFailed):
            await read(client)
        assert told == []


async def test_requests_at_the_same_time_ask_once_also_where_that_fails(sweetspot):
    """A vault that is down is not asked once more for each request that waits for it."""
    gate, asked = anyio.Event(), []

    async def token():
        asked.append(len(asked))
        await gate.wait()
        raise LookupError("the vault is down")

    async def failing(client):
        with pytest.raises(LookupError, match="the vault is down") as caught:
            await read(client)
        assert "It was raised by the function that was passed as token." in caught.value.__notes__

    async with Server() as server, sweetspot(server, token) as client:
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(failing, client)
            await anyio.wait_all_tasks_blocked()
            gate.set()
        assert asked == [0]
        await failing(client)
        assert asked == [0, 1]  # later ones ask again
        assert not server.seen


async def test_a_key_that_was_replaced_meanwhile_is_withheld_too(sweetspot):
    """A response may quote the key that its request was sent with, however often it has changed since."""
    tokens = Tokens(*(f"token-number-{number:03}" for number in range(100)))

    def refusing(seen):
        words = " ".join(f"token-number-{number:03}" for number in (0, 18, 19))
        return answer(f'{{"error": {{"message": "no {words}"}}}}'.encode(), "400 Bad Request"), "close"

    async with Server(*[lambda seen: (answer(customers(seen)), "keep")] * 19, after=refusing) as server:
        async with sweetspot(server, tokens.now) as client:
            for _ in range(19):
                await read(client)
            with pytest.raises(InvalidRequest) as caught:
                await read(client)
        said = str(caught.value) + repr(caught.value.body)
        assert "token-number-018" not in said  # the one before
        assert "token-number-019" not in said  # its own
