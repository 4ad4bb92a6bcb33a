"""No bare text on the pages of who watches: with a language in which every sentence is in brackets, all of them are.

Checklist 58 (untranslated text); the browser's part stands in `tests/browser/test_for_everybody.py`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po

from tests.visitors import Site, make_site
from videolib.catalogue.captions import add_captions
from videolib.catalogue.entries import Entry
from videolib.catalogue.vocabulary import list_all_terms, list_schemes
from videolib.db import Database
from videolib.web import languages

SPOKEN_ATTRIBUTES = {"alt", "aria-label", "placeholder", "title"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SILENT = {"script", "style", "kbd", "code", "title"}
TITLE = {"zh": "TACE肝细胞癌", "en": "TACE of hepatocellular carcinoma"}
LETTER = re.compile(r"[A-Za-z\u3400-\u9fff]")
# what is the same in every language: languages in themselves, formats, the fields of addresses and times
NAMES = {"English", "中文", "WebVTT", "trainee", "trainee@hospital.example", "s"}
SAID = {title.replace("TACE", "").strip() for title in TITLE.values()}
# a citation, the key that does the same, months of the format's own, names of ours
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
OF_NO_LANGUAGE = re.compile(rf"VL-\S+|https?://\S+|\([A-Z]\)|\b({MONTHS})\b|⟦|⟧|zzzz|TACE|xAPI|Videolib")
PAGES = ("/", "/search?q=TACE", "/search?q=zzzz", "/browse", "/me", "/me/notes", "/me/who-sees-what", "/playlists")


class Spoken(HTMLParser):
    """Everything of a page that is read or heard, without what says that it is in another language."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        is_quiet = tag in SILENT or (tag != "html" and "lang" in named) or any(quiet for _, quiet in self._open)
        if not is_quiet:
            self.texts += [value for name, value in attrs if name in SPOKEN_ATTRIBUTES and value]
        if tag not in VOID:
            self._open.append((tag, is_quiet))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            if self._open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        if data.strip() and not any(quiet for _, quiet in self._open):
            self.texts.append(data.strip())


@pytest.fixture
def bracketed_site(sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A service whose every sentence stands in brackets."""
    folder = tmp_path / "locale"
    shutil.copytree(languages.CATALOGUES, folder, ignore=shutil.ignore_patterns("*.mo"))
    for name in languages.LANGUAGES:
        path = folder / name / "LC_MESSAGES" / "messages.po"
        with path.open("rb") as file:
            catalogue = read_po(file, locale=name)
        for message in catalogue:
            if isinstance(message.id, str) and message.id:
                message.string = f"⟦{message.id}⟧"
            elif message.id:
                message.string = tuple(f"⟦{message.id[0]}⟧" for _ in range(catalogue.num_plurals))
        with path.open("wb") as file:
            write_po(file, catalogue)
    languages.compile_catalogues(folder)
    monkeypatch.setattr(languages, "CATALOGUES", folder)
    made = make_site(sqlite_database)
    yield made
    made.index.close()


def test_no_page_of_who_watches_holds_a_sentence_that_is_not_in_the_catalogues(bracketed_site: Site) -> None:
    site = bracketed_site
    entry = site.add_published(title=TITLE, procedures=["proc.tace"], pathologies=["path.hcc"])
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        add_captions(session, row, "en", "WEBVTT\n\n00:00.500 --> 00:02.000\nA stent.\n", by=None)
        terms = {
            label
            for term in list_all_terms(session)
            for label in (*term.labels.values(), *(one for some in term.synonyms.values() for one in some))
        }
        terms |= {label for scheme in list_schemes(session) for label in scheme.labels.values()}
    site.reindex()
    trainee = site.visitor("trainee")
    trainee.post(f"/entries/{entry.id}/notes", at="0:01", text="")

    bare = {}
    for path in (*PAGES, f"/entries/{entry.id}", f"/entries/{entry.id}/transcript", f"/compare?a={entry.id}"):
        page = trainee.get(path, headers={"Accept-Language": "en"})
        assert page.status_code == 200, path
        spoken = Spoken()
        spoken.feed(page.text)
        assert any("⟦" in text for text in spoken.texts)
        bare[path] = [text for text in spoken.texts if is_bare(text, terms)]

    assert {path: texts for path, texts in bare.items() if texts} == {}


def is_bare(text: str, terms: set[str]) -> bool:
    """Whether it has words that no catalogue holds and no editor wrote."""
    rest = re.sub(r"⟦[^⟦⟧]*⟧", " ", re.sub(r"⟦[^⟦⟧]*⟧", " ", text))
    # a sentence ends here where a part of it is marked as of another language
    rest = re.sub(r"⟦[^⟦⟧]*$|^[^⟦⟧]*⟧", " ", rest)
    rest = OF_NO_LANGUAGE.sub(" ", rest)
    for known in sorted(terms | NAMES | SAID, key=len, reverse=True):
        rest = rest.replace(known, " ")
    return LETTER.search(rest) is not None
