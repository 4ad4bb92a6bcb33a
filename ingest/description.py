"""What is told of a finished package: the contract's object, and how it was made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from ingest.ffmpeg import find_tools
from ingest.images import POSTER, TILES, list_offers
from ingest.inspection import Inspection
from ingest.package import MULTIVARIANT, HlsPackage
from ingest.plan import EncodePlan
from ingest.views import multivariant_of
from videolib import __version__, hls


def describe_package(made: HlsPackage, *, copied: Collection[str] = ()) -> dict[str, object]:
    """Return the contract's "package" object; `copied` are the names of the renditions that were not encoded."""
    renditions = [
        {
            "name": track.name,
            "width": track.width,
            "height": track.height,
            "fps": round(track.fps, 3),
            "codecs": hls.codecs(track, made.audio),
            "bandwidth": hls.bandwidths(track, made.audio)[0],
            "average_bandwidth": hls.bandwidths(track, made.audio)[1],
            "copied": track.name in copied,
        }
        for track in made.video
    ]
    audio = [
        {
            "name": track.name,
            "language": track.language,
            "codecs": track.codec,
            "channels": track.channels,
            "bandwidth": track.peak_bandwidth,
            "average_bandwidth": track.average_bandwidth,
        }
        for track in made.audio
    ]
    return {
        "multivariant": MULTIVARIANT,
        "duration_s": round(made.duration_s, 6),
        "renditions": renditions,
        "audio": audio,
        "subtitles": [],
        "poster": POSTER,
        "posters": list_offers(made.folder),
        "storyboard": TILES,
    }


def describe_cine(inspection: Inspection, views: Mapping[str, HlsPackage]) -> dict[str, object]:
    """Return what the package of a DICOM recording tells beside: further views, runs, when each frame comes."""
    if inspection.dicom is None:
        return {}
    trees = [
        {
            "name": name,
            "multivariant": multivariant_of(name),
            "renditions": describe_package(made)["renditions"],
        }
        for name, made in views.items()
    ]
    recommended = inspection.dicom.describe().get("recommended_view")
    return {
        "views": trees,
        "recommended_view": recommended if recommended in views else None,
        "loop": asks_to_loop(inspection.dicom.describe()),
        "runs": inspection.dicom.chapters(),
        "frame_steps": inspection.dicom.frame_map(),
    }


def asks_to_loop(described: Mapping[str, Any]) -> bool:
    """Say whether a cine of one run asks to be played again and again; one that is to be swept is looped as well."""
    runs = described.get("runs") or []
    return len(runs) == 1 and runs[0].get("sequencing") is not None


def settings_of(encode_plan: EncodePlan) -> dict[str, object]:
    """Return the part of a plan that tells later readers how the package was made."""
    rungs = [
        {"name": one.name, "copied": True}
        if one.copied
        else {"name": one.name, "cap_kbps": one.cap_kbps, "crf": one.crf}
        for one in encode_plan.renditions
    ]
    return {
        "preset": encode_plan.preset,
        "tune": encode_plan.tune,
        "key_frame_s": encode_plan.key_frame_s,
        "segment_s": encode_plan.segment_s,
        "b_frames": encode_plan.b_frames,
        "chunks_s": [span.start_s for span in encode_plan.spans],
        "filters": [asdict(step) for step in encode_plan.filters],
        "renditions": rungs,
        "audio_kbps": [track.kbps for track in encode_plan.audio],
    }


def tools_in_use() -> dict[str, str]:
    """Return the versions of all that made a package."""
    tools = find_tools()
    return {"videolib": __version__, "ffmpeg": tools.ffmpeg_version, "ffprobe": tools.ffprobe_version}
