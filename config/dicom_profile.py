"""The attributes of DICOM that may identify a patient, and what the basic confidentiality profile does with each."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Attribute:
    """An attribute's standard name, and the profile's action: X, Z, D, U or a combination (PS3.15 table E.1-1)."""

    name: str
    action: str


def _read() -> dict[str, Attribute]:
    lines = files("config").joinpath("dicom_profile.txt").read_text(encoding="utf-8").splitlines()
    rows = (line.split(" ", 2) for line in lines if line and not line.startswith("#"))
    return {tag: Attribute(name, action) for tag, action, name in rows}


# by group and element as eight hexadecimal digits
PROFILE = _read()
