"""The API of annotations: W3C in and out, one writer at a time, and nothing for those who may not see the entry."""

from __future__ import annotations

from typing import Any

import pytest

from tests.visitors import Site, Visitor
from videolib.catalogue.entries import Entry

NOTE: dict[str, Any] = {
    "type": "Annotation",
    "kind": "note",
    "body": {"type": "TextualBody", "value": "看这里", "language": "zh"},
    "target": "urn:x#t=1,2.5",
}
PHASE: dict[str, Any] = {
    "type": "Annotation",
    "body": {"type": "SpecificResource", "source": "urn:videolib:term:ph.access"},
    "target": "urn:x#t=0,3",
}


@pytest.fixture
def editor(site: Site) -> Visitor:
    return site.visitor("editor")


@pytest.fixture
def entry(site: Site) -> Entry:
    return site.add_published()


def path_of(entry: Entry) -> str:
    return f"/api/v1/entries/{entry.id}/annotations"


def test_an_annotation_is_added_read_changed_and_deleted(site: Site, editor: Visitor, entry: Entry) -> None:
    made = editor.send("POST", path_of(entry), NOTE)
    assert made.status_code == 201, made.text
    assert made.headers["Content-Type"].startswith("application/ld+json")
    place = made.headers["Location"]

    shown = editor.get(place)
    assert shown.headers["ETag"] == '"1"'
    assert shown.json is not None
    assert shown.json["target"]["selector"]["value"] == "t=1,2.5"
    assert shown.json["target"]["source"].endswith(f"/entries/{entry.id}")

    changed = editor.send("PATCH", place, {"target": "urn:x#t=2"}, If_Match='"1"')
    assert changed.status_code == 200, changed.text
    assert changed.json is not None
    assert (changed.json["target"]["selector"]["value"], changed.headers["ETag"]) == ("t=2", '"2"')
    assert changed.json["body"][0]["value"] == "看这里"

    assert editor.send("DELETE", place, If_Match='"2"').status_code == 204
    assert editor.get(place).status_code == 404


def test_of_two_writers_the_second_gets_both_values_and_loses_nothing(
    site: Site, editor: Visitor, entry: Entry
) -> None:
    place = editor.send("POST", path_of(entry), NOTE).headers["Location"]
    theirs = {"body": {"type": "TextualBody", "value": "theirs", "language": "en"}}
    mine = {"body": {"type": "TextualBody", "value": "mine", "language": "en"}}
    assert editor.send("PATCH", place, theirs, If_Match='"1"').status_code == 200

    answer = site.visitor("admin").send("PATCH", place, mine, If_Match='"1"')

    assert answer.status_code == 412
    assert answer.json is not None
    assert answer.json["code"] == "stale"
    assert answer.json["current"]["body"][0]["value"] == "theirs"
    assert answer.json["current"]["revision"] == 2
    assert answer.json["yours"] == mine
    assert editor.send("DELETE", place, If_Match='"2"').status_code == 204
    gone = editor.send("PATCH", place, mine, If_Match='"2"')
    assert (gone.status_code, gone.json and gone.json["current"]) == (412, None)


def test_all_of_them_are_one_annotation_page_and_come_into_another_entry(
    site: Site, editor: Visitor, entry: Entry
) -> None:
    for one in (PHASE, NOTE):
        assert editor.send("POST", path_of(entry), one).status_code == 201
    page = editor.get(path_of(entry)).json
    assert page is not None
    assert (page["type"], page["partOf"]["total"], page["next_cursor"]) == ("AnnotationPage", 2, None)
    other = site.add_published()

    answer = editor.send("POST", path_of(other), {**page, "items": [*page["items"], {"type": "Annotation"}]})

    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    assert answer.json["taken"] == 2
    assert "t=12.5,30" in answer.json["items"][2]["reason"]
    assert len(editor.get(path_of(other)).json["items"]) == 2  # type: ignore[index]


def test_a_rule_that_is_broken_is_said_in_the_callers_language(site: Site, editor: Visitor, entry: Entry) -> None:
    assert editor.send("POST", path_of(entry), PHASE).status_code == 201

    answer = editor.send("POST", path_of(entry), PHASE, Accept_Language="zh")

    assert answer.status_code == 422
    assert answer.json is not None
    assert (answer.json["code"], answer.json["detail"]) == ("overlap", "阶段不可重叠：此阶段与另一阶段重叠。")


