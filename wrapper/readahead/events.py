"""What happens in a client, as frozen records: log, hooks and traces are told of the same ones. Pure.

A record holds counts, times, statuses, the names of errors, and ids that a server gave. It never holds a key, the value
of a filter, an id of a row, or a server's own words, which may quote any of these.
"""

import logging
from typing import Any, ClassVar

from attrs import fields, frozen

__all__ = [
    "ClientInsecure",
    "ClientPaused",
    "DriftSeen",
    "Event",
    "FilterIgnored",
    "HookRaised",
    "ListingIncomplete",
    "RateLowered",
    "RateRaised",
    "RequestFinished",
    "RequestRetried",
    "RequestStarted",
    "WindowChanged",
]

LONG_PAUSE = 10.0  # seconds; from here on a pause is a warning


@frozen
class Event:
    """Something that happened. Each class has a stable name, a logger, a level, and a message to be formatted."""

    event: ClassVar[str]
    channel: ClassVar[str] = "http"
    usual_level: ClassVar[int] = logging.INFO
    usual_message: ClassVar[str]

    @property
    def level(self) -> int:
        """The level of logging."""
        return self.usual_level

    @property
    def message(self) -> str:
        """The message, to be formatted with the values of the fields."""
        return self.usual_message

    def values(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(type(self))}


@frozen(kw_only=True)
class RequestStarted(Event):
    """A request is about to be sent: the argument of ``on_request``.

    Attributes:
        operation: Method and path template, such as ``GET /v1/customers/{customer_id}``.
        attempt: 1 for the first; each retry is one more.
    """

    event = "request.started"
    usual_level = logging.DEBUG
    usual_message = "%(operation)s: attempt %(attempt)s"
    operation: str
    attempt: int


@frozen(kw_only=True)
class RequestFinished(Event):
    """A request was answered, or has failed: the argument of ``on_response``.

    Attributes:
        operation: Method and path template.
        attempt: 1 for the first; each retry is one more.
        status: The HTTP status; None where no response came.
        seconds: From the start of the request to the last byte of its response, or to the failure.
        request_id: The id that the server gave the request, if it did.
        error: The name of the error that this attempt ended with, such as ``"RateLimited"`` or ``"TimedOut"``; None
            after a success.
    """

    event = "request.finished"
    usual_level = logging.DEBUG
    operation: str
    attempt: int
    status: int | None
    seconds: float
    request_id: str | None = None
    error: str | None = None

    @property
    def message(self) -> str:
        what = "%(error)s" if self.status is None else "status %(status)s"
        return f"%(operation)s: {what} after %(seconds).3f s (attempt %(attempt)s, request id %(request_id)s)"


@frozen(kw_only=True)
class RequestRetried(Event):
    """A request has failed and will be sent again: the argument of ``on_retry``.

    Attributes:
        operation: Method and path template.
        attempt: Which attempt has failed, from 1.
        status: Its HTTP status; None where no response came.
        request_id: The id that the server gave the request, if it did.
        reason: The name of the error.
        wait: Seconds until the next attempt; a pause or a budget of requests may hold it back for longer.
    """

    event = "request.retried"
    operation: str
    attempt: int
    status: int | None
    request_id: str | None = None
    reason: str
    wait: float

    @property
    def message(self) -> str:
        status = "" if self.status is None else ", status %(status)s"
        return f"%(operation)s: attempt %(attempt)s failed (%(reason)s{status}); sent again in %(wait).2f s"


@frozen(kw_only=True)
class ClientInsecure(Event):
    """A client sends plain http to another machine, because ``insecure=True`` allows it.

    Attributes:
        base_url: Where to.
    """

    event = "client.insecure"
    usual_level = logging.WARNING
    usual_message = "base_url %(base_url)s is plain http: requests and credentials can be read on the way"
    base_url: str


@frozen(kw_only=True)
class ClientPaused(Event):
    """No request of the client is sent for so long, because the API asks for it.

    Attributes:
        seconds: How long.
    """

    event = "client.paused"
    usual_message = "the API asks for a pause: no request is sent for %(seconds).1f s"
    seconds: float

    @property
    def level(self) -> int:
        return logging.WARNING if self.seconds >= LONG_PAUSE else logging.INFO


@frozen(kw_only=True)
class RateLowered(Event):
    """The server pushed back, so requests are sent more slowly.

    Attributes:
        rate: Requests per second from here on.
    """

    event = "rate.lowered"
    usual_message = "the API pushes back: at most %(rate).1f requests per second are sent"
    rate: float


@frozen(kw_only=True)
class RateRaised(Event):
    """The server takes more, so requests are sent faster: half as fast again as when it was last said.

    Attributes:
        rate: Requests per second from here on; None where there is no limit any more.
    """

    event = "rate.raised"
    rate: float | None

    @property
    def message(self) -> str:
        if self.rate is None:
            return "the API has not pushed back for long: the rate of requests is not limited any more"
        return "the API takes more: at most %(rate).1f requests per second are sent"


@frozen(kw_only=True)
class HookRaised(Event):
    """A hook raised an exception, which ends the call or the listing.

    Attributes:
        hook: Its name.
        error: The class of the exception.
    """

    event = "hook.raised"
    usual_level = logging.ERROR
    usual_message = "%(hook)s raised %(error)s"
    hook: str
    error: str


@frozen(kw_only=True)
class WindowChanged(Event):
    """A listing with ``window="auto"`` requests more pages at once, or fewer.

    Attributes:
        operation: Method and path template.
        before: Pages at once until here.
        window: Pages at once from here on.
    """

    event, channel = "window.changed", "paging"
    usual_level = logging.DEBUG
    usual_message = "%(operation)s: the window goes from %(before)s to %(window)s pages"
    operation: str
    before: int
    window: int


@frozen(kw_only=True)
class DriftSeen(Event):
    """Rows moved while the list was read, for the first time.

    Attributes:
        operation: Method and path template.
    """

    event, channel = "drift.seen", "paging"
    usual_message = "%(operation)s: rows moved while the list was read"
    operation: str


@frozen(kw_only=True)
class FilterIgnored(Event):
    """The API ignored a filter: it sent rows that contradict it, which are left out.

    Attributes:
        operation: Method and path template.
        filters: The names of the filters.
    """

    event, channel = "filter.ignored", "paging"
    usual_level = logging.WARNING
    usual_message = "%(operation)s: the API ignored a filter %(filters)s; rows that contradict it are left out"
    operation: str
    filters: tuple[str, ...]


@frozen(kw_only=True)
class ListingIncomplete(Event):
    """A listing has ended and is not complete.

    Attributes:
        operation: Method and path template.
        why: The reason, as in ``report.why``; the name of the error where one ended it.
    """

    event, channel = "listing.incomplete", "paging"
    usual_level = logging.WARNING
    usual_message = "%(operation)s: the listing is not complete: %(why)s"
    operation: str
    why: str
