"""What a recording says beside its pictures: its header, its container's tags, its names, its captions and chapters.

Findings name the attribute or the kind of text and when it is shown; never what it says.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from config.dicom_profile import PROFILE, Attribute
from ingest.dicom_header import READ_ERRORS, is_dicom
from ingest.screening.patient import PatientValues
from ingest.subtitles import TextTrack
from videolib.catalogue.screenings import Found
from videolib.identifiers import RISKS, Match, find_identifiers

# options of the profile that the library always takes: nothing of a header but its technical facts leaves it
OPTIONS = (
    "Clean Pixel Data",
    "Clean Recognizable Visual Features",
    "Clean Graphics",
    "Clean Descriptors",
    "Clean Structured Content",
    "Retain Device Identity: no",
    "Retain Longitudinal Temporal Information: no",
    "Retain Patient Characteristics: no",
)
# tags that muxers write by themselves
_PLAIN_TAGS = frozenset(
    {
        "major_brand",
        "minor_version",
        "compatible_brands",
        "encoder",
        "language",
        "duration",
        "handler_name",
        "vendor_id",
    }
)
_STAMPS = frozenset({"creation_time", "date", "com.apple.quicktime.creationdate", "timecode", "year"})
_PLACES = frozenset({"location", "location-eng", "com.apple.quicktime.location.iso6709"})


def file_name_findings(name: str, values: PatientValues) -> list[Found]:
    """What the recording's own file name gives away: it is never shown to anybody but uploader and reviewers."""
    stem = re.sub(r"[_\-.]+", " ", Path(name).stem)
    matches = [*values.matches(stem), *find_identifiers(stem), *_parts(stem)]
    return [
        Found("file_name", rule, confidence, RISKS[rule] * confidence, decision="dismissed")
        for rule, confidence in _best(matches).items()
    ]


def container_findings(tags: Mapping[str, str], values: PatientValues) -> list[Found]:
    """What the container's tags give away; none of them is copied into a package."""
    best: dict[str, float] = {}
    for name, text in tags.items():
        key = name.casefold()
        if key in _PLAIN_TAGS:
            continue
        if key in _STAMPS:
            best["date"] = max(best.get("date", 0.0), 0.8)
        elif key in _PLACES:
            best["identifier"] = max(best.get("identifier", 0.0), 0.8)
        for rule, confidence in _best([*values.matches(text), *find_identifiers(text)]).items():
            best[rule] = max(best.get(rule, 0.0), confidence)
    return [
        Found("container", rule, confidence, RISKS[rule] * confidence, decision="dismissed")
        for rule, confidence in best.items()
    ]


def caption_findings(tracks: Iterable[TextTrack], values: PatientValues) -> list[Found]:
    """Cues that identify somebody; they are shown to everyone who turns captions on."""
    return [
        Found("text", rule, confidence, RISKS[rule] * confidence, cue.start_s, cue.end_s)
        for track in tracks
        for cue in track.cues
        for rule, confidence in _best([*values.matches(cue.text), *find_identifiers(cue.text)]).items()
    ]


def chapter_findings(chapters: Sequence[Any], values: PatientValues) -> list[Found]:
    """Titles of chapters that identify somebody."""
    return [
        Found("text", rule, confidence, RISKS[rule] * confidence, chapter.start_s, chapter.end_s)
        for chapter in chapters
        for rule, confidence in _best([*values.matches(chapter.title), *find_identifiers(chapter.title)]).items()
    ]


def header_notes(path: Path) -> dict[str, Any]:
    """Which attributes of the confidentiality profile a DICOM file has, by what the profile does with them.

    Standard names only. The package keeps none of them: the options say so.
    """
    if not is_dicom(path):
        return {}
    attributes = list(_attributes(path))
    by_action: dict[str, list[str]] = {}
    for attribute in attributes:
        by_action.setdefault(attribute.action, []).append(attribute.name)
    return {
        "profile": "DICOM PS3.15 Annex E Basic Application Level Confidentiality Profile",
        "options": list(OPTIONS),
        "attributes": {action: sorted(set(names)) for action, names in sorted(by_action.items())},
    }


def _attributes(path: Path) -> Iterator[Attribute]:
    from pydicom import dcmread  # noqa: PLC0415 - half a second, for DICOM files alone

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = dcmread(path, stop_before_pixels=True, force=True)
            for element in header.iterall():
                attribute = PROFILE.get(f"{element.tag.group:04x}{element.tag.element:04x}")
                if attribute is not None and element.value not in (None, "", b""):
                    yield attribute
                elif element.tag.group % 2:
                    yield Attribute("private attributes", "X")
    except READ_ERRORS:
        return


def _parts(stem: str) -> list[Match]:
    """The words of a file name one by one: 张三 in 张三_TACE is a name that stands alone."""
    return [match for part in stem.split() for match in find_identifiers(part)]


def _best(matches: Iterable[Match]) -> dict[str, float]:
    best: dict[str, float] = {}
    for match in matches:
        best[match.rule] = max(best.get(match.rule, 0.0), match.confidence)
    return best
