"""Presentation states: how somebody chose to show a run (window, mask, shutter, polarity), laid over its own header.

Grayscale softcopy states (PS3.3 A.33.1) and those for X-ray angiography (A.33.6) are read. What they say takes the
place of what the run's file says, so that all that reads a header shows the run as it was chosen. What turns or zooms
pictures, and what is drawn on them, is not applied: graphics may name the patient.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydicom import dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from ingest.dicom_header import READ_ERRORS, OpenRecording, open_recording, value_of

_CLASSES = frozenset({"1.2.840.10008.5.1.4.1.1.11.1", "1.2.840.10008.5.1.4.1.1.11.5"})
_SHUTTER = """
    ShutterShape ShutterLeftVerticalEdge ShutterRightVerticalEdge ShutterUpperHorizontalEdge
    ShutterLowerHorizontalEdge CenterOfCircularShutter RadiusOfCircularShutter VerticesOfThePolygonalShutter
    ShutterPresentationValue
""".split()  # noqa: SIM905  a list of one word each would hide the code
_MASK = ("MaskSubtractionSequence", "RecommendedViewingMode", "PixelShiftSequence")
_WINDOW = ("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence")
_WANTED = (*_SHUTTER, *_MASK, "SoftcopyVOILUTSequence", "PresentationLUTShape", "SOPClassUID")
# a state without tables takes kilobytes
_MOST_BYTES = 64 << 20
# what a shape of the presentation LUT makes of the values that come out of the window (PS3.3 C.11.6)
_POLARITIES = {"IDENTITY": "MONOCHROME2", "INVERSE": "MONOCHROME1"}


def is_state(sop_class: str) -> bool:
    """Say whether a SOP class is that of a presentation state that is read here."""
    return sop_class in _CLASSES


@contextmanager
def open_presented(path: Path, states: Sequence[Path]) -> Iterator[tuple[OpenRecording, tuple[str, ...]]]:
    """Open a run's file as `open_recording` does, its header as presentation states want it, the last of them most.

    Also gives what these have decided.
    """
    with open_recording(path) as recording:
        decided = [what for state in states for what in lay_over(recording.header, read_state(state))]
        yield recording, tuple(dict.fromkeys(decided))


def read_state(path: Path) -> Dataset:
    """Read what is wanted of a presentation state; nothing where it cannot be read."""
    tags = [tag for tag in map(tag_for_keyword, _WANTED) if tag is not None]
    try:
        if path.stat().st_size > _MOST_BYTES:
            return Dataset()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dcmread(path, force=True, stop_before_pixels=True, specific_tags=tags)
    except READ_ERRORS:
        return Dataset()


def lay_over(header: Dataset, state: Dataset) -> tuple[str, ...]:
    """Let a state decide over a header, and return what it decided: window, polarity, mask, shutter."""
    decided = []
    if (window := _window_for(header, state)) is not None:
        _replace(header, window, _WINDOW)
        _forget(header, "FrameVOILUTSequence")
        decided.append("window")
    polarity = _POLARITIES.get(str(value_of(state, "PresentationLUTShape") or "").upper())
    is_grey = str(value_of(header, "PhotometricInterpretation") or "MONOCHROME2") in _POLARITIES.values()
    if polarity and is_grey and polarity != str(value_of(header, "PhotometricInterpretation") or "MONOCHROME2"):
        header.PhotometricInterpretation = polarity
        decided.append("polarity")
    if value_of(state, "MaskSubtractionSequence") is not None:
        _replace(header, state, _MASK)
        _forget(header, "FramePixelShiftSequence")
        decided.append("mask")
    if value_of(state, "ShutterShape") is not None:
        _replace(header, state, _SHUTTER)
        _forget(header, "FrameDisplayShutterSequence")
        decided.append("shutter")
    return tuple(decided)


def _window_for(header: Dataset, state: Dataset) -> Dataset | None:
    """Return the state's first window for this image; an item that names no images is for all."""
    mine = str(value_of(header, "SOPInstanceUID") or "")
    for item in value_of(state, "SoftcopyVOILUTSequence") or ():
        named = [
            str(value_of(one, "ReferencedSOPInstanceUID")) for one in value_of(item, "ReferencedImageSequence") or ()
        ]
        is_window = any(value_of(item, keyword) is not None for keyword in ("WindowCenter", "VOILUTSequence"))
        if is_window and (not named or mine in named):
            found: Dataset = item
            return found
    return None


def _replace(header: Dataset, given: Dataset, keywords: Sequence[str]) -> None:
    for keyword in keywords:
        if keyword in header:
            delattr(header, keyword)
        if (value := value_of(given, keyword)) is not None:
            setattr(header, keyword, value)


def _forget(header: Dataset, keyword: str) -> None:
    """Take a functional group away from all frames of an enhanced file, in memory: the state stands for it."""
    shared = value_of(header, "SharedFunctionalGroupsSequence") or ()
    for group in (*shared, *(value_of(header, "PerFrameFunctionalGroupsSequence") or ())):
        if keyword in group:
            delattr(group, keyword)
