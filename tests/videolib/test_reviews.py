"""Peer review: nobody reviews their own work, an approval holds for what was looked at, comments have their time."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.libraries import COMPLETE_CASE
from tests.visitors import Site, Visitor
from videolib.catalogue import publishing, reviews
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import add_annotations
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.gate import find_missing
from videolib.catalogue.media_time import to_ticks
from videolib.catalogue.reviews import ITEMS, list_reviews
from videolib.catalogue.term_changes import merge_terms
from videolib.catalogue.vocabulary import Term
from videolib.errors import InvalidInput

FULL_MARKS = dict.fromkeys(ITEMS, "2")


def add_case(site: Site, **changes: Any) -> Entry:
    """A case that lacks nothing but its review, sent to review by its maker."""
    maker = site.add_person("editor", email="maker@hospital.example")
    entry = site.add_watchable(by=maker, **{**COMPLETE_CASE, **changes})
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        row.created_by_id = maker.id
        phases = [("ph.access", 0.0, 1.0), ("ph.therapy", 1.0, 2.5), ("ph.closure", 2.5, 4.0)]
        values = [
            AnnotationValues(kind="phase", start_ticks=to_ticks(start), end_ticks=to_ticks(end), term_id=term)
            for term, start, end in phases
        ]
        add_annotations(session, row, values, by=maker)
        assert set(find_missing(session, row)) == {"review"}
        publishing.move_entry(session, row, "submit", by=maker)
    return entry


def digest_on(page: str) -> str:
    found = re.search(r'name="digest" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def review(visitor: Visitor, entry: Entry, **fields: str) -> Any:
    """Take the review, look at the page, and send the points."""
    path = f"/studio/entries/{entry.id}/review"
    visitor.post(f"{path}/take")
    return visitor.post(path, digest=digest_on(visitor.get(path).text), **{**FULL_MARKS, **fields})


def row_of(site: Site, entry: Entry) -> Entry:
    with site.database.reading() as session:
        return session.get_one(Entry, entry.id)


def test_a_colleague_approves_and_then_it_can_be_published(site: Site) -> None:
    entry = add_case(site)
    reviewer = site.visitor("editor")
    publish = f"/studio/entries/{entry.id}/publish"
    assert reviewer.post(publish).status_code == 409

    assert review(reviewer, entry, decision="approve").status_code == 303

    assert row_of(site, entry).status == "approved"
    assert reviewer.post(publish, reason="Reviewed.").status_code == 303
    with site.database.reading() as session:
        (done,) = list_reviews(session, entry.id)
        assert (done.reviewer_name, done.total, done.decision) == ("editor", 18, "approved")
    assert row_of(site, entry).status == "published"


def test_a_later_change_of_content_voids_the_approval_and_a_change_of_audience_does_not(site: Site) -> None:
    entry = add_case(site)
    review(site.visitor("editor"), entry, decision="approve")
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        publishing.change_entry(session, row, parse_values({"keywords": ["liver"]}), revision=None, by=None)
        assert "review" not in find_missing(session, row)

        publishing.change_entry(
            session, row, parse_values({"summary": {"en": "Another story."}}), revision=None, by=None
        )

        assert "review" in find_missing(session, row)
        assert row.status == "draft"


def test_a_published_case_is_not_changed_past_its_review(site: Site) -> None:
    entry = add_case(site)
    reviewer = site.visitor("editor")
    review(reviewer, entry, decision="approve")
    reviewer.post(f"/studio/entries/{entry.id}/publish")

    with pytest.raises(InvalidInput) as caught, site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        publishing.change_entry(session, row, parse_values({"summary": {"en": "Another."}}), revision=None, by=None)

    assert set(caught.value.fields) == {"review"}


@pytest.mark.parametrize("part", ["author", "contributor"])
def test_who_made_it_or_appears_in_it_does_not_review_it(sqlite_site: Site, part: str) -> None:
    contributors = [{"name": "maker@hospital.example" if part == "author" else "second@hospital.example"}]
    entry = add_case(sqlite_site, contributors=contributors)
    email = "maker@hospital.example" if part == "author" else "second@hospital.example"
    own = sqlite_site.visitor("editor", email=email)

    assert own.post(f"/studio/entries/{entry.id}/review/take").status_code == 403
    assert 'name="digest"' not in own.get(f"/studio/entries/{entry.id}/review").text


def test_too_few_points_or_too_few_items_do_not_approve(sqlite_site: Site) -> None:
    entry = add_case(sqlite_site)
    reviewer = sqlite_site.visitor("editor")

    few = review(reviewer, entry, decision="approve", **dict.fromkeys(ITEMS, "1"))
    half = review(reviewer, entry, decision="approve", **{"rev.lv9": ""})
    wild = review(reviewer, entry, **{"rev.lv9": "7"})

    assert (few.status_code, half.status_code, wild.status_code) == (422, 422, 422)
    assert row_of(sqlite_site, entry).status == "in_review"


def test_asking_for_changes_says_which(sqlite_site: Site) -> None:
    entry = add_case(sqlite_site)
    reviewer = sqlite_site.visitor("editor")
    assert review(reviewer, entry, decision="request_changes", summary=" ").status_code == 422

    assert review(reviewer, entry, decision="request_changes", summary="Name the vessels.").status_code == 303

    assert row_of(sqlite_site, entry).status == "changes_requested"
    assert "Name the vessels." in sqlite_site.visitor("admin").get(f"/studio/entries/{entry.id}/review").text


def test_what_changed_while_the_page_was_open_is_looked_at_before_deciding(sqlite_site: Site) -> None:
    entry = add_case(sqlite_site)
    reviewer = sqlite_site.visitor("editor")
    path = f"/studio/entries/{entry.id}/review"
    review(reviewer, entry)
    seen = digest_on(reviewer.get(path).text)
    with sqlite_site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        publishing.change_entry(session, row, parse_values({"summary": {"en": "Changed."}}), revision=None, by=None)

    late = reviewer.post(path, digest=seen, decision="approve", **FULL_MARKS)

    assert late.status_code == 409
    assert "Changed." in late.text.partition('id="since"')[2].partition("</section>")[0]
    reviewer.post(f"{path}/seen")
    assert "Changed." not in reviewer.get(path).text.partition('id="since"')[2].partition("</section>")[0]


def test_comments_stand_at_their_time_and_are_dealt_with(site: Site) -> None:
    entry = add_case(site)
    reviewer, maker = site.visitor("editor"), site.visitor("editor", email="maker@hospital.example")
    path = f"/studio/entries/{entry.id}/review"

    assert reviewer.post(f"{path}/comments", text="Which vessel is this?", at="0:01.5").status_code == 303
    assert reviewer.post(f"{path}/comments", text=" ").status_code == 422
    assert reviewer.post(f"{path}/comments", text="x", at="soon").status_code == 422

    page = maker.get(path).text
    assert f"/entries/{entry.id}?t=1.5" in page
    with site.database.reading() as session:
        (comment,) = reviews.list_comments(session, entry.id)
    assert maker.post(f"{path}/comments/{comment.id}").status_code == 303
    assert "comment--done" in maker.get(path).text
    assert maker.post(f"{path}/comments/{comment.id + 1}").status_code == 404


def test_a_named_instructor_sees_the_case_and_others_do_not(site: Site) -> None:
    entry = add_case(site)
    instructor = site.add_person("instructor")
    with site.database.writing() as session:
        reviews.name_reviewer(session, session.get_one(Entry, entry.id), instructor, by=None)

    named, other = site.visitor("instructor"), site.visitor("instructor", email="other@hospital.example")
    assert entry.id in named.get("/studio/reviews").text
    assert entry.id not in other.get("/studio/reviews").text
    assert other.get(f"/studio/entries/{entry.id}/review").status_code == 404
    assert other.get(f"/entries/{entry.id}").status_code == 404
    assert "/media/" in named.get(f"/entries/{entry.id}").text
    path = f"/studio/entries/{entry.id}/review"
    digest = digest_on(named.get(path).text)
    assert named.post(path, digest=digest, decision="approve", **FULL_MARKS).status_code == 303
    assert row_of(site, entry).status == "approved"
    assert named.post(f"/studio/entries/{entry.id}/publish").status_code == 403


def test_the_queue_shows_first_what_asks_for_me(sqlite_site: Site) -> None:
    me, other = sqlite_site.add_person("editor"), sqlite_site.add_person("admin")
    free, mine, taken = add_case(sqlite_site), add_case(sqlite_site), add_case(sqlite_site)
    with sqlite_site.database.writing() as session:
        reviews.name_reviewer(session, session.get_one(Entry, mine.id), me, by=None)
        reviews.name_reviewer(session, session.get_one(Entry, taken.id), other, by=None)

    with sqlite_site.database.reading() as session:
        assert [row.id for row in reviews.list_queue(session, by=me)[0]] == [mine.id, free.id, taken.id]


def test_a_merge_of_terms_keeps_what_was_approved(site: Site) -> None:
    entry, admin = add_case(site), site.add_person("admin")
    review(site.visitor("editor"), entry, decision="approve")
    with site.database.writing() as session:
        term, into = session.get_one(Term, "anat.liver"), session.get_one(Term, "anat.kidney")
        phase, other = session.get_one(Term, "ph.access"), session.get_one(Term, "ph.planning")
        merge_terms(session, term, into, by=admin)
        merge_terms(session, phase, other, by=admin)

        row = session.get_one(Entry, entry.id)
        assert [term.id for term in row.terms_of("anatomy")] == ["anat.kidney"]
        assert "review" not in find_missing(session, row)

        publishing.change_entry(session, row, parse_values({"anatomy": ["anat.pancreas"]}), revision=None, by=None)
        assert "review" in find_missing(session, row)
