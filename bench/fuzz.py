"""Broken files for the parsers that read what people send: `python -m bench.fuzz [--seconds 60] [--seed N] [--only …]`.

Files that are right are cut, doubled, mixed and changed byte by byte, and read as an upload is. A parser may refuse a
file with a sentence of ours; anything else that it raises, or more than ten seconds, is a finding: the file is kept in
tests/corpus and is read again by tests/ingest/test_corpus.py for ever. Prints how many were read, refused and found.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.dicom import inspect_cine
from ingest.dicom_header import is_dicom
from ingest.errors import IngestError
from tests.dicom_samples import make_cine, make_study_file
from videolib.cues import read_cues, write_vtt
from videolib.errors import VideolibError

CORPUS = Path(__file__).resolve().parent.parent / "tests" / "corpus"
TOO_LONG_S = 10.0
_VTT = (
    "WEBVTT\n\nNOTE x\n\nSTYLE\n::cue { color: red }\n\n1\n00:00.500 --> 00:02.000 align:start\n"
    "<v 张三><i>置入</i> &amp; 支架\n"
)
_SRT = "1\r\n00:00:00,500 --> 00:00:02,000\r\n{\\an8}<b>wire</b>\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\n支架\r\n"
_ASS = (
    "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:00.50,0:00:02.00,Default,,0,0,0,,{\\k20}wire\\Nin\n"
)


@dataclass(frozen=True)
class Target:
    """One parser: files that are right, pieces that mean something to it, and how it reads."""

    seeds: Sequence[bytes]
    words: Sequence[bytes]
    read: Callable[[bytes], object]


def read_captions(content: bytes) -> None:
    """As an upload of captions: read, write anew, read that."""
    cues = read_cues(content)
    text = write_vtt(cues)
    assert len(read_cues(text)) == len(cues), "what was written anew reads otherwise"


def read_dicom(content: bytes) -> None:
    """As an upload of DICOM: looked at."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f"
        path.write_bytes(content)
        if is_dicom(path):
            inspect_cine(path)


def targets() -> dict[str, Target]:
    """The parsers by name."""
    captions = [_VTT.encode(), _SRT.encode(), _ASS.encode(), _VTT.encode("utf-16"), _SRT.encode("gb18030")]
    words = [b"-->", b"\n\n", b"WEBVTT", b"[Events]", b"Dialogue:", b"99:99:99.999", b"\xff\xfe", b"\0", b"<c.", b"{\\"]
    tags = [
        bytes.fromhex(text) for text in ("feff00e0", "feffdde0", "e07f1000", "28000800", "ffffffff", "280010005553")
    ]
    return {
        "captions": Target(captions, words, read_captions),
        "dicom": Target(_dicom_seeds(), [*tags, b"SQ\0\0", b"UN\0\0", b"OB\0\0", b"DICM", b"IS\x02\0"], read_dicom),
    }


def _dicom_seeds() -> list[bytes]:
    small = np.arange(2 * 16 * 16, dtype=np.int16).reshape(2, 16, 16)
    with tempfile.TemporaryDirectory() as folder:
        made = [
            make_cine(Path(folder) / "a", small % 200),
            make_cine(Path(folder) / "b", small + 700, WindowCenter="700", WindowWidth="300"),
            make_study_file(Path(folder) / "c", small + 700, SOPInstanceUID="1.2.3.4.5", InstanceNumber=1),
        ]
        return [path.read_bytes() for path in made]


def broken(chance: random.Random, target: Target) -> bytes:
    """One of the right files, with one to eight things done to it."""
    content = bytearray(chance.choice(target.seeds))
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(content) + 1)
        length = min(chance.choice((1, 2, 4, 8, 64, 512)), len(content) - at)
        deed = chance.randrange(6)
        if deed == 0:
            content[at : at + length] = chance.randbytes(length)
        elif deed == 1:
            del content[at : at + length]
        elif deed == 2:
            content[at:at] = content[at : at + length] * chance.randint(1, 4)
        elif deed == 3:
            content[at : at + length] = chance.choice(target.words)
        elif deed == 4 and length:
            content[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, content[at] ^ (1 << chance.randrange(8))))
        else:
            other = chance.choice(target.seeds)
            content[at:] = other[min(at, len(other)) :]
    return bytes(content[:200_000])


def judge(target: Target, content: bytes) -> str:
    """Whether it was `read` or `refused`, or what is wrong."""
    began = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.read(content)
    except (VideolibError, IngestError):
        said = "refused"
    except Exception as error:  # noqa: BLE001 - any other error is what is looked for
        said = f"{type(error).__name__}: {str(error)[:80]}"
    else:
        said = "read"
    return said if time.monotonic() - began < TOO_LONG_S else "took too long"


def main() -> None:
    """Break files for as long as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--only", choices=sorted(targets()))
    given = parser.parse_args()
    print(f"seed {given.seed}")
    for name, target in targets().items():
        if given.only in {None, name}:
            run(name, target, random.Random(given.seed), given.seconds)


def run(name: str, target: Target, chance: random.Random, seconds: float) -> None:
    """One parser; each kind of finding is kept once."""
    counts: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        content = broken(chance, target)
        said = judge(target, content)
        if said not in {"read", "refused"} and said not in counts:
            (CORPUS / name).mkdir(parents=True, exist_ok=True)
            (CORPUS / name / f"{hashlib.sha256(content).hexdigest()[:16]}.bin").write_bytes(content)
        counts[said] += 1
    print(f"{name}: {sum(counts.values())} files in {seconds:.0f} s")
    for said, count in counts.most_common():
        print(f"  {count:8} {said}")


if __name__ == "__main__":
    main()
