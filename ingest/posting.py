"""A worker's post: messages that are missing are written, and letters about them sent, in a thread of its own.

A mail server that does not answer holds up nothing but letters.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from ingest.surviving import beside, survive
from ingest.workshop import Workshop
from videolib.catalogue import inbox, inbox_mail
from videolib.db import utc_now
from videolib.errors import InvalidInput, Unavailable
from videolib.letters import write_letter
from videolib.mail import send_mail

log = structlog.get_logger(__name__)

POST_S = 5.0


@contextmanager
def keeping_post(workshop: Workshop, *, every_s: float = POST_S) -> Iterator[None]:
    """Do both now and then."""

    def keep(over: threading.Event) -> None:
        while not over.wait(every_s):
            survive(lambda: write_messages(workshop))
            survive(lambda: send_letters(workshop, over))

    with beside("post", keep):
        yield


def write_messages(workshop: Workshop) -> bool:
    """Write what there is cause for; tells whether anything was missing or to be removed."""
    now = utc_now()
    with workshop.database.reading() as session:
        news = inbox.find_news(session, now)
    if not news:
        return False
    mail_after = now + inbox_mail.GATHER if workshop.settings.smtp_url else None
    with workshop.database.writing() as session:
        inbox.take_in(session, news, mail_after=mail_after)
    return True


def send_letters(workshop: Workshop, over: threading.Event) -> bool:
    """Send what is due, until the mail server does not answer; what it never takes is not sent again."""
    settings = workshop.settings
    while settings.smtp_url and not over.is_set():
        with workshop.database.writing() as session:
            letter = inbox_mail.take_letter(session, utc_now())
        if letter is None:
            return False
        subject, text = write_letter(letter.counts, letter.language, f"{settings.public_url}/inbox")
        try:
            send_mail(settings, to=letter.address, subject=subject, text=text, name=letter.name)
        except Unavailable:
            log.warning("the mail server does not take a letter now; it is tried again", person=letter.user_id)
            return False
        except InvalidInput:
            log.warning("the mail server takes no letters for this person", person=letter.user_id)
        with workshop.database.writing() as session:
            inbox_mail.note_sent(session, letter)
    return False
