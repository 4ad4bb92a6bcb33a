"""The hospital's single sign-on, where the settings name one: OpenID Connect with PKCE and nonce (Authlib)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Blueprint, Flask, current_app, redirect, request, url_for
from flask import session as cookie
from joserfc.errors import JoseError
from requests.exceptions import RequestException
from werkzeug.wrappers import Response

from config.settings import Settings
from videolib.catalogue.identities import recognise
from videolib.catalogue.logins import FRESH_FOR
from videolib.db import utc_now
from videolib.errors import NotAllowed, NotFound, Unavailable
from videolib.web.accounts import enter
from videolib.web.context import services
from videolib.web.preferences import local_path

blueprint = Blueprint("single_sign_on", __name__)

_NEXT_KEY = "sso_next"
_AGAIN_KEY = "sso_again"  # when somebody was sent away to prove anew who they are, in seconds of 1970
_PATIENCE_S = 10
_CLOCKS_DIFFER = timedelta(minutes=1)


def init_single_sign_on(app: Flask, settings: Settings) -> None:
    """Make the client; nothing is asked of the provider before somebody signs in by it."""
    if not settings.oidc_issuer:
        return
    oauth = OAuth(app)
    app.extensions["videolib_oidc"] = oauth.register(
        "oidc",
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        server_metadata_url=f"{settings.oidc_issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid email profile",
            "code_challenge_method": "S256",
            "default_timeout": _PATIENCE_S,
        },
    )


@blueprint.get("/login/sso")
def begin() -> Response:
    """Away to the provider; `again`: it is to ask anew who that is, however lately it has."""
    client = _client()
    cookie[_NEXT_KEY] = local_path(request.args.get("next", ""))
    asked: dict[str, Any] = {}
    cookie.pop(_AGAIN_KEY, None)
    if request.args.get("again"):
        # OpenID Connect Core 3.1.2.1: with max_age the provider says in `auth_time` when it has asked
        asked = {"prompt": "login", "max_age": 0}
        cookie[_AGAIN_KEY] = int(utc_now().timestamp())
    try:
        answer: Response = client.authorize_redirect(url_for("single_sign_on.back", _external=True), **asked)
    except (AuthlibBaseError, RequestException) as error:
        raise _silent() from error
    return answer


@blueprint.get("/login/sso/back")
def back() -> Response:
    """And back again: who it is, if the provider vouches for the address."""
    next_path, again = str(cookie.get(_NEXT_KEY, "/")), cookie.get(_AGAIN_KEY)
    claims = _read_claims(_client())
    proved_at = _proved_at(claims)
    if isinstance(again, int) and proved_at < datetime.fromtimestamp(again, UTC) - _CLOCKS_DIFFER:
        raise NotAllowed(
            "Your hospital's sign-in did not ask anew who you are; sign in by your password or a passkey.",
            code="sso_not_fresh",
        )
    with services().database.writing() as session:
        person = recognise(session, str(services().settings.oidc_issuer), claims)
    return enter(person, "single_sign_on", redirect(local_path(next_path)), proved_at=proved_at)


def _proved_at(claims: dict[str, Any]) -> datetime:
    """When the provider has last asked who that is; where it does not say so, too long ago to count."""
    try:
        return datetime.fromtimestamp(float(claims["auth_time"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return utc_now() - FRESH_FOR


def _read_claims(client: Any) -> dict[str, Any]:
    """What the verified ID token says, and where it does not tell the address, the provider beside it."""
    try:
        token = client.authorize_access_token()
        claims = dict(token["userinfo"])
        if "email" not in claims:
            more = dict(client.userinfo(token=token))
            # of another person than the token's it would be worth nothing
            claims |= more if more.get("sub") == claims.get("sub") else {}
    except RequestException as error:
        raise _silent() from error
    except (AuthlibBaseError, JoseError, KeyError, ValueError, TypeError) as error:
        raise NotAllowed("The sign-in at your hospital did not work; begin again.", code="sso_failed") from error
    return claims


def _client() -> Any:
    client = current_app.extensions.get("videolib_oidc")
    if client is None:
        raise NotFound("There is nothing at this address.", code="sso_off")
    return client


def _silent() -> Unavailable:
    return Unavailable("Your hospital's sign-in does not answer; try again in a moment.", code="sso_silent")
