"""What people do to terms, and what is offered while they type."""

from __future__ import annotations

from typing import Any

import pytest

from tests.libraries import add_entry, add_person, add_recording
from videolib.catalogue import audit, publishing, vocabulary
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import Annotation, add_annotations
from videolib.catalogue.entries import Entry, update_entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.indexing import read_vocabulary
from videolib.catalogue.library import current_sequence
from videolib.catalogue.media_time import to_ticks
from videolib.catalogue.people import User
from videolib.catalogue.term_changes import (
    accept_term,
    change_term,
    merge_terms,
    propose_term,
    remove_term,
    restore_term,
    retire_term,
)
from videolib.catalogue.term_offers import offer_terms
from videolib.catalogue.term_uses import count_uses, is_used
from videolib.catalogue.vocabulary import Term, get_scheme
from videolib.db import Database
from videolib.errors import Conflict, InvalidInput

LABELS = {"en": "Balloon-occluded TACE", "zh": "球囊阻断化疗栓塞术"}


@pytest.fixture
def editor(database: Database) -> User:
    return add_person(database)


@pytest.fixture
def admin(database: Database) -> User:
    return add_person(database, "admin")


def propose(database: Database, by: User, **changes: Any) -> Term:
    with database.writing() as session:
        return propose_term(session, get_scheme(session, "procedure"), {"labels": LABELS, **changes}, by=by)


def term(database: Database, term_id: str) -> Term:
    with database.reading() as session:
        return session.get_one(Term, term_id)


def offered(database: Database, typed: str, scheme: str = "procedure", language: str = "zh") -> list[str]:
    with database.reading() as session:
        return [offer.term.id for offer in offer_terms(session, scheme, typed, language=language)]


# ------------------------------------------------------------------ offers


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("TACE", "proc.tace"),
        ("tace", "proc.tace"),
        ("化疗栓塞", "proc.tace"),
        ("化療栓塞", "proc.tace"),
        ("chemoembol", "proc.tace"),
        ("chemoembolizaton", "proc.tace"),
        ("zigongdongmai", "proc.uae"),
        ("zgdm", "proc.uae"),
        ("uterine artery", "proc.uae"),
        ("artery uterine", "proc.uae"),
        ("肝癌消融", "proc.abl_liver"),
        ("肝癌射频", "proc.rfa_liver"),
        ("kidney cryo", "proc.cryo_kidney"),
        ("renal cryotherapy", "proc.cryo_kidney"),
        ("shendongmaizhijia", "proc.stent_renal"),
    ],
)
def test_a_term_is_offered_by_either_language_sound_or_with_a_slip(
    sqlite_database: Database, typed: str, wanted: str
) -> None:
    with sqlite_database.reading() as session:
        if session.get(Term, wanted) is None:
            pytest.fail(f"{wanted} is not in the vocabulary")
    assert wanted in offered(sqlite_database, typed)[:3]


def test_nothing_typed_offers_all_and_nonsense_nothing(sqlite_database: Database) -> None:
    assert len(offered(sqlite_database, "")) == 20
    assert offered(sqlite_database, "qqqqqqq") == []
    assert offered(sqlite_database, "\x00%_' OR 1=1" * 500) == []


# ------------------------------------------------------------------ proposals


def test_a_proposed_term_can_be_used_at_once_and_accepted_later(database: Database, editor: User, admin: User) -> None:
    made = propose(database, editor)
    entry = add_entry(database, procedures=[made.id])

    assert (made.id, made.status) == ("proc.balloon_occluded_tace", "proposed")
    assert offered(database, "qnzd")[:1] == [made.id]
    with database.reading() as session:
        assert [row.id for row in vocabulary.list_proposed(session)] == [made.id]
        assert made.id in set(read_vocabulary(session).concepts)
    with database.writing() as session:
        accept_term(session, session.get_one(Term, made.id), by=admin)
    with database.reading() as session:
        assert vocabulary.list_proposed(session) == []
        assert [row.id for row in session.get_one(Entry, entry.id).terms_of("procedures")] == [made.id]
        assert [event.action for event in audit.list_events(session, object_id=made.id)] == ["accept", "propose"]


