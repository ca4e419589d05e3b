"""What every client is: credentials, one way to one origin, and the rules under which requests leave.

``Sender.send`` is the one place where a request is held back, sent, judged and perhaps sent again.
"""

import functools
import hashlib
import hmac
import os
import random
import sys
import warnings
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypedDict, cast

import anyio
import orjson
from attrs import evolve

from ..errors import CredentialsError, ReadaheadError, UsageError
from ..pages import Report
from .pacing import Pace, Pacer
from .retry import Budget, Retry, is_push_back
from .status import check_status
from .transport import (
    Request,
    Response,
    Secret,
    Transport,
    checked_base_url,
    checked_http_client,
    checked_timeout,
    origin,
)

if TYPE_CHECKING:
    import ssl

    from .transport import HTTPClient

__all__ = ["Client", "ClientOptions", "Sender", "credential"]

_FINGERPRINT_VERSION = 1  # raise it when the parts of a fingerprint change


class ClientOptions(TypedDict, total=False):
    """What every client takes besides its credentials, base URL and pace; see ``Client``."""

    timeout: float
    retry: Retry | None
    proxy: str | None
    verify: "ssl.SSLContext | bool"
    user_agent: str | None
    http_client: "HTTPClient | None"


class Sender:
    """Sends the requests of one client: within its budget, and as often as ``retry`` allows."""

    def __init__(self, transport: Transport, retry: Retry, pace: Pace | None) -> None:
        self._transport = transport
        self._retry = retry
        self._budget = Budget(retry.budget, retry.reserve)
        self._pacer = Pacer(pace)

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._transport.base_url

    @property
    def is_open(self) -> bool:
        """Whether connections of ours may be open."""
        return self._transport.is_open

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def send(
        self, request: Request, report: Report | None = None, *, pushed_back: Callable[[], bool] | None = None
    ) -> Response:
        """Send, within the budget and as often as ``retry`` allows. The answer is one whose status says success.

        report: counts requests, retries and waits. pushed_back: called for each answer that says that it was too much;
        True: the listing asked for too many pages at once, and asks for fewer now.
        Raises ApiError, RequestError, UnexpectedAnswer, RetryDelayTooLong or StreamError.
        """
        report = report if report is not None else Report()
        tries = 0
        while True:
            await self._turn(report)
            tries += 1
            report.requests += 1
            report.retries += tries > 1
            sent = anyio.current_time()
            try:
                answer = check_status(self._unechoed(await self._transport.send(request)))
            except ReadaheadError as error:
                again = self._judge(error, request, tries, sent, pushed_back)
            else:
                self._pacer.succeeded(anyio.current_time())
                self._budget.earn()
                return answer
            report.waited += again
            await anyio.sleep(again)

    def _judge(
        self, error: ReadaheadError, request: Request, tries: int, sent: float, pushed_back: Callable[[], bool] | None
    ) -> float:
        """Seconds to wait before the same request is sent again; raises the error if it is not."""
        now = anyio.current_time()
        asked = self._retry.pause(error)
        if is_push_back(error):
            too_many = pushed_back is not None and pushed_back()
            if asked is not None or not too_many:
                self._pacer.pushed_back(now, sent)
        if asked is not None:  # by the API, of everyone: nothing of this client leaves until then
            self._pacer.pause(now, asked)
        again = self._retry.delay(error, tries, repeatable=request.repeatable, random=random.random)
        if again is None:
            raise error
        if asked is None and not self._budget.spend():
            error.add_note(f"It was not sent again: the budget of {self._retry.budget:.0%} retries is spent.")
            raise error
        return 0.0 if asked is not None else again

    async def _turn(self, report: Report) -> None:
        while (seconds := self._pacer.wait(anyio.current_time())) > 0:
            report.waited += seconds
            await anyio.sleep(seconds)

    def _unechoed(self, answer: Response) -> Response:
        # Some APIs quote the key that they refuse; errors keep the body, and messages quote it. Rows are left alone:
        # those of Kintsugi name the organisation.
        if 200 <= answer.status < 300 and answer.body[:1] in {b"{", b"["}:
            return answer
        body = answer.body
        for secret in self._transport.headers.values():
            if isinstance(secret, Secret):
                body = _without(secret, body)
        return evolve(answer, body=body)

    def fingerprint(self, *parts: object) -> str:
        """A text that says whether two queries are the same, of the same client; it takes the credentials to check."""
        secrets = [value.value for value in self._transport.headers.values() if isinstance(value, Secret)]
        text = orjson.dumps([_FINGERPRINT_VERSION, self.base_url, *parts])
        return hmac.new("\n".join(secrets).encode(), text, hashlib.sha256).hexdigest()[:32]


