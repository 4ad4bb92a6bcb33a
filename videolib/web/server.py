"""Serve the application in this process: waitress, which slow clients do not starve."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from waitress import create_server

from videolib.errors import Conflict

THREADS = 16
CHANNEL_TIMEOUT_S = 120
# upload chunks are 16 MiB at most
MAX_BODY_BYTES = 17 * 1024 * 1024


def make_server(app: Flask, host: str, port: int) -> Any:
    """A server that listens already; `run()` answers until `close()`. Port 0 takes a free one (`effective_port`)."""
    return create_server(
        app,
        host=host,
        port=port,
        threads=THREADS,
        channel_timeout=CHANNEL_TIMEOUT_S,
        max_request_body_size=MAX_BODY_BYTES,
        connection_limit=1000,
        ident=None,
        # ProxyFix believes these where a proxy is configured; /metrics has to see that there are any
        clear_untrusted_proxy_headers=False,
    )


@contextmanager
def listening(app: Flask, host: str, port: int) -> Iterator[Any]:
    """A server as `make_server` gives it, closed at the end. Raises `Conflict` where it cannot listen."""
    try:
        server = make_server(app, host, port)
    except (OSError, ValueError) as error:  # ValueError: waitress found no address for the host
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            message = f"Port {port} is in use by another program; end that one, or name a free port with --port."
        else:
            message = f"Nobody can listen on port {port} of {host} here; name another --port (1024 or more) or --host."
        raise Conflict(message, code="cannot_listen") from error
    try:
        yield server
    finally:
        server.close()
