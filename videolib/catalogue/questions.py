"""Questions at moments of a playlist's clips, and what each person answered.

The first answer of each person is what instructors see in results; answering again is for learning. A question whose
right answer is changed forgets the answers that were given to another one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.people import User
from videolib.db import Base, new_id, utc_now
from videolib.errors import InvalidInput, NotFound

# single, multiple: choose; order: bring the choices into the order in which they are written; mark: touch the picture
KINDS = ("single", "multiple", "order", "mark")
LONGEST_TEXT = 2000
MOST_CHOICES = 12
SMALLEST_AREA = 0.5  # percent of the picture's width or height


class Question(Base):
    """What is asked when the clip reaches `at_ms` of its recording.

    choices: `{"id", "text", "is_right", "feedback"}`, for "order" in the right order.
    area: where a mark is right, `{"x", "y", "w", "h"}` in percent of the picture.
    """

    __tablename__ = "questions"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    item_id: Mapped[str] = mapped_column(ForeignKey("playlist_items.id", ondelete="CASCADE"), index=True)
    at_ms: Mapped[int]
    kind: Mapped[str]
    text: Mapped[str]
    choices: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    area: Mapped[dict[str, Any]] = mapped_column(default=dict)
    feedback: Mapped[str] = mapped_column(default="")
    must_answer: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class QuestionAnswer(Base):
    """What one person answered: first, and last."""

    __tablename__ = "question_answers"

    question_id: Mapped[str] = mapped_column(ForeignKey("questions.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    first: Mapped[list[Any]] = mapped_column(JSON)
    first_is_right: Mapped[bool]
    last: Mapped[list[Any]] = mapped_column(JSON)
    is_right: Mapped[bool]
    tries: Mapped[int] = mapped_column(default=1)
    first_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_at: Mapped[datetime] = mapped_column(default=utc_now)


@dataclass(frozen=True)
class Choice:
    """One of the answers to choose from; `id` empty: a new one."""

    text: str
    is_right: bool = False
    feedback: str = ""
    id: str = ""


@dataclass(frozen=True)
class QuestionValues:
    """A question as it is written."""

    kind: str
    text: str
    at_ms: int
    choices: tuple[Choice, ...] = ()
    area: Mapping[str, float] = field(default_factory=dict)
    feedback: str = ""
    must_answer: bool = True


def add_question(session: Session, item_id: str, values: QuestionValues) -> Question:
    """Ask something there. Raises `InvalidInput`."""
    question = Question(item_id=item_id, choices=[], area={})
    _write(question, values)
    session.add(question)
    session.flush()
    return question


def change_question(session: Session, question: Question, values: QuestionValues) -> None:
    """Write it anew. Raises `InvalidInput`."""
    before = _right_answer(question)
    _write(question, values)
    if _right_answer(question) != before:
        session.execute(delete(QuestionAnswer).where(QuestionAnswer.question_id == question.id))
    session.flush()


def delete_question(session: Session, question: Question) -> None:
    """Take it away, with the answers to it."""
    session.delete(question)
    session.flush()


def get_question(session: Session, item_id: str, question_id: str) -> Question:
    """That question of that item. Raises `NotFound`."""
    question = session.get(Question, question_id)
    if question is None or question.item_id != item_id:
        raise NotFound("This question is not asked any more.", code="question_not_found")
    return question


def list_questions(session: Session, item_ids: Sequence[str]) -> dict[str, list[Question]]:
    """The questions of these items in the order in which they are asked, by item."""
    rows = select(Question).where(Question.item_id.in_(item_ids)).order_by(Question.at_ms, Question.created_at)
    found: dict[str, list[Question]] = {}
    for question in session.scalars(rows):
        found.setdefault(question.item_id, []).append(question)
    return found


def copy_question(question: Question, item_id: str) -> Question:
    """The same question for a copied item, without the answers."""
    fields = ("at_ms", "kind", "text", "choices", "area", "feedback", "must_answer")
    return Question(item_id=item_id, **{name: getattr(question, name) for name in fields})


def answer_question(session: Session, question: Question, given: Sequence[Any], *, by: User) -> QuestionAnswer:
    """Take an answer: ids of choices (for "order" all of them in order), or `[x, y]` in percent of the picture.

    Raises `InvalidInput` for what is no answer to this question.
    """
    sound = _sound_answer(question, given)
    is_right = judge(question, sound)
    # two windows of one person answer one after another
    session.execute(select(User.id).where(User.id == by.id).with_for_update())
    answer = session.get(QuestionAnswer, (question.id, by.id))
    if answer is None:
        answer = QuestionAnswer(question_id=question.id, user_id=by.id, first=sound, first_is_right=is_right, tries=0)
        session.add(answer)
    answer.last, answer.is_right, answer.last_at = sound, is_right, utc_now()
    answer.tries += 1
    session.flush()
    return answer


def judge(question: Question, given: Sequence[Any]) -> bool:
    """Whether that is the right answer."""
    if question.kind == "mark":
        area, (x, y) = question.area, given
        return bool(area["x"] <= x <= area["x"] + area["w"] and area["y"] <= y <= area["y"] + area["h"])
    if question.kind == "order":
        return list(given) == [choice["id"] for choice in question.choices]
    return set(given) == {choice["id"] for choice in question.choices if choice["is_right"]}


def find_answers(session: Session, question_ids: Sequence[str], *, of: User) -> dict[str, QuestionAnswer]:
    """What this person answered to each of them."""
    mine = select(QuestionAnswer).where(QuestionAnswer.question_id.in_(question_ids), QuestionAnswer.user_id == of.id)
    return {answer.question_id: answer for answer in session.scalars(mine)}


def list_answers(
    session: Session, question_ids: Sequence[str], user_ids: Sequence[int]
) -> dict[tuple[str, int], QuestionAnswer]:
    """What these people answered, by question and person."""
    rows = select(QuestionAnswer).where(
        QuestionAnswer.question_id.in_(question_ids), QuestionAnswer.user_id.in_(user_ids)
    )
    return {(answer.question_id, answer.user_id): answer for answer in session.scalars(rows)}


def offered_choices(question: Question, person: User) -> list[dict[str, Any]]:
    """The choices as that person is shown them: of an order question shuffled, always alike, never right at once."""
    if question.kind != "order":
        return list(question.choices)
    shuffled = sorted(question.choices, key=lambda choice: _dice(question.id, person.id, choice["id"]))
    return shuffled if shuffled != question.choices else shuffled[::-1]


def _dice(*parts: object) -> bytes:
    return hashlib.sha256("/".join(map(str, parts)).encode()).digest()


def _right_answer(question: Question) -> tuple[Any, ...]:
    rights = [(choice["id"], choice["is_right"]) for choice in question.choices]
    return question.kind, tuple(rights), tuple(sorted(question.area.items()))


def _write(question: Question, values: QuestionValues) -> None:
    problems = _problems(values)
    if problems:
        raise InvalidInput(" ".join(dict.fromkeys(problems.values())), fields=problems, code="question_invalid")
    question.kind, question.text, question.at_ms = values.kind, values.text.strip(), values.at_ms
    question.feedback, question.must_answer = values.feedback.strip(), values.must_answer
    known = {choice["id"] for choice in question.choices}
    question.choices = [
        {
            "id": choice.id if choice.id in known else secrets.token_hex(4),
            "text": choice.text.strip(),
            "is_right": choice.is_right or values.kind == "order",
            "feedback": choice.feedback.strip(),
        }
        for choice in (values.choices if values.kind != "mark" else ())
        if choice.text.strip()
    ]
    question.area = {name: round(float(values.area[name]), 2) for name in "xywh"} if values.kind == "mark" else {}


def _problems(values: QuestionValues) -> dict[str, str]:
    problems: dict[str, str] = {}
    if values.kind not in KINDS:
        problems["kind"] = "Choose how it is answered."
    if not values.text.strip() or len(values.text) > LONGEST_TEXT or len(values.feedback) > LONGEST_TEXT:
        problems["text"] = "Write the question, in at most 2000 characters."
    if values.kind == "mark":
        if not _is_area(values.area):
            problems["area"] = "Draw where in the picture the answer is right."
        return problems
    written = [choice for choice in values.choices if choice.text.strip()]
    if not 2 <= len(written) <= MOST_CHOICES or any(len(one.text) > 500 or len(one.feedback) > 500 for one in written):
        problems["choices"] = "Write 2 to 12 answers of at most 500 characters."
    rights = sum(choice.is_right for choice in written)
    if values.kind == "single" and rights != 1:
        problems.setdefault("choices", "Say which one answer is right.")
    if values.kind == "multiple" and rights == 0:
        problems.setdefault("choices", "Say which answers are right.")
    return problems


def _is_area(area: Mapping[str, Any]) -> bool:
    try:
        x, y, w, h = (float(area[name]) for name in "xywh")
    except (KeyError, TypeError, ValueError, OverflowError):
        return False
    inside = x >= 0 and y >= 0 and x + w <= 100.01 and y + h <= 100.01
    return inside and w >= SMALLEST_AREA and h >= SMALLEST_AREA


def _sound_answer(question: Question, given: Sequence[Any]) -> list[Any]:
    if question.kind == "mark":
        try:
            x, y = (float(value) for value in given)
        except (TypeError, ValueError, OverflowError) as error:
            raise _no_answer("Touch the place in the picture.") from error
        if not (0 <= x <= 100 and 0 <= y <= 100):
            raise _no_answer("Touch the place in the picture.")
        return [round(x, 2), round(y, 2)]
    known = [choice["id"] for choice in question.choices]
    chosen = [str(value) for value in given]
    if question.kind == "order":
        if sorted(chosen) != sorted(known):
            raise _no_answer("Give every answer a place of its own.")
        return chosen
    if not chosen or not set(chosen) <= set(known) or (question.kind == "single" and len(chosen) != 1):
        raise _no_answer("Choose an answer.")
    return [choice for choice in known if choice in chosen]


def _no_answer(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, fields={"answer": sentence}, code="answer_invalid")
