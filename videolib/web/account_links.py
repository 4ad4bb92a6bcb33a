"""Behind a one-time link: whoever was invited, or lost the password, chooses one and is logged in."""

from __future__ import annotations

import io
from typing import Any

import segno
from flask import Blueprint, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from videolib.catalogue.account_links import AccountLink, get_link, use_link
from videolib.catalogue.login_steps import Begun
from videolib.catalogue.people import User
from videolib.catalogue.second_factors import has_second_factor
from videolib.errors import InvalidInput
from videolib.passwords import hash_password, require_good_password
from videolib.web.account import words_about
from videolib.web.accounts import enter
from videolib.web.context import services
from videolib.web.error_texts import translated
from videolib.web.login import begin
from videolib.web.texts import minute_text

blueprint = Blueprint("account_links", __name__)


@blueprint.get("/login/link/<secret>")
def show(secret: str) -> str:
    """The page to choose a password; looking at it uses nothing up: programs look at links before people do."""
    return _page(secret, {})


@blueprint.post("/login/link/<secret>")
def choose(secret: str) -> Response | str:
    """Keep the password and log in."""
    with services().database.reading() as session:
        _link, person = get_link(session, secret)
        has_more = has_second_factor(session, person)
        session.expunge_all()
    password = request.form.get("password", "")
    try:
        require_good_password(password, words_about(person), has_second_factor=has_more)
    except InvalidInput as error:
        return _page(secret, {name: translated(text) for name, text in error.fields.items()})
    hashed = hash_password(password)
    with services().database.writing() as session:
        use_link(session, secret, hashed)
    if has_more:  # a link replaces the password, not the second step
        begin(Begun(person))
        return redirect(url_for("security.second"), 303)
    return enter(person, "link", redirect(url_for("home.index"), 303))


def show_link(person: User, secret: str, link: AccountLink) -> str:
    """The page that shows a link once: as text to copy, and as a picture for a telephone."""
    url = url_for("account_links.show", secret=secret, _external=True)
    return render_template(
        "account/link_made.html",
        person=person,
        url=url,
        qr=qr_picture(url),
        is_invitation=link.kind == "invite",
        expires_text=minute_text(link.expires_at),
    )


def qr_picture(text: str) -> Markup:
    """A QR code as SVG to stand in a page: dark on white, whatever the theme."""
    drawn = io.BytesIO()
    segno.make(text, error="m").save(
        drawn, kind="svg", scale=4, dark="#000", light="#fff", xmldecl=False, svgns=False, omitsize=True, nl=False
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - drawn by us, of nothing but squares


def _page(secret: str, errors: dict[str, Any]) -> str:
    with services().database.reading() as session:
        link, person = get_link(session, secret)
        return render_template(
            "account/link.html",
            secret=secret,
            name=person.display_name,
            email=person.email,
            is_invitation=link.kind == "invite",
            errors=errors,
        )
