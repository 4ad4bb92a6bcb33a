"""The vocabulary: what ships is sound, what is loaded is checked first, what people changed here stays."""

from __future__ import annotations

import re
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from videolib.catalogue import vocabulary
from videolib.catalogue.library import current_sequence
from videolib.catalogue.vocabulary import STARTER_FOLDER, Scheme, Term
from videolib.catalogue.vocabulary_files import read_schemes, scheme_of, write_schemes
from videolib.catalogue.vocabulary_loading import check_file, check_vocabulary, find_problems, load_vocabulary
from videolib.db import Database, utc_now
from videolib.errors import InvalidInput
from videolib.upgrade import upgrade

SCHEME = """
id: procedure
labels: {{en: Procedure, zh: 术式}}
terms:
  - {{id: proc.tace, labels: {{en: "{label}", zh: 化疗栓塞}}, synonyms: {{en: [TACE], zh: []}}, broader: {broader}}}
"""
SKOS = """
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
<http://vocab.example/vessels> a skos:ConceptScheme ; skos:prefLabel "Vessels"@en, "血管"@zh-CN .
<http://vocab.example/vessels/aorta> a skos:Concept ; skos:inScheme <http://vocab.example/vessels> ;
  skos:prefLabel "Aorta"@en, "主動脈"@zh-Hant, "主动脉"@zh-Hans ; skos:altLabel "Main artery"@en-GB .
<http://vocab.example/vessels/arch> a skos:Concept ; skos:inScheme <http://vocab.example/vessels> ;
  skos:prefLabel "Aortic arch"@en, "主动脉弓"@zh ; skos:broader <http://vocab.example/vessels/aorta> ;
  skos:exactMatch <http://id.nlm.nih.gov/mesh/D001013> .
"""


def write(tmp_path: Path, label: str = "Chemoembolisation", broader: str = "null") -> Path:
    path = tmp_path / "procedure.yaml"
    path.write_text(SCHEME.format(label=label, broader=broader), encoding="utf-8")
    return path


def everything(database: Database) -> list[dict[str, Any]]:
    with database.reading() as session:
        return [scheme_of(row, vocabulary.list_terms(session, row.id)) for row in vocabulary.list_schemes(session)]


def test_what_ships_has_no_problem_and_holds_all_that_was_given(shared: Path) -> None:
    schemes = read_schemes(STARTER_FOLDER)

    assert find_problems(schemes) == []
    ours = {term["id"]: (scheme["id"], term) for scheme in schemes for term in scheme["terms"]}
    for scheme in read_schemes(shared / "data" / "vocabulary.yaml"):
        for given in scheme["terms"]:
            scheme_id, term = ours[given["id"]]
            assert scheme_id == scheme["id"]
            assert {**term, "synonyms": 0} == {**given, "synonyms": 0}
            for language, names in given["synonyms"].items():
                assert set(names) <= set(term["synonyms"][language])


@pytest.mark.parametrize(
    ("label", "count"), [("WIfI ", 16), ("GLASS ", 13), ("ECOG ", 6), ("TASC ", 4), ("Rutherford ", 7)]
)
def test_the_classifications_are_whole(label: str, count: int) -> None:
    (classification,) = read_schemes(STARTER_FOLDER / "classification.yaml")

    assert len([term for term in classification["terms"] if term["labels"]["en"].startswith(label)]) == count


def test_steps_come_by_procedure_in_their_order_with_their_phases(database: Database) -> None:
    with database.reading() as session:
        (template,) = vocabulary.step_template(session, ["proc.tace"])

    labels = [step.step.label("zh") for step in template.steps if step.step]
    assert template.procedure_id == "proc.tace"
    assert len(labels) == 10
    assert (labels[0], labels[-1]) == ("股动脉或桡动脉穿刺置鞘", "栓塞后处理")
    assert template.steps[0].phase is not None
    assert template.steps[0].phase.id == "ph.access"


def test_all_151_steps_of_21_procedures_are_in_a_template(sqlite_database: Database) -> None:
    with sqlite_database.reading() as session:
        owners = {str(term.extra["procedure"]) for term in vocabulary.list_terms(session, "step")}
        templates = vocabulary.step_template(session, sorted(owners))

    assert len(templates) == 21
    assert sum(len(template.steps) for template in templates) == 151


@pytest.mark.parametrize("ids", [[], ["proc.hifu"], ["proc.no_such"]])
def test_other_procedures_get_the_generic_phases(sqlite_database: Database, ids: list[str]) -> None:
    with sqlite_database.reading() as session:
        (template,) = vocabulary.step_template(session, ids)

    assert template.procedure_id is None
    assert [step.phase.id for step in template.steps if step.phase][:2] == ["ph.case", "ph.planning"]
    assert all(step.step is None for step in template.steps)


