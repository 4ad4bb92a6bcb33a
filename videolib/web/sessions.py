"""Which addresses know a session: what carries its own permission, or needs none, never opens the cookie."""

from __future__ import annotations

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

SESSIONLESS = ("/static/", "/media/", "/healthz", "/readyz", "/metrics", "/favicon.ico")


class _NoSession(SecureCookieSession):
    """An empty session that is thrown away."""


class PageSessions(SecureCookieSessionInterface):
    """Signed cookies, for pages and the API only: segments cost no look at the person's row, and set no cookie."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of this request."""
        if request.path.startswith(SESSIONLESS):
            return _NoSession()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keep it in the cookie."""
        if not isinstance(session, _NoSession):
            super().save_session(app, session, response)
