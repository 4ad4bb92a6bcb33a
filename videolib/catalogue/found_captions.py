"""Text that a recording brings along becomes captions of its entries: searchable, corrected and taken away there.

It happens with the recording's first package; what is made anew later changes nothing that an editor has in hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue.captions import find_language, keep_cues, list_languages
from videolib.catalogue.entries import Entry
from videolib.catalogue.packages import Package
from videolib.catalogue.recordings import Recording
from videolib.cues import Cue, guess_language


def languages_of(texts: Mapping[str, tuple[str, Sequence[Cue]]]) -> dict[str, str]:
    """The catalogue's language of each text that has one, by the text's name; `texts` holds a tag and cues by name.

    Of several in one language it is the first. What names no language is told by its words.
    """
    found: dict[str, str] = {}
    for name, (tag, cues) in texts.items():
        language = guess_language(cues) if tag == "und" else find_language(tag)
        if language is not None and language not in found.values():
            found[name] = language
    return found


def adopt_texts(
    session: Session, recording: Recording, package: Package, texts: Mapping[str, tuple[str, Sequence[Cue]]]
) -> None:
    """Give these texts to the recording's entries, and say in the package's description which are theirs now.

    To be called before the recording has the package as its own: the first one alone hands its texts over. Later ones
    only say so, since these texts are the entries' to show or not.
    """
    languages = languages_of(texts)
    subtitles = [
        {**item, **({"in_entry": True} if item.get("name") in languages else {})}
        for item in package.description.get("subtitles") or ()
    ]
    package.description = {**package.description, "subtitles": subtitles}
    if recording.package_id is not None or not languages:
        return
    # in one order, and locked: see `publishing.recording_is_ready`
    mine = select(Entry).where(Entry.recording_id == recording.id).order_by(Entry.id).with_for_update(of=Entry)
    for entry in session.scalars(mine, execution_options={"populate_existing": True}).all():
        there = list_languages(session, entry.id)
        for name, language in languages.items():
            if language not in there:
                keep_cues(session, entry, language, texts[name][1], by=None)
