"""Values of a DICOM header that its pixels are searched for: whatever charset it declares, compared forgivingly."""

from __future__ import annotations

import io

import pytest
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from ingest.screening.patient import PatientValues, values_of


def header(**values: bytes) -> Dataset:
    """A header as it is read from a file: bytes that nobody has decoded."""
    dataset = Dataset()
    tags = {"PatientName": (0x00100010, "PN"), "PatientID": (0x00100020, "LO"), "PatientBirthDate": (0x00100030, "DA")}
    for name, value in values.items():
        number, kind = tags[name]
        tag = Tag(number)
        dataset[tag] = RawDataElement(tag, kind, len(value), value, 0, is_implicit_VR=False, is_little_endian=True)
    return dataset


@pytest.mark.parametrize("charset", ["gb18030", "gbk", "utf-8"])
def test_a_han_name_is_read_whatever_the_header_declares(charset: str) -> None:
    values = values_of(header(PatientName="钱慧茹".encode(charset)))

    assert "钱慧茹" in values.han
    assert [match.rule for match in values.matches("姓名 钱慧茹 女")] == ["header"]


def test_a_name_is_found_in_pinyin_in_both_orders() -> None:
    values = values_of(header(PatientName="钱^慧茹".encode()))

    assert values.matches("QIAN HUIRU")
    assert values.matches("Huiru Qian")
    assert values.matches("qian hui ru 45Y")
    assert not values.matches("ZHANG WEI")


def test_one_sign_misread_is_forgiven_in_a_longer_name() -> None:
    values = values_of(header(PatientName="钱慧茹".encode()))

    assert values.matches("钱惠茹")
    assert not values.matches("孙中山")


def test_numbers_are_found_through_signs_that_look_alike() -> None:
    values = values_of(header(PatientID=b"QX7730912"))

    assert values.matches("ID QX 773O9I2")
    assert values.matches("QX-7730912")
    assert not values.matches("QX 1112223")


@pytest.mark.parametrize("line", ["1950-03-02", "02/03/1950", "03.02.1950", "1950年3月2日", "DOB 19500302"])
def test_days_are_found_in_every_usual_order(line: str) -> None:
    values = values_of(header(PatientBirthDate=b"19500302"))

    assert values.matches(line)
    assert not values.matches("1951-03-02")


def test_short_values_are_not_looked_for_everywhere() -> None:
    values = values_of(header(PatientName=b"LI", PatientID=b"12"))

    assert not values.matches("LIVER 12 cm")


def test_nothing_says_what_the_values_are() -> None:
    values = PatientValues(han=frozenset({"钱慧茹"}), numbers=frozenset({"qx7730912"}))

    assert "钱" not in repr(values)
    assert "7730912" not in f"{values}"


def test_a_header_written_and_read_again_gives_its_values() -> None:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "GB18030"
    dataset.PatientName = "Zhang^San=张^三丰"
    file = io.BytesIO()
    dataset.save_as(file, implicit_vr=False, little_endian=True)

    values = values_of(dcmread(io.BytesIO(file.getvalue()), force=True))

    assert "张三丰" in values.han
    assert "zhangsan" in values.latin
