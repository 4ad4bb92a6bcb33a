"""What `inspect` says of recordings that the tests make: sizes, rates, turns, lengths, and the reasons of refusals."""

from __future__ import annotations

import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import SENTENCES, Refused, ToolFailed
from ingest.ffmpeg import Limits, run_ffmpeg
from ingest.inspect import check_decoded_length, describe, inspect
from ingest.languages import language_tag
from ingest.probe import Packet, end_of, ratio, seconds, times_of
from ingest.signature import HEAD_BYTES, may_be_dicom, read_outline, refuse_by_head
from ingest.streams import find_depth, find_rate, find_sar, find_turn, snap_rate

LIMITS = Limits(cpu_s=60, wall_s=60)


def make(folder: Path, name: str, *arguments: str, seconds: float = 4, size: str = "320x240", rate: str = "25") -> Path:
    """Make a recording of test picture and tone with the real ffmpeg; `arguments` are its output options."""
    picture = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}"]
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]
    command = [*picture, *tone, "-t", str(seconds), *arguments, f"{{out}}/{name}"]
    run_ffmpeg(command, source=None, out=folder, limits=LIMITS)
    return folder / name


def copy(source: Path, name: str, *arguments: str) -> Path:
    """Copy a recording's streams into another file."""
    command = ["-i", "{source}", "-map", "0", "-c", "copy", *arguments, f"{{out}}/{name}"]
    run_ffmpeg(command, source=source, out=source.parent, limits=LIMITS)
    return source.parent / name


def cut(source: Path, share: float) -> Path:
    """The same file without its end."""
    whole = source.read_bytes()
    shorter = source.with_name(f"cut_{source.name}")
    shorter.write_bytes(whole[: int(len(whole) * share)])
    return shorter


def refusal(source: Path, *, full: bool = False) -> str:
    with pytest.raises(Refused) as refused:
        inspect(source, full=full)
    assert refused.value.may_retry is False
    assert source.name not in str(refused.value)
    return refused.value.reason


