"""DICOM recordings as the library takes them: what is accepted, what is made of it, that nobody is named."""

from __future__ import annotations

import json
import logging
import struct
import subprocess
import zlib
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    HEVCMP51,
    MPEG2MPML,
    MPEG4HP41,
    DeflatedExplicitVRLittleEndian,
)

from ingest.dicom import convert_cine, inspect_cine, is_dicom
from ingest.dicom_frames import read_shape
from ingest.dicom_header import open_recording
from ingest.dicom_pixels import display_frames
from ingest.errors import Cancelled, Refused
from ingest.ffmpeg import Limits, find_tools, run_ffmpeg
from tests.dicom_samples import SECRET_ID, SECRET_NAME, make_cine, numbered_frames, read_number

WINDOWED: dict[str, Any] = {"WindowCenter": "2048", "WindowWidth": "4096"}
ANGIOGRAMS = ["xa_coronary_12f_jpeglossless_sv1.dcm", "xa_coronary_12f_rle.dcm", "us_palette_2f_rle.dcm"]


def decode(video: Path, folder: Path, pixel_format: str = "gray") -> NDArray[np.uint8]:
    """Decode a video of ours to its pictures."""
    stream = probe(video)
    arguments = ["-i", "{source}", "-fps_mode", "passthrough", "-pix_fmt", pixel_format, "-f", "rawvideo"]
    run_ffmpeg([*arguments, "{out}/raw"], source=video, out=folder, limits=Limits.for_duration(60))
    shape = (stream["height"], stream["width"]) if pixel_format == "gray" else (stream["height"], stream["width"], 3)
    return np.fromfile(folder / "raw", np.uint8).reshape(-1, *shape)


def probe(video: Path) -> dict[str, Any]:
    """Answer what ffprobe says of a video's stream."""
    command = [
        str(find_tools().ffprobe),
        "-v",
        "error",
        "-show_streams",
        "-show_format",
        "-of",
        "json",
        str(video),
    ]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {**answer["format"], **answer["streams"][0]}


def facts_of(path: Path) -> dict[str, Any]:
    found = inspect_cine(path).dicom
    assert found is not None
    return found.describe()


def refusal_of(path: Path) -> Refused:
    with pytest.raises(Refused) as refusal:
        inspect_cine(path)
    return refusal.value


def test_dicom_is_known_by_its_content_and_nothing_else_is_taken_for_it(shared):
    files = [file for file in (shared / "testdata").rglob("*") if file.is_file()]

    taken = {file for file in files if is_dicom(file)}

    assert taken == {file for file in files if file.suffix == ".dcm"}


def test_an_old_file_without_preamble_is_dicom_all_the_same(tmp_path):
    whole = make_cine(tmp_path / "whole.dcm", **WINDOWED)
    bare = tmp_path / "bare"
    bare.write_bytes(whole.read_bytes()[132:])
    without_meta = tmp_path / "without_meta"
    (meta_length,) = struct.unpack_from("<L", whole.read_bytes(), 140)
    without_meta.write_bytes(whole.read_bytes()[144 + meta_length :])

    for file in (bare, without_meta):
        assert is_dicom(file)
        assert facts_of(file)["frames"] == 12


def test_an_angiogram_is_inspected_with_its_own_timing(shared):
    source = shared / "testdata" / "dicom" / "xa_coronary_96f_jpegbaseline_masksub.dcm"

    found = inspect_cine(source)

    assert (found.video.width, found.video.height, found.video.frames) == (512, 512, 96)
    assert found.video.fps == Fraction(1000, 33)
    assert found.duration_s == pytest.approx(96 * 0.033)
    facts = facts_of(source)
    assert (facts["modality"], facts["rate_source"], facts["burned_in_annotation"]) == (
        "XA",
        "FrameTime",
        "unknown",
    )
    assert facts["has_mask_subtraction"] is False
    assert facts["positioner_deg"] == [-32.0, 2.0]


def test_text_burned_into_the_pictures_is_told(shared):
    source = shared / "testdata" / "dicom" / "us_burnedin_testpatient_8f_uncompressed.dcm"

    assert facts_of(source)["burned_in_annotation"] == "yes"
    assert any("burned" in warning for warning in inspect_cine(source).warnings)


def test_a_cine_without_any_rate_is_accepted_with_a_guess(shared):
    facts = facts_of(shared / "testdata" / "dicom" / "us_palette_2f_rle.dcm")

    assert facts["rate_source"] == "assumed"
    assert facts["guesses"]


@pytest.mark.parametrize("name", ANGIOGRAMS)
def test_the_intermediate_video_holds_every_rendered_frame_bit_by_bit(shared, tmp_path, name):
    source = shared / "testdata" / "dicom" / name
    with open_recording(source) as recording:
        rendered = np.stack(list(display_frames(recording, read_shape(recording))))

    video = convert_cine(source, tmp_path)

    assert np.array_equal(decode(video, tmp_path, "gray" if rendered.ndim == 3 else "rgb24"), rendered)


