"""Playlists written from data: a list of measured segments in, the text of RFC 8216bis out.

Knows no files and no ffmpeg. Segments may be files of their own or byte ranges of a larger one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

# EXT-X-MAP with fragmented MP4
VERSION = 7
AUDIO_GROUP = "audio"
SUBTITLES_GROUP = "subtitles"
# "zxx" is BCP 47's "no language": silence
LANGUAGE_NAMES = {"zh": "中文", "en": "English", "zxx": "静音 / No sound"}
UNNAMED_SOUND, UNNAMED_TEXT = "Audio", "Subtitles"
# what people read of a track of the room's sound, of what was said over it later, and of its own sound beside that
ROOM_SOUND, NARRATION, OWN_SOUND = "现场声 / Room sound", "解说 / Narration", "原声 / Original sound"


@dataclass(frozen=True)
class KeyFrame:
    """A picture that can be shown alone: when, and which bytes of its segment hold it."""

    time_s: float
    offset: int
    bytes: int


@dataclass(frozen=True)
class Segment:
    """One media segment as measured; `offset` only where it is a byte range of `uri`."""

    uri: str
    start_s: float
    duration_s: float
    bytes: int
    samples: int
    keys: tuple[KeyFrame, ...] = ()
    offset: int | None = None

    @property
    def end_s(self) -> float:
        """When the next segment starts."""
        return self.start_s + self.duration_s


@dataclass(frozen=True)
class Track:
    """One rendition of pictures, sound or text: its folder in the package, its codec and its segments in order.

    Text (WebVTT) has no codec. A track that is not `offered` is played when somebody chooses it, never by itself.
    """

    name: str
    folder: str
    codec: str
    segments: tuple[Segment, ...]
    width: int = 0
    height: int = 0
    channels: int = 0
    language: str = "und"
    offered: bool = True

    @property
    def duration_s(self) -> float:
        """Length of the whole track."""
        return self.segments[-1].end_s

    @property
    def target_s(self) -> int:
        """EXT-X-TARGETDURATION: no segment's rounded duration is above it."""
        return max(1, *(int(segment.duration_s + 0.5) for segment in self.segments))

    @property
    def fps(self) -> float:
        """Pictures a second, of a variable rate those of its quickest segment of a second or more."""
        whole = [segment for segment in self.segments if segment.duration_s >= 1]
        return max(segment.samples / segment.duration_s for segment in whole or self.segments)

    @property
    def average_bandwidth(self) -> int:
        """Bits a second over the whole track."""
        return _bits_a_second(self.segments)

    @property
    def peak_bandwidth(self) -> int:
        """Bits a second of the busiest passage of 0.5 to 1.5 target durations (8216bis, 4.4.6.2)."""
        rates = (_bits_a_second(passage) for passage in _passages(self.segments, self.target_s))
        return max(rates, default=self.average_bandwidth)


def media_playlist(track: Track, *, growing_target_s: int | None = None, init: str = 'URI="init.mp4"') -> str:
    """Return the playlist of one rendition, its segments relative to the rendition's folder; `init`: of EXT-X-MAP.

    With `growing_target_s` more segments may follow, none longer than that: the playlist is an EVENT without end.
    """
    is_growing = growing_target_s is not None
    lines = _head(growing_target_s or track.target_s, "EVENT" if is_growing else "VOD")
    if track.codec:
        lines.append(f"#EXT-X-MAP:{init}")
    for segment in track.segments:
        lines.append(f"#EXTINF:{segment.duration_s:.6f},")
        if segment.offset is not None:
            lines.append(f"#EXT-X-BYTERANGE:{segment.bytes}@{segment.offset}")
        lines.append(segment.uri)
    return _text(lines if is_growing else [*lines, "#EXT-X-ENDLIST"])


def i_frame_playlist(track: Track) -> str:
    """Return the playlist of a rendition's key frames alone, to stand in a folder beside `video`."""
    lines = [*_head(_i_frame_target_s(track), "VOD"), "#EXT-X-I-FRAMES-ONLY"]
    lines.append(f'#EXT-X-MAP:URI="../{track.folder}/init.mp4"')
    for segment, key, duration_s in _i_frames(track):
        lines.append(f"#EXTINF:{duration_s:.6f},")
        lines.append(f"#EXT-X-BYTERANGE:{key.bytes}@{(segment.offset or 0) + key.offset}")
        lines.append(f"../{track.folder}/{segment.uri}")
    return _text([*lines, "#EXT-X-ENDLIST"])


