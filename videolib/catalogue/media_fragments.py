"""Media fragments (`t=`, `xywh=`) and the selectors of W3C Web Annotation: where in time and picture something is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from videolib.catalogue.left_out import LeftOut
from videolib.catalogue.media_time import decimal_text, parse_clock
from videolib.catalogue.shapes import clean_svg, sound_box
from videolib.errors import InvalidInput

MEDIA_FRAGMENTS = "http://www.w3.org/TR/media-frags/"
_DEEPEST = 5


@dataclass
class Place:
    """What selectors say, gathered; `left_out` names what could not be taken."""

    start: int | None = None
    end: int | None = None
    shape: dict[str, Any] | None = None
    left_out: list[LeftOut] = field(default_factory=list)


def write_fragment(start: int, end: int | None, box: list[float] | None) -> str:
    """`t=12.5,30&xywh=percent:10,20,30,40`, as exact as the ticks."""
    time = decimal_text(start) if end is None else f"{decimal_text(start)},{decimal_text(end)}"
    return f"t={time}" + (f"&xywh=percent:{','.join(f'{part:g}' for part in box)}" if box else "")


def write_selector(start: int, end: int | None, shape: Mapping[str, Any] | None) -> dict[str, Any]:
    """The selector: a fragment, refined by the drawing where there is one."""
    box = shape.get("box") if shape else None
    selector = {
        "type": "FragmentSelector",
        "conformsTo": MEDIA_FRAGMENTS,
        "value": write_fragment(start, end, box),
    }
    if shape and "svg" in shape:
        return {**selector, "refinedBy": {"type": "SvgSelector", "value": shape["svg"]}}
    return selector


def read_target(target: Any, size: tuple[int, int] | None) -> Place:
    """Where an annotation's target lies. `size` of the picture is needed for boxes in pixels. Raises `InvalidInput`."""
    place = Place()
    if isinstance(target, list):
        place.left_out += [LeftOut("a further target")] * (len(target) - 1)
        target = target[0] if target else None
    if isinstance(target, str):
        _read_fragment(target.partition("#")[2], place, size)
    elif isinstance(target, Mapping):
        source = target.get("source", target.get("id", ""))
        address = source.get("id", "") if isinstance(source, Mapping) else source
        _read_fragment(str(address).partition("#")[2], place, size)
        _read_selectors(target.get("selector"), place, size)
    if place.start is None:
        raise InvalidInput(
            "It names no time in the recording: give a fragment such as t=12.5,30.",
            fields={"target": "Give a fragment such as t=12.5,30."},
            code="no_time",
        )
    return place


def _read_selectors(selector: Any, place: Place, size: tuple[int, int] | None, depth: int = 0) -> None:
    if isinstance(selector, list):
        for one in selector:
            _read_selectors(one, place, size, depth + 1)
        return
    if not isinstance(selector, Mapping) or depth > _DEEPEST:
        return
    kind, value = selector.get("type"), selector.get("value")
    if kind == "FragmentSelector" and isinstance(value, str):
        _read_fragment(value.lstrip("#"), place, size)
    elif kind == "SvgSelector" and isinstance(value, str):
        drawing, left_out = clean_svg(value)
        place.shape = {"svg": drawing}
        place.left_out += [LeftOut("{} of the drawing", name) for name in left_out]
    else:
        known = isinstance(kind, str)
        place.left_out.append(
            LeftOut("a selector of the type {}", str(kind)[:40]) if known else LeftOut("a selector without a type")
        )
    _read_selectors(selector.get("refinedBy"), place, size, depth + 1)


def _read_fragment(text: str, place: Place, size: tuple[int, int] | None) -> None:
    for part in text.split("&"):
        name, _, value = part.partition("=")
        if name == "t":
            _read_time(unquote(value), place)
        elif name == "xywh":
            _read_box(unquote(value), place, size)
        elif part:
            place.left_out.append(LeftOut("the dimension {}", name[:40]))


def _read_time(text: str, place: Place) -> None:
    """`12.5,30`, `npt:0:12.5,0:30`, `,30`; frames and wall clocks (smpte, clock) are not taken."""
    plain = text.removeprefix("npt:")
    begin, _, end = plain.partition(",")
    try:
        place.start = parse_clock((begin or "0").removesuffix("s"))
        place.end = parse_clock(end.removesuffix("s")) if end else None
    except ValueError as error:
        sentence = "A time is written in seconds or as a clock, for example t=12.5,30 or t=0:12.5,0:30."
        raise InvalidInput(sentence, fields={"target": sentence}, code="time_unreadable") from error
    if place.end == place.start:
        place.end = None


def _read_box(text: str, place: Place, size: tuple[int, int] | None) -> None:
    unit, colon, numbers = text.rpartition(":")
    try:
        box = [float(part) for part in numbers.split(",")]
    except ValueError:
        place.left_out.append(LeftOut("a box that cannot be read"))
        return
    if unit == "percent":
        place.shape = {"box": sound_box(box)}
    elif colon and unit != "pixel":
        place.left_out.append(LeftOut("a box in {}", unit[:20]))
    elif size is None or len(box) != 4:
        place.left_out.append(LeftOut("a box in pixels of a picture whose size is not known"))
    else:
        width, height = size
        place.shape = {
            "box": sound_box([100 * part / whole for part, whole in zip(box, (width, height) * 2, strict=True)])
        }
