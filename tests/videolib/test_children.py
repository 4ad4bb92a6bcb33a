"""Children start, end in order, and end with us; the S3 server keeps its objects through kills and taken ports."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import s3_url, until
from videolib.children import GRPC_OFFSET, S3_ROLES, Child, S3Server, start_s3_server, start_worker
from videolib.errors import Conflict, Unavailable
from videolib.storage import Store, open_store

ROOT = Path(__file__).resolve().parents[2]
KEYS = ("access-key", secrets.token_hex(20))

# A process that starts one child, says its number and waits to be killed
PARENT = """
import sys, time
from pathlib import Path
from videolib.children import Child, start_s3_server
if sys.argv[1] == "s3":
    child = start_s3_server(Path(sys.argv[2]), access_key=sys.argv[3], secret_key=sys.argv[4]).child
else:
    child = Child(sys.argv[2:])
print(child.pid, flush=True)
time.sleep(600)
"""

# A child that starts one of its own, says both numbers, and will not end when it is asked to
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
below = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), below.pid, flush=True)
time.sleep(600)
"""


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def is_alive(pid: int) -> bool:
    """Whether that process runs; one that has ended and waits to be reaped does not."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] != "Z"
        )
    except (FileNotFoundError, ProcessLookupError):
        return False


def words_in(path: Path, count: int) -> list[str]:
    """What a child has printed, once it is that many words."""
    until(lambda: path.is_file() and len(path.read_text().split()) >= count)
    return path.read_text().split()


# ------------------------------------------------------------------ any child


def test_a_child_that_ends_leaves_its_status_and_its_words(tmp_path: Path) -> None:
    command = python("import sys; print(sys.argv[1:]); sys.stderr.write('and an error'); sys.exit(3)")

    child = Child([*command, "录像 1", "-x"], output=tmp_path / "output")

    assert child.wait(30) == 3
    assert child.poll() == 3
    assert not child.is_running()
    printed = (tmp_path / "output").read_text(encoding="utf-8")
    assert "['录像 1', '-x']" in printed
    assert "and an error" in printed


def test_a_child_knows_only_the_environment_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "x")
    show = python("import os; print(sorted(os.environ))")

    Child(show, environment={"PATH": os.defpath, "GIVEN": "y"}, output=tmp_path / "given").wait(30)
    Child(show, output=tmp_path / "inherited").wait(30)

    assert "GIVEN" in (tmp_path / "given").read_text()
    assert "SECRET_OF_OURS" not in (tmp_path / "given").read_text()
    assert "SECRET_OF_OURS" in (tmp_path / "inherited").read_text()


def test_a_program_that_is_not_there_ends_with_127(tmp_path: Path) -> None:
    assert Child([str(tmp_path / "nothing")]).wait(30) == 127


def test_a_child_is_asked_to_end_and_may_end_in_its_own_way(tmp_path: Path) -> None:
    program = (
        "import signal, sys, time; signal.signal({}, lambda *_: sys.exit(7)); print('up', flush=True); time.sleep(600)"
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        output = tmp_path / number.name
        with Child(python(program.format(int(number))), output=output, stop_signal=number) as child:
            words_in(output, 1)
            assert child.is_running()
        assert child.poll() == 7


def test_a_child_that_will_not_end_is_killed_with_all_it_started(tmp_path: Path) -> None:
    child = Child(python(STUBBORN), output=tmp_path / "output")
    pid, below = map(int, words_in(tmp_path / "output", 2))
    assert pid == child.pid
    assert is_alive(below)

    status = child.stop(grace_s=0.2)

    assert status == -signal.SIGKILL
    until(lambda: not is_alive(below))
    assert child.stop() == -signal.SIGKILL, "may be repeated"


def test_what_an_ended_child_left_running_is_ended_too(tmp_path: Path) -> None:
    program = "import subprocess, sys; print(subprocess.Popen(['sleep', '600']).pid, flush=True)"
    child = Child(python(program), output=tmp_path / "output")
    (below,) = map(int, words_in(tmp_path / "output", 1))

    assert child.wait(30) == 0

    until(lambda: not is_alive(below))


def test_a_child_has_a_session_of_its_own(tmp_path: Path) -> None:
    Child(python("import os; print(os.getsid(0) == os.getpgid(0) == os.getpid())"), output=tmp_path / "out").wait(30)

    assert (tmp_path / "out").read_text() == "True\n"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such signal")
def test_a_child_dies_with_its_parent() -> None:
    with parent("any", "sleep", "600") as (process, pid):
        assert is_alive(pid)
        process.kill()
        process.wait()
        until(lambda: not is_alive(pid))


def test_a_child_outlives_the_thread_that_asked_for_it() -> None:
    children: list[Child] = []
    thread = threading.Thread(target=lambda: children.append(Child(["sleep", "600"])))
    thread.start()
    thread.join()
    (child,) = children

    assert child.wait(0.3) is None
    assert child.stop() == -signal.SIGTERM


def test_a_worker_is_a_module_of_ours(tmp_path: Path) -> None:
    (tmp_path / "some_worker.py").write_text("import sys\nsys.exit(len(sys.argv))\n", encoding="ascii")

    worker = start_worker(["some_worker", "a", "b"], environment={"PATH": os.defpath, "PYTHONPATH": str(tmp_path)})

    assert worker.wait(30) == 3


class parent:  # noqa: N801 - reads as the function that it is
    """A process of ours with one child; gives both."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen([*python(PARENT), *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> tuple[subprocess.Popen[str], int]:
        assert self._process.stdout is not None
        return self._process, int(self._process.stdout.readline())

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.communicate()


