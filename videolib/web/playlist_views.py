"""What pages show of playlists: plain values for the templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask import url_for
from flask_babel import format_date, ngettext
from flask_babel import gettext as _

from videolib.catalogue.people import User
from videolib.catalogue.playlist_progress import ClipProgress, Progress, clip_end_ms
from videolib.catalogue.playlists import Playlist, PlaylistItem
from videolib.db import utc_now
from videolib.web.cards import EntryCard, Text, first_text, second_text
from videolib.web.languages import html_language, language_of
from videolib.web.texts import clock_text


@dataclass(frozen=True)
class PlaylistCard:
    """A playlist in a list of who learns."""

    id: str
    url: str
    title: Text
    other_title: Text | None
    description: Text | None
    due_text: str
    is_late: bool
    is_done: bool
    is_begun: bool
    percent: int
    count_text: str
    by: str


@dataclass(frozen=True)
class ClipLine:
    """A clip in the list beside the player."""

    id: str
    number: int
    card: EntryCard
    url: str
    start_s: float
    end_s: float
    resume_s: float
    length_text: str
    note: Text | None
    is_required: bool
    is_done: bool
    percent: int
    open_questions: int
    playback_url: str
    entry_url: str


@dataclass(frozen=True)
class Section:
    """A heading and the clips below it; the first may have none."""

    title: Text | None
    clips: tuple[ClipLine, ...]


def make_playlist_card(playlist: Playlist, progress: Progress, names: Mapping[int, str]) -> PlaylistCard:
    """The card of a playlist for who learns it."""
    return PlaylistCard(
        id=playlist.id,
        url=url_for("playlists.show", playlist_id=playlist.id),
        title=title_of(playlist),
        other_title=second_text(playlist.title),
        description=text_of(playlist.description),
        due_text=due_text(playlist.due_on),
        is_late=is_past(playlist.due_on) and not progress.is_done,
        is_done=progress.is_done,
        is_begun=progress.watched_ms > 0,
        percent=percent_of(progress.share),
        count_text=_("%(done)s of %(count)s", done=progress.done_count, count=len(progress.counted)),
        by=names.get(playlist.owner_id or 0, ""),
    )


def make_clip_line(playlist: Playlist, clip: ClipProgress, card: EntryCard, number: int) -> ClipLine:
    """A clip, for who watches it."""
    item = clip.item
    end_s = clip.end_ms / 1000
    return ClipLine(
        id=item.id,
        number=number,
        card=card,
        url=url_for("playlists.show", playlist_id=playlist.id, item=number),
        start_s=clip.start_ms / 1000,
        end_s=end_s,
        resume_s=clip.resume_ms / 1000,
        length_text=clock_text((clip.end_ms - clip.start_ms) / 1000),
        note=text_of(item.note),
        is_required=item.is_required,
        is_done=clip.is_done,
        percent=percent_of(clip.share),
        open_questions=len(clip.open_questions),
        playback_url=url_for("entries_api.playback", entry_id=item.entry_id),
        entry_url=url_for("entries.show", entry_id=item.entry_id, t=f"{clip.start_ms / 1000:g}", end=f"{end_s:g}"),
    )


def make_sections(playlist: Playlist, lines: Sequence[ClipLine]) -> tuple[Section, ...]:
    """The clips below the headings of their sections; sections without a clip to see are left out."""
    by_id = {line.id: line for line in lines}
    found: list[tuple[Text | None, list[ClipLine]]] = [(None, [])]
    for item in playlist.items:
        if item.kind == "section":
            found.append((text_of(item.title), []))
        elif item.id in by_id:
            found[-1][1].append(by_id[item.id])
    return tuple(Section(title, tuple(clips)) for title, clips in found if clips)


def title_of(playlist: Playlist) -> Text:
    """What it is called, in the page's language where it has one."""
    return first_text(playlist.title) or Text(_("Untitled"), html_language())


def text_of(text: str) -> Text | None:
    """A text that an instructor wrote, with its language."""
    return Text(text, language_of(text)) if text else None


def name_of(person: User) -> str:
    """What a person is called in lists."""
    return person.display_name or person.email.partition("@")[0]


def percent_of(share: float) -> int:
    """Whole percent; 100 only where all of it is done."""
    return 100 if share >= 1 else min(99, round(share * 100))


def clip_text(item: PlaylistItem) -> str:
    """`0:05 – 0:12`."""
    return f"{clock_text(item.start_ms // 1000)} – {clock_text(clip_end_ms(item) / 1000)}"


def hidden_text(count: int) -> str:
    """How many of a playlist's clips its viewer may not see; nothing for none."""
    return ngettext("%(num)s item you may not see", "%(num)s items you may not see", count) if count else ""


def due_text(day: date | None) -> str:
    """A day in the page's language."""
    return str(format_date(day, "long")) if day else ""


def is_past(day: date | None) -> bool:
    """Whether that day is over, by this host's calendar."""
    return day is not None and day < utc_now().astimezone().date()
