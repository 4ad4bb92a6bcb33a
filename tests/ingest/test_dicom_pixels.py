"""DICOM pictures against dcmtk, a second implementation, and against the formulas of the standard."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from ingest.dicom_frames import check_decodable, decode_frames, read_shape
from ingest.dicom_header import open_recording
from ingest.dicom_pixels import display_frames, find_window
from ingest.dicom_shutter import shutter_mask
from ingest.errors import Refused
from tests.conftest import need
from tests.dicom_samples import make_cine, numbered_frames, read_number

WINDOWED: dict[str, Any] = {"WindowCenter": "1800", "WindowWidth": "2600"}
RESCALED: dict[str, Any] = {"RescaleSlope": "2", "RescaleIntercept": "-1500"}
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.3.1"
XA_FILES = [
    "xa_coronary_12f_jpeglossless_sv1.dcm",
    "xa_coronary_12f_rle.dcm",
    "xa_coronary_96f_jpegbaseline_masksub.dcm",
]


def render(path: Path) -> NDArray[np.uint8]:
    with open_recording(path) as recording:
        shape = read_shape(recording)
        check_decodable(recording, shape)
        return np.stack(list(display_frames(recording, shape)))


def render_with_dcmtk(path: Path, folder: Path, *options: str) -> NDArray[np.int64]:
    need(which("dcmj2pnm"), "dcmtk is not installed: apt install dcmtk")
    subprocess.run(["dcmj2pnm", "+Fa", *options, str(path), str(folder / "frame")], check=True, capture_output=True)
    made = sorted(folder.glob("frame.*"), key=lambda file: int(file.suffixes[-2].lstrip(".")))
    return np.stack([np.asarray(Image.open(file), np.int64) for file in made])


def largest_difference(ours: NDArray[Any], theirs: NDArray[Any]) -> int:
    assert ours.shape == theirs.shape
    return int(np.abs(ours.astype(np.int64) - theirs).max())


@pytest.mark.parametrize("name", XA_FILES)
def test_every_frame_of_a_real_angiogram_is_within_one_grey_level_of_dcmtk(shared, tmp_path, name):
    source = shared / "testdata" / "dicom" / name

    ours, theirs = render(source), render_with_dcmtk(source, tmp_path)

    assert largest_difference(ours, theirs) <= 1


def test_an_ultrasound_with_a_window_is_within_one_grey_level_of_dcmtk(shared, tmp_path):
    source = shared / "testdata" / "dicom" / "us_burnedin_testpatient_8f_uncompressed.dcm"

    ours, theirs = render(source), render_with_dcmtk(source, tmp_path, "+Wi", "1")

    assert largest_difference(ours, theirs) <= 1


@pytest.mark.parametrize(
    ("tags", "lowest"),
    [
        pytest.param(WINDOWED, 0, id="linear"),
        pytest.param({**WINDOWED, "PhotometricInterpretation": "MONOCHROME1"}, 0, id="monochrome1"),
        pytest.param({**WINDOWED, "VOILUTFunction": "SIGMOID"}, 0, id="sigmoid"),
        pytest.param({"WindowCenter": ["1800", "900"], "WindowWidth": ["2600", "300"]}, 0, id="several_windows"),
        pytest.param(
            {"WindowCenter": "-100", "WindowWidth": "3000", "PixelRepresentation": 1},
            -2048,
            id="12_bit_signed",
        ),
        pytest.param({**WINDOWED, **RESCALED}, 0, id="rescaled_xray"),
        pytest.param(
            {**WINDOWED, **RESCALED, "SOPClassUID": ULTRASOUND, "Modality": "US"}, 0, id="rescaled_ultrasound"
        ),
        pytest.param({**WINDOWED, "WindowWidth": "1"}, 0, id="width_one"),
    ],
)
def test_a_generated_cine_is_within_one_grey_level_of_dcmtk(tmp_path, tags, lowest):
    source = make_cine(tmp_path / "cine.dcm", numbered_frames(3, lowest=lowest), **tags)

    ours, theirs = render(source), render_with_dcmtk(source, tmp_path, "+Wi", "1")

    assert largest_difference(ours, theirs) <= 1


def lookup(entries: NDArray[Any], bits: int) -> Dataset:
    table = Dataset()
    table.LUTDescriptor = [len(entries), 0, bits]
    table.ModalityLUTType = "US"
    table.LUTData = entries.astype("<u2").tobytes()
    return table


def test_a_voi_table_is_within_one_grey_level_of_dcmtk(tmp_path):
    table = lookup(np.sqrt(np.arange(4096) / 4095) * 4095, 12)
    source = make_cine(tmp_path / "cine.dcm", numbered_frames(3), VOILUTSequence=[table])

    ours, theirs = render(source), render_with_dcmtk(source, tmp_path, "+Wl", "1")

    assert largest_difference(ours, theirs) <= 1


def test_a_modality_table_of_an_ultrasound_is_within_one_grey_level_of_dcmtk(tmp_path):
    table = lookup(np.linspace(65535, 0, 4096), 16)
    tags: dict[str, Any] = {
        "WindowCenter": "30000",
        "WindowWidth": "50000",
        "SOPClassUID": ULTRASOUND,
        "Modality": "US",
    }
    source = make_cine(tmp_path / "cine.dcm", numbered_frames(3), ModalityLUTSequence=[table], **tags)

    ours, theirs = render(source), render_with_dcmtk(source, tmp_path, "+Wi", "1")

    assert largest_difference(ours, theirs) <= 1


@pytest.mark.parametrize(("photometric", "planar"), [("RGB", 0), ("RGB", 1), ("YBR_FULL", 0), ("YBR_FULL", 1)])
def test_colour_is_within_two_levels_of_dcmtk_whatever_its_layout(tmp_path, photometric, planar):
    frames = np.random.default_rng(9).integers(60, 190, (2, 16, 24, 3))
    stored = frames if planar == 0 else np.moveaxis(frames, -1, 1)
    pixels = stored.astype(np.uint8).tobytes()
    tags: dict[str, Any] = {"PhotometricInterpretation": photometric, "PlanarConfiguration": planar}
    source = make_cine(tmp_path / "cine.dcm", frames, PixelData=pixels, **tags)

    ours, theirs = render(source), render_with_dcmtk(source, tmp_path)

    # dcmtk rounds down where it converts luminance and chroma
    assert largest_difference(ours, theirs) <= (0 if photometric == "RGB" else 2)


def test_a_real_echo_in_ybr_422_is_what_dcmtk_shows(shared, tmp_path):
    source = shared / "testdata" / "dicom" / "us_echo_30f_ybr422_jpeg.dcm"

    ours, theirs = render(source)[:3], render_with_dcmtk(source, tmp_path)[:3]

    # two JPEG decoders smooth chroma differently: the picture is the same, single pixels are not
    assert float(np.abs(ours.astype(int) - theirs).mean()) < 1.5


def test_the_ramp_of_a_linear_window_follows_the_formula_of_the_standard(tmp_path):
    values = np.arange(4096).reshape(1, 64, 64).repeat(2, axis=0)
    source = make_cine(tmp_path / "cine.dcm", values, WindowCenter="2048", WindowWidth="1000")

    shown = render(source)[0].ravel()

    expected = np.clip(((np.arange(4096) - 2047.5) / 999 + 0.5) * 255, 0, 255)
    assert np.abs(shown - expected).max() <= 0.5


def test_the_modality_table_of_an_angiogram_does_not_alter_its_display(tmp_path):
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 16]
    table.ModalityLUTType = "US"
    table.LUTData = np.linspace(65535, 0, 4096).astype("<u2").tobytes()
    plain = make_cine(tmp_path / "plain.dcm", **WINDOWED)
    with_table = make_cine(tmp_path / "table.dcm", **WINDOWED, ModalityLUTSequence=[table])

    assert np.array_equal(render(plain), render(with_table))


@pytest.mark.parametrize(
    "entries", [lambda values: values.astype("<u2").tobytes(), lambda values: values.astype("u1").tobytes()]
)
def test_a_voi_table_is_applied_where_there_is_no_window(tmp_path, entries):
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 8]
    table.LUTData = entries(np.arange(4096) // 32)
    frames = numbered_frames(2)
    source = make_cine(tmp_path / "cine.dcm", frames, VOILUTSequence=[table])

    assert np.array_equal(render(source), frames // 32)


def test_without_a_window_one_estimate_holds_for_all_frames_and_is_told(tmp_path):
    frames = np.stack([np.full((32, 32), value) for value in (1000, 1200, 1400)])
    frames[:, 0, 0] = 4095
    source = make_cine(tmp_path / "cine.dcm", frames)

    shown = render(source)

    assert [int(frame[16, 16]) for frame in shown] == [0, 128, 255]
    with open_recording(source) as recording:
        assert "estimated" in find_window(recording, read_shape(recording))[1][0]


def test_what_the_shutter_covers_does_not_count_for_the_estimate(tmp_path):
    frames = np.full((2, 40, 40), 4000)
    frames[:, 10:30, 10:20], frames[:, 10:30, 20:30] = 500, 700
    shutter: dict[str, Any] = {
        "ShutterShape": "RECTANGULAR",
        "ShutterLeftVerticalEdge": 11,
        "ShutterRightVerticalEdge": 30,
        "ShutterUpperHorizontalEdge": 11,
        "ShutterLowerHorizontalEdge": 30,
        "ShutterPresentationValue": 0x8000,
    }
    source = make_cine(tmp_path / "cine.dcm", frames, **shutter)

    shown = render(source)[0]

    assert (int(shown[15, 15]), int(shown[15, 25]), int(shown[0, 0])) == (0, 255, 0x80)


@pytest.mark.parametrize(
    ("shutter", "visible", "hidden"),
    [
        (
            {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [32, 48], "RadiusOfCircularShutter": 10},
            (31, 47),
            (31, 60),
        ),
        (
            {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 1, 1, 96, 64, 1]},
            (5, 5),
            (60, 90),
        ),
    ],
)
def test_round_and_polygonal_shutters_hide_what_lies_outside(tmp_path, shutter, visible, hidden):
    source = make_cine(tmp_path / "cine.dcm", **shutter)

    with open_recording(source) as recording:
        mask = shutter_mask(recording.header, read_shape(recording))

    assert mask is not None
    assert not mask[visible]
    assert mask[hidden]


def test_bits_above_the_stored_ones_are_ignored(tmp_path):
    frames = numbered_frames(2)
    clean = make_cine(tmp_path / "clean.dcm", frames, **WINDOWED)
    with_overlay = make_cine(tmp_path / "overlay.dcm", frames | 0x1000, **WINDOWED)

    assert np.array_equal(render(clean), render(with_overlay))


def test_an_enhanced_file_has_the_window_of_each_frame(tmp_path):
    frames = np.full((2, 16, 16), 1000)
    groups = []
    for center in ("1000", "2000"):
        window, group = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = center, "1000"
        group.FrameVOILUTSequence = [window]
        groups.append(group)
    source = make_cine(tmp_path / "cine.dcm", frames, PerFrameFunctionalGroupsSequence=groups)

    shown = render(source)

    assert (int(shown[0, 0, 0]), int(shown[1, 0, 0])) == (128, 0)


def test_palette_colours_are_looked_up(tmp_path):
    frames = np.arange(256).reshape(1, 16, 16).repeat(2, axis=0)
    tables: dict[str, Any] = {
        f"{colour}PaletteColorLookupTable{part}": value
        for colour, values in (("Red", range(256)), ("Green", range(255, -1, -1)), ("Blue", [7] * 256))
        for part, value in (
            ("Descriptor", [256, 0, 16]),
            ("Data", (np.array(values, "<u2") * 257).astype("<u2").tobytes()),
        )
    }
    source = make_cine(tmp_path / "cine.dcm", frames, PhotometricInterpretation="PALETTE COLOR", **tables)

    shown = render(source)[0].reshape(256, 3)

    assert np.array_equal(shown[:, 0], np.arange(256))
    assert np.array_equal(shown[:, 1], np.arange(255, -1, -1))
    assert set(shown[:, 2].tolist()) == {7}


def test_a_real_palette_cine_is_what_dcmtk_shows(shared, tmp_path):
    source = shared / "testdata" / "dicom" / "us_palette_2f_rle.dcm"

    assert largest_difference(render(source), render_with_dcmtk(source, tmp_path)) <= 1


def test_luminance_and_chroma_become_rgb_once(tmp_path):
    frames = np.empty((2, 8, 8, 3), np.int64)
    frames[:] = (76, 85, 255)
    source = make_cine(tmp_path / "cine.dcm", frames, PhotometricInterpretation="YBR_FULL")

    red, green, blue = (int(value) for value in render(source)[0, 0, 0])

    assert red >= 253
    assert green <= 2
    assert blue <= 2


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_lossless_syntaxes_give_the_pictures_of_the_plain_file(tmp_path, syntax):
    frames = numbered_frames(4)
    plain = make_cine(tmp_path / "plain.dcm", frames, **WINDOWED)
    packed = make_cine(tmp_path / "packed.dcm", frames, **WINDOWED)
    cine = dcmread(packed)
    cine.compress(syntax)
    cine.save_as(packed)

    shown = render(packed)

    assert [read_number(frame) for frame in shown] == [0, 1, 2, 3]
    assert np.array_equal(shown, render(plain))


def test_frames_of_several_fragments_are_joined_by_offset_table_or_marker(shared, tmp_path):
    source = shared / "testdata" / "dicom" / "xa_coronary_12f_jpeglossless_sv1.dcm"
    halves = _split_every_frame(source, tmp_path / "halves.dcm", with_table=False)
    with_table = _split_every_frame(source, tmp_path / "table.dcm", with_table=True)

    expected = render(source)

    assert np.array_equal(render(halves), expected)
    assert np.array_equal(render(with_table), expected)


def test_a_compressed_frame_of_another_size_than_the_header_is_refused(shared, tmp_path):
    source = shared / "testdata" / "dicom" / "xa_coronary_12f_jpeglossless_sv1.dcm"
    cine = dcmread(source)
    cine.Rows = 256
    cine.save_as(tmp_path / "lie.dcm")

    with pytest.raises(Refused) as refusal:
        render(tmp_path / "lie.dcm")

    assert refusal.value.reason == "corrupt"


def test_one_frame_at_a_time_is_in_memory(tmp_path):
    source = make_cine(tmp_path / "cine.dcm", numbered_frames(40))
    with open_recording(source) as recording:
        frames = decode_frames(recording, read_shape(recording))

        first = next(frames)

        assert first.shape == (64, 96)
        assert recording.file.tell() < source.stat().st_size / 4


def _split_every_frame(source: Path, target: Path, *, with_table: bool) -> Path:
    cine = dcmread(source)
    frames = list(generate_frames(cine.PixelData, number_of_frames=12))
    cine.PixelData = encapsulate(frames, fragments_per_frame=2, has_bot=with_table)
    cine.save_as(target)
    return target
