"""Rules that say which text identifies a patient: each prefix, number and name, as written and as a screen is read."""

from __future__ import annotations

import pytest

from videolib.han_names import is_han_name, is_pinyin_name
from videolib.identifiers import RISKS, find_identifiers, find_in_lines, is_national_id

FOUND = {
    # identity numbers: as printed, with blanks, with letters that look like digits, with a sign lost on the way
    "11010519491231002X": "national_id",
    "110105 19491231 002X": "national_id",
    "身份证号：11010519491231002x": "national_id",
    "1l0105l949123l002X": "national_id",
    "11010519491231003X": "national_id",
    # mobile numbers
    "13800138000": "mobile",
    "138 0013 8000": "mobile",
    "电话 +86 13800138000": "mobile",
    "Tel13800138000": "mobile",
    "Op13800138000": "mobile",  # over other writing
    # numbers of the hospital
    "住院号：ZY20231234": "hospital_number",
    "住 院 号 20231234": "hospital_number",
    "门诊号:0012345": "hospital_number",
    "内诊号：36007114": "hospital_number",
    "病案号 1234567": "hospital_number",
    "病历号123456": "hospital_number",
    "床号：12": "bed",
    "+12床": "bed",
    "Bed No 7": "bed",
    "检查号：CT20230101": "identifier",
    "编号 88421": "identifier",
    "Patient ID: A12345": "identifier",
    "PatientID A12345": "identifier",
    "MRN 00123456": "identifier",
    "Acc. No: 889123": "identifier",
    "ID:TEST001": "identifier",
    "ＩＤ：１２３４５６": "identifier",
    "VisitID 88l2O4": "identifier",
    "患者ID 123456": "identifier",
    # names beside a prefix, or beside sex and age
    "姓名：张伟": "name",
    "姓 名 : 欧阳锋": "name",
    "患者:李娜": "name",
    "张伟 男 45岁": "name",
    "吴芳娜女28岁": "name",
    "Name: SMITH^JOHN": "name",
    "Patient Name: Garcia Maria": "name",
    # names that stand alone
    "王小明": "possible_name",
    "ZHANG WEI": "possible_name",
    "Wei Zhang": "possible_name",
    "MUELLER^HANNELORE": "possible_name",
    # days
    "2023-05-06 12:30": "date",
    "2023/5/6": "date",
    "2023年5月6日": "date",
    "06.05.2023": "date",
    "20230506": "date",
    "12-Mar-2019": "date",
    "Mar 12, 2019": "date",
    "1984-0903": "date",
    "198409-03": "date",
    "出生日期：1980-01-02": "date",
    "D0B: 840903": "date",
    "DOB: 1980-01-02": "date",
}
# what devices write on screens, and times alone
CLEAN = (
    "12:30:45",
    "高清",
    "白平衡",
    "时间 00:12:30",
    "MI 0.8 TIs 0.4",
    "Depth 12 cm",
    "FPS 25",
    "kV 80 mA 500",
    "2.1.10",
    "213800138000",
    "LAO 30 CRAN 15",
    "Gain 50%",
    "Frame 12/96",
    "GE LOGIQ E9",
    "1920x1080",
    "0.035 inch guide wire",
    "guidewire 0.035 inch",
    "The guidewire crosses the lesion. Mind the branch.",
    "Inside the vessel, 1200 units of heparin",
    "a patient no longer bleeding at 120 s",
    "2023-13-45",
    "31.02.2023x",
    "2010-1334",
    "2048/1024",
    "门静脉",
    "左心室造影",
    "",
)


@pytest.mark.parametrize(("line", "rule"), FOUND.items())
def test_what_identifies_is_found_by_its_rule(line: str, rule: str) -> None:
    found = find_identifiers(line)

    assert rule in {match.rule for match in found}, found
    assert all(0 <= match.start < match.end and 0 < match.confidence <= 1 for match in found)


@pytest.mark.parametrize("line", CLEAN)
def test_what_devices_write_is_not_taken_for_a_patient(line: str) -> None:
    assert find_identifiers(line) == []


def test_the_check_sign_of_an_identity_number_counts() -> None:
    assert is_national_id("11010519491231002X")
    assert not is_national_id("110105194912310021")
    assert not is_national_id("99010519491231002X"), "no such province"
    assert not is_national_id("11010519491331002X"), "no such month"


def test_a_right_check_sign_makes_surer_than_a_wrong_one() -> None:
    right, wrong = find_identifiers("11010519491231002X")[0], find_identifiers("110105194912310021")[0]

    assert right.confidence > wrong.confidence > 0.5


def test_a_prefix_and_its_value_may_be_read_as_two_lines() -> None:
    assert {match.rule for match in find_in_lines(["姓名:", "李四"])} == {"name"}
    assert {match.rule for match in find_in_lines(["住院号", "20231234"])} == {"hospital_number"}
    assert find_in_lines(["Depth", "12 cm"]) == []


def test_the_worst_comes_first_and_nothing_is_told_twice() -> None:
    found = find_identifiers("姓名：张伟 住院号：20231234 床号：12")

    assert [match.rule for match in found] == ["name", "hospital_number", "bed"]
    assert [match.risk for match in found] == sorted((match.risk for match in found), reverse=True)


def test_every_rule_has_a_risk() -> None:
    assert {match.rule for line in FOUND for match in find_identifiers(line)} <= RISKS.keys()


@pytest.mark.parametrize(
    ("text", "is_name"), [("张伟", True), ("欧阳锋", True), ("高清", False), ("导丝", False), ("张", False)]
)
def test_names_are_a_surname_and_one_or_two_more(text: str, is_name: bool) -> None:
    assert is_han_name(text) is is_name


def test_pinyin_names_are_a_surname_and_syllables() -> None:
    assert is_pinyin_name("Zhang", "Xiaoming")
    assert not is_pinyin_name("Guide", "Wire")


def test_a_number_after_han_characters_is_as_sure_as_one_alone_and_after_letters_it_is_less_so() -> None:
    sure = {line: find_identifiers(line)[0].confidence for line in ("电话13800138000", "13800138000", "SN13800138000")}

    assert list(sure.values()) == [0.9, 0.9, 0.6]
