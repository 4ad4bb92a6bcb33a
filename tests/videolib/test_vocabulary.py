"""The vocabulary: what ships is sound, what is loaded is checked first, what is there is brought up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from videolib.catalogue import vocabulary
from videolib.catalogue.library import current_sequence
from videolib.db import Database
from videolib.errors import InvalidInput

SCHEME = """
id: procedure
labels: {{en: Procedure, zh: 术式}}
terms:
  - {{id: proc.tace, labels: {{en: "{label}", zh: 化疗栓塞}}, synonyms: {{en: [TACE], zh: []}}, broader: {broader}}}
"""


def write(tmp_path: Path, label: str = "Chemoembolisation", broader: str = "null") -> Path:
    path = tmp_path / "procedure.yaml"
    path.write_text(SCHEME.format(label=label, broader=broader), encoding="utf-8")
    return path


def test_what_ships_has_no_problem_and_all_its_terms(shared: Path) -> None:
    schemes = vocabulary.read_schemes(vocabulary.STARTER_FOLDER)

    assert vocabulary.find_problems(schemes) == []
    given = vocabulary.read_schemes(shared / "data" / "vocabulary.yaml")
    ours = {scheme["id"]: scheme["terms"] for scheme in schemes}
    assert all(ours[scheme["id"]] == scheme["terms"] for scheme in given)


def test_the_library_holds_the_steps_of_a_procedure_in_their_order(database: Database) -> None:
    with database.reading() as session:
        steps = [term for term in vocabulary.list_terms(session, "step") if term.extra["procedure"] == "proc.tace"]

    assert [step.position for step in steps] == sorted(step.position for step in steps)
    assert steps[0].labels["zh"] == "股动脉或桡动脉穿刺置鞘"


def test_loading_again_brings_a_term_up_to_date_and_tells_the_index(database: Database, tmp_path: Path) -> None:
    with database.writing() as session:
        before = current_sequence(session, "vocabulary")
        vocabulary.load_vocabulary(session, write(tmp_path, "Chemoembolisation, transarterial"))

    with database.reading() as session:
        term = session.get_one(vocabulary.Term, "proc.tace")
        assert term.label("en") == "Chemoembolisation, transarterial"
        assert current_sequence(session, "vocabulary") == before + 1


def test_loading_the_same_again_tells_nobody(database: Database) -> None:
    with database.writing() as session:
        before = current_sequence(session, "vocabulary")
        vocabulary.load_vocabulary(session, vocabulary.STARTER_FOLDER)
        assert current_sequence(session, "vocabulary") == before


@pytest.mark.parametrize(
    ("broader", "problem"), [("proc.none", "does not exist"), ("proc.tace", "broader than itself")]
)
def test_a_vocabulary_with_problems_changes_nothing(
    database: Database, tmp_path: Path, broader: str, problem: str
) -> None:
    with pytest.raises(InvalidInput, match=problem), database.writing() as session:
        vocabulary.load_vocabulary(session, write(tmp_path, "Changed", broader))

    with database.reading() as session:
        assert session.get_one(vocabulary.Term, "proc.tace").label("en") == "Transarterial chemoembolisation"


@pytest.mark.parametrize("text", ["", "- [", "just words", "id: x", "id: x\nterms: [{labels: {}}]\nlabels: {}"])
def test_what_is_no_vocabulary_is_refused_with_a_sentence(sqlite_database: Database, tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidInput) as caught, sqlite_database.writing() as session:
        vocabulary.load_vocabulary(session, path)
    assert caught.value.message.endswith(".")
