"""The captions of an entry as a text to read, to search and to take along; it needs no script and no video."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from videolib.catalogue.access import can
from videolib.catalogue.captions import cues_of, get_track, list_languages
from videolib.catalogue.entries import Entry
from videolib.cues import Cue, write_vtt
from videolib.web.access import current_person, entry_to_read
from videolib.web.cards import first_text
from videolib.web.context import database_session
from videolib.web.languages import html_language
from videolib.web.texts import CAPTION_LABELS, clock_text

blueprint = Blueprint("transcripts", __name__)


@dataclass(frozen=True)
class TranscriptLine:
    """One caption."""

    start_s: float
    start_text: str
    text: str
    url: str


@dataclass(frozen=True)
class TranscriptLanguage:
    """A language to read it in."""

    tag: str
    label: str
    url: str
    fragment_url: str
    is_chosen: bool


@dataclass(frozen=True)
class Transcript:
    """The text in one language, and the others to choose; `file_url` has LANG in the place of the language."""

    lang: str
    lines: tuple[TranscriptLine, ...]
    languages: tuple[TranscriptLanguage, ...]
    file_url: str
    page_url: str


@blueprint.get("/entries/<entry_id>/transcript")
def show(entry_id: str) -> str:
    """The page of the text; `?lang=en`."""
    entry = entry_to_read(entry_id)
    wanted = request.args.get("lang") or html_language()
    found = make_transcript(entry, wanted)
    title = first_text(entry.title)
    return render_template("transcripts/show.html", transcript=found, title=title, url=_entry_url(entry))


@blueprint.get("/entries/<entry_id>/transcript/<lang>.<any(vtt,txt):kind>")
def download(entry_id: str, lang: str, kind: str) -> WerkzeugResponse:
    """The file: WebVTT, or plain text with a time before each line."""
    entry = entry_to_read(entry_id)
    cues = cues_of(get_track(database_session(), entry.id, lang))
    text = write_vtt(cues) if kind == "vtt" else _plain(cues)
    response = Response(text, mimetype="text/vtt" if kind == "vtt" else "text/plain")
    # the code of an entry, never its title: file names travel further than files
    response.headers["Content-Disposition"] = f'attachment; filename="{entry.code}-{lang}.{kind}"'
    return response


def make_transcript(entry: Entry, wanted: str) -> Transcript | None:
    """The captions in the wanted language, else in the first there is; None where there are none."""
    tags = list_languages(database_session(), entry.id)
    if not tags or not can(current_person(), "words", entry):
        return None
    chosen = wanted if wanted in tags else tags[0]
    place = url_for("transcripts.download", entry_id=entry.id, lang="LANG", kind="vtt")
    return Transcript(
        lang=chosen,
        lines=tuple(_line(entry, cue) for cue in cues_of(get_track(database_session(), entry.id, chosen))),
        languages=tuple(_language(entry, tag, is_chosen=tag == chosen) for tag in tags),
        file_url=place.removesuffix("vtt"),
        page_url=url_for("transcripts.show", entry_id=entry.id, lang=chosen),
    )


def _language(entry: Entry, tag: str, *, is_chosen: bool) -> TranscriptLanguage:
    url = url_for("transcripts.show", entry_id=entry.id, lang=tag)
    return TranscriptLanguage(tag, CAPTION_LABELS.get(tag, tag), url, url, is_chosen)


def _line(entry: Entry, cue: Cue) -> TranscriptLine:
    url = url_for("entries.show", entry_id=entry.id, t=f"{cue.start_s:g}")
    return TranscriptLine(cue.start_s, clock_text(int(cue.start_s)), " ".join(cue.text.split()), url)


def _entry_url(entry: Entry) -> str:
    return url_for("entries.show", entry_id=entry.id)


def _plain(cues: list[Cue]) -> str:
    return "".join(f"{clock_text(int(cue.start_s))}\t{' '.join(cue.text.split())}\n" for cue in cues)
