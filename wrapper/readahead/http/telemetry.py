"""Spans and metrics of OpenTelemetry. Imported only where the program has imported OpenTelemetry itself.

Names and attributes of requests are those of the semantic conventions for HTTP clients: a span of kind CLIENT for each
attempt, and ``http.client.request.duration``. What is ours is called ``readahead.…``. No attribute holds a key, the
value of a filter, or an id of a row: a URL has no query, and a path is its template. Exceptions are not recorded as
events, since their messages may quote what the server said.
"""

import functools
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

from attrs import field, frozen
from opentelemetry import context, metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import Counter, Histogram
from opentelemetry.trace import Span, SpanKind, StatusCode

from ..events import ClientPaused, Event, RequestFinished, RequestRetried
from ..pages import Report

__all__ = ["Scope", "Telemetry", "is_set_up"]

_API = ("opentelemetry.trace", "opentelemetry.metrics")
_SCHEMA = "https://opentelemetry.io/schemas/1.28.0"
# Seconds; those of the semantic conventions, as the SDK's own are for milliseconds.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_LONG_BUCKETS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


@frozen
class _Instruments:
    tracer: trace.Tracer
    duration: Histogram
    listing: Histogram
    pause: Histogram
    requests: Counter
    retries: Counter
    pauses: Counter
    pages: Counter
    rows: Counter


@functools.cache
def _instruments() -> _Instruments:
    try:
        release = version("readahead")
    except PackageNotFoundError:
        release = "0"
    meter = metrics.get_meter("readahead", release, schema_url=_SCHEMA)

    def counter(name: str, unit: str, description: str) -> Counter:
        return meter.create_counter(f"readahead.{name}", unit, description)

    def seconds(name: str, description: str, buckets: tuple[float, ...]) -> Histogram:
        try:
            return meter.create_histogram(name, "s", description, explicit_bucket_boundaries_advisory=buckets)
        except TypeError:  # before 1.30
            return meter.create_histogram(name, "s", description)

    return _Instruments(
        trace.get_tracer("readahead", release, schema_url=_SCHEMA),
        seconds("http.client.request.duration", "Duration of HTTP client requests.", _BUCKETS),
        seconds("readahead.listing.duration", "Duration of listings.", _LONG_BUCKETS),
        seconds("readahead.pause.duration", "Pauses that an API asked for.", _LONG_BUCKETS),
        counter("requests", "{request}", "Requests sent, retries included."),
        counter("retries", "{request}", "Requests that were sent again."),
        counter("pauses", "{pause}", "Pauses that an API asked for."),
        counter("pages", "{page}", "Pages read."),
        counter("rows", "{row}", "Rows handed out."),
    )


@frozen
class Scope:
    """A span that is the current one of its task. A scope is left in the task that entered it."""

    span: Span
    _token: object = field(repr=False)

    def detach(self) -> None:
        """Make the span before it the current one again."""
        if self._token is not None:
            context.detach(self._token)  # type: ignore[arg-type]