def test_frames_come_in_order_at_the_rate_of_the_header_in_full_range(tmp_path):
    source = make_cine(tmp_path / "cine.dcm", numbered_frames(20), **WINDOWED)

    video = convert_cine(source, tmp_path)

    assert [read_number(picture) for picture in decode(video, tmp_path)] == list(range(20))
    stream = probe(video)
    assert (stream["avg_frame_rate"], stream["color_range"], stream["pix_fmt"]) == ("15/1", "pc", "gray")


def test_a_frame_time_vector_repeats_frames_onto_a_constant_rate(tmp_path):
    source = make_cine(
        tmp_path / "cine.dcm",
        numbered_frames(5),
        FrameIncrementPointer=0x00181065,
        FrameTime=None,
        FrameTimeVector=["0", "250", "250", "1000", "500"],
        **WINDOWED,
    )

    video = convert_cine(source, tmp_path)

    assert [read_number(picture) for picture in decode(video, tmp_path)] == [0, 1, 2, 2, 2, 2, 3, 3, 4, 4]
    assert facts_of(source)["frame_times_ms"] == [0, 250, 500, 1500, 2000]
    assert inspect_cine(source).duration_s == float(probe(video)["duration"]) == 2.5


@pytest.mark.parametrize("tags", [{"PixelAspectRatio": ["4", "3"]}, {"ImagerPixelSpacing": ["0.4", "0.3"]}])
def test_pixels_that_are_not_square_are_told_to_the_next_stage(tmp_path, tags):
    source = make_cine(tmp_path / "cine.dcm", **tags, **WINDOWED)

    video = convert_cine(source, tmp_path)

    assert inspect_cine(source).video.sar == Fraction(3, 4)
    assert inspect_cine(source).video.display_width == 72
    assert probe(video)["sample_aspect_ratio"] == "3:4"


def test_a_file_that_lies_about_its_frames_is_refused_before_anything_is_decoded(shared):
    assert refusal_of(shared / "testdata" / "hostile" / "dicom_frames_lie.dcm").reason == "truncated"


@pytest.mark.parametrize("name", ["xa_coronary_12f_rle.dcm", "us_burnedin_testpatient_8f_uncompressed.dcm"])
def test_a_file_that_was_cut_off_is_refused_as_truncated(shared, tmp_path, name):
    whole = (shared / "testdata" / "dicom" / name).read_bytes()
    (tmp_path / "cut.dcm").write_bytes(whole[: len(whole) * 2 // 3])

    assert refusal_of(tmp_path / "cut.dcm").reason == "truncated"


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"NumberOfFrames": 1}, "still_image"),
        ({"Rows": 65535, "Columns": 65535}, "too_large"),
        ({"Rows": 0}, "corrupt"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2.1", "Modality": "CT"}, "unsupported"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "Modality": "MR", "NumberOfFrames": 1}, "unsupported"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.13.1.1"}, "unsupported"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.67", "Modality": "SR"}, "unsupported"),
        ({"PhotometricInterpretation": "CMYK"}, "unsupported"),
        ({"BitsStored": 17}, "unsupported"),
        ({"NumberOfFrames": 2_000_000_000}, "too_large"),
    ],
)
def test_what_is_no_recording_is_refused_with_a_reason(tmp_path, tags, reason):
    refusal = refusal_of(make_cine(tmp_path / "file.dcm", **tags))

    assert refusal.reason == reason
    assert str(refusal).endswith(".")


def test_a_dose_report_without_pictures_is_told_from_a_recording(tmp_path):
    report = dcmread(make_cine(tmp_path / "cine.dcm"))
    del report.PixelData
    report.save_as(tmp_path / "report.dcm")

    assert refusal_of(tmp_path / "report.dcm").reason == "unsupported"


def test_a_deflated_file_is_read_and_a_deflate_bomb_is_stopped(tmp_path):
    plain = make_cine(tmp_path / "plain.dcm", **WINDOWED)
    deflated = make_cine(tmp_path / "deflated.dcm", TransferSyntaxUID=DeflatedExplicitVRLittleEndian, **WINDOWED)
    bomb = tmp_path / "bomb.dcm"
    head = deflated.read_bytes()[: 144 + struct.unpack_from("<L", deflated.read_bytes(), 140)[0]]
    bomb.write_bytes(head + _deflated_zeros(gibibytes=2))

    first, second = convert_cine(plain, tmp_path).read_bytes(), convert_cine(deflated, tmp_path).read_bytes()

    assert first == second
    assert refusal_of(bomb).reason == "too_large"


@pytest.mark.parametrize("position", range(132, 900, 64))
def test_damaged_headers_are_refused_or_read_but_never_crash(tmp_path, position):
    content = bytearray(make_cine(tmp_path / "cine.dcm").read_bytes())
    content[position : position + 8] = b"\xff" * 8
    (tmp_path / "damaged.dcm").write_bytes(content)

    with suppress(Refused):
        assert inspect_cine(tmp_path / "damaged.dcm").video.frames == 12