def test_an_administrators_own_term_is_accepted_and_its_place_is_last(database: Database, admin: User) -> None:
    made = propose(database, admin, broader="proc.tace", synonyms={"en": ["B-TACE"], "zh": []})

    assert made.status == "accepted"
    with database.reading() as session:
        assert vocabulary.list_terms(session, "procedure")[-1].id == made.id


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"labels": {"en": "TACE", "zh": "新术"}}, "labels.en"),
        ({"labels": {"en": "New", "zh": "  "}}, "labels.zh"),
        ({"labels": {"en": "x" * 201, "zh": "新"}}, "labels.en"),
        ({"labels": "text"}, "labels.en"),
        ({"labels": LABELS, "broader": "proc.no_such"}, "broader"),
        ({"labels": LABELS, "mesh": "liver"}, "mesh"),
    ],
)
def test_a_proposal_that_cannot_be_says_why(sqlite_database: Database, content: dict[str, Any], field: str) -> None:
    person = add_person(sqlite_database)

    with pytest.raises(InvalidInput) as caught, sqlite_database.writing() as session:
        propose_term(session, get_scheme(session, "procedure"), content, by=person)
    assert field in caught.value.fields


def test_an_id_is_never_given_to_another_term(database: Database, admin: User) -> None:
    first = propose(database, admin)
    with database.writing() as session:
        remove_term(session, session.get_one(Term, first.id), by=admin)

    assert propose(database, admin).id == f"{first.id}_2"


# ------------------------------------------------------------------ changing, retiring, removing


def test_a_change_counts_and_a_stale_one_is_refused(database: Database, admin: User) -> None:
    with database.writing() as session:
        before = current_sequence(session, "vocabulary")
        row = session.get_one(Term, "proc.uae")
        change_term(session, row, {"synonyms": {"en": ["UFE"], "zh": ["肌瘤栓塞"]}}, version=1, by=admin)
        assert current_sequence(session, "vocabulary") == before + 1

    assert offered(database, "肌瘤栓塞") == ["proc.uae"]
    assert (term(database, "proc.uae").version, term(database, "proc.uae").edited) == (2, True)
    with pytest.raises(Conflict), database.writing() as session:
        change_term(session, session.get_one(Term, "proc.uae"), {"mesh": None}, version=1, by=admin)


def test_a_change_that_would_make_a_circle_is_refused(database: Database, admin: User) -> None:
    with pytest.raises(InvalidInput, match="broader than itself"), database.writing() as session:
        change_term(session, session.get_one(Term, "proc.ablation"), {"broader": "proc.rfa"}, version=None, by=admin)


def test_a_term_retired_in_changes_to_come_keeps_nobody_from_withdrawing(database: Database, admin: User) -> None:
    entry = add_entry(database)
    with database.writing() as session:
        row = session.get_one(Entry, entry.id)
        row.status, row.pending = "published", {"procedures": ["proc.uae"]}
        retire_term(session, session.get_one(Term, "proc.uae"), by=admin)

    with database.writing() as session:
        publishing.withdraw_entry(session, session.get_one(Entry, entry.id), "The patient asked.", by=None)

    with database.reading() as session:
        row = session.get_one(Entry, entry.id)
        assert (row.status, row.pending) == ("withdrawn", {})


def test_a_retired_term_stays_on_its_entries_and_goes_to_no_others(database: Database, admin: User) -> None:
    entry = add_entry(database, procedures=["proc.uae"])
    with database.writing() as session:
        retire_term(session, session.get_one(Term, "proc.uae"), by=admin)

    assert "proc.uae" not in offered(database, "UAE")
    with pytest.raises(InvalidInput, match="retired"):
        add_entry(database, procedures=["proc.uae"])
    with database.writing() as session:
        kept = {"procedures": ["proc.uae", "proc.tace"], "title": {"zh": "新", "en": "New"}}
        update_entry(session, session.get_one(Entry, entry.id), parse_values(kept), revision=None, by=admin)
    with database.writing() as session:
        restore_term(session, session.get_one(Term, "proc.uae"), by=admin)
    assert "proc.uae" in offered(database, "UAE")


def test_a_term_in_use_or_of_the_programs_own_is_never_removed(database: Database, admin: User) -> None:
    made = propose(database, admin)
    entry = add_entry(database, procedures=[made.id])
    for term_id in (made.id, "proc.uae"):
        with pytest.raises(Conflict), database.writing() as session:
            remove_term(session, session.get_one(Term, term_id), by=admin)
    with database.writing() as session:
        publishing.delete_entry(session, session.get_one(Entry, entry.id), by=admin)
        remove_term(session, session.get_one(Term, made.id), by=admin)
    with database.reading() as session:
        assert session.get(Term, made.id) is None


