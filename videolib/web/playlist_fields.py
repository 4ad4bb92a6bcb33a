"""What the forms of a playlist show, in words: to tell whether somebody has changed it since a page was opened."""

from __future__ import annotations

from collections.abc import Sequence

from flask import request
from flask_babel import gettext as _

from videolib.catalogue.people import get_people
from videolib.catalogue.playlists import Playlist, PlaylistItem
from videolib.catalogue.questions import Question
from videolib.web.context import database_session
from videolib.web.question_form import AREA_NAMES, MOST_ROWS, QuestionForm, form_of
from videolib.web.seen_forms import ShownField


def editor_addresses(playlist: Playlist) -> str:
    """Who builds it beside its owner, one a line."""
    people = get_people(database_session(), [one.user_id for one in playlist.editors])
    return "\n".join(people[one.user_id].email for one in playlist.editors if one.user_id in people)


def fields_of_playlist(playlist: Playlist) -> list[ShownField]:
    """Its settings."""
    return [
        _field(_("Title in Chinese"), playlist.title.get("zh", ""), "title_zh"),
        _field(_("Title in English"), playlist.title.get("en", ""), "title_en"),
        _field(_("What it is about"), playlist.description, "description"),
        _field(_("Due on"), playlist.due_on.isoformat() if playlist.due_on else "", "due_on"),
        _field(_("Who may open it"), _audience(playlist.audience), "", _audience(request.form.get("audience", ""))),
        _field(_("Builds it with you"), editor_addresses(playlist), "editors"),
    ]


def fields_of_whole(playlist: Playlist) -> list[ShownField]:
    """Everything about it, by the number of its last change."""
    return [ShownField(_("Changes"), str(playlist.revision))]


def fields_of_item(item: PlaylistItem) -> list[ShownField]:
    """Times, note and duty of a clip; or a heading."""
    if item.kind == "section":
        return [_field(_("Heading"), item.title, "heading")]
    return [
        _field(_("From"), ms_text(item.start_ms), "start"),
        _field(_("To (empty: the end)"), ms_text(item.end_ms), "end"),
        _field(_("What to look at"), item.note, "note"),
        _field(
            _("Must it be seen?"),
            _duty(is_required=item.is_required),
            "",
            _duty(is_required=request.form.get("required") == "yes"),
        ),
    ]


def fields_of_item_whole(item: PlaylistItem, questions: Sequence[Question]) -> list[ShownField]:
    """The item with what is asked there: all that goes with it."""
    asked = [field for question in questions for field in fields_of_question(question)]
    return [ShownField(field.label, field.now) for field in (*fields_of_item(item), *asked) if field.now]


def fields_of_question(question: Question) -> list[ShownField]:
    """A question with its answers."""
    form, sent = form_of(question), request.form
    return [
        _field(_("Question"), form.text, "text"),
        _field(_("Asked at"), form.at, "at"),
        _field(_("Answers"), _answers_now(form), "", _answers_sent()),
        _field(
            _("Where the answer is right, in percent of the picture"),
            " ".join(f"{form.area[name]:g}" for name in AREA_NAMES if form.area),
            "",
            " ".join(sent.get(f"area.{name}", "") for name in AREA_NAMES).strip(),
        ),
        _field(_("Explanation after the answer"), form.feedback, "feedback"),
        _field(
            _("Must be answered to go on"),
            _answer(form.must_answer),
            "",
            _answer(sent.get("must_answer") == "yes"),
        ),
    ]


def ms_text(ms: int | None) -> str:
    """A time of a clip as its field shows it: `1:15.5`; empty for the recording's end."""
    if ms is None:
        return ""
    minutes, rest = divmod(ms, 60_000)
    seconds = f"{rest / 1000:06.3f}".rstrip("0").rstrip(".")
    return f"{minutes}:{seconds}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{seconds}"


def _field(label: str, now: str, name: str, sent: str | None = None) -> ShownField:
    """`name`: the form's field; what was typed into it is shown beside what there is."""
    if sent is None:
        sent = request.form.get(name)
    return ShownField(label, now, sent if request.method == "POST" else None)


def _answers_now(form: QuestionForm) -> str:
    return "\n".join(_choice(one.text, one.feedback, is_right=one.is_right) for one in form.choices if one.text)


def _answers_sent() -> str:
    sent = request.form
    rows = [(sent.get(f"{row}.text", ""), sent.get(f"{row}.feedback", ""), str(row)) for row in range(MOST_ROWS)]
    is_order, right = sent.get("kind") == "order", set(sent.getlist("right"))
    return "\n".join(_choice(text, feedback, is_right=is_order or row in right) for text, feedback, row in rows if text)


def _choice(text: str, feedback: str, *, is_right: bool) -> str:
    return f"{'✓ ' if is_right else ''}{text}{f' ({feedback})' if feedback else ''}"


def _audience(audience: str) -> str:
    return str(_("Everyone who is signed in") if audience == "signed_in" else _("Those to whom it is assigned"))


def _duty(*, is_required: bool) -> str:
    return str(_("Required") if is_required else _("Optional"))


def _answer(is_so: bool) -> str:
    return str(_("yes") if is_so else _("no"))
