"""ffmpeg filters as plain values, and those that turn decoded pictures into what is encoded: no times, no files."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.inspection import VideoStream


@dataclass(frozen=True)
class Filter:
    """One ffmpeg filter: its name, and its options as text."""

    name: str
    options: tuple[tuple[str, str], ...] = ()


def filter_of(name: str, **options: str | float) -> Filter:
    """Describe one ffmpeg filter."""
    return Filter(name, tuple((key, str(value)) for key, value in options.items()))


def even_up(length_px: int) -> int:
    """Return the next even number of pixels."""
    return length_px + length_px % 2


def picture_filters(video: VideoStream, top: tuple[int, int], *, can_tone_map: bool) -> list[Filter]:
    """Return what turns decoded pictures into the largest rendition, of the size `top`.

    ffmpeg's autorotation has turned and mirrored them before, by the matrix that the display size comes from.
    """
    filters = []
    if video.interlaced:
        # one frame of every two fields: 25i becomes 25p; all frames, as some decoders lose each frame's flag
        filters.append(filter_of("bwdif", mode="send_frame", parity="auto", deint="all"))
    if video.hdr and can_tone_map:
        filters += _tone_mapping(video)
    width, height = _unpadded(video, top)
    upright = (video.width, video.height) if video.rotation in {0, 180} else (video.height, video.width)
    converts = video.full_range or _is_rgb_or_grey(video)
    if (width, height) != upright or converts:
        matrix = {"out_color_matrix": "bt709"} if _is_rgb_or_grey(video) else {}
        filters.append(filter_of("scale", w=width, h=height, flags="bicubic", out_range="limited", **matrix))
    if (width, height) != top:
        filters.append(filter_of("pad", w=top[0], h=top[1], x=0, y=0))
    filters += [filter_of("format", pix_fmts="yuv420p"), filter_of("setsar", sar="1"), *_colour_tags(video)]
    return filters


def _unpadded(video: VideoStream, top: tuple[int, int]) -> tuple[int, int]:
    """Return the size before the row or column that makes it even."""
    own = video.display_width, video.display_height
    padded = (even_up(own[0]), even_up(own[1]))
    return own if padded == top else top


def _tone_mapping(video: VideoStream) -> list[Filter]:
    """Return the way from HDR (BT.2020, PQ or HLG) to BT.709 at standard range, through linear light.

    100 cd/m² is the white of the SDR that comes out; hable keeps detail in highlights (wet tissue, lamps).
    """
    source = {
        "tin": "smpte2084" if video.hdr == "pq" else "arib-std-b67",
        "min": "2020_ncl",
        "pin": "2020",
        "rin": "full" if video.full_range else "limited",
    }
    return [
        filter_of("zscale", t="linear", npl=100, **source),
        filter_of("format", pix_fmts="gbrpf32le"),
        filter_of("zscale", p="709"),
        filter_of("tonemap", tonemap="hable", desat=0),
        filter_of("zscale", t="709", m="709", r="limited"),
        filter_of("format", pix_fmts="yuv420p"),
    ]


def _is_rgb_or_grey(video: VideoStream) -> bool:
    return video.pix_fmt.startswith(("gbr", "rgb", "bgr", "argb", "abgr", "0rgb", "0bgr", "gray", "mono", "pal8"))


def _colour_tags(video: VideoStream) -> list[Filter]:
    """Return the tags of recordings that say nothing of their colours, so that all renditions look alike.

    Players guess by size, and would guess differently for small and large renditions of one recording.
    """
    if video.hdr or (video.matrix is not None and not _is_rgb_or_grey(video)):
        return []
    is_bt709 = _is_rgb_or_grey(video) or (video.codec != "mjpeg" and min(video.width, video.height) >= 720)
    tag = "bt709" if is_bt709 else "smpte170m"
    return [filter_of("setparams", range="limited", color_primaries=tag, color_trc=tag, colorspace=tag)]


def spelled(step: Filter) -> str:
    """Return a filter as one chain writes it; of what is special there options of ours hold commas alone."""
    return f"{step.name}=" + ":".join(f"{key}={value}".replace(",", r"\,") for key, value in step.options)
