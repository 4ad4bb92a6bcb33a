"""Serve the application in this process: waitress, which slow clients do not starve."""

from __future__ import annotations

from typing import Any

from flask import Flask
from waitress import create_server

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


def serve(app: Flask, host: str, port: int) -> None:
    """Answer requests until the process is told to end; prints nothing."""
    server = make_server(app, host, port)
    try:
        server.run()
    finally:
        server.close()
