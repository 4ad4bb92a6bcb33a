"""What happens when in the demo recordings: the steps that the narrated clip tells of, and those of the angiograms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy.orm import Session

from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import add_annotations
from videolib.catalogue.entries import Entry
from videolib.catalogue.media_time import to_ticks
from videolib.catalogue.vocabulary import list_terms_by_ids
from videolib.demo.narration import DURATION_S, PASSAGES

ILIAC, ILIAC_S = "step.stent_iliac.02", 7.9
# where the tumour of the hepatic phantom stains, in percent of the picture, and when
STAIN_BOX, STAIN_S = (18.0, 39.0, 18.0, 20.0), (3.5, 9.0)


@dataclass(frozen=True)
class DemoMoment:
    """A step, or with a box a mark on the picture with what it says."""

    start_s: float
    end_s: float
    step: str = ""
    box: tuple[float, ...] = ()
    zh: str = ""
    en: str = ""


def narrated_steps() -> tuple[DemoMoment, ...]:
    """The steps that the passages tell of: each lasts until the next one is told."""
    told = [(step, next(passages).start_s) for step, passages in groupby(PASSAGES, key=lambda passage: passage.step)]
    # a step begins where the one before it ends; the last one ends with the clip
    starts = [0.0, *(start for _step, start in told[1:]), DURATION_S]
    return tuple(DemoMoment(starts[at], starts[at + 1], step) for at, (step, _start) in enumerate(told))


def hepatic_moments() -> tuple[DemoMoment, ...]:
    """The stain is marked; the runs of the examination stay its chapters."""
    return (DemoMoment(*STAIN_S, box=STAIN_BOX, zh="肿瘤染色", en="Tumour stain"),)


def iliac_moments() -> tuple[DemoMoment, ...]:
    """One run is one step."""
    return (DemoMoment(0.0, ILIAC_S, ILIAC),)


def add_moments(session: Session, entry: Entry, moments: Sequence[DemoMoment]) -> None:
    """Mark them; a step brings its phase, neighbours of one phase share it."""
    phases = {term.id: str(term.broader_id) for term in list_terms_by_ids(session, [one.step for one in moments])}
    values = []
    for phase, steps in groupby((one for one in moments if one.step), key=lambda one: phases[one.step]):
        inside = list(steps)
        values.append(_span("phase", phase, inside[0].start_s, inside[-1].end_s))
        values += [_span("step", one.step, one.start_s, one.end_s) for one in inside]
    values += [
        AnnotationValues(
            "mark",
            to_ticks(one.start_s),
            to_ticks(one.end_s),
            note={"zh": one.zh, "en": one.en},
            shape={"box": list(one.box)},
        )
        for one in moments
        if one.box
    ]
    add_annotations(session, entry, values, by=None, tool="videolib demo")


def _span(kind: str, term_id: str, start_s: float, end_s: float) -> AnnotationValues:
    return AnnotationValues(kind, to_ticks(start_s), to_ticks(end_s), term_id=term_id)
