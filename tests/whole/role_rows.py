"""A row of the role matrix, and those of playlists, cohorts, results, second pictures and narrations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.visitors import Site
from tests.whole.role_things import (
    asked,
    asked_of_learner,
    assignment,
    cohort,
    cohort_member,
    draft,
    lesson,
    lesson_item,
    narrated,
    open_lesson,
    published,
    token,
)


@dataclass(frozen=True)
class Row:
    """What a route answers to nobody, trainee, instructor, editor, admin; `thing` makes what `<…>` stands for."""

    statuses: tuple[int, ...]
    thing: Callable[[Site], str] | None = None
    form: dict[str, Any] | None = None
    body: dict[str, Any] | None = None
    rest: dict[str, str] = field(default_factory=dict)


ALL, PAGE_OF_PEOPLE = (200,) * 5, (302, *(200,) * 4)
PAGE_OF_TEACHERS, DEED_OF_TEACHERS = (302, 403, 200, 403, 200), (401, 403, 303, 403, 303)
# a playlist's own: to its builders; whom it is assigned to may open it, nobody else knows of it, administrators neither
PAGE_OF_BUILDERS, DEED_OF_BUILDERS = (302, 403, 200, 404, 404), (401, 403, 303, 404, 404)
# of the inbox, and of the studio's page of ranges
INBOX_AND_RANGES: dict[tuple[str, str], Row] = {
    ("GET", "/studio/entries/<entry_id>/ranges"): Row((302, 403, 403, 200, 200), draft),
    ("POST", "/studio/entries/<entry_id>/ranges"): Row((401, 403, 403, 303, 303), draft, form={}),
    ("POST", "/studio/entries/<entry_id>/ranges/next"): Row((401, 403, 403, 303, 303), draft, form={}),
    ("GET", "/inbox"): Row(PAGE_OF_PEOPLE),
    ("POST", "/inbox/read"): Row((401, *(303,) * 4), form={"until": "1"}),
    ("POST", "/inbox/mail"): Row((401, *(303,) * 4), form={}),
    # somebody else's, or none
    ("POST", "/inbox/<int:message_id>/<any(read,unread):deed>"): Row(
        (401, *(404,) * 4), lambda _site: "999", form={}, rest={"<any(read,unread):deed>": "read"}
    ),
}
SECOND_AND_NARRATED: dict[tuple[str, str], Row] = {
    ("GET", "/studio/entries/<entry_id>/second"): Row((302, 403, 403, 200, 200), draft),
    ("POST", "/studio/entries/<entry_id>/second"): Row((401, 403, 403, 422, 422), draft, form={"recording_id": "none"}),
    ("POST", "/studio/entries/<entry_id>/second/remove"): Row((401, 403, 403, 303, 303), draft, form={}),
    ("GET", "/studio/entries/<entry_id>/narrations"): Row((302, 403, 403, 200, 200), published),
    ("POST", "/studio/entries/<entry_id>/narrations"): Row((401, 403, 403, 422, 422), draft, form={"language": "en"}),
    # the editor has sent it; and where there are hospitals, only a reviewer of the recording's accepts
    ("POST", "/studio/entries/<entry_id>/narrations/<narration_id>/accept"): Row((401, *(403,) * 4), narrated, form={}),
    ("POST", "/studio/entries/<entry_id>/narrations/<narration_id>/refuse"): Row((401, *(403,) * 4), narrated, form={}),
    ("POST", "/studio/entries/<entry_id>/narrations/<narration_id>/remove"): Row(
        (401, 403, 403, 303, 303), narrated, form={}
    ),
    ("GET", "/media/<token>/narrations/<narration_id>/<name>"): Row(
        (404,) * 5, token, rest={"<narration_id>": "none", "<name>": "index.m3u8"}
    ),
}
TEACHING: dict[tuple[str, str], Row] = {
    ("GET", "/playlists"): Row(PAGE_OF_PEOPLE),
    ("GET", "/playlists/<playlist_id>"): Row((302, 200, 200, 404, 404), lesson),
    ("POST", "/playlists/<playlist_id>/questions/<question_id>"): Row(
        (401, 422, 422, 404, 404), asked_of_learner, form={}
    ),
    ("GET", "/teach"): Row(PAGE_OF_TEACHERS),
    ("GET", "/teach/add"): Row((302, 403, 404, 403, 404)),  # without saying what
    ("POST", "/teach/playlists"): Row(DEED_OF_TEACHERS, form={"title_en": "Leg arteries"}),
    ("GET", "/teach/playlists/<playlist_id>"): Row(PAGE_OF_BUILDERS, lesson),
    ("POST", "/teach/playlists/<playlist_id>"): Row(DEED_OF_BUILDERS, lesson, form={"title_en": "Leg arteries"}),
    ("POST", "/teach/playlists/<playlist_id>/assign"): Row(
        DEED_OF_BUILDERS, lesson, form={"names": "instructor@hospital.example"}
    ),
    ("POST", "/teach/playlists/<playlist_id>/assignments/<assignment_id>/end"): Row(
        DEED_OF_BUILDERS, assignment, form={}
    ),
    ("POST", "/teach/playlists/<playlist_id>/copy"): Row(DEED_OF_TEACHERS, open_lesson, form={}),
    ("POST", "/teach/playlists/<playlist_id>/delete"): Row(DEED_OF_BUILDERS, lesson, form={}),
    ("POST", "/teach/playlists/<playlist_id>/items"): Row(DEED_OF_BUILDERS, lesson, form={"heading": "Access"}),
    ("POST", "/teach/playlists/<playlist_id>/order"): Row((401, 403, 412, 404, 404), lesson, form={"item": "no-such"}),
    ("POST", "/teach/playlists/<playlist_id>/items/<item_id>/<any(up,down,remove):deed>"): Row(
        DEED_OF_BUILDERS, lesson_item, form={}, rest={"<any(up,down,remove):deed>": "up"}
    ),
    ("GET", "/teach/playlists/<playlist_id>/items/<item_id>"): Row(PAGE_OF_BUILDERS, lesson_item),
    ("POST", "/teach/playlists/<playlist_id>/items/<item_id>"): Row(DEED_OF_BUILDERS, lesson_item, form={"start": "1"}),
    ("POST", "/teach/playlists/<playlist_id>/items/<item_id>/questions"): Row(
        DEED_OF_BUILDERS,
        lesson_item,
        form={"kind": "order", "text": "Order?", "at": "1", "0.text": "One", "1.text": "Two"},
    ),
    ("POST", "/teach/playlists/<playlist_id>/items/<item_id>/questions/<question_id>/<any(save,delete):deed>"): Row(
        DEED_OF_BUILDERS, asked, form={}, rest={"<any(save,delete):deed>": "delete"}
    ),
    ("GET", "/teach/playlists/<playlist_id>/results"): Row(PAGE_OF_BUILDERS, lesson),
    ("GET", "/teach/playlists/<playlist_id>/results.csv"): Row(PAGE_OF_BUILDERS, lesson),
    ("POST", "/teach/cohorts"): Row(DEED_OF_TEACHERS, form={"name": "Fellows"}),
    ("GET", "/teach/cohorts/import"): Row(PAGE_OF_TEACHERS),
    ("GET", "/teach/cohorts/import/sample.csv"): Row(PAGE_OF_TEACHERS),
    ("POST", "/teach/cohorts/import"): Row((401, 403, 422, 403, 422), form={}),
    ("GET", "/teach/cohorts/<cohort_id>"): Row(PAGE_OF_TEACHERS, cohort),
    ("POST", "/teach/cohorts/<cohort_id>"): Row(DEED_OF_TEACHERS, cohort, form={"name": "Fellows of this year"}),
    ("POST", "/teach/cohorts/<cohort_id>/members"): Row(
        DEED_OF_TEACHERS, cohort, form={"people": "trainee@hospital.example"}
    ),
    ("POST", "/teach/cohorts/<cohort_id>/members/<int:user_id>/end"): Row(DEED_OF_TEACHERS, cohort_member, form={}),
    ("POST", "/teach/cohorts/<cohort_id>/delete"): Row(DEED_OF_TEACHERS, cohort, form={}),
    ("GET", "/api/v1/playlists"): Row(ALL),
    ("POST", "/api/v1/playlists"): Row((401, 403, 201, 403, 201), body={"title": {"en": "New"}}),
    ("GET", "/api/v1/playlists/<playlist_id>"): Row((404, 200, 200, 404, 404), lesson),
    ("PATCH", "/api/v1/playlists/<playlist_id>"): Row((401, 403, 200, 404, 404), lesson, body={"description": "x"}),
    ("DELETE", "/api/v1/playlists/<playlist_id>"): Row((401, 403, 204, 404, 404), lesson),
    ("POST", "/api/v1/playlists/<playlist_id>/copy"): Row((401, 403, 201, 403, 201), open_lesson, body={}),
    ("GET", "/api/v1/playlists/<playlist_id>/results"): Row((401, 403, 200, 404, 404), lesson),
    ("POST", "/api/v1/playlists/<playlist_id>/questions/<question_id>/answers"): Row(
        (401, 422, 422, 404, 404), asked_of_learner, body={"answer": []}
    ),
}
