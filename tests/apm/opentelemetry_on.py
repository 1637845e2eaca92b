"""OpenTelemetry, set to record all that it can about HTTP calls: every header and, through a hook, everything else."""

import django
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))


def of_request(span, pool, request):
    span.set_attribute("hooked", f"{request.method} {request.url} {request.headers} {request.body!r}")


URLLib3Instrumentor().instrument(
    tracer_provider=provider, request_hook=of_request, captured_request_headers=[".*"], sensitive_headers=[]
)
RequestsInstrumentor().instrument(tracer_provider=provider)

if __name__ == "__main__":
    django.setup()
    from tests.apm.calls import make, tell

    with provider.get_tracer("site").start_as_current_span("request"):
        received = make()
    tell(received, [span.to_json() for span in exporter.get_finished_spans()])
