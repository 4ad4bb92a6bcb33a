"""DICOM files that the tests make: an angiography cine whose frames carry their own number, by keywords."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, XRayAngiographicImageStorage

SECRET_NAME = "GEHEIM^PATIENT"
SECRET_ID = "ID-4711-0815"

# what ingest keeps of a stored cine whose rate was guessed: the `source.dicom` of a recording
CINE: dict[str, Any] = {
    "modality": "XA",
    "rate_source": "assumed",
    "runs": [
        {
            "number": 1,
            "plane": None,
            "frames": 30,
            "shown": [1, 30],
            "fps": 15.0,
            "rate_source": "assumed",
            "window": {"center": 2048.0, "width": 4096.0, "source": "file"},
            "has_mask_subtraction": True,
            "angle": "LAO 30",
        }
    ],
    "second_planes": [],
    "guessed": [
        {"key": "1.rate", "run": 1, "plane": None, "what": "rate", "value": 15.0, "message": "15 are assumed."}
    ],
}


def numbered_frames(
    count: int = 12, *, rows: int = 64, columns: int = 96, bits: int = 12, lowest: int = 0
) -> NDArray[np.int64]:
    """Return frames of a ramp with noise, each with its number as a row of 16 black or white blocks."""
    top = (1 << bits) - 1
    random = np.random.default_rng(7)
    ramp = np.linspace(0, top, rows * columns).reshape(1, rows, columns)
    frames = np.clip(ramp + random.normal(0, top / 50, (count, rows, columns)), 0, top).astype(np.int64)
    for index in range(count):
        for bit in range(16):
            frames[index, :8, bit * 6 : bit * 6 + 6] = top if index >> bit & 1 else 0
    return frames + lowest


def read_number(picture: NDArray[Any]) -> int:
    """Read a frame's number back from its blocks, in whatever contrast it is shown."""
    blocks = picture[2:6, : 16 * 6].reshape(4, 16, 6).mean(axis=(0, 2))
    return sum(1 << bit for bit in range(16) if blocks[bit] > 128)


def make_cine(
    path: Path, frames: NDArray[Any] | None = None, *, encoded: list[bytes] | None = None, **tags: Any
) -> Path:
    """Write an XA cine; `tags` are DICOM keywords to change or, with None, to leave out.

    `encoded` puts those bytes in as fragments in place of the pictures (name TransferSyntaxUID too).
    """
    pictures = numbered_frames() if frames is None else frames
    cine = Dataset()
    cine.file_meta = FileMetaDataset()
    cine.file_meta.TransferSyntaxUID = tags.pop("TransferSyntaxUID", ExplicitVRLittleEndian)
    values = {**_header(pictures), **tags}
    for keyword, value in values.items():
        if value is not None:
            setattr(cine, keyword, value)
    cine.file_meta.MediaStorageSOPClassUID = values["SOPClassUID"]
    cine.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    width = 1 if cine.BitsAllocated == 8 else 2
    if "PixelData" not in values:
        raw = pictures.astype(f"<i{width}").tobytes()
        cine.PixelData = encapsulate(encoded) if encoded is not None else raw + b"\0" * (len(raw) % 2)
    cine["PixelData"].VR = "OB" if width == 1 or encoded is not None else "OW"
    cine.save_as(path, enforce_file_format=True)
    return path


def _header(frames: NDArray[Any]) -> dict[str, Any]:
    is_wide = int(np.abs(frames).max()) > 255
    return {
        "SOPClassUID": XRayAngiographicImageStorage,
        "SOPInstanceUID": "1.2.3.4",
        "Modality": "XA",
        "PatientName": SECRET_NAME,
        "PatientID": SECRET_ID,
        "StudyDescription": SECRET_NAME,
        "SamplesPerPixel": 1 if frames.ndim == 3 else 3,
        "PhotometricInterpretation": "MONOCHROME2" if frames.ndim == 3 else "RGB",
        "PlanarConfiguration": None if frames.ndim == 3 else 0,
        "NumberOfFrames": len(frames),
        "FrameIncrementPointer": 0x00181063,
        "FrameTime": "66.667",
        "Rows": frames.shape[1],
        "Columns": frames.shape[2],
        "BitsAllocated": 16 if is_wide else 8,
        "BitsStored": 12 if is_wide else 8,
        "HighBit": 11 if is_wide else 7,
        "PixelRepresentation": 0,
    }


def make_study_file(path: Path, frames: NDArray[Any] | None = None, **tags: Any) -> Path:
    """Write a cine of one examination of one patient; name at least SOPInstanceUID and what orders it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    given = {"StudyInstanceUID": "1.2.3.5", "SeriesInstanceUID": "1.2.3.5.1", "WindowCenter": "2048", **tags}
    return make_cine(path, frames, **{"WindowWidth": "4096", **given})


def make_slice(path: Path, number: int, level: int, **tags: Any) -> Path:
    """Write one CT slice of an axial series, `number` mm along the table, all of one grey `level`."""
    values: dict[str, Any] = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "Modality": "CT",
        "SeriesInstanceUID": "1.2.3.5.9",
        "SOPInstanceUID": f"1.2.3.5.9.{number}",
        "NumberOfFrames": None,
        "FrameIncrementPointer": None,
        "FrameTime": None,
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [0, 0, number],
        "InstanceNumber": 1000 - number,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "WindowCenter": "0",
        "WindowWidth": "2048",
        "AcquisitionTime": "143000",
    }
    return make_study_file(path, np.full((1, 64, 96), level), **{**values, **tags})
