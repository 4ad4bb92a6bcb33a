"""What happens when in a recording: phases, steps, tasks, actions, events, marks and notes of an entry, row by row.

Every row carries who wrote it, with which tool, how sure, by which state of the vocabulary, and a revision of its own:
two editors at work meet only where they change the same annotation. Rows of the layer `main` are what viewers see; a
second annotator's independent reading lies in the layer `second`, for editors only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.annotation_rules import Span, find_problems, level_of
from videolib.catalogue.annotation_values import AnnotationValues, require_sound
from videolib.catalogue.audit import record_event
from videolib.catalogue.entries import Entry, give_place
from videolib.catalogue.library import current_sequence
from videolib.catalogue.media_time import to_seconds, to_ticks
from videolib.catalogue.packages import Package
from videolib.catalogue.people import User
from videolib.catalogue.vocabulary import current_term
from videolib.db import Base, new_id, utc_now
from videolib.errors import Conflict, InvalidInput, NotFound

STUDIO, API = "videolib studio", "videolib api"
MOST = 5000  # annotations of one entry
_TERMS = ("term_id", "severity_id", "instrument_id", "target_id")


class Annotation(Base):
    """One annotation. Times are ticks (`media_time`) on the entry's clock; without an end it is a point."""

    __tablename__ = "annotations"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"))
    layer: Mapped[str] = mapped_column(default="main")
    kind: Mapped[str]
    start_ticks: Mapped[int] = mapped_column(BigInteger)
    end_ticks: Mapped[int | None] = mapped_column(BigInteger)
    # what it is: the phase, step, verb, complication; for a mark what is marked
    term_id: Mapped[str | None] = mapped_column(ForeignKey("terms.id"), index=True)
    severity_id: Mapped[str | None] = mapped_column(ForeignKey("terms.id"))
    instrument_id: Mapped[str | None] = mapped_column(ForeignKey("terms.id"), index=True)
    target_id: Mapped[str | None] = mapped_column(ForeignKey("terms.id"))
    note: Mapped[dict[str, str]] = mapped_column(default=dict)
    # {"box": [x, y, w, h] in percent} or {"svg": a sanitised drawing}
    shape: Mapped[dict[str, Any] | None]
    confidence: Mapped[float | None]
    tool: Mapped[str]
    # the id it had in the collection that it came from, and who made it there
    origin: Mapped[str | None]
    author_name: Mapped[str | None]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    # which state of the vocabulary its terms were chosen from
    vocabulary_version: Mapped[int] = mapped_column(BigInteger)
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (
        Index("ix_annotations_entry_start", "entry_id", "start_ticks"),
        Index("uq_annotations_entry_layer_origin", "entry_id", "layer", "origin", unique=True),
    )

    @property
    def start_s(self) -> float:
        """Where it begins, in seconds."""
        return to_seconds(self.start_ticks)

    @property
    def end_s(self) -> float:
        """Where it ends, in seconds; a point ends where it begins."""
        return to_seconds(self.start_ticks if self.end_ticks is None else self.end_ticks)


class StaleAnnotation(Conflict):
    """Somebody else changed the same annotation first; `current` is what it says now (None: it was deleted)."""

    code = "stale"

    def __init__(self, current: Annotation | None) -> None:
        super().__init__("Somebody else has changed this annotation since you opened it.", code="stale")
        self.current = current


def add_annotation(
    session: Session, entry: Entry, values: AnnotationValues, *, by: User | None, tool: str = API
) -> Annotation:
    """Add one. Raises `InvalidInput` for values, or a place, that cannot be."""
    (row,) = add_annotations(session, entry, [values], by=by, tool=tool)
    return row


def add_annotations(
    session: Session, entry: Entry, many: Sequence[AnnotationValues], *, by: User | None, tool: str = API
) -> list[Annotation]:
    """Add several in one step: phases and the steps in them may come in any order, rules are asked at the end."""
    hold(session, entry)
    author_id = by.id if by else None
    rows = [_new_row(session, entry, values, id=new_id(), tool=tool, author_id=author_id) for values in many]
    return _add_rows(session, entry, rows, "annotate", by=by)


def change_annotation(
    session: Session,
    entry: Entry,
    annotation_id: str,
    values: AnnotationValues,
    *,
    revision: int | None,
    by: User | None,
) -> Annotation:
    """Give it other values. Raises `StaleAnnotation` where `revision` is not its own any more, `InvalidInput`."""
    hold(session, entry)
    row = _fenced(session, entry, annotation_id, revision)
    require_sound(session, values)
    others = [other for other in _rows(session, entry.id) if other.id != row.id]
    changed = Annotation(id=row.id, entry_id=entry.id)
    _apply(changed, values)
    _require_rules(duration_ticks(session, entry), _spans([*others, row]), _spans([*others, changed]))
    _rewrite(session, row, values)
    _written(session, entry, "reannotate", [row], by=by)
    return row


