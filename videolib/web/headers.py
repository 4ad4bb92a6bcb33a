"""What every response carries: security headers, a request id, caching rules; and one log line a request.

The log line names the route, never the path, the query or a header: tokens stand in paths, words of patients could
stand in queries.
"""

from __future__ import annotations

import gzip
import re
import secrets
import time
from urllib.parse import urlsplit

import structlog
from flask import Flask, current_app, g, request, session
from werkzeug.wrappers import Response

from videolib.errors import VideolibError
from videolib.storage import Store
from videolib.web.context import services
from videolib.web.metrics import count_request

log = structlog.get_logger()

PACKED_FROM_BYTES = 1024
YEAR_S = 365 * 24 * 3600
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SHUT = ("accelerometer", "camera", "geolocation", "gyroscope", "midi", "payment", "usb")
_PERMISSIONS = ", ".join(f"{name}=()" for name in (*_SHUT, "microphone"))
# where a narration is spoken
_SPOKEN = ", ".join([*(f"{name}=()" for name in _SHUT), "microphone=(self)"])


def init_headers(app: Flask) -> None:
    """Put the headers on every response."""
    app.before_request(_begin)
    app.after_request(_finish)


def content_security_policy(store_origin: str | None) -> str:
    """Only this origin, and for pictures, media and connections the store's where it has one."""
    store = f" {store_origin}" if store_origin else ""
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: blob:{store}",
            f"media-src 'self' blob:{store}",
            f"connect-src 'self'{store}",
            "worker-src 'self' blob:",
            "font-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def store_origin(store: Store) -> str | None:
    """Where the store's signed addresses point; None for a store whose bytes we send ourselves."""
    try:
        url = store.presigned_get("packages/origin", expires_s=60)
    except VideolibError:
        return None
    parts = urlsplit(url) if url else None
    return f"{parts.scheme}://{parts.netloc}" if parts else None


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    g.began_at = time.perf_counter()
    # every line that is logged on the way carries it
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _finish(response: Response) -> Response:
    headers = response.headers
    headers["X-Request-ID"] = g.get("request_id", "")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Content-Security-Policy"] = _policy()
    headers["Permissions-Policy"] = _SPOKEN if request.endpoint == "narrations.index" else _PERMISSIONS
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["X-Frame-Options"] = "DENY"
    if (services().settings.public_url or "").startswith("https://"):
        headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"
    _say_how_to_cache(response)
    _pack(response)
    _note(response)
    return response


def _policy() -> str:
    # made at the first answer, not before: signing an address reads the store's credentials
    kept: str | None = current_app.extensions.get("videolib_csp")
    if kept is None:
        kept = current_app.extensions["videolib_csp"] = content_security_policy(store_origin(services().store))
    return kept


def _say_how_to_cache(response: Response) -> None:
    if request.path.startswith("/static/built/") and response.status_code in {200, 304}:
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    elif request.endpoint != "static" and "Cache-Control" not in response.headers:
        # "no-store" once somebody is logged in: a shared computer's back button shows nothing after logout
        is_page = response.mimetype == "text/html"
        response.headers["Cache-Control"] = (
            "private, no-store" if is_page and "login" in session else "private, no-cache"
        )
        response.vary.update(("Cookie", "Authorization", "Accept-Language"))


def _pack(response: Response) -> None:
    """Pages as gzip where the browser takes it: on a poor line they are there in a third of the time.

    What a page repeats of a request cannot be asked for from elsewhere: the session's cookie is not sent along then.
    """
    if response.mimetype != "text/html" or response.is_streamed or "Content-Encoding" in response.headers:
        return
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip") > 0 and (response.content_length or 0) >= PACKED_FROM_BYTES:
        response.set_data(gzip.compress(response.get_data(), 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"


def _note(response: Response) -> None:
    route = request.url_rule.rule if request.url_rule else "none"
    took_s = time.perf_counter() - g.get("began_at", time.perf_counter())
    count_request(request.method, route, response.status_code, took_s)
    person = g.get("person")
    log.info(
        "request",
        method=request.method if request.method.isascii() and len(request.method) < 10 else "?",
        route=route,
        status=response.status_code,
        took_ms=round(took_s * 1000, 1),
        person=person.id if person else None,
    )
