"""What a package says of itself: playlists that are true of the files beside them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import m3u8
import pytest

from ingest.package import sha256_of
from ingest.pipeline import Method, package_recording
from tests.samples import make_recording, probe, run_tool


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of nine seconds at 29.97 pictures a second with two languages."""
    folder = tmp_path_factory.mktemp("package")
    languages = ("-map", "0:v", "-map", "1:a", "-map", "1:a", "-c:a", "aac")
    tags = ("-metadata:s:a:0", "language=chi", "-metadata:s:a:1", "language=eng")
    source = make_recording(folder / "in.mp4", seconds=9, size="640x480", fps="30000/1001", extra=(*languages, *tags))
    package_recording(source, folder / "out", method=Method(copy=False))
    return folder / "out"


def test_the_folder_is_laid_out_as_the_contract_says(made: Path) -> None:
    found = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}

    assert {"master.m3u8", "package.json", "poster.jpg", "storyboard.jpg", "storyboard.vtt"} <= found
    tracks = ["video/480p", "video/360p", "video/240p", "audio/zh", "audio/en"]
    for folder in tracks:
        assert {f"{folder}/index.m3u8", f"{folder}/init.mp4", f"{folder}/0000.m4s", f"{folder}/0002.m4s"} <= found
    assert len(found) == 5 + 5 * len(tracks) + 1


def test_an_independent_library_reads_every_playlist(made: Path) -> None:
    master = m3u8.load(str(made / "master.m3u8"))

    assert master.is_independent_segments
    assert int(master.version) >= 7
    resolutions = [playlist.stream_info.resolution for playlist in master.playlists]
    assert resolutions == [(640, 480), (480, 360), (320, 240)]
    assert [(media.language, media.default, media.group_id) for media in master.media] == [
        ("zh", "YES", "audio"),
        ("en", "NO", "audio"),
    ]
    for playlist in [*master.playlists, *master.media]:
        child = m3u8.load(str(made / playlist.uri))
        assert child.is_endlist
        assert child.playlist_type == "vod"
        assert child.target_duration == 4
        assert sum(segment.duration for segment in child.segments) == pytest.approx(9.0, abs=1 / 29)


def test_codecs_resolution_and_rate_are_those_of_the_files(made: Path) -> None:
    for playlist in m3u8.load(str(made / "master.m3u8")).playlists:
        folder = made / Path(playlist.uri).parent
        whole = folder.parent / "whole.mp4"
        whole.write_bytes(b"".join(path.read_bytes() for path in [folder / "init.mp4", *sorted(folder.glob("*.m4s"))]))
        stream = probe(whole, "stream=width,height,profile,level,r_frame_rate", stream="v")["streams"][0]
        whole.unlink()

        video, audio = playlist.stream_info.codecs.split(",")
        assert video == f"avc1.6400{stream['level']:02x}"
        assert stream["profile"] == "High"
        assert audio == "mp4a.40.2"
        assert playlist.stream_info.resolution == (stream["width"], stream["height"])
        assert playlist.stream_info.frame_rate == pytest.approx(29.97, abs=0.0005)
        assert stream["r_frame_rate"] == "30000/1001"


def test_bandwidth_is_the_measured_peak_of_pictures_and_sound(made: Path) -> None:
    def rates(folder: Path) -> tuple[float, float]:
        segments = m3u8.load(str(folder / "index.m3u8")).segments
        bits = [8 * (folder / segment.uri).stat().st_size for segment in segments]
        lengths = [segment.duration for segment in segments]
        peak = max(bit / length for bit, length in zip(bits, lengths, strict=True) if length >= 2)
        return peak, sum(bits) / sum(lengths)

    sounds = [rates(made / "audio" / language) for language in ("zh", "en")]
    for playlist in m3u8.load(str(made / "master.m3u8")).playlists:
        peak, average = rates(made / Path(playlist.uri).parent)
        assert playlist.stream_info.bandwidth >= peak + max(sound[0] for sound in sounds) - 2
        assert playlist.stream_info.bandwidth <= 1.1 * (peak + max(sound[0] for sound in sounds))
        assert playlist.stream_info.average_bandwidth == pytest.approx(
            average + max(sound[1] for sound in sounds), abs=3
        )


def test_every_segment_decodes_alone_with_its_init(made: Path, tmp_path: Path) -> None:
    folder = made / "video" / "240p"
    for segment in sorted(folder.glob("*.m4s")):
        alone = tmp_path / "alone.mp4"
        alone.write_bytes((folder / "init.mp4").read_bytes() + segment.read_bytes())

        frames = probe(alone, "frame=pict_type,key_frame", stream="v")["frames"]

        assert (frames[0]["key_frame"], frames[0]["pict_type"]) == (1, "I")
        assert len(frames) in {120, 119, 30}


def test_the_i_frame_playlist_names_bytes_that_are_a_picture(made: Path, tmp_path: Path) -> None:
    playlist = m3u8.load(str(made / "iframes" / "index.m3u8"))

    assert playlist.is_i_frames_only
    assert len(playlist.segments) == 5
    folder = made / "video" / "240p"
    for number, segment in enumerate(playlist.segments):
        length, _, offset = segment.byterange.partition("@")
        file = (made / "iframes" / segment.uri).resolve()
        assert file.parent == folder.resolve()
        picture = tmp_path / f"{number}.mp4"
        media = file.read_bytes()[int(offset) : int(offset) + int(length)]
        picture.write_bytes((folder / "init.mp4").read_bytes() + media)
        grey = run_tool(*("-i", picture, "-frames:v", "1", "-vf", "scale=8:8,format=gray", "-f", "rawvideo", "-"))
        assert len(grey) == 64
    assert sum(segment.duration for segment in playlist.segments) == pytest.approx(9.0, abs=1 / 29)


def test_package_json_holds_every_file_with_its_digest(made: Path) -> None:
    description = json.loads((made / "package.json").read_text(encoding="utf-8"))

    listed = {file["path"]: file for file in description["files"]}
    found = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    assert set(listed) == found - {"package.json"}
    for path, file in listed.items():
        content = (made / path).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), sha256(content).hexdigest())
    assert description["source"]["sha256"] == sha256_of(made.parent / "in.mp4")
    assert description["tools"]["ffmpeg"]
    assert description["settings"]["segment_s"] == 4
    assert description["package"]["renditions"][0]["name"] == "480p"


def test_nothing_in_a_package_names_the_file_it_came_from(made: Path) -> None:
    for path in made.rglob("*"):
        if path.is_file():
            assert str(made.parent).encode() not in path.read_bytes()
