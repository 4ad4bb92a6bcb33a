"""Caption files that lie beside a recording go with it into the library: which they are, and in which language.

What cannot be used is told in a sentence and harms nothing: the recording is taken in without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ingest.subtitles import beside_language, find_beside
from videolib.catalogue.captions import find_language
from videolib.cues import MAX_BYTES, SUFFIXES, guess_language, read_cues, write_vtt
from videolib.errors import InvalidInput

_OTHER = "A caption file beside the recording was left out: name it .zh.srt or .en.srt if it is Chinese or English."


@dataclass(frozen=True)
class Beside:
    """WebVTT texts by the catalogue's languages, the files that were looked at, and sentences about them."""

    captions: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


class Folders:
    """Caption files by folder, each folder looked through once however many recordings lie in it."""

    def __init__(self) -> None:
        self._listed: dict[Path, tuple[Path, ...]] = {}

    def read_beside(self, source: Path) -> Beside:
        """What lies beside a recording: `<its name>.srt`, `<its name>.zh.vtt`, …"""
        files = find_beside(source, among=self._caption_files(source.parent))
        texts: dict[str, str] = {}
        notes: list[str] = []
        for path in files:
            _read(path, source.stem, texts, notes)
        return Beside(texts, files, tuple(notes))

    def files_beside(self, sources: Iterable[Path]) -> set[Path]:
        """All caption files that belong to one of these recordings."""
        return {file for source in sources for file in find_beside(source, among=self._caption_files(source.parent))}

    def _caption_files(self, folder: Path) -> tuple[Path, ...]:
        if folder not in self._listed:
            found = folder.iterdir() if folder.is_dir() else ()
            self._listed[folder] = tuple(sorted(path for path in found if path.suffix.lower() in SUFFIXES))
        return self._listed[folder]


def _read(path: Path, stem: str, texts: dict[str, str], notes: list[str]) -> None:
    """Add one file to the texts, or a sentence to the notes."""
    try:
        with path.open("rb") as file:
            cues = read_cues(file.read(MAX_BYTES + 1))
    except (InvalidInput, OSError):
        notes.append(f"The caption file {path.suffix} beside the recording could not be read and was left out.")
        return
    named = beside_language(path, stem)
    language = find_language(named) if named else guess_language(cues)
    if language is None:
        notes.append(f"{_OTHER} ({named or 'no language named'})")
        return
    if named is None:
        notes.append(f"The caption file beside the recording names no language; it was taken as {language}.")
    if language in texts:
        notes.append(f"There is more than one caption file in {language} beside the recording; the first was taken.")
        return
    texts[language] = write_vtt(cues)
