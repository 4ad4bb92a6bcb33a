"""The demo library's lesson: clips of its recordings with a question, assigned by its instructor to its trainee."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue.cohorts import add_cohort, add_members
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import find_user
from videolib.catalogue.playlist_items import Clip, add_clip, add_section
from videolib.catalogue.playlists import Playlist, assign, change_playlist, create_playlist
from videolib.catalogue.questions import Choice, QuestionValues, add_question
from videolib.db import utc_now

TITLE = {"zh": "读片第一课：看懂血管造影", "en": "Reading angiograms: a first lesson"}
ABOUT = "先看髂动脉，再看肝动脉；每段之后回答一个问题。Watch the iliac run first, then the hepatic one."
COHORT = "2026 进修班 Fellows of 2026"
NOTES = (
    "注意对比剂从近端到远端的充盈过程。Follow the bolus from proximal to distal.",
    "比较栓塞前后两次造影。Compare the runs before and after embolisation.",
)
QUESTION = QuestionValues(
    kind="single",
    text="对比剂最先充盈哪一段？ Which segment fills first?",
    at_ms=4000,
    choices=(
        Choice("近端 Proximal", is_right=True),
        Choice("远端 Distal", feedback="对比剂顺血流方向前行。 The bolus travels with the flow."),
    ),
    feedback="对比剂由导管头端向远端充盈。 It fills from the tip of the catheter onwards.",
)


def add_demo_lesson(session: Session, entry_ids: Sequence[str], instructor: str, trainee: str) -> None:
    """Make it of the first recordings, for the people with these addresses; left alone where there is one already."""
    teacher = find_user(session, instructor)
    if teacher is None or session.scalars(select(Playlist.id)).first() is not None:
        return
    playlist = create_playlist(session, TITLE, by=teacher)
    due_on = (utc_now() + timedelta(days=14)).date()
    change_playlist(session, playlist, description=ABOUT, due_on=due_on, audience="assigned")
    for number, (entry_id, heading) in enumerate(zip(entry_ids, ("外周 Periphery", "肝脏 Liver"), strict=False)):
        add_section(session, playlist, heading)
        item = add_clip(session, playlist, session.get_one(Entry, entry_id), Clip(note=NOTES[number]))
        if number == 0:
            add_question(session, item.id, QUESTION)
    cohort = add_cohort(session, COHORT, by=teacher)
    add_members(session, cohort, [trainee], by=teacher)
    assign(session, playlist, cohort.id, by=teacher)