class TestAccepted:
    def test_an_everyday_recording_is_described_as_the_contract_says(self, tmp_path: Path) -> None:
        source = make(tmp_path, "a.mp4", "-c:v", "libx264", "-c:a", "aac", "-metadata:s:a:0", "language=chi")

        inspection = inspect(source, full=True)

        assert inspection.audio[0].language == "zh"
        assert inspection.bytes == source.stat().st_size
        assert inspection.warnings == ()
        assert inspection.video.frames == 100
        assert json.loads(json.dumps(describe(inspection))) == {
            "container": "mov,mp4,m4a,3gp,3g2,mj2",
            "video_codec": "h264",
            "audio_codec": "aac",
            "width": 320,
            "height": 240,
            "fps": 25.0,
            "duration_s": 4.0,
            "interlaced": False,
            "rotation": 0,
            "hdr": None,
            "dicom": None,
        }

    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("a.mkv", ("-c:v", "libx264", "-c:a", "flac")),
            ("a.avi", ("-c:v", "mpeg4", "-c:a", "mp2")),
            ("a.ts", ("-c:v", "libx264", "-c:a", "aac")),
            ("a.mpg", ("-c:v", "mpeg2video", "-c:a", "mp2", "-f", "vob")),
            ("a.flv", ("-c:v", "libx264", "-c:a", "aac", "-ar", "44100")),
            ("a.wmv", ("-c:v", "wmv2", "-c:a", "wmav2")),
            ("a.mxf", ("-c:v", "mpeg2video", "-c:a", "pcm_s16le")),
            ("a.mov", ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-c:a", "pcm_s16le")),
            ("frag.mp4", ("-c:v", "libx264", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov")),
        ],
    )
    def test_every_usual_container_is_accepted_with_its_length_and_rate(
        self, tmp_path: Path, name: str, arguments: tuple[str, ...]
    ) -> None:
        source = make(tmp_path, name, *arguments)

        for full in (False, True):
            inspection = inspect(source, full=full)
            assert inspection.duration_s == pytest.approx(4.0, abs=0.05)
            assert inspection.video.fps == 25
            assert not inspection.video.is_vfr
            assert len(inspection.audio) == 1

    def test_sound_that_is_longer_than_the_picture_is_no_truncation(self, tmp_path: Path) -> None:
        picture = make(tmp_path, "p.mkv", "-c:v", "libx264", "-an", seconds=2)
        tone = ["-f", "lavfi", "-i", "sine=duration=8"]
        arguments = ["-i", "{out}/p.mkv", *tone, "-c:v", "copy", "-c:a", "flac", "{out}/long.mkv"]
        run_ffmpeg(arguments, source=None, out=picture.parent, limits=LIMITS)

        assert inspect(tmp_path / "long.mkv", full=True).duration_s == pytest.approx(2.0, abs=0.05)

    def test_pixels_that_are_not_square_widen_the_picture(self, tmp_path: Path) -> None:
        source = make(tmp_path, "a.mp4", "-vf", "setsar=16/15", "-c:v", "libx264", size="720x576")

        video = inspect(source).video

        assert (video.width, video.sar, video.display_width, video.display_height) == (720, Fraction(16, 15), 768, 576)

    @pytest.mark.parametrize(("degrees", "clockwise"), [(90, 270), (180, 180), (270, 90)])
    def test_a_turned_recording_says_how_to_turn_it(self, tmp_path: Path, degrees: int, clockwise: int) -> None:
        upright = make(tmp_path, "a.mp4", "-c:v", "libx264", "-an", seconds=1)
        arguments = ["-display_rotation", str(degrees), "-i", "{source}", "-c", "copy", "{out}/turned.mp4"]
        run_ffmpeg(arguments, source=upright, out=tmp_path, limits=LIMITS)

        video = inspect(tmp_path / "turned.mp4").video

        assert (video.rotation, video.mirrored) == (clockwise, False)
        assert (video.display_width, video.display_height) == ((320, 240) if degrees == 180 else (240, 320))

    def test_a_mirrored_recording_is_known(self, tmp_path: Path) -> None:
        upright = make(tmp_path, "a.mp4", "-c:v", "libx264", "-an", seconds=1)
        arguments = ["-display_hflip", "-i", "{source}", "-c", "copy", "{out}/mirrored.mp4"]
        run_ffmpeg(arguments, source=upright, out=tmp_path, limits=LIMITS)

        assert inspect(tmp_path / "mirrored.mp4").video.mirrored

    def test_interlace_is_known_by_the_header_and_seen_where_the_header_is_silent(self, tmp_path: Path) -> None:
        weave = ("-vf", "gblur=2,tinterlace=interleave_top,setfield=tff", "-r", "25")
        stated = make(tmp_path, "a.mpg", *weave, "-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-f", "vob", rate="50")
        silent = make(tmp_path, "a.avi", *weave, "-c:v", "huffyuv", "-an", size="720x576", rate="50", seconds=1)
        # as soft as a lens: lines of one pixel look like fields to any judge
        plain = make(tmp_path, "b.avi", "-vf", "gblur=2", "-c:v", "huffyuv", "-an", size="720x576", seconds=1)

        assert inspect(stated).video.interlaced
        assert inspect(silent).video.interlaced
        assert not inspect(plain).video.interlaced

    def test_a_variable_rate_is_known_and_its_length_whole(self, tmp_path: Path) -> None:
        # every picture at first, then every fifth
        thin = "select='if(lt(t,1),1,not(mod(n,5)))'"
        source = make(tmp_path, "a.mp4", "-vf", thin, "-fps_mode", "vfr", "-c:v", "libx264", "-an", seconds=6)

        inspection = inspect(source, full=True)

        assert inspection.video.is_vfr
        assert inspection.video.fps == 25
        assert inspection.duration_s == pytest.approx(5.5, abs=0.1)

    def test_ten_bit_hdr_is_known(self, tmp_path: Path) -> None:
        tags = ("-vf", "setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc")
        source = make(tmp_path, "a.mp4", "-c:v", "libx265", "-pix_fmt", "yuv420p10le", *tags, "-an", seconds=1)

        video = inspect(source).video

        assert (video.bit_depth, video.hdr, video.transfer) == (10, "pq", "smpte2084")

    def test_a_cover_picture_is_not_taken_for_the_video(self, tmp_path: Path) -> None:
        source = make(tmp_path, "a.mp4", "-c:v", "libx264", "-c:a", "aac", seconds=1)
        cover = ["-f", "lavfi", "-i", "color=red:size=600x600", "-i", "{out}/a.mp4", "-frames:v:0", "1"]
        maps = ["-map", "0:v", "-map", "1", "-c:v:0", "mjpeg", "-c:v:1", "copy", "-c:a", "copy"]
        run_ffmpeg(
            [*cover, *maps, "-disposition:v:0", "attached_pic", "{out}/covered.mp4"],
            source=None,
            out=source.parent,
            limits=LIMITS,
        )

        assert inspect(tmp_path / "covered.mp4").video.width == 320

    def test_a_single_picture_is_a_very_short_recording(self, tmp_path: Path) -> None:
        source = make(tmp_path, "a.mp4", "-c:v", "libx264", "-an", "-frames:v", "1")

        assert inspect(source, full=True).duration_s == pytest.approx(0.04)


class TestTruncated:
    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("fast.mp4", ("-c:v", "libx264", "-c:a", "aac", "-movflags", "faststart")),
            ("plain.mp4", ("-c:v", "libx264", "-c:a", "aac")),
            ("frag.mp4", ("-c:v", "libx264", "-g", "100", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov")),
            ("a.mkv", ("-c:v", "libx264", "-c:a", "flac")),
            ("a.avi", ("-c:v", "mpeg4", "-c:a", "mp2")),
            ("a.flv", ("-c:v", "libx264", "-c:a", "aac", "-ar", "44100")),
            ("a.wmv", ("-c:v", "wmv2", "-c:a", "wmav2")),
            ("a.mxf", ("-c:v", "mpeg2video", "-c:a", "pcm_s16le")),
        ],
    )
    def test_a_file_without_its_end_is_refused_before_it_is_decoded(
        self, tmp_path: Path, name: str, arguments: tuple[str, ...]
    ) -> None:
        source = make(tmp_path, name, *arguments, seconds=6)

        assert refusal(cut(source, 0.4)) == "truncated"
        assert inspect(source).duration_s == pytest.approx(6, abs=0.05)

    def test_a_missing_tail_of_two_percent_is_forgiven(self, tmp_path: Path) -> None:
        source = make(tmp_path, "a.mp4", "-c:v", "mpeg4", "-q:v", "2", "-an", "-movflags", "faststart", seconds=10)

        assert inspect(cut(source, 0.98), full=True).duration_s == pytest.approx(10)

    def test_pictures_that_do_not_decode_are_missed_only_by_the_full_look(self, tmp_path: Path) -> None:
        source = make(tmp_path, "a.avi", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-an", seconds=4)
        whole = bytearray(source.read_bytes())
        # the pictures of the second half lose all their marks
        at = len(whole) // 2
        whole[at:] = whole[at:].replace(b"\xff", b"\x00")
        source.write_bytes(whole)

        assert inspect(source).duration_s == pytest.approx(4)
        assert refusal(source, full=True) == "truncated"

    def test_the_encoders_check_allows_95_percent_and_a_picture(self, tmp_path: Path) -> None:
        inspection = inspect(make(tmp_path, "a.mp4", "-c:v", "libx264", "-an", seconds=10))

        check_decoded_length(inspection, 9.5)
        for decoded_s, reason in ((9.4, "truncated"), (0.0, "corrupt")):
            with pytest.raises(Refused) as refused:
                check_decoded_length(inspection, decoded_s)
            assert refused.value.reason == reason


class TestRefused:
    def test_sound_alone_has_no_video(self, tmp_path: Path) -> None:
        assert refusal(make(tmp_path, "a.m4a", "-map", "1:a", "-c:a", "aac")) == "no_video"

    def test_pictures_smaller_than_16_pixels_are_refused_with_a_sentence_of_their_own(self, tmp_path: Path) -> None:
        source = make(tmp_path, "a.avi", "-c:v", "ffv1", "-an", size="8x64")

        with pytest.raises(Refused, match="smaller than 16") as refused:
            inspect(source)
        assert refused.value.reason == "unsupported"

    def test_pictures_larger_than_8192_pixels_are_too_large(self, tmp_path: Path) -> None:
        mjpeg = ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-an", "-frames:v", "2")
        source = make(tmp_path, "a.mkv", *mjpeg, size="8200x32")

        assert refusal(source) == "too_large"

    def test_a_codec_that_is_not_on_the_list_is_unsupported(self, tmp_path: Path) -> None:
        assert refusal(make(tmp_path, "a.mkv", "-c:v", "zmbv", "-an", seconds=1)) == "unsupported"

    def test_a_damaged_index_is_corrupt(self, tmp_path: Path) -> None:
        source = make(tmp_path, "a.mp4", "-c:v", "libx264", "-an", "-movflags", "faststart", seconds=1)
        whole = bytearray(source.read_bytes())
        at = whole.index(b"trak")
        whole[at : at + 400] = bytes(400)
        source.write_bytes(whole)

        assert refusal(source) == "corrupt"

    def test_an_encrypted_recording_says_so(self, tmp_path: Path) -> None:
        key = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "0" * 32, "-encryption_kid", "1" * 32)
        source = make(tmp_path, "a.mp4", "-c:v", "libx264", "-c:a", "aac", *key, seconds=1)

        assert refusal(source) == "encrypted"

    def test_every_reason_has_a_sentence_without_a_path(self) -> None:
        for sentence in SENTENCES.values():
            assert sentence.endswith(".")
            assert "/" not in sentence

    def test_a_tool_that_was_stopped_is_not_the_recordings_fault(self) -> None:
        assert ToolFailed(exit_status=1).is_inputs_fault
        assert ToolFailed(exit_status=139).is_inputs_fault
        assert not ToolFailed(exit_status=137).is_inputs_fault
        assert not ToolFailed().is_inputs_fault
        assert not ToolFailed(exit_status=1, stderr_tail="bwrap: No permission").is_inputs_fault


class TestReading:
    @pytest.mark.parametrize(
        ("text", "meant"),
        [("2997/100", "30000/1001"), ("30", "30"), ("29999/1000", "30"), ("24.99", "25"), ("15", "15"), ("120", "120")],
    )
    def test_rates_snap_to_the_usual_ones(self, text: str, meant: str) -> None:
        assert snap_rate(Fraction(text)) == Fraction(meant)

    @pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001", "30", "50", "60000/1001", "60"])
    def test_a_constant_rate_is_found_through_milliseconds_and_a_lying_header(self, rate: str) -> None:
        times = [float(round(number / Fraction(rate), 3)) for number in range(300)]

        found = find_rate({"r_frame_rate": "90000/1", "avg_frame_rate": "1000/1"}, times, None)

        assert found == (Fraction(rate), False)

    @pytest.mark.parametrize(
        ("written", "tag"),
        [("chi", "zh"), ("eng", "en"), ("ZHO", "zh"), ("zh-Hans", "zh-Hans"), (None, "und"), ("<script>", "und")],
    )
    def test_languages_become_bcp47(self, written: str | None, tag: str) -> None:
        assert language_tag(written) == tag

    @pytest.mark.parametrize(
        ("pix_fmt", "depth"),
        [("yuv420p", 8), ("yuv420p10le", 10), ("gray12le", 12), ("p010le", 10), ("gbrp16le", 16), ("unknown", 8)],
    )
    def test_depth_is_read_from_the_pixel_format(self, pix_fmt: str, depth: int) -> None:
        assert find_depth({"pix_fmt": pix_fmt}) == depth

    @pytest.mark.parametrize("value", ["N/A", "0:1", "1:0", "-1:2", None, "x", "1000:1", "1:1000"])
    def test_an_impossible_pixel_shape_is_square(self, value: str | None) -> None:
        assert find_sar({"sample_aspect_ratio": value}) == 1

    def test_seconds_and_ratios_of_nonsense_are_none(self) -> None:
        assert [seconds(text) for text in ("N/A", "nan", "inf", None, "1:2", "")] == [None] * 6
        assert seconds("00:01:10.500000000") == 70.5
        assert [ratio(text) for text in ("0/0", "N/A", "-1/2", "1/0")] == [None] * 4

    def test_a_stream_that_misses_a_pts_is_read_by_dts(self) -> None:
        packets = [Packet(0, None, 0.08, 0.04), Packet(0, 0.0, 0.0, 0.04), Packet(0, 0.2, 0.04, 0.04)]

        assert times_of(packets, 0) == [0.0, 0.04, 0.08]
        assert end_of(packets) == pytest.approx(0.12)

    @given(st.dictionaries(st.sampled_from(["rotation", "displaymatrix"]), st.text(max_size=40)))
    def test_any_display_matrix_gives_a_right_angle(self, matrix: dict[str, Any]) -> None:
        rotation, _ = find_turn({"side_data_list": [{"side_data_type": "Display Matrix", **matrix}]})

        assert rotation in {0, 90, 180, 270}

    @given(st.binary(min_size=1, max_size=HEAD_BYTES))
    def test_any_first_bytes_are_passed_on_or_refused(self, head: bytes) -> None:
        reason = None
        try:
            refuse_by_head(head)
        except Refused as refused:
            reason = refused.reason

        assert reason in {None, "still_image", "unsafe_reference", "not_media", "too_large", "unsupported"}
        assert may_be_dicom(bytes(128) + b"DICM" + head)

    @given(st.binary(max_size=300))
    def test_any_outline_is_walked_to_an_end(self, tail: bytes) -> None:
        outline = read_outline(io.BytesIO(b"\x00\x00\x00\x08ftyp" + tail))

        assert outline is not None
