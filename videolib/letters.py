"""What a letter about the inbox says: how much is new, and where to look; nothing of a patient, no title, no name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from babel.support import NullTranslations, Translations

CATALOGUES = Path(__file__).parents[1] / "config" / "locale"
LANGUAGES = ("zh", "en")


def N_(text: str) -> str:  # noqa: N802 - by this name the extractor knows it
    """Mark a text for translators."""
    return text


# the words of the page: `videolib.web.inbox_views`
KINDS = {
    "assigned": N_("Assigned to you"),
    "due": N_("Due soon"),
    "changes": N_("Changes requested"),
    "review": N_("Review asked of you"),
    "asked": N_("You are asked to look"),
    "failed": N_("Recording not made watchable"),
    "consent": N_("Consent ends soon"),
    "expiring": N_("Original is removed soon"),
    "withdrawn": N_("Clip withdrawn"),
    "narration": N_("Narration to listen to"),
    "narration_back": N_("Narration came back"),
}
_SUBJECT = N_("New in your inbox: %(count)s")
_INTRO = N_("There is something new for you in the library:")
_WHERE = N_("Read it here:")
_ENOUGH = N_("You can switch these mails off on that page.")


def write_letter(counts: Mapping[str, int], language: str | None, address: str) -> tuple[str, str]:
    """Subject and text; in both languages for who has not said which one. `address`: that of the inbox page."""
    languages = (language,) if language in LANGUAGES else LANGUAGES
    words = [_words(name) for name in languages]
    subject = " / ".join(said.gettext(_SUBJECT) % {"count": sum(counts.values())} for said in words)
    return subject, "\n\n--\n\n".join(_text(said, counts, address) for said in words) + "\n"


def _text(said: NullTranslations, counts: Mapping[str, int], address: str) -> str:
    lines = [f"- {said.gettext(KINDS[kind])}: {count}" for kind, count in counts.items() if kind in KINDS]
    return "\n".join([said.gettext(_INTRO), "", *lines, "", said.gettext(_WHERE), address, "", said.gettext(_ENOUGH)])


def _words(language: str) -> NullTranslations:
    return Translations.load(CATALOGUES, [language], "messages")
