"""The fields of the form of an entry: one table says where each stands, what it is called and how it is filled in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from videolib.catalogue.entry_structures import AGE_BANDS, BMI_BANDS, EXPERIENCE_BANDS

YES_NO = (("yes", _("Yes")), ("no", _("No")))
SIDES = (("L", _("Left")), ("R", _("Right")), ("bilateral", _("Both sides")), ("NA", _("Does not apply")))
SEXES = (("F", _("Female")), ("M", _("Male")), ("other", _("Other")), ("unknown", _("Unknown")))
RESULTS = (
    ("success", _("Success")),
    ("partial", _("Partial")),
    ("failure", _("Failure")),
    ("not_assessed", _("Not assessed")),
)
SCOPES = (
    ("institution", _("This institution")),
    ("programme", _("The training programme")),
    ("public", _("Everybody")),
)
DEID = (("pending", _("Not done yet")), ("done", _("Done and checked")), ("not_needed", _("Not needed")))
AUDIENCES = (
    ("signed_in", _("Everyone signed in")),
    ("public", _("Everybody")),
    ("institution", _("The people of some hospitals")),
    ("programme", _("Those who take part in some programmes")),
    ("people", _("Some people")),
)
NONE_OR_STATED = (("yes", _("None")), ("no", _("As stated beside")))
_LANGUAGES = (("zh", _("Chinese"), "zh-Hans"), ("en", _("English"), "en"))


@dataclass(frozen=True)
class FormField:
    """One field. `kind`: line, text, lines, number, date, choice, yesno, term, terms, rows.

    `options` are (value, word) of a choice, `scheme` the list of a term, `columns` the fields of a row (their paths are
    names inside the row), `lang` the language that is typed.
    """

    path: str
    kind: str
    label: Any
    options: tuple[tuple[str, Any], ...] = ()
    scheme: str = ""
    columns: tuple[FormField, ...] = ()
    lang: str = ""
    hint: Any = ""


@dataclass(frozen=True)
class FormGroup:
    """Fields that belong together."""

    id: str
    label: Any
    fields: tuple[FormField, ...]


def _both(path: str, label: Any, kind: str = "text") -> tuple[FormField, FormField]:
    """A text in Chinese and in English."""
    chinese, english = (FormField(f"{path}.{code}", kind, (label, word), lang=tag) for code, word, tag in _LANGUAGES)
    return chinese, english


def _bands(values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((value, value) for value in values)


_OBJECTIVE = (
    FormField("zh", "line", _("Chinese"), lang="zh-Hans"),
    FormField("en", "line", _("English"), lang="en"),
)
GROUPS = (
    FormGroup(
        "about",
        _("What it is"),
        (
            *_both("title", _("Title"), "line"),
            *_both("summary", _("Summary")),
            FormField("content_type", "term", _("Kind of video"), scheme="content_type"),
            FormField(
                "no_patient_shown",
                "yesno",
                _("No patient is shown"),
                options=YES_NO,
                hint=_("A phantom, a simulator, drawings: then nothing is asked about a patient."),
            ),
            FormField("difficulty", "term", _("Difficulty"), scheme="difficulty"),
            FormField("audience", "choice", _("Who may watch"), options=AUDIENCES),
            FormField(
                "sharing.names",
                "lines",
                _("Which of them"),
                hint=_("Hospitals or programmes by name, people by e-mail address; one a line."),
            ),
            FormField("sharing.starts_on", "date", _("To be seen from")),
            FormField("sharing.ends_on", "date", _("To be seen until")),
            FormField("target_learners", "terms", _("Target learners"), scheme="target_learner"),
            FormField("learning_objectives", "rows", _("Learning objectives"), columns=_OBJECTIVE),
        ),
    ),
    FormGroup(
        "subject",
        _("Procedure and disease"),
        (
            FormField("procedures", "terms", _("Procedures, the main one first"), scheme="procedure"),
            FormField("pathologies", "terms", _("Diseases and indications"), scheme="pathology"),
            FormField("anatomy", "terms", _("Anatomy"), scheme="anatomy"),
            FormField("side", "choice", _("Side"), options=SIDES),
            FormField("classification", "terms", _("Classifications"), scheme="classification"),
            FormField("imaging_guidance", "terms", _("Imaging"), scheme="imaging"),
            FormField("cn_grade", "term", _("Grade of the operation"), scheme="cn_grade"),
            FormField("cn_grade_source.body", "line", _("Graded by")),
            FormField("cn_grade_source.year", "number", _("Year of that list")),
        ),
    ),
    FormGroup(
        "means",
        _("Access, devices, drugs"),
        (
            FormField("access", "terms", _("Access routes"), scheme="access"),
            FormField(
                "access_details",
                "rows",
                _("Sheaths"),
                columns=(
                    FormField("site", "term", _("Access route"), scheme="access"),
                    FormField("side", "choice", _("Side"), options=SIDES),
                    FormField("sheath_F", "number", _("Sheath (F)")),
                ),
            ),
            FormField("devices", "terms", _("Devices"), scheme="device"),
            FormField(
                "device_details",
                "rows",
                _("Makers and sizes"),
                columns=(
                    FormField("term", "term", _("Device"), scheme="device"),
                    FormField("manufacturer", "line", _("Maker")),
                    FormField("model", "line", _("Model")),
                    FormField("size", "line", _("Size")),
                    FormField("UDI", "line", _("UDI")),
                ),
                hint=_("Maker and model are shown only beside a disclosure."),
            ),
            FormField("drugs", "terms", _("Drugs"), scheme="drug"),
            FormField(
                "drug_details",
                "rows",
                _("Doses"),
                columns=(
                    FormField("term", "term", _("Drug"), scheme="drug"),
                    FormField("dose", "line", _("Dose")),
                    FormField("unit", "line", _("Unit")),
                ),
            ),
            FormField("off_label.none", "yesno", _("Off-label use of a device or drug"), options=NONE_OR_STATED),
            *_both("off_label.text", _("What was used off label, and how")),
        ),
    ),
    FormGroup(
        "case",
        _("The case"),
        (
            FormField(
                "case.age_band", "choice", _("Age"), options=_bands(AGE_BANDS), hint=_("In years; never exactly.")
            ),
            FormField("case.sex", "choice", _("Sex"), options=SEXES),
            FormField("case.bmi_band", "choice", _("Body mass index"), options=_bands(BMI_BANDS)),
            FormField("case.asa", "term", _("ASA"), scheme="classification:cls.asa"),
            *_both("case.indication", _("Indication")),
            *_both("case.comorbidities", _("Comorbidities")),
            *_both("case.prior_treatment", _("Earlier treatment")),
            *_both("case.preop_imaging", _("Imaging before")),
            FormField("year_of_procedure", "number", _("Year of the procedure")),
            FormField("live_recording", "yesno", _("Recorded live"), options=YES_NO),
            FormField("presented_at", "line", _("Presented at")),
        ),
    ),
    FormGroup(
        "people",
        _("People and disclosure"),
        (
            FormField(
                "contributors",
                "rows",
                _("Contributors"),
                columns=(
                    FormField("name", "line", _("Name")),
                    FormField("role", "line", _("Part in it")),
                    FormField("title", "term", _("Professional title"), scheme="prof_title"),
                    FormField("institution", "line", _("Institution")),
                    FormField("region", "term", _("Region"), scheme="region_cn"),
                    FormField("tier", "term", _("Hospital tier"), scheme="hospital_tier"),
                    FormField("orcid", "line", _("ORCID")),
                ),
            ),
            FormField("operator.role", "term", _("Operator's role"), scheme="case_role"),
            FormField(
                "operator.experience_band", "choice", _("Operator's cases before"), options=_bands(EXPERIENCE_BANDS)
            ),
            FormField("operator.is_trainee", "yesno", _("The operator is in training"), options=YES_NO),
            FormField("operator.prior_cases", "number", _("Cases before this one")),
            FormField("coi.none", "yesno", _("Conflict of interest"), options=NONE_OR_STATED),
            *_both("coi.text", _("Disclosure")),
            *_both("funding", _("Funding"), "line"),
        ),
    ),
    FormGroup(
        "protection",
        _("Consent and de-identification"),
        (
            FormField("consent.id", "line", _("Number of the consent")),
            FormField("consent.scope", "choice", _("It covers"), options=SCOPES),
            FormField("consent.obtained_on", "date", _("Obtained on")),
            FormField("consent.expires_on", "date", _("Expires on")),
            FormField("consent.withdrawn_on", "date", _("Withdrawn on")),
            FormField("consent.evidence_hash", "line", _("Digest of the document")),
            FormField("deid.status", "choice", _("De-identification"), options=DEID),
            FormField("deid.reviewer", "line", _("Checked by")),
            FormField("deid.date", "date", _("Checked on")),
            FormField("deid.report_id", "line", _("Number of the report")),
            FormField("deid.methods", "lines", _("Methods, one a line")),
            FormField("deid.findings", "text", _("Findings")),
        ),
    ),
    FormGroup(
        "outcome",
        _("Outcome"),
        (
            FormField("outcomes.technical", "choice", _("Technical success"), options=RESULTS),
            FormField("outcomes.clinical", "choice", _("Clinical success"), options=RESULTS),
            *_both("outcomes.complications", _("Complications, or none")),
            FormField("complications", "terms", _("Complications as terms"), scheme="complication"),
            FormField("outcomes.fluoro_min", "number", _("Fluoroscopy (min)")),
            FormField("outcomes.dap_gycm2", "number", _("Dose-area product (Gy·cm²)")),
            FormField("outcomes.contrast_ml", "number", _("Contrast (ml)")),
            FormField("outcomes.op_min", "number", _("Procedure time (min)")),
            *_both("outcomes.follow_up", _("Follow-up")),
        ),
    ),
    FormGroup(
        "teaching",
        _("Teaching and editing"),
        (
            *_both("key_points", _("Key points")),
            *_both("pitfalls", _("Pitfalls")),
            FormField(
                "commentary.audio_lang", "line", _("Language of the spoken commentary"), hint=_("As in zh-Hans or en.")
            ),
            *_both("commentary.written", _("Written commentary")),
            FormField("edit.is_edited", "yesno", _("Cut or sped up"), options=YES_NO),
            FormField("edit.total_case_min", "number", _("Length of the whole case (min)")),
            FormField(
                "edit.speed_changes",
                "rows",
                _("Changes of speed"),
                columns=(
                    FormField("start_s", "number", _("From (s)")),
                    FormField("end_s", "number", _("To (s)")),
                    FormField("factor", "number", _("Times as fast")),
                ),
            ),
            FormField(
                "references",
                "rows",
                _("References"),
                columns=(
                    FormField("doi", "line", _("DOI")),
                    FormField("pmid", "line", _("PubMed id")),
                    FormField("text", "line", _("Text")),
                ),
            ),
            FormField(
                "graphics",
                "rows",
                _("Drawings and stills that explain"),
                columns=(
                    *_both("title", _("What it shows"), "line"),
                    FormField("source", "line", _("From where")),
                    FormField("at_s", "number", _("Shown at (s)")),
                ),
            ),
            *_both("content_warning", _("Warning before it plays"), "line"),
            FormField("keywords", "lines", _("Free keywords, one a line")),
        ),
    ),
    FormGroup(
        "rights",
        _("Rights"),
        (
            FormField("rights.licence", "line", _("Licence"), hint=_("An SPDX id as CC-BY-NC-ND-4.0, or a text.")),
            FormField("rights.holder", "line", _("Holder of the rights")),
            FormField("rights.embargo", "date", _("Not to be published before")),
            FormField("rights.download_allowed", "yesno", _("May be downloaded"), options=YES_NO),
        ),
    ),
)


def all_fields() -> Iterator[FormField]:
    """Every field, in the order of the form."""
    for group in GROUPS:
        yield from group.fields
