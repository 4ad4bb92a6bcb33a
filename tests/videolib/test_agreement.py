"""Two annotators of one recording: what they agree on is measured, for editors, and viewers never see the second."""

from __future__ import annotations

import pytest

from tests.visitors import Site
from videolib.catalogue.agreement import Stretch, measure
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import add_annotations, list_annotations
from videolib.catalogue.entries import Entry
from videolib.catalogue.media_time import to_ticks

FIRST = [Stretch("ph.access", 0.0, 10.0), Stretch("ph.therapy", 10.0, 30.0)]


def test_the_same_reading_agrees_in_full() -> None:
    agreement = measure(FIRST, FIRST)

    assert (agreement.iou, agreement.boundary_f1) == (1.0, 1.0)
    assert [term.iou for term in agreement.terms] == [1.0, 1.0]


def test_overlap_is_weighted_by_length_and_boundaries_count_once() -> None:
    second = [Stretch("ph.access", 0.0, 15.0), Stretch("ph.therapy", 15.0, 30.0)]

    agreement = measure(FIRST, second, tolerance_s=1.0)

    access, therapy = agreement.terms
    assert (access.iou, therapy.iou) == (round(10 / 15, 4), 0.75)
    assert agreement.iou == pytest.approx((access.iou * 25 + therapy.iou * 35) / 60, abs=1e-4)
    assert agreement.boundary_f1 == 0.5  # the outer two of four on either side
    assert measure(FIRST, second, tolerance_s=5.0).boundary_f1 == 1.0


def test_two_near_boundaries_find_only_one() -> None:
    second = [Stretch("ph.access", 0.0, 9.5), Stretch("ph.access", 9.6, 10.0)]

    agreement = measure(FIRST[:1], second, tolerance_s=1.0)

    assert agreement.boundary_f1 == pytest.approx(2 * 2 / 6, abs=1e-4)


@pytest.mark.parametrize(
    ("first", "second", "iou"), [([], [], 1.0), (FIRST, [], 0.0), ([], FIRST, 0.0), (FIRST[:1], FIRST[1:], 0.0)]
)
def test_nothing_in_common_is_nothing(first: list[Stretch], second: list[Stretch], iou: float) -> None:
    assert measure(first, second).iou == iou


def test_a_second_reading_is_made_unseen_and_measured(site: Site) -> None:
    entry, editor = site.add_published(), site.visitor("editor")
    with site.database.writing() as session:
        values = AnnotationValues("phase", 0, to_ticks(2), term_id="ph.access", note={"en": "Only in the first"})
        add_annotations(session, session.get_one(Entry, entry.id), [values], by=None)
    page = f"/studio/entries/{entry.id}/moments"
    api = f"/api/v1/entries/{entry.id}/agreement"
    assert editor.get(api).json == {"tolerance_s": 2.0, "items": []}
    assert "Only in the first" not in editor.get(f"{page}?layer=second").text

    form = {"family": "segment", "what": "phase:ph.access", "start": "0", "end": "4", "layer": "second"}
    answer = editor.post(page, **form)

    assert answer.headers["Location"].endswith("?layer=second")
    with site.database.reading() as session:
        assert [row.end_s for row in list_annotations(session, entry.id, layer="second")] == [4.0]
        assert len(list_annotations(session, entry.id)) == 1
    (level,) = (editor.get(api).json or {})["items"]
    assert (level["kind"], level["iou"], level["boundary_f1"]) == ("phase", 0.5, 1.0)
    assert 'id="agreement"' in editor.get(page).text
    assert 'id="agreement"' not in editor.get(f"{page}?layer=second").text
    assert "0:04" not in site.visitor("trainee").get(f"/entries/{entry.id}").text.partition('id="outline"')[2]
