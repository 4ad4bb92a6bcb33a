"""The publish gate's rules: what is asked of which content type, and the sentence for each thing that is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from config.settings import load_settings
from tests.libraries import COMPLETE_CASE
from videolib.catalogue import completeness
from videolib.catalogue.completeness import ADVISED, BASIC, OF_A_PATIENT, REQUIRED, REQUIREMENTS, Facts, assess
from videolib.catalogue.entry_values import parse_values, plain
from videolib.catalogue.gate import THRESHOLD
from videolib.catalogue.title_rule import names_one_of
from videolib.catalogue.vocabulary import STARTER_FOLDER, Term
from videolib.catalogue.vocabulary_files import read_schemes
from videolib.demo.recordings import read_entries

PHASES = ((0.0, 10.0), (10.0, 20.0), (20.0, 30.0))
COMPLETE = Facts(
    document={},
    recording_state="ready",
    has_package=True,
    duration_s=30.0,
    phases=PHASES,
    named_in_title=frozenset({"procedure", "pathology"}),
    points=12,
    threshold=11,
    today=date(2026, 11, 25),
)


def document(**changes: Any) -> dict[str, Any]:
    values = parse_values({**COMPLETE_CASE, **changes})
    return {name: plain(getattr(values, name)) for name in values.model_fields_set}


def missing(facts: Facts = COMPLETE, **changes: Any) -> dict[str, str]:
    return assess(replace(facts, document=document(**changes))).missing


def test_a_complete_case_lacks_nothing() -> None:
    assert missing() == {}
    assert assess(replace(COMPLETE, document=document())).percent == 100


def test_the_tables_know_every_content_type_and_name_only_what_there_is() -> None:
    terms = {term["id"] for scheme in read_schemes(STARTER_FOLDER / "content_type.yaml") for term in scheme["terms"]}

    assert set(REQUIRED) == terms
    assert set(ADVISED) <= terms
    for table in (REQUIRED, ADVISED):
        assert set().union(*table.values()) <= set(REQUIREMENTS)
    assert set(REQUIREMENTS) >= OF_A_PATIENT


@pytest.mark.parametrize(
    "field",
    sorted(
        REQUIRED["ct.full"]
        - {"title", "segments", "review", "recording", "rights.embargo", "cn_grade", "content_type", "sharing"}
    ),
)
def test_each_required_field_is_missed_when_it_says_nothing(field: str) -> None:
    head, _, tail = field.partition(".")
    rest = {name: value for name, value in COMPLETE_CASE[head].items() if name != tail} if tail else None
    given: dict[str, Any] = {head: rest}
    if field == "outcomes.complications":
        given["complications"] = []

    lacking = missing(**given)

    assert field in lacking
    assert lacking[field].endswith(".")


@pytest.mark.parametrize("audience", ["institution", "programme", "people"])
def test_a_narrow_audience_names_somebody(audience: str) -> None:
    assert "sharing" in missing(audience=audience)
    assert "sharing" not in missing(audience=audience, sharing={"names": ["somebody"]})


@pytest.mark.parametrize("kind", ["ct.lecture", "ct.simulation"])
def test_a_lecture_or_simulator_clip_needs_no_patient_s_fields_and_no_phases(kind: str) -> None:
    bare = {"title": {"zh": "介入放射防护", "en": "Radiation safety"}, "procedures": ["proc.pta"], "content_type": kind}
    facts = replace(COMPLETE, document=bare, phases=(), points=None, named_in_title=frozenset())

    found = assess(facts)

    assert found.missing == {}
    assert found.percent < 100
    assert {"summary", "coi", "rights.licence"} <= set(found.advised)


def test_no_patient_shown_replaces_what_it_makes_pointless() -> None:
    kept = set(BASIC) | {"summary", "learning_objectives", "contributors", "coi", "rights", "no_patient_shown"}
    kept |= {"target_learners", "difficulty", "anatomy", "imaging_guidance", "title", "commentary"}
    bare = {name: value for name, value in document(no_patient_shown=True).items() if name in kept}

    facts = replace(COMPLETE, document=bare, phases=(), points=None, named_in_title=frozenset({"procedure"}))
    assert set(assess(facts).missing) == set()
    with_patient = replace(facts, document={**bare, "no_patient_shown": None})
    assert {"consent", "deid", "segments", "review", "title"} <= set(assess(with_patient).missing)


@pytest.mark.parametrize(
    ("consent", "audience", "says"),
    [
        (
            {"id": "c", "scope": "institution", "obtained_on": "2026-01-01", "withdrawn_on": "2026-02-01"},
            "signed_in",
            "withdrawn",
        ),
        (
            {"id": "c", "scope": "institution", "obtained_on": "2026-01-01", "expires_on": "2026-11-24"},
            "signed_in",
            "today",
        ),
        ({"id": "c", "scope": "institution", "obtained_on": "2027-01-01"}, "signed_in", "today"),
        ({"id": "c", "scope": "programme", "obtained_on": "2026-01-01"}, "public", "everybody"),
        ({"id": "c", "obtained_on": "2026-01-01"}, "signed_in", "which consent"),
    ],
)
def test_consent_must_hold_and_cover_the_audience(consent: dict[str, str], audience: str, says: str) -> None:
    assert says in missing(consent=consent, audience=audience)["consent"]


def test_whoever_uploaded_does_not_check_the_de_identification() -> None:
    facts = replace(COMPLETE, uploader_names=frozenset({"li wei"}))

    assert (
        "somebody other" in missing(facts, deid={"status": "done", "reviewer": "Li Wei", "date": "2026-11-01"})["deid"]
    )


@pytest.mark.parametrize(
    ("phases", "says"),
    [
        (((0.0, 10.0), (9.0, 20.0), (20.0, 30.0)), "overlap"),
        (((0.0, 10.0), (10.0, 20.0), (20.0, 40.0)), "beyond"),
        (((0.0, 10.0), (10.0, 10.0), (20.0, 30.0)), "before it begins"),
        (((0.0, 10.0), (10.0, 20.0)), "three phases"),
    ],
)
def test_phases_are_ordered_inside_and_apart(phases: tuple[tuple[float, float], ...], says: str) -> None:
    assert says in missing(replace(COMPLETE, phases=phases))["segments"]


def test_wrong_phases_stop_what_needs_none() -> None:
    facts = replace(COMPLETE, phases=((0.0, 10.0), (5.0, 8.0)))

    assert "overlap" in missing(facts, content_type="ct.lecture")["segments"]


@pytest.mark.parametrize(
    ("points", "threshold", "lacks"), [(None, 11, True), (10, 11, True), (11, 11, False), (None, 0, False)]
)
def test_the_review_must_give_as_many_points_as_the_settings_ask(
    points: int | None, threshold: int, *, lacks: bool
) -> None:
    assert ("review" in missing(replace(COMPLETE, points=points, threshold=threshold))) == lacks


def test_an_embargo_holds_until_its_day() -> None:
    assert "rights.embargo" in missing(rights={"licence": "CC0-1.0", "embargo": "2026-11-26"})
    assert "rights.embargo" not in missing(rights={"licence": "CC0-1.0", "embargo": "2026-11-25"})


def test_the_settings_and_the_gate_agree_on_the_usual_threshold() -> None:
    assert load_settings().review_threshold == THRESHOLD
    assert completeness.MOST_POINTS == 18


def vocabulary() -> dict[str, Term]:
    return {
        term["id"]: Term(
            id=term["id"],
            scheme_id=scheme["id"],
            labels=term["labels"],
            synonyms=term["synonyms"],
            broader_id=term["broader"],
        )
        for name in ("procedure", "pathology")
        for scheme in read_schemes(STARTER_FOLDER / f"{name}.yaml")
        for term in scheme["terms"]
    }


@pytest.mark.parametrize(
    ("title", "terms", "is_named"),
    [
        ({"en": "TACE of a hepatocellular carcinoma"}, ["proc.tace"], True),
        ({"en": "TACE of a hepatocellular carcinoma"}, ["path.hcc"], True),
        ({"zh": "肝細胞癌的化療栓塞"}, ["path.hcc"], True),
        ({"zh": "肝細胞癌的化療栓塞"}, ["proc.tace"], True),
        ({"zh": "肝细胞癌的消融"}, ["proc.tace"], False),
        ({"zh": "股浅动脉支架植入术"}, ["proc.stent_sfa"], True),
        ({"en": "Stents for iliac arteries"}, ["proc.stent_iliac"], True),
        ({"en": "Stenting of the iliac artery"}, ["proc.stent_iliac"], True),
        ({"en": "A difficult morning"}, ["proc.tace", "proc.pta"], False),
        ({}, ["proc.tace"], False),
        ({"en": "TACE"}, [], False),
    ],
)
def test_a_title_names_a_term_by_label_synonym_or_a_broader_one(
    title: dict[str, str], terms: list[str], *, is_named: bool
) -> None:
    assert names_one_of(title, terms, vocabulary()) == is_named


@pytest.mark.parametrize("key", sorted(read_entries()))
def test_the_demo_s_entries_are_complete(key: str) -> None:
    values = parse_values(read_entries()[key])
    terms = vocabulary()
    title = values.title.filled() if values.title else {}
    named = {"procedure": values.procedures, "pathology": values.pathologies}
    facts = replace(
        COMPLETE,
        document={name: plain(getattr(values, name)) for name in values.model_fields_set},
        phases=(),
        points=None,
        named_in_title=frozenset(scheme for scheme, ids in named.items() if names_one_of(title, ids or (), terms)),
    )

    assert assess(facts).missing == {}
    assert set(assess(facts).advised) <= {"anatomy"}


def test_a_complication_is_marked_in_time_with_its_grade() -> None:
    asked = {"content_type": "ct.complication"}

    assert "Mark when" in missing(COMPLETE, **asked)["events"]
    assert "Give each" in missing(replace(COMPLETE, graded_complications=(True, False)), **asked)["events"]
    assert missing(replace(COMPLETE, graded_complications=(True,)), **asked) == {}
    assert "events" not in missing(COMPLETE)
    assert "events" not in missing(COMPLETE, **asked, no_patient_shown=True)
