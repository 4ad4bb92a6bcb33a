"""What an entry must say before it is published, by content type; pure: facts in, sentences for what is missing out.

`REQUIREMENTS` says what each thing is and when it is there, in the order of the form. `REQUIRED` and `ADVISED` say for
which content type it stops the publication, and for which it only lowers the figure. The numbers LV1 to LV9 are the
items of the LAP-VEGaS statement that a field serves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from videolib.catalogue.documents import value_at

FEWEST_PHASES = 3
MOST_POINTS = 18
Check = Callable[["Facts"], str | None]


@dataclass(frozen=True)
class Facts:
    """Everything that the gate asks of an entry; `document` is what would be published.

    `named_in_title` holds "procedure" and "pathology" where the title names one of the entry's. `phases` are pairs of
    seconds in their order; `points` those of a review that is bound to this very content, None without one.
    """

    document: Mapping[str, Any]
    recording_state: str | None = None
    has_package: bool = False
    has_open_guesses: bool = False
    duration_s: float | None = None
    phases: tuple[tuple[float, float], ...] = ()
    # of each complication that is marked in time: whether it has its grade
    graded_complications: tuple[bool, ...] = ()
    # what keeps the recording beside the main one from being shown, a sentence
    second_lacks: str | None = None
    has_captions: bool = False
    # the recording is one of a patient's case: whatever the entry says, a consent is asked for
    has_case: bool = False
    named_in_title: frozenset[str] = frozenset()
    is_vascular: bool = True
    is_graded: bool = False
    points: int | None = None
    threshold: int = 0
    uploader_names: frozenset[str] = frozenset()
    today: date = date.max

    @property
    def no_patient(self) -> bool:
        """Whether the recording shows no patient, so that nothing about one is asked."""
        return bool(self.document.get("no_patient_shown"))


@dataclass(frozen=True)
class Completeness:
    """How far an entry is. `missing` stops the publication, `advised` would make it better: sentences by field."""

    percent: int
    missing: dict[str, str] = field(default_factory=dict)
    advised: dict[str, str] = field(default_factory=dict)


def assess(facts: Facts) -> Completeness:
    """Look at everything that is asked of this content type."""
    required, advised = asked_of(facts)
    sentences = {name: sentence for name in REQUIREMENTS if (sentence := REQUIREMENTS[name](facts)) is not None}
    asked = [name for name in REQUIREMENTS if name in required or name in advised]
    met = sum(name not in sentences for name in asked)
    missing = {name: sentence for name, sentence in sentences.items() if name in required}
    if facts.phases and "segments" in sentences and sentences["segments"] != _TOO_FEW_PHASES:
        missing["segments"] = sentences["segments"]  # wrong phases are worse than none, whatever the type
    return Completeness(
        percent=100 * met // max(1, len(asked)),
        missing=missing,
        advised={name: text for name, text in sentences.items() if name in advised and name not in missing},
    )


def asked_of(facts: Facts) -> tuple[frozenset[str], frozenset[str]]:
    """What is required and what is advised of this entry."""
    kind = facts.document.get("content_type")
    required = REQUIRED.get(str(kind), REQUIRED["ct.full"]) if kind else BASIC
    advised = ADVISED.get(str(kind), frozenset())
    if facts.no_patient:
        required, advised = required - OF_A_PATIENT, advised - OF_A_PATIENT
    if not facts.is_vascular:
        required -= {"access"}
    if not facts.is_graded:
        required -= {"cn_grade"}
    if facts.has_case:
        required |= {"consent"}
    if facts.second_lacks:
        required |= {"second"}
    return required, advised - required


def _text(path: str, sentence: str) -> Check:
    return lambda facts: None if value_at(facts.document, path) else sentence


def _answered(path: str, sentence: str) -> Check:
    """For yes-or-no questions: no is an answer."""
    return lambda facts: sentence if value_at(facts.document, path) is None else None


def _recording(facts: Facts) -> str | None:
    if facts.recording_state is None:
        return "Add a recording."
    if facts.recording_state == "awaiting_review":
        return "A second person has to look at the recording and sign it off."
    if facts.recording_state != "ready" or not facts.has_package:
        return "Wait until the recording is ready to be watched."
    if facts.has_open_guesses:
        return "Look at what was guessed about the DICOM recording: confirm or correct it."
    return None


def _title(facts: Facts) -> str | None:
    lacks_procedure = "procedure" not in facts.named_in_title
    lacks_pathology = "pathology" not in facts.named_in_title and not facts.no_patient
    if lacks_procedure and lacks_pathology:
        return "Name the procedure and the disease in the title, as their lists of terms do."
    if lacks_procedure:
        return "Name the procedure in the title, as its list of terms does."
    return "Name the disease in the title, as its list of terms does." if lacks_pathology else None


def _coi(facts: Facts) -> str | None:
    found = facts.document.get("coi") or {}
    return (
        None
        if found.get("none") or found.get("text")
        else "Say whether there is a conflict of interest: none, or which."
    )


def _off_label(facts: Facts) -> str | None:
    found = facts.document.get("off_label") or {}
    if found.get("none") or found.get("text"):
        return None
    return "Say whether a device or drug was used off label: no, or which and how."


# a consent for the institution covers its own people, everyone signed in here, and whom an editor names of them
_COVERED_BY: dict[str, frozenset[str]] = {
    "public": frozenset({"public"}),
    "programme": frozenset({"public", "programme"}),
    **dict.fromkeys(("signed_in", "institution", "people"), frozenset({"public", "programme", "institution"})),
}


def covers(consent: Mapping[str, Any], audience: str, today: date) -> bool:
    """Whether a consent, in the fields of an entry, holds on that day and reaches that audience."""
    holds = str(consent.get("obtained_on") or "9999") <= today.isoformat() <= str(consent.get("expires_on") or "9999")
    return holds and not consent.get("withdrawn_on") and consent.get("scope") in _COVERED_BY[audience]


def _sharing(facts: Facts) -> str | None:
    is_narrow = facts.document.get("audience") in {"institution", "programme", "people"}
    is_named = not is_narrow or value_at(facts.document, "sharing.names")
    return None if is_named else "Say for whom it is: nobody is named yet."


def _consent(facts: Facts) -> str | None:
    found = facts.document.get("consent") or {}
    today = facts.today.isoformat()
    if found.get("withdrawn_on"):
        return "The patient has withdrawn consent: this cannot be published."
    if not all(found.get(name) for name in ("id", "scope", "obtained_on")):
        return "Say which consent there is: its number, how far it goes, and since when."
    if found["obtained_on"] > today or str(found.get("expires_on") or "9999") < today:
        return "The consent does not hold today; look at its dates."
    if not covers(found, str(facts.document.get("audience") or "signed_in"), facts.today):
        return "The consent does not cover everybody: choose a smaller audience, or obtain a wider consent."
    return None


def _deid(facts: Facts) -> str | None:
    found = facts.document.get("deid") or {}
    if found.get("status") != "done" or not found.get("reviewer") or not found.get("date"):
        return "Say who made sure, and when, that nobody can be recognised."
    if found["reviewer"].strip().casefold() in facts.uploader_names:
        return "De-identification is checked by somebody other than the uploader."
    return None


_TOO_FEW_PHASES = "Mark at least three phases of the procedure."


def _segments(facts: Facts) -> str | None:
    ends = [0.0, *(end for _, end in facts.phases)]
    if any(start < before for (start, _), before in zip(facts.phases, ends, strict=False)):
        return "Phases overlap; give each its own stretch of time."
    if any(end <= start for start, end in facts.phases):
        return "A phase ends before it begins."
    if facts.duration_s is not None and ends[-1] > facts.duration_s + 0.5:
        return "A phase lies beyond the end of the recording."
    return _TOO_FEW_PHASES if len(facts.phases) < FEWEST_PHASES else None


def _events(facts: Facts) -> str | None:
    if not facts.graded_complications:
        return "Mark when the complication happens, with its CIRSE grade."
    return None if all(facts.graded_complications) else "Give each complication that is marked its CIRSE grade."


def _commentary(facts: Facts) -> str | None:
    found = facts.document.get("commentary") or {}
    if facts.has_captions or found.get("audio_lang") or found.get("written"):
        return None
    return "Explain the recording: spoken (say in which language), written, or by captions."


def _complications(facts: Facts) -> str | None:
    if facts.document.get("complications") or value_at(facts.document, "outcomes.complications"):
        return None
    return "Say which complications there were: none, or what happened."


def _review(facts: Facts) -> str | None:
    if facts.threshold == 0 or (facts.points is not None and facts.points >= facts.threshold):
        return None
    if facts.points is not None:
        return "The review gave fewer points than this library asks for; improve it and have it reviewed again."
    return "Have it reviewed as it is now: a colleague who had no part in it scores the nine LAP-VEGaS items."


def _embargo(facts: Facts) -> str | None:
    until = value_at(facts.document, "rights.embargo")
    return "The embargo has not ended yet." if until and until > facts.today.isoformat() else None


REQUIREMENTS: dict[str, Check] = {
    "title.zh": _text("title.zh", "Give it a title in Chinese."),
    "title.en": _text("title.en", "Give it a title in English."),
    "title": _title,  # LV3
    "content_type": _text(
        "content_type", "Say what kind of video it is, for example ct.edited, ct.lecture or ct.simulation."
    ),
    "procedures": _text("procedures", "Name at least one procedure."),
    "summary": _text("summary", "Sum up in some sentences what is shown."),
    "learning_objectives": _text(
        "learning_objectives", "Write what one can learn from it, one to six objectives."
    ),  # LV4
    "target_learners": _text("target_learners", "Say for whom it is, for example tl.resident."),
    "difficulty": _text("difficulty", "Say how difficult it is, for example dif.core."),
    "anatomy": _text("anatomy", "Name the vessel or organ."),
    "side": _text("side", "Say which side: L, R, bilateral or NA."),
    "pathologies": _text("pathologies", "Name the disease or indication."),
    "cn_grade": _text("cn_grade", "Give the grade of the operation: your hospital's list has one for it."),
    "access": _text("access", "Name the access route."),
    "imaging_guidance": _text("imaging_guidance", "Name the imaging that guided it, for example img.dsa."),
    "devices": _text("devices", "Name the devices that are shown."),
    "off_label": _off_label,
    "case.age_band": _text("case.age_band", "Give the age as a band of five years, for example 60-64."),  # LV2
    "case.sex": _text("case.sex", "Give the sex: F, M, other or unknown."),
    "case.indication": _text("case.indication", "Say why the procedure was done."),
    "operator.role": _text("operator.role", "Say in which role the operator worked, for example role.primary."),
    "year_of_procedure": _text("year_of_procedure", "Give the year of the procedure."),
    "contributors": _text("contributors", "Name at least one contributor."),  # LV1
    "coi": _coi,
    "consent": _consent,
    "deid": _deid,  # LV8
    "segments": _segments,  # LV4
    "events": _events,
    "outcomes.technical": _text(
        "outcomes.technical", "Say whether it was a technical success: success, partial or failure."
    ),
    "outcomes.complications": _complications,  # LV6
    "commentary": _commentary,
    "edit.is_edited": _answered("edit.is_edited", "Say whether the recording was cut or sped up."),
    "rights.licence": _text("rights.licence", "Say under which licence it may be used, for example CC-BY-NC-ND-4.0."),
    "rights.embargo": _embargo,
    "sharing": _sharing,
    "recording": _recording,
    "second": lambda facts: facts.second_lacks,
    "review": _review,
}

BASIC = frozenset({"title.zh", "title.en", "content_type", "procedures", "recording", "rights.embargo", "sharing"})
TEACHING = frozenset(
    {"summary", "learning_objectives", "target_learners", "difficulty", "contributors", "coi", "rights.licence"}
)
SUBJECT = frozenset({"title", "anatomy", "pathologies", "imaging_guidance"})
CASE = frozenset({"side", "access", "cn_grade", "case.age_band", "case.sex", "case.indication", "year_of_procedure"})
PROTECTION = frozenset({"consent", "deid", "off_label"})
CONDUCT = frozenset({"operator.role", "segments", "commentary", "edit.is_edited"})
RESULT = frozenset({"outcomes.technical", "outcomes.complications"})
REVIEW = frozenset({"review"})
# what "no patient shown" makes pointless
OF_A_PATIENT = CASE | PROTECTION | CONDUCT - {"commentary"} | RESULT | REVIEW | {"pathologies", "events"}

_PROCEDURE = BASIC | TEACHING | SUBJECT | CASE | PROTECTION | CONDUCT | RESULT | REVIEW
REQUIRED: dict[str, frozenset[str]] = {
    "ct.full": _PROCEDURE,
    "ct.edited": _PROCEDURE,
    "ct.live": _PROCEDURE,
    "ct.complication": _PROCEDURE | {"events"},
    "ct.technique": BASIC
    | TEACHING
    | SUBJECT
    | PROTECTION
    | REVIEW
    | {"operator.role", "commentary", "edit.is_edited"},
    "ct.cine": BASIC | TEACHING | SUBJECT | CASE | PROTECTION | REVIEW,
    "ct.mm": BASIC | TEACHING | SUBJECT | PROTECTION | REVIEW | {"case.indication", "outcomes.complications"},
    "ct.mdt": BASIC | TEACHING | PROTECTION | REVIEW | {"title", "pathologies", "case.indication"},
    "ct.nursing": BASIC | TEACHING | PROTECTION - {"off_label"},
    "ct.device": BASIC | TEACHING | {"devices", "off_label"},
    # nobody is treated: found by title, kind and procedure; the rest only makes it better
    "ct.lecture": BASIC,
    "ct.simulation": BASIC,
}
ADVISED: dict[str, frozenset[str]] = {
    "ct.technique": CASE | {"segments"} | RESULT,
    "ct.cine": RESULT | {"commentary"},
    "ct.mm": CASE | {"operator.role", "segments", "commentary", "events"},
    "ct.mdt": SUBJECT | CASE,
    "ct.nursing": SUBJECT | {"commentary"},
    "ct.device": frozenset({"title", "commentary", "edit.is_edited"}),
    "ct.lecture": TEACHING | {"commentary"},
    "ct.simulation": TEACHING | SUBJECT - {"pathologies"} | {"commentary"},
}
