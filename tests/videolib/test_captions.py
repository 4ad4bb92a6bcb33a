"""Captions: whatever comes in, only text and times go out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.libraries import add_entry
from videolib.catalogue import captions
from videolib.catalogue.entries import Entry
from videolib.cues import MAX_BYTES, Cue, read_cues, sound_cues, write_subtitles, write_vtt
from videolib.db import Database
from videolib.errors import InvalidInput

TWO = (
    "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n微导管\n\n00:03.000 --> 00:04.000 align:start\n<v Dr X>and <b>bold</b>\n"
)


def test_times_and_text_are_read_and_tags_and_settings_are_not() -> None:
    assert read_cues(TWO) == [Cue(1.0, 2.5, "微导管"), Cue(3.0, 4.0, "and bold")]


def test_what_is_written_reads_back_the_same() -> None:
    cues = [Cue(0.0, 1.001, "a < b & c"), Cue(3600.5, 3601.0, "第二行\n第三行")]

    assert read_cues(write_vtt(cues)) == cues


def test_the_hostile_file_comes_out_harmless_or_not_at_all(shared: Path) -> None:
    written = write_vtt(read_cues((shared / "testdata" / "hostile" / "subtitles_xss.vtt").read_bytes()))
    lowered = written.lower()
    assert "<" not in written.replace("-->", "")
    assert "url(" not in lowered.replace("&lt;", "")
    for cue in read_cues(written):
        assert 0 <= cue.start_s < cue.end_s


@pytest.mark.parametrize(
    "text",
    ["", "no header", "WEBVTT", "WEBVTT\n\nnot a time\ntext", "\x00\x01", "WEBVTT\n\n00:05.000 --> 00:01.000\nback"],
)
def test_what_is_no_caption_file_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"caption"):
        read_cues(text)


SRT = (
    "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>微导管</i>到位\r\n\r\n"
    "2\r\n00:00:03,000 --> 00:00:04,000\r\n第二行\r\n第三行\r\n"
)
ASS = (
    "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: Default,Arial,20\n\n"
    "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,第二行\\N第三行\n"
    "Dialogue: 0,0:00:01.00,0:00:02.50,Default,张三,0,0,0,,{\\i1\\pos(10,20)}微导管{\\i0}到位\n"
    "Comment: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,note to self\n"
    "Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,{\\p1}m 0 0 l 10 10{\\p0}\n"
)


@pytest.mark.parametrize("file", [SRT, ASS], ids=["srt", "ass"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
def test_subrip_and_ass_are_read_in_every_encoding_that_editors_use(file: str, encoding: str) -> None:
    assert read_cues(file.encode(encoding)) == [Cue(1.0, 2.5, "微导管到位"), Cue(3.0, 4.0, "第二行\n第三行")]


def test_western_text_is_not_taken_for_chinese() -> None:
    (cue,) = read_cues("1\n00:00:01,000 --> 00:00:02,000\nL'artère hépatique, côté gauche\n".encode("cp1252"))

    assert cue.text == "L'artère hépatique, côté gauche"


def test_too_large_a_file_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidInput, match="2 MiB"):
        read_cues("WEBVTT\n\n" + "x" * MAX_BYTES)


@given(st.text(max_size=400))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        cues = read_cues("WEBVTT\n\n00:00.000 --> 00:01.000\n" + text)
    except InvalidInput:
        return
    assert "<" not in write_vtt(cues).replace("-->", "")


def test_captions_given_again_replace_those_of_the_same_language(database: Database) -> None:
    entry = add_entry(database)
    for text in (TWO, TWO.replace("微导管", "导丝")):
        with database.writing() as session:
            captions.add_captions(session, session.get_one(Entry, entry.id), "zh", text, by=None)

    with database.reading() as session:
        (track,) = captions.list_tracks(session, entry.id)
        assert captions.cues_of(track)[0].text == "导丝"
        assert track.language == "zh-Hans"


def test_a_language_we_do_not_have_is_refused(database: Database) -> None:
    entry = add_entry(database)

    with pytest.raises(InvalidInput, match="zh-Hans or en"), database.writing() as session:
        captions.add_captions(session, session.get_one(Entry, entry.id), "fr", TWO, by=None)


@pytest.mark.parametrize("kind", ["srt", "ass"])
def test_what_goes_out_for_other_programs_reads_back_the_same(kind: str) -> None:
    cues = [Cue(1, 2.5, "微导管\n第二行"), Cue(3, 4.25, "a < b & c")]

    assert read_cues(write_subtitles(cues, kind)) == cues


@given(st.text(max_size=200))
def test_what_is_typed_is_kept_as_text_and_survives_a_file(text: str) -> None:
    kept = sound_cues([Cue(1, 2, text), Cue(3, 4, "x")])

    assert read_cues(write_vtt(kept)) == kept
    assert sound_cues(kept) == kept


@pytest.mark.parametrize(("start_s", "end_s"), [(2, 1), (1, 1), (-1, 1), (1, 2_000_000)])
def test_a_caption_that_cannot_be_is_refused(start_s: float, end_s: float) -> None:
    with pytest.raises(InvalidInput, match="after it begins"):
        sound_cues([Cue(start_s, end_s, "x")])


def test_a_track_that_somebody_else_changed_is_not_written_over(database: Database) -> None:
    entry = add_entry(database)
    nothing = captions.digest_of_cues([])
    with database.writing() as session:
        row = session.get_one(Entry, entry.id)
        kept = captions.edit_cues(session, row, "en", [Cue(1, 2, "one")], digest=nothing, by=None)

    with pytest.raises(captions.StaleCaptions) as stale, database.writing() as session:
        captions.edit_cues(session, session.get_one(Entry, entry.id), "en", [Cue(1, 2, "two")], digest=nothing, by=None)

    assert stale.value.current == kept
    with database.writing() as session:
        digest = captions.digest_of_cues(kept)
        captions.edit_cues(session, session.get_one(Entry, entry.id), "en", [], digest=digest, by=None)
    with database.reading() as session:
        assert captions.list_tracks(session, entry.id) == []


def vtt_of(*lines: str) -> str:
    return "WEBVTT\n\n" + "".join(
        f"00:{number:02}.000 --> 00:{number:02}.900\n{line}\n\n" for number, line in enumerate(lines)
    )


def test_a_patients_number_is_never_taken_and_a_name_once_confirmed(database: Database) -> None:
    entry = add_entry(database)

    def take(text: str, **told: bool) -> None:
        with database.writing() as session:
            captions.add_captions(session, session.get_one(Entry, entry.id), "zh", text, by=None, **told)

    for number in ("住院号：12345678", "MRN 00772319", "13912345678"):
        with pytest.raises(InvalidInput) as refused:
            take(vtt_of("微导管", number), is_confirmed=True)
        assert (refused.value.code, refused.value.fields["at"]) == ("captions_identify", "0:01")
        assert number not in str(vars(refused.value))
    named = vtt_of("患者：王伟", "微导管通过病变")
    with pytest.raises(InvalidInput):
        take(named)

    take(named, is_confirmed=True)
    take(named + "00:05.000 --> 00:06.000\n支架释放\n")  # what was confirmed once is not asked about again
    take(vtt_of("2 cm 的病变，6F 鞘", "左侧股浅动脉，支架 7×100 mm"))
