"""OpenTelemetry for the tests of a process: spans and metrics are kept in memory."""

import functools

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@functools.cache
def telemetry():
    """The exporter of spans and the reader of metrics. Providers can be set once in a process."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([reader]))
    return exporter, reader


def points(reader):
    """The data points of the metrics of ours, by name."""
    data = reader.get_metrics_data()
    scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
    return {
        metric.name: list(metric.data.data_points)
        for scope in scopes
        if scope.scope.name == "readahead"
        for metric in scope.metrics
    }


def totals(reader):
    """The sum of each metric: of a histogram, how many were recorded."""
    return {
        name: sum(getattr(point, "count", getattr(point, "value", 0)) for point in found)
        for name, found in points(reader).items()
    }