class Client:
    """What ``Kintsugi`` and ``SweetSpot`` share. Opens when first used; close it, or use ``async with``.

    base_url: where the API is; https, or http on this machine.
    timeout: seconds a request may take, from its start to the last byte of its answer.
    retry: what is repeated, and when. pace: the budget of requests, shared by all listings of the client; None: none.
    proxy: a proxy's URL; without one the proxy variables of the environment decide. verify: an ``ssl.SSLContext``, or
    False to accept any certificate. user_agent: put after our own.
    http_client: an ``httpx.AsyncClient`` to send with. It is never closed here, and proxy and verify are then its own.
    """

    def __init__(
        self,
        headers: Mapping[str, str | Secret],
        *,
        base_url: str,
        timeout: float = 30.0,
        retry: Retry | None = None,
        pace: Pace | None = None,
        proxy: str | None = None,
        verify: "ssl.SSLContext | bool" = True,
        user_agent: str | None = None,
        http_client: "HTTPClient | None" = None,
    ) -> None:
        _instance("retry", retry, Retry)
        _instance("pace", pace, Pace)
        http_client = checked_http_client(http_client)
        if http_client is not None and (proxy is not None or verify is not True):
            raise UsageError("proxy and verify are those of the http_client that was given; set them there")
        agent = f"readahead/{_version()}"
        _instance("user_agent", user_agent, str)
        if user_agent:
            if fault := _fault(user_agent):
                raise UsageError(f"user_agent: {user_agent!r} was given; {fault}")
            agent += f" {user_agent}"
        transport = Transport(
            checked_base_url(base_url),
            {"User-Agent": agent, "Accept": "application/json", **headers},
            checked_timeout(timeout),
            proxy,
            verify,
            http_client,
        )
        self._sender = Sender(transport, retry if retry is not None else Retry(), pace)

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._sender.base_url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. The client cannot be used again."""
        await self._sender.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    def __del__(self) -> None:
        sender = getattr(self, "_sender", None)  # absent where the arguments were refused
        if sender is not None and sender.is_open and not sys.is_finalizing():
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)


def credential(name: str, given: str | None, variable: str, *, base_url: str, home: str) -> Secret:
    """A credential from its argument, else from the environment.

    An empty argument is an error, never a fallback; and one from the environment goes to the API's own origin alone.
    Raises CredentialsError, which never shows it.
    """
    value = cast("object", given if given is not None else os.environ.get(variable))
    if value is None:
        raise CredentialsError(f"{name}: none was given, and {variable} is not set in the environment")
    if not isinstance(value, str) or not value.strip():
        whence = "the argument" if given is not None else f"the variable {variable}"
        raise CredentialsError(f"{name}: {whence} is empty; allowed is non-empty text")
    if given is None and origin(checked_base_url(base_url)) != origin(home):
        raise CredentialsError(
            f"{name}: the one in {variable} is for {home} and base_url is {base_url!r}; pass {name}= to send it there"
        )
    if fault := _fault(value):
        raise CredentialsError(f"{name}: {fault}")
    return Secret(value)


def _fault(value: str) -> str | None:
    """What keeps text from being the value of a header (RFC 9110, 5.5), if anything does."""
    # Control characters would end the header and begin another. Below this module one library strips outer spaces, the
    # other refuses them with a message that shows the value, and they encode what is not ASCII each in its own way.
    if not value.isascii() or not value.isprintable():
        return "it holds a control character, or one that a header cannot carry"
    if value != value.strip():
        return "it begins or ends with a space"
    return None


def _instance(name: str, given: object, kind: type) -> None:
    if given is not None and not isinstance(given, kind):
        raise UsageError(f"{name}: {type(given).__name__} was given; allowed is {kind.__name__}")


def _without(secret: Secret, body: bytes) -> bytes:
    bare = secret.value.removeprefix("Bearer ").encode()
    # What is shorter stands in ordinary words.
    return body.replace(bare, b"(withheld)") if len(bare) >= 8 else body


@functools.cache
def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  it is slow to import

    try:
        return version("readahead")
    except PackageNotFoundError:
        return "0"
