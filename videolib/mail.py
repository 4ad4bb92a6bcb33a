"""Sends mail through the server of the settings; the only place that knows SMTP.

A password never goes over an open line: `smtps://` speaks TLS from the first byte, `smtp://` goes on by STARTTLS, which
a server on this host alone may do without.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

from config.settings import Settings
from videolib.errors import InvalidInput, Unavailable

TIMEOUT_S = 20.0
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
# from here on a mail server will never take the letter, however often it is asked
_FOR_GOOD = 500


def send_mail(settings: Settings, *, to: str, subject: str, text: str, name: str) -> None:
    """Send one letter; `name` makes its Message-ID.

    Raises `Unavailable` where trying again may help, `InvalidInput` (code "mail_refused") where it will not.
    """
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = settings.mail_from, to, subject
    letter["Date"] = formatdate()
    letter["Message-ID"] = f"<{name}@{settings.mail_from.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(text)
    with _translated(), _connected(settings) as server:
        server.send_message(letter)


def try_server(settings: Settings) -> None:
    """Sign in at the mail server and send nothing. Raises `Unavailable`."""
    with _translated(), _connected(settings) as server:
        server.noop()


@contextmanager
def _connected(settings: Settings) -> Iterator[smtplib.SMTP]:
    parts = urlsplit(settings.smtp_url or "")
    host, secure = parts.hostname or "", ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_S, context=secure)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=TIMEOUT_S)
    with server:
        if parts.scheme == "smtp":
            server.ehlo()
            if server.has_extn("starttls") or host not in _HERE:
                server.starttls(context=secure)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        yield server


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _words in error.recipients.values()]
        if all(code >= _FOR_GOOD for code in codes):
            raise InvalidInput("The mail server does not take mail for this address.", code="mail_refused") from error
        raise _silent() from error
    except (smtplib.SMTPException, OSError) as error:
        raise _silent() from error


def _silent() -> Unavailable:
    return Unavailable("The mail server does not take the mail now.", code="mail_unavailable")