def test_drawings_are_kept_without_what_could_act(site: Site, editor: Visitor, entry: Entry) -> None:
    svg = "<svg onload='x()' viewBox='0 0 9 9'><script>x()</script><circle cx='1' cy='1' r='1' onclick='x()'/></svg>"
    selector = {"type": "FragmentSelector", "value": "t=1,2", "refinedBy": {"type": "SvgSelector", "value": svg}}

    answer = editor.send("POST", path_of(entry), {"type": "Annotation", "target": {"selector": selector}})

    assert answer.status_code == 201, answer.text
    assert answer.json is not None
    assert "script" not in answer.json["target"]["selector"]["refinedBy"]["value"]
    assert "onclick" not in answer.text.replace("@onclick", "")
    assert "图形中的 script" in answer.json["left_out"]


def test_the_second_reading_is_for_editors_only(site: Site, editor: Visitor, entry: Entry) -> None:
    made = editor.send("POST", path_of(entry), {**NOTE, "layer": "second"})
    assert made.status_code == 201, made.text

    trainee = site.visitor("trainee")
    assert trainee.get(f"{path_of(entry)}?layer=second").json["items"] == []  # type: ignore[index]
    assert trainee.get(made.headers["Location"]).status_code == 404
    assert len(editor.get(f"{path_of(entry)}?layer=second").json["items"]) == 1  # type: ignore[index]


def test_chapters_come_as_webvtt_and_with_playback_in_both_languages(site: Site, editor: Visitor, entry: Entry) -> None:
    assert editor.send("POST", path_of(entry), PHASE).status_code == 201
    trainee = site.visitor("trainee")

    zh, en = (trainee.get(f"/api/v1/entries/{entry.id}/chapters.vtt?lang={lang}") for lang in ("zh", "en"))

    assert zh.mimetype == "text/vtt"
    assert zh.text == "WEBVTT\n\n00:00:00.000 --> 00:00:03.000\n穿刺入路建立\n"
    assert "Vascular / percutaneous access" in en.text
    playback = trainee.get(f"/api/v1/entries/{entry.id}/playback", headers={"Accept-Language": "en"}).json
    assert playback is not None
    assert [(one["start_s"], one["end_s"]) for one in playback["chapters"]] == [(0.0, 3.0)]


def test_hostile_annotations_are_refused_and_never_break_the_service(site: Site, editor: Visitor, entry: Entry) -> None:
    deep: Any = "x"
    for _ in range(30):
        deep = {"type": "FragmentSelector", "value": "t=1", "refinedBy": deep}
    hostile: list[Any] = [
        {"type": "Annotation", "target": {"selector": deep}},
        {"type": "Annotation", "target": {"selector": [[[[]]]]}},
        {"type": ["Annotation"], "target": "x#t=1", "body": [[[["x"]]]], "confidence": True},
        {"type": "Annotation", "target": "x#t=" + "9" * 10_000},
        {"type": "Annotation", "target": "x#t=1&xywh=1,2,3,4,5"},
        {"type": "Annotation", "target": "x#t=1&xywh=percent:nan,2,3,4"},
        {"type": "Annotation", "target": "x#t=1", "kind": {"a": 1}},
        {"type": "Annotation", "target": "x#t=1", "body": {"source": {"id": 3}}},
        {"type": "Annotation", "target": "x#t=1", "body": {"source": "urn:videolib:term:" + "x" * 5000}},
        {"type": "AnnotationPage", "items": [1, None, "x", {}]},
        {"type": "AnnotationPage", "items": [NOTE] * 1001},
    ]
    for sent in hostile:
        assert editor.send("POST", path_of(entry), sent).status_code in {200, 201, 422}, sent


def test_more_like_this_and_the_step_in_other_cases_are_in_the_api(site: Site, editor: Visitor, entry: Entry) -> None:
    other = site.add_published()
    step = {**PHASE, "body": {"type": "SpecificResource", "source": "urn:videolib:term:step.tace.01"}}
    for one in (entry, other):
        for sent in (PHASE, step):
            assert editor.send("POST", path_of(one), sent).status_code == 201
    trainee = site.visitor("trainee")

    related = trainee.get(f"/api/v1/entries/{entry.id}/related").json
    cases = trainee.get(f"/api/v1/steps/step.tace.01/cases?without={entry.id}").json

    assert related is not None
    assert cases is not None
    assert [item["entry_id"] for item in related["items"]] == [other.id]
    assert "step.tace.01" in {term["term"] for term in related["items"][0]["shared"]}
    assert [(item["entry_id"], item["start_s"]) for item in cases["items"]] == [(other.id, 0.0)]
    assert f"#annotation-{cases['items'][0]['annotation_id']}" in cases["items"][0]["url"]
