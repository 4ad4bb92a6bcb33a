"""`/healthz`, `/readyz`, `/metrics`: for load balancers and monitoring."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from flask import Blueprint, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from videolib.catalogue.library import require_same_version
from videolib.errors import VideolibError
from videolib.web.access import LoginRequired, current_person, has_bearer
from videolib.web.context import services
from videolib.web.metrics import write_metrics

blueprint = Blueprint("health", __name__)

# a proxy that passes requests on says so with one of these
_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Proto", "Via")


@blueprint.get("/healthz")
def alive() -> Response:
    """This process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """What we depend on answers; 503 names what does not."""
    checks = {"database": _database_answers, "store": _store_answers}
    failing = [name for name, check in checks.items() if not _passes(check)]
    body: dict[str, Any] = {"status": "unavailable" if failing else "ok", "failing": failing}
    body["checks"] = {name: name not in failing for name in checks}
    return jsonify(body), 503 if failing else 200


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text, for callers on this host and for those with a token."""
    if not (_is_from_this_host() or (has_bearer() and current_person() is not None)):
        raise LoginRequired("Ask from the host itself, or send a token.")
    with services().database.reading() as session:
        return Response(write_metrics(session), content_type=CONTENT_TYPE_LATEST)


def _is_from_this_host() -> bool:
    """Whether the caller itself sits on this host.

    The address is the connection's own, kept from before any header was believed, and a request that was passed on
    does not count: the proxy sits on this host, its caller may not.
    """
    if any(name in request.headers for name in _FORWARDED):
        return False
    before_proxy = request.environ.get("werkzeug.proxy_fix.orig", {})
    address = before_proxy.get("REMOTE_ADDR", request.environ.get("REMOTE_ADDR", ""))
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _database_answers() -> None:
    with services().database.reading() as session:
        require_same_version(session)


def _store_answers() -> None:
    services().store.exists("readyz")


def _passes(check: Callable[[], None]) -> bool:
    try:
        check()
    except (VideolibError, SQLAlchemyError):
        return False
    return True
