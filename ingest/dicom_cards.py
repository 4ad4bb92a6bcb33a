"""What of a DICOM file's header sorts it into a study: its kind, when it was taken, whose it is, what belongs to it.

Names and numbers of patients are turned into digests in the moment they are read; nothing of a card is kept or shown.
"""

from __future__ import annotations

import hashlib
import secrets
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydicom import dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from ingest.dicom_header import READ_ERRORS, OpenRecording, first_value_of, integer_of, open_recording, value_of
from ingest.dicom_kinds import modality_of, refuse_other_kinds
from ingest.dicom_run import read_run
from ingest.dicom_states import is_state
from ingest.dicom_video import is_video
from ingest.errors import Refused

Kind = Literal["cine", "video", "slice", "state", "other"]
_SLICE_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.4",
    "1.2.840.10008.5.1.4.1.1.128",
}
# slices that agree in these are scrolled through together
_STACK = ("SeriesInstanceUID", "Rows", "Columns", "PhotometricInterpretation")
_ORDER = """
    PatientID PatientName PatientBirthDate StudyInstanceUID SeriesInstanceUID SOPInstanceUID SOPClassUID Modality
    ImageType AcquisitionDateTime AcquisitionDate AcquisitionTime ContentDate ContentTime SeriesDate SeriesTime
    SeriesNumber AcquisitionNumber InstanceNumber NumberOfFrames ImagePositionPatient ImageOrientationPatient
    ReferencedImageSequence ReferencedOtherPlaneSequence ReferencedSeriesSequence PresentationCreationDate
    PresentationCreationTime Rows Columns PhotometricInterpretation
""".split()  # noqa: SIM905  a list of one word each would hide the code
# of this process only: what is compared is never written down
_SALT = secrets.token_bytes(16)


@dataclass(frozen=True)
class Card:
    """A DICOM file for sorting. `reason` says why an "other" is no recording; `position` is a slice's, along its stack.

    `patient` holds digests of number, name and birth date, "" where the file has none; `refers_to` are instances.
    """

    path: Path
    kind: Kind
    reason: str
    patient: tuple[str, str, str]
    study: str
    series: str
    instance: str
    taken_at: str
    numbers: tuple[int, int, int]
    plane: str
    frames: int
    position: float
    stack: tuple[Any, ...]
    refers_to: frozenset[str]
    is_index: bool = False


def read_card(path: Path) -> Card:
    """Read what sorts a DICOM file; what cannot be shown becomes an "other" with the reason."""
    header = _header(path)
    kind, reason = _kind(path, header)
    return Card(
        path=path,
        kind=kind,
        reason=reason,
        patient=_patient(header),
        study=_text(header, "StudyInstanceUID"),
        series=_text(header, "SeriesInstanceUID"),
        instance=_text(header, "SOPInstanceUID"),
        taken_at=_taken_at(header),
        numbers=_numbers(header),
        plane=_plane(header),
        frames=integer_of(header, "NumberOfFrames", 1),
        position=_position(header),
        stack=tuple(_text(header, tag) for tag in _STACK),
        refers_to=frozenset(_references(header)),
        is_index=_text(header, "SOPClassUID") == "1.2.840.10008.1.3.10",
    )


def has_second_patient(cards: Sequence[Card]) -> bool:
    """Say whether these files are of more than one person: another number, birth date or, without a number, name."""
    numbers, names, births = ({card.patient[at] for card in cards} - {""} for at in range(3))
    is_unnumbered = any(not card.patient[0] for card in cards)
    return len(numbers) > 1 or len(births) > 1 or (len(names) > 1 and is_unnumbered)


def _kind(path: Path, header: Dataset) -> tuple[Kind, str]:
    if is_state(_text(header, "SOPClassUID")):
        return "state", ""
    try:
        with open_recording(path) as recording:
            if _is_slice(recording, header):
                return "slice", ""
            refuse_other_kinds(recording)
            if is_video(recording.syntax):
                return "video", ""
        read_run((path,), 1)
    except Refused as refusal:
        return "other", refusal.message
    return "cine", ""


def _is_slice(recording: OpenRecording, header: Dataset) -> bool:
    is_class = _text(header, "SOPClassUID") in _SLICE_CLASSES and modality_of(recording) in {"CT", "MR", "PT"}
    return is_class and recording.pixels is not None and integer_of(header, "NumberOfFrames", 1) == 1


def _header(path: Path) -> Dataset:
    tags = [tag for tag in map(tag_for_keyword, _ORDER) if tag is not None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return dcmread(path, force=True, stop_before_pixels=True, specific_tags=tags, defer_size=1 << 20)
        except READ_ERRORS:
            return Dataset()


def _patient(header: Dataset) -> tuple[str, str, str]:
    number, name, birth = (_text(header, tag) for tag in ("PatientID", "PatientName", "PatientBirthDate"))
    return (_digest(number), _digest(" ".join(name.upper().replace("^", " ").split())), _digest(birth))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), key=_SALT, digest_size=16).hexdigest() if text else ""


def _taken_at(header: Dataset) -> str:
    """Return date and time as digits that sort, "" where the file tells neither."""
    whole = _text(header, "AcquisitionDateTime")
    if whole:
        return whole.split("+")[0].split("-")[0]
    for kind in ("PresentationCreation", "Acquisition", "Content", "Series"):
        date, time = _text(header, f"{kind}Date"), _text(header, f"{kind}Time")
        if time:
            return f"{date}{time}"
    return ""


def _numbers(header: Dataset) -> tuple[int, int, int]:
    series, acquisition, instance = (
        integer_of(header, tag, 0) for tag in ("SeriesNumber", "AcquisitionNumber", "InstanceNumber")
    )
    return series, acquisition, instance


def _plane(header: Dataset) -> str:
    """Return "A" or "B" for the halves of a biplane pair (third value of Image Type), "" for a single plane."""
    values = [str(value).upper() for value in value_of(header, "ImageType") or ()]
    return next((value[-1] for value in values[2:] if value in {"BIPLANE A", "BIPLANE B"}), "")


def _position(header: Dataset) -> float:
    """Return where a slice lies along its stack in mm, else its number."""
    try:
        place = np.array([float(number) for number in header.ImagePositionPatient])
        turned = np.array([float(number) for number in header.ImageOrientationPatient])
        return round(float(np.cross(turned[:3], turned[3:]) @ place), 4)
    except READ_ERRORS:
        return float(integer_of(header, "InstanceNumber", 0))


def _references(header: Dataset) -> list[str]:
    groups = [header, *(value_of(header, "ReferencedSeriesSequence") or ())]
    items = [
        item
        for group in groups
        for keyword in ("ReferencedImageSequence", "ReferencedOtherPlaneSequence")
        for item in value_of(group, keyword) or ()
    ]
    return [found for item in items if (found := _text(item, "ReferencedSOPInstanceUID"))]


def _text(header: Dataset, keyword: str) -> str:
    value = first_value_of(header, keyword)
    return "" if value is None else str(value).strip()
