"""How far each person is in a playlist: of every clip what was really seen, which questions were answered, what counts.

A clip is done when nearly all of it was seen and every question that must be answered has been. What a person may not
see is hidden from them and counted; what is withdrawn counts for nobody. A playlist is done with its required clips,
or with all of them where none is required.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue.access import why_hidden
from videolib.catalogue.people import User
from videolib.catalogue.playlists import Playlist, PlaylistItem
from videolib.catalogue.questions import Question, QuestionAnswer, list_answers, list_questions
from videolib.catalogue.watch_records import DONE_SHARE
from videolib.catalogue.watch_time import Span, gaps_of, length_ms, unite
from videolib.catalogue.watched_since import Seen, assigned_since, find_watched

# of a gap that is shorter one has seen enough to go on behind it
_SMALL_GAP_MS = 1000


@dataclass(frozen=True)
class ClipProgress:
    """A clip that a person may see, and what they have done of it. `spans` lie inside the clip."""

    item: PlaylistItem
    start_ms: int
    end_ms: int
    spans: tuple[Span, ...]
    questions: tuple[Question, ...]
    answers: Mapping[str, QuestionAnswer]

    @property
    def share(self) -> float:
        """How much of the clip was seen, from 0 to 1."""
        whole = self.end_ms - self.start_ms
        return min(1.0, length_ms(self.spans) / whole) if whole > 0 else 0.0

    @property
    def open_questions(self) -> list[Question]:
        """Those that must be answered and were not."""
        return [one for one in self.questions if one.must_answer and one.id not in self.answers]

    @property
    def is_done(self) -> bool:
        """Whether it is ticked off."""
        return self.share >= DONE_SHARE and not self.open_questions

    @property
    def resume_ms(self) -> int:
        """Where to go on: at the first part that was not seen."""
        if not self.spans or self.share >= DONE_SHARE:
            return self.start_ms
        moved = [(start - self.start_ms, end - self.start_ms) for start, end in self.spans]
        gaps = gaps_of(moved, self.end_ms - self.start_ms)
        return self.start_ms + next((start for start, end in gaps if end - start > _SMALL_GAP_MS), 0)


@dataclass(frozen=True)
class Progress:
    """One person in one playlist. `hidden` counts the clips that are there and not for them."""

    clips: tuple[ClipProgress, ...]
    hidden: int

    @property
    def counted(self) -> tuple[ClipProgress, ...]:
        """The clips that decide whether it is done."""
        required = tuple(clip for clip in self.clips if clip.item.is_required)
        return required or self.clips

    @property
    def done_count(self) -> int:
        """How many of these are done."""
        return sum(clip.is_done for clip in self.counted)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to be done; an empty one is never done."""
        return bool(self.counted) and self.done_count == len(self.counted)

    @property
    def share(self) -> float:
        """How far, from 0 to 1: a clip half seen is half done."""
        parts = [1.0 if clip.is_done else min(clip.share, 0.99) for clip in self.counted]
        return sum(parts) / len(parts) if parts else 0.0

    @property
    def watched_ms(self) -> int:
        """How much of its clips was seen, together."""
        return sum(length_ms(clip.spans) for clip in self.clips)


def progress_of(
    session: Session, playlists: Sequence[Playlist], people: Sequence[User]
) -> dict[tuple[str, int], Progress]:
    """How far each of the people is in each of the playlists, by both ids; in a fixed number of queries."""
    if not (playlists and people):
        return {}
    clips = [item for playlist in playlists for item in playlist.clips]
    user_ids = [person.id for person in people]
    questions = list_questions(session, [item.id for item in clips])
    answers = list_answers(session, [one.id for asked in questions.values() for one in asked], user_ids)
    watched = find_watched(session, playlists, {item.entry_id for item in clips if item.entry_id}, user_ids)
    by_person: dict[int, dict[str, QuestionAnswer]] = {}
    for (question_id, user_id), answer in answers.items():
        by_person.setdefault(user_id, {})[question_id] = answer
    found: dict[tuple[str, int], Progress] = {}
    for person in people:
        mine = by_person.get(person.id, {})
        reasons = {item.entry_id: why_hidden(person, item.entry) for item in clips}
        for playlist in playlists:
            shown = [item for item in playlist.clips if reasons[item.entry_id] is None and not is_cut_off(item)]
            found[playlist.id, person.id] = Progress(
                tuple(
                    _clip(
                        item,
                        watched.seen(playlist.id, person.id, str(item.entry_id)),
                        questions.get(item.id, []),
                        mine,
                    )
                    for item in shown
                ),
                hidden=sum(reasons[item.entry_id] not in {None, "gone"} for item in playlist.clips),
            )
    return found


def find_progress(session: Session, playlist: Playlist, person: User) -> Progress:
    """How far this person is in it."""
    return progress_of(session, [playlist], [person])[playlist.id, person.id]


def assigned_people(session: Session, playlists: Sequence[Playlist]) -> dict[str, list[User]]:
    """Those who are to learn each playlist, by its id: named or in a cohort, each once, by address."""
    learns: dict[int, set[str]] = {}
    for playlist_id, user_id in assigned_since(session, playlists):
        learns.setdefault(user_id, set()).add(playlist_id)
    found: dict[str, list[User]] = {playlist.id: [] for playlist in playlists}
    for user in session.scalars(select(User).where(User.id.in_(learns)).order_by(User.email)):
        for playlist_id in learns[user.id]:
            found[playlist_id].append(user)
    return found


def hidden_from(playlist: Playlist, people: Sequence[User]) -> dict[str, dict[str, list[User]]]:
    """For each clip whom of these it is hidden from, by the reason; clips that are gone are hidden from nobody."""
    found: dict[str, dict[str, list[User]]] = {}
    for item in playlist.clips:
        by_reason = found.setdefault(item.id, {})
        for person in people:
            reason = why_hidden(person, item.entry)
            if reason is not None and reason != "gone":
                by_reason.setdefault(reason, []).append(person)
    return found


def clip_end_ms(item: PlaylistItem, seen: Seen | None = None) -> int:
    """Where the clip ends in its recording, as far as that is known: never behind the recording's own end."""
    package = item.entry.package if item.entry is not None else None
    longest_ms = round(package.duration_s * 1000) if package is not None and package.duration_s else None
    if item.end_ms is not None:
        return item.end_ms if longest_ms is None else min(item.end_ms, longest_ms)
    return longest_ms if longest_ms is not None else seen.duration_ms if seen is not None else 0


def is_cut_off(item: PlaylistItem) -> bool:
    """Whether the recording, made anew, is over before the clip begins: then it counts for nobody."""
    package = item.entry.package if item.entry is not None else None
    return package is not None and bool(package.duration_s) and clip_end_ms(item) <= item.start_ms


def _clip(
    item: PlaylistItem,
    seen: Seen | None,
    questions: Sequence[Question],
    answers: Mapping[str, QuestionAnswer],
) -> ClipProgress:
    start_ms, end_ms = item.start_ms, clip_end_ms(item, seen)
    inside = [(max(start, start_ms), min(end, end_ms)) for start, end in (seen.spans if seen else ())]
    # of a moment that there is no more nobody is asked
    asked = tuple(one for one in questions if not end_ms or one.at_ms <= end_ms)
    return ClipProgress(
        item=item,
        start_ms=start_ms,
        end_ms=end_ms,
        spans=tuple(unite(inside)),
        questions=asked,
        answers={one.id: answers[one.id] for one in asked if one.id in answers},
    )