def delete_annotation(
    session: Session, entry: Entry, annotation_id: str, *, revision: int | None, by: User | None
) -> None:
    """Delete it. Raises `StaleAnnotation`, and `InvalidInput` where steps or tasks would lose their place."""
    hold(session, entry)
    row = _fenced(session, entry, annotation_id, revision)
    before = _rows(session, entry.id)
    left = [other for other in before if other.id != row.id]
    _require_rules(duration_ticks(session, entry), _spans(before), _spans(left))
    _written(session, entry, "unannotate", [row], by=by)
    session.delete(row)
    session.flush()


def get_annotation(
    session: Session, entry: Entry, annotation_id: str, *, with_layers: bool = False, gone_is_stale: bool = False
) -> Annotation:
    """That annotation of the entry. Raises `NotFound`, also for another layer than `main` unless `with_layers`.

    Who says which revision was read has seen it: with `gone_is_stale` they are told that it was deleted meanwhile.
    """
    row = session.get(Annotation, annotation_id)
    if row is None or row.entry_id != entry.id or (row.layer != "main" and not with_layers):
        if gone_is_stale:
            raise StaleAnnotation(None)
        raise NotFound("There is no such annotation.", code="annotation_not_found")
    return row


def find_by_origin(session: Session, entry: Entry, values: AnnotationValues) -> Annotation | None:
    """The annotation that was taken before under the same name of its own."""
    if values.origin is None:
        return None
    hold(session, entry)
    named = select(Annotation).where(
        Annotation.entry_id == entry.id, Annotation.layer == values.layer, Annotation.origin == values.origin
    )
    return session.scalars(named).first()


def list_annotations(
    session: Session, entry_id: str, *, kinds: Iterable[str] = (), layer: str = "main"
) -> list[Annotation]:
    """The annotations of an entry in the order of time; of one level the wider first."""
    rows = [row for row in _rows(session, entry_id) if row.layer == layer]
    wanted = frozenset(kinds)
    return [row for row in rows if not wanted or row.kind in wanted]


def list_phases(session: Session, entry_id: str) -> list[Annotation]:
    """The phases in their order; each has `start_s`, `end_s` and `term_id`."""
    return list_annotations(session, entry_id, kinds=("phase",))


def find_rule_problems(session: Session, entry: Entry) -> list[str]:
    """What of an entry's annotations breaks a rule now (another recording may be shorter), a sentence each."""
    length = duration_ticks(session, entry)
    return [problem.sentence for problem in find_problems(_spans(_rows(session, entry.id)), length)]


def duration_ticks(session: Session, entry: Entry) -> int | None:
    """How long what viewers see is, else what they will see, else the source; None where nothing is known."""
    recording = entry.recording
    package_id = entry.package_id or (recording.package_id if recording else None)
    package = session.get(Package, package_id) if package_id else None
    if package is not None and package.duration_s:
        return to_ticks(package.duration_s)
    source = recording.source if recording else None
    return to_ticks(float(source["duration_s"])) if source and source.get("duration_s") else None


def values_of(row: Annotation) -> AnnotationValues:
    """What that row says."""
    return AnnotationValues(**{name: getattr(row, name) for name in AnnotationValues.__dataclass_fields__})


def snapshot(session: Session, entry_id: str) -> list[dict[str, Any]]:
    """What the main layer says now, as plain JSON: the same content gives the same list."""
    rows = list_annotations(session, entry_id)
    return [{"id": row.id, "tool": row.tool, "author_id": row.author_id, **asdict(values_of(row))} for row in rows]


def restore(session: Session, entry: Entry, taken: Iterable[Mapping[str, Any]], *, by: User | None) -> list[Annotation]:
    """Put the main layer back to a snapshot; what has been written since is gone (the snapshot after it has it).

    What says the same already stays as it is, what was changed keeps its id and counts as written once more.
    Gives what was put back. Raises `InvalidInput` where the recording is too short for it by now.
    """
    hold(session, entry)
    before = _rows(session, entry.id)
    present = {row.id: row for row in before if row.layer == "main"}
    written = []
    for item in taken:
        values = _values_in(session, item)
        same = next((row for row in present.values() if values_of(row) == values), None)
        row = present.get(str(item.get("id"))) or same
        if row is None:
            row = _new_row(session, entry, values, **_author_in(session, item))
            session.add(row)
            written.append(row)
        else:
            del present[row.id]
            if values_of(row) != values:
                _rewrite(session, row, values)
                written.append(row)
    spans = _spans(before)
    for row in present.values():
        session.delete(row)
    session.flush()
    _require_rules(duration_ticks(session, entry), spans, _spans(_rows(session, entry.id)))
    if written or present:
        _written(session, entry, "restore_annotations", [*written, *present.values()], by=by)
    return written


