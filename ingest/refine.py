"""What is looked at more closely before the encode: which rungs are worth it, how loud it is, what text there is.

A plan is made from headers alone (`plan`); this brings it in line with what the pictures and the sound are like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.inspection import Inspection
from ingest.plan import EncodePlan
from ingest.quality import QualityRecord, choose_rungs, follow
from ingest.redaction import Redaction, chapters_left, texts_left
from ingest.sound import Loudness, SoundRecord, measure_sound, with_loudness
from ingest.subtitles import FoundChapter, Texts, chapters_in, describe_text, read_texts


@dataclass(frozen=True)
class Refinement:
    """What was found, and what it does to a plan."""

    quality: QualityRecord
    loudness: tuple[Loudness, ...]
    sounds: tuple[SoundRecord, ...]
    texts: Texts
    chapters: tuple[FoundChapter, ...]

    def follow(self, plan: EncodePlan) -> EncodePlan:
        """Return a plan in line with it."""
        return with_loudness(follow(plan, self.quality), self.loudness)[0]

    def without(self, redactions: Sequence[Redaction]) -> Refinement:
        """Return it without the text that a reviewer has taken out."""
        if not redactions:
            return self
        texts = replace(self.texts, tracks=texts_left(self.texts.tracks, redactions))
        return replace(self, texts=texts, chapters=chapters_left(self.chapters, redactions))

    def record(self) -> dict[str, object]:
        """Return the part of package.json that says how rungs and loudness were chosen."""
        return {"quality": self.quality.describe(), "sound": [one.describe() for one in self.sounds]}

    def describe(self) -> dict[str, object]:
        """Return the part of the contract's package object that is text."""
        return describe_text(self.texts, self.chapters)


def refine(
    source: Path,
    inspection: Inspection,
    plan: EncodePlan,
    work: Path,
    *,
    beside: Iterable[Path] = (),
    cancelled: Callable[[], bool] | None = None,
) -> Refinement:
    """Probe pictures, sound and text of a recording; `work` is an empty folder, `beside` are caption files beside it.

    Raises `ToolFailed` where a tool is at fault, `Cancelled`.
    """
    quality = choose_rungs(source, inspection, plan, work, cancelled=cancelled)
    loudness, sounds, texts = listen(source, inspection, plan, work, beside=beside, cancelled=cancelled)
    return Refinement(quality, loudness, sounds, texts, chapters_in(inspection, plan))


def listen(
    source: Path,
    inspection: Inspection,
    plan: EncodePlan,
    work: Path,
    *,
    beside: Iterable[Path] = (),
    cancelled: Callable[[], bool] | None = None,
) -> tuple[tuple[Loudness, ...], tuple[SoundRecord, ...], Texts]:
    """Read all sound and text of a recording: the part of refining that takes the whole file. Raises as `refine`."""
    loudness = measure_sound(source, plan, work, cancelled=cancelled)
    texts = read_texts(source, inspection, plan, work, beside=beside, cancelled=cancelled)
    return loudness, with_loudness(plan, loudness)[1], texts