def test_several_procedures_give_a_template_each_and_may_share_one(sqlite_database: Database) -> None:
    with sqlite_database.reading() as session:
        templates = vocabulary.step_template(session, ["proc.rfa_liver", "proc.hifu", "proc.uae"])

    assert [template.procedure_id for template in templates] == ["proc.rfa_liver", "proc.uae"]
    assert [step.step.extra["procedure"] for step in templates[0].steps if step.step] == ["proc.rfa"] * 8


def test_loading_again_brings_a_term_up_to_date_and_tells_the_index(database: Database, tmp_path: Path) -> None:
    with database.writing() as session:
        before = current_sequence(session, "vocabulary")
        scheme_version = session.get_one(Scheme, "procedure").version
        done = load_vocabulary(session, write(tmp_path, "Chemoembolisation, transarterial"))

    assert (done.added, done.changed, done.unchanged) == (0, 1, 0)
    with database.reading() as session:
        term = session.get_one(Term, "proc.tace")
        assert term.label("en") == "Chemoembolisation, transarterial"
        assert term.version == 2
        assert session.get_one(Scheme, "procedure").version == scheme_version + 1
        assert current_sequence(session, "vocabulary") == before + 1


def test_loading_what_ships_again_tells_nobody(database: Database) -> None:
    with database.writing() as session:
        before = current_sequence(session, "vocabulary")
        done = load_vocabulary(session, STARTER_FOLDER, ships=True)
        assert current_sequence(session, "vocabulary") == before
    assert (done.added, done.changed, done.kept) == (0, 0, 0)


def test_init_leaves_alone_what_was_edited_here_and_brings_the_rest_up_to_date(
    database: Database, tmp_path: Path, own_home: Path
) -> None:
    with database.writing() as session:
        load_vocabulary(session, write(tmp_path, "Our own words"))
        # as a former release had shipped it
        session.get_one(Term, "proc.uae").labels = {"en": "Former label", "zh": "旧名"}

    upgrade(database, own_home)

    with database.reading() as session:
        assert session.get_one(Term, "proc.tace").label("en") == "Our own words"
        assert session.get_one(Term, "proc.uae").label("zh") == "子宫动脉栓塞术"


@pytest.mark.parametrize(
    ("broader", "problem"), [("proc.none", "does not exist"), ("proc.tace", "broader than itself")]
)
def test_a_vocabulary_with_problems_changes_nothing(
    database: Database, tmp_path: Path, broader: str, problem: str
) -> None:
    with pytest.raises(InvalidInput, match=problem), database.writing() as session:
        load_vocabulary(session, write(tmp_path, "Changed", broader))

    with database.reading() as session:
        assert session.get_one(Term, "proc.tace").label("en") == "Transarterial chemoembolisation"


def test_a_circle_through_terms_that_are_there_already_is_found(sqlite_database: Database, tmp_path: Path) -> None:
    with sqlite_database.reading() as session:
        narrower = next(term for term in vocabulary.list_terms(session, "procedure") if term.broader_id == "proc.tace")
        problems, count = check_file(session, write(tmp_path, broader=narrower.id))

    assert count == 1
    assert problems == ["Term proc.tace is broader than itself."]


def test_one_file_may_refer_to_terms_that_only_the_library_has(sqlite_database: Database) -> None:
    with sqlite_database.reading() as session:
        assert check_file(session, STARTER_FOLDER / "step.yaml")[0] == []
        assert check_vocabulary(session) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("mesh: liver", "MeSH"),
        ("mesh_match: roughly", "mesh_match"),
        ("status: perhaps", "status is accepted or proposed"),
        ("valid_from: 2026-02-01, valid_to: 2026-01-01", "a day before"),
        ("valid_from: soon", "2026-01-31"),
        ("order: first", "whole number"),
        ("merged_into: proc.dsm", "not retired"),
        ("labels: {en: '', zh: 甲}", "no label in en"),
        ("id: anat.aorta", "belongs to the scheme anatomy"),
        ("id: 'no good id'", "letters, digits"),
        ("synonyms: {en: text}", "no lists by language"),
    ],
)
def test_each_fault_of_a_term_is_named(sqlite_database: Database, tmp_path: Path, change: str, problem: str) -> None:
    path = tmp_path / "one.yaml"
    term = f"{{id: proc.new, labels: {{en: New, zh: 新}}, {change}}}"
    path.write_text(f"id: procedure\nlabels: {{en: P, zh: 术}}\nterms:\n  - {term}\n", encoding="utf-8")

    with sqlite_database.reading() as session:
        problems, _ = check_file(session, path)
    assert any(problem in sentence for sentence in problems), problems


