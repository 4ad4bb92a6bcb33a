"""Questions in the rows: what can be asked, what is right, and that the first answer of each person stays."""

from __future__ import annotations

from typing import Any

import pytest

from tests.libraries import add_person
from tests.videolib.test_playlists import make_playlist, publish
from videolib.catalogue import playlists, questions
from videolib.catalogue.people import User
from videolib.catalogue.questions import Choice, Question, QuestionValues
from videolib.db import Database
from videolib.errors import InvalidInput

THREE = (
    Choice("股浅动脉", is_right=True),
    Choice("SFA", is_right=True),
    Choice("DFA", feedback="Deep, not superficial"),
)
AREA = {"x": 40.0, "y": 30.0, "w": 20.0, "h": 20.0}


@pytest.fixture
def item(database: Database) -> tuple[str, User]:
    """A clip to ask at, and who asks."""
    instructor = add_person(database, "instructor")
    playlist_id = make_playlist(database, instructor, (publish(database),))
    with database.reading() as session:
        return playlists.get_playlist(session, playlist_id).items[0].id, instructor


@pytest.mark.parametrize(
    ("kind", "choices", "answers"),
    [
        ("single", THREE[1:], ((0,), (1,), (), (0, 1))),
        ("multiple", THREE, ((1, 0), (0, 1, 2), ())),
        ("order", THREE, ((0, 1, 2), (1, 0, 2), (0, 1), (0, 1, 1))),
    ],
)
def test_an_answer_is_right_wrong_or_none(
    database: Database,
    item: tuple[str, User],
    kind: str,
    choices: tuple[Choice, ...],
    answers: tuple[tuple[int, ...], ...],
) -> None:
    right, wrong, *none = answers
    with database.writing() as session:
        question = questions.add_question(session, item[0], QuestionValues(kind, "Which vessel?", 1000, choices))
        ids = [choice["id"] for choice in question.choices]

        assert questions.judge(question, [ids[at] for at in right])
        assert not questions.judge(question, [ids[at] for at in wrong])
        for given in (*([ids[at] for at in one] for one in none), ["no-such"]):
            with pytest.raises(InvalidInput):
                questions.answer_question(session, question, given, by=item[1])


def test_a_mark_is_right_inside_its_area(database: Database, item: tuple[str, User]) -> None:
    values = QuestionValues("mark", "Where is the stenosis?", 1000, area=AREA)
    with database.writing() as session:
        question = questions.add_question(session, item[0], values)

        assert questions.answer_question(session, question, [40, 50], by=item[1]).is_right
        assert not questions.answer_question(session, question, ["39.9", 45], by=item[1]).is_right
        for given in ([], [1], [1, 101], ["x", 1], [float("nan"), 1]):
            with pytest.raises(InvalidInput):
                questions.answer_question(session, question, given, by=item[1])


def test_the_first_answer_stays_and_a_changed_question_forgets(database: Database, item: tuple[str, User]) -> None:
    person = item[1]
    with database.writing() as session:
        question = questions.add_question(session, item[0], QuestionValues("multiple", "Which?", 1000, THREE))
        ids = [choice["id"] for choice in question.choices]
        questions.answer_question(session, question, ids[2:], by=person)
        answer = questions.answer_question(session, question, ids[:2], by=person)

        assert (answer.first, answer.first_is_right, answer.last, answer.is_right, answer.tries) == (
            ids[2:],
            False,
            ids[:2],
            True,
            2,
        )
        kept = tuple(Choice(choice["text"] + "!", choice["is_right"], "", choice["id"]) for choice in question.choices)
        questions.change_question(session, question, QuestionValues("multiple", "Which of these?", 1200, kept))
        assert set(questions.find_answers(session, [question.id], of=person)) == {question.id}
        questions.change_question(session, question, QuestionValues("multiple", "Which?", 1200, kept[1:]))
        assert questions.list_answers(session, [question.id], [person.id]) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "essay"},
        {"text": " "},
        {"text": "x" * 2001},
        {"choices": THREE[:1]},
        {"choices": (THREE[2], Choice("x"))},
        {"choices": THREE},
        {"choices": tuple(Choice(str(at), is_right=at == 0) for at in range(13))},
        {"kind": "multiple", "choices": (Choice("a"), Choice("b"))},
        {"kind": "mark", "area": {}},
        {"kind": "mark", "area": {**AREA, "x": 90}},
        {"kind": "mark", "area": {**AREA, "w": 0}},
        {"kind": "mark", "area": {**AREA, "h": "tall"}},
    ],
)
def test_what_is_no_question_is_refused(sqlite_database: Database, wrong: dict[str, Any]) -> None:
    values = QuestionValues(**{"kind": "single", "text": "Which?", "at_ms": 0, "choices": THREE[1:], **wrong})

    with pytest.raises(InvalidInput) as refused, sqlite_database.writing() as session:
        questions.add_question(session, "no-item", values)
    assert refused.value.fields


def test_an_order_is_shown_shuffled_and_to_each_person_always_alike(sqlite_database: Database) -> None:
    people = [add_person(sqlite_database, "trainee", email=f"{number}@x.example") for number in range(12)]
    choices = [{"id": letter, "text": letter} for letter in "abcd"]
    question = Question(id="q", kind="order", choices=choices)

    shown = ["".join(one["id"] for one in questions.offered_choices(question, person)) for person in people]

    assert "abcd" not in shown
    assert len(set(shown)) > 1
    assert shown == ["".join(one["id"] for one in questions.offered_choices(question, person)) for person in people]
    assert {"".join(sorted(one)) for one in shown} == {"abcd"}
