"""Runs the example site and stand-ins for all that it needs (processors, Sentry, Amplitude), on this machine alone."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

EXAMPLE_PROJECT = Path(__file__).resolve().parent.parent
# Replaces this script's own folder with the example's and with the package's, which need not be installed.
sys.path[:1] = [str(EXAMPLE_PROJECT), str(EXAMPLE_PROJECT.parent)]

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: E402

from demo.agencies import put_into_database  # noqa: E402  found through the path above
from demo.stage import STAGE  # noqa: E402  as above

HOST = "127.0.0.1"
PORT = 8000
HIGHEST_PORT = 65_535


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Logs nothing: this process prints the log of enrollment_errors, which has everything worth reading."""


def main() -> None:
    options = _parse_options()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: sys.exit())
    with ExitStack() as running:
        for stand_in in (*STAGE.sandboxes.values(), STAGE.sink):
            running.enter_context(stand_in)
        server = running.enter_context(_listen(options.port))
        address = f"http://{HOST}:{server.server_port}"
        _set_environment(address, options)
        _prepare(server)
        print(f"Start page:      {address}/demo/")
        print(f"Operator's page: {address}/demo/operator/")
        for name, sandbox in STAGE.sandboxes.items():
            print(f"{name.title() + ':':<16} {sandbox.control_url}/sandbox/state")
        print(f"Telemetry:       {STAGE.sink.url}/events")
        print("Ctrl-C ends it.", flush=True)
        server.serve_forever()


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--port",
        type=int,
        help=f"the site's port; 0 picks a free one (default: {PORT}, or a free one if that is in use)",
    )
    parser.add_argument(
        "--database", type=Path, default=EXAMPLE_PROJECT / "db.sqlite3", help="the SQLite file of the site"
    )
    parser.add_argument(
        "--budget", type=float, default=8, metavar="SECONDS", help="the longest time that a rider waits (default: 8)"
    )
    options = parser.parse_args()
    if options.port is not None and not 0 <= options.port <= HIGHEST_PORT:
        parser.error(f"--port must be from 0 to {HIGHEST_PORT}.")
    return options


def _listen(port: int | None) -> ThreadedWSGIServer:
    """Exits if the requested port is in use."""
    try:
        return ThreadedWSGIServer((HOST, PORT if port is None else port), QuietHandler)
    except OSError as error:
        if port is None:
            return ThreadedWSGIServer((HOST, 0), QuietHandler)
        sys.exit(f"Port {port} cannot be used: {error.strerror}. Choose another one with --port; 0 picks a free one.")


def _set_environment(address: str, options: argparse.Namespace) -> None:
    """Sets what a deployment would set."""
    os.environ.update(
        DJANGO_SETTINGS_MODULE="demo.settings",
        DATABASE=str(options.database),
        DEMO_BUDGET=str(options.budget),
        IDENTITY_PROVIDER_SIGN_IN_URL=f"{address}/example-id/sign-in/",
        IDENTITY_PROVIDER_SIGN_OUT_URL=f"{address}/example-id/sign-out/",
        REDIRECT_HOSTS=",".join(STAGE.switchio.redirect_hosts),
        SENTRY_DSN=STAGE.sink.dsn,
        SENTRY_EVENT_URL=f"{address}/demo/operator/#event-{{event_id}}",
        AMPLITUDE_API_KEY="demo",
        AMPLITUDE_SERVER_URL=STAGE.sink.amplitude_url,
    )


def _prepare(server: ThreadedWSGIServer) -> None:
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    server.set_app(StaticFilesHandler(get_wsgi_application()))
    call_command("migrate", verbosity=0, skip_checks=False)
    put_into_database(STAGE.sandboxes)


if __name__ == "__main__":
    main()
