"""Slips of the keyboard, and Chinese by its sound."""

from __future__ import annotations

import pytest

from search.pinyin import SoundList, Sounds, by_ear
from search.spelling import WordList, spellings

WORDS = WordList(spellings(["Embolisation", "stent", "angioplasty", "TACE", "thrombectomy", "vein", "PTA"]))
SOUNDS = Sounds([SoundList(*by_ear(["股动脉", "颈动脉", "支架", "静脉", "经脉", "冠脉", "滤器", "颈动脉支架植入"]))])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("embolizaton", "embolisation"),
        ("embolisaton", "embolisation"),
        ("stnet", "stent"),
        ("angoplasty", "angioplasty"),
        ("thrombecotmy", "thrombectomy"),
        ("taec", "TACE"),
    ],
)
def test_the_nearest_word_is_found(typed: str, meant: str):
    assert WORDS.nearest(typed) == meant


@pytest.mark.parametrize("typed", ["pat", "zzzzzz", "lead", "", "支架", "12345", "stentstentstent"])
def test_what_is_near_nothing_is_left_alone(typed: str):
    assert WORDS.nearest(typed) is None


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("gudongmai", ("股动脉",)),
        ("guanmai", ("冠脉",)),
        ("jingmai", ("静脉", "经脉")),
        ("lvqi", ("滤器",)),
        ("jingdongmaizhijia", ("颈动脉支架",)),
        ("gudong", ()),
        ("stent", ()),
        ("", ()),
        ("z" * 500, ()),
    ],
)
def test_pinyin_is_read(typed: str, words: tuple[str, ...]):
    assert SOUNDS.spelt(typed) == words


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("gdm", ("股动脉",)),
        ("zj", ("支架",)),
        ("jdmz", ("颈动脉支架植入",)),
        ("gudongm", ("股动脉",)),
        ("x", ()),
        ("qqqq", ()),
    ],
)
def test_initials_and_beginnings_are_read(typed: str, words: tuple[str, ...]):
    assert SOUNDS.begun(typed) == words


def test_both_readings_of_a_character_are_understood():
    sounds = Sounds([SoundList(*by_ear(["肺栓塞"]))])

    assert sounds.spelt("feishuansai") == sounds.spelt("feishuanse") == ("肺栓塞",)


def test_characters_of_the_same_sound_are_mended():
    assert SOUNDS.same_sound("支驾") == ("支架",)
    assert SOUNDS.same_sound("支架") == ()