def test_nobody_is_named_in_facts_messages_logs_or_the_video(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    named: dict[str, Any] = {
        "Modality": SECRET_NAME,
        "SOPClassUID": "1.2.3",
        "StudyID": SECRET_NAME,
    }
    source = make_cine(tmp_path / "cine.dcm", ImageComments=SECRET_NAME, **named, **WINDOWED)
    source.write_bytes(source.read_bytes().replace(b"66.667", b"GEHEIM"))

    told = repr(inspect_cine(source)) + repr(facts_of(source))
    video = convert_cine(source, tmp_path)
    content = bytearray(source.read_bytes())
    content[-200:] = b""
    source.write_bytes(content)
    told += str(refusal_of(source)) + caplog.text

    for secret in (SECRET_NAME, "GEHEIM", SECRET_ID):
        assert secret not in told
        assert secret.encode() not in video.read_bytes()


def test_a_damaged_picture_in_the_middle_is_a_refusal_not_a_failure_of_the_tool(shared, tmp_path):
    cine = dcmread(shared / "testdata" / "dicom" / "xa_coronary_12f_jpeglossless_sv1.dcm")
    frames = list(generate_frames(cine.PixelData, number_of_frames=12))
    frames[5] = frames[5][:200] + bytes(len(frames[5]) - 200)
    frames[7] = bytes(len(frames[7]))
    cine.PixelData = encapsulate(frames)
    cine.save_as(tmp_path / "damaged.dcm")

    with pytest.raises(Refused) as refusal:
        convert_cine(tmp_path / "damaged.dcm", tmp_path)

    assert refusal.value.reason == "corrupt"


def test_conversion_stops_when_asked(tmp_path):
    source = make_cine(tmp_path / "cine.dcm", **WINDOWED)

    with pytest.raises(Cancelled):
        convert_cine(source, tmp_path, cancelled=lambda: True)


def test_a_video_inside_dicom_is_unwrapped_byte_by_byte(shared, tmp_path):
    source = shared / "testdata" / "dicom" / "dicom_video_h264_endoscopic.dcm"

    found = inspect_cine(source)
    video = convert_cine(source, tmp_path)

    assert (found.container, found.video.codec, str(found.video.fps)) == ("dicom", "h264", "25")
    assert [track.codec for track in found.audio] == ["aac"]
    assert facts_of(source)["rate_source"] == "FrameTime"
    assert video.read_bytes() in source.read_bytes()
    assert len(decode(video, tmp_path)) == 102


@pytest.mark.parametrize(
    ("syntax", "encoder", "muxer", "demuxer"),
    [
        (MPEG4HP41, ["libx264", "-bf", "3"], "h264", "h264"),
        (HEVCMP51, ["libx265", "-x265-params", "log-level=none"], "hevc", "hevc"),
        (MPEG2MPML, ["mpeg2video", "-bf", "2", "-q:v", "3"], "mpeg2video", "mpegvideo"),
    ],
)
def test_a_bare_stream_in_several_fragments_gets_the_rate_of_the_header(tmp_path, syntax, encoder, muxer, demuxer):
    stream = tmp_path / "stream"
    arguments = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=2", "-c:v", *encoder]
    arguments += ["-pix_fmt", "yuv420p", "-f", muxer, str(stream)]
    subprocess.run([find_tools().ffmpeg, "-v", "error", *arguments], check=True)
    bare = stream.read_bytes() + b"\0" * (stream.stat().st_size % 2)
    middle = len(bare) // 4 * 2
    source = make_cine(
        tmp_path / "video.dcm",
        encoded=[bare[:middle], bare[middle:]],
        TransferSyntaxUID=syntax,
        NumberOfFrames=50,
        FrameTime="33.3667",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.1.1",
    )
    made = tmp_path / "made"
    made.mkdir()

    video = convert_cine(source, made)

    assert probe(video)["avg_frame_rate"] == "30000/1001"
    assert float(probe(video)["duration"]) == pytest.approx(50 * 1001 / 30000, abs=0.001)
    assert np.array_equal(decode(video, made), _decode_stream(stream, demuxer))


def _decode_stream(stream: Path, demuxer: str) -> NDArray[np.uint8]:
    made = stream.with_suffix(".raw")
    arguments = [
        "-f",
        demuxer,
        "-i",
        str(stream),
        "-fps_mode",
        "passthrough",
        "-pix_fmt",
        "gray",
        "-f",
        "rawvideo",
    ]
    subprocess.run([find_tools().ffmpeg, "-v", "error", *arguments, made], check=True)
    return np.fromfile(made, np.uint8).reshape(-1, 240, 320)


def _deflated_zeros(*, gibibytes: int) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = deflater.compress(bytes(1 << 24)) + deflater.flush(zlib.Z_FULL_FLUSH)
    # after a full flush a block stands alone, so it can be repeated
    return block * (gibibytes << 6) + deflater.flush()
