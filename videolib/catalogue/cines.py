"""What editors decide about DICOM recordings: what to show where a file leaves it open, and that a guess is right.

What ingest guessed stands in the recording's `source.dicom.guessed`; until each of them is confirmed or corrected,
the entry is not published. A correction makes the package anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session

from videolib.catalogue.audit import record_event
from videolib.catalogue.jobs import start_work
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import supersede
from videolib.db import Base, utc_now
from videolib.errors import Conflict, InvalidInput

NO_CINE = "This recording has no DICOM runs to decide about."
_Shift = Annotated[float, Field(ge=-512, le=512, allow_inf_nan=False)]


class CineDecision(Base):
    """The decisions about one recording. `corrections` are by the name of a run: `1`, or `1b` for its second plane."""

    __tablename__ = "cine_decisions"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True)
    corrections: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # [{"key", "value"}]: a guess that comes out otherwise another time is to be confirmed again
    confirmed: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime] = mapped_column(default=utc_now)


class WindowChoice(BaseModel):
    """A grey-scale window in the values of the file."""

    model_config = ConfigDict(extra="forbid")

    center: Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
    width: Annotated[float, Field(ge=1, le=1e6, allow_inf_nan=False)]


class RunCorrection(BaseModel):
    """What an editor says about one run; null leaves it to the file again."""

    model_config = ConfigDict(extra="forbid")

    fps: Annotated[float, Field(ge=0.1, le=240, allow_inf_nan=False)] | None = None
    window: WindowChoice | None = None
    mask_frames: Annotated[list[Annotated[int, Field(ge=1, le=200_000)]], Field(max_length=200)] | None = None
    pixel_shift: tuple[_Shift, _Shift] | None = None
    subtracted_width: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None
    all_frames: bool | None = None
    overlays: bool | None = None


@dataclass(frozen=True)
class GuessState:
    """Something that was guessed: what it is, of which run, the value taken, and whether a person has agreed."""

    key: str
    run: int
    plane: str | None
    what: str
    value: Any
    message: str
    is_confirmed: bool


def find_corrections(session: Session, recording_id: str) -> dict[str, Any]:
    """What was corrected about a recording, by the name of the run."""
    decision = session.get(CineDecision, recording_id)
    return dict(decision.corrections) if decision else {}


def list_guesses(session: Session, recording: Recording) -> list[GuessState]:
    """Everything that was guessed when the recording's newest package was made."""
    decision = session.get(CineDecision, recording.id)
    agreed = list(decision.confirmed) if decision else []
    return [
        GuessState(
            key=str(guess["key"]),
            run=int(guess["run"]),
            plane=guess.get("plane"),
            what=str(guess["what"]),
            value=guess.get("value"),
            message=str(guess["message"]),
            is_confirmed={"key": guess["key"], "value": guess.get("value")} in agreed,
        )
        for guess in _cine_of(recording).get("guessed") or []
    ]


def unconfirmed_guesses(recording: Recording) -> list[str]:
    """What of a stored recording was guessed and by nobody agreed to, a sentence each; for the rule of publishing."""
    session = object_session(recording)
    if session is None or not _cine_of(recording).get("guessed"):
        return []
    return [guess.message for guess in list_guesses(session, recording) if not guess.is_confirmed]


def run_names(recording: Recording) -> list[str]:
    """The names of a recording's runs: `1`, `2`, `2b` for a second plane; none where it is no cine."""
    cine = _cine_of(recording)
    if cine.get("rate_source") == "video stream":
        return []
    runs = [(int(run["number"]), "") for run in cine.get("runs") or []]
    return [f"{number}{plane}" for number, plane in sorted([*runs, *_second_planes(cine)])]