def hold(session: Session, entry: Entry) -> None:
    """Keep the entry's annotations to this unit of work: the rules speak of all of them together."""
    session.scalars(select(Entry.id).where(Entry.id == entry.id).with_for_update(of=Entry)).one()


def _new_row(session: Session, entry: Entry, values: AnnotationValues, **known: Any) -> Annotation:
    require_sound(session, values)
    row = Annotation(entry_id=entry.id, vocabulary_version=current_sequence(session, "vocabulary"), **known)
    _apply(row, values)
    return row


def _values_in(session: Session, item: Mapping[str, Any]) -> AnnotationValues:
    """What an item of a snapshot says, in the terms of today: a merged one is the other."""
    names = AnnotationValues.__dataclass_fields__
    values = AnnotationValues(**{name: item[name] for name in names if name in item})
    today: dict[str, Any] = {name: current_term(session, getattr(values, name)) for name in _TERMS}
    return replace(values, **today)


def _author_in(session: Session, item: Mapping[str, Any]) -> dict[str, Any]:
    """Which id it had, who wrote it, and with what, as far as that is known."""
    author_id: int | None = item.get("author_id")
    return {
        "id": str(item.get("id") or new_id()),
        "tool": str(item.get("tool") or STUDIO),
        "author_id": author_id if author_id is not None and session.get(User, author_id) is not None else None,
    }


def _rewrite(session: Session, row: Annotation, values: AnnotationValues) -> None:
    _apply(row, values)
    row.vocabulary_version = current_sequence(session, "vocabulary")
    row.updated_at = utc_now()
    row.revision += 1


def _add_rows(
    session: Session, entry: Entry, rows: list[Annotation], action: str, *, by: User | None
) -> list[Annotation]:
    before = _rows(session, entry.id)
    if len(before) + len(rows) > MOST:
        raise InvalidInput("An entry has at most 5000 annotations.", code="too_many_annotations")
    _require_rules(duration_ticks(session, entry), _spans(before), _spans([*before, *rows]))
    session.add_all(rows)
    _written(session, entry, action, rows, by=by)
    return rows


def _fenced(session: Session, entry: Entry, annotation_id: str, revision: int | None) -> Annotation:
    """The row as it is now, after the entry is held."""
    row = get_annotation(session, entry, annotation_id, with_layers=True, gone_is_stale=revision is not None)
    session.refresh(row)
    if revision is not None and row.revision != revision:
        raise StaleAnnotation(row)
    return row


def _written(session: Session, entry: Entry, action: str, rows: Sequence[Annotation], *, by: User | None) -> None:
    session.flush()
    give_place(session, entry)
    kinds = sorted({row.kind for row in rows})
    record_event(session, action, "entry", entry.id, by=by, annotations=[row.id for row in rows][:100], kinds=kinds)


def _apply(row: Annotation, values: AnnotationValues) -> None:
    for name, value in asdict(values).items():
        setattr(row, name, value)


def _rows(session: Session, entry_id: str) -> list[Annotation]:
    rows = session.scalars(select(Annotation).where(Annotation.entry_id == entry_id)).all()
    return sorted(rows, key=order_of)


def order_of(row: Annotation) -> tuple[int, int, int, str, str]:
    """The key to sort by: time, then the wider level, then the longer."""
    return (row.start_ticks, level_of(row.kind), -(row.end_ticks or row.start_ticks), row.kind, row.id)


def _spans(rows: Iterable[Annotation]) -> list[Span]:
    return [Span(row.id or "", row.layer, row.kind, row.start_ticks, row.end_ticks) for row in rows]


def _require_rules(length: int | None, before: Sequence[Span], after: Sequence[Span]) -> None:
    """Raise `InvalidInput` for what this write would break; what was broken before does not stop it."""
    known = {problem.key for problem in find_problems(before, length)}
    new = [problem for problem in find_problems(after, length) if problem.key not in known]
    if new:
        raise InvalidInput(new[0].sentence, fields={new[0].field: new[0].sentence}, code=new[0].code)
