"""What instructors learn from a playlist: who has done what, which questions are missed, where people leave or go back.

Only whom the playlist is assigned to is in it; who may ask is decided in `access` ("build").
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from videolib.catalogue.people import User
from videolib.catalogue.playlist_progress import Progress, clip_end_ms, is_cut_off, progress_of
from videolib.catalogue.playlists import Playlist, PlaylistItem
from videolib.catalogue.questions import Question, QuestionAnswer, list_answers, list_questions
from videolib.catalogue.watched_since import Seen, Watched, find_watched

# points of a curve: more than the eye tells apart on a page is not worth its kilobytes
MOST_POINTS = 120


@dataclass(frozen=True)
class QuestionResult:
    """How a question was answered the first time. `wrong` is what was chosen wrongly most often, and how often."""

    item: PlaylistItem
    question: Question
    answered: int
    right: int
    wrong: tuple[tuple[str, int], ...]

    @property
    def missed_share(self) -> float:
        """How many of those who answered were wrong at first, from 0 to 1."""
        return 1 - self.right / self.answered if self.answered else 0.0


@dataclass(frozen=True)
class Curve:
    """Along a clip, at each point: how many people saw it, and how often it was played by all of them together."""

    item: PlaylistItem
    start_s: float
    end_s: float
    people: tuple[int, ...]
    plays: tuple[int, ...]


@dataclass(frozen=True)
class Results:
    """Everything about these people in that playlist."""

    people: tuple[User, ...]
    progress: Mapping[int, Progress]
    questions: tuple[QuestionResult, ...]
    answers: Mapping[tuple[str, int], QuestionAnswer]
    curves: tuple[Curve, ...]


def make_results(session: Session, playlist: Playlist, people: Sequence[User]) -> Results:
    """The results of these people."""
    clips = [item for item in playlist.clips if item.entry is not None]
    user_ids = [person.id for person in people]
    asked = list_questions(session, [item.id for item in clips])
    answers = list_answers(session, [one.id for questions in asked.values() for one in questions], user_ids)
    watched = find_watched(session, [playlist], {str(item.entry_id) for item in clips}, user_ids)
    progress = progress_of(session, [playlist], people)
    to_question: dict[str, list[QuestionAnswer]] = {}
    for (question_id, _user_id), answer in answers.items():
        to_question.setdefault(question_id, []).append(answer)
    return Results(
        people=tuple(people),
        progress={person.id: progress[playlist.id, person.id] for person in people},
        questions=tuple(
            _question_result(item, question, to_question.get(question.id, []))
            for item in clips
            for question in asked.get(item.id, [])
        ),
        answers=answers,
        curves=tuple(
            make_curve(item, _seen_by(watched, playlist, item, user_ids)) for item in clips if not is_cut_off(item)
        ),
    )


def most_missed(results: Results, *, limit: int = 5) -> list[QuestionResult]:
    """The questions that most got wrong at first, worst first; none that everybody knew, none that is asked no more."""
    missed = [one for one in results.questions if one.answered > one.right and _is_asked(one)]
    return sorted(missed, key=lambda one: (-one.missed_share, -one.answered))[:limit]


def make_curve(item: PlaylistItem, records: Sequence[Seen]) -> Curve:
    """The curve of a clip from what people saw of its entry: a point a second, fewer for long clips."""
    start_s = item.start_ms / 1000
    end_s = max((clip_end_ms(item, record) for record in records), default=clip_end_ms(item)) / 1000
    count = max(1, min(MOST_POINTS, math.ceil(end_s - start_s)))
    step_s = (end_s - start_s) / count
    moments = [start_s + (number + 0.5) * step_s for number in range(count)]
    people, plays = [0] * count, [0] * count
    for record in records:
        spans = [(start / 1000, end / 1000, 1) for start, end in record.spans]
        for counts, pieces in ((people, spans), (plays, record.times_played)):
            starts = [piece[0] for piece in pieces]
            for number, at_s in enumerate(moments):
                found = bisect_right(starts, at_s) - 1
                if found >= 0 and at_s < pieces[found][1]:
                    counts[number] += pieces[found][2]
    # whole seconds are coarser than the spans: who saw a moment has played it once at least
    return Curve(item, start_s, end_s, tuple(people), tuple(max(pair) for pair in zip(people, plays, strict=True)))


def _seen_by(watched: Watched, playlist: Playlist, item: PlaylistItem, user_ids: Sequence[int]) -> list[Seen]:
    each = (watched.seen(playlist.id, user_id, str(item.entry_id)) for user_id in user_ids)
    return [seen for seen in each if seen is not None]


def _is_asked(result: QuestionResult) -> bool:
    entry = result.item.entry
    is_shown = entry is not None and entry.status == "published" and entry.package_id is not None
    return is_shown and result.question.at_ms <= clip_end_ms(result.item)


def _question_result(item: PlaylistItem, question: Question, answers: Sequence[QuestionAnswer]) -> QuestionResult:
    wrong: Counter[str] = Counter()
    texts = {choice["id"]: choice["text"] for choice in question.choices if not choice["is_right"]}
    for answer in answers:
        if question.kind in {"single", "multiple"}:
            wrong.update(texts[choice] for choice in answer.first if choice in texts)
    right = sum(answer.first_is_right for answer in answers)
    return QuestionResult(item, question, len(answers), right, tuple(wrong.most_common(2)))