def multivariant_playlist(
    video: Sequence[Track], audio: Sequence[Track], i_frames: Track | None, subtitles: Sequence[Track] = ()
) -> str:
    """Return the playlist of playlists, the largest rendition first: tools that take one take the first."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines += [_sound_line(track, is_default=track is audio[0], twins=audio) for track in audio]
    lines += [_text_line(track, twins=subtitles) for track in subtitles]
    for track in video:
        lines.append("#EXT-X-STREAM-INF:" + ",".join(_variant(track, audio, has_text=bool(subtitles))))
        lines.append(f"{track.folder}/index.m3u8")
    if i_frames is not None:
        peak = max(int(8 * key.bytes / duration_s) for _, key, duration_s in _i_frames(i_frames))
        lines.append(
            f'#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={peak},CODECS="{i_frames.codec}",'
            f'RESOLUTION={i_frames.width}x{i_frames.height},URI="iframes/index.m3u8"'
        )
    return _text(lines)


def bandwidths(track: Track, audio: Sequence[Track]) -> tuple[int, int]:
    """Return BANDWIDTH and AVERAGE-BANDWIDTH of a variant: its pictures with the largest of the sounds."""
    peak = track.peak_bandwidth + max((sound.peak_bandwidth for sound in audio), default=0)
    average = track.average_bandwidth + max((sound.average_bandwidth for sound in audio), default=0)
    return max(peak, average), average


def codecs(track: Track, audio: Sequence[Track]) -> str:
    """Return every codec that playing this variant takes."""
    return ",".join(dict.fromkeys([track.codec, *(sound.codec for sound in audio)]))


def _variant(track: Track, audio: Sequence[Track], *, has_text: bool) -> Iterator[str]:
    peak, average = bandwidths(track, audio)
    yield f"BANDWIDTH={peak}"
    yield f"AVERAGE-BANDWIDTH={average}"
    yield f'CODECS="{codecs(track, audio)}"'
    yield f"RESOLUTION={track.width}x{track.height}"
    yield f"FRAME-RATE={track.fps:.3f}"
    if audio:
        yield f'AUDIO="{AUDIO_GROUP}"'
    if has_text:
        yield f'SUBTITLES="{SUBTITLES_GROUP}"'
    yield "CLOSED-CAPTIONS=NONE"


def _sound_line(track: Track, *, is_default: bool, twins: Sequence[Track]) -> str:
    return (
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{AUDIO_GROUP}",{_label(track, twins, UNNAMED_SOUND)}'
        f"DEFAULT={'YES' if is_default else 'NO'},AUTOSELECT={'YES' if track.offered else 'NO'},"
        f'CHANNELS="{track.channels}",URI="{track.folder}/index.m3u8"'
    )


def _text_line(track: Track, *, twins: Sequence[Track]) -> str:
    """Return the line of a text track: a player shows it when its reader wants text in that language."""
    return _text_media(_label(track, twins, UNNAMED_TEXT), f"{track.folder}/index.m3u8")


def text_line(name: str, language: str, uri: str) -> str:
    """Return the line of a text rendition that stands for no track of the package."""
    return _text_media(f'NAME="{name}",LANGUAGE="{language}",', uri)


def narration_line(language: str, channels: int, uri: str) -> str:
    """Return the line of a narration: it is heard when somebody chooses it, never by itself."""
    return (
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{AUDIO_GROUP}",NAME="{NARRATION} · {LANGUAGE_NAMES[language[:2]]}",'
        f'LANGUAGE="{language}",DEFAULT=NO,AUTOSELECT=NO,CHANNELS="{channels}",URI="{uri}"'
    )


def _text_media(label: str, uri: str) -> str:
    return (
        f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="{SUBTITLES_GROUP}",{label}'
        f'DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="{uri}"'
    )


def _label(track: Track, twins: Sequence[Track], unnamed: str) -> str:
    """Return NAME, different for tracks of one language, and LANGUAGE where there is one."""
    label = LANGUAGE_NAMES.get(track.language.split("-")[0], track.language)
    language = f'LANGUAGE="{track.language}",'
    if track.language == "und":
        label, language = unnamed, ""
    if track.codec and track.name.partition("-")[2].startswith("room"):
        label = ROOM_SOUND if track.language == "und" else f"{label} · {ROOM_SOUND}"
    alike = [twin.name for twin in twins if twin.language == track.language]
    if len(alike) > 1:
        label += f" {alike.index(track.name) + 1}"
    return f'NAME="{label}",{language}'


def _i_frames(track: Track) -> Iterator[tuple[Segment, KeyFrame, float]]:
    """Answer each key frame with its segment and how long it stands."""
    found = [(segment, key) for segment in track.segments for key in segment.keys]
    times = [*(key.time_s for _, key in found), track.duration_s]
    for (segment, key), (start_s, end_s) in zip(found, pairwise(times), strict=True):
        yield segment, key, end_s - start_s


def _i_frame_target_s(track: Track) -> int:
    return max(1, *(int(duration_s + 0.5) for _, _, duration_s in _i_frames(track)))


def _passages(segments: Sequence[Segment], target_s: int) -> Iterator[Sequence[Segment]]:
    for first in range(len(segments)):
        length_s = 0.0
        for last in range(first, len(segments)):
            length_s += segments[last].duration_s
            if length_s > 1.5 * target_s:
                break
            if length_s >= 0.5 * target_s:
                yield segments[first : last + 1]


def _bits_a_second(segments: Sequence[Segment]) -> int:
    seconds = sum(segment.duration_s for segment in segments)
    return int(8 * sum(segment.bytes for segment in segments) / seconds + 0.5)


def _head(target_s: int, kind: str) -> list[str]:
    return [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{target_s}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{kind}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
