"""The samples of config/deploy do what they say: units that systemd takes, logs that turn, nginx before the service.

nginx is real: the sample with other ports, folders and a certificate made here, before the application.
"""

from __future__ import annotations

import datetime
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.browser.conftest import free_port
from tests.conftest import need
from tests.servers import until
from tests.visitors import PACKAGE, Site, answering, make_site, media_path
from videolib.children import Child
from videolib.db import Database

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "config" / "deploy"
SEGMENT = "video/360p/0001.m4s"


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    need(program, "systemd-analyze; install the package systemd")
    python = Path(sys.executable)
    for unit in [*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")]:
        said = unit.read_text("utf-8").replace("/opt/videolib/.venv/bin", str(python.parent))
        (tmp_path / unit.name).write_text(said.replace("/opt/videolib", str(ROOT)), encoding="utf-8")

    units = sorted(str(path) for path in tmp_path.glob("videolib-*"))
    done = subprocess.run(
        [str(program), "verify", "--man=no", *units], capture_output=True, text=True, check=False, timeout=120
    )

    assert len(units) == 4
    ours = [line for line in done.stderr.splitlines() if "videolib-" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_what_the_units_start_is_a_command_of_ours() -> None:
    units = "".join(path.read_text("utf-8") for path in DEPLOY.glob("*.service"))

    for command in set(re.findall(r"-m videolib (\w+)", units)):
        done = subprocess.run(
            [sys.executable, "-m", "videolib", command, "--help"], capture_output=True, check=False, cwd=ROOT
        )
        assert done.returncode == 0
    for option in ("--key-file", "--keep-days"):
        assert option in units


def test_logs_of_nginx_are_turned(tmp_path: Path) -> None:
    program = shutil.which("logrotate")
    need(program, "logrotate; install the package logrotate")
    log = tmp_path / "videolib.log"
    log.write_text("a line\n", encoding="ascii")
    said = (DEPLOY / "logrotate.conf").read_text("utf-8").replace("/var/log/nginx/videolib.log", str(log))
    (tmp_path / "rotate.conf").write_text(f"{said}\n", encoding="utf-8")
    (tmp_path / "rotate.conf").chmod(0o644)
    tmp_path.chmod(0o755)

    done = subprocess.run(
        [str(program), "--force", "--state", str(tmp_path / "state"), str(tmp_path / "rotate.conf")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "videolib.log.1").read_text("ascii") == "a line\n"


class Front:
    """nginx by the sample; `get` asks it as a browser would."""

    def __init__(self, port: int, folder: Path) -> None:
        self.base = f"https://localhost:{port}"
        self.log = folder / "access.log"
        self._certificate = str(folder / "certificate.pem")

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(
            self.base + path, headers=headers, verify=self._certificate, allow_redirects=False, timeout=30
        )

    def post(self, path: str, body: str | dict[str, str], **headers: str) -> requests.Response:
        return requests.post(self.base + path, json=body, headers=headers, verify=self._certificate, timeout=30)


@contextmanager
def nginx_before(service: str, store: Path, folder: Path) -> Iterator[Front]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    need(program, "nginx; install the package nginx-light")
    port, plain = free_port(), free_port()
    make_certificate(folder)
    said = (DEPLOY / "nginx.conf").read_text("utf-8")
    for was, becomes in {
        "127.0.0.1:8000": service.removeprefix("http://"),
        "listen 443": f"listen 127.0.0.1:{port}",
        "listen 80": f"listen 127.0.0.1:{plain}",
        "video.hospital.example": "localhost",
        "/etc/videolib": str(folder),
        "/var/lib/videolib/store": str(store),
        "/var/log/nginx/videolib.log": str(folder / "access.log"),
    }.items():
        assert was in said
        said = said.replace(was, becomes)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        f"events {{ worker_connections 256; }}\nhttp {{ {temporary} types {{ video/iso.segment m4s; }}\n{said}\n}}\n",
        encoding="utf-8",
    )
    command = [str(program), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with Child(command, output=folder / "nginx.log"):
        front = Front(port, folder)
        until(lambda: answers(front))
        yield front


def answers(front: Front) -> bool:
    try:
        return front.get("/healthz").status_code == 200
    except requests.RequestException:
        return False


def make_certificate(folder: Path) -> None:
    """One for localhost, as the hospital's own would be."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "certificate.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture
def fronted(sqlite_database: Database, tmp_path: Path) -> Iterator[tuple[Site, Front]]:
    """A site whose segments nginx sends."""
    site = make_site(sqlite_database, accel_prefix="/stored/", public_url="https://localhost")
    folder = tmp_path / "nginx"
    folder.mkdir()
    store = Path(site.settings.store_url.removeprefix("file:"))
    with answering(site.app) as service, nginx_before(service, store, folder) as front:
        yield site, front
    site.index.close()


def test_nginx_sends_segments_to_whom_the_service_lets(fronted: tuple[Site, Front]) -> None:
    site, front = fronted
    entry = site.add_published()
    token = site.bearer("trainee")
    playback = front.get(f"/api/v1/entries/{entry.id}/playback", **token).json()
    assert playback["hls_url"].startswith("https://localhost")
    path = media_path(playback, SEGMENT)

    whole, part = front.get(path), front.get(path, Range="bytes=16-31")
    again = front.get(path, **{"If-None-Match": whole.headers["ETag"]})

    content = PACKAGE[SEGMENT]
    assert (whole.status_code, whole.content) == (200, content)
    assert (whole.headers["Content-Type"], whole.headers["Server"]) == ("video/iso.segment", "nginx")
    assert whole.headers["Cache-Control"].startswith("private, max-age=")
    assert (part.status_code, part.content) == (206, content[16:32])
    assert again.status_code == 304
    assert "X-Accel-Redirect" not in whole.headers
    # the service has said who may; without its word nothing of the store can be asked for
    stored = f"packages/{entry.package_id}/{SEGMENT}"
    for asked in (f"/stored/{stored}", f"/stored/packages/..%2f{stored}", "/stored/originals/x", f"/{stored}"):
        assert front.get(asked).status_code == 404
    assert front.get(path.replace("/media/", "/media/x")).status_code == 404
    withdrawn = front.post(
        f"/api/v1/entries/{entry.id}/withdraw", {"reason": "The patient asked."}, **site.bearer("editor")
    )
    assert withdrawn.status_code == 200, withdrawn.text
    assert front.get(path).status_code == 404
    # neither token nor words that were searched for are in nginx's log
    front.get("/search?q=住院号12345")
    until(lambda: "/search" in front.log.read_text("utf-8"))
    logged = front.log.read_text("utf-8")
    assert f"/media/-/{SEGMENT}" in logged
    assert path.split("/")[2] not in logged
    assert "12345" not in logged


def test_everything_goes_by_https_and_nothing_is_asked_beside_it(fronted: tuple[Site, Front]) -> None:
    _site, front = fronted

    page, metrics = front.get("/login"), front.get("/metrics")

    assert page.status_code == 200
    assert "max-age=" in page.headers["Strict-Transport-Security"]
    assert "Secure" in page.headers["Set-Cookie"]
    assert metrics.status_code in {200, 401, 403}
    # what is too large is refused before it reaches the service
    assert front.post("/login", "x" * (5 * 2**20)).status_code == 413
