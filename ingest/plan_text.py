"""Plans as JSON and back: what one worker decided, for those who make the chunks on other hosts.

Knows frozen dataclasses of numbers, text, fractions, tuples and each other, and nothing else.
"""

from __future__ import annotations

import dataclasses
import math
import types
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

_T = TypeVar("_T")


def to_json(value: Any) -> Any:
    """Return a value as what JSON can hold; an endless number becomes null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return None
    return value


def from_json(kind: type[_T], content: Any) -> _T:
    """Return the dataclass that `to_json` was given."""
    made: _T = _read(kind, content)
    return made


def _read(kind: Any, content: Any) -> Any:
    if dataclasses.is_dataclass(kind):
        hints = _hints(kind)  # type: ignore[arg-type]
        return kind(**{name: _read(hints[name], item) for name, item in content.items()})  # type: ignore[operator]
    if kind is Fraction:
        return Fraction(content)
    if kind is float:
        return math.inf if content is None else float(content)
    if get_origin(kind) is tuple:
        items = get_args(kind)
        kinds = [items[0]] * len(content) if items[-1] is Ellipsis else items
        return tuple(_read(one, item) for one, item in zip(kinds, content, strict=True))
    if get_origin(kind) in {Union, types.UnionType} and content is not None:
        return _read(next(one for one in get_args(kind) if one is not type(None)), content)
    return content


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
