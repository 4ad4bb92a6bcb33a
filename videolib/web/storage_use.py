"""How much room each hospital's recordings take up, and how much they may; for administrators."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import format_decimal, lazy_gettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import storage_use
from videolib.catalogue.storage_use import GIB, KINDS, HospitalUse
from videolib.errors import InvalidInput
from videolib.web.access import require_admin
from videolib.web.cards import Text, first_text
from videolib.web.context import commit, database_session, services
from videolib.web.error_texts import translated
from videolib.web.languages import html_language
from videolib.web.texts import word

blueprint = Blueprint("storage_use", __name__)

KIND_WORDS = {
    "masters": lazy_gettext("Masters"),
    "packages": lazy_gettext("Packages"),
    "previews": lazy_gettext("Previews"),
    "narrations": lazy_gettext("Narrations"),
    "superseded": lazy_gettext("No longer shown"),
    "uploads": lazy_gettext("On their way"),
}
_UNITS = ((GIB * 1024, "TiB"), (GIB, "GiB"), (1024**2, "MiB"), (1024, "KiB"))
# a bar says from here on that room gets scarce
_SCARCE, _FULL = 0.85, 1.0


@dataclass(frozen=True)
class UseBar:
    """How much of a quota is used."""

    share: float
    text: str
    level: str


@dataclass(frozen=True)
class UseLine:
    """A hospital's line; `id` is empty for what belongs to none."""

    id: str
    name: Text
    sizes: tuple[str, ...]
    total: str
    recordings: int
    bar: UseBar | None
    quota_gib: str


@blueprint.get("/admin/storage")
def index() -> str:
    """All hospitals."""
    require_admin()
    return _page({})


@blueprint.post("/admin/storage/<group_id>")
def change(group_id: str) -> Response | str:
    """Keep a hospital's quota; an empty one is none."""
    by, given = require_admin(), request.form.get("quota", "").strip()
    try:
        storage_use.set_quota(database_session(), group_id, _read_gib(given), by=by)
    except InvalidInput as error:
        database_session().rollback()
        return _page({group_id: (given, translated(error.message, error.code))})
    commit()
    flash(_("Saved."), "success")
    return redirect(url_for("storage_use.index"), 303)


def make_bar(use: HospitalUse | None) -> UseBar | None:
    """The bar of a hospital with a quota; None for others."""
    if use is None or use.quota is None:
        return None
    share = use.total / use.quota
    level = "full" if share >= _FULL else "scarce" if share >= _SCARCE else "fine"
    words = _("%(used)s of %(quota)s are used", used=size_text(use.total), quota=size_text(use.quota))
    return UseBar(min(1.0, share), str(words), level)


def size_text(size: int) -> str:
    """`1.5 GiB`, in the page's language."""
    for unit, name in _UNITS:
        if round(size / unit, 1) >= 1:
            return f"{format_decimal(round(size / unit, 1 if size < 100 * unit else 0))} {name}"
    return f"{size} B"


def _page(wrong: dict[str, tuple[str, str]]) -> str:
    use = storage_use.list_use(database_session())
    room = services().originals.room()
    return render_template(
        "admin/storage.html",
        lines=tuple(_line(one) for one in use),
        kinds=tuple(word(KIND_WORDS, kind) for kind in KINDS),
        total=size_text(sum(one.total for one in use)),
        room=None if room is None else size_text(room),
        wrong=wrong,
    )


def _line(use: HospitalUse) -> UseLine:
    group = use.hospital
    nobody = Text(_("Of no hospital"), html_language())
    return UseLine(
        id=group.id if group else "",
        name=(first_text(group.name) or Text(group.id, "en")) if group else nobody,
        sizes=tuple(size_text(use.bytes_by_kind.get(kind, 0)) for kind in KINDS),
        total=size_text(use.total),
        recordings=use.recordings,
        bar=make_bar(use),
        quota_gib=f"{use.quota / GIB:g}" if use.quota else "",
    )


def _read_gib(text: str) -> float | None:
    """A number of GiB, None where nothing was written; what is no number is refused as 0 is."""
    if not text:
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return 0.0
