"""The pages of what happens when, without a script: lists that lead to the moment, and a form that loses nothing."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest

import videolib.catalogue.annotations as catalogue
from tests.visitors import Site, Visitor
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import Annotation
from videolib.catalogue.entries import Entry
from videolib.catalogue.media_time import to_ticks


@pytest.fixture
def editor(sqlite_site: Site) -> Visitor:
    return sqlite_site.visitor("editor")


@pytest.fixture
def entry(sqlite_site: Site) -> Entry:
    return sqlite_site.add_published(procedures=["proc.tace"])


def add(site: Site, entry: Entry, *many: AnnotationValues) -> list[Annotation]:
    with site.database.writing() as session:
        return catalogue.add_annotations(session, session.get_one(Entry, entry.id), many, by=None)


def rows(site: Site, entry: Entry) -> list[Annotation]:
    with site.database.reading() as session:
        return catalogue.list_annotations(session, entry.id)


def span(kind: str, start_s: float, end_s: float | None, **changes: Any) -> AnnotationValues:
    return AnnotationValues(kind, to_ticks(start_s), None if end_s is None else to_ticks(end_s), **changes)


def test_the_watch_page_lists_phases_steps_and_events_as_links_to_their_moment(sqlite_site: Site, entry: Entry) -> None:
    phase, step, event, mark = add(
        sqlite_site,
        entry,
        span("phase", 0, 3, term_id="ph.access"),
        span("step", 0.5, 2, term_id="step.tace.01", note={"zh": "右侧入路"}),
        span("event", 1.25, None, term_id="comp.spasm", severity_id="cls.cirse2"),
        span("mark", 1, 2, shape={"box": [1, 2, 3, 4]}, note={"en": "The feeding artery <b>"}),
    )

    page = sqlite_site.visitor("trainee").get(f"/entries/{entry.id}", headers={"Accept-Language": "zh"}).text

    for row in (phase, step, event, mark):
        assert f'id="annotation-{row.id}"' in page
    assert f'href="/entries/{entry.id}?t=1.25#annotation-{event.id}"' in page
    assert page.index("穿刺入路建立") < page.index("股动脉或桡动脉穿刺置鞘") < page.index("血管痉挛")
    assert "CIRSE 2" in page
    assert '<span class="chapter__note" lang="en">The feeding artery &lt;b&gt;</span>' in page


def test_the_form_offers_the_steps_of_the_procedure_in_order_and_a_step_brings_its_phase(
    sqlite_site: Site, editor: Visitor, entry: Entry
) -> None:
    place = f"/studio/entries/{entry.id}/moments"
    page = editor.get(place).text
    offered = re.findall(r'value="step:(step\.[a-z_]+\.\d+)"', page)
    assert offered == sorted(offered)
    assert offered[0] == "step.tace.01"

    answer = editor.post(place, family="segment", what="step:step.tace.01", start="0:00.5", end="2", note_zh="右侧")

    assert answer.status_code == 303, answer.text
    assert [(row.kind, row.term_id, row.start_s, row.end_s) for row in rows(sqlite_site, entry)] == [
        ("phase", "ph.access", 0.5, 2.0),
        ("step", "step.tace.01", 0.5, 2.0),
    ]
    assert {row.tool for row in rows(sqlite_site, entry)} == {"videolib studio"}


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ({"family": "event", "what": "comp.spasm", "severity": "cls.cirse1", "start": "1"}, "event"),
        ({"family": "mark", "start": "1", "end": "2", "box": "10, 20, 30，40", "note_en": "Here"}, "mark"),
        ({"family": "mark", "start": "1", "note_zh": "注意"}, "note"),
        ({"family": "deed", "what": "verb.advance", "instrument": "dev.guidewire", "start": "1"}, "action"),
    ],
)
def test_each_form_adds_its_kind(
    sqlite_site: Site, editor: Visitor, entry: Entry, sent: dict[str, str], kind: str
) -> None:
    answer = editor.post(f"/studio/entries/{entry.id}/moments", **sent)

    assert answer.status_code == 303, answer.text
    assert [row.kind for row in rows(sqlite_site, entry)] == [kind]


def test_what_is_refused_stays_in_the_fields_with_a_sentence(sqlite_site: Site, editor: Visitor, entry: Entry) -> None:
    answer = editor.post(
        f"/studio/entries/{entry.id}/moments", family="event", what="comp.spasm", start="soon", note_zh="很长的备注"
    )

    assert answer.status_code == 422
    assert "例如 1:15.5" in answer.text
    assert "很长的备注" in answer.text
    assert 'value="soon"' in answer.text
    assert rows(sqlite_site, entry) == []


def test_who_saves_second_sees_both_and_decides(sqlite_site: Site, editor: Visitor, entry: Entry) -> None:
    (row,) = add(sqlite_site, entry, span("note", 1, None, note={"zh": "原来的"}))
    place = f"/studio/entries/{entry.id}/moments/{row.id}"
    assert f'value="{row.revision}"' in editor.get(f"/studio/entries/{entry.id}/moments?edit={row.id}").text
    theirs = {"family": "mark", "start": "1", "note_zh": "他们的", "version": "1"}
    assert editor.post(place, **theirs).status_code == 303

    answer = editor.post(place, **{**theirs, "note_zh": "我的"})

    assert answer.status_code == 412
    assert "他们的" in answer.text
    assert "我的" in answer.text
    assert 'name="version" value="2"' in answer.text
    assert editor.post(place, **{**theirs, "note_zh": "我的", "version": "2"}).status_code == 303
    assert rows(sqlite_site, entry)[0].note == {"zh": "我的"}
    assert editor.post(f"{place}/delete", version="1").status_code == 412
    assert editor.post(f"{place}/delete", version="3").status_code == 303
    assert "我的" in editor.post(place, **{**theirs, "note_zh": "我的", "version": "3"}).text


def test_a_time_that_was_not_touched_keeps_its_frame(sqlite_site: Site, editor: Visitor, entry: Entry) -> None:
    exact = AnnotationValues("note", 23_543_520, 23_543_520 * 41, note={"en": "x"}, shape=None)
    (row,) = add(sqlite_site, entry, exact)
    page = editor.get(f"/studio/entries/{entry.id}/moments?edit={row.id}").text
    start, end = (re.findall(rf'name="{name}" value="([^"]+)"', page)[0] for name in ("start", "end"))

    answer = editor.post(
        f"/studio/entries/{entry.id}/moments/{row.id}", family="mark", start=start, end=end, note_en="y", version="1"
    )

    assert answer.status_code == 303
    (now,) = rows(sqlite_site, entry)
    assert (now.start_ticks, now.end_ticks, now.note) == (23_543_520, 23_543_520 * 41, {"en": "y"})


def test_captions_of_a_file_are_taken_and_say_who_made_them(sqlite_site: Site, editor: Visitor, entry: Entry) -> None:
    place = f"/studio/entries/{entry.id}/captions"
    text = "1\n00:00:01,000 --> 00:00:02,000\n微导管\n".encode("gb18030")
    file = {"file": (BytesIO(text), "字幕.srt"), "language": "zh-Hans", "source": "auto"}

    assert editor.post(place, **file).status_code == 303

    page = editor.get(f"/studio/entries/{entry.id}/moments").text
    assert "中文（自动生成，未校对）" in page
    playback = editor.get(f"/api/v1/entries/{entry.id}/playback").json
    assert playback is not None
    assert playback["captions"][0]["label"] == "中文（自动生成，未校对）"
    assert editor.post(place, language="zh-Hans").status_code == 303
    assert "字幕文件" in editor.get(f"/studio/entries/{entry.id}/moments").text
    assert editor.post(f"{place}/zh-Hans/delete").status_code == 303
    assert "未校对" not in editor.get(f"/studio/entries/{entry.id}/moments").text


def test_a_step_is_a_page_that_lists_its_cases(sqlite_site: Site, entry: Entry) -> None:
    other = sqlite_site.add_published(title={"zh": "另一病例", "en": "Another case"})
    for one in (entry, other):
        add(sqlite_site, one, span("phase", 0, 3, term_id="ph.access"), span("step", 1, 2, term_id="step.tace.01"))
    trainee = sqlite_site.visitor("trainee")

    watch = trainee.get(f"/entries/{entry.id}").text
    page = trainee.get("/steps/step.tace.01?case=2").text

    assert f"/steps/step.tace.01?back={entry.id}" in watch
    assert "第 2 例，共 2 例" in page
    assert "另一病例" in page
    assert page.count("data-playback-url") == 3  # the player and both cases
    assert "还没有病例" in trainee.get("/steps/step.evar.01").text
    assert "还没有病例" in sqlite_site.anonymous().get("/steps/step.tace.01").text
    assert trainee.get("/steps/proc.tace").status_code == 404