# ------------------------------------------------------------------ merging


def test_merging_moves_every_use_and_keeps_the_name_findable(database: Database, editor: User, admin: User) -> None:
    made = propose(database, editor)
    one = add_entry(database, procedures=[made.id, "proc.uae"], case={"primary": made.id, "list": [made.id]})
    both = add_entry(database, procedures=["proc.tace", made.id])
    with database.writing() as session:
        assert count_uses(session, "procedure")[made.id] == 2
        before = current_sequence(session)
        count = merge_terms(session, session.get_one(Term, made.id), session.get_one(Term, "proc.tace"), by=admin)

    assert count == 2
    with database.reading() as session:
        first, second = session.get_one(Entry, one.id), session.get_one(Entry, both.id)
        assert [row.id for row in first.terms_of("procedures")] == ["proc.tace", "proc.uae"]
        assert [row.id for row in second.terms_of("procedures")] == ["proc.tace"]
        assert first.details["case"] == {"primary": "proc.tace", "list": ["proc.tace"]}
        assert first.index_sequence > before
        assert first.revision == one.revision + 1
        old, into = session.get_one(Term, made.id), session.get_one(Term, "proc.tace")
        assert (old.retired, old.merged_into) == (True, "proc.tace")
        assert LABELS["zh"] in into.synonyms["zh"]
        assert LABELS["en"] in into.synonyms["en"]
        assert not is_used(session, old)
        assert made.id not in set(read_vocabulary(session).concepts)
    assert offered(database, LABELS["zh"]) == ["proc.tace"]


def test_what_is_marked_in_a_recording_follows_a_merge(database: Database, admin: User) -> None:
    entry = add_entry(database, add_recording(database, state="ready"))
    with database.writing() as session:
        made = propose_term(session, get_scheme(session, "complication"), {"labels": LABELS}, by=admin)
        event = AnnotationValues("event", to_ticks(1.0), None, term_id=made.id)
        (row,) = add_annotations(session, session.get_one(Entry, entry.id), [event], by=admin)
        before = current_sequence(session)

    with database.writing() as session:
        into = session.get_one(Term, "comp.access_haematoma")
        assert merge_terms(session, session.get_one(Term, made.id), into, by=admin) == 1

    with database.reading() as session:
        moved = session.get_one(Annotation, row.id)
        assert (moved.term_id, moved.revision) == ("comp.access_haematoma", row.revision + 1)
        assert session.get_one(Entry, entry.id).index_sequence > before


def test_an_old_manifest_that_names_a_merged_term_means_the_other(database: Database, admin: User) -> None:
    with database.writing() as session:
        merge_terms(session, session.get_one(Term, "proc.cryo_liver"), session.get_one(Term, "proc.cryo"), by=admin)
        merge_terms(session, session.get_one(Term, "proc.cryo"), session.get_one(Term, "proc.rfa"), by=admin)

    entry = add_entry(database, procedures=["proc.cryo_liver", "proc.rfa"])

    with database.reading() as session:
        assert [row.id for row in session.get_one(Entry, entry.id).terms_of("procedures")] == ["proc.rfa"]
        assert term(database, "proc.cryo_liver").merged_into == "proc.rfa"


def test_narrower_terms_and_steps_follow_a_merge(database: Database, admin: User) -> None:
    with database.writing() as session:
        merge_terms(session, session.get_one(Term, "proc.tips"), session.get_one(Term, "proc.tace"), by=admin)
        narrower = [row.id for row in vocabulary.list_terms(session, "procedure") if row.broader_id == "proc.tips"]
        (template,) = vocabulary.step_template(session, ["proc.tace"])

    assert narrower == []
    assert len(template.steps) == 10
    assert term(database, "step.tips.01").retired


@pytest.mark.parametrize(
    ("term_id", "into"),
    [("proc.uae", "proc.uae"), ("proc.uae", "anat.aorta"), ("proc.ablation", "proc.rfa_liver")],
)
def test_a_merge_that_makes_no_sense_is_refused(sqlite_database: Database, term_id: str, into: str) -> None:
    person = add_person(sqlite_database, "admin")

    with pytest.raises(Conflict), sqlite_database.writing() as session:
        merge_terms(session, session.get_one(Term, term_id), session.get_one(Term, into), by=person)
