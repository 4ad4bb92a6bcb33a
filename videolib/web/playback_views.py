"""What a DICOM recording's package gives a player beside its pictures: further views, runs, when each frame comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

NATIVE = "native"
VIEW_LABELS = {
    NATIVE: lazy_gettext("Native"),
    "subtracted": lazy_gettext("Subtracted"),
    "plane-b": lazy_gettext("Plane B"),
    "plane-b-subtracted": lazy_gettext("Plane B, subtracted"),
}


def list_views(described: Mapping[str, Any], base: str, hls_url: str) -> list[dict[str, Any]]:
    """The views to choose from, the recording itself first; none where there is nothing to choose.

    `base` is the signed address of the package. All views keep one clock: a switch keeps the moment. The one that the
    recording says to begin with is `recommended`.
    """
    further = described.get("views") or []
    if not further:
        return []
    found = [(NATIVE, hls_url), *((view["name"], f"{base}/{view['multivariant']}") for view in further)]
    first = described.get("recommended_view") or NATIVE
    return [
        {"name": name, "label": str(VIEW_LABELS.get(name, name)), "hls_url": url, "recommended": name == first}
        for name, url in found
    ]


def list_run_chapters(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The runs of a study as chapters, each with the C-arm's angle; none for a single run."""
    runs = described.get("runs") or []
    if len(runs) < 2:
        return []
    return [{"start_s": run["start_s"], "end_s": run["end_s"], "title": run_label(run)} for run in runs]


def run_label(run: Mapping[str, Any]) -> str:
    """`Run 3 · LAO 30 CRAN 15`."""
    label = _("Run %(number)s", number=run["number"])
    return f"{label} · {run['angle']}" if run.get("angle") else label
