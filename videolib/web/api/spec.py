"""What the OpenAPI document says beside the routes themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from apiflask import APIFlask
from marshmallow import Schema as MarshmallowSchema

_F = TypeVar("_F", bound=Callable[..., Any])
_PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "a sentence in the caller's language"},
        "code": {"type": "string", "description": "stable; what programs go by"},
        "request_id": {"type": "string"},
        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def documents_body(schema: type[MarshmallowSchema]) -> Callable[[_F], _F]:
    """Describe the JSON body of a route that reads it itself (the catalogue checks it, with its own sentences)."""

    def decorate(view: _F) -> _F:
        described: dict[str, Any] = view.__dict__.setdefault("_spec", {})
        described["body"] = schema()
        described["body_example"] = described["body_examples"] = None
        described["content_type"] = "application/json"
        return view

    return decorate


def configure_spec(app: APIFlask) -> None:
    """Title, servers, errors and how to log in."""
    app.config.update(
        AUTO_SERVERS=False,
        DESCRIPTION="The catalogue, search and playback for programs. Lists are {items, next_cursor}, "
        "errors are problem documents.",
        SERVERS=[{"name": "this library", "url": "/"}],
        HTTP_ERROR_SCHEMA=_PROBLEM,
        VALIDATION_ERROR_SCHEMA=_PROBLEM,
        SECURITY_SCHEMES={
            "bearer": {"type": "http", "scheme": "bearer", "description": "a token of `videolib user token`"},
        },
    )

    @app.spec_processor
    def _finish(spec: Any) -> Any:
        spec["security"] = [{"bearer": []}, {}]
        return spec