# ------------------------------------------------------------------ the S3 server


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., S3Server]]:
    """Starts servers on one folder, and ends those that are left."""
    started: list[S3Server] = []

    def start_one(*, port: int = 0, keys: tuple[str, str] = KEYS) -> S3Server:
        server = start_s3_server(tmp_path / "录像 s3", access_key=keys[0], secret_key=keys[1], port=port)
        started.append(server)
        return server

    yield start_one
    for server in started:
        server.child.kill()
        server.stop()


def store_on(server: S3Server, keys: tuple[str, str] = KEYS) -> Store:
    return open_store(s3_url(server, bucket="kept-objects"), keys=keys)


def test_objects_outlast_stop_kill_taken_ports_and_other_keys(start: Callable[..., S3Server]) -> None:
    first = start()
    store_on(first).prepare()
    store_on(first).put_bytes("a/1", b"1" * 100_000)
    first.stop()

    second = start()
    assert second.port == first.port, "a page that is open goes on to play"
    store_on(second).put_bytes("a/2", b"2" * 100_000)
    second.child.kill()

    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", second.port))
        taken.listen()
        third = start()
        assert third.port != second.port
        store_on(third).put_bytes("a/3", b"3" * 100_000)
        third.child.kill()

    others = ("other-key", secrets.token_hex(20))
    fourth = start(keys=others)
    store = store_on(fourth, others)

    def reads() -> bool:
        """After two kills it answers before it has all its volumes again; until then it says so."""
        try:
            return [store.get_bytes(f"a/{number}")[:1] for number in (1, 2, 3)] == [b"1", b"2", b"3"]
        except Unavailable:
            return False

    until(reads)
    assert [store.get_bytes(f"a/{number}") for number in (1, 2, 3)] == [
        str(number).encode() * 100_000 for number in (1, 2, 3)
    ]
    with pytest.raises(Unavailable, match="refuses our credentials"):
        store_on(fourth).get_bytes("a/1")


def test_the_wished_port_is_taken_if_all_it_needs_is_free(start: Callable[..., S3Server], unused: int) -> None:
    server = start(port=unused)
    assert server.port == unused
    server.child.kill()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", unused + GRPC_OFFSET - 1))  # the filer's twin
        taken.listen()
        assert start(port=unused).port != unused


def test_two_servers_never_share_a_folder(start: Callable[..., S3Server]) -> None:
    server = start()
    with pytest.raises(Conflict, match="already uses this folder"):
        start()
    store_on(server).prepare()

    server.child.kill()

    start()


def test_the_server_dies_with_its_parent_and_frees_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "s3"
    with parent("s3", str(folder), *KEYS) as (process, pid):
        assert is_alive(pid)
        process.kill()
        process.wait()
        until(lambda: not is_alive(pid))

    server = start_s3_server(folder, access_key=KEYS[0], secret_key=KEYS[1])
    server.child.kill()
    server.stop()

    assert not is_alive(server.child.pid)


def test_the_server_is_quiet_keeps_its_secret_and_cleans_up(
    start: Callable[..., S3Server], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    server = start()
    store_on(server).prepare()
    listening = Path("/proc/net/tcp").read_text(encoding="ascii").upper()
    server.stop()

    printed = capfd.readouterr()
    assert printed.out == printed.err == ""
    assert KEYS[1] not in repr(server)
    texts = [path.read_bytes() for path in (tmp_path / "录像 s3").rglob("*") if path.is_file()]
    assert texts
    assert not any(KEYS[1].encode() in text for text in texts)
    base = server.port - S3_ROLES.index("s3")
    for number in range(base, base + len(S3_ROLES)):
        assert f"0100007F:{number:04X}" in listening
        assert f"00000000:{number:04X} 00000000:0000 0A" not in listening, "listens on loopback only"
        assert list(Path("/tmp").glob(f"seaweedfs-*-{number}.sock")) == []
        assert list(Path("/tmp").glob(f"seaweedfs-*-{number + GRPC_OFFSET}.sock")) == []


@pytest.fixture
def unused() -> int:
    """A port with free neighbours, as far as one can know."""
    for wish in range(23003, 30000, 10):
        numbers = [number + offset for number in range(wish - 3, wish + 2) for offset in (0, GRPC_OFFSET)]
        if all(_is_free(number) for number in numbers):
            return wish
    pytest.fail("no free ports on this machine")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
