"""Browse: the vocabulary as a tree, with the number of recordings behind each term; the search page lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, flash, render_template
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from search import pages
from videolib.catalogue.vocabulary import list_schemes
from videolib.web.cards import facet_url
from videolib.web.context import database_session
from videolib.web.languages import language
from videolib.web.search import find, read_request

blueprint = Blueprint("browse", __name__)

# by what people look: territory, procedure, disease, device, complication
SCHEMES = ("anatomy", "procedure", "pathology", "device", "complication")


@dataclass
class Branch:
    """A term, how many recordings carry it or a narrower one, and the narrower ones."""

    label: str
    url: str
    count: int
    inner: list[Branch] = field(default_factory=list)


@dataclass(frozen=True)
class Tree:
    """One list of terms."""

    scheme: str
    label: str
    branches: tuple[Branch, ...]


@blueprint.get("/browse")
def index() -> str:
    """The page. The counts are those of the search, so they are what a click lists."""
    trees, total = make_trees(SCHEMES)
    return render_template("browse/index.html", trees=trees, total=total)


def make_trees(schemes: Sequence[str]) -> tuple[tuple[Tree, ...], int]:
    """The trees of these schemes, and of how many recordings they are made."""
    found, is_searched = find(read_request(MultiDict(), limit=1))
    if not is_searched:
        flash(_("The search index is being rebuilt; the lists of subjects come back in a moment."), "warning")
    labels = {scheme.id: scheme.labels for scheme in list_schemes(database_session())}
    trees = tuple(
        Tree(scheme, labels.get(scheme, {}).get(language(), scheme), _nested(scheme, found.facets[scheme]))
        for scheme in schemes
        if found.facets.get(scheme)
    )
    return trees, found.total


def _nested(scheme: str, counts: Sequence[pages.FacetCount]) -> tuple[Branch, ...]:
    """Terms come read from the top, each with its depth."""
    top: list[Branch] = []
    line: list[Branch] = []
    for item in counts:
        branch = Branch(item.label, facet_url(scheme, item.term), item.count)
        del line[item.depth :]
        (line[-1].inner if line else top).append(branch)
        line.append(branch)
    return tuple(top)
