"""A merge of two terms changes no meaning: what a reviewer approved in the one word stays approved in the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from videolib.catalogue.documents import document_of, working_document
from videolib.catalogue.entries import Entry
from videolib.catalogue.gate import annotations_of
from videolib.catalogue.reviews import Review, digest_of_content

# by entry: the digest of what viewers see, and that of what editors work on
Digests = Mapping[str, tuple[str, str]]


def digests_of(session: Session, entry_ids: Iterable[str]) -> Digests:
    """What approvals of those entries are bound to now, of those that have any."""
    approved = select(Review.entry_id).where(Review.decision == "approved")
    chosen = select(Entry).where(Entry.id.in_(list(entry_ids)), Entry.id.in_(approved))
    found = {}
    for entry in session.scalars(chosen, execution_options={"populate_existing": True}):
        said = annotations_of(session, entry)
        documents = (document_of(entry), working_document(entry))
        public, working = (digest_of_content(entry, document, said) for document in documents)
        found[entry.id] = (public, working)
    return found


def carry_over(session: Session, before: Digests) -> None:
    """Bind the approvals that held before to what the entries say now."""
    for entry_id, after in digests_of(session, before).items():
        for old, new in set(zip(before[entry_id], after, strict=True)):
            mine = update(Review).where(
                Review.entry_id == entry_id, Review.digest == old, Review.decision == "approved"
            )
            session.execute(mine.values(digest=new))
