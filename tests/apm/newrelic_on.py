"""New Relic in its developer mode: it sends nothing, and its audit log has what it would have sent."""

import os
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())
(folder / "newrelic.ini").write_text(
    f"""[newrelic]
license_key = {"0" * 40}
app_name = site
developer_mode = true
monitor_mode = true
audit_log_file = {folder / "audit.log"}
log_file = {folder / "agent.log"}
startup_timeout = 10
transaction_tracer.transaction_threshold = 0
transaction_tracer.record_sql = raw
attributes.include = *
high_security = false
"""
)
os.environ.setdefault("NEW_RELIC_UTILIZATION_DETECT_AWS", "false")

import newrelic.agent  # noqa: E402

newrelic.agent.initialize(str(folder / "newrelic.ini"))

import django  # noqa: E402

if __name__ == "__main__":
    django.setup()
    from tests.apm.calls import make, tell

    application = newrelic.agent.register_application(timeout=10)
    with newrelic.agent.BackgroundTask(application, name="request"):
        received = make()
    newrelic.agent.shutdown_agent(timeout=10)
    tell(received, (folder / "audit.log").read_text())
