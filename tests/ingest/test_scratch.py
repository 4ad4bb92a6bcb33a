"""Folders of work in hand: those of the living stay however old they are, those of the dead go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from ingest.scratch import scratch_folder, sweep

LONG_AGO = 1_000_000_000
HOLD = """
import sys, time
from pathlib import Path
from ingest.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1]), "job-") as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


def test_an_hour_of_work_keeps_its_folder_until_its_process_is_dead(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as worker:
        assert worker.stdout
        folder = Path(worker.stdout.readline().strip())
        (folder / "0001.m4s").write_bytes(b"x")
        os.utime(folder, (LONG_AGO, LONG_AGO))

        assert sweep(tmp_path) == 0
        assert folder.is_dir()
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()

    assert sweep(tmp_path) == 1
    assert not folder.exists()


def test_a_folder_is_gone_at_the_end_and_one_that_is_just_made_is_left(tmp_path: Path) -> None:
    with scratch_folder(tmp_path, "parts-") as folder:
        assert folder.is_dir()
    (tmp_path / "study-of-a-process-that-locks-it-next").mkdir()

    assert sweep(tmp_path) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["study-of-a-process-that-locks-it-next"]
    assert sweep(tmp_path / "nothing") == 0
