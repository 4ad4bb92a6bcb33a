"""Write a phantom run as a DICOM angiogram: multi-frame XA with mask frames, timing, window and C-arm angles."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import UID, JPEGLSLossless, XRayAngiographicImageStorage

from videolib.demo.phantom import FPS, MASK_FRAMES, SIZE, Scene

WINDOW_CENTER, WINDOW_WIDTH = 2650, 2600
_ROOT = "1.2.826.0.1.3680043.10.1"


def write_run(
    path: Path,
    scene: Scene,
    frames: Iterable[NDArray[np.uint16]],
    *,
    timing: str = "FrameTime",
    study: str = "",
    number: int = 1,
) -> Path:
    """Write the frames of a run; `timing` is "FrameTime" or "FrameTimeVector" (then the last third runs slower).

    `study` names the examination that it is the run `number` of; without one it is an examination by itself.
    """
    run = _header(scene, path.stem)
    run.StudyInstanceUID = _uid(study or path.stem, "study")
    run.SeriesNumber = run.AcquisitionNumber = number
    encoder = get_encoder(JPEGLSLossless)
    layout: dict[str, Any] = {"rows": SIZE, "columns": SIZE, "samples_per_pixel": 1, "number_of_frames": 1}
    encoded = [
        encoder.encode(
            frame,
            bits_allocated=16,
            bits_stored=12,
            pixel_representation=0,
            photometric_interpretation="MONOCHROME2",
            pixel_keyword="PixelData",
            **layout,
        )
        for frame in frames
    ]
    run.NumberOfFrames = len(encoded)
    _set_timing(run, len(encoded), timing)
    _set_mask(run, len(encoded))
    run.PixelData = encapsulate(encoded)
    run["PixelData"].VR = "OB"
    run.save_as(path, enforce_file_format=True)
    return path


def _header(scene: Scene, name: str) -> Dataset:
    run = Dataset()
    run.file_meta = FileMetaDataset()
    run.file_meta.TransferSyntaxUID = JPEGLSLossless
    run.file_meta.MediaStorageSOPClassUID = run.SOPClassUID = XRayAngiographicImageStorage
    run.file_meta.MediaStorageSOPInstanceUID = run.SOPInstanceUID = _uid(name, "instance")
    run.SeriesInstanceUID = _uid(name, "series")
    run.Modality = "XA"
    run.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    run.Manufacturer = "videolib phantom"
    run.PatientName, run.PatientID = "PHANTOM", "PHANTOM"
    run.PatientIdentityRemoved, run.BurnedInAnnotation = "YES", "NO"
    run.DeidentificationMethod = "Computed phantom: there is no patient"
    run.SamplesPerPixel, run.PhotometricInterpretation = 1, "MONOCHROME2"
    run.Rows = run.Columns = SIZE
    run.BitsAllocated, run.BitsStored, run.HighBit, run.PixelRepresentation = 16, 12, 11, 0
    run.PixelIntensityRelationship = "LOG"
    run.WindowCenter, run.WindowWidth = str(WINDOW_CENTER), str(WINDOW_WIDTH)
    run.PositionerPrimaryAngle, run.PositionerSecondaryAngle = (str(angle) for angle in scene.angles_deg)
    run.ImagerPixelSpacing = ["0.308", "0.308"]
    run.LossyImageCompression = "00"
    return run


def _set_timing(run: Dataset, frames: int, timing: str) -> None:
    if timing == "FrameTime":
        run.FrameIncrementPointer = 0x00181063
        run.FrameTime = f"{1000 / FPS:.3f}"
        run.CineRate = str(FPS)
        return
    # units slow down when the veins fill, to save dose
    quick = frames * 2 // 3
    run.FrameIncrementPointer = 0x00181065
    run.FrameTimeVector = ["0", *["66"] * (quick - 1), *["132"] * (frames - quick)]


def _set_mask(run: Dataset, frames: int) -> None:
    """Say which frames to average and subtract: the last ones before the contrast."""
    mask = Dataset()
    mask.MaskOperation = "AVG_SUB"
    mask.ApplicableFrameRange = [MASK_FRAMES + 1, frames]
    mask.MaskFrameNumbers = list(range(MASK_FRAMES - 5, MASK_FRAMES + 1))
    mask.MaskSubPixelShift = [0.0, 0.0]
    run.MaskSubtractionSequence = [mask]
    run.RecommendedViewingMode = "NAT"


def _uid(name: str, kind: str) -> UID:
    digest = hashlib.sha256(f"{name} {kind}".encode()).digest()
    return UID(f"{_ROOT}.{int.from_bytes(digest[:8], 'big')}")
