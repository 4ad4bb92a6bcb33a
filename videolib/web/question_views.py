"""Questions as pages show them and read their answers: nothing says what is right before somebody has answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from videolib.catalogue.people import User
from videolib.catalogue.questions import Question, QuestionAnswer, offered_choices
from videolib.web.cards import Text
from videolib.web.languages import language_of
from videolib.web.playlist_views import text_of
from videolib.web.texts import clock_text

KINDS = {
    "single": _("One answer is right"),
    "multiple": _("One or more answers are right"),
    "order": _("Bring the answers into their order"),
    "mark": _("Show the place in the picture"),
}


@dataclass(frozen=True)
class ChoiceView:
    """One answer after the question was answered: whether it was chosen, is right, and what is said of it.

    place: where an order question's answer was put.
    """

    id: str
    text: Text
    place: int
    was_chosen: bool
    is_right: bool
    feedback: Text | None


@dataclass(frozen=True)
class QuestionView:
    """A question for who answers it. `is_right` is None until then; `area` and feedback are given only afterwards.

    offered: id and text of each answer as the form shows them; `choices` say how it went.
    """

    id: str
    url: str
    kind: str
    kind_text: str
    at_s: float
    at_text: str
    text: Text
    offered: tuple[tuple[str, Text], ...]
    choices: tuple[ChoiceView, ...]
    must_answer: bool
    is_right: bool | None
    tries: int
    feedback: Text | None
    area: dict[str, float] | None
    mark: tuple[float, float] | None


def make_question(playlist_id: str, question: Question, answer: QuestionAnswer | None, person: User) -> QuestionView:
    """The question as this person may see it now."""
    answered = answer is not None
    last = list(answer.last) if answer is not None else []
    offered = offered_choices(question, person)
    return QuestionView(
        id=question.id,
        url=url_for("playlists.answer", playlist_id=playlist_id, question_id=question.id),
        kind=question.kind,
        kind_text=str(KINDS[question.kind]),
        at_s=question.at_ms / 1000,
        at_text=clock_text(question.at_ms // 1000),
        text=Text(question.text, language_of(question.text)),
        offered=tuple((choice["id"], Text(choice["text"], language_of(choice["text"]))) for choice in offered),
        choices=tuple(
            ChoiceView(
                id=choice["id"],
                text=Text(choice["text"], language_of(choice["text"])),
                place=last.index(choice["id"]) + 1 if question.kind == "order" else 0,
                was_chosen=choice["id"] in last,
                is_right=bool(choice["is_right"]),
                feedback=text_of(choice["feedback"]) if choice["id"] in last else None,
            )
            for choice in (question.choices if answered else [])
        ),
        must_answer=question.must_answer,
        is_right=answer.is_right if answer is not None else None,
        tries=answer.tries if answer is not None else 0,
        feedback=text_of(question.feedback) if answered else None,
        area=dict(question.area) if answered and question.kind == "mark" else None,
        mark=(last[0], last[1]) if answered and question.kind == "mark" else None,
    )


def read_answer(question: Question, sent: MultiDict[str, str]) -> list[Any]:
    """What a form says: chosen ids, all ids by the place that each was given, or the place in the picture."""
    if question.kind == "mark":
        return [sent.get("x", ""), sent.get("y", "")]
    if question.kind == "order":
        placed = [(sent.get(f"place.{choice['id']}", 0, type=int), choice["id"]) for choice in question.choices]
        places = sorted(place for place, _id in placed)
        # two of one place are no order
        return [name for _place, name in sorted(placed)] if places == list(range(1, len(placed) + 1)) else []
    return sent.getlist("answer")
