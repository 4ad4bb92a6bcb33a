"""Chinese and English: which one a request is answered in, and the catalogues of texts."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import NamedTemporaryFile

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, has_request_context, request
from flask_babel import Babel
from markupsafe import Markup, escape

LANGUAGES = ("zh", "en")
LANGUAGE_COOKIE, THEME_COOKIE = "videolib_lang", "videolib_theme"
THEMES = ("auto", "light", "dark")
CATALOGUES = Path(__file__).parents[2] / "config" / "locale"
# the full name says which characters
_LOCALES = {"zh": "zh_Hans_CN", "en": "en"}
_HAN = re.compile(r"[\u3400-\u9fff]")
_HTML = {"zh": "zh-Hans", "en": "en"}


def init_languages(app: Flask) -> None:
    """Answer in the caller's language."""
    compile_catalogues()
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(CATALOGUES)
    Babel(app, locale_selector=lambda: _LOCALES[language()], default_locale=_LOCALES["zh"])


def language() -> str:
    """`zh` or `en`: what was chosen, else what the browser asks for, else Chinese."""
    if not has_request_context():
        return LANGUAGES[0]
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    for wanted, _quality in request.accept_languages:
        found = wanted.lower().partition("-")[0]
        if found in LANGUAGES:
            return found
    return LANGUAGES[0]


def html_language(name: str | None = None) -> str:
    """The tag for `lang=`: Chinese here is written in simplified characters."""
    return _HTML.get(name or language(), name or "")


def language_of(text: str) -> str:
    """The tag of a text that its writer gave no language: Chinese where it has a Chinese character."""
    return _HTML["zh" if _HAN.search(text) else "en"]


def marked_language(text: str) -> Markup:
    """The text, said to be Chinese or English where the page is in the other; what has no letters is in neither."""
    spoken = language_of(text)
    if spoken == html_language() or not any(letter.isalpha() for letter in text):
        return escape(text)
    return Markup('<span lang="{}">{}</span>').format(spoken, text)


def other_language(name: str) -> str:
    """The other one of the two."""
    return "en" if name == "zh" else "zh"


def compile_catalogues(folder: Path = CATALOGUES) -> None:
    """Make the binary catalogues where they are missing or older than their text."""
    for source in folder.glob("*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        try:
            _compile(source, target)
        except PermissionError:
            # an installation that this user may not write was set up by somebody who compiled them
            continue


def _compile(source: Path, target: Path) -> None:
    with source.open("rb") as file:
        catalogue = read_po(file)
    with NamedTemporaryFile(dir=target.parent, delete=False) as draft:
        write_mo(draft, catalogue)
    draft_path = Path(draft.name)
    draft_path.chmod(0o644)
    draft_path.replace(target)