@pytest.mark.parametrize("text", ["", "- [", "just words", "id: x", "id: x\nterms: [{labels: {}}]\nlabels: {}"])
@pytest.mark.parametrize("name", ["broken.yaml", "broken.csv", "broken.ttl", "broken.rdf", "broken.jsonld"])
def test_what_is_no_vocabulary_is_refused_with_a_sentence(
    sqlite_database: Database, tmp_path: Path, name: str, text: str
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidInput) as caught, sqlite_database.writing() as session:
        load_vocabulary(session, path)
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("form", "name"),
    [("yaml", "all.yaml"), ("csv", "all.csv"), ("turtle", "all.ttl"), ("xml", "all.rdf"), ("json-ld", "all.jsonld")],
)
def test_what_is_exported_comes_back_the_same(sqlite_database: Database, tmp_path: Path, form: str, name: str) -> None:
    with sqlite_database.writing() as session:
        term = session.get_one(Term, "proc.uae")
        term.valid_from, term.valid_to, term.retired = utc_now().date(), utc_now().date(), True
        term.definition = {"en": '=1+1 "quoted", and\na second line', "zh": "定义；含分号"}
    some = {"classification", "domain", "phase", "procedure", "region_cn"}
    before = [scheme for scheme in everything(sqlite_database) if scheme["id"] in some]
    path = tmp_path / name
    path.write_bytes(write_schemes(before, form))

    with sqlite_database.writing() as session:
        done = load_vocabulary(session, path)

    assert (done.added, done.changed) == (0, 0)
    assert done.unchanged == sum(len(scheme["terms"]) for scheme in before)


def test_a_csv_opens_in_excel_with_its_chinese_and_runs_nothing(sqlite_database: Database) -> None:
    found = everything(sqlite_database)
    found[0]["terms"][0]["labels"]["en"] = "=HYPERLINK(1)"

    content = write_schemes(found, "csv")

    assert content.startswith(b"\xef\xbb\xbf")
    assert b"'=HYPERLINK(1)" in content
    assert not re.search(rb'(^|,)"?[=@]', content, re.MULTILINE)


def test_skos_of_others_is_understood(sqlite_database: Database, tmp_path: Path) -> None:
    path = tmp_path / "vessels.ttl"
    path.write_text(SKOS, encoding="utf-8")

    with sqlite_database.writing() as session:
        load_vocabulary(session, path)

    with sqlite_database.reading() as session:
        aorta, arch = vocabulary.list_terms(session, "vessels")
        assert (aorta.label("zh"), aorta.synonyms["en"]) == ("主动脉", ["Main artery"])
        assert (arch.id, arch.broader_id, arch.mesh, arch.mesh_match) == ("arch", "aorta", "D001013", "exact")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.jsonld", '{{"@context": "http://127.0.0.1:{port}/context.json", "@id": "urn:x"}}'),
        ("x.jsonld", '[{{"a": [{{"@context": ["http://127.0.0.1:{port}/c", {{}}]}}]}}]'),
        ("x.jsonld", '{{"@context": {{"@import": "http://127.0.0.1:{port}/c"}}}}'),
        ("x.rdf", '<!DOCTYPE r [<!ENTITY x SYSTEM "http://127.0.0.1:{port}/x">]><r>&x;</r>'),
        ("x.rdf", '<!DOCTYPE r SYSTEM "http://127.0.0.1:{port}/x.dtd"><r/>'),
        ("x.ttl", "@prefix owl: <http://www.w3.org/2002/07/owl#> . <urn:x> owl:imports <http://127.0.0.1:{port}/o> ."),
    ],
)
def test_reading_skos_asks_nothing_of_the_network(
    sqlite_database: Database, tmp_path: Path, name: str, text: str
) -> None:
    path = tmp_path / name
    with socket.create_server(("127.0.0.1", 0)) as listener, sqlite_database.reading() as session:
        listener.settimeout(0.3)
        path.write_text(text.format(port=listener.getsockname()[1]), encoding="utf-8")

        with pytest.raises(InvalidInput):
            check_file(session, path)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_term_outside_its_days_cannot_be_chosen() -> None:
    today = utc_now().date()
    day = timedelta(days=1)
    term = Term(id="x", scheme_id="y", labels={}, retired=False)

    for first, last, choosable in [
        (None, None, True),
        (today, today, True),
        (today + day, None, False),
        (None, today - day, False),
    ]:
        term.valid_from, term.valid_to = first, last
        assert term.is_choosable(today) is choosable
