"""What kind of DICOM file it is, in words of the standard only: a recording, or what else with a sentence why not."""

from __future__ import annotations

import re

from pydicom.uid import UID

from ingest.dicom_facts import BurnedIn
from ingest.dicom_header import OpenRecording, value_of
from ingest.errors import Refused

# Storage classes and modalities that hold no recording in time, with what to tell the person who sent one.
_SLICES = "This DICOM file holds slices or a volume (CT, MR, PET and the like), not a recording in time."
_OTHER_CLASSES = {
    "1.2.840.10008.1.3.10": "This is the index of a DICOM disc (DICOMDIR). Upload the recordings it lists.",
    "1.2.840.10008.5.1.4.1.1.104.": "This DICOM file holds a document, not a recording.",
    "1.2.840.10008.5.1.4.1.1.88.": "This DICOM file is a report (dose, measurements), not a recording.",
    "1.2.840.10008.5.1.4.1.1.11.": "This DICOM file tells how to show pictures but holds none.",
    "1.2.840.10008.5.1.4.1.1.9.": "This DICOM file holds curves (ECG, pressure), not a recording.",
    "1.2.840.10008.5.1.4.1.1.13.1.": _SLICES,
    "1.2.840.10008.5.1.4.1.1.2": _SLICES,
    "1.2.840.10008.5.1.4.1.1.4": _SLICES,
    "1.2.840.10008.5.1.4.1.1.128": _SLICES,
    "1.2.840.10008.5.1.4.1.1.130": _SLICES,
    "1.2.840.10008.5.1.4.1.1.20": _SLICES,
    "1.2.840.10008.5.1.4.1.1.481.": "This DICOM file belongs to a radiotherapy plan; it holds no recording.",
    "1.2.840.10008.5.1.4.1.1.66": "This DICOM file holds a segmentation or a surface, not a recording.",
    "1.2.840.10008.5.1.4.1.1.77.1.6": "This DICOM file is a slide of a microscope, not a recording.",
}
_SLICE_MODALITIES = {"CT", "MR", "PT", "NM"}
_REPORT_MODALITIES = {"SR", "PR", "KO", "DOC", "PLAN", "RTDOSE", "RTPLAN", "RTSTRUCT", "SEG", "REG", "ECG"}


def refuse_other_kinds(recording: OpenRecording) -> None:
    """Raise Refused, with what to tell the person who sent it, for a file that is no recording in time."""
    sop_class = str(value_of(recording.header, "SOPClassUID") or "")
    for prefix, sentence in _OTHER_CLASSES.items():
        if sop_class == prefix or sop_class.startswith(prefix.removesuffix(".") + "."):
            raise Refused("unsupported", sentence)
    modality = modality_of(recording)
    if modality in _SLICE_MODALITIES:
        raise Refused("unsupported", _SLICES)
    if recording.pixels is None or modality in _REPORT_MODALITIES:
        raise Refused("unsupported", "This DICOM file holds no pictures: it is a report or another document.")


def modality_of(recording: OpenRecording) -> str:
    """Return the modality code; a value that has not the form of a code may be anything: it is dropped."""
    text = str(value_of(recording.header, "Modality") or "")
    return text if re.fullmatch(r"[A-Z]{2,8}", text) else ""


def standard_name(uid: object) -> str:
    """Return the standard's name of a UID; a private one stays unnamed, since it can name a site."""
    known = UID(str(uid or ""))
    return known.name if known.name != known else "private"


def burned_in(recording: OpenRecording) -> BurnedIn:
    """Return what the file says of text in its pictures; saying nothing means that nobody knows."""
    match str(value_of(recording.header, "BurnedInAnnotation") or "").upper():
        case "YES":
            return "yes"
        case "NO":
            return "no"
        case _:
            return "unknown"
