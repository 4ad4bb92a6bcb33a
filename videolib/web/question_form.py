"""The form in which an instructor writes a question, and how it is read; without a script as with one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from werkzeug.datastructures import MultiDict

from videolib.catalogue.media_time import parse_clock, to_seconds
from videolib.catalogue.playlist_items import is_inside
from videolib.catalogue.playlists import PlaylistItem
from videolib.catalogue.questions import Choice, Question, QuestionValues
from videolib.errors import InvalidInput
from videolib.web.question_views import KINDS
from videolib.web.texts import clock_text

ROWS = 4  # of answers in an empty form; two more than there are in a written one
MOST_ROWS = 12
AREA_NAMES = ("x", "y", "w", "h")


@dataclass(frozen=True)
class QuestionForm:
    """What stands in the fields; `id` empty: a new one."""

    id: str
    kind: str
    kind_text: str
    at: str
    at_s: float
    text: str
    choices: tuple[Choice, ...]
    area: dict[str, float]
    feedback: str
    must_answer: bool
    seen: str = ""


def new_forms(item: PlaylistItem) -> tuple[QuestionForm, ...]:
    """An empty form for each kind."""
    start = clock_text(item.start_ms // 1000)
    empty = QuestionForm("", "", "", start, item.start_ms / 1000, "", (), {}, "", must_answer=True)
    rows = tuple(Choice("") for _ in range(ROWS))
    return tuple(
        replace(empty, kind=kind, kind_text=str(text), choices=rows if kind != "mark" else ())
        for kind, text in KINDS.items()
    )


def form_of(question: Question) -> QuestionForm:
    """The form of a question that is asked."""
    written = tuple(
        Choice(choice["text"], choice["is_right"], choice["feedback"], choice["id"]) for choice in question.choices
    )
    more = tuple(Choice("") for _ in range(min(2, MOST_ROWS - len(written))))
    at_s = question.at_ms / 1000
    minutes, seconds = divmod(at_s, 60)
    return QuestionForm(
        id=question.id,
        kind=question.kind,
        kind_text=str(KINDS[question.kind]),
        at=f"{int(minutes)}:{seconds:06.3f}".rstrip("0").rstrip("."),
        at_s=at_s,
        text=question.text,
        choices=written + more if question.kind != "mark" else (),
        area={name: float(question.area[name]) for name in AREA_NAMES} if question.area else {},
        feedback=question.feedback,
        must_answer=question.must_answer,
    )


def read_question(item: PlaylistItem, sent: MultiDict[str, str]) -> QuestionValues:
    """The question that was typed. Raises `InvalidInput` for a time that is none or outside the clip."""
    try:
        at_ms = round(to_seconds(parse_clock(sent.get("at", ""))) * 1000)
    except ValueError as error:
        sentence = "Write a time in the recording, for example 1:15.5."
        raise InvalidInput(sentence, fields={"at": sentence}, code="question_invalid") from error
    require_inside(item, at_ms)
    kind = sent.get("kind", "")
    return QuestionValues(
        kind=kind,
        text=sent.get("text", ""),
        at_ms=at_ms,
        choices=tuple(_choice(sent, row) for row in range(MOST_ROWS)),
        area=_area(sent) if kind == "mark" else {},
        feedback=sent.get("feedback", ""),
        must_answer=sent.get("must_answer") == "yes",
    )


def require_inside(item: PlaylistItem, at_ms: int) -> None:
    """Raise `InvalidInput` for a moment that is not in the clip."""
    if item.kind != "clip" or not is_inside(item, at_ms):
        sentence = "Ask within the clip: its times are above."
        raise InvalidInput(sentence, fields={"at": sentence}, code="question_invalid")


def _choice(sent: MultiDict[str, str], row: int) -> Choice:
    return Choice(
        text=sent.get(f"{row}.text", ""),
        is_right=str(row) in sent.getlist("right"),
        feedback=sent.get(f"{row}.feedback", ""),
        id=sent.get(f"{row}.id", ""),
    )


def _area(sent: MultiDict[str, str]) -> dict[str, float]:
    """The fields of the area; what is no number is not in it."""
    found: dict[str, float] = {}
    for name in AREA_NAMES:
        value = sent.get(f"area.{name}", type=float)
        if value is not None:
            found[name] = value
    return found
