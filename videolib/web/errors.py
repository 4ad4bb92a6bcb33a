"""Errors become answers: the only table from error to status; a problem document for programs, a page for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from apiflask.exceptions import HTTPError
from flask import Flask, Response, g, json, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from videolib import errors as family
from videolib.catalogue.annotations import StaleAnnotation
from videolib.catalogue.captions import StaleCaptions
from videolib.catalogue.jobs import LeaseLost
from videolib.catalogue.library import VersionDiffers
from videolib.db import is_silent
from videolib.upgrade import UpgradeFailed
from videolib.web.access import FreshLoginRequired, LoginRequired, has_bearer
from videolib.web.api.tus import ChecksumMismatch
from videolib.web.error_texts import translated
from videolib.web.media_links import LinkExpired

log = structlog.get_logger()

STATUS: dict[type[family.VideolibError], int] = {
    family.VideolibError: 500,
    family.NotFound: 404,
    family.ObjectMissing: 404,
    family.NotAllowed: 403,
    family.InvalidInput: 422,
    family.Conflict: 409,
    family.TooOften: 429,
    family.Unavailable: 503,
    LeaseLost: 409,
    StaleAnnotation: 412,
    StaleCaptions: 409,
    VersionDiffers: 503,
    LinkExpired: 410,
    LoginRequired: 401,
    FreshLoginRequired: 401,
    ChecksumMismatch: 460,
    UpgradeFailed: 500,
}
# codes that have a status of their own: somebody else was first (the contract calls it stale), and what uploads say
STATUS_OF_CODE = {
    "stale": 412,
    "link_gone": 410,
    # what tus 1.0 and its clients go by
    "tus_version": 412,
    "upload_gone": 410,
    "upload_busy": 423,
    "upload_too_large": 413,
    "quota": 413,
    "too_long": 413,
    "captions_too_large": 413,
    "table_too_large": 413,
    "drawing_too_large": 413,
    "no_room": 507,
    **dict.fromkeys(("no_length", "no_offset", "bad_checksum", "bad_metadata", "piece_cut"), 400),
}
_PAGES = frozenset({400, 401, 403, 404, 410, 413, 429, 500})
_HTTP_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    414: "too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    422: "invalid_input",
    423: "locked",
    429: "too_many_requests",
    431: "too_large",
}


@dataclass(frozen=True)
class Problem:
    """What is answered: `fields` has a sentence for each field at fault."""

    status: int
    code: str
    message: str
    fields: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after_s: int | None = None
    # further members of the problem document
    more: Mapping[str, object] = field(default_factory=dict)


def status_of(error: family.VideolibError) -> int:
    """The status of an error by its nearest row in `STATUS`."""
    if error.code in STATUS_OF_CODE:
        return STATUS_OF_CODE[error.code]
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def init_errors(app: Flask) -> None:
    """Answer every error from here."""
    app.register_error_handler(family.VideolibError, _answer_ours)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(HTTPError, _answer_apiflask)
    app.register_error_handler(CSRFError, _answer_csrf)
    app.register_error_handler(DBAPIError, _answer_database)
    app.register_error_handler(Exception, _answer_unknown)


def answer(problem: Problem) -> WerkzeugResponse:
    """A problem document or a page."""
    response: WerkzeugResponse
    if wants_json():
        body = {
            "type": "about:blank",
            "title": _HTTP_CODES.get(problem.status, problem.code).replace("_", " "),
            "status": problem.status,
            "detail": problem.message,
            "code": problem.code,
            "request_id": g.get("request_id", ""),
        }
        if problem.fields:
            body["fields"] = dict(problem.fields)
        body |= problem.more
        response = Response(json.dumps(body), status=problem.status, mimetype="application/problem+json")
    else:
        page = render_template(
            "errors/error.html",
            status=problem.status if problem.status in _PAGES else 500 if problem.status >= 500 else 400,
            code=problem.code,
            message=problem.message,
            request_id=g.get("request_id", ""),
            retry_after_s=problem.retry_after_s,
            ask_access=problem.status == 404,
        )
        response = Response(page, status=problem.status, mimetype="text/html")
    response.headers.extend(problem.headers)
    response.headers.setdefault("Cache-Control", "no-store")
    if problem.retry_after_s:
        response.headers["Retry-After"] = str(problem.retry_after_s)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def wants_json() -> bool:
    """Whether a program asks: under `/api`, by token, or by an Accept header that prefers JSON to HTML."""
    if request.path.startswith(("/api/", "/healthz", "/readyz", "/metrics")) or has_bearer():
        return request.path != "/api/v1/docs"
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"])
    return (
        best is not None
        and best != "text/html"
        and request.accept_mimetypes[best] > request.accept_mimetypes["text/html"]
    )


def _answer_ours(error: family.VideolibError) -> WerkzeugResponse:
    status = status_of(error)
    if isinstance(error, FreshLoginRequired) and not wants_json():
        # after a form nothing is repeated: back to where everything of one's account stands
        place = request.full_path.rstrip("?") if request.method == "GET" else url_for("account.index")
        return redirect(url_for("security.login", next=place, again=1))
    if isinstance(error, LoginRequired) and request.method == "GET" and not wants_json():
        return redirect(url_for("security.login", next=request.full_path.rstrip("?")))
    if status >= 500:
        log.error("refused", code=error.code, exc_info=error)
    fields = (
        {name: translated(text) for name, text in error.fields.items()}
        if isinstance(error, family.InvalidInput)
        else {}
    )
    retry = error.retry_after_s if isinstance(error, family.TooOften) else 5 if status == 503 else None
    return answer(Problem(status, error.code, translated(error.message, error.code), fields, retry_after_s=retry))


def _answer_http(error: HTTPException) -> WerkzeugResponse:
    if error.code is None or error.code < 400:
        return error.get_response()
    kept = {name: value for name, value in error.get_headers() if name.lower() in {"allow", "content-range"}}
    return answer(
        Problem(
            error.code,
            _HTTP_CODES.get(error.code, "error"),
            _http_sentence(error.code),
            headers=kept,
        )
    )


def _answer_apiflask(error: HTTPError) -> WerkzeugResponse:
    detail = error.detail if isinstance(error.detail, dict) else {}
    fields = {
        str(name): " ".join(str(text) for text in texts) if isinstance(texts, list) else str(texts)
        for place in detail.values()
        if isinstance(place, dict)
        for name, texts in place.items()
    }
    sentence = _("Some values cannot be understood; see the fields.") if fields else _http_sentence(error.status_code)
    return answer(Problem(error.status_code, _HTTP_CODES.get(error.status_code, "error"), sentence, fields))


def _answer_csrf(_error: CSRFError) -> WerkzeugResponse:
    return answer(
        Problem(400, "csrf", _("This form is too old or was not made by this library: load the page again and repeat."))
    )


def _answer_database(error: DBAPIError) -> WerkzeugResponse:
    if is_silent(error):
        return _answer_ours(
            family.Unavailable("The database does not answer; try again in a moment.", code="database_unavailable")
        )
    return _answer_unknown(error)


def _answer_unknown(error: Exception) -> WerkzeugResponse:
    # one of the two places that catch everything: the log has the cause, the answer has the number to find it by
    log.error("failed", exc_info=error)
    return answer(Problem(500, "internal", _("Something went wrong here; it has been noted. Try again in a moment.")))


def _http_sentence(status: int) -> str:
    sentences = {
        400: _("This request cannot be understood."),
        404: _("There is nothing at this address, or you may not see it."),
        405: _("This address does not do that; see the documentation of the API."),
        413: _("That is too large to be taken; send a smaller one."),
        415: _("This kind of content is not taken here; send JSON."),
        429: _("Too many attempts; wait some minutes, then try again."),
    }
    return str(sentences.get(status, _("This request cannot be answered.")))
