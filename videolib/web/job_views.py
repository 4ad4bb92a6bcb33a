"""What pages show of jobs: plain values; a recording by its entry's title or the time it came, never by its file."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from videolib.catalogue.entries import Entry
from videolib.catalogue.job_lists import QueueLine, RunningLine, WorkLine
from videolib.catalogue.job_log import JobEvent, host_of
from videolib.catalogue.jobs import Job, tries
from videolib.catalogue.recordings import TRANSITIONS
from videolib.web.error_texts import REASONS, WAITS
from videolib.web.languages import language_of
from videolib.web.recording_views import can_be_tried_again, failure_text, neutral_name, reason_text
from videolib.web.texts import STAGES, STATES, clock_text, minute_text, word

VIEW_WORDS = {
    "open": lazy_gettext("At work"),
    "failed": lazy_gettext("Failed"),
    "done": lazy_gettext("Done"),
    "cancelled": lazy_gettext("Cancelled"),
}
QUEUE_WORDS = {"quick": lazy_gettext("Quick"), "io": lazy_gettext("Store"), "long": lazy_gettext("Encoding")}
JOB_WORDS = {
    "prepare": lazy_gettext("Inspect and plan"),
    "whole": lazy_gettext("Make in one piece"),
    "montage": lazy_gettext("Render the ranges"),
    "chunk": lazy_gettext("Encode a part"),
    "sound": lazy_gettext("Encode the sound"),
    "preview_sound": lazy_gettext("Sound of the preview"),
    "finish": lazy_gettext("Put together"),
    "screen": lazy_gettext("Look for patient data"),
}
JOB_STATES = {
    "queued": lazy_gettext("Waiting"),
    "running": lazy_gettext("Runs"),
    "done": lazy_gettext("Done"),
    "failed": lazy_gettext("Failed"),
    "cancelled": lazy_gettext("Cancelled"),
}
EVENT_WORDS = {
    **JOB_STATES,
    "started": lazy_gettext("Begun"),
    "put_back": lazy_gettext("Put back"),
}
URGENCY_NAMES = {1: "first", 0: "normal", -1: "last"}


@dataclass(frozen=True)
class QueueView:
    """A queue and its figures."""

    name: str
    running: int
    due: int
    held: int


@dataclass(frozen=True)
class RunningView:
    """A job in hand."""

    url: str
    name: str
    lang: str
    kind_text: str
    host: str
    percent: int
    speed_text: str
    since_text: str


@dataclass(frozen=True)
class WorkItem:
    """A recording in the list; `sentence` says why it failed."""

    id: str
    url: str
    name: str
    lang: str
    state: str
    state_text: str
    stage_text: str
    progress: float | None
    jobs_text: str
    when_text: str
    sentence: str
    urgency: str
    can_retry: bool
    can_cancel: bool


@dataclass(frozen=True)
class JobView:
    """One job of a recording."""

    what: str
    state: str
    state_text: str
    host: str
    percent: int | None
    tries: int
    started_text: str
    took_text: str
    sentence: str


@dataclass(frozen=True)
class EventView:
    """A line of the log."""

    when_text: str
    what: str
    event_text: str
    event: str
    attempt: int
    host: str
    sentence: str


def make_queue(line: QueueLine) -> QueueView:
    """The figures of a queue."""
    return QueueView(word(QUEUE_WORDS, line.queue), line.running, line.due, line.held)


def make_running(line: RunningLine, entry: Entry | None) -> RunningView:
    """A job in hand."""
    name = neutral_name(line.recording, entry)
    return RunningView(
        url=url_for("jobs.show", recording_id=line.recording.id),
        name=name,
        lang=language_of(name),
        kind_text=_what(line.job.kind, line.job.position),
        host=host_of(line.job.owner) or "",
        percent=round(line.job.progress * 100),
        speed_text=f"{line.speed:.1f}×" if line.speed else "",
        since_text=clock_text(line.since_s),
    )


def make_work(line: WorkLine, entry: Entry | None) -> WorkItem:
    """A recording in the list."""
    recording, name = line.recording, neutral_name(line.recording, entry)
    return WorkItem(
        id=recording.id,
        url=url_for("jobs.show", recording_id=recording.id),
        name=name,
        lang=language_of(name),
        state=recording.state,
        state_text=word(STATES, recording.state),
        stage_text=word(STAGES, recording.stage),
        progress=recording.progress if recording.state == "processing" else None,
        jobs_text=_jobs_text(line.counts),
        when_text=minute_text(recording.created_at),
        sentence=reason_text(recording) or "",
        urgency=URGENCY_NAMES.get(recording.urgency, "normal"),
        can_retry=can_be_tried_again(recording),
        can_cancel="cancel" in TRANSITIONS[recording.state],
    )


def make_job(job: Job) -> JobView:
    """One job of a recording."""
    took_s = (job.finished_at - job.started_at).total_seconds() if job.started_at and job.finished_at else None
    return JobView(
        what=_what(job.kind, job.position),
        state=job.state,
        state_text=word(JOB_STATES, job.state),
        host=host_of(job.owner) or "",
        percent=round(job.progress * 100) if job.state == "running" else None,
        tries=max(0, tries(job)),
        started_text=minute_text(job.started_at),
        took_text=clock_text(took_s),
        sentence=_why(job.error_code, job.error, is_over=job.state == "failed"),
    )


def make_event(event: JobEvent) -> EventView:
    """A line of the log."""
    return EventView(
        when_text=minute_text(event.at),
        what=_what(event.kind, event.position),
        event_text=word(EVENT_WORDS, event.event),
        event=event.event,
        attempt=event.attempt,
        host=event.host or "",
        sentence=_why(event.code, event.sentence, is_over=event.event == "failed"),
    )


def _what(kind: str, position: int | None) -> str:
    name = word(JOB_WORDS, kind)
    return str(_("%(name)s, no. %(number)s", name=name, number=position + 1)) if position is not None else name


def _jobs_text(counts: dict[str, int]) -> str:
    parts = [f"{word(JOB_STATES, state)} {counts[state]}" for state in JOB_STATES if counts.get(state)]
    return " · ".join(parts)


def _why(code: str | None, sentence: str | None, *, is_over: bool) -> str:
    return failure_text(code, sentence, REASONS if is_over else WAITS) if code else sentence or ""
