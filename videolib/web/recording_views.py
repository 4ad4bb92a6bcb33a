"""What pages and the API show of a recording: how far it is, why it was refused, and what may be done with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from videolib.catalogue.access import can
from videolib.catalogue.cines import find_corrections, run_names
from videolib.catalogue.entries import Entry
from videolib.catalogue.packages import find_playable
from videolib.catalogue.people import User
from videolib.catalogue.progress import RenditionProgress, WorkState, describe_work
from videolib.catalogue.recordings import TRANSITIONS, Recording
from videolib.web.access import current_person
from videolib.web.cards import first_text
from videolib.web.cine_views import guesses_json
from videolib.web.context import database_session
from videolib.web.error_texts import REASONS, WAITS
from videolib.web.languages import language
from videolib.web.texts import STAGES, STATES, clock_text, minute_text, word

_IN_WORK = frozenset({"queued", "processing"})


@dataclass(frozen=True)
class RecordingView:
    """One recording for a template."""

    id: str
    name: str
    state: str
    state_text: str
    stage: str | None
    stage_text: str
    progress: float | None
    reason: str | None
    reason_code: str | None
    status_url: str
    entry_url: str | None
    edit_url: str | None
    uploaded_text: str
    source_text: str
    can_retry: bool
    can_cancel: bool
    can_sign_off: bool
    sign_off_reason: str | None
    # where it is looked at before it is signed off, for who may open it
    desk_url: str | None
    work: WorkView | None
    # where its runs and guesses are looked at, for editors of a DICOM recording
    cine_url: str | None
    case_url: str | None


@dataclass(frozen=True)
class WorkView:
    """How far the work is: sentences, and each rendition's part from 0 to 1."""

    sentences: tuple[str, ...]
    renditions: tuple[RenditionProgress, ...]
    is_playable: bool


def make_recording_view(recording: Recording, entry: Entry | None) -> RecordingView:
    """The recording as who asks may see it; `entry` is the one made of it."""
    person = current_person()
    editor = can(person, "edit", "catalogue")
    waits = recording.state == "awaiting_review"
    opens = can(person, "open", recording)
    return RecordingView(
        id=recording.id,
        name=_shown_name(recording, entry, person),
        state=recording.state,
        state_text=word(STATES, recording.state),
        stage=recording.stage,
        stage_text=word(STAGES, recording.stage),
        progress=recording.progress if recording.state == "processing" else None,
        reason=reason_text(recording),
        reason_code=recording.reason_code,
        status_url=url_for("recordings.show", recording_id=recording.id),
        entry_url=url_for("entries.show", entry_id=entry.id) if entry else None,
        edit_url=url_for("studio.edit", entry_id=entry.id) if entry and editor else None,
        uploaded_text=minute_text(recording.created_at),
        source_text=_source_text(recording.source or {}),
        can_retry=editor and can_be_tried_again(recording),
        can_cancel=editor and "cancel" in TRANSITIONS[recording.state],
        can_sign_off=waits and can(person, "sign_off", recording),
        sign_off_reason=_why_not_sign_off(recording, person) if waits else None,
        desk_url=url_for("desk.show", recording_id=recording.id) if waits and opens else None,
        work=make_work_view(recording) if recording.state in _IN_WORK else None,
        case_url=url_for("privacy.recording", recording_id=recording.id)
        if editor and not recording.is_montage
        else None,
        cine_url=url_for("cines.edit", recording_id=recording.id) if editor and run_names(recording) else None,
    )


def _shown_name(recording: Recording, entry: Entry | None, person: User | None) -> str:
    """The file's name for its uploader and the hospital's reviewers; to others what it has become, or when it came."""
    if can(person, "name", recording) and recording.source_name:
        return recording.source_name
    return neutral_name(recording, entry)


def neutral_name(recording: Recording, entry: Entry | None) -> str:
    """What it has become, or when it came: never its file's name."""
    title = first_text(entry.title) if entry is not None else None
    return title.text if title else str(_("Recording of %(when)s", when=minute_text(recording.created_at)))


def make_work_view(recording: Recording) -> WorkView:
    """What a person who waits wants to know."""
    state = describe_work(database_session(), recording)
    playable = find_playable(database_session(), recording.id)
    return WorkView(tuple(_sentences(state)), state.renditions, playable is not None)


