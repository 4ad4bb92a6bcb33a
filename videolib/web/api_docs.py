"""The API's documentation as a page of ours: nothing of it comes from elsewhere."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for

blueprint = Blueprint("api_docs", __name__)


@blueprint.get("/api/v1/docs")
def show() -> str:
    """The page."""
    return render_template("api/docs.html", openapi_url=url_for("openapi.spec"))