def correct_cine(
    session: Session, recording: Recording, corrections: Mapping[str, Any], *, by: User | None
) -> CineDecision:
    """Keep what is given about some runs and make the package anew; fields that are not given stay as they are.

    Raises `InvalidInput` for values that cannot be, `Conflict` while the recording is being worked on.
    """
    decision = _decision(session, recording)
    kept = dict(decision.corrections)
    for name, given in corrections.items():
        changes = _checked(recording, name, given)
        merged = {**kept.get(name, {}), **changes}
        kept[name] = {field: value for field, value in merged.items() if value not in (None, False, [])}
    kept = {name: run for name, run in kept.items() if run}
    if kept == decision.corrections:
        return decision
    decision.corrections = kept
    _sign(session, decision, by)
    record_event(session, "correct_cine", "recording", recording.id, by=by, corrections=kept)
    # other pictures may be shown by then: what was reviewed counts no more
    recording.signed_off_by_id = recording.signed_off_at = None
    supersede(session, recording.id)
    start_work(session, recording, by=by)
    return decision


def confirm_guesses(
    session: Session, recording: Recording, keys: Iterable[str] | None = None, *, by: User | None
) -> CineDecision:
    """Somebody has looked at these guesses (None: at all of them) and agrees. Raises `InvalidInput`, `Conflict`."""
    if recording.state not in {"ready", "awaiting_review"}:
        raise Conflict("Wait until the recording is ready to be watched.", code="wrong_state")
    guesses = {guess.key: guess for guess in list_guesses(session, recording)}
    wanted = list(guesses) if keys is None else list(keys)
    if unknown := [key for key in wanted if key not in guesses]:
        sentence = "There is no such guess any more; look at the recording again."
        raise InvalidInput(sentence, fields={key[:40]: sentence for key in unknown[:5]}, code="unknown_guess")
    decision = _decision(session, recording)
    others = [item for item in decision.confirmed if item["key"] in guesses and item["key"] not in wanted]
    decision.confirmed = [*others, *({"key": key, "value": guesses[key].value} for key in wanted)]
    _sign(session, decision, by)
    record_event(session, "confirm_cine", "recording", recording.id, by=by, keys=sorted(wanted))
    return decision


def _checked(recording: Recording, name: str, given: Any) -> dict[str, Any]:
    """The fields given about one run. Raises `InvalidInput` naming each at fault."""
    if name not in run_names(recording):
        sentence = "The recording has no run of this name."
        raise InvalidInput(NO_CINE if not run_names(recording) else sentence, fields={name[:40]: sentence})
    try:
        checked = RunCorrection.model_validate(given)
    except ValidationError as error:
        fields = {".".join([name, *(str(part) for part in item["loc"])]): f"{item['msg']}." for item in error.errors()}
        raise InvalidInput("Some of these values cannot be.", fields=fields) from None
    frames = _frames_of(recording, name)
    if checked.mask_frames and max(checked.mask_frames) > frames:
        sentence = f"The run has {frames} frames; name some of these as the mask."
        raise InvalidInput(sentence, fields={f"{name}.mask_frames": sentence})
    return {field: value for field, value in checked.model_dump(mode="json").items() if field in given}


def _frames_of(recording: Recording, name: str) -> int:
    cine = _cine_of(recording)
    runs = cine.get("second_planes" if name.endswith("b") else "runs") or []
    return next((int(run["frames"]) for run in runs if str(run["number"]) == name.rstrip("b")), 0)


def _second_planes(cine: Mapping[str, Any]) -> list[tuple[int, str]]:
    return [(int(run["number"]), "b") for run in cine.get("second_planes") or []]


def _cine_of(recording: Recording) -> Mapping[str, Any]:
    return (recording.source or {}).get("dicom") or {}


def _decision(session: Session, recording: Recording) -> CineDecision:
    decision = session.get(CineDecision, recording.id)
    if decision is None:
        decision = CineDecision(recording_id=recording.id, corrections={}, confirmed=[])
        session.add(decision)
    return decision


def _sign(session: Session, decision: CineDecision, by: User | None) -> None:
    decision.decided_by_id = by.id if by else None
    decision.decided_at = utc_now()
    session.flush()
