"""Elastic APM, with a transport that keeps what it would send."""

import django
import elasticapm
from elasticapm.transport.base import Transport

kept = []


class Keeping(Transport):
    def start_thread(self, pid=None):
        pass

    def queue(self, event_type, data, flush=False):
        kept.append([event_type, data])

    def close(self):
        pass


client = elasticapm.Client(
    service_name="site",
    transport_class=f"{__name__}.Keeping",
    capture_body="all",
    cloud_provider="none",
    central_config=False,
    metrics_interval="0s",
    span_compression_enabled=False,
    span_stack_trace_min_duration=0,
)
elasticapm.instrument()

if __name__ == "__main__":
    django.setup()
    from tests.apm.calls import make, tell

    client.begin_transaction("request")
    received = make()
    client.end_transaction("/enrollment/")
    tell(received, kept)