def recording_json(recording: Recording, entry: Entry | None) -> dict[str, Any]:
    """The recording for programs; words are in the caller's language."""
    reason = {"code": recording.reason_code, "message": reason_text(recording)} if recording.reason_code else None
    return {
        "id": recording.id,
        "state": recording.state,
        "state_text": word(STATES, recording.state),
        "stage": recording.stage,
        "stage_text": word(STAGES, recording.stage),
        "progress": recording.progress,
        "reason": reason,
        "work": _work_json(recording),
        "entry_id": entry.id if entry else None,
        "source": recording.source,
        "warnings": list(recording.warnings),
        "guesses": guesses_json(recording),
        "corrections": find_corrections(database_session(), recording.id),
        "timing": dict(recording.timing),
        "created_at": recording.created_at.isoformat(),
        "updated_at": recording.updated_at.isoformat(),
    }


def _work_json(recording: Recording) -> dict[str, Any] | None:
    if recording.state not in _IN_WORK:
        return None
    state = describe_work(database_session(), recording)
    playable = find_playable(database_session(), recording.id)
    waits = {"code": state.waits_code, "message": _waits_text(state)} if state.waits_code else None
    return {
        "renditions": [{"name": one.name, "progress": one.progress} for one in state.renditions],
        "chunks_done": state.chunks_done,
        "chunks": state.chunks,
        "place": state.place,
        "screened": state.screened,
        "speed": state.speed,
        "time_left_s": state.time_left_s,
        "hosts": list(state.hosts),
        "waits": waits,
        "is_playable": playable is not None,
        "sentences": list(_sentences(state)),
    }


def _sentences(state: WorkState) -> Iterator[str]:
    if state.waits_code:
        yield _waits_text(state)
    if state.place is not None:
        yield str(_("Number %(place)s in the queue", place=state.place))
    if state.screened is not None:
        yield str(_("searched for patient data: %(share)s %%", share=int(100 * state.screened)))
    if state.chunks:
        yield str(_("%(done)s of %(all)s parts are made", done=state.chunks_done, all=state.chunks))
    if state.speed:
        yield str(_("%(speed)s× as fast as it plays", speed=f"{state.speed:.1f}"))
    if state.time_left_s is not None:
        yield _left_text(state.time_left_s)
    if state.hosts:
        yield str(_("on %(hosts)s", hosts=", ".join(state.hosts)))


def _left_text(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return str(_("less than a minute left"))
    return str(
        _("about %(time)s left", time=f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min")
    )


def _waits_text(state: WorkState) -> str:
    if language() == "zh" and state.waits_code in WAITS:
        return str(WAITS[state.waits_code])
    return state.waits_message or word(WAITS, state.waits_code)


def reason_text(recording: Recording) -> str | None:
    """Why it was refused or failed: the sentence that was written down; where Chinese has none for it, by its code."""
    if recording.reason_code is None:
        return None
    return failure_text(recording.reason_code, recording.reason_message, REASONS)


def failure_text(code: str, sentence: str | None, words: Mapping[str, Any]) -> str:
    """The sentence that was written down of a failure; where Chinese has none, `words` by its code."""
    if language() == "zh" and code in words:
        said = str(_(sentence)) if sentence else ""
        return said if said != (sentence or "") else str(words[code])
    return sentence or word(words, code)


def can_be_tried_again(recording: Recording) -> bool:
    """Whether its work has ended without a package and its original is here."""
    return recording.state in {"failed", "rejected", "cancelled"} and bool(recording.original_key)


def _why_not_sign_off(recording: Recording, person: User | None) -> str | None:
    if can(person, "sign_off", recording):
        return None
    if person is not None and recording.uploader_id == person.id:
        return str(_("Somebody other than the uploader has to look at the recording and sign it off."))
    return str(_("Only a reviewer of the recording's hospital signs it off; a privacy officer there names reviewers."))


def _source_text(source: dict[str, Any]) -> str:
    parts = []
    if source.get("width") and source.get("height"):
        parts.append(f"{source['width']}×{source['height']}")
    if source.get("fps"):
        parts.append(f"{round(float(source['fps']), 2):g} fps")
    if source.get("duration_s"):
        parts.append(clock_text(float(source["duration_s"])))
    return " · ".join(parts)
