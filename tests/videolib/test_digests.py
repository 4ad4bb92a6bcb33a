"""A digest whose state is kept between processes is the digest of the whole."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from pathlib import Path

from tests.conftest import need
from videolib.digests import STATE_BYTES, begin_digest, end_digest, feed_digest

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = (
    "import sys; from videolib.digests import feed_digest as f; print(f(bytes.fromhex(sys.argv[1]), b'b' * 77).hex())"
)


def test_a_state_goes_on_in_another_process() -> None:
    state = begin_digest()
    need(state is not None, "a Python whose OpenSSL can be reached")
    assert state is not None
    pieces = [random.Random(size).randbytes(size) for size in (0, 1, 63, 64, 65, 1_000_003)]

    for piece in pieces:
        state = feed_digest(state, piece)
    assert state is not None
    assert len(state) == STATE_BYTES
    command = [sys.executable, "-c", ELSEWHERE, state.hex()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)

    assert end_digest(state) == hashlib.sha256(b"".join(pieces)).hexdigest()
    assert end_digest(bytes.fromhex(done.stdout)) == hashlib.sha256(b"".join(pieces) + b"b" * 77).hexdigest()


def test_without_a_state_there_is_no_digest() -> None:
    assert feed_digest(None, b"a") is None
    assert end_digest(None) is None
    assert end_digest(b"of another form") is None
