"""OpenTelemetry traces of steps and activities, sent when the environment names a collector.

A case lives for days, so its spans are those of each request, update and activity, never one for the whole case.
"""

import os
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from temporalio.client import Interceptor
from temporalio.contrib.opentelemetry import TracingInterceptor

COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""OpenTelemetry's own variable: the address of a collector that takes OTLP over HTTP."""


def start_tracing(service: str) -> TracerProvider | None:
    """Send this process's spans to the collector under the name of `service`; None and no cost without one."""
    if not os.environ.get(COLLECTOR):
        return None
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def interceptors() -> Sequence[Interceptor]:
    """What a client needs so that its calls, and the activities that follow, are spans."""
    return [TracingInterceptor()] if os.environ.get(COLLECTOR) else []