class Telemetry:
    """Tell OpenTelemetry about one client.

    Args:
        base_url: Where requests go.
    """

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._base_url = base_url
        self._server: dict[str, str | int] = {
            "server.address": parts.hostname or "",
            "server.port": parts.port or (443 if parts.scheme == "https" else 80),
        }

    # ---- one attempt

    def enter_attempt(self, operation: str, attempt: int) -> Scope:
        """Begin the span of a request, below the current one, and make it the current one."""
        method, _, template = operation.partition(" ")
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            **self._server,
            "url.full": self._base_url + _redacted(template),
            "url.template": template,
        }
        if attempt > 1:
            attributes["http.request.resend_count"] = attempt - 1
        span = _instruments().tracer.start_span(operation, kind=SpanKind.CLIENT, attributes=attributes)
        return _entered(span)

    def leave_attempt(self, scope: Scope, event: RequestFinished) -> None:
        """End the span of a request."""
        scope.detach()
        method, _, template = event.operation.partition(" ")
        attributes: dict[str, str | int] = {"http.request.method": method, **self._server, "url.template": template}
        span = scope.span
        if event.status is not None:
            attributes["http.response.status_code"] = event.status
            span.set_attribute("http.response.status_code", event.status)
        if event.error is not None:
            kind = event.error if event.status is None or event.status < 400 else str(event.status)
            attributes["error.type"] = kind
            _fail(span, kind)
        if event.request_id is not None:
            span.set_attribute("readahead.request_id", event.request_id)
        span.end()
        instruments = _instruments()
        instruments.duration.record(event.seconds, attributes)
        instruments.requests.add(1, {"readahead.operation": event.operation, **self._server})

    # ---- calls and listings

    @staticmethod
    def current() -> object:
        """Return the current context, to begin a span below it later."""
        return context.get_current()

    def begin(self, kind: str, operation: str, parent: object = None) -> Span:
        """Begin the span of a call or of a listing.

        Args:
            kind: ``call`` or ``listing``.
            operation: Method and path template.
            parent: The context that it belongs to; by default, the current one.
        """
        attributes = {"readahead.operation": operation, **self._server}
        within = parent if isinstance(parent, Context) else None
        return _instruments().tracer.start_span(f"{kind} {operation}", within, attributes=attributes)

    def enter(self, span: Span, parent: object = None) -> Scope:
        """Make a span the current one of this task."""
        return _entered(span, parent if isinstance(parent, Context) else None)

    def leave_call(self, scope: Scope, error: BaseException | None) -> None:
        """End the span of a call."""
        scope.detach()
        if error is not None:
            _fail(scope.span, _kind(error))
        scope.span.end()

    def end_listing(
        self, span: Span, operation: str, report: Report, seconds: float, error: BaseException | None
    ) -> None:
        """End the span of a listing."""
        if span.is_recording():
            span.set_attributes(
                {
                    "readahead.rows": report.rows,
                    "readahead.pages": report.pages,
                    "readahead.requests": report.requests,
                    "readahead.retries": report.retries,
                    "readahead.waited": report.waited,
                    "readahead.drift": report.drift,
                    "readahead.complete": report.complete,
                }
            )
        if error is not None:
            _fail(span, _kind(error))
        span.end()
        attributes = {"readahead.operation": operation, **self._server}
        instruments = _instruments()
        instruments.pages.add(report.pages, attributes)
        instruments.rows.add(report.rows, attributes)
        failed = {} if error is None else {"error.type": _kind(error)}
        instruments.listing.record(seconds, {**attributes, **failed, "readahead.complete": report.complete})

    # ---- what else happens

    def record(self, event: Event) -> None:
        """Count a retry or a pause."""
        instruments = _instruments()
        if isinstance(event, RequestRetried):
            attributes = {"readahead.operation": event.operation, "error.type": event.reason, **self._server}
            instruments.retries.add(1, attributes)
        elif isinstance(event, ClientPaused):
            instruments.pauses.add(1, self._server)
            instruments.pause.record(event.seconds, self._server)


def is_set_up() -> bool:
    """Return whether anything receives spans or metrics. The providers of the API itself pass them on to nobody."""
    return _receives(type(trace.get_tracer_provider())) or _receives(type(metrics.get_meter_provider()))


@functools.cache
def _receives(kind: type) -> bool:
    return not kind.__module__.startswith(_API)


def _entered(span: Span, parent: Context | None = None) -> Scope:
    if not span.get_span_context().is_valid:  # there is no SDK
        return Scope(span, None)
    return Scope(span, context.attach(trace.set_span_in_context(span, parent)))


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)


def _kind(error: BaseException) -> str:
    cls = type(error)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


@functools.cache
def _redacted(template: str) -> str:
    return "/".join("REDACTED" if part.startswith("{") else part for part in template.split("/"))
