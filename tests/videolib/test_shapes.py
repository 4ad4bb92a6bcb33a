"""Drawings: nothing but geometry is kept, and cleaning what is clean changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videolib.catalogue.shapes import clean_svg, sound_shape
from videolib.errors import InvalidInput

DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1280 720"><polygon points="10,20 30,40 50,20"/>'
    '<ellipse cx="1" cy="2" rx="3" ry="4"/><path d="M1 2L3 4C1 2 3 4 5 6Z"/><text x="5" y="6">肝右动脉 &lt;a&gt;</text>'
    '<line class="arrow" x1="1" y1="2" x2="3" y2="4"/></svg>'
)
HOSTILE = [
    "<svg onload=\"alert(1)\"><script>alert(1)</script><rect x='0' y='0' width='1' height='1'/></svg>",
    '<svg><a href="javascript:alert(1)"><circle r="1"/></a><circle r="2" style="fill:red" onclick="x()"/></svg>',
    '<svg xmlns:xlink="http://www.w3.org/1999/xlink"><use xlink:href="//evil/x#a"/><rect width="1"/></svg>',
    '<svg><foreignObject><p xmlns="http://www.w3.org/1999/xhtml"><img/></p></foreignObject><circle r="1"/></svg>',
    '<svg><style>*{background:url(//evil)}</style><rect width="url(#a)" height="1"/></svg>',
    '<svg><image href="//evil/x.png"/><text x="1"><tspan onclick="x()">words</tspan></text></svg>',
    '<svg><animate attributeName="href" to="javascript:x"/><set/><polygon points="1,2 3,4" class="arrow x"/></svg>',
]


def test_what_people_draw_is_kept() -> None:
    cleaned, left_out = clean_svg(DRAWING)

    assert left_out == []
    for part in ("polygon", "ellipse", "path", "肝右动脉 &lt;a&gt;", 'class="arrow"', 'viewBox="0 0 1280 720"'):
        assert part in cleaned


@pytest.mark.parametrize("text", HOSTILE)
def test_what_could_act_is_left_out_and_named(text: str) -> None:
    cleaned, left_out = clean_svg(text)

    assert left_out
    lowered = cleaned.lower()
    for part in ("script", "href", "on", "style", "url", "evil", "image", "foreign", "use", "animate", "set"):
        assert f"<{part}" not in lowered
        assert f" {part}" not in lowered.replace(" on ", " ")
    assert clean_svg(cleaned) == (cleaned, [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no svg",
        "<svg/>",
        "<svg><script/></svg>",
        "<p/>",
        '<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg><text x="1">&a;</text></svg>',
        "<svg>" + "<circle r='1'/>" * 201 + "</svg>",
        "<svg>" + " " * 70_000 + "<circle r='1'/></svg>",
        "<svg>" + "<g>" * 9000,
    ],
)
def test_what_is_no_drawing_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        clean_svg(text)


def test_a_deep_drawing_is_cut_not_followed() -> None:
    text = "<svg>" + "<g>" * 2000 + "<circle r='1'/>" + "</g>" * 2000 + "<circle r='2'/></svg>"

    cleaned, left_out = clean_svg(text)

    assert left_out == ["g"]
    assert cleaned.count("circle") == 1


def test_a_long_run_of_digits_takes_no_time() -> None:
    text = f'<svg><circle r="1"/><polygon points="{"1" * 60_000}!"/></svg>'

    assert clean_svg(text)[1] == ["polygon@points"]


@given(st.text(max_size=200), st.text(max_size=50))
def test_no_text_comes_out_as_anything_else(text: str, value: str) -> None:
    for drawing in (text, f"<svg><text x='1'>{text}</text></svg>", f"<svg><circle r='1' {value}='{text}'/></svg>"):
        try:
            cleaned, _ = clean_svg(drawing)
        except InvalidInput:
            continue
        assert clean_svg(cleaned)[0] == cleaned


@pytest.mark.parametrize("box", [[0, 0, 100, 100], [10.5, 20, 30, 40]])
def test_boxes_lie_in_the_picture(box: list[float]) -> None:
    assert sound_shape({"box": box}) == {"box": box}


@pytest.mark.parametrize(
    "box", [[0, 0, 0, 1], [90, 0, 20, 10], [-1, 0, 5, 5], [0, 0, 1], "0,0,1,1", [0, 0, float("nan"), 1], None]
)
def test_other_boxes_are_refused(box: object) -> None:
    with pytest.raises(InvalidInput):
        sound_shape({"box": box})
