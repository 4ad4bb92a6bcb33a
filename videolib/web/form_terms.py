"""The terms that a form offers, read once for all its fields."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from videolib.catalogue.vocabulary import Term, list_all_terms
from videolib.web.context import database_session
from videolib.web.languages import language, other_language


@dataclass(frozen=True)
class TermOption:
    """A term to pick."""

    id: str
    label: str
    other_label: str
    depth: int
    is_selected: bool


class TermLists:
    """The lists of one page."""

    def __init__(self) -> None:
        self._terms = {term.id: term for term in list_all_terms(database_session())}
        self._lists: dict[str, list[Term]] = {}
        for term in self._terms.values():
            self._lists.setdefault(term.scheme_id, []).append(term)

    def options(self, scheme: str, chosen: Collection[str]) -> tuple[TermOption, ...]:
        """The terms of a scheme (`scheme:beginning` limits it to some) that may be chosen, or are."""
        name, _, beginning = scheme.partition(":")
        here = language()
        return tuple(
            TermOption(
                id=term.id,
                label=term.label(here),
                other_label=term.label(other_language(here)),
                depth=_depth(term, self._terms),
                is_selected=term.id in chosen,
            )
            for term in self._in_order(name, chosen)
            if term.id.startswith(beginning) and (term.id in chosen or term.is_choosable())
        )

    def _in_order(self, scheme: str, chosen: Collection[str]) -> list[Term]:
        """What is chosen keeps its order (the first is the main one); the rest follows in that of the list."""
        first = [self._terms[identifier] for identifier in chosen if identifier in self._terms]
        return [*first, *(term for term in self._lists.get(scheme, []) if term.id not in chosen)]


def _depth(term: Term, terms: Mapping[str, Term]) -> int:
    """How many broader terms stand above it; a circle in the data ends the count."""
    depth, above = 0, terms.get(term.broader_id or "")
    while above is not None and depth < 10:
        depth, above = depth + 1, terms.get(above.broader_id or "")
    return depth
