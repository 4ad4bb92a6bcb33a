"""Drawings on the picture: boxes in percent and SVG by an allow-list, so that nothing but geometry is kept.

Coordinates of an SVG are those of its viewBox, which lies over the whole picture.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from videolib.errors import InvalidInput

LARGEST_SVG = 64 * 1024
MOST_ELEMENTS = 200
SVG = "http://www.w3.org/2000/svg"
# element -> the attributes that it keeps; all are geometry
ELEMENTS: Mapping[str, frozenset[str]] = {
    "svg": frozenset({"viewBox"}),
    "g": frozenset(),
    "rect": frozenset({"x", "y", "width", "height", "rx", "ry"}),
    "circle": frozenset({"cx", "cy", "r"}),
    "ellipse": frozenset({"cx", "cy", "rx", "ry"}),
    "line": frozenset({"x1", "y1", "x2", "y2"}),
    "polyline": frozenset({"points"}),
    "polygon": frozenset({"points"}),
    "path": frozenset({"d"}),
    "text": frozenset({"x", "y"}),
}
DRAWN = frozenset(ELEMENTS) - {"svg", "g"}
# what the page draws with an arrow's head: a class of ours on a line, and no other class
ARROW = "arrow"
DEEPEST = 20
_NUMBER = re.compile(r"[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})(?:e[+-]?\d{1,2})?%?")
_PATH = re.compile(r"[MmLlHhVvCcSsQqTtAaZz\d\s,.+\-eE]+")
_LONGEST_TEXT = 200


def sound_shape(shape: Mapping[str, Any]) -> dict[str, Any]:
    """That shape as it may be kept. Raises `InvalidInput`."""
    if set(shape) == {"box"}:
        return {"box": sound_box(shape["box"])}
    if set(shape) == {"svg"} and isinstance(shape["svg"], str):
        return {"svg": clean_svg(shape["svg"])[0]}
    raise _refused("A drawing is a box in percent or an SVG.")


def sound_box(box: Any) -> list[float]:
    """x, y, width and height in percent of the picture. Raises `InvalidInput`."""
    is_four = isinstance(box, list | tuple) and len(box) == 4
    if not is_four or not all(isinstance(part, int | float) and math.isfinite(part) for part in box):
        raise _refused("A box is four numbers: x, y, width and height in percent.")
    x, y, width, height = (round(float(part), 4) for part in box)
    if x < 0 or y < 0 or width <= 0 or height <= 0 or x + width > 100.001 or y + height > 100.001:
        raise _refused("A box lies inside the picture: x, y, width and height in percent.")
    return [x, y, width, height]


def clean_svg(text: str) -> tuple[str, list[str]]:
    """The drawing with nothing but allowed geometry, and what was left out. Raises `InvalidInput` where none is left.

    Cleaning what is clean changes nothing.
    """
    if len(text) > LARGEST_SVG:
        raise _refused("The drawing is larger than 64 KiB.", "drawing_too_large")
    if "<!" in text or "<?" in text.removeprefix("<?xml"):
        # no document type, so no entities: they are how a small file becomes a large one
        raise _refused("The drawing holds more than a drawing.")
    try:
        root = ET.fromstring(text.strip())  # noqa: S314 - no document type can be in it
    except (ET.ParseError, ValueError) as error:
        raise _refused("The drawing is not SVG.") from error
    if _local(root.tag) != "svg":
        raise _refused("The drawing is not SVG.")
    left_out: list[str] = []
    cleaned = _clean(root, left_out)
    drawn = sum(1 for element in cleaned.iter() if element.tag in DRAWN)
    if drawn == 0:
        raise _refused("Nothing that can be kept is left of the drawing.")
    if drawn > MOST_ELEMENTS:
        raise _refused("The drawing has more than 200 parts.", "drawing_too_large")
    cleaned.set("xmlns", SVG)
    return ET.tostring(cleaned, encoding="unicode"), sorted(set(left_out))


def _clean(element: ET.Element, left_out: list[str], depth: int = 0) -> ET.Element:
    tag = _local(element.tag)
    kept = ET.Element(tag)
    for name in sorted(element.attrib):
        plain, value = _local(name), element.attrib[name].strip()
        if name in ELEMENTS[tag] and _is_geometry(name, value):
            kept.set(name, " ".join(re.split(r"[\s,]+", value)) if name != "d" else value)
        elif (tag, name, value) == ("line", "class", ARROW):
            kept.set("class", ARROW)
        else:
            left_out.append(f"{tag}@{plain}")
    if tag == "text":
        kept.text = " ".join("".join(element.itertext()).split())[:_LONGEST_TEXT]
        return kept
    for child in element:
        name = _local(child.tag)
        if name in ELEMENTS and name != "svg" and depth < DEEPEST:
            kept.append(_clean(child, left_out, depth + 1))
        else:
            left_out.append(name)
    return kept


def _is_geometry(name: str, value: str) -> bool:
    if name == "d":
        return bool(_PATH.fullmatch(value))
    return all(_NUMBER.fullmatch(part) for part in re.split(r"[\s,]+", value))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _refused(sentence: str, code: str = "drawing_invalid") -> InvalidInput:
    return InvalidInput(sentence, fields={"shape": sentence}, code=code)
